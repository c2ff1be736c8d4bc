/* SPDX-License-Identifier: Apache-2.0 */
/* presence.h - the clients in each channel.  store.h has the promises of all
 * stores. */
#ifndef PL_PRESENCE_H
#define PL_PRESENCE_H

#include <stdint.h>

#include "client.h"
#include "store.h"

struct pl_presence;

/* Add the client to the channel, or remove it.  Repeating either is allowed. */
struct pl_presence_change {
    struct pl_store_op op;
    struct pl_client *client; /* the caller keeps a reference */
    struct pl_client *shown;  /* added: what `get` reports of it; NULL: the
                                 client  itself.  The latest counts.  The caller
                                 keeps a  reference */
};

struct pl_presence_get {
    struct pl_store_op op;
    struct pl_client **clients; /* result: the caller's array of references */
    uint32_t count;
};

struct pl_presence_stats {
    struct pl_store_op op;
    uint32_t clients; /* result */
    uint32_t users;   /* result: distinct user ids; "" counts as one */
    uint32_t looked;  /* result: clients visited by this process */
};

struct pl_presence_ops {
    unsigned traits; /* enum pl_store_trait */
    /* Errors of all calls: PL_ENOMEM, PL_EFULL, PL_ETIMEDOUT, PL_EIO. */
    enum pl_store_reply (*add)(struct pl_presence *p,
                               struct pl_presence_change *r);
    enum pl_store_reply (*remove)(struct pl_presence *p,
                                  struct pl_presence_change *r);
    enum pl_store_reply (*get)(struct pl_presence *p,
                               struct pl_presence_get *r);
    enum pl_store_reply (*stats)(struct pl_presence *p,
                                 struct pl_presence_stats *r);
    void (*destroy)(struct pl_presence *p);
};

/* First member of every presence store. */
struct pl_presence {
    const struct pl_presence_ops *ops;
};

#endif
