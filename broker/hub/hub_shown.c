/* SPDX-License-Identifier: Apache-2.0 */
/* hub_shown.c - identities that clients have in one channel only.
 *
 * A subscription with an info of its own shows the client to the others of the
 * channel under a copy of its identity that has this info.  The hub keeps it
 * from the attach to the detach, which both name it to the owner of the
 * channel.  What the client publishes there has it too.
 *
 * Rejected: a member of struct pl_sub, because few subscriptions have an info
 * and its allocation is full to the byte.
 *
 * Invariant: each entry is of a subscription whose detach is not sent. */
#include "hub_private.h"

#include <stdlib.h>

#include "client.h"

struct shown {
    struct pl_map_node node;
    const struct pl_sub *sub;
    struct pl_client *client; /* reference */
};

static struct shown *shown_of(const struct pl_map_node *n)
{
    return PL_CONTAINER((struct pl_map_node *)n, struct shown, node);
}

static bool match(const struct pl_map_node *n, const void *sub)
{
    return shown_of(n)->sub == sub;
}

enum pl_err pl_hub_show(struct pl_hub *h, const struct pl_sub *sub,
                        struct pl_client *client)
{
    if (client == NULL)
        return PL_OK;
    struct shown *e = malloc(sizeof *e);
    if (e == NULL)
        return PL_ENOMEM;
    *e = (struct shown){.sub = sub};
    if (pl_map_add(&h->shown, &e->node, pl_map_hash_pointer(sub)) != PL_OK) {
        free(e);
        return PL_ENOMEM;
    }
    e->client = pl_client_hold(client);
    return PL_OK;
}

static struct pl_map_node *find(struct pl_hub *h, const struct pl_sub *sub)
{
    return h->shown.count == 0
               ? NULL
               : pl_map_find(&h->shown, pl_map_hash_pointer(sub), match, sub);
}

/* Before its attach has a result, a subscription shows nothing: it may be
 * refused. */
struct pl_client *pl_hub_shown(struct pl_hub *h, const struct pl_subscriber *u,
                               const struct pl_sub *sub)
{
    struct pl_map_node *n =
        sub == NULL || sub->state == PL_SUB_ATTACHING ? NULL : find(h, sub);

    return n == NULL ? u->client : shown_of(n)->client;
}

struct pl_client *pl_hub_take_shown(struct pl_hub *h, const struct pl_sub *sub)
{
    struct pl_map_node *n = find(h, sub);

    if (n == NULL)
        return NULL;
    struct pl_client *client = shown_of(n)->client;
    pl_map_remove(&h->shown, n);
    free(shown_of(n));
    return client;
}

static void forget(struct pl_map_node *n, void *map)
{
    pl_client_release(shown_of(n)->client);
    pl_map_remove(map, n);
    free(shown_of(n));
}

void pl_hub_forget_shown(struct pl_hub *h)
{
    pl_map_each(&h->shown, forget, &h->shown);
    pl_map_fini(&h->shown);
}
