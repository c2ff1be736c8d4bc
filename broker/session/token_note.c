/* SPDX-License-Identifier: Apache-2.0 */
/* token_note.c - see token_note.h.
 *
 * The session manager holds the notes, and finds them by the slot of the
 * session, and by the id of the token if it has one.  A connection without a
 * token has none, so it owns nothing for this.
 *
 * A set of channels is compared by the sum of the keyed hashes of their names,
 * which do not depend on the order.  The key is random, so two sets with
 * one sum cannot be made on purpose.
 *
 * Rejected: a comparison with the subscriptions that the connection has,
 * because the server API and programs give it others, and take some away.
 *
 * Invariant: a session has a note while PL_ELSEWHERE_TOKEN is set, and then it
 * is in the map of ids if its token has an id. */
#include "token_note.h"

#include <stdlib.h>
#include <string.h>

#include "session_manager_private.h"
#include "session_private.h"
#include "token.h"

struct note {
    struct pl_map_node node;  /* in the session manager's map; first */
    struct pl_map_node by_id; /* likewise, if id_len > 0 */
    struct pl_session *session;
    uint64_t sum;
    int64_t issued_at_s;
    uint32_t id_len, meta_len;
    char text[]; /* the id, then the meta */
};

static uint64_t hash_of(const struct pl_session_manager *k, struct pl_span text)
{
    return pl_hub_hash(k->options.hub, text);
}

static uint64_t sum_of(const struct pl_session *s,
                       const struct pl_token_claims *claims)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < claims->sub_count; i++)
        sum += hash_of(s->manager, claims->subs[i].channel);
    return sum;
}

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* a slot is its own hash, and unique on its loop */
}

static struct note *find(const struct pl_session *s)
{
    return s->elsewhere & PL_ELSEWHERE_TOKEN
               ? (struct note *)pl_map_find(&s->manager->token_notes,
                                            pl_actor_address(&s->actor).slot,
                                            is_any, NULL)
               : NULL;
}

static struct note *create(struct pl_session *s,
                           const struct pl_token_claims *claims)
{
    struct note *n = calloc(1, sizeof *n + claims->id.len + claims->meta.len);

    if (n == NULL)
        return NULL;
    n->session = s;
    n->sum = sum_of(s, claims);
    n->issued_at_s = claims->issued_at_s;
    n->id_len = (uint32_t)claims->id.len;
    n->meta_len = (uint32_t)claims->meta.len;
    if (n->id_len > 0)
        memcpy(n->text, claims->id.at, n->id_len);
    if (n->meta_len > 0)
        memcpy(n->text + n->id_len, claims->meta.at, n->meta_len);
    return n;
}

static struct pl_span id_of(const struct note *n)
{
    if (n->id_len == 0)
        return (struct pl_span){0};
    return (struct pl_span){n->text, n->id_len};
}

/* Errors: PL_ENOMEM; the note is in no map. */
static enum pl_err enter(struct pl_session_manager *k, struct note *n)
{
    uint32_t slot = pl_actor_address(&n->session->actor).slot;

    if (n->id_len > 0 &&
        pl_map_add(&k->token_ids, &n->by_id, hash_of(k, id_of(n))) != PL_OK)
        return PL_ENOMEM;
    if (pl_map_add(&k->token_notes, &n->node, slot) == PL_OK)
        return PL_OK;
    if (n->id_len > 0)
        pl_map_remove(&k->token_ids, &n->by_id);
    return PL_ENOMEM;
}

/* Take the note out of its maps, and free it. */
static void drop(struct pl_session_manager *k, struct note *n)
{
    pl_map_remove(&k->token_notes, &n->node);
    if (n->id_len > 0)
        pl_map_remove(&k->token_ids, &n->by_id);
    free(n);
}

bool pl_token_note_make(struct pl_session *s,
                        const struct pl_token_claims *claims)
{
    struct note *n = create(s, claims), *old = find(s);

    if (n == NULL || enter(s->manager, n) != PL_OK) {
        free(n);
        return false;
    }
    if (old != NULL)
        drop(s->manager, old);
    s->elsewhere |= PL_ELSEWHERE_TOKEN;
    return true;
}

bool pl_token_note_grants(const struct pl_session *s,
                          const struct pl_token_claims *claims)
{
    const struct note *n = find(s);

    return (n == NULL ? 0 : n->sum) == sum_of(s, claims);
}

bool pl_token_note_is_before(const struct pl_session *s, int64_t time_s)
{
    const struct note *n = find(s);

    return n != NULL && n->issued_at_s < time_s;
}

struct pl_span pl_token_note_id(const struct pl_session *s)
{
    const struct note *n = find(s);

    if (n == NULL)
        return (struct pl_span){0};
    return id_of(n);
}

struct pl_span pl_token_note_meta(const struct pl_session *s)
{
    const struct note *n = find(s);

    if (n == NULL || n->meta_len == 0)
        return (struct pl_span){0};
    return (struct pl_span){n->text + n->id_len, n->meta_len};
}

int64_t pl_token_note_issued_at_s(const struct pl_session *s)
{
    const struct note *n = find(s);

    return n == NULL ? 0 : n->issued_at_s;
}

/* A note with this id, of a session that is still open. */
static bool is_open(const struct pl_map_node *node, const void *id)
{
    const struct note *n = PL_CONTAINER(node, const struct note, by_id);

    return n->session->state < PL_SESSION_CLOSING &&
           pl_span_equal(id_of(n), *(const struct pl_span *)id);
}

void pl_token_note_each(struct pl_session_manager *k, struct pl_span id,
                        void (*visit)(struct pl_session *s))
{
    uint64_t hash = hash_of(k, id);
    struct pl_map_node *n;

    while ((n = pl_map_find(&k->token_ids, hash, is_open, &id)) != NULL)
        visit(PL_CONTAINER(n, struct note, by_id)->session);
}

void pl_token_note_forget(struct pl_session *s)
{
    struct note *n = find(s);

    if (n == NULL)
        return;
    drop(s->manager, n);
    s->elsewhere &= (uint8_t)~PL_ELSEWHERE_TOKEN;
}
