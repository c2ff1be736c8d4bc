/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley, the tool: picks the command.
 *
 * Options may stand before the command: one pass of getopt over the options of
 * all commands finds where the command is, and they are moved behind it, where
 * the command's own getopt judges them.
 *
 * SIGPIPE is ignored, so that a write that fails is an error like any other and
 * is judged in one place (output.c). */
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "help.h"
#include "options.h"
#include "output.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"status", cmd_status}, {"pub", cmd_pub},     {"sub", cmd_sub},
    {"token", cmd_token},   {"check", cmd_check}, {"shutdown", cmd_shutdown},
};

/* Of all commands: only whether they have a value matters here. */
static const struct option all_options[] = {
    TARGET_LONG,
    {"json", no_argument, NULL, 'j'},
    {"string", no_argument, NULL, 'S'},
    {"hurry", no_argument, NULL, 'H'},
    {"wait", no_argument, NULL, 'w'},
    {"secret-file", required_argument, NULL, 'f'},
    {"user", required_argument, NULL, 'f'},
    {"ttl", required_argument, NULL, 'f'},
    {"info", required_argument, NULL, 'f'},
    {"channel", required_argument, NULL, 'f'},
    {"version", no_argument, NULL, 'V'},
    {0}};

static int unknown(const char *name)
{
    complain("unknown command: %s", name);
    fputs("Try `parley help`.\n", stderr);
    return EXIT_USAGE;
}

static int help_about(const char *name)
{
    if (name == NULL) {
        print_help();
        return EXIT_OK;
    }
    return print_command_help(name) ? EXIT_OK : unknown(name);
}

/* argv[1] is the command. */
static int run(int argc, char **argv)
{
    char name[64]; /* for getopt's messages */

    if (strcmp(argv[1], "help") == 0)
        return help_about(argc > 2 ? argv[2] : NULL);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        snprintf(name, sizeof name, "parley %s", argv[1]);
        argv[1] = name;
        optind = 0; /* begin anew */
        return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}

/* Move the command at argv[at] in front of the options before it. */
static void put_first(char **argv, int at)
{
    char *command = argv[at];

    memmove(argv + 2, argv + 1, (size_t)(at - 1) * sizeof *argv);
    argv[1] = command;
}

static int find_and_run(int argc, char **argv)
{
    bool help = false;
    int option;

    while ((option = getopt_long(argc, argv, "+" TARGET_SHORT "j", all_options,
                                 NULL)) != -1) {
        if (option == 'V') {
            puts("parley " PL_VERSION);
            return EXIT_OK;
        }
        if (option == '?') {
            fputs("Try `parley help`.\n", stderr);
            return EXIT_USAGE;
        }
        help = help || option == 'h';
    }
    if (optind == argc && help)
        return help_about(NULL);
    if (optind == argc) {
        print_help();
        return EXIT_USAGE;
    }
    /* "--" in front of the command ends the options for it as well. */
    put_first(argv, optind);
    return run(argc, argv);
}

/* A socket that took the number of a closed stdout would get the output. */
static void fill_closed_streams(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_closed_streams();
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int rc = find_and_run(argc, argv);
    curl_global_cleanup();
    return output_end(rc);
}
