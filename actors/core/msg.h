/* SPDX-License-Identifier: Apache-2.0 */
/* msg.h - what every message between actors starts with. */
#ifndef PL_MSG_H
#define PL_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"

enum pl_msg_flag {
    /* Lifecycle and reserved mail: a mailbox never refuses or drops it,
     * because its place was kept when its cause was accepted. */
    PL_MSG_RESERVED = 1,
    /* A request: when it cannot be delivered it comes back to its sender,
     * with `status` saying why, instead of being destroyed.  `from` is then
     * the address that did not take it. */
    PL_MSG_RETURN = 2,
    /* The runtime's own, of struct pl_kind_msg on its way. */
    PL_MSG_KIND = 4
};

/* Embedded first in every kind of message.  Set `type`, `flags` and
 * `destroy`; pl_actor_send() sets the rest. */
struct pl_msg {
    struct pl_msg *next; /* the queue's that it is in; NULL outside one */
    void (*destroy)(struct pl_msg *); /* called by whoever owns it last */
    struct pl_address from;
    struct pl_address to;
    uint16_t type; /* its meaning is between sender and receiver */
    uint8_t flags;
    bool returned;  /* it is back at its sender */
    int16_t status; /* enum pl_err; PL_OK unless it was returned */
};

#endif
