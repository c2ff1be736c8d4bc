/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_shutdown.c - parley shutdown: ask the broker to stop.
 *
 * With --wait, the process that listens on the socket is watched from before
 * the request on: when it has ended, another broker can have its addresses. */
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "help.h"
#include "peer.h"
#include "request.h"

enum { WAIT_DEFAULT_MS = 60000 };

static int stop(const struct target *t, bool hurry)
{
    struct pl_buf answer = {0};
    int rc = request(t, hurry ? "/shutdown?hurry=1" : "/shutdown", "", &answer);

    pl_buf_fini(&answer);
    return rc;
}

/* A handle on the broker's process; EXIT_OK, or what to exit with. */
static int watch(const struct target *t, int *handle)
{
    int fd = -1;
    pid_t pid = 0;

    if (t->url != NULL)
        return usage_error("shutdown", "it needs the socket, not --url");
    int rc = peer_connect(t, &fd, &pid);
    if (rc != EXIT_OK)
        return rc;
    *handle = peer_watch(pid);
    close(fd);
    if (*handle >= 0)
        return EXIT_OK;
    complain(
        "--wait cannot see the process of the broker: it is in a container "
        "of its own, or the kernel is older than 5.3");
    return EXIT_FAILED;
}

static int stop_and_wait(const struct target *t, bool hurry)
{
    int handle = -1;
    int rc = watch(t, &handle);

    if (rc != EXIT_OK)
        return rc;
    rc = stop(t, hurry);
    if (rc == EXIT_OK &&
        !peer_await_end(handle,
                        t->has_timeout ? t->timeout_ms : WAIT_DEFAULT_MS)) {
        complain(
            "the broker has not ended yet; it goes on stopping (--timeout, "
            "--hurry)");
        rc = EXIT_TIMEOUT;
    }
    close(handle);
    return rc;
}

int cmd_shutdown(int argc, char **argv)
{
    static const struct option options[] = {TARGET_LONG,
                                            {"hurry", no_argument, NULL, 'H'},
                                            {"wait", no_argument, NULL, 'w'},
                                            {0}};
    struct target t = {0};
    bool hurry = false, waits = false;
    int option, rc = EXIT_OK;

    while ((option = getopt_long(argc, argv, TARGET_SHORT, options, NULL)) !=
           -1) {
        if (option == 'h') {
            print_command_help("shutdown");
            return EXIT_OK;
        }
        if (option == 'H')
            hurry = true;
        else if (option == 'w')
            waits = true;
        else
            rc = target_take(&t, "shutdown", option);
        if (rc != EXIT_OK)
            return rc;
    }
    if (optind != argc)
        return usage_error("shutdown", "it takes no arguments");
    rc = target_complete(&t);
    if (rc == EXIT_OK)
        rc = waits ? stop_and_wait(&t, hurry) : stop(&t, hurry);
    if (rc == EXIT_OK)
        puts(waits ? "The broker has stopped." : "The broker stops.");
    target_fini(&t);
    return rc;
}
