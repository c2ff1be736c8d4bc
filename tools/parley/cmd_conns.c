/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_conns.c - parley conns: who is connected. */
#include "commands.h"
#include "listing.h"

static const char *user, *client, *channel, *address;
static int64_t limit;

static const struct opt options[] = {
    {"user", 0, "ID", OPT_TEXT, &user, "only those of this user", NULL},
    {"client", 0, "ID", OPT_TEXT, &client, "only the one with this client id",
     NULL},
    {"channel", 0, "NAME", OPT_TEXT, &channel,
     "only those subscribed to this channel", NULL},
    {"address", 0, "NET", OPT_TEXT, &address,
     "only those from this address or network, as 192.0.2.0/24", NULL},
    {"limit", 0, "N", OPT_NUMBER, &limit, "at most N (default: all)", NULL},
    {0}};

static const struct column columns[] = {
    {"CLIENT", "client", COLUMN_TEXT, 32},
    {"ADDRESS", "address", COLUMN_TEXT, 15},
    {"LOOP", "loop", COLUMN_NUMBER, 4},
    {"CHANS", "channels", COLUMN_NUMBER, 6},
    {"QUEUE", "queue_bytes", COLUMN_BYTES, 7},
    {"PENDING", "pending", COLUMN_NUMBER, 7},
    {"ENCODING", "encoding", COLUMN_TEXT, 8},
    {"SLOW", "slow", COLUMN_FLAG, 4},
    {"PAUSED", "paused", COLUMN_FLAG, 6},
    {"USER", "user", COLUMN_TEXT, 0},
    {0}};

static int run(struct target *t, int argc, char **argv)
{
    struct listing l = {.method = "connections",
                        .columns = columns,
                        .filters = json_object(),
                        .limit = limit};

    (void)argc, (void)argv;
    add_filter(l.filters, "user", user);
    add_filter(l.filters, "client", client);
    add_filter(l.filters, "channel", channel);
    add_filter(l.filters, "address", address);
    int rc = print_listing(t, &l);
    json_decref(l.filters);
    return rc;
}

const struct command command_conns = {
    .name = "conns",
    .arguments = "",
    .summary = "list the connections",
    .text = "A line each, and with --json an object each.  Filters hold "
            "together.\n",
    .options = options,
    .reach = REACH_ADMIN,
    .run = run,
};
