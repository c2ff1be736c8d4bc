/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of the tool.
 *
 * To add one: write cmd_NAME.c with `command_NAME` in it, and add a row here
 * and the file in CMakeLists.txt.  The help and the completions of the shells
 * come from these tables. */
#ifndef PL_TOOL_COMMANDS_H
#define PL_TOOL_COMMANDS_H

#include <stdbool.h>

#include "exit_status.h"
#include "options.h"
#include "say.h"
#include "target.h"

/* In the order of the help. */
#define COMMAND_MAP(X)                                                         \
    X(status)                                                                  \
    X(top)                                                                     \
    X(conns)                                                                   \
    X(users)                                                                   \
    X(trace)                                                                   \
    X(sub)                                                                     \
    X(pub)                                                                     \
    X(chat)                                                                    \
    X(rpc)                                                                     \
    X(send)                                                                    \
    X(call)                                                                    \
    X(presence)                                                                \
    X(history)                                                                 \
    X(channels)                                                                \
    X(kick)                                                                    \
    X(token)                                                                   \
    X(check)                                                                   \
    X(import_config)                                                           \
    X(shutdown)                                                                \
    X(bench)                                                                   \
    X(completion)                                                              \
    X(help)

/* Where a command can reach a broker. */
enum reach {
    REACH_NOTHING = 0,
    REACH_ADMIN = 1, /* the admin socket, or --url http:// */
    REACH_CLIENT = 2 /* --url ws://, as clients do */
};

struct command {
    const char *name;
    const char *arguments;     /* as the help shows them; "" for none */
    const char *summary;       /* begins with a small letter */
    const char *text;          /* more of it; lines that end */
    const struct opt *options; /* its own ones; NULL: none */
    unsigned reach;            /* enum reach */
    const char *url;           /* without --url; NULL: none */
    int least, most;           /* arguments; most -1: any number */
    /* What shells complete its arguments with: words, or FILE. */
    const char *words;
    bool stops; /* options end where the arguments begin */
    /* `argv` are the arguments alone, ended by NULL. */
    int (*run)(struct target *t, int argc, char **argv);
};

#define X(name) extern const struct command command_##name;
COMMAND_MAP(X)
#undef X

/* All of them, ended by NULL. */
extern const struct command *const commands[];

/* NULL: there is none of this name. */
const struct command *command_find(const char *name);

#endif
