/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - see help.h.
 *
 * tests/docs/check_docs.sh reads these texts: what begins a line after at most
 * four blanks is a command, an option or an exit status, and must stand in the
 * man page and in docs/getting-started.md too. */
#include "help.h"

#include <stdio.h>
#include <string.h>

#include "options.h"

static const struct page {
    const char *name;
    const char *arguments;
    const char *summary;
    const char *text; /* its own options, and what they mean */
    bool needs_broker;
} pages[] = {
    {"status", "[--json]", "show how the broker is",
     "Connections, users, channels, mailboxes, loops, what was dropped and\n"
     "why, and whether the ledgers are balanced.\n"
     "\n"
     "  -j, --json              everything, as JSON\n",
     true},
    {"pub", "[--string] CHANNEL DATA", "publish; - reads DATA from stdin",
     "DATA is JSON and goes out byte for byte.  Text that is not JSON is\n"
     "refused.  Options stand before CHANNEL.\n"
     "\n"
     "  --string                DATA is plain text and goes out as a JSON\n"
     "                          string; of stdin, without the last newline\n",
     true},
    {"sub", "CHANNEL...", "print publications, a line of JSON each",
     "Runs until it is interrupted (status 0), nothing reads its output any\n"
     "more (status 0), or the broker ends it (status 5).\n",
     true},
    {"token", "(-c FILE | --secret-file FILE) [OPTION]...",
     "print a token that admits a client",
     "No broker is needed.\n"
     "\n"
     "  -c, --config FILE       the configuration with auth.hmac_secret\n"
     "  --secret-file FILE      the secret is the first line of FILE\n"
     "  --user ID               the user (default: anonymous)\n"
     "  --ttl TIME              how long it holds: 90s, 15m, 1h, 7d; 0 is for\n"
     "                          ever (default: 1h)\n"
     "  --info JSON             shown to others in presence\n"
     "  --channel NAME          subscribe at connect; may be repeated\n",
     false},
    {"check", "FILE", "check a configuration",
     "The files of TLS that it names as well; warnings leave the status "
     "at 0.\n",
     false},
    {"shutdown", "[--hurry] [--wait]", "stop the broker",
     "Through the socket only.\n"
     "\n"
     "  --hurry                 do not wait for work in progress\n"
     "  --wait                  return when its process has ended; --timeout\n"
     "                          is then 60s unless it is given\n",
     true},
};

static void print_where(void)
{
    puts("Where the broker is, and how long to wait for it:\n"
         "  -c, --config FILE       the broker's configuration names its "
         "socket\n"
         "  -s, --socket PATH       its admin socket (or $PARLEY_SOCKET)\n"
         "  -u, --url URL           its admin address, instead of the socket\n"
         "  -k, --key KEY           the API key for it (or $PARLEY_API_KEY)\n"
         "  -t, --timeout TIME      how long the broker may take to answer:\n"
         "                          500ms, 5s, 1m; 0 is for ever (default: "
         "10s)");
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
    puts("Usage: parley [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n"
         "\n"
         "Commands (`parley COMMAND --help` says more):");
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        printf("  %-23s %s\n", pages[i].name, pages[i].summary);
    puts("  help [COMMAND]          this text, or that of a command\n");
    print_where();
    puts("\n"
         "  -h, --help              this text, or that of a command\n"
         "  --version               the version");
    print_statuses();
}

bool print_command_help(const char *name)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const struct page *p = &pages[i];

        if (strcmp(p->name, name) != 0)
            continue;
        printf("Usage: parley %s %s\n\n", name, p->arguments);
        printf("%c%s.\n%s\n", p->summary[0] - 'a' + 'A', p->summary + 1,
               p->text);
        if (p->needs_broker)
            print_where();
        puts("  -h, --help              this text");
        print_statuses();
        return true;
    }
    return false;
}
