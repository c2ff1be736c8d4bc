/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - how a client connects, loses its connection, and tries again.
 * Thread: the loop's. */
#ifndef PLC_ATTEMPT_H
#define PLC_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct plc_client;
struct plc_link_conn;

/* One connection, or one attempt at it.  What belongs to an older one finds
 * that it is not client->attempt, and counts no more. */
struct plc_attempt {
    struct plc_client *client;
    struct plc_link_conn *link;
    struct pl_list link_of; /* in client->leaving */
};

/* How a connection ends, for the files that find out that it must; attempt.c
 * knows all that has to end with it. */
struct plc_attempt_ops {
    /* The attempt has failed, or its connection is lost: `code` and `reason`
     * are those of the state.  With `is_final` the client is then disconnected,
     * else it tries again. */
    void (*lose)(struct plc_client *c, uint32_t code, const char *reason,
                 bool is_final);
    /* A push that ends the connection, or the code of a Close. */
    void (*closed_by_code)(struct plc_client *c, uint32_t code,
                           const char *reason);
};

void plc_attempt_begin(struct plc_client *c);
/* The next attempt, after the delay. */
void plc_attempt_retry(struct plc_client *c);
/* Destroy the links that are closing. */
bool plc_attempt_cut(struct plc_client *c);
/* Set what `c` needs of attempt.c. */
void plc_attempt_init(struct plc_client *c);

#endif
