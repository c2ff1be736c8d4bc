/* SPDX-License-Identifier: Apache-2.0 */
/* form.h - the forms in which links are sent messages.
 *
 * A segment is written once, in its native form.  Every other form is derived
 * from that when the first subscriber that takes it is delivered to, and is
 * then shared by all that take it.
 *
 * Thread: the loop's own. */
#ifndef PL_FORM_H
#define PL_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pl_segment;
struct pl_segment_pool;

/* All links of one form are sent the same bytes. */
enum pl_form {
    PL_FORM_FRAMES,        /* native: WebSocket frames */
    PL_FORM_FRAMES_WIDE,   /* compressed, with a window of 15 bits */
    PL_FORM_FRAMES_NARROW, /* compressed, for every smaller window */
    PL_FORM_LINES,         /* lines of text */
    PL_FORM_EVENTS,        /* events of text/event-stream */
    PL_FORM_COUNT
};

/* Whether a link of this form takes native messages as well.  Those that could
 * not be derived are then sent as they are; otherwise they are lost. */
bool pl_form_may_fall_back(enum pl_form form);

/* Whether messages end with a line feed.  They have to be text, and a line feed
 * or carriage return in them becomes a space; in JSON it can only be a space.
 */
bool pl_form_is_text(enum pl_form form);

/* What derives forms on one loop: the pool of its segments, and what
 * compresses. */
struct pl_forms; /* opaque */

/* One holder; NULL: out of memory. */
struct pl_forms *pl_forms_create(void);
struct pl_forms *pl_forms_hold(struct pl_forms *f);
/* NULL is allowed. */
void pl_forms_release(struct pl_forms *f);

/* Owner: `f`; hold it to use it longer. */
struct pl_segment_pool *pl_forms_pool(const struct pl_forms *f);

/* Another form of a segment, as far as a subscriber asked for it. */
struct pl_derived {
    struct pl_segment *segment; /* held; NULL: none yet */
    uint32_t covered; /* bytes of the source whose messages are in it */
    uint32_t last;    /* where the newest of these messages begins */
    bool is_given_up; /* out of memory: the rest is not derived */
};

/* Derive `form`, not FRAMES, of all messages in `s`.  The result covers all of
 * `s` unless it is given up.  It lives until `s` is sealed. */
const struct pl_derived *
pl_segment_derive(struct pl_forms *f, struct pl_segment *s, enum pl_form form);

/* What pl_segment_derive() made of `s` so far. */
const struct pl_derived *pl_segment_derived(const struct pl_segment *s,
                                            enum pl_form form);

/* Give the last message of `s`, which begins at `mark` and has one receiver,
 * the form of that receiver.  Only for a form that may fall back: its messages
 * may stand beside native ones.  Without memory the message stays native. */
void pl_segment_convert_last(struct pl_forms *f, struct pl_segment *s,
                             size_t mark, enum pl_form form);

#endif
