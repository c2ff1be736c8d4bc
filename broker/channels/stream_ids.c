/* SPDX-License-Identifier: Apache-2.0 */
/* stream_ids.c - the ids of appends, see stream_private.h.
 *
 * A backend that does not know whether its publication was stored sends it
 * again with the same id, and must not store it twice.  So the store remembers
 * ids for IDS_TTL_MS, and answers a repeat with the position of the first.
 *
 * An id belongs to a stream, and a stream to its epoch, so an entry has the
 * epoch instead of the channel's name; a stream that was lost has forgotten its
 * ids, as it must.  At IDS_MAX entries the oldest is forgotten and counted;
 * each new entry drops up to LOOKS expired ones.
 *
 * Rejected: searching the history, because its publications may be shed, and a
 * long one makes each append slow.  Refusing at the limit, because a backend
 * that sends many ids then silences the others.
 *
 * Invariant: an entry is in the map and in the list; the gauge counts them. */
#include <stdlib.h>
#include <string.h>

#include "stream_private.h"

enum { IDS_MAX = 16384, IDS_TTL_MS = 300000, LOOKS = 4 };

struct entry {
    struct pl_map_node node; /* first member */
    struct pl_list link;
    uint64_t offset;
    uint64_t due_ms; /* loop time at which it expires */
    char epoch[PL_EPOCH_MAX];
    uint8_t len;
    char id[];
};

struct key {
    const char *epoch;
    struct pl_span id;
};

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct entry *e = (const struct entry *)n;
    const struct key *k = key;

    return memcmp(e->epoch, k->epoch, sizeof e->epoch) == 0 &&
           pl_span_equal((struct pl_span){e->id, e->len}, k->id);
}

static uint64_t hash_of(const struct pl_channel_stream *l, struct pl_span id)
{
    return pl_hash(&pl_channel_stream_store(l)->key, id) ^ l->node.hash;
}

static void count(struct pl_stream_store *m, enum pl_metric what, uint64_t by)
{
    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, what, by);
}

static struct entry *find(const struct pl_channel_stream *l, struct pl_span id)
{
    struct key key = {l->epoch, id};

    return (struct entry *)pl_map_find(&pl_channel_stream_store(l)->ids,
                                       hash_of(l, id), match, &key);
}

static struct entry *oldest(const struct pl_stream_store *m)
{
    return pl_list_is_empty(&m->id_list)
               ? NULL
               : PL_CONTAINER(m->id_list.next, struct entry, link);
}

static void drop(struct pl_stream_store *m, struct entry *e)
{
    pl_map_remove(&m->ids, &e->node);
    pl_list_remove(&e->link);
    free(e);
    count(m, PL_METRIC_PUBLICATION_IDS, UINT64_MAX);
}

static void make_space(struct pl_stream_store *m)
{
    uint64_t now = pl_loop_now_ms(m->loop);

    for (int i = 0; i < LOOKS; i++) {
        struct entry *e = oldest(m);

        if (e == NULL || e->due_ms > now)
            break;
        drop(m, e);
    }
    if (m->ids.count < IDS_MAX)
        return;
    drop(m, oldest(m));
    count(m, PL_METRIC_PUBLICATION_IDS_EVICTED, 1);
}

bool pl_stream_ids_find(struct pl_channel_stream *l, struct pl_stream_append *r)
{
    const struct entry *e = find(l, r->id);

    if (e == NULL ||
        e->due_ms <= pl_loop_now_ms(pl_channel_stream_store(l)->loop))
        return false;
    r->pub->offset = e->offset;
    memcpy(r->pub->epoch, e->epoch, sizeof r->pub->epoch);
    memcpy(r->epoch, e->epoch, sizeof r->epoch);
    return true;
}

enum pl_err pl_stream_ids_add(struct pl_channel_stream *l, struct pl_span id)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);
    struct entry *old = find(l, id); /* expired */

    if (id.len > PL_PUB_ID_MAX)
        return PL_ETOOBIG;
    if (old != NULL)
        drop(m, old);
    make_space(m);
    struct entry *e = calloc(1, sizeof *e + id.len);
    if (e == NULL || pl_map_add(&m->ids, &e->node, hash_of(l, id)) != PL_OK) {
        free(e);
        return PL_ENOMEM;
    }
    e->offset = l->top + 1;
    e->due_ms = pl_loop_now_ms(m->loop) + IDS_TTL_MS;
    memcpy(e->epoch, l->epoch, sizeof e->epoch);
    e->len = (uint8_t)id.len;
    memcpy(e->id, id.at, id.len);
    pl_list_append(&m->id_list, &e->link);
    count(m, PL_METRIC_PUBLICATION_IDS, 1);
    return PL_OK;
}

void pl_stream_ids_remove(struct pl_channel_stream *l, struct pl_span id)
{
    struct entry *e = find(l, id);

    if (e != NULL)
        drop(pl_channel_stream_store(l), e);
}

void pl_stream_ids_fini(struct pl_stream_store *m)
{
    struct entry *e;

    while ((e = oldest(m)) != NULL)
        drop(m, e);
    pl_map_fini(&m->ids);
}
