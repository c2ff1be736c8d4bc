/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - the messages of parley-load: numbered for each channel, so that
 * every subscriber can see what is missing, double or damaged. */
#ifndef LOAD_CHECK_H
#define LOAD_CHECK_H

#include <stdint.h>

#include "span.h"

enum { CHECK_SIZE_MIN = 32, CHECK_SIZE_MAX = 60000 }; /* bytes of a message */

/* What one message is and what it must be: JSON of exactly `size` bytes that
 * compresses as a list of quotes does, with a number in a fixed place. */
struct check_text {
    char *bytes; /* owned */
    uint32_t size;
};

void check_text_init(struct check_text *t, uint32_t size);
void check_text_fini(struct check_text *t);

/* The message with this number, of `t`, until the next call. */
struct pl_span check_text_number(struct check_text *t, uint64_t number);

/* What all subscribers of a process have found. */
struct check_tally {
    uint64_t received; /* good and in order */
    uint64_t lost;     /* numbers that were jumped over */
    uint64_t doubled;  /* numbers that had come or been jumped over before */
    uint64_t damaged;  /* not what was published */
};

/* Look at a message that came for a subscription whose next number should be
 * *next (the first is 1), which is moved behind it. */
void check_message(const struct check_text *t, struct check_tally *tally,
                   uint64_t *next, struct pl_span message);

#endif
