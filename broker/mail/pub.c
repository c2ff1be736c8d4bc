/* SPDX-License-Identifier: Apache-2.0 */
/* pub.c - see pub.h.
 *
 * Name and payload are copied once, out of the read buffer into one allocation
 * with the struct; from then on they are shared by reference. */
#include "pub.h"

#include <stdlib.h>

enum { REUSED_MAX = 256 }; /* bytes of name and payload */

struct pl_pub *pl_pub_create(struct pl_span channel, uint64_t hash,
                             struct pl_span data, struct pl_client *client)
{
    return pl_pub_renew(NULL, channel, hash, data, client);
}

/* Return memory for `len` bytes: that of `unused`, or new. */
static struct pl_pub *find_space(struct pl_pub *unused, size_t len)
{
    if (unused != NULL && unused->space >= len)
        return unused;
    pl_pub_release(unused);
    struct pl_pub *p = malloc(sizeof *p + len);
    if (p != NULL)
        p->space = (uint32_t)len;
    return p;
}

struct pl_pub *pl_pub_renew(struct pl_pub *unused, struct pl_span channel,
                            uint64_t hash, struct pl_span data,
                            struct pl_client *client)
{
    struct pl_pub *p = find_space(unused, channel.len + data.len);

    if (p == NULL)
        return NULL;
    pl_refs_init(&p->refs);
    p->data_len = (uint32_t)data.len;
    p->channel_len = (uint16_t)channel.len;
    p->is_json = p->has_tags = false;
    p->hash = hash;
    p->offset = 0;
    memset(p->epoch, 0, sizeof p->epoch);
    p->time_ms = 0;
    p->client = pl_client_hold(client);
    memcpy(p->bytes, channel.at, channel.len);
    if (data.len > 0)
        memcpy(p->bytes + channel.len, data.at, data.len);
    return p;
}

/* The tags end with the memory, which is new: see pl_pub_tags(). */
struct pl_pub *pl_pub_create_tagged(struct pl_span channel, uint64_t hash,
                                    struct pl_span data, struct pl_span tags)
{
    size_t before = channel.len + data.len;
    struct pl_pub *space = NULL, *p;

    if (tags.len > 0 && (space = find_space(NULL, before + tags.len)) == NULL)
        return NULL;
    if (space != NULL)
        pl_refs_init(&space->refs);
    p = pl_pub_renew(space, channel, hash, data, NULL);
    if (p != NULL && tags.len > 0) {
        p->has_tags = true;
        memcpy(p->bytes + before, tags.at, tags.len);
    }
    return p;
}

struct pl_pub *pl_pub_empty(struct pl_pub *p)
{
    if (p == NULL || p->space > REUSED_MAX || !pl_refs_is_sole(&p->refs)) {
        pl_pub_release(p);
        return NULL;
    }
    pl_client_release(p->client);
    p->client = NULL;
    return p;
}

struct pl_pub *pl_pub_hold(struct pl_pub *p)
{
    if (p != NULL)
        pl_refs_hold(&p->refs);
    return p;
}

void pl_pub_release(struct pl_pub *p)
{
    if (p == NULL || !pl_refs_release(&p->refs))
        return;
    pl_client_release(p->client);
    free(p);
}
