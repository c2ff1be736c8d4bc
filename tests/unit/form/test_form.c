/* SPDX-License-Identifier: Apache-2.0 */
/* test_form.c - each form of a segment: its bytes, its messages, that it is
 * derived once, and what is left of it when memory fails. */
#include "failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "form.h"
#include "segment.h"

enum { LONG = 600 };

struct fixture {
    struct pl_forms *forms;
    struct pl_segment_pool *pool;
    struct pl_segment *s;
    char text[LONG]; /* compresses well */
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->forms = pl_forms_create();
    f->pool = pl_forms_pool(f->forms);
    f->s = pl_segment_create(f->pool);
    memset(f->text, 'x', LONG);
    *state = f;
    return 0;
}

static int finish(void **state)
{
    struct fixture *f = *state;

    pl_segment_seal(f->pool, f->s);
    pl_segment_release(f->pool, f->s);
    pl_forms_release(f->forms);
    free(f);
    return 0;
}

static void put(struct fixture *f, struct pl_span text)
{
    size_t mark = pl_segment_begin(f->s);

    pl_buf_put_span(&f->s->buf, text);
    assert_true(pl_segment_end_message(f->s, mark, true));
}

static void put_long(struct fixture *f)
{
    put(f, (struct pl_span){f->text, LONG});
}

static const struct pl_derived *derive(struct fixture *f, enum pl_form form)
{
    const struct pl_derived *d = pl_segment_derive(f->forms, f->s, form);

    assert_ptr_equal(pl_segment_derived(f->s, form), d);
    if (!d->is_given_up) {
        assert_int_equal(d->covered, f->s->buf.len);
        assert_int_equal(d->segment->messages, f->s->messages);
        assert_int_equal(d->segment->form, form);
    }
    return d;
}

static void expect_bytes(const struct pl_derived *d, const char *bytes)
{
    assert_int_equal(pl_derived_len(d), strlen(bytes));
    assert_memory_equal(d->segment->buf.data, bytes, strlen(bytes));
}

static void lines_are_the_messages_each_with_a_line_feed(void **state)
{
    struct fixture *f = *state;

    put(f, PL_SPAN("{\"n\":1}"));
    put(f, PL_SPAN(""));
    put(f, PL_SPAN("{}"));
    expect_bytes(derive(f, PL_FORM_LINES), "{\"n\":1}\n\n{}\n");
}

static void events_are_the_messages_each_as_a_field_of_data(void **state)
{
    struct fixture *f = *state;

    put(f, PL_SPAN("{\"n\":1}"));
    put(f, PL_SPAN(""));
    expect_bytes(derive(f, PL_FORM_EVENTS), "data: {\"n\":1}\n\ndata: \n\n");
}

static void a_line_feed_in_a_message_ends_no_line(void **state)
{
    struct fixture *f = *state;
    const struct pl_derived *d;

    put(f, PL_SPAN("{\r\n\"n\":\n1}"));
    put(f, PL_SPAN("\n\n"));
    expect_bytes(derive(f, PL_FORM_LINES), "{  \"n\": 1}\n  \n");
    d = derive(f, PL_FORM_EVENTS);
    expect_bytes(d, "data: {  \"n\": 1}\n\ndata:   \n\n");
    assert_int_equal(pl_segment_count_part(d->segment, 0, pl_derived_len(d)),
                     2);
}

static void compressed_frames_are_shorter_only_if_that_gains(void **state)
{
    struct fixture *f = *state;

    put(f, PL_SPAN("{}"));
    uint32_t first = (uint32_t)f->s->buf.len;
    put_long(f);
    for (int form = PL_FORM_FRAMES_WIDE; form <= PL_FORM_FRAMES_NARROW;
         form++) {
        const struct pl_segment *s = derive(f, (enum pl_form)form)->segment;

        assert_int_equal(pl_segment_length(s, 0), first);
        assert_memory_equal(s->buf.data, f->s->buf.data, first);
        assert_true(s->buf.len < LONG / 2);
        assert_int_equal(first + pl_segment_length(s, first), s->buf.len);
    }
}

static void what_falls_back_and_what_is_text_is_told(void **state)
{
    (void)state;
    for (int form = 0; form < PL_FORM_COUNT; form++) {
        bool is_text = form == PL_FORM_LINES || form == PL_FORM_EVENTS;

        assert_int_equal(pl_form_is_text((enum pl_form)form), is_text);
        assert_int_equal(pl_form_may_fall_back((enum pl_form)form), !is_text);
    }
}

/* Messages are added one by one, and each form is asked for in between. */
static void a_form_is_derived_once_and_grows_with_its_source(void **state)
{
    struct fixture *f = *state;
    const struct pl_derived *d[PL_FORM_COUNT] = {NULL};
    uint32_t len[PL_FORM_COUNT] = {0};

    for (int i = 0; i < 20; i++) {
        put(f, (struct pl_span){f->text, (size_t)i * 37 % LONG});
        for (int form = 1; form < PL_FORM_COUNT; form++) {
            const struct pl_derived *now = derive(f, (enum pl_form)form);

            assert_true(d[form] == NULL || d[form] == now);
            assert_int_equal(now->last, len[form]);
            assert_true(pl_derived_len(now) > len[form]);
            d[form] = now;
            len[form] = pl_derived_len(now);
            assert_ptr_equal(derive(f, (enum pl_form)form), now);
            assert_int_equal(pl_derived_len(now), len[form]);
        }
    }
}

