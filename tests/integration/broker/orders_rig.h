/* SPDX-License-Identifier: Apache-2.0 */
/* orders_rig.h - a broker, clients of it, and the outcome of an order, for the
 * tests of orders. */
#ifndef ORDERS_RIG_H
#define ORDERS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

static const char *const sets[] = {
    "auth.hmac_secret=" SECRET,     "channels.allow_subscribe=all",
    "channels.history_size=100000", "channels.history_bytes=64MiB",
    "channels.presence=true",       "channels.join_leave=true",
    "channels.data=json",           NULL};

static inline void enter_as(struct peer *p, const struct box *b,
                            const char *user, char id[64])
{
    char *token = box_token(SECRET, user, NULL);

    peer_enter(p, b->port, PEER_JSON, token, id);
    free(token);
}

/* --- One outcome --- */

enum { ITEMS_MAX = 8 };

/* A copy of what report() got. */
struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned told;
    enum pl_err err;
    uint32_t count;
    uint64_t offset;
    char epoch[16];
    uint64_t offsets[ITEMS_MAX];
    char users[ITEMS_MAX][16], clients[ITEMS_MAX][64], data[ITEMS_MAX][16];
};

#define ANSWER                                                                 \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

static inline void note_items(struct answer *a, const struct pl_outcome *o)
{
    for (uint32_t i = 0; o->items != NULL && i < o->count && i < ITEMS_MAX;
         i++) {
        const struct pl_item *it = &o->items[i];

        a->offsets[i] = it->offset;
        snprintf(a->users[i], sizeof a->users[i], "%s", it->user);
        snprintf(a->clients[i], sizeof a->clients[i], "%s", it->client);
        snprintf(a->data[i], sizeof a->data[i], "%.*s", (int)it->len,
                 it->data == NULL ? "" : (const char *)it->data);
    }
}

static inline void note(const struct pl_outcome *o, void *arg)
{
    struct answer *a = arg;

    pthread_mutex_lock(&a->lock);
    a->told++;
    a->err = o->err;
    a->count = o->count;
    a->offset = o->offset;
    snprintf(a->epoch, sizeof a->epoch, "%s", o->epoch);
    note_items(a, o);
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* Wait for the outcome of the order that was just accepted. */
static inline void expect(struct answer *a, enum pl_err accepted,
                          enum pl_err err)
{
    assert_int_equal(accepted, PL_OK);
    pthread_mutex_lock(&a->lock);
    while (a->told == 0)
        pthread_cond_wait(&a->changed, &a->lock);
    assert_int_equal(a->told, 1);
    a->told = 0;
    pthread_mutex_unlock(&a->lock);
    assert_int_equal(a->err, err);
}

#endif
