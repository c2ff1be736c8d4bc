/* SPDX-License-Identifier: Apache-2.0 */
/* moves.c - see moves.h; tools/demo/moves.js writes the same lines.
 *
 * A member that returns by another connection has the same name, and is one. */
#include "moves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "names.h"

enum { MOVERS_MAX = 50, NAMED_MAX = 3 };

enum phrase {
    CAME_IN,
    IS_BACK,
    HAS_LEFT,
    CAME_AND_LEFT,
    LEFT_AND_CAME,
    PHRASES
};

static const char *const phrases[PHRASES][2] = {
    {"came in", "came in"},
    {"is back", "are back"},
    {"left", "left"},
    {"came in and left", "came in and left"},
    {"left and came back", "left and came back"},
};

struct mover {
    char client[PL_CHAT_CLIENT_SIZE];
    char *nick; /* owned */
    enum pl_chat_move first, last;
};

struct pl_chat_moves {
    struct mover movers[MOVERS_MAX];
    size_t count;
};

enum pl_err pl_chat_moves_create(struct pl_chat_moves **out)
{
    struct pl_chat_moves *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    *out = m;
    return PL_OK;
}

void pl_chat_moves_destroy(struct pl_chat_moves *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->count; i++)
        free(m->movers[i].nick);
    free(m);
}

static struct mover *find(struct pl_chat_moves *m, const char *client,
                          const char *nick, enum pl_chat_move move)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->movers[i].client, client) == 0)
            return &m->movers[i];
    for (size_t i = 0; i < m->count && move != PL_CHAT_LEFT; i++)
        if (m->movers[i].last == PL_CHAT_LEFT &&
            pl_chat_looks_same(m->movers[i].nick, nick))
            return &m->movers[i];
    return NULL;
}

bool pl_chat_moves_add(struct pl_chat_moves *m, const char *client,
                       const char *nick, enum pl_chat_move move)
{
    struct mover *one = find(m, client, nick, move);
    char *name;

    if (one == NULL && m->count == MOVERS_MAX)
        return false;
    if ((name = strdup(nick)) == NULL)
        return true;
    if (one == NULL) {
        one = &m->movers[m->count++];
        snprintf(one->client, sizeof one->client, "%s", client);
        one->first = move;
    }
    free(one->nick);
    one->nick = name;
    one->last = move;
    return true;
}

static enum phrase phrase_of(const struct mover *one)
{
    if (one->first != PL_CHAT_LEFT && one->last == PL_CHAT_LEFT)
        return CAME_AND_LEFT;
    if (one->first == PL_CHAT_LEFT && one->last != PL_CHAT_LEFT)
        return LEFT_AND_CAME;
    if (one->last == PL_CHAT_LEFT)
        return HAS_LEFT;
    /* who came in and lost its connection since then is new to the reader */
    return one->first == PL_CHAT_IS_BACK ? IS_BACK : CAME_IN;
}

static void put_group(const struct pl_chat_moves *m, struct pl_buf *b,
                      enum phrase phrase, size_t count)
{
    size_t named = count > NAMED_MAX + 1 ? NAMED_MAX : count, done = 0;

    if (b->len > 0)
        pl_buf_put(b, "; ", 2);
    for (size_t i = 0; i < m->count && done < named; i++) {
        if (phrase_of(&m->movers[i]) != phrase)
            continue;
        done++;
        pl_buf_printf(b, "%s%s",
                      done == 1                         ? ""
                      : done == named && named == count ? " and "
                                                        : ", ",
                      m->movers[i].nick);
    }
    if (named < count)
        pl_buf_printf(b, " and %zu others", count - named);
    pl_buf_printf(b, " %s", phrases[phrase][count > 1]);
}

void pl_chat_moves_put(const struct pl_chat_moves *m, struct pl_buf *b)
{
    for (unsigned phrase = 0; phrase < PHRASES; phrase++) {
        size_t count = 0;

        for (size_t i = 0; i < m->count; i++)
            count += phrase_of(&m->movers[i]) == (enum phrase)phrase;
        if (count > 0)
            put_group(m, b, (enum phrase)phrase, count);
    }
}
