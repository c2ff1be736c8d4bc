/* SPDX-License-Identifier: Apache-2.0 */
/* complete.c - see complete.h.
 *
 * The first Tab inserts the first candidate and further ones go round, so that
 * a name is chosen without being typed.  Names of others are inserted without
 * their control characters. */
#include "complete.h"

#include <stdlib.h>
#include <string.h>

#include "commands_chat.h"
#include "glyph.h"

/* Rooms that the chat page offers. */
static const char *const usual_rooms[] = {"lobby", "music", "kitchen"};

static void add(struct pl_chat_completion *k, const char *text,
                const char *after)
{
    struct pl_span rest = pl_span_of(text);
    struct pl_buf b = {0};

    while (rest.len > 0) {
        uint32_t code;
        size_t len = pl_code_next(rest, &code);

        if (code >= 0x20 && code != PL_CODE_NONE &&
            (code < 0x7f || code > 0x9f))
            pl_code_put(&b, code);
        rest.at += len;
        rest.len -= len;
    }
    pl_buf_put_span(&b, pl_span_of(after));
    pl_buf_put_byte(&b, '\0');
    bool is_known = b.failed || k->count == PL_CHAT_CANDIDATES_MAX;
    for (size_t i = 0; i < k->count && !is_known; i++)
        is_known = strcmp(k->candidates[i], b.data) == 0;
    if (is_known)
        pl_buf_fini(&b);
    else
        k->candidates[k->count++] = b.data;
}

static void add_commands(struct pl_chat_completion *k, struct pl_span start)
{
    for (const struct pl_chat_command *one = pl_chat_commands;
         one->name != NULL; one++)
        if (pl_chat_begins_with(one->name, start))
            add(k, one->name, one->arguments[0] == '\0' ? "" : " ");
}

static void add_rooms(struct pl_chat_completion *k, const struct pl_chat *c,
                      struct pl_span start)
{
    for (size_t i = 0; i < c->count; i++)
        if (pl_chat_begins_with(c->rooms[i]->name, start))
            add(k, c->rooms[i]->name, "");
    for (size_t i = 0; i < c->left_count; i++)
        if (pl_chat_begins_with(c->left[i]->name, start))
            add(k, c->left[i]->name, "");
    for (size_t i = 0; i < sizeof usual_rooms / sizeof usual_rooms[0]; i++)
        if (pl_chat_begins_with(usual_rooms[i], start))
            add(k, usual_rooms[i], "");
}

static void add_people(struct pl_chat_completion *k, const struct pl_chat *c,
                       struct pl_span start, const char *after)
{
    struct pl_chat_room *r = pl_chat_current(c);
    size_t here = r == NULL ? 0 : pl_chat_people_sort(&r->people);

    for (size_t i = 0; i < here; i++) {
        const struct pl_chat_person *one = r->people.all[i];
        struct pl_buf b = {0};

        if (one->self)
            continue;
        pl_chat_person_put(one, &b);
        pl_buf_put_byte(&b, '\0');
        if (!b.failed && pl_chat_begins_with(b.data, start))
            add(k, b.data, after);
        pl_buf_fini(&b);
    }
}

static bool starts(struct pl_span text, const char *with)
{
    size_t len = strlen(with);

    return text.len >= len && memcmp(text.at, with, len) == 0;
}

/* Set the part of `before` that is completed. */
static struct pl_span part_from(struct pl_chat_completion *k,
                                struct pl_span before, size_t from)
{
    k->from = from;
    k->len = before.len - from;
    return (struct pl_span){before.at + from, before.len - from};
}

static size_t word_of(struct pl_span before)
{
    size_t from = before.len;

    while (from > 0 && before.at[from - 1] != ' ' &&
           before.at[from - 1] != '\n')
        from--;
    return from;
}

void pl_chat_complete(struct pl_chat_completion *k, const struct pl_chat *c,
                      struct pl_span before)
{
    size_t word = word_of(before);

    *k = (struct pl_chat_completion){0};
    k->chosen = PL_CHAT_CANDIDATES_MAX;
    if (word == 0 && starts(before, "/"))
        add_commands(k, part_from(k, before, 0));
    else if (starts(before, "/join ") || starts(before, "/leave "))
        add_rooms(
            k, c,
            part_from(k, before,
                      word + (before.len > word && before.at[word] == '#')));
    else if (starts(before, "/msg "))
        add_people(k, c, part_from(k, before, strlen("/msg ")), " ");
    else
        add_people(k, c, part_from(k, before, word), word == 0 ? ": " : " ");
}

void pl_chat_completion_fini(struct pl_chat_completion *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->candidates[i]);
    *k = (struct pl_chat_completion){0};
}

void pl_chat_completion_next(struct pl_chat_completion *k, struct pl_editor *e,
                             int steps)
{
    if (k->count == 0)
        return;
    size_t next =
        k->chosen >= k->count
            ? 0
            : (k->chosen + k->count + (size_t)(steps + (int)k->count)) %
                  k->count;
    struct pl_span text = pl_span_of(k->candidates[next]);
    if (!pl_editor_replace(e, k->from, k->len, text))
        return;
    k->chosen = next;
    k->len = text.len;
}
