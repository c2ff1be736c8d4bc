/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley, the tool: picks the command. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"status", cmd_status}, {"pub", cmd_pub},     {"sub", cmd_sub},
    {"token", cmd_token},   {"check", cmd_check}, {"shutdown", cmd_shutdown},
};

void print_help(void)
{
    puts(
        "Usage: parley COMMAND [OPTION]... [ARGUMENT]...\n"
        "\n"
        "Commands:\n"
        "  status [--json]         how the broker is\n"
        "  pub CHANNEL DATA        publish; DATA that is not JSON becomes a\n"
        "                          string, and - reads it from stdin\n"
        "  sub CHANNEL...          print publications as they come, a line of\n"
        "                          JSON each\n"
        "  token                   print a token that lets a client in:\n"
        "    --user ID               who it is (default: anonymous)\n"
        "    --ttl TIME              how long it holds: 90s, 15m, 1h, 7d;\n"
        "                            0 is for ever (default: 1h)\n"
        "    --info JSON             shown to others in presence\n"
        "    --channel NAME          subscribe at connect; may be repeated\n"
        "    --secret-file FILE      the secret, if not from -c\n"
        "  check FILE              check a configuration\n"
        "  shutdown [--hurry]      stop the broker\n"
        "  help                    this text\n"
        "\n"
        "Where the broker is:\n"
        "  -c, --config FILE       the broker's configuration\n"
        "  -s, --socket PATH       its admin socket (or $PARLEY_SOCKET)\n"
        "  -u, --url URL           its admin address, instead of the socket\n"
        "  -k, --key KEY           the API key for it (or $PARLEY_API_KEY)\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage.");
}

static int run(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    complain("unknown command: %s", argv[1]);
    fputs("Try `parley help`.\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help();
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        print_help();
        return EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("parley " PL_VERSION);
        return EXIT_OK;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = run(argc, argv);
    curl_global_cleanup();
    if (fflush(stdout) != 0 && rc == EXIT_OK)
        rc = EXIT_FAILED;
    return rc;
}
