/* SPDX-License-Identifier: Apache-2.0 */
/* remote.h - a parleyd in a process of its own, for tests that need all the
 * descriptors of theirs, or want to see how the program ends.
 *
 * Failures end the test with a line on stderr and the broker's log. */
#ifndef REMOTE_H
#define REMOTE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { REMOTE_DEADLINE_MS = 60000 };

struct remote {
    pid_t pid;
    uint16_t port;     /* of the first listener */
    uint16_t tls_port; /* of the second; 0: there is none */
    int log;           /* a file with what it has logged */
    int err;           /* its stderr, while it begins */
    char folder[32];   /* has the admin socket */
    char socket[108];  /* its path */
};

/* What its process has; see proc(5). */
struct remote_census {
    unsigned threads;
    unsigned descriptors;
    uint64_t resident; /* bytes */
};

/* Start `program` with --insecure and these settings, "key=value", the last
 * one NULL; it listens on a free loopback port.  Waits until it runs. */
void remote_start(struct remote *r, const char *program,
                  const char *const *sets);

/* A number of the status: "connections.open".  True is 1.  Whenever the status
 * is asked for anything, the ledgers of commands, mail and deliveries in it
 * must be exact, and no number negative. */
int64_t remote_number(const struct remote *r, const char *path);

/* Wait until the number is `value` (or at least it). */
void remote_await(const struct remote *r, const char *path, int64_t value);
void remote_await_least(const struct remote *r, const char *path,
                        int64_t value);

/* Wait until nothing is pending, queued or in transit, which makes the ledger
 * of posts exact as well. */
void remote_rest(const struct remote *r);

void remote_census(const struct remote *r, struct remote_census *out);

/* Wait until it has as many descriptors as it had `then`. */
void remote_await_census(const struct remote *r,
                         const struct remote_census *then);

/* Wait for its rest, then SIGTERM: it must end with status 0, which it does
 * only when its ledgers agree and no gauge is left; and its log must not have a
 * report of a sanitizer or a failed assertion.  What is left of it is cleared
 * away. */
void remote_stop(struct remote *r);

/* --- The same in pieces, for tests of how it ends --- */

/* As remote_start(), but without waiting for anything. */
void remote_begin(struct remote *r, const char *program,
                  const char *const *sets);

/* As remote_start(), but its stderr is a pipe, which is read until it runs and
 * which is full from then on.  Gives the end to read.  Lines that come later
 * are not in the log. */
int remote_start_unread(struct remote *r, const char *program,
                        const char *const *sets);

void remote_signal(const struct remote *r, int signal);

/* Wait until it has ended: its status as waitpid() tells it. */
int remote_await_exit(const struct remote *r);

/* Whether it has logged `text`. */
bool remote_has_logged(const struct remote *r, const char *text);

/* The log must not have a report of a sanitizer or a failed assertion. */
void remote_check_log(const struct remote *r);

/* After it has ended. */
void remote_fini(struct remote *r);

#endif
