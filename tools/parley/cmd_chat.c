/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_chat.c - parley chat: talk in rooms. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client.h"
#include "commands.h"
#include "line_mode.h"
#ifdef PL_TUI
#include "screen.h"
#include "tui.h"
#endif

static const char *nick, *color;

static const struct opt options[] = {
    {"nick", 0, "NAME", OPT_TEXT, &nick,
     "how others see you (default: your login)", NULL},
    {"color", 0, "WHEN", OPT_TEXT, &color,
     "always, never or auto, which asks NO_COLOR (default: auto)",
     "always never auto"},
    {0}};

/* Where entered lines are kept: $PARLEY_CHAT_HISTORY, or a file in the user's
 * state folder; NULL: nowhere. */
static char *history_path(void)
{
    const char *named = getenv("PARLEY_CHAT_HISTORY");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char folder[1024], path[1100];

    if (named != NULL)
        return named[0] == '\0' ? NULL : strdup(named);
    if (state != NULL && state[0] == '/')
        snprintf(folder, sizeof folder, "%s", state);
    else if (home != NULL && home[0] == '/')
        snprintf(folder, sizeof folder, "%s/.local/state", home);
    else
        return NULL;
    snprintf(path, sizeof path, "%s/parley", folder);
    /* Only the last folder is made: without a state folder, no file. */
    (void)mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/parley/chat_history", folder);
    return strdup(path);
}

static int status_of(enum pl_chat_end end)
{
    switch (end) {
    case PL_CHAT_END_OK:
        return EXIT_OK;
    case PL_CHAT_END_OPTIONS:
        return EXIT_USAGE;
    case PL_CHAT_END_NO_SERVER:
        return EXIT_NO_BROKER;
    case PL_CHAT_END_REFUSED:
        return EXIT_ENDED;
    case PL_CHAT_END_UNSENT:
        break;
    }
    return EXIT_FAILED;
}

static enum pl_chat_end talk(const struct pl_chat_options *o)
{
#ifdef PL_TUI
    enum pl_chat_end end;

    if (pl_screen_is_possible() && pl_chat_tui(o, complain, &end))
        return end;
#endif
    return pl_chat_line_mode(o, complain);
}

static void get_token(struct plc_client *client, struct plc_token *question,
                      void *arg)
{
    const struct target *t = arg;
    char *text = client_read_token(t->token_file);

    (void)client;
    plc_token_answer(question, text);
    free(text);
}

static int check(const struct target *t)
{
    if (t->token_file != NULL && strcmp(t->token_file, "-") == 0)
        return usage_error("chat", "standard input is for what you say: give "
                                   "--token-file a file");
    if (color != NULL && strcmp(color, "always") != 0 &&
        strcmp(color, "never") != 0 && strcmp(color, "auto") != 0)
        return usage_error("chat", "--color is always, never or auto");
    return EXIT_OK;
}

static int run_with(struct target *t, char **rooms, const char *url,
                    const char *headers)
{
    static const char *const lobby[] = {"lobby", NULL};
    struct plc_link link = {.size = sizeof link,
                            .headers = headers,
                            .ca_file = t->ca_file,
                            .flags = (t->is_unverified ? PLC_NO_VERIFY : 0) |
                                     (t->is_protobuf ? PLC_PROTOBUF : 0)};
    char *history = history_path();
    struct pl_chat_options o = {
        .url = url,
        .link = &link,
        .token = t->token,
        .get_token = t->token_file == NULL ? NULL : get_token,
        .get_token_arg = t,
        .version = PL_VERSION,
        .nick = nick,
        .rooms = rooms[0] == NULL ? lobby : (const char *const *)rooms,
        .color = color,
        .history = history,
        .timeout_ms = t->timeout_ms};
    int rc = status_of(talk(&o));

    free(history);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    struct pl_buf url = {0}, headers = {0};
    int rc = check(t);

    (void)argc;
    if (rc != EXIT_OK)
        return rc;
    if (setlocale(LC_ALL, "") == NULL)
        (void)setlocale(LC_ALL, "C.UTF-8"); /* the one asked for is missing */
    client_put_url(&url, t->url);
    client_put_headers(&headers, t);
    if (url.failed || headers.failed) {
        complain("out of memory");
        rc = EXIT_FAILED;
    } else {
        rc = run_with(t, argv, url.data, headers.data);
    }
    pl_buf_fini(&url);
    pl_buf_fini(&headers);
    return rc;
}

const struct command command_chat = {
    .name = "chat",
    .arguments = "[ROOM]...",
    .summary = "talk in rooms, on the whole terminal",
    .text = "The rooms are those of the chat page; without one it is lobby.\n"
            "Without a terminal, lines are read and printed.\n",
    .options = options,
    .reach = REACH_CLIENT,
    .url = "ws://127.0.0.1:8000",
    .most = -1,
    .run = run,
};
