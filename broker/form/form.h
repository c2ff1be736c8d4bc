/* SPDX-License-Identifier: Apache-2.0 */
/* form.h - the forms in which messages are sent to connections.
 *
 * A segment is written once, in its native form.  Each other form is derived
 * from it on the first delivery to a subscriber that uses the form, and is then
 * shared by all subscribers that use it.
 *
 * Thread: the loop's own. */
#ifndef PL_FORM_H
#define PL_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pl_segment;
struct pl_segment_pool;

/* All connections of one form receive the same bytes. */
enum pl_form {
    PL_FORM_FRAMES,        /* native: WebSocket frames */
    PL_FORM_FRAMES_WIDE,   /* compressed, with a window of 15 bits */
    PL_FORM_FRAMES_NARROW, /* compressed, for all smaller windows */
    PL_FORM_LINES,         /* lines of text */
    PL_FORM_EVENTS,        /* events of text/event-stream */
    PL_FORM_COUNT
};

/* True if a connection of this form accepts native messages as well: messages
 * that could not be derived are then sent as they are.  Otherwise they are
 * lost. */
bool pl_form_may_fall_back(enum pl_form form);

/* True if messages end with a line feed.  They must be text.  Line feeds and
 * carriage returns in them become spaces, which does not change JSON: there
 * they can only be white space. */
bool pl_form_is_text(enum pl_form form);

/* The state for deriving forms on one loop: its segment pool and
 * compressors. */
struct pl_forms; /* opaque */

/* Create with one reference; NULL: out of memory. */
struct pl_forms *pl_forms_create(void);
struct pl_forms *pl_forms_hold(struct pl_forms *f);
/* NULL is allowed. */
void pl_forms_release(struct pl_forms *f);

/* Owner:  `f`; hold the pool to use it longer. */
struct pl_segment_pool *pl_forms_pool(const struct pl_forms *f);

/* Another form of a segment, as far as subscribers needed it. */
struct pl_derived {
    struct pl_segment *segment; /* reference; NULL: none yet */
    uint32_t covered;           /* bytes of the source that it covers */
    uint32_t last;              /* start of its newest message */
    bool is_given_up;           /* out of memory: the rest is not derived */
};

/* Derive `form`, which is not FRAMES, of all messages in `s`.  The result
 * covers all of `s` unless it is given up.  It is valid until `s` is sealed. */
const struct pl_derived *
pl_segment_derive(struct pl_forms *f, struct pl_segment *s, enum pl_form form);

/* What pl_segment_derive() made of `s` so far. */
const struct pl_derived *pl_segment_derived(const struct pl_segment *s,
                                            enum pl_form form);

/* Convert the last message of `s`, which begins at `mark` and has one receiver,
 * to the form of that receiver.  Only for forms that may fall back: their
 * messages may be mixed with native ones.  If out of memory, the message stays
 * native. */
void pl_segment_convert_last(struct pl_forms *f, struct pl_segment *s,
                             size_t mark, enum pl_form form);

/* Remove the last message of `s`, which begins at `mark`, and return it in
 * another form, which is not FRAMES, in a segment of its own; NULL: out of
 * memory, and the message is lost.
 * Owner:  the caller has the only reference to the result. */
struct pl_segment *pl_segment_take_last(struct pl_forms *f,
                                        struct pl_segment *s, size_t mark,
                                        enum pl_form form);

#endif
