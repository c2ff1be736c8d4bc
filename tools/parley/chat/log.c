/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - see log.h.
 *
 * Entries are few and nearly always added at the end, so they are an array that
 * is searched from its end.
 *
 * Invariant: orders never fall from one entry to the next. */
#include "log.h"

#include <stdlib.h>
#include <string.h>

static void free_entry(struct pl_chat_entry *e)
{
    if (e == NULL)
        return;
    free(e->id);
    free(e->nick);
    free(e->client);
    free(e->text);
    free(e->why);
    pl_chat_moves_destroy(e->moves);
    free(e);
}

void pl_chat_log_fini(struct pl_chat_log *l)
{
    for (size_t i = 0; i < l->count; i++)
        free_entry(l->entries[i]);
    free(l->entries);
    *l = (struct pl_chat_log){0};
}

static char *copy(const char *text)
{
    return strdup(text == NULL ? "" : text);
}

static struct pl_chat_entry *copy_entry(const struct pl_chat_entry *from)
{
    struct pl_chat_entry *e = malloc(sizeof *e);

    if (e == NULL)
        return NULL;
    *e = *from;
    e->moves = NULL;
    e->id = copy(from->id);
    e->nick = copy(from->nick);
    e->client = copy(from->client);
    e->text = copy(from->text);
    e->why = copy(from->why);
    if (e->id != NULL && e->nick != NULL && e->client != NULL &&
        e->text != NULL && e->why != NULL)
        return e;
    free_entry(e);
    return NULL;
}

/* Where an entry of `order` belongs. */
static size_t place_of(const struct pl_chat_log *l, uint64_t order)
{
    size_t at = l->count;

    while (at > 0 && l->entries[at - 1]->order > order)
        at--;
    return at;
}

static void put(struct pl_chat_log *l, struct pl_chat_entry *e)
{
    size_t at = place_of(l, e->order);

    memmove(l->entries + at + 1, l->entries + at,
            (l->count - at) * sizeof l->entries[0]);
    l->entries[at] = e;
    l->count++;
}

static void take_out(struct pl_chat_log *l, size_t at)
{
    l->count--;
    memmove(l->entries + at, l->entries + at + 1,
            (l->count - at) * sizeof l->entries[0]);
}

static bool reserve(struct pl_chat_log *l)
{
    if (l->count < l->cap)
        return true;
    size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
    struct pl_chat_entry **entries = realloc(l->entries, cap * sizeof *entries);

    if (entries == NULL)
        return false;
    l->entries = entries;
    l->cap = cap;
    return true;
}

struct pl_chat_entry *pl_chat_log_add(struct pl_chat_log *l,
                                      const struct pl_chat_entry *from)
{
    struct pl_chat_entry *e;

    if (l->count == PL_CHAT_LOG_MAX) {
        free_entry(l->entries[0]);
        take_out(l, 0);
    }
    if (!reserve(l) || (e = copy_entry(from)) == NULL)
        return NULL;
    put(l, e);
    return e;
}

struct pl_chat_entry *pl_chat_log_find(const struct pl_chat_log *l,
                                       const char *id)
{
    for (size_t i = l->count; i > 0 && id[0] != '\0'; i--)
        if (strcmp(l->entries[i - 1]->id, id) == 0)
            return l->entries[i - 1];
    return NULL;
}

void pl_chat_log_move(struct pl_chat_log *l, struct pl_chat_entry *e,
                      uint64_t order)
{
    size_t at = l->count;

    while (at > 0 && l->entries[at - 1] != e)
        at--;
    if (at == 0)
        return;
    take_out(l, at - 1);
    e->order = order;
    put(l, e);
}

struct pl_chat_entry *pl_chat_log_pending(const struct pl_chat_log *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->entries[i]->kind == PL_CHAT_MESSAGE &&
            l->entries[i]->state == PL_CHAT_PENDING)
            return l->entries[i];
    return NULL;
}

struct pl_chat_entry *pl_chat_log_moves(const struct pl_chat_log *l)
{
    size_t at = place_of(l, PL_CHAT_ORDER_LAST - 1);

    return at > 0 && l->entries[at - 1]->kind == PL_CHAT_MOVES
               ? l->entries[at - 1]
               : NULL;
}

void pl_chat_entry_set(char **string, const char *text)
{
    char *new = strdup(text);

    if (new == NULL)
        return;
    free(*string);
    *string = new;
}
