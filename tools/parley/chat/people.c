/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - see people.h.
 *
 * Names are claims of clients and may be the same; the broker names clients.
 * So people are kept by client, and two of one name differ by the end of their
 * id. */
#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static void free_person(struct pl_chat_person *one)
{
    free(one->nick);
    free(one);
}

void pl_chat_people_fini(struct pl_chat_people *p)
{
    for (size_t i = 0; i < p->count; i++)
        free_person(p->all[i]);
    free(p->all);
    *p = (struct pl_chat_people){0};
}

static struct pl_chat_person *add_person(struct pl_chat_people *p,
                                         const char *client)
{
    if (p->count == PL_CHAT_PEOPLE_MAX)
        return NULL;
    if (p->count == p->cap) {
        size_t cap = p->cap == 0 ? 16 : 2 * p->cap;
        struct pl_chat_person **all = realloc(p->all, cap * sizeof *all);

        if (all == NULL)
            return NULL;
        p->all = all;
        p->cap = cap;
    }
    struct pl_chat_person *one = calloc(1, sizeof *one);
    if (one == NULL)
        return NULL;
    snprintf(one->client, sizeof one->client, "%s", client);
    p->all[p->count++] = one;
    p->is_sorted = false;
    return one;
}

struct pl_chat_person *pl_chat_people_get(struct pl_chat_people *p,
                                          const char *client, bool add)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->all[i]->client, client) == 0)
            return p->all[i];
    return add ? add_person(p, client) : NULL;
}

void pl_chat_people_begin(struct pl_chat_people *p)
{
    for (size_t i = 0; i < p->count; i++) {
        p->all[i]->here = p->all[i]->self = false;
        p->all[i]->typing_until_ms = 0;
    }
    p->uncounted = 0;
    p->is_sorted = false;
}

void pl_chat_people_here(struct pl_chat_people *p, const char *client,
                         bool self)
{
    struct pl_chat_person *one = pl_chat_people_get(p, client, true);

    if (one == NULL) {
        p->uncounted++;
        return;
    }
    one->here = true;
    one->self = self;
    p->is_sorted = false;
}

void pl_chat_people_gone(struct pl_chat_people *p, const char *client)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->all[i]->client, client) != 0)
            continue;
        free_person(p->all[i]);
        p->all[i] = p->all[--p->count];
        p->is_sorted = false;
        return;
    }
    if (p->uncounted > 0)
        p->uncounted--;
}

void pl_chat_people_name(struct pl_chat_people *p, const char *client,
                         const char *nick)
{
    struct pl_chat_person *one = pl_chat_people_get(p, client, true);
    char *name = one == NULL ? NULL : strdup(nick);

    if (name == NULL)
        return;
    free(one->nick);
    one->nick = name;
    p->is_sorted = false;
}

void pl_chat_person_put(const struct pl_chat_person *one, struct pl_buf *b)
{
    if (one->nick == NULL)
        pl_buf_printf(b, "guest %s", pl_chat_tag(one->client));
    else
        pl_buf_put(b, one->nick, strlen(one->nick));
}

/* --- Order --- */

static int compare(const void *a, const void *b)
{
    const struct pl_chat_person *one = *(struct pl_chat_person *const *)a;
    const struct pl_chat_person *other = *(struct pl_chat_person *const *)b;
    struct pl_buf x = {0}, y = {0};

    if (one->here != other->here)
        return one->here ? -1 : 1;
    if (one->self != other->self)
        return one->self ? -1 : 1;
    pl_chat_put_look(&x, one->nick == NULL ? "\U0010ffff" : one->nick);
    pl_chat_put_look(&y, other->nick == NULL ? "\U0010ffff" : other->nick);
    pl_buf_put_byte(&x, '\0');
    pl_buf_put_byte(&y, '\0');
    int order = x.failed || y.failed ? 0 : strcmp(x.data, y.data);
    pl_buf_fini(&x);
    pl_buf_fini(&y);
    return order != 0 ? order : strcmp(one->client, other->client);
}

static bool is_same_name(const struct pl_chat_person *a,
                         const struct pl_chat_person *b)
{
    return a->nick != NULL && b->nick != NULL &&
           pl_chat_looks_same(a->nick, b->nick);
}

/* Those of one name stand together, but for this user, who is first. */
static void mark_ambiguous(struct pl_chat_people *p, size_t here)
{
    for (size_t i = 0; i < here; i++)
        p->all[i]->is_ambiguous = false;
    for (size_t i = 1; i < here; i++) {
        struct pl_chat_person *one = p->all[i];

        for (size_t k = i - 1;; k = 0) {
            if (is_same_name(one, p->all[k]))
                one->is_ambiguous = p->all[k]->is_ambiguous = true;
            if (k == 0)
                break;
        }
    }
}

size_t pl_chat_people_sort(struct pl_chat_people *p)
{
    size_t here = 0;

    if (p->is_sorted)
        return p->here;
    if (p->count > 0)
        qsort(p->all, p->count, sizeof p->all[0], compare);
    while (here < p->count && p->all[here]->here)
        here++;
    mark_ambiguous(p, here);
    p->here = here;
    p->is_sorted = true;
    return here;
}

/* --- Typing --- */

void pl_chat_people_put_typing(const struct pl_chat_people *p, int64_t now_ms,
                               struct pl_buf *b)
{
    const struct pl_chat_person *names[2];
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++) {
        const struct pl_chat_person *one = p->all[i];

        if (one->typing_until_ms <= now_ms || one->self)
            continue;
        if (count < 2)
            names[count] = one;
        count++;
    }
    if (count == 0)
        return;
    pl_chat_person_put(names[0], b);
    if (count > 2) {
        pl_buf_printf(b, " and %zu others are typing", count - 1);
        return;
    }
    if (count == 2) {
        pl_buf_put(b, " and ", 5);
        pl_chat_person_put(names[1], b);
    }
    pl_buf_printf(b, " %s typing", count == 1 ? "is" : "are");
}

int64_t pl_chat_people_due(const struct pl_chat_people *p, int64_t now_ms)
{
    int64_t due = 0;

    for (size_t i = 0; i < p->count; i++) {
        int64_t until = p->all[i]->typing_until_ms;

        if (until > now_ms && (due == 0 || until < due))
            due = until;
    }
    return due;
}
