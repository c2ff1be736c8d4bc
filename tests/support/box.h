/* SPDX-License-Identifier: Apache-2.0 */
/* box.h - a broker inside a test, on a free loopback port, and what the test
 * may ask about it and about the process that it lives in. */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parley.h"

enum { BOX_DEADLINE_MS = 60000 };

/* What a process has; see proc(5). */
struct box_census {
    unsigned threads;
    unsigned descriptors;
    size_t heap; /* bytes in use */
};

struct box {
    struct pl_broker *broker;
    uint16_t port;
};

/* Build a broker with --insecure and these settings, "key=value", the last one
 * NULL; loops=2, no admin listener and no admin socket unless they say so, and
 * nobody is closed for being slow to log in or to answer a ping: a test that
 * waits for something else may not read from all its peers for long.
 * box_create_strict(): without --insecure.  box_start() also starts it.
 * With PL_LATE_DELAY_MS in the environment its stores answer up to so much
 * later.  Failures end the process.
 * box_open(): with exactly this setup. */
void box_open(struct box *b, const struct pl_broker_setup *setup);
void box_create(struct box *b, const char *const *sets);
void box_create_strict(struct box *b, const char *const *sets);
void box_start(struct box *b, const char *const *sets);

/* Start, or start again, what was created. */
void box_run(struct box *b);

/* Stop and wait; asserts that all gauges are 0, the ledgers balanced, and that
 * no actor got mail that it does not know. */
void box_stop(struct box *b);

/* What teardown does: wait for rest, assert it, stop, destroy. */
void box_destroy(struct box *b);

/* What the status tells may be a moment behind what a peer has heard: a loop
 * publishes its numbers at the end of the turn in which it answers.  So wait
 * for a number that an answer has changed, with box_await(). */

/* A number of the status: "connections.open", "ledgers.mail.enqueued",
 * "loops.0.turns".  True is 1.  A name that is not there ends the process, as
 * does a status whose ledgers of commands, mail and deliveries are not exact,
 * or that has a negative number, whatever it is asked for. */
int64_t box_number(const struct box *b, const char *path);

/* The text of the status at `path` is `text`; false also for null. */
bool box_has_text(const struct box *b, const char *path, const char *text);
bool box_has_null(const struct box *b, const char *path);

/* Wait until the number is `value` (or at least it). */
void box_await(const struct box *b, const char *path, int64_t value);
void box_await_least(const struct box *b, const char *path, int64_t value);
void box_await_text(const struct box *b, const char *path, const char *text);

/* Wait until nothing is pending, queued or in transit, then assert that the
 * four ledgers are exact. */
void box_rest(const struct box *b);

/* Assert that every gauge is 0. */
void box_assert_zero(const struct box *b);

/* --- The process --- */

void box_census(struct box_census *out);

/* Wait until the process has again what it had: threads and descriptors exactly
 * so. */
void box_await_census(const struct box_census *then);

/* Lines that the broker logs from now on go to memory; counts of them by level,
 * how often they have `text`, and whether.  box_log_end(): to stderr again. */
void box_log_begin(void);
void box_log_end(void);
unsigned box_log_warnings(void); /* WARN and above */
unsigned box_log_count(const char *text);
bool box_log_has(const char *text);

/* A token of HMAC SHA-256 for the user with further claims, JSON members like
 * "\"channels\":[\"a\"]", or NULL.  The caller frees it. */
char *box_token(const char *secret, const char *user, const char *claims);

#endif
