/* SPDX-License-Identifier: Apache-2.0 */
/* id_table.h - remembers idempotency ids of publications, and where the first
 * publication with each is.  Private to this module.
 *
 * An id belongs to a scope: a stream, by its epoch, or a channel, by its name.
 * It is forgotten after five minutes; at 16,384 ids the oldest is forgotten for
 * a new one, and counted.
 *
 * Thread: the loop's. */
#ifndef PL_ID_TABLE_H
#define PL_ID_TABLE_H

#include "hash.h"
#include "list.h"
#include "loop.h"
#include "map.h"
#include "metrics.h"
#include "store.h"

struct pl_id_table {
    struct pl_loop *loop;
    struct pl_metrics *metrics; /* NULL: none */
    struct pl_hash_key key;
    struct pl_map map;
    struct pl_list list; /* the oldest first */
};

struct pl_id {
    struct pl_span scope; /* at most 255 bytes */
    uint64_t hash;        /* of the scope */
    struct pl_span id;    /* at most PL_PUB_ID_MAX bytes */
};

struct pl_id_position {
    uint64_t offset;
    char epoch[PL_EPOCH_MAX];
};

void pl_id_table_init(struct pl_id_table *t, struct pl_loop *loop,
                      struct pl_metrics *metrics);
void pl_id_table_fini(struct pl_id_table *t);

/* Return the position of the first publication with this id, NULL if it is not
 * known.  The result is valid until the next call. */
const struct pl_id_position *pl_id_table_find(const struct pl_id_table *t,
                                              const struct pl_id *id);

/* Remember an id that pl_id_table_find() did not find.
 * Errors: PL_ENOMEM, PL_ETOOBIG. */
enum pl_err pl_id_table_add(struct pl_id_table *t, const struct pl_id *id,
                            const struct pl_id_position *where);

/* Forget an id: its publication failed. */
void pl_id_table_remove(struct pl_id_table *t, const struct pl_id *id);

#endif
