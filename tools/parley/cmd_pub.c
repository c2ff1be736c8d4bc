/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pub.c - parley pub: publish one thing, or lines. */
#include <string.h>

#include "commands.h"
#include "data.h"
#include "pub_admin.h"
#include "pub_client.h"

static bool is_lines;
static int64_t rate;

static const struct opt options[] = {
    DATA_OPTIONS,
    {"lines", 0, NULL, OPT_FLAG, &is_lines,
     "publish each line of stdin, in order; the first failure ends it", NULL},
    {"rate", 0, "N", OPT_NUMBER, &rate, "at most N lines a second", NULL},
    {0}};

static int publish(struct target *t, const char *channel,
                   const struct pl_buf *data)
{
    if (!t->is_client)
        return pub_as_admin(t, channel, data, rate);
    data_choose_encoding(t);
    return pub_as_client(t, channel, data, rate);
}

static int run(struct target *t, int argc, char **argv)
{
    struct pl_buf data = {0};

    if (is_lines != (argc == 1))
        return usage_error("pub", "give a channel and data, or a channel and "
                                  "--lines");
    if (rate > 0 && !is_lines)
        return usage_error("pub", "--rate needs --lines");
    if (data_is_string && data_is_binary)
        return usage_error("pub", "give --string or --binary");
    int rc = is_lines ? EXIT_OK : data_read(&data, argv[1]);
    if (rc == EXIT_OK && data.failed) {
        complain("out of memory");
        rc = EXIT_FAILED;
    }
    if (rc == EXIT_OK)
        rc = publish(t, argv[0], is_lines ? NULL : &data);
    pl_buf_fini(&data);
    return rc;
}

const struct command command_pub = {
    .name = "pub",
    .arguments = "CHANNEL (DATA | --lines)",
    .summary = "publish; - reads DATA from stdin",
    .text = "DATA is JSON and goes out byte for byte.  Text that is not JSON "
            "is\nrefused.  Options stand before CHANNEL.\n",
    .options = options,
    .reach = REACH_ADMIN | REACH_CLIENT,
    .least = 1,
    .most = 2,
    .stops = true,
    .run = run,
};
