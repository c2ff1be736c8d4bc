/* SPDX-License-Identifier: Apache-2.0 */
/* look.h - lists of the clients of a loop, and the busiest of them.
 *
 * Thread: the loop's. */
#ifndef PL_LOOK_H
#define PL_LOOK_H

#include <stdint.h>

struct pl_look_mail;
struct pl_session_manager;

/* When each block of slots was looked at. */
struct pl_looked {
    uint32_t *at_ms; /* owned; low halves of loop times */
    uint32_t blocks;
};

/* Answer with a part of the list of clients, of the busiest clients or of the
 * busiest actors.
 * Owner: the callee takes `m`. */
void pl_session_manager_look(struct pl_session_manager *k,
                             struct pl_look_mail *m);

#endif
