/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.c - questions to the program for a token.
 *
 * The program answers on any thread, now or much later, and its client may be
 * gone by then.  So a question keeps a handle of the loop, and travels back to
 * the group as mail; only there it looks at its client, if that still waits for
 * the answer.
 *
 * Invariant: at most one question of a client or a subscription counts: the one
 * that its secret points to. */
#include "tokens.h"

#include <stdlib.h>
#include <string.h>

#include "client_parts.h"
#include "group.h"
#include "loop_handle.h"
#include "part.h"
#include "reports.h"

struct plc_token {
    struct plc_mail mail;        /* first */
    struct pl_loop_handle *line; /* owned */
    struct pl_address to;        /* the group */
    /* The loop's. */
    struct plc_secret *secret; /* NULL: not needed any more */
    struct plc_client *client;
    struct plc_sub *sub;
    /* The answer. */
    char *text;      /* owned; NULL: not authorized */
    const char *why; /* NULL: it did not fail */
    char why_text[200];
};

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

uint64_t plc_secret_ttl_ms(uint32_t ttl_s)
{
    uint64_t ms = (uint64_t)(ttl_s == 0 ? 1 : ttl_s) * 1000;

    return ms < PLC_TTL_MAX_MS ? ms : PLC_TTL_MAX_MS;
}

void plc_secret_set(struct plc_secret *secret, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);

    wipe(secret->text);
    secret->text = copy;
}

void plc_secret_drop_question(struct plc_secret *secret)
{
    if (secret->question != NULL)
        secret->question->secret = NULL;
    secret->question = NULL;
}

void plc_secret_fini(struct plc_secret *secret)
{
    wipe(secret->text);
    secret->text = NULL;
    plc_secret_drop_question(secret);
}

static void destroy_token(struct pl_msg *msg)
{
    struct plc_token *t = (struct plc_token *)msg;

    wipe(t->text);
    pl_loop_handle_release(t->line);
    free(t);
}

static void handle_answer(struct plc_mail *m)
{
    struct plc_token *t = (struct plc_token *)m;
    struct plc_secret *secret = t->secret;

    if (secret != NULL) {
        secret->question = NULL;
        secret->answered(t->client, t->sub, t->text, t->why);
    }
    destroy_token(&m->event.msg);
}

void plc_secret_ask(struct plc_secret *secret, struct plc_client *c,
                    struct plc_sub *s)
{
    if (secret->question != NULL)
        return;
    struct plc_token *t = calloc(1, sizeof *t);
    if (t == NULL) {
        secret->answered(c, s, NULL, "out of memory");
        return;
    }
    t->mail.event.msg.destroy = destroy_token;
    t->mail.part = plc_client_part(c);
    t->mail.handle = handle_answer;
    t->line = pl_loop_handle_hold(pl_loop_handle_of(plc_client_loop(c)));
    t->to = plc_group_address(t->mail.part->group);
    t->secret = secret;
    t->client = c;
    t->sub = s;
    secret->question = t;
    plc_report_question(c, s, t);
}

static void post(struct plc_token *t)
{
    plc_group_fill_mail(&t->mail);
    pl_loop_handle_post(t->line, t->to, &t->mail.event.msg);
}

void plc_token_answer(struct plc_token *t, const char *token)
{
    if (token != NULL) {
        t->text = strdup(token);
        if (t->text == NULL)
            t->why = "out of memory";
    }
    post(t);
}

void plc_token_fail(struct plc_token *t, const char *why)
{
    strncpy(t->why_text, why == NULL ? "no token" : why,
            sizeof t->why_text - 1);
    t->why = t->why_text;
    post(t);
}
