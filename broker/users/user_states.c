/* SPDX-License-Identifier: Apache-2.0 */
/* user_states.c - see user_states.h.
 *
 * Entries are in a map by user and in a list, the one that was renewed longest
 * ago first.  Each change looks at a few entries at the front of the list: what
 * has expired is forgotten, and what would expire while its user is connected
 * goes to the end.  So no timer runs, and no call pays for many entries.
 *
 * Rejected: an entry for each user that disconnects, for a time of the last
 * connection without any update.  It would cost every broker memory for what
 * few backends ask.
 *
 * Invariant: `bytes` is the sum of the lengths of all names and texts. */
#include "user_states.h"

#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "map.h"

enum { REAPED = 8 /* entries that one change looks at */ };

struct entry {
    struct pl_map_node node;
    struct pl_list link;
    int64_t renewed_s, active_s, online_s;
    size_t user_len, text_len;
    char bytes[]; /* the user, then the text */
};

struct pl_user_states {
    struct pl_map map;
    struct pl_list list;
    struct pl_hash_key key;
    size_t bytes;
    pl_user_is_online *is_online;
    void *arg;
};

enum pl_err pl_user_states_create(struct pl_user_states **out,
                                  const struct pl_hash_key *key,
                                  pl_user_is_online *is_online, void *arg)
{
    struct pl_user_states *t = calloc(1, sizeof *t);

    if (t == NULL)
        return PL_ENOMEM;
    pl_list_init(&t->list);
    t->key = *key;
    t->is_online = is_online;
    t->arg = arg;
    *out = t;
    return PL_OK;
}

static struct pl_span user_of(const struct entry *e)
{
    return (struct pl_span){e->bytes, e->user_len};
}

static void forget(struct pl_user_states *t, struct entry *e)
{
    pl_map_remove(&t->map, &e->node);
    pl_list_remove(&e->link);
    t->bytes -= e->user_len + e->text_len;
    free(e);
}

void pl_user_states_destroy(struct pl_user_states *t)
{
    if (t == NULL)
        return;
    while (!pl_list_is_empty(&t->list))
        forget(t, PL_CONTAINER(t->list.next, struct entry, link));
    pl_map_fini(&t->map);
    free(t);
}

static bool is_user(const struct pl_map_node *n, const void *key)
{
    const struct entry *e = PL_CONTAINER(n, struct entry, node);

    return pl_span_equal(user_of(e), *(const struct pl_span *)key);
}

static struct entry *find(const struct pl_user_states *t, struct pl_span user)
{
    struct pl_map_node *n =
        pl_map_find(&t->map, pl_hash(&t->key, user), is_user, &user);

    return n == NULL ? NULL : PL_CONTAINER(n, struct entry, node);
}

/* A wall clock that goes back makes no entry younger than the others. */
static void renew(struct pl_user_states *t, struct entry *e, int64_t now_s)
{
    e->renewed_s = now_s;
    pl_list_remove(&e->link);
    pl_list_append(&t->list, &e->link);
}

static bool is_old(const struct entry *e, int64_t now_s)
{
    return now_s - e->renewed_s >= PL_USER_STATE_TTL_S;
}

/* Return false if the entry has expired, and was forgotten. */
static bool keep(struct pl_user_states *t, struct entry *e, int64_t now_s)
{
    if (!is_old(e, now_s))
        return true;
    if (!t->is_online(t->arg, user_of(e))) {
        forget(t, e);
        return false;
    }
    renew(t, e, now_s);
    return true;
}

static void reap(struct pl_user_states *t, int64_t now_s)
{
    for (int i = 0; i < REAPED && !pl_list_is_empty(&t->list); i++) {
        struct entry *e = PL_CONTAINER(t->list.next, struct entry, link);

        if (!is_old(e, now_s))
            return;
        keep(t, e, now_s);
    }
}

static void make_space(struct pl_user_states *t, size_t bytes)
{
    while (!pl_list_is_empty(&t->list) &&
           (t->map.count >= PL_USER_STATES_MAX ||
            bytes > PL_USER_STATES_BYTES_MAX - t->bytes))
        forget(t, PL_CONTAINER(t->list.next, struct entry, link));
}

static struct entry *create(struct pl_span user, struct pl_span text)
{
    struct entry *e = calloc(1, sizeof *e + user.len + text.len);

    if (e == NULL)
        return NULL;
    e->user_len = user.len;
    e->text_len = text.len;
    memcpy(e->bytes, user.at, user.len);
    if (text.len > 0)
        memcpy(e->bytes + user.len, text.at, text.len);
    return e;
}

enum pl_err pl_user_states_put(struct pl_user_states *t, struct pl_span user,
                               struct pl_span text, int64_t now_s)
{
    size_t bytes = user.len + text.len;

    if (bytes > PL_USER_STATES_BYTES_MAX)
        return PL_ETOOBIG;
    reap(t, now_s);
    struct entry *e = create(user, text);
    if (e == NULL)
        return PL_ENOMEM;
    struct entry *before = find(t, user);
    if (before != NULL) {
        e->online_s = before->online_s;
        forget(t, before);
    }
    make_space(t, bytes);
    if (pl_map_add(&t->map, &e->node, pl_hash(&t->key, user)) != PL_OK) {
        free(e);
        return PL_ENOMEM;
    }
    t->bytes += bytes;
    e->active_s = now_s;
    renew(t, e, now_s);
    return PL_OK;
}

void pl_user_states_leave(struct pl_user_states *t, struct pl_span user,
                          int64_t now_s)
{
    struct entry *e = t->map.count == 0 ? NULL : find(t, user);

    if (e == NULL)
        return;
    e->online_s = now_s;
    renew(t, e, now_s);
}

bool pl_user_states_find(struct pl_user_states *t, struct pl_span user,
                         int64_t now_s, struct pl_user_state *out)
{
    struct entry *e = find(t, user);

    if (e == NULL || !keep(t, e, now_s))
        return false;
    *out = (struct pl_user_state){
        .active_s = e->active_s,
        .online_s = e->online_s,
        .text = {e->bytes + e->user_len, e->text_len},
    };
    return true;
}

void pl_user_states_remove(struct pl_user_states *t, struct pl_span user)
{
    struct entry *e = find(t, user);

    if (e != NULL)
        forget(t, e);
}

size_t pl_user_states_count(const struct pl_user_states *t)
{
    return t->map.count;
}
