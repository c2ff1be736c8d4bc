/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_shutdown.c - parley shutdown: ask the broker to stop.
 *
 * With --wait, the process that listens on the socket is watched from before
 * the request on: when it has ended, another broker can have its addresses. */
#include <unistd.h>

#include "commands.h"
#include "output.h"
#include "patience.h"
#include "peer.h"
#include "request.h"

enum { WAIT_DEFAULT_MS = 60000 };

static bool hurries, waits;

static const struct opt options[] = {
    {"hurry", 0, NULL, OPT_FLAG, &hurries, "do not wait for work in progress",
     NULL},
    {"wait", 0, NULL, OPT_FLAG, &waits,
     "return when its process has ended; --timeout is then 60s unless it is "
     "given",
     NULL},
    {0}};

static int stop(const struct target *t)
{
    struct pl_buf answer = {0};
    int rc =
        request(t, hurries ? "/shutdown?hurry=1" : "/shutdown", "", &answer);

    pl_buf_fini(&answer);
    return rc;
}

/* A handle on the broker's process; EXIT_OK, or what to exit with. */
static int watch(const struct target *t, int *handle)
{
    int fd = -1;
    pid_t pid = 0;

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

static int stop_and_wait(const struct target *t)
{
    int handle = -1;
    int rc = watch(t, &handle);

    if (rc != EXIT_OK)
        return rc;
    rc = stop(t);
    if (rc == EXIT_OK &&
        !peer_await_end(
            handle, t->has_timeout ? t->timeout_ms : WAIT_DEFAULT_MS, true)) {
        complain(
            "the broker has not ended yet; it goes on stopping (--timeout, "
            "--hurry)");
        rc = EXIT_TIMEOUT;
    }
    close(handle);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    (void)argc, (void)argv;
    if (waits && t->url != NULL)
        return usage_error("shutdown", "--wait needs the socket, not --url");
    int rc = waits ? stop_and_wait(t) : stop(t);
    if (rc != EXIT_OK)
        return rc;
    if (output_is_json)
        output_text("{\"stopped\":%s}\n", waits ? "true" : "false");
    else
        output_text("%s\n",
                    waits ? "The broker has stopped." : "The broker stops.");
    return EXIT_OK;
}

const struct command command_shutdown = {
    .name = "shutdown",
    .arguments = "",
    .summary = "stop the broker",
    .text = "Through the socket only.\n",
    .options = options,
    .reach = REACH_ADMIN,
    .run = run,
};
