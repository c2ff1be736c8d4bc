/* SPDX-License-Identifier: Apache-2.0 */
/* id_table.c - see id_table.h.
 *
 * A backend that does not know whether its publication was accepted sends it
 * again with the same id, and must not publish it twice.
 *
 * Each new entry drops up to LOOKS expired ones, so the table shrinks again
 * without a timer.
 *
 * Rejected: searching the history, because its publications may be shed, and a
 * long one makes each append slow.  Refusing at the limit, because a backend
 * that sends many ids then silences the others.
 *
 * Invariant: an entry is in the map and in the list; the gauge counts them. */
#include "id_table.h"

#include <stdlib.h>
#include <string.h>

#include "pub_terms.h"
#include "random.h"

enum { IDS_MAX = 16384, IDS_TTL_MS = 300000, LOOKS = 4, SCOPE_MAX = 255 };

struct entry {
    struct pl_map_node node; /* first member */
    struct pl_list link;
    struct pl_id_position where;
    uint64_t due_ms; /* loop time at which it expires */
    uint8_t scope_len;
    uint8_t id_len;
    char bytes[]; /* scope, then id */
};

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct entry *e = (const struct entry *)n;
    const struct pl_id *k = key;

    return pl_span_equal((struct pl_span){e->bytes, e->scope_len}, k->scope) &&
           pl_span_equal((struct pl_span){e->bytes + e->scope_len, e->id_len},
                         k->id);
}

static uint64_t hash_of(const struct pl_id_table *t, const struct pl_id *id)
{
    return pl_hash(&t->key, id->id) ^ id->hash;
}

static void count(const struct pl_id_table *t, enum pl_metric what, uint64_t by)
{
    if (t->metrics != NULL)
        pl_count(t->metrics, what, by);
}

static struct entry *find(const struct pl_id_table *t, const struct pl_id *id)
{
    return (struct entry *)pl_map_find(&t->map, hash_of(t, id), match, id);
}

static struct entry *oldest(const struct pl_id_table *t)
{
    return pl_list_is_empty(&t->list)
               ? NULL
               : PL_CONTAINER(t->list.next, struct entry, link);
}

static void drop(struct pl_id_table *t, struct entry *e)
{
    pl_map_remove(&t->map, &e->node);
    pl_list_remove(&e->link);
    free(e);
    count(t, PL_METRIC_PUBLICATION_IDS, UINT64_MAX);
}

static void make_space(struct pl_id_table *t)
{
    uint64_t now = pl_loop_now_ms(t->loop);

    for (int i = 0; i < LOOKS; i++) {
        struct entry *e = oldest(t);

        if (e == NULL || e->due_ms > now)
            break;
        drop(t, e);
    }
    if (t->map.count < IDS_MAX)
        return;
    drop(t, oldest(t));
    count(t, PL_METRIC_PUBLICATION_IDS_EVICTED, 1);
}

void pl_id_table_init(struct pl_id_table *t, struct pl_loop *loop,
                      struct pl_metrics *metrics)
{
    *t = (struct pl_id_table){.loop = loop, .metrics = metrics};
    pl_random_bytes(pl_loop_random(loop), &t->key, sizeof t->key);
    pl_list_init(&t->list);
}

void pl_id_table_fini(struct pl_id_table *t)
{
    struct entry *e;

    while ((e = oldest(t)) != NULL)
        drop(t, e);
    pl_map_fini(&t->map);
}

const struct pl_id_position *pl_id_table_find(const struct pl_id_table *t,
                                              const struct pl_id *id)
{
    const struct entry *e = find(t, id);

    return e == NULL || e->due_ms <= pl_loop_now_ms(t->loop) ? NULL : &e->where;
}

enum pl_err pl_id_table_add(struct pl_id_table *t, const struct pl_id *id,
                            const struct pl_id_position *where)
{
    struct entry *old = find(t, id); /* expired */

    if (id->id.len > PL_PUB_ID_MAX || id->scope.len > SCOPE_MAX)
        return PL_ETOOBIG;
    if (old != NULL)
        drop(t, old);
    make_space(t);
    struct entry *e = calloc(1, sizeof *e + id->scope.len + id->id.len);
    if (e == NULL || pl_map_add(&t->map, &e->node, hash_of(t, id)) != PL_OK) {
        free(e);
        return PL_ENOMEM;
    }
    e->where = *where;
    e->due_ms = pl_loop_now_ms(t->loop) + IDS_TTL_MS;
    e->scope_len = (uint8_t)id->scope.len;
    e->id_len = (uint8_t)id->id.len;
    memcpy(e->bytes, id->scope.at, id->scope.len);
    memcpy(e->bytes + e->scope_len, id->id.at, id->id.len);
    pl_list_append(&t->list, &e->link);
    count(t, PL_METRIC_PUBLICATION_IDS, 1);
    return PL_OK;
}

void pl_id_table_remove(struct pl_id_table *t, const struct pl_id *id)
{
    struct entry *e = find(t, id);

    if (e != NULL)
        drop(t, e);
}
