/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - see ask.h. */
#include "ask.h"

#include "commands.h"

static int begin(struct client *c)
{
    struct ask *a = (struct ask *)c;
    enum pl_err err = a->call(a);

    return err == PL_OK ? EXIT_OK : client_refuses(c, a->what, err);
}

void ask_again(struct ask *a)
{
    int rc = begin(&a->client);

    patience_extend(&a->client.patience, a->client.target->timeout_ms);
    if (rc != EXIT_OK)
        client_end(&a->client, rc);
    else
        a->stays = true;
}

void ask_done(const struct plc_result *r, void *arg)
{
    struct ask *a = arg;
    struct client *c = &a->client;

    if (c->is_over)
        return;
    int rc = client_judge(c, a->what, r);
    if (rc == EXIT_OK)
        a->answer(a, r);
    if (rc != EXIT_OK || !a->stays)
        client_end(c, rc);
}

int ask_run(struct ask *a, const struct target *t)
{
    a->client.begin = begin;
    return client_run(&a->client, t);
}
