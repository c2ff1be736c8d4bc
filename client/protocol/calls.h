/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - what a program asks a client to send. */
#ifndef PLC_CALLS_H
#define PLC_CALLS_H

#include "client_private.h"

/* A call, from its acceptance to its completion, which is its event. */
struct plc_call {
    struct plc_mail mail; /* first */
    struct plc_client *client;
    struct plc_sub *sub; /* plc_sub_publish(); NULL: none */
    struct plc_request request;
    struct pl_list link; /* a send, in client->sends */
    uint64_t sent_to;    /* a send: done when the kernel has taken all before */
    plc_done *done;
    void *arg;
    struct plc_result result;
    struct pl_arena answer; /* what `result` points to */
    bool is_send;           /* no reply comes */
    size_t share;           /* bytes of the quota */
    size_t len;
    char bytes[]; /* the encoded command */
};

/* Encode `command`, whose id is set here, and post it.
 * Thread: any.
 * Errors: as plc_publish(). */
enum pl_err plc_call_post(struct plc_client *c, struct plc_sub *s,
                          struct pl_command *command, plc_done *done,
                          void *arg);

#endif
