/* SPDX-License-Identifier: Apache-2.0 */
/* memory_mail.h - gives session managers and owners of channels the state of
 * limits.memory. */
#ifndef PL_MEMORY_MAIL_H
#define PL_MEMORY_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

/* The state of limits.memory. */
struct pl_memory_mail {
    struct pl_msg msg;
    bool is_short;       /* to session managers: refuse new work */
    uint64_t shed_bytes; /* bytes to free; session managers: of output to slow
                            clients; channels: of histories */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_memory_mail *pl_memory_mail_create(void);

#endif
