/* SPDX-License-Identifier: Apache-2.0 */
/* pub.h - one publication, as it travels between loops and rests in history:
 * immutable once it has its offset, shared by all that hold it. */
#ifndef PL_PUB_H
#define PL_PUB_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "refs.h"
#include "span.h"

struct pl_pub {
    struct pl_refs refs;
    uint32_t data_len;
    uint16_t channel_len;
    bool is_json;             /* data is one JSON value without raw CR and LF */
    uint32_t room;            /* bytes of memory behind this */
    uint64_t hash;            /* of the channel's name, with the broker's key */
    uint64_t offset;          /* 0: the channel keeps no history */
    char epoch[8];            /* of that offset; all zero with offset 0 */
    uint64_t time_ms;         /* since 1970, when it was given its offset */
    struct pl_client *client; /* held; NULL: a backend published it */
    char bytes[];             /* channel, then data */
};

/* Copy channel and data into a new publication with one holder.
 * Owner: the caller holds it; it holds `client` (may be NULL) itself.
 * Gives NULL when out of memory. */
struct pl_pub *pl_pub_create(struct pl_span channel, uint64_t hash,
                             struct pl_span data, struct pl_client *client);

/* The same in the memory of `spare` when it is large enough.
 * Owner: `spare`, from pl_pub_empty() or NULL, is the callee's in any case. */
struct pl_pub *pl_pub_renew(struct pl_pub *spare, struct pl_span channel,
                            uint64_t hash, struct pl_span data,
                            struct pl_client *client);

/* Let go of `p`, which may be NULL.  The last holder of a small one gets its
 * memory back, for pl_pub_renew() or pl_pub_release(); others get NULL. */
struct pl_pub *pl_pub_empty(struct pl_pub *p);

/* Thread: any. */
struct pl_pub *pl_pub_hold(struct pl_pub *p);
void pl_pub_release(struct pl_pub *p); /* NULL is allowed */

static inline struct pl_span pl_pub_channel(const struct pl_pub *p)
{
    return (struct pl_span){p->bytes, p->channel_len};
}

static inline struct pl_span pl_pub_data(const struct pl_pub *p)
{
    return (struct pl_span){p->bytes + p->channel_len, p->data_len};
}

/* About the bytes that it takes in a reply. */
static inline uint64_t pl_pub_cost(const struct pl_pub *p)
{
    uint64_t cost = 64 + (uint64_t)p->data_len;

    if (p->client != NULL)
        cost += PL_CLIENT_ID_LEN + 48 + pl_client_user(p->client).len +
                pl_client_conn_info(p->client).len;
    return cost;
}

#endif
