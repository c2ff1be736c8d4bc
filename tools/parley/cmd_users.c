/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_users.c - parley users: which users are connected, how often. */
#include "commands.h"
#include "listing.h"

static const char *user;
static int64_t limit;

static const struct opt options[] = {
    {"user", 0, "ID", OPT_TEXT, &user, "only this user", NULL},
    {"limit", 0, "N", OPT_NUMBER, &limit, "at most N (default: all)", NULL},
    {0}};

static const struct column columns[] = {
    {"CONNS", "connections", COLUMN_NUMBER, 7},
    {"USER", "user", COLUMN_TEXT, 0},
    {0}};

static int run(struct target *t, int argc, char **argv)
{
    struct listing l = {.method = "users",
                        .columns = columns,
                        .filters = json_object(),
                        .limit = limit};

    (void)argc, (void)argv;
    add_filter(l.filters, "user", user);
    int rc = print_listing(t, &l);
    json_decref(l.filters);
    return rc;
}

const struct command command_users = {
    .name = "users",
    .arguments = "",
    .summary = "list the users that are connected",
    .text = "A line each, and with --json an object each.  The user without "
            "a name\nstands for all anonymous clients.\n",
    .options = options,
    .reach = REACH_ADMIN,
    .run = run,
};
