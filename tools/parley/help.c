/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - see help.h.
 *
 * tests/docs/check_docs.sh reads these texts: what begins a line after at most
 * four blanks is a command, an option or an exit status, and must stand in the
 * man page and in docs/getting-started.md too. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

enum { COLUMN = 26, WIDTH = 79 };

/* Break `text` into lines from COLUMN on; `used` columns are taken. */
static void print_wrapped(const char *text, int used)
{
    int at = used;

    if (used >= COLUMN) {
        putchar('\n');
        at = 0;
    }
    printf("%*s", COLUMN - at, "");
    at = COLUMN;
    while (*text != '\0') {
        int len = (int)strcspn(text, " ");

        if (at > COLUMN && at + 1 + len > WIDTH) {
            printf("\n%*s", COLUMN, "");
            at = COLUMN;
        } else if (at > COLUMN) {
            putchar(' ');
            at++;
        }
        printf("%.*s", len, text);
        at += len;
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_option(const struct opt *o)
{
    int used = o->letter != 0 ? printf("  -%c, --%s", o->letter, o->name)
                              : printf("  --%s", o->name);

    if (o->value != NULL)
        used += printf(" %s", o->value);
    print_wrapped(o->help, used);
}

static void print_options(const struct opt *table)
{
    for (; table->name != NULL; table++)
        print_option(table);
}

static void print_statuses(void)
{
    puts("\nExit status:");
#define X(name, value, text) printf("  %d  %s\n", value, text);
    EXIT_STATUS_MAP(X)
#undef X
}

void print_help(void)
{
    const struct opt *tables[OPT_TABLES];

    puts("Usage: parley [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n"
         "\n"
         "Commands (`parley COMMAND --help` says more):");
    for (size_t i = 0; commands[i] != NULL; i++)
        print_wrapped(commands[i]->summary, printf("  %s", commands[i]->name));
    puts("\nWhere the broker is, and how long to wait for it:");
    print_options(target_admin_options);
    print_options(target_options);
    puts("\nWith --url ws://, of the commands that clients can do:");
    print_options(target_client_options);
    puts("\nOf every command:");
    options_of(commands[0], tables);
    print_options(tables[OPT_TABLES - 1]);
    print_wrapped("the version", printf("  --version"));
    print_statuses();
}

void print_command_help(const struct command *c)
{
    const struct opt *tables[OPT_TABLES];

    printf("Usage: parley %s [OPTION]...%s%s\n\n", c->name,
           c->arguments[0] != '\0' ? " " : "", c->arguments);
    printf("%c%s.\n", c->summary[0] - 'a' + 'A', c->summary + 1);
    if (c->text != NULL)
        fputs(c->text, stdout);
    putchar('\n');
    options_of(c, tables);
    for (int i = 0; i < OPT_TABLES; i++)
        print_options(tables[i]);
    print_statuses();
}

int complain_unknown_command(const char *name)
{
    complain("unknown command: %s", name);
    fputs("Try `parley help`.\n", stderr);
    return EXIT_USAGE;
}

int print_help_about(const char *name)
{
    const struct command *c = name == NULL ? NULL : command_find(name);

    if (name != NULL && c == NULL)
        return complain_unknown_command(name);
    if (c != NULL)
        print_command_help(c);
    else
        print_help();
    return EXIT_OK;
}