/* The whole messages before each byte. */
static void each_form_is_counted_wherever_it_is_split(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++)
        put(f, (struct pl_span){f->text, (size_t)i * 70});
    for (int form = 0; form < PL_FORM_COUNT; form++) {
        const struct pl_segment *s =
            form == 0 ? f->s : derive(f, (enum pl_form)form)->segment;
        uint32_t whole = 0, end = pl_segment_length(s, 0);

        for (uint32_t to = 0; to <= s->buf.len; to++) {
            if (to == end) {
                whole++;
                end += to < s->buf.len ? pl_segment_length(s, to) : 0;
            }
            assert_int_equal(pl_segment_count_part(s, 0, to), whole);
            assert_int_equal(pl_segment_count(s, 0, to), whole);
        }
        assert_int_equal(whole, 5);
    }
}

static void a_sealed_segment_leaves_derived_ones_to_their_holders(void **state)
{
    struct fixture *f = *state;

    put_long(f);
    struct pl_segment *lines = derive(f, PL_FORM_LINES)->segment;
    pl_segment_hold(lines);
    pl_segment_seal(f->pool, f->s);
    assert_null(f->s->derived);
    pl_segment_seal(f->pool, f->s);
    pl_segment_seal(f->pool, NULL);
    assert_int_equal(lines->holders, 1);
    assert_int_equal(lines->buf.len, LONG + 1);
    assert_int_equal(lines->buf.cap, LONG + 1); /* no more than it needs */
    pl_segment_release(f->pool, lines);
}

static void the_last_message_takes_the_form_of_its_only_receiver(void **state)
{
    struct fixture *f = *state;

    put(f, PL_SPAN("{}"));
    for (int form = 0; form <= PL_FORM_FRAMES_NARROW; form++) {
        size_t mark = f->s->buf.len;

        put_long(f);
        pl_segment_convert_last(f->forms, f->s, mark, (enum pl_form)form);
        assert_int_equal(f->s->buf.len < mark + LONG, form != PL_FORM_FRAMES);
    }
    assert_int_equal(f->s->messages, 4);
    assert_int_equal(pl_segment_count_part(f->s, 0, (uint32_t)f->s->buf.len),
                     4);
}

/* --- Without memory --- */

/* Whether the nth allocation was reached. */
static bool derive_short_of_memory(struct fixture *f, enum pl_form form,
                                   unsigned n)
{
    alloc_fails_at = n;
    const struct pl_derived *d = pl_segment_derive(f->forms, f->s, form);
    bool failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    uint32_t covered = d->covered, len = pl_derived_len(d), at = 0, i = 0;

    assert_int_equal(pl_segment_count(f->s, 0, covered),
                     len == 0 ? 0 : d->segment->messages);
    if (form >= PL_FORM_LINES)
        assert_int_equal(d->is_given_up, failed);
    assert_true(d->is_given_up || covered == f->s->buf.len);
    for (; at < len; i++)
        at += pl_segment_length(d->segment, at);
    assert_int_equal(at, len);
    put_long(f);
    d = pl_segment_derive(f->forms, f->s, form);
    assert_int_equal(d->covered == covered, d->is_given_up);
    assert_false(f->s->buf.failed);
    return failed;
}

static void without_memory_a_form_ends_with_a_whole_message(void **state)
{
    (void)state;
    for (int form = 1; form < PL_FORM_COUNT; form++) {
        for (int had = 0; had < 2; had++) {
            bool failed = true;

            for (unsigned n = 1; failed; n++) {
                void *fresh;

                begin(&fresh);
                struct fixture *f = fresh;
                put_long(f);
                if (had)
                    derive(f, (enum pl_form)form);
                for (int i = 0; i < 40; i++)
                    put_long(f);
                failed = derive_short_of_memory(f, (enum pl_form)form, n);
                assert_true(failed || n > (had ? 1 : 3));
                finish(&fresh);
            }
        }
    }
}

static void a_form_ends_before_offsets_of_32_bits_do(void **state)
{
    struct fixture *f = *state;

    put(f, PL_SPAN("{}"));
    const struct pl_derived *d = derive(f, PL_FORM_EVENTS);
    struct pl_buf real = d->segment->buf;
    d->segment->buf.len = d->segment->buf.cap = UINT32_MAX - 4;
    put(f, PL_SPAN("{}"));
    pl_segment_derive(f->forms, f->s, PL_FORM_EVENTS);
    assert_true(d->is_given_up);
    assert_int_equal(d->segment->buf.len, UINT32_MAX - 4);
    assert_int_equal(d->segment->messages, 1);
    d->segment->buf = real;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        T(lines_are_the_messages_each_with_a_line_feed),
        T(events_are_the_messages_each_as_a_field_of_data),
        T(a_line_feed_in_a_message_ends_no_line),
        T(compressed_frames_are_shorter_only_if_that_gains),
        T(what_falls_back_and_what_is_text_is_told),
        T(a_form_is_derived_once_and_grows_with_its_source),
        T(each_form_is_counted_wherever_it_is_split),
        T(a_sealed_segment_leaves_derived_ones_to_their_holders),
        T(the_last_message_takes_the_form_of_its_only_receiver),
        cmocka_unit_test(without_memory_a_form_ends_with_a_whole_message),
        T(a_form_ends_before_offsets_of_32_bits_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
