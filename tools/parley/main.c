/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - parley, the tool: picks the command.
 *
 * SIGPIPE is ignored, so that a write that fails is an error like any other and
 * is judged in one place (output.c). */
#include <curl/curl.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "help.h"
#include "output.h"
#include "interrupt.h"

static int check_count(const struct command *c, int count)
{
    if (count >= c->least && (c->most < 0 || count <= c->most))
        return EXIT_OK;
    if (c->most == 0)
        return usage_error(c->name, "it takes no arguments");
    return usage_error(c->name, "its arguments are: %s", c->arguments);
}

/* argv[0] is the command. */
static int run(const struct command *c, int argc, char **argv)
{
    struct target *t;
    int first;
    int rc = options_take(c, argc, argv, &first);

    if (rc != EXIT_OK)
        return rc;
    if (options_want_help) {
        print_command_help(c);
        return EXIT_OK;
    }
    rc = check_count(c, argc - first);
    if (rc != EXIT_OK)
        return rc;
    rc = target_complete(c, &t);
    if (rc == EXIT_OK)
        rc = c->run(t, argc - first, argv + first);
    target_fini(t);
    return rc;
}

static int find_and_run(int argc, char **argv)
{
    int at;
    int rc = options_find_command(argc, argv, &at);

    if (rc != EXIT_OK)
        return rc;
    if (options_want_version) {
        puts("parley " PL_VERSION);
        return EXIT_OK;
    }
    if (at == 0) {
        print_help();
        return options_want_help ? EXIT_OK : EXIT_USAGE;
    }
    const struct command *c = command_find(argv[1]);
    return c == NULL ? complain_unknown_command(argv[1])
                     : run(c, argc - 1, argv + 1);
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
    interrupt_watch();
    int rc = find_and_run(argc, argv);
    curl_global_cleanup();
    return output_end(rc);
}
