/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - one client: logs in, subscribes, recovers, and checks what it
 * receives.  A process's clients share a crew. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "link.h"
#include "plan.h"
#include "talk.h"

struct client;

/* What a crew has seen since it began. */
struct crew_tally {
    struct check_tally checked;
    uint64_t subscribed;  /* answers to subscribe commands */
    uint64_t recovered;   /* of these, and inboxes: recovered */
    uint64_t unrecovered; /* asked to recover and could not */
    uint64_t published;   /* answers to publish commands */
    uint64_t refused;     /* errors in answers, unsubscribe pushes */
    uint64_t ended;       /* connections that the broker ended */
    uint16_t last_code;   /* of such a one */
};

struct crew {
    const struct plan *plan;
    struct link_net net;
    struct check_text text;
    struct crew_tally tally;
    /* A client has all its answers, or its connection ended. */
    void (*settled)(struct client *c, bool is_in);
};

struct client_sub {
    struct talk_position position;
    uint64_t next; /* number of the next message */
};

struct client {
    struct link link; /* first */
    struct crew *crew;
    uint32_t index;   /* of all clients */
    uint32_t awaited; /* answers */
    bool is_making;   /* begun, and not complete yet */
    bool is_in;       /* logged in, and subscribed to all its channels */
    bool is_guest;    /* has no channels: a publisher, or one of a storm */
    struct talk_position inbox;
    struct client_sub *subs; /* owned; one a channel of the plan */
};

void crew_init(struct crew *crew, const struct plan *plan,
               const struct plan_kind *kind, int epoll, uint16_t port);
void crew_fini(struct crew *crew);

/* A client that has no connection yet.  With `is_guest` it has no channels. */
void client_init(struct client *c, struct crew *crew, uint32_t index,
                 bool is_guest);
void client_fini(struct client *c);

/* Connect, log in, subscribe; where it was before, it recovers. */
void client_begin(struct client *c);

/* Publish the messages `from` up to `to` (excluded) to a channel, in one
 * message of the protocol. */
void client_publish(struct client *c, const char *channel, uint64_t from,
                    uint64_t to);

#endif
