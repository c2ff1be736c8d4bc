/* SPDX-License-Identifier: Apache-2.0 */
/* stream_terms.c - the ids and versions of appends, see stream_private.h.
 *
 * An id belongs to a stream, and a stream to its epoch, so the table has the
 * epoch instead of the channel's name; a stream that was lost has forgotten its
 * ids, as it must.
 *
 * A publication with a version that is not greater than the newest of its
 * stream is stale.  Versions of another version epoch are not comparable and
 * always pass.  Few streams have a version: they are in a map by
 * stream.
 *
 * Rejected: a member of each stream, which would cost those without versions
 * 8 bytes.
 *
 * Invariant: a stream has an entry in the map if and only if has_version is
 * set. */
#include <stdlib.h>
#include <string.h>

#include "stream_private.h"

struct pl_stream_version {
    struct pl_map_node node; /* first member */
    const struct pl_channel_stream *stream;
    uint64_t version;  /* 0: none was stored yet */
    uint8_t epoch_len; /* the epoch of the version, not of the stream */
    char epoch[PL_PUB_VERSION_EPOCH_MAX];
};

/* --- Ids --- */

static struct pl_id id_of(const struct pl_channel_stream *l, struct pl_span id)
{
    return (struct pl_id){
        .scope = {l->epoch, sizeof l->epoch}, .hash = l->node.hash, .id = id};
}

static struct pl_id_table *ids_of(const struct pl_channel_stream *l)
{
    return &pl_channel_stream_store(l)->ids;
}

/* --- Versions --- */

static bool match(const struct pl_map_node *n, const void *key)
{
    return ((const struct pl_stream_version *)n)->stream == key;
}

static struct pl_stream_version *version_of(const struct pl_channel_stream *l)
{
    if (!l->has_version)
        return NULL;
    return (struct pl_stream_version *)pl_map_find(
        &pl_channel_stream_store(l)->versions, l->node.hash, match, l);
}

static bool is_stale(const struct pl_channel_stream *l,
                     const struct pl_pub_terms *t)
{
    const struct pl_stream_version *v = t->version == 0 ? NULL : version_of(l);

    return v != NULL && t->version <= v->version &&
           (t->version_epoch.len == 0 ||
            pl_span_equal(t->version_epoch,
                          (struct pl_span){v->epoch, v->epoch_len}));
}

/* Create the entry of the stream, unless it has one. */
static enum pl_err reserve(struct pl_channel_stream *l)
{
    if (l->has_version)
        return PL_OK;
    struct pl_stream_version *v = calloc(1, sizeof *v);
    if (v == NULL || pl_map_add(&pl_channel_stream_store(l)->versions, &v->node,
                                l->node.hash) != PL_OK) {
        free(v);
        return PL_ENOMEM;
    }
    v->stream = l;
    l->has_version = true;
    return PL_OK;
}

static void set(const struct pl_channel_stream *l, const struct pl_pub_terms *t)
{
    struct pl_stream_version *v = version_of(l);

    v->version = t->version;
    v->epoch_len = (uint8_t)t->version_epoch.len;
    if (v->epoch_len > 0)
        memcpy(v->epoch, t->version_epoch.at, v->epoch_len);
}

void pl_stream_version_drop(struct pl_channel_stream *l)
{
    struct pl_stream_version *v = version_of(l);

    if (v == NULL)
        return;
    pl_map_remove(&pl_channel_stream_store(l)->versions, &v->node);
    free(v);
    l->has_version = false;
}

/* --- Both --- */

static void place(struct pl_stream_append *r, uint64_t offset,
                  const char *epoch)
{
    r->pub->offset = offset;
    memcpy(r->pub->epoch, epoch, sizeof r->pub->epoch);
    memcpy(r->epoch, epoch, sizeof r->epoch);
}

bool pl_stream_terms_resolve(struct pl_channel_stream *l,
                             struct pl_stream_append *r)
{
    const struct pl_id id = id_of(l, r->terms->id);
    const struct pl_id_position *known =
        id.id.len == 0 ? NULL : pl_id_table_find(ids_of(l), &id);

    if (known != NULL) {
        place(r, known->offset, known->epoch);
        r->outcome = PL_APPEND_REPEAT;
    } else if (r->terms->skips_history) {
        r->outcome = PL_APPEND_SKIPPED;
    } else if (is_stale(l, r->terms)) {
        place(r, l->top, l->epoch);
        r->outcome = PL_APPEND_STALE;
    }
    return r->outcome != PL_APPEND_STORED;
}

static enum pl_err add_id(struct pl_channel_stream *l, struct pl_span text)
{
    const struct pl_id id = id_of(l, text);
    struct pl_id_position where = {.offset = l->top + 1};

    memcpy(where.epoch, l->epoch, sizeof where.epoch);
    return pl_id_table_add(ids_of(l), &id, &where);
}

enum pl_err pl_stream_terms_push(struct pl_channel_stream *l,
                                 const struct pl_stream_append *r)
{
    const struct pl_pub_terms *t = r->terms;
    const struct pl_id id = id_of(l, t->id);
    enum pl_err rc = t->version > 0 ? reserve(l) : PL_OK;

    if (rc == PL_OK && t->id.len > 0)
        rc = add_id(l, t->id);
    if (rc != PL_OK)
        return rc;
    rc = pl_channel_stream_push(l, r->pub, r->unused);
    if (rc != PL_OK && t->id.len > 0)
        pl_id_table_remove(ids_of(l), &id);
    if (rc == PL_OK && t->version > 0)
        set(l, t);
    return rc;
}
