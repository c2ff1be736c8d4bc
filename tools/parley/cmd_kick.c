/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_kick.c - parley kick: disconnect a user or a connection. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "result.h"

static int64_t code;
static const char *reason = "";

static const struct opt options[] = {
    {"code", 0, "N", OPT_NUMBER, &code,
     "the close code, 3000 to 4999; below 3500 clients come back (default: "
     "3503)",
     NULL},
    {"reason", 0, "TEXT", OPT_TEXT, &reason, "what its client is told", NULL},
    {0}};

static int run(struct target *t, int argc, char **argv)
{
    bool is_connection = strncmp(argv[0], "conn/", 5) == 0;
    struct pl_buf body = {0}, answer = {0};
    struct pl_span result;

    (void)argc;
    if (reason[0] != '\0' && code == 0)
        return usage_error("kick", "--reason needs --code");
    put_member(&body, "{", is_connection ? "client" : "user",
               is_connection ? argv[0] + 5 : argv[0]);
    if (code != 0) {
        pl_buf_printf(&body, ",\"disconnect\":{\"code\":%" PRId64, code);
        put_member(&body, ",", "reason", reason);
        pl_buf_put_byte(&body, '}');
    }
    pl_buf_put_byte(&body, '}');
    int rc = request_result(t, "disconnect", &body, &answer, &result);
    body.len = 0;
    put_member(&body, "{", "disconnected", argv[0]);
    pl_buf_put_byte(&body, '}');
    if (rc == EXIT_OK && output_is_json)
        output_buf(&body);
    else if (rc == EXIT_OK)
        output_text("disconnected %s\n", argv[0]);
    pl_buf_fini(&body);
    pl_buf_fini(&answer);
    return rc;
}

const struct command command_kick = {
    .name = "kick",
    .arguments = "(USER | conn/ID)",
    .summary = "disconnect all connections of a user, or one connection",
    .options = options,
    .reach = REACH_ADMIN,
    .least = 1,
    .most = 1,
    .run = run,
};
