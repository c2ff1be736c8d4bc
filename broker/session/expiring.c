/* SPDX-License-Identifier: Apache-2.0 */
/* expiring.c - see expiring.h.
 *
 * A judge or a token may allow a subscription for a time.  The client then
 * refreshes it with sub_refresh; if it does not within PL_EXPIRE_GRACE_MS after
 * that time, the subscription ends with code 2501, after which SDKs subscribe
 * again.  For a server-side subscription the connection ends with 3006: SDKs
 * connect again, with a new token.
 *
 * The session manager holds the list of each session that has such
 * subscriptions, in the order in which they are due, and finds it by the slot
 * of the session.  The one timer of the session (deadline.c) runs to the first
 * of them.  An entry is found by its subscription in another map, because a
 * client may have many, all due at once.  Subscriptions that do not expire cost
 * no memory.
 *
 * Rejected: a deadline in struct pl_sub, whose allocation is full to the byte.
 * Rejected: a timer per subscription, because one per session suffices.
 *
 * Invariant: each entry is of a live subscription that is not leaving, and a
 * session has a list while PL_ASIDE_EXPIRING is set, which then is not empty.
 */
#include "expiring.h"

#include <stdlib.h>

#include "session_parts.h"

struct entry {
    struct pl_map_node node; /* in the session manager's map, by `sub` */
    struct pl_list link;     /* in `entries`, soonest first */
    struct pl_sub *sub;
    uint64_t due_ms;
};

struct expiring {
    struct pl_map_node node; /* in the session manager's map */
    struct pl_list entries;
};

static struct entry *entry_of(struct pl_list *link)
{
    return PL_CONTAINER(link, struct entry, link);
}

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* a slot is its own hash, and unique on its loop */
}

static struct expiring *find_all(const struct pl_session *s)
{
    if (!pl_session_has_expiring(s))
        return NULL;
    return PL_CONTAINER(pl_map_find(&pl_session_expirings(s)->sessions,
                                    pl_session_address(s).slot, is_any, NULL),
                        struct expiring, node);
}

static bool is_of(const struct pl_map_node *n, const void *sub)
{
    return ((const struct entry *)n)->sub == sub; /* it is the first */
}

static struct entry *find(const struct pl_session *s, const struct pl_sub *sub)
{
    return pl_session_has_expiring(s)
               ? (struct entry *)pl_map_find(&pl_session_expirings(s)->subs,
                                             pl_map_hash_pointer(sub), is_of,
                                             sub)
               : NULL;
}

/* Return the list of `s`, created if there is none; NULL: out of memory. */
static struct expiring *need_all(struct pl_session *s)
{
    struct expiring *all = find_all(s);

    if (all != NULL)
        return all;
    all = calloc(1, sizeof *all);
    if (all == NULL ||
        pl_map_add(&pl_session_expirings(s)->sessions, &all->node,
                   pl_session_address(s).slot) != PL_OK) {
        free(all);
        return NULL;
    }
    pl_list_init(&all->entries);
    pl_session_set_expiring(s, true);
    return all;
}

static void drop_all_if_empty(struct pl_session *s)
{
    struct expiring *all = find_all(s);

    if (!pl_list_is_empty(&all->entries))
        return;
    pl_map_remove(&pl_session_expirings(s)->sessions, &all->node);
    free(all);
    pl_session_set_expiring(s, false);
}

static void free_entry(struct pl_session *s, struct entry *e)
{
    pl_map_remove(&pl_session_expirings(s)->subs, &e->node);
    pl_list_remove(&e->link);
    free(e);
}

static void drop(struct pl_session *s, struct entry *e)
{
    free_entry(s, e);
    drop_all_if_empty(s);
}

/* Search from the end, since most subscriptions get the same time to live. */
static void insert(struct expiring *all, struct entry *e)
{
    struct pl_list *before = all->entries.prev;

    while (before != &all->entries && entry_of(before)->due_ms > e->due_ms)
        before = before->prev;
    pl_list_append(before->next, &e->link);
}

/* Return the entry of `sub` without its place in the list; NULL: out of
 * memory. */
static struct entry *take_entry(struct pl_session *s, struct pl_sub *sub)
{
    struct entry *e = find(s, sub);

    if (e != NULL) {
        pl_list_remove(&e->link);
        return e;
    }
    e = calloc(1, sizeof *e);
    if (e == NULL || pl_map_add(&pl_session_expirings(s)->subs, &e->node,
                                pl_map_hash_pointer(sub)) != PL_OK) {
        free(e);
        return NULL;
    }
    e->sub = sub;
    return e;
}

bool pl_expiring_set(struct pl_session *s, struct pl_sub *sub,
                     int64_t expires_at_s, uint32_t *ttl)
{
    *ttl = 0;
    if (expires_at_s == 0) {
        pl_expiring_drop(s, sub);
        pl_session_schedule(s);
        return true;
    }
    struct expiring *all = need_all(s);
    if (all == NULL)
        return false;
    struct entry *e = take_entry(s, sub);
    if (e == NULL) {
        drop_all_if_empty(s);
        return false;
    }
    e->due_ms = pl_session_due_ms(s, expires_at_s, ttl);
    insert(all, e);
    pl_session_schedule(s);
    return true;
}

bool pl_expiring_has(const struct pl_session *s, const struct pl_sub *sub)
{
    return find(s, sub) != NULL;
}

void pl_expiring_drop(struct pl_session *s, const struct pl_sub *sub)
{
    struct entry *e = find(s, sub);

    if (e != NULL)
        drop(s, e);
}

uint64_t pl_expiring_due_ms(const struct pl_session *s)
{
    struct expiring *all = find_all(s);

    return all == NULL ? 0 : entry_of(all->entries.next)->due_ms;
}

void pl_expiring_end_due(struct pl_session *s)
{
    uint64_t now = pl_loop_now_ms(pl_session_loop(s));
    struct expiring *all;

    while ((all = find_all(s)) != NULL) {
        struct entry *e = entry_of(all->entries.next);
        struct pl_sub *sub = e->sub;

        if (e->due_ms > now)
            return;
        drop(s, e);
        pl_count(metrics(s), PL_METRIC_SUBS_EXPIRED, 1);
        if (sub->flags & PL_SUB_SERVER_SIDE) {
            pl_session_close(s, PL_DISCONNECT_SUB_EXPIRED, (struct pl_span){0});
            return;
        }
        pl_hub_drop(pl_session_hub(s), sub, PL_UNSUBSCRIBE_EXPIRED);
    }
}

void pl_expiring_forget(struct pl_session *s)
{
    struct expiring *all = find_all(s);

    if (all == NULL)
        return;
    while (!pl_list_is_empty(&all->entries))
        free_entry(s, entry_of(all->entries.next));
    drop_all_if_empty(s);
}
