/* SPDX-License-Identifier: Apache-2.0 */
/* msg.h - the header of every message between actors. */
#ifndef PL_MSG_H
#define PL_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"

enum pl_msg_flag {
    /* Lifecycle and other reserved mail.  A mailbox never refuses or drops it:
     * its place was reserved when the request that causes it was accepted. */
    PL_MSG_RESERVED = 1,
    /* A request.  If it cannot be delivered, it returns to its sender with the
     * reason in `status` instead of being destroyed.  `from` is then the
     * address that did not accept it. */
    PL_MSG_RETURN = 2,
    /* Set by the runtime: a struct pl_kind_msg in transit to slot 0. */
    PL_MSG_KIND = 4,
    /* The bytes of the message are all of it, without pointers: a gateway may
     * copy it to another node (system.h).  A message without this flag never
     * leaves its node. */
    PL_MSG_MAY_LEAVE = 8
};

/* The first member of each message struct.  Set `type`, `flags` and `destroy`;
 * pl_actor_send() sets the rest. */
struct pl_msg {
    struct pl_msg *next; /* link of the queue; NULL outside a queue */
    void (*destroy)(struct pl_msg *); /* called by the last owner */
    struct pl_address from;
    struct pl_address to;
    uint16_t type; /* defined between sender and receiver */
    uint8_t flags;
    bool returned;  /* came back to its sender undelivered */
    int16_t status; /* enum pl_err; PL_OK unless `returned` */
};

#endif
