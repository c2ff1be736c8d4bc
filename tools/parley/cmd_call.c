/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_call.c - parley call: send a message and wait for one in return.
 *
 * The protocol has no requests between clients, but each message names its
 * sender.  So the first message that the addressee sends to this connection, or
 * to its user, is the answer.
 *
 * Invariant: a message of anyone else is not taken for an answer. */
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "data.h"
#include "json_read.h"
#include "output.h"

static const char *to, *type = "", *answer_type;

static const struct opt options[] = {
    {"to", 0, "ADDRESS", OPT_TEXT, &to, "conn/ID or user/ID", NULL},
    {"type", 0, "TYPE", OPT_TEXT, &type, "the type of the message", NULL},
    {"answer", 0, "TYPE", OPT_TEXT, &answer_type,
     "only a message of this type is the answer", NULL},
    DATA_OPTIONS,
    {0}};

struct request {
    struct ask ask; /* first */
    struct pl_buf data;
};

static enum pl_err call(struct ask *a)
{
    struct request *r = (struct request *)a;

    return plc_actor_send(a->client.handle, to, type, r->data.data, r->data.len,
                          ask_done, a);
}

static void on_sent(struct ask *a, const struct plc_result *r)
{
    (void)r;
    patience_begin(&a->client.patience, a->client.target->timeout_ms,
                   "a message from %s", to);
}

static bool is_text(struct pl_span json, const char *name, const char *text)
{
    struct pl_span value;

    return json_find(json, name, &value) && json_equals(value, text);
}

/* Whether the addressee has sent it. */
static bool is_answer(struct pl_span message)
{
    struct pl_span from;
    bool is_connection = strncmp(to, "conn/", 5) == 0;

    if (answer_type != NULL && !is_text(message, "type", answer_type))
        return false;
    return json_find(message, "from", &from) &&
           is_text(from, is_connection ? "client" : "user", to + 5);
}

static void on_message(struct client *c, struct plc_bytes data)
{
    struct pl_span message = {data.at, data.len}, body;

    if (!is_answer(message))
        return;
    if (!output_is_json && json_find(message, "body", &body))
        message = body;
    output_line(message.at, message.len);
    client_end(c, EXIT_OK);
}

static void on_publication(struct client *c, const struct plc_publication *p)
{
    on_message(c, p->data);
}

static int run(struct target *t, int argc, char **argv)
{
    struct request r = {.ask = {.client = {.message = on_message,
                                           .publication = on_publication},
                                .what = to,
                                .call = call,
                                .answer = on_sent,
                                .stays = true}};

    (void)argc;
    if (to == NULL ||
        (strncmp(to, "conn/", 5) != 0 && strncmp(to, "user/", 5) != 0))
        return usage_error("call", "give --to conn/ID or --to user/ID");
    if (data_is_binary)
        return usage_error("call", "a message is JSON");
    int rc = data_read(&r.data, argv[0]);
    if (rc == EXIT_OK)
        rc = ask_run(&r.ask, t);
    pl_buf_fini(&r.data);
    return rc;
}

const struct command command_call = {
    .name = "call",
    .arguments = "DATA",
    .summary = "send a message and print the one that comes in return",
    .text = "The first message that the addressee sends to this connection "
            "or to\nits user is the answer; its body is printed, with --json "
            "all of it.\nOptions stand before DATA.\n",
    .options = options,
    .reach = REACH_CLIENT,
    .least = 1,
    .most = 1,
    .stops = true,
    .run = run,
};
