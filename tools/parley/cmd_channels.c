/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_channels.c - parley channels: the channels that have subscribers. */
#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "plain.h"
#include "result.h"

/* "name": {"num_clients": 3} */
static bool on_channel(struct pl_span key, struct pl_span value, void *arg)
{
    struct pl_buf line = {0};
    struct pl_span clients = PL_SPAN("0");
    bool is_out;

    (void)arg;
    json_find(value, "num_clients", &clients);
    if (output_is_json) {
        pl_buf_put_span(&line, PL_SPAN("{\"channel\":"));
        put_string(&line, key);
        pl_buf_put_span(&line, PL_SPAN(",\"num_clients\":"));
        pl_buf_put_span(&line, clients);
        pl_buf_put_byte(&line, '}');
        is_out = output_buf(&line);
    } else {
        put_plain(&line, key, PLAIN_LINE);
        pl_buf_put_byte(&line, '\t');
        pl_buf_put_span(&line, clients);
        is_out = print_row(&line);
    }
    pl_buf_fini(&line);
    return is_out;
}

static int run(struct target *t, int argc, char **argv)
{
    struct pl_buf body = {0}, answer = {0};
    struct pl_span result, channels;

    put_member(&body, "{", "pattern", argc > 0 ? argv[0] : "");
    pl_buf_put_byte(&body, '}');
    int rc = request_result(t, "channels", &body, &answer, &result);
    if (rc == EXIT_OK && json_find(result, "channels", &channels))
        json_members(channels, on_channel, NULL);
    pl_buf_fini(&body);
    pl_buf_fini(&answer);
    return rc;
}

const struct command command_channels = {
    .name = "channels",
    .arguments = "[PATTERN]",
    .summary = "list the channels that have subscribers",
    .text = "A line for each: its name and how many are subscribed.  In "
            "PATTERN,\n* stands for any text and ? for one character.\n",
    .reach = REACH_ADMIN,
    .most = 1,
    .run = run,
};
