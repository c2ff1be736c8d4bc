/* SPDX-License-Identifier: Apache-2.0 */
/* commands_chat.c - see commands_chat.h. */
#include "commands_chat.h"

#include <stdlib.h>
#include <string.h>

static struct pl_span trim(struct pl_span s)
{
    while (s.len > 0 && s.at[0] == ' ') {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && s.at[s.len - 1] == ' ')
        s.len--;
    return s;
}

static void run_join(struct pl_chat *c, struct pl_span arguments)
{
    pl_chat_join(c, arguments);
}

static void run_leave(struct pl_chat *c, struct pl_span arguments)
{
    struct pl_chat_room *r =
        arguments.len == 0 ? pl_chat_current(c) : pl_chat_find(c, arguments);

    if (r == NULL)
        pl_chat_notice(c, "You are not in that room");
    else
        pl_chat_leave(c, r);
}

static void run_msg(struct pl_chat *c, struct pl_span arguments)
{
    struct pl_span rest = arguments;
    const struct pl_chat_person *to = pl_chat_person_at(c, &rest);
    char *text;

    if (to == NULL) {
        pl_chat_notice(c, "No such person is here: /msg NICK TEXT");
        return;
    }
    rest = trim(rest);
    text = pl_chat_clip(rest, PL_CHAT_TEXT_UNITS);
    if (text != NULL && text[0] != '\0')
        pl_chat_direct(c, to, text);
    else
        pl_chat_notice(c, "What should the message be?  /msg NICK TEXT");
    free(text);
}

static void run_nick(struct pl_chat *c, struct pl_span arguments)
{
    if (arguments.len == 0)
        pl_chat_notice(c, "You are called %s", c->me.nick);
    else
        pl_chat_rename(c, arguments);
}

static void run_who(struct pl_chat *c, struct pl_span arguments)
{
    struct pl_chat_room *r = pl_chat_current(c);
    struct pl_buf b = {0};

    (void)arguments;
    if (r == NULL)
        return;
    size_t here = pl_chat_people_sort(&r->people);
    for (size_t i = 0; i < here; i++) {
        if (i > 0)
            pl_buf_put(&b, ", ", 2);
        pl_chat_person_put(r->people.all[i], &b);
    }
    pl_chat_room_note(r, "Here (%zu): %.*s", here + r->people.uncounted,
                      (int)b.len, b.data == NULL ? "" : b.data);
    pl_buf_fini(&b);
}

static void run_rooms(struct pl_chat *c, struct pl_span arguments)
{
    struct pl_buf b = {0};

    (void)arguments;
    for (size_t i = 0; i < c->count; i++)
        pl_buf_printf(&b, "%s#%s", i > 0 ? ", " : "", c->rooms[i]->name);
    pl_chat_notice(c, "Your rooms: %.*s", (int)b.len,
                   b.data == NULL ? "" : b.data);
    pl_buf_fini(&b);
}

static void run_quit(struct pl_chat *c, struct pl_span arguments)
{
    (void)arguments;
    c->has_quit = true;
}

static void run_help(struct pl_chat *c, struct pl_span arguments)
{
    struct pl_chat_room *r = pl_chat_current(c);

    (void)arguments;
    for (const struct pl_chat_command *k = pl_chat_commands;
         k->name != NULL && r != NULL; k++)
        pl_chat_room_note(r, "%s%s%s  %s", k->name,
                          k->arguments[0] == '\0' ? "" : " ", k->arguments,
                          k->help);
    if (r != NULL)
        pl_chat_room_note(r, "//TEXT  write text that begins with a slash");
}

const struct pl_chat_command pl_chat_commands[] = {
    {"/join", "ROOM", "enter a room, or show one that you are in", run_join},
    {"/leave", "[ROOM]", "leave this room, or another one", run_leave},
    {"/msg", "NICK TEXT", "write to one person only", run_msg},
    {"/nick", "NAME", "take another name", run_nick},
    {"/rooms", "", "list your rooms", run_rooms},
    {"/who", "", "list who is here", run_who},
    {"/help", "", "show this list", run_help},
    {"/quit", "", "leave the chat", run_quit},
    {NULL, NULL, NULL, NULL},
};

void pl_chat_command_run(struct pl_chat *c, struct pl_span line)
{
    size_t len = 0;

    while (len < line.len && line.at[len] != ' ')
        len++;
    struct pl_span name = {line.at, len};
    struct pl_span arguments =
        trim((struct pl_span){line.at + len, line.len - len});
    for (const struct pl_chat_command *k = pl_chat_commands; k->name != NULL;
         k++) {
        if (!pl_span_equal(name, pl_span_of(k->name)))
            continue;
        k->run(c, arguments);
        return;
    }
    pl_chat_notice(c, "There is no %.*s: /help lists what there is",
                   (int)name.len, name.at);
}
