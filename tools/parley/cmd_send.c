/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_send.c - parley send: a message to an address, or to a handler. */
#include "ask.h"
#include "commands.h"
#include "data.h"
#include "output.h"
#include "result.h"

static const char *to, *type = "";

static const struct opt options[] = {
    {"to", 0, "ADDRESS", OPT_TEXT, &to,
     "channel/NAME, user/ID or conn/ID; without it, DATA goes to the broker "
     "as it is",
     NULL},
    {"type", 0, "TYPE", OPT_TEXT, &type, "the type of the message", NULL},
    DATA_OPTIONS,
    {0}};

struct letter {
    struct ask ask; /* first */
    struct pl_buf data;
};

static enum pl_err call(struct ask *a)
{
    struct letter *l = (struct letter *)a;
    struct plc_client *c = a->client.handle;

    if (to == NULL)
        return plc_send(c, l->data.data, l->data.len, ask_done, a);
    return plc_actor_send(c, to, type, l->data.data, l->data.len, ask_done, a);
}

/* The answer to a message says how many have it. */
static void answer(struct ask *a, const struct plc_result *r)
{
    (void)a;
    if (to != NULL)
        print_data(r->data);
    else
        output_text(output_is_json ? "{\"sent\":true}\n" : "sent\n");
}

static int run(struct target *t, int argc, char **argv)
{
    struct letter l = {.ask = {.what = to != NULL ? to : "send",
                               .call = call,
                               .answer = answer}};

    (void)argc;
    if (to != NULL && data_is_binary)
        return usage_error("send", "a message to an address is JSON");
    int rc = data_read(&l.data, argv[0]);
    if (rc == EXIT_OK) {
        data_choose_encoding(t);
        rc = ask_run(&l.ask, t);
    }
    pl_buf_fini(&l.data);
    return rc;
}

const struct command command_send = {
    .name = "send",
    .arguments = "DATA",
    .summary = "send a message to an address, or to a handler",
    .text = "With --to, the answer says how many have got it.  Without it,\n"
            "nothing is answered: what goes wrong is in the broker's log.\n"
            "Options stand before DATA.\n",
    .options = options,
    .reach = REACH_CLIENT,
    .least = 1,
    .most = 1,
    .stops = true,
    .run = run,
};
