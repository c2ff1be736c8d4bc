/* SPDX-License-Identifier: Apache-2.0 */
/* client_parts.h - what the files of this module ask of a client without its
 * struct.
 * Thread: the loop's. */
#ifndef PLC_CLIENT_PARTS_H
#define PLC_CLIENT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "parley_client.h"

struct pl_arena;
struct pl_list;
struct pl_loop;
struct plc_client;
struct plc_events;
struct plc_part;
struct plc_server_subs;

/* Thread of these two: any. */
enum plc_state plc_client_now(const struct plc_client *c);
bool plc_client_is_connected(const struct plc_client *c);
/* Look, in the next turn, whether a stop has nothing left to wait for. */
void plc_client_check(struct plc_client *c);
/* Its link takes commands. */
bool plc_client_is_open(const struct plc_client *c);
/* What this connection brought is lost. */
bool plc_client_has_loss(const struct plc_client *c);

struct pl_loop *plc_client_loop(const struct plc_client *c);
struct plc_part *plc_client_part(struct plc_client *c);
const struct plc_client_options *
plc_client_options_of(const struct plc_client *c);
struct plc_events *plc_client_events(const struct plc_client *c);
uint64_t *plc_client_counts(const struct plc_client *c); /* of its group */
struct pl_arena *plc_client_item(struct plc_client *c);  /* for an element */
struct pl_list *plc_client_subs(struct plc_client *c);   /* of struct plc_sub */
struct plc_server_subs *plc_client_server_subs(struct plc_client *c);

/* See struct plc_attempt_ops. */
void plc_attempt_lose(struct plc_client *c, uint32_t code, const char *reason,
                      bool is_final);
void plc_attempt_closed_by_code(struct plc_client *c, uint32_t code,
                                const char *reason);

#endif
