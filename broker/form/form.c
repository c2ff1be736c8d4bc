/* SPDX-License-Identifier: Apache-2.0 */
/* form.c - see form.h.
 *
 * A form is a row of a table with two functions: one writes a message, given as
 * a frame; one finds the end of a message.  The memory for a derived form is
 * reserved before it changes, so it contains a message whole or not at all.
 *
 * Compressed frames may fall back to native ones; lines and events may not.  A
 * form that is given up stays so until the segment is sealed: otherwise a later
 * message of the segment would overtake earlier ones.
 *
 * Rejected: neutral messages that each link frames for itself.  Framing once
 * per turn costs 3.5 % of a round trip, framing per receiver 17 % of a fan-out
 * and more.
 *
 * Invariant: the messages of a derived segment are, in order, those of the
 * first `covered` bytes of its source. */
#include "form.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "deflate.h"
#include "frame.h"
#include "segment.h"

struct pl_forms {
    struct pl_segment_pool *pool; /* reference */
    struct pl_deflater deflater;
    uint32_t holders;
};

struct pl_forms *pl_forms_create(void)
{
    struct pl_forms *f = calloc(1, sizeof *f);

    if (f == NULL)
        return NULL;
    f->holders = 1;
    f->pool = pl_segment_pool_create();
    if (f->pool == NULL) {
        free(f);
        return NULL;
    }
    return f;
}

struct pl_forms *pl_forms_hold(struct pl_forms *f)
{
    f->holders++;
    return f;
}

void pl_forms_release(struct pl_forms *f)
{
    if (f == NULL || --f->holders > 0)
        return;
    pl_deflater_fini(&f->deflater);
    pl_segment_pool_release(f->pool);
    free(f);
}

struct pl_segment_pool *pl_forms_pool(const struct pl_forms *f)
{
    return f->pool;
}

/* --- The forms --- */

struct kind {
    size_t extra; /* bytes by which a message may exceed its frame */
    bool may_fall_back;
    bool is_text;
    /* Append the message of `frame`; the space is reserved. */
    void (*write)(struct pl_forms *f, struct pl_buf *to, struct pl_span frame);
    /* Return the length of the whole message at the start of `rest`. */
    size_t (*length)(struct pl_span rest);
};

static void write_wide(struct pl_forms *f, struct pl_buf *to,
                       struct pl_span frame)
{
    pl_deflate_frame(&f->deflater, PL_DEFLATE_WIDE, to, frame);
}

static void write_narrow(struct pl_forms *f, struct pl_buf *to,
                         struct pl_span frame)
{
    pl_deflate_frame(&f->deflater, PL_DEFLATE_NARROW, to, frame);
}

static void blank(char *at, size_t len, char c)
{
    for (char *end = at + len; (at = memchr(at, c, (size_t)(end - at)));)
        *at = ' ';
}

/* Append the text of a frame as one line. */
static void put_text(struct pl_buf *to, struct pl_span frame)
{
    struct pl_span text = pl_ws_frame_payload(frame);
    size_t from = to->len;

    pl_buf_put_span(to, text);
    assert(!to->failed);
    blank(to->data + from, text.len, '\n');
    blank(to->data + from, text.len, '\r');
}

static void write_line(struct pl_forms *f, struct pl_buf *to,
                       struct pl_span frame)
{
    (void)f;
    put_text(to, frame);
    pl_buf_put_byte(to, '\n');
}

static void write_event(struct pl_forms *f, struct pl_buf *to,
                        struct pl_span frame)
{
    (void)f;
    pl_buf_put_span(to, PL_SPAN("data: "));
    put_text(to, frame);
    pl_buf_put_span(to, PL_SPAN("\n\n"));
}

static size_t length_of_line(struct pl_span rest)
{
    const char *end = memchr(rest.at, '\n', rest.len);

    assert(end != NULL);
    return (size_t)(end - rest.at) + 1;
}

static size_t length_of_event(struct pl_span rest)
{
    return length_of_line(rest) + 1;
}

enum { HEADER_MIN = 2 /* bytes by which each frame exceeds its message */ };

static const struct kind kinds[PL_FORM_COUNT] = {
    [PL_FORM_FRAMES] = {.may_fall_back = true, .length = pl_ws_frame_length},
    [PL_FORM_FRAMES_WIDE] = {.may_fall_back = true,
                             .write = write_wide,
                             .length = pl_ws_frame_length},
    [PL_FORM_FRAMES_NARROW] = {.may_fall_back = true,
                               .write = write_narrow,
                               .length = pl_ws_frame_length},
    [PL_FORM_LINES] = {.is_text = true,
                       .write = write_line,
                       .length = length_of_line},
    [PL_FORM_EVENTS] = {.extra = sizeof "data: \n\n" - 1 - HEADER_MIN,
                        .is_text = true,
                        .write = write_event,
                        .length = length_of_event},
};

bool pl_form_may_fall_back(enum pl_form form)
{
    return kinds[form].may_fall_back;
}

bool pl_form_is_text(enum pl_form form)
{
    return kinds[form].is_text;
}

/* --- Iterating over messages --- */

