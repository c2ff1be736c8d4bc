/* SPDX-License-Identifier: Apache-2.0 */
/* pub.h - a publication, in transit between loops and in a history: immutable
 * once it has its offset, shared by reference. */
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
    bool is_json;             /* data is one JSON value without raw CR or LF */
    bool has_tags;            /* only of a backend's */
    uint32_t space;           /* bytes of memory after this struct */
    uint64_t hash;            /* of the channel name, with the broker's key */
    uint64_t offset;          /* 0: the channel has no history */
    char epoch[8];            /* of `offset`; all zero if that is 0 */
    uint64_t time_ms;         /* when it got its offset, since 1970 */
    struct pl_client *client; /* reference; NULL: a backend published it */
    char bytes[];             /* channel, data, then any tags */
};

/* Copy channel and data to a new publication with one reference; NULL: out of
 * memory.
 * Owner:  the caller owns the reference.  `client` (may be NULL) gets an
 *         additional one. */
struct pl_pub *pl_pub_create(struct pl_span channel, uint64_t hash,
                             struct pl_span data, struct pl_client *client);

/* Like pl_pub_create(), of a backend, with `tags` (tags.h) unless they are
 * empty. */
struct pl_pub *pl_pub_create_tagged(struct pl_span channel, uint64_t hash,
                                    struct pl_span data, struct pl_span tags);

/* Like pl_pub_create(), in the memory of `unused` if it is large enough.
 * Owner:  the callee takes `unused`, from pl_pub_empty() or NULL, in any
 *         case. */
struct pl_pub *pl_pub_renew(struct pl_pub *unused, struct pl_span channel,
                            uint64_t hash, struct pl_span data,
                            struct pl_client *client);

/* Drop a reference; NULL is allowed.  If it was the only one and the
 * publication is small, return its memory for pl_pub_renew() or
 * pl_pub_release(); otherwise return NULL. */
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

/* The tags (tags.h); absent if there are none. */
static inline struct pl_span pl_pub_tags(const struct pl_pub *p)
{
    if (!p->has_tags)
        return (struct pl_span){0};
    size_t before = p->channel_len + (size_t)p->data_len;
    return (struct pl_span){p->bytes + before, p->space - before};
}

/* The approximate bytes of a publication in a reply. */
static inline uint64_t pl_pub_cost(const struct pl_pub *p)
{
    uint64_t cost = 64 + (uint64_t)p->data_len;

    if (p->client != NULL)
        cost += PL_CLIENT_ID_LEN + 48 + pl_client_seen_len(p->client);
    else if (p->has_tags)
        cost += pl_pub_tags(p).len;
    return cost;
}

#endif
