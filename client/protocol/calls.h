/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - what a program asks a client to send. */
#ifndef PLC_CALLS_H
#define PLC_CALLS_H

#include "arena.h"
#include "command.h"
#include "group.h"
#include "parley_client.h"
#include "requests.h"

struct plc_client;
struct plc_sub;

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

/* The message that has the newest sends ends at `position`. */
void plc_calls_written(struct plc_client *c, uint64_t position);
/* Complete the sends whose bytes lie before `position`. */
void plc_calls_taken(struct plc_client *c, uint64_t position);
/* Complete all sends, as not sent if they begin at `left` or later, else as
 * unknown. */
void plc_calls_lose(struct plc_client *c, uint64_t left);
/* The publishes that waited for `s` are over. */
void plc_calls_lose_sub(struct plc_sub *s);
/* Send the calls that wait. */
void plc_client_send_waiting(struct plc_client *c);

#endif
