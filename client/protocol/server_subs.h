/* SPDX-License-Identifier: Apache-2.0 */
/* server_subs.h - the subscriptions that the server has made for a client.
 * Thread: the loop's. */
#ifndef PLC_SERVER_SUBS_H
#define PLC_SERVER_SUBS_H

#include "command.h"
#include "hash.h"
#include "list.h"
#include "map.h"
#include "received.h"

struct pl_arena;
struct plc_client;

/* The server chooses their number and names, so both are bounded, and the key
 * of the hash is secret. */
struct plc_server_subs {
    struct pl_list all; /* of struct plc_server_sub, in the order of arrival */
    struct pl_map by_channel;
    struct pl_hash_key key;
    size_t bytes; /* of the names */
};

/* Each returns false if the connection cannot go on: *why says why.  `scratch`
 * is for elements of the list. */
bool plc_server_subs_compare(struct plc_client *c, struct pl_received_list *l,
                             struct pl_arena *scratch, const char **why);
bool plc_server_subs_add(struct plc_client *c, struct pl_span channel,
                         const struct pl_received_subscribe *r,
                         const char **why);
/* Each returns false if there is no such subscription. */
bool plc_server_subs_push(struct plc_client *c, struct pl_span channel,
                          const struct pl_received_publication *p);
bool plc_server_subs_has(struct plc_client *c, struct pl_span channel);
bool plc_server_subs_end(struct plc_client *c, struct pl_span channel,
                         uint32_t code, struct pl_span reason);
void plc_server_subs_lose_all(struct plc_client *c);
/* Go back to the positions that the program has seen. */
void plc_server_subs_take_back_all(struct plc_client *c);
void plc_server_subs_free_all(struct plc_client *c);
/* The recoverable ones with their positions, for a connect command; return
 * false if out of memory.
 * Owner:  the caller frees *out. */
bool plc_server_subs_list(struct plc_client *c, size_t *count,
                          struct pl_subscribe_request **out);
/* Positions mean nothing any more. */
void plc_server_subs_forget(struct plc_client *c);

#endif
