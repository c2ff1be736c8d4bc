/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - for tests of the owner: a simulated system with an owner on loop 0
 * and a stand-in for a hub on each loop. */
#ifndef PL_RIG_H
#define PL_RIG_H

#include "actor.h"
#include "channels.h"
#include "channels_mail.h"
#include "hub_mail.h"
#include "late_store.h"
#include "loop.h"
#include "mail.h"
#include "metrics.h"
#include "rules.h"
#include "sim.h"
#include "system.h"

enum { RIG_LOOPS = 3, RIG_CLIENTS = 12 };

struct rig;

/* An actor that keeps the mail it gets, or hands it to a test. */
struct rig_hub {
    struct pl_actor actor;
    struct rig *rig;
    struct pl_msg **mail; /* owned, oldest first */
    unsigned count;
    unsigned cap;
};

/* An owner, and the rules of all its channels. */
struct rig_options {
    struct pl_rules rules;
    struct pl_channels_options owner; /* without rules */
};

struct rig {
    struct pl_sim *sim;
    struct pl_channels *channels;
    struct pl_address owner;
    struct pl_metrics metrics;
    struct rig_hub *hub[RIG_LOOPS + 1];    /* the last is no hub: an admin */
    struct pl_client *client[RIG_CLIENTS]; /* i lives on loop i % RIG_LOOPS */
    struct pl_rulebook *book;              /* the first */
    struct pl_bus *bus;                    /* with late stores */
    void (*on_mail)(struct rig_hub *hub, struct pl_msg *msg); /* or NULL */
    void *test;
};

/* `late` NULL: memory stores. */
struct rig *rig_create(uint64_t seed, const struct rig_options *options,
                       const struct pl_late_options *late);
void rig_destroy(struct rig *r);

/* Run until nobody has work, timers included up to `ms`. */
void rig_run(struct rig *r, uint64_t ms);

/* Destroy all mail kept. */
void rig_forget(struct rig *r);

struct pl_publish_mail *rig_publish_mail(const char *channel, const char *data,
                                         struct pl_client *client);

/* Send from hub number `h`; nothing runs yet. */
void rig_publish(struct rig *r, unsigned h, const char *channel,
                 const char *data);
void rig_attach(struct rig *r, unsigned client, const char *channel,
                uint8_t flags);
void rig_recover(struct rig *r, unsigned client, const char *channel,
                 const char *epoch, uint64_t offset);
void rig_detach(struct rig *r, unsigned client, const char *channel,
                uint8_t flags);
struct pl_query_mail *rig_query_mail(enum pl_query_kind kind,
                                     const char *channel);
void rig_send(struct rig *r, unsigned h, struct pl_msg *msg);

/* The n-th mail of this type that hub `h` keeps, or NULL. */
void *rig_mail(struct rig *r, unsigned h, unsigned type, unsigned n);

/* Send a query from hub 0 and run; the answer is kept by the hub. */
struct pl_query_mail *rig_ask(struct rig *r, struct pl_query_mail *q);

/* Publish `n` times in the name of nobody, and run. */
void rig_publish_some(struct rig *r, const char *channel, unsigned n);

void rig_epoch(struct rig *r, const char *channel, char epoch[9]);

uint64_t rig_hash(const char *channel);

#endif
