/* SPDX-License-Identifier: Apache-2.0 */
/* outgoing.h - the commands that a client sends.
 * Thread: the loop's. */
#ifndef PLC_OUTGOING_H
#define PLC_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "span.h"

struct pl_task;
struct plc_client;
struct plc_request;

/* Thread: any. */
uint32_t plc_client_take_id(struct plc_client *c);
/* Encode `command` and give it to the link in this turn; its request `r`, which
 * may be NULL, waits for the reply.  Return false if out of memory, or if it is
 * larger than what servers accept: nothing has happened. */
bool plc_client_command(struct plc_client *c, struct plc_request *r,
                        const struct pl_command *command);
/* Give encoded bytes to the link in this turn; return false if out of memory:
 * nothing has happened.
 * *from is the position from which on they may leave. */
bool plc_client_put(struct plc_client *c, struct pl_span bytes, uint64_t *from);
/* Forget the message of this turn.  A token in it is overwritten. */
void plc_client_drop_frame(struct plc_client *c);
void plc_client_run_send(struct pl_task *t);

#endif
