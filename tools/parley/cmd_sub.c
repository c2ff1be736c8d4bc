/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_sub.c - parley sub: print what is published. */
#include "commands.h"
#include "output.h"
#include "request.h"
#include "sub_client.h"

static struct sub_wish wish = {.history = 0};

static const struct opt options[] = {
    {"history", 0, "N", OPT_NUMBER, &wish.history,
     "first the last N publications of each channel", NULL},
    {"since", 0, "EPOCH:OFFSET", OPT_TEXT, &wish.since,
     "go on after this position; needs one channel", NULL},
    {"presence", 0, NULL, OPT_FLAG, &wish.presence,
     "print joins and leaves as well", NULL},
    {"data", 0, NULL, OPT_FLAG, &wish.data_only,
     "print only the data of publications", NULL},
    {0}};

static int subscribe(const struct target *t, char **channels, int count)
{
    struct pl_buf path = {0};
    int rc = EXIT_FAILED;

    pl_buf_put_span(&path, PL_SPAN("/sub"));
    for (int i = 0; i < count; i++) {
        pl_buf_put_span(&path, pl_span_of(i == 0 ? "?channel=" : "&channel="));
        put_escaped(&path, channels[i]);
    }
    pl_buf_put_byte(&path, '\0');
    if (path.failed)
        complain("out of memory");
    else
        rc = request_lines(t, path.data, output_line);
    pl_buf_fini(&path);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    if (t->is_client)
        return sub_as_client(t, &wish, argv, argc);
    if (wish.history > 0 || wish.since != NULL || wish.presence ||
        wish.data_only)
        return usage_error("sub", "--history, --since, --presence and --data "
                                  "need --url ws://");
    if (argc == 0)
        return usage_error("sub", "give at least one channel");
    return subscribe(t, argv, argc);
}

const struct command command_sub = {
    .name = "sub",
    .arguments = "[CHANNEL]...",
    .summary = "print publications, a line of JSON each",
    .text =
        "Runs until it is interrupted, nothing reads its output any more\n"
        "(status 0), or the broker ends it (status 5).  With --url ws://, it\n"
        "connects again by itself when the connection is lost, and goes on\n"
        "where it was; without a channel it prints what is sent to the user\n"
        "and to the connection.\n",
    .options = options,
    .reach = REACH_ADMIN | REACH_CLIENT,
    .most = -1,
    .run = run,
};
