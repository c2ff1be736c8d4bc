/* SPDX-License-Identifier: Apache-2.0 */
/* phase_mail.h - names the phase to each actor that takes part in the
 * shutdown. */
#ifndef PL_PHASE_MAIL_H
#define PL_PHASE_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

enum pl_phase {
    PL_PHASE_RUNNING,
    PL_PHASE_SIGNAL,
    PL_PHASE_GRACE,
    PL_PHASE_DISCONNECT,
    PL_PHASE_LISTENERS,
    PL_PHASE_CANCEL,
    PL_PHASE_RESET,
    PL_PHASE_STOPPED,
    PL_PHASE_COUNT
};

/* The broker enters `phase`.  The receiver sends the message back when it is
 * done.  `force`: be done at once, by force. */
struct pl_phase_mail {
    struct pl_msg msg;
    enum pl_phase phase;
    bool force;
    uint32_t forced; /* result: how many had to be forced */
};

/* Create a message, all zero except type, destroy and flags.  NULL: out of
 * memory.
 * Owner:  the caller; msg.destroy() releases everything in it. */
struct pl_phase_mail *pl_phase_mail_create(void);

#endif
