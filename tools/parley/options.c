/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h.
 *
 * getopt_long() reads the line; its tables are made of ours.  Options may stand
 * before the command: a first pass over the options of all commands finds where
 * the command is, and only whether they have a value matters there.
 *
 * Invariant: an option of one name has a value in all commands or in none. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "output.h"

enum { OPTIONS_MAX = 96, FIRST_CODE = 256 };

bool options_want_help, options_want_version;

static const struct opt common[] = {
    {"json", 'j', NULL, OPT_FLAG, &output_is_json,
     "print JSON, one object a line", NULL},
    {"quiet", 'q', NULL, OPT_FLAG, &say_is_quiet,
     "no remarks on standard error, only errors", NULL},
    {"help", 'h', NULL, OPT_FLAG, &options_want_help, "this text", NULL},
    {0}};

static const struct opt only_first[] = {
    {"version", 0, NULL, OPT_FLAG, &options_want_version, "the version", NULL},
    {0}};

void options_of(const struct command *c,
                const struct opt *tables[static OPT_TABLES])
{
    static const struct opt none[] = {{0}};
    bool has_admin = (c->reach & REACH_ADMIN) != 0;
    bool has_client = (c->reach & REACH_CLIENT) != 0;

    tables[0] = c->options != NULL ? c->options : none;
    tables[1] = has_admin ? target_admin_options : none;
    tables[2] = has_admin || has_client ? target_options : none;
    tables[3] = has_client ? target_client_options : none;
    tables[4] = common;
}

/* --- What getopt_long() wants --- */

struct line {
    struct option options[OPTIONS_MAX];
    const struct opt *meant[OPTIONS_MAX];
    int count;
    char letters[2 * OPTIONS_MAX];
};

/* An option that two commands have is added once. */
static void add(struct line *l, const struct opt *o)
{
    for (int i = 0; i < l->count; i++) {
        if (strcmp(l->options[i].name, o->name) == 0) {
            assert((l->meant[i]->value == NULL) == (o->value == NULL));
            return;
        }
    }
    assert(l->count < OPTIONS_MAX - 1);
    l->options[l->count] = (struct option){
        o->name, o->value != NULL ? required_argument : no_argument, NULL,
        FIRST_CODE + l->count};
    l->meant[l->count] = o;
    if (o->letter != 0) {
        size_t at = strlen(l->letters);
        l->letters[at] = o->letter;
        l->letters[at + 1] = o->value != NULL ? ':' : '\0';
    }
    l->count++;
}

static void add_table(struct line *l, const struct opt *table)
{
    for (; table->name != NULL; table++)
        add(l, table);
}

static void add_command(struct line *l, const struct command *c)
{
    const struct opt *tables[OPT_TABLES];

    options_of(c, tables);
    for (int i = 0; i < OPT_TABLES; i++)
        add_table(l, tables[i]);
}

/* NULL: getopt_long() has complained. */
static const struct opt *meaning(const struct line *l, int code)
{
    if (code >= FIRST_CODE)
        return l->meant[code - FIRST_CODE];
    for (int i = 0; i < l->count; i++) {
        if (l->meant[i]->letter == code)
            return l->meant[i];
    }
    return NULL;
}

/* --- Values --- */

/* "500ms", "5s", "5", "1m", "1h" in milliseconds; false: not a time. */
static bool read_time(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {
        {"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno != 0 || n > INT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *out = n * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_number(const char *text, int64_t *out)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || n > INT32_MAX)
        return false;
    *out = n;
    return true;
}

static int take(const struct command *c, const struct opt *o, const char *value)
{
    struct opt_list *list = o->into;

    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)o->into = true;
        return EXIT_OK;
    case OPT_TEXT:
        *(const char **)o->into = value;
        return EXIT_OK;
    case OPT_TIME:
        if (read_time(value, o->into))
            return EXIT_OK;
        return usage_error(c->name, "not a time: %s (500ms, 5s, 1m)", value);
    case OPT_NUMBER:
        if (read_number(value, o->into))
            return EXIT_OK;
        return usage_error(c->name, "not a number: %s", value);
    case OPT_LIST:
        if (list->count == OPT_LIST_MAX)
            return usage_error(c->name, "--%s: more than %d", o->name,
                               OPT_LIST_MAX);
        list->items[list->count++] = value;
        return EXIT_OK;
    }
    return EXIT_USAGE;
}

int options_take(const struct command *c, int argc, char **argv, int *first)
{
    struct line l = {0};
    char name[64], *own = argv[0]; /* for getopt's messages */
    int code, rc = EXIT_OK;

    if (c->stops)
        l.letters[0] = '+';
    add_command(&l, c);
    snprintf(name, sizeof name, "parley %s", c->name);
    argv[0] = name;
    optind = 0; /* begin anew */
    while (rc == EXIT_OK &&
           (code = getopt_long(argc, argv, l.letters, l.options, NULL)) != -1) {
        const struct opt *o = meaning(&l, code);

        rc = o == NULL ? usage_hint(c->name) : take(c, o, optarg);
    }
    argv[0] = own;
    *first = optind;
    return rc;
}

/* Move the command at argv[at] in front of the options before it. */
static void put_first(char **argv, int at)
{
    char *command = argv[at];

    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
    argv[1] = command;
}

int options_find_command(int argc, char **argv, int *at)
{
    static struct line l; /* large */
    int code;

    l.letters[0] = '+';
    for (size_t i = 0; commands[i] != NULL; i++)
        add_command(&l, commands[i]);
    add_table(&l, only_first);
    while ((code = getopt_long(argc, argv, l.letters, l.options, NULL)) != -1) {
        const struct opt *o = meaning(&l, code);

        if (o == NULL) {
            fputs("Try `parley help`.\n", stderr);
            return EXIT_USAGE;
        }
        if (o->into == &options_want_help || o->into == &options_want_version)
            *(bool *)o->into = true;
    }
    *at = optind < argc ? 1 : 0;
    /* "--" in front of the command ends the options for it as well. */
    if (optind < argc)
        put_first(argv, optind);
    return EXIT_OK;
}
