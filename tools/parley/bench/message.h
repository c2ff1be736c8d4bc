/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - the messages of a measurement.  Each says which publisher sent it
 * in which channel, its number there, and when it was due, so that every
 * subscriber sees what is missing, double, out of order or damaged, and how
 * late it came. */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum {
    BENCH_MESSAGE_MIN = 56, /* bytes */
    BENCH_MESSAGE_MAX = 60000
};

/* What is in each message; the rest of its bytes is the same in all. */
struct bench_message {
    uint32_t source; /* of a process; 16 bits */
    uint64_t number; /* of a source in a channel; the first is 1; 40 bits */
    uint64_t due_ns; /* of CLOCK_MONOTONIC; 56 bits */
};

/* JSON of exactly `size` bytes that compresses as a list of quotes does. */
struct bench_text {
    char *bytes; /* owned */
    uint32_t size;
};

void bench_text_init(struct bench_text *t, uint32_t size);
void bench_text_fini(struct bench_text *t);

/* What ties a message to its channel. */
uint32_t bench_text_seed(const char *channel);

/* Return the message `m` for the channel with `seed`, valid until the next
 * call. */
struct pl_span bench_text_write(struct bench_text *t, uint32_t seed,
                                const struct bench_message *m);

/* Read `bytes`; return false if they are not what bench_text_write() made for
 * the channel with `seed`. */
bool bench_text_read(const struct bench_text *t, uint32_t seed,
                     struct pl_span bytes, struct bench_message *out);

/* --- What came --- */

/* What a subscription has had of a source: the numbers up to `last`, and which
 * of the 64 up to there.  All zero at first. */
struct bench_seen {
    uint64_t last;
    uint64_t recent; /* bit i: last - i came */
};

/* What all subscribers of a process have found. */
struct bench_tally {
    uint64_t received; /* each once; those that came late too */
    uint64_t late;     /* after one with a greater number */
    uint64_t doubled;
    uint64_t damaged; /* not what was published, or not there */
};

/* Count the message with this number. */
void bench_seen_count(struct bench_seen *s, uint64_t number,
                      struct bench_tally *tally);

#endif
