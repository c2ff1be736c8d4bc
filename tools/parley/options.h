/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - options, from tables.  The tool has one thread and one command a
 * run, so their values go to static places. */
#ifndef PL_TOOL_OPTIONS_H
#define PL_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

enum opt_kind {
    OPT_FLAG,   /* bool */
    OPT_TEXT,   /* const char * */
    OPT_TIME,   /* int64_t, in milliseconds */
    OPT_NUMBER, /* int64_t, not negative */
    OPT_LIST    /* struct opt_list: it may be repeated */
};

enum { OPT_LIST_MAX = 1024 };

struct opt_list {
    const char *items[OPT_LIST_MAX];
    size_t count;
};

struct opt {
    const char *name;  /* NULL ends a table */
    char letter;       /* 0: none */
    const char *value; /* what the help calls it; NULL: a flag */
    enum opt_kind kind;
    void *into;
    const char *help;  /* the help breaks its lines */
    const char *words; /* what shells complete the value with, or FILE */
};

enum { OPT_TABLES = 5 };

/* The tables of a command: what all have, where the broker is, its own. */
void options_of(const struct command *c,
                const struct opt *tables[static OPT_TABLES]);

/* Find the command in argv and put it at argv[1], before the options.
 * EXIT_OK; *at is 0 if there is no command.  Else complained. */
int options_find_command(int argc, char **argv, int *at);

/* Take the options of `c`; argv[0] is the command.  The arguments begin at
 * *first.  EXIT_OK, or what to exit with; it has complained then. */
int options_take(const struct command *c, int argc, char **argv, int *first);

extern bool options_want_help, options_want_version;

#endif