uint32_t pl_segment_length(const struct pl_segment *s, uint32_t at)
{
    return (uint32_t)kinds[s->form].length(
        (struct pl_span){s->buf.data + at, s->buf.len - at});
}

uint32_t pl_segment_count_part(const struct pl_segment *s, uint32_t from,
                               uint32_t to)
{
    uint32_t count = 0, at = from;

    while (at < to && (at += pl_segment_length(s, at)) <= to)
        count++;
    return count;
}

/* --- Deriving --- */

enum { DERIVED = PL_FORM_COUNT - 1 /* all except the native form */ };

/* The forms of a segment if allocating them fails.  They never change: nothing
 * is derived from such a segment. */
static struct pl_derived given_up[DERIVED] = {
    [0 ... DERIVED - 1] = {.is_given_up = true}};

static const struct pl_derived none;

/* Free the memory that compression did not need: the queue of a slow reader may
 * refer to `s` for long. */
static void fit(struct pl_segment *s)
{
    char *data = s->buf.len == 0 ? NULL : realloc(s->buf.data, s->buf.len);

    if (data == NULL)
        return; /* keep the larger memory */
    s->buf.data = data;
    s->buf.cap = s->buf.len;
}

void pl_segment_drop_derived(struct pl_segment_pool *p, struct pl_segment *s)
{
    for (int i = 0; i < DERIVED; i++) {
        struct pl_segment *derived = s->derived[i].segment;

        if (derived != NULL && derived->holders > 1)
            fit(derived);
        pl_segment_release(p, derived);
    }
    if (s->derived != given_up)
        free(s->derived);
    s->derived = NULL;
}

static struct pl_derived *derived_of(struct pl_segment *s, enum pl_form form)
{
    assert(form != PL_FORM_FRAMES && s->form == PL_FORM_FRAMES);
    if (s->derived == NULL)
        s->derived = calloc(DERIVED, sizeof *s->derived);
    if (s->derived == NULL)
        s->derived = given_up;
    return &s->derived[form - 1];
}

/* Return false if out of memory.  Cold: with more callers pl_buf_reserve() is
 * no longer inlined where each reply begins. */
__attribute__((cold, noinline)) static bool reserve(struct pl_buf *b,
                                                    size_t more)
{
    bool has_space = pl_buf_reserve(b, more) != NULL;

    b->failed = false;
    return has_space;
}

/* Reserve what the messages not covered yet may need.  Return false if out of
 * memory. */
static bool make_space(struct pl_forms *f, struct pl_derived *d,
                       const struct pl_segment *s, enum pl_form form)
{
    if (d->segment == NULL)
        d->segment = pl_segment_create(f->pool);
    if (d->segment == NULL)
        return false;
    d->segment->form = (uint8_t)form;
    size_t more = s->buf.len - d->covered +
                  kinds[form].extra * (s->messages - d->segment->messages);
    if (d->segment->buf.len + more > UINT32_MAX)
        return false; /* offsets have 32 bits */
    return reserve(&d->segment->buf, more);
}

const struct pl_derived *pl_segment_derived(const struct pl_segment *s,
                                            enum pl_form form)
{
    return s->derived == NULL ? &none : &s->derived[form - 1];
}

const struct pl_derived *
pl_segment_derive(struct pl_forms *f, struct pl_segment *s, enum pl_form form)
{
    struct pl_derived *d = derived_of(s, form);

    if (d->covered == s->buf.len || d->is_given_up)
        return d;
    d->is_given_up = !make_space(f, d, s, form);
    while (d->covered < s->buf.len && !d->is_given_up) {
        uint32_t len = pl_segment_length(s, d->covered);

        d->last = (uint32_t)d->segment->buf.len;
        kinds[form].write(f, &d->segment->buf,
                          (struct pl_span){s->buf.data + d->covered, len});
        d->segment->messages++;
        d->covered += len;
    }
    return d;
}

_Static_assert((int)PL_FORM_FRAMES_WIDE == (int)PL_DEFLATE_WIDE &&
                   (int)PL_FORM_FRAMES_NARROW == (int)PL_DEFLATE_NARROW,
               "compressed forms have the numbers of what compresses them");

void pl_segment_convert_last(struct pl_forms *f, struct pl_segment *s,
                             size_t mark, enum pl_form form)
{
    assert(s->form == PL_FORM_FRAMES && kinds[form].may_fall_back);
    if (form != PL_FORM_FRAMES)
        pl_deflate_last(&f->deflater, (enum pl_deflate)form, &s->buf, mark);
}

struct pl_segment *pl_segment_take_last(struct pl_forms *f,
                                        struct pl_segment *s, size_t mark,
                                        enum pl_form form)
{
    struct pl_segment *own = pl_segment_create(f->pool);
    struct pl_span frame = {s->buf.data + mark, s->buf.len - mark};

    assert(s->form == PL_FORM_FRAMES && form != PL_FORM_FRAMES);
    if (own != NULL && reserve(&own->buf, frame.len + kinds[form].extra)) {
        kinds[form].write(f, &own->buf, frame);
        own->form = (uint8_t)form;
        own->messages = 1;
    } else {
        pl_segment_release(f->pool, own);
        own = NULL;
    }
    s->buf.len = mark;
    s->messages--;
    return own;
}
