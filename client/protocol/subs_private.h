/* SPDX-License-Identifier: Apache-2.0 */
/* subs_private.h - a subscription of the program.
 * Thread: the loop's. */
#ifndef PLC_SUBS_PRIVATE_H
#define PLC_SUBS_PRIVATE_H

#include "arena.h"
#include "cell.h"
#include "group.h"
#include "parley_client.h"
#include "positions.h"
#include "received.h"
#include "requests.h"
#include "timer.h"
#include "tokens.h"

struct plc_client;

struct plc_sub {
    /* Constant. */
    struct plc_client *client;
    struct plc_sub_options options;
    struct pl_arena strings;
    struct pl_span channel;
    /* Any thread. */
    struct pl_cell state;
    struct pl_cell ends_called; /* calls of plc_sub_stop() */
    struct pl_map_node name;    /* guarded by the client's guard */
    struct plc_mail add, drop;
    /* The loop's. */
    struct pl_list link;
    struct plc_request subscribe, refresh;
    struct plc_secret secret;
    struct plc_position position;
    struct pl_timer retry, refresh_due;
    uint64_t ends; /* calls of plc_sub_stop() that are done */
    uint32_t attempts;
    bool is_recoverable;
    bool has_name; /* guarded by the client's guard */
};

/* The program has asked for the end, and gets no publication any more: what was
 * not delivered is recovered later. */
void plc_sub_take_back(struct plc_sub *s);
void plc_subs_take_back_all(struct plc_client *c);

void plc_sub_change(struct plc_sub *s, enum plc_state to, uint32_t code,
                    const char *reason);
/* Unsubscribed, without a word to the server. */
void plc_sub_end(struct plc_sub *s, uint32_t code, const char *reason);
/* Unsubscribed; the server gets a command if it may know of the subscription.
 */
void plc_sub_unsubscribe(struct plc_sub *s, uint32_t code, const char *reason);
/* Set what `s` needs of subs.c. */
void plc_sub_init(struct plc_sub *s);
/* `visit` may remove the one that it gets. */
void plc_subs_each(struct plc_client *c, void (*visit)(struct plc_sub *));

/* Subscribe, or ask for the token that is needed first. */
void plc_sub_try(struct plc_sub *s);
void plc_subs_try_all(struct plc_client *c);
/* The connection is lost. */
void plc_subs_lose_all(struct plc_client *c);
/* The attempt is lost: what it has sent must be sent again. */
void plc_subs_unsend_all(struct plc_client *c);
/* Their positions mean nothing any more. */
void plc_subs_spoil_all(struct plc_client *c);
/* The client is destroyed. */
void plc_subs_close_all(struct plc_client *c);
struct plc_sub *plc_subs_find(struct plc_client *c, struct pl_span channel);
/* Each returns false if the push does not count. */
bool plc_sub_push_end(struct plc_sub *s, const struct pl_received_end *e);
bool plc_sub_push(struct plc_sub *s, const struct pl_received_publication *p);
void plc_subs_free_all(struct plc_client *c);

#endif
