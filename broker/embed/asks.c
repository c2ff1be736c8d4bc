/* SPDX-License-Identifier: Apache-2.0 */
/* asks.c - the judges of the embedding program, may_connect() and the like of
 * its events, and their answers.
 *
 * A question of the program is a call that a judge keeps (session/verdict.h),
 * even if the program answers before its function returns.  So there is one
 * path for answers, from any thread, and one rule for those that come too late.
 * Rejected: deciding at once where the function has answered by the time it
 * returns; the call would have to know which thread it is on.
 *
 * Where a question cannot be kept, the client gets a temporary error: what the
 * program judges never happens without its word. */
#include "broker_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "code.h"
#include "setup.h"

enum { REASON_MAX = 123 }; /* bytes in a Close frame */

/* struct pl_ask is a pl_call under another name: its answers differ. */
static struct pl_call *call_of(struct pl_ask *ask)
{
    return (struct pl_call *)(void *)ask;
}

static struct pl_ask *ask_of(struct pl_call *call)
{
    return (struct pl_ask *)(void *)call;
}

static const struct pl_call *read_call(const struct pl_ask *ask)
{
    return (const struct pl_call *)(const void *)ask;
}

/* --- Asking --- */

typedef void may(struct pl_ask *ask, void *arg);

/* A question in transit to the program's loop. */
struct ask_mail {
    struct pl_host_mail mail; /* first */
    struct pl_call *call;     /* NULL: the program has it */
    may *ask;
    void *arg;
};

/* The program cannot be asked: the client gets a temporary error. */
static void put_off(struct pl_call *call)
{
    if (pl_call_refuse_for_now(call, PL_ERROR_INTERNAL, (struct pl_span){0}) !=
        PL_OK)
        pl_call_destroy(call); /* the client waits until it is overdue */
}

static void destroy_ask(struct pl_msg *msg)
{
    struct ask_mail *m = (struct ask_mail *)msg;

    if (m->call != NULL)
        put_off(m->call);
    free(m);
}

static void run_ask(struct pl_host_mail *mail)
{
    struct ask_mail *m = (struct ask_mail *)mail;
    struct pl_call *call = m->call;

    m->call = NULL;
    m->ask(ask_of(call), m->arg);
    destroy_ask(&mail->msg);
}

/* Ask here, or on the program's loop. */
static void deliver(const struct pl_broker *b, struct pl_call *call, may *ask)
{
    if (b->host == NULL) {
        ask(ask_of(call), b->events.arg);
        return;
    }
    struct ask_mail *m = malloc(sizeof *m);
    if (m == NULL) {
        put_off(call);
        return;
    }
    *m = (struct ask_mail){.mail = {.msg.destroy = destroy_ask, .run = run_ask},
                           .call = call,
                           .ask = ask,
                           .arg = b->events.arg};
    pl_host_mark(b->host, call);
    pl_host_post(b->host, &m->mail);
}

static void ask_connect(struct pl_call *call, void *broker)
{
    const struct pl_broker *b = broker;

    deliver(b, call, b->events.may_connect);
}

/* Return the program's judge of these questions; NULL: it has none. */
static may *judge_of(const struct pl_broker *b, enum pl_asks asks)
{
    switch (asks) {
    case PL_ASKS_CONNECT:
        return b->events.may_connect;
    case PL_ASKS_REFRESH:
        return b->events.may_refresh;
    case PL_ASKS_SUBSCRIBE:
    case PL_ASKS_SUB_REFRESH:
        return b->events.may_subscribe;
    case PL_ASKS_PUBLISH:
        return b->events.may_publish;
    case PL_ASKS_NOTHING:
    case PL_ASKS_COUNT:
        break;
    }
    return NULL;
}

static enum pl_verdict_kind ask_later(struct pl_question *q, void *broker,
                                      struct pl_verdict *out)
{
    const struct pl_broker *b = broker;
    struct pl_call *call = pl_question_keep(q);

    (void)out;
    if (call != NULL)
        deliver(b, call, judge_of(b, q->asks));
    return PL_LATER;
}

/* Give `table` its successor. */
static enum pl_err replace(struct pl_handlers **table, struct pl_handlers *more,
                           enum pl_err rc)
{
    if (rc != PL_OK)
        return rc;
    pl_handlers_release(*table);
    *table = more;
    return PL_OK;
}

static enum pl_err add_judge(struct pl_broker *b, enum pl_asks asks)
{
    struct pl_handlers *more = NULL;

    if (judge_of(b, asks) == NULL)
        return PL_OK;
    enum pl_err rc =
        pl_handlers_with_judge(b->handlers, asks, ask_later, b, &more);
    return replace(&b->handlers, more, rc);
}

static enum pl_err add_connect(struct pl_broker *b)
{
    struct pl_handlers *more = NULL;

    if (b->events.may_connect == NULL)
        return PL_OK;
    enum pl_err rc =
        pl_handlers_with(b->handlers, "connect", ask_connect, b, &more);
    if (rc == PL_OK)
        pl_handlers_set_tokens_judged(more);
    return replace(&b->handlers, more, rc);
}

enum pl_err pl_broker_add_judges(struct pl_broker *b)
{
    enum pl_err rc = add_connect(b);

    for (enum pl_asks asks = PL_ASKS_REFRESH;
         asks < PL_ASKS_COUNT && rc == PL_OK; asks++)
        rc = add_judge(b, asks);
    return rc;
}

/* --- What is asked --- */

const char *pl_ask_user(const struct pl_ask *ask)
{
    return read_call(ask)->user.at;
}

const char *pl_ask_client(const struct pl_ask *ask)
{
    return read_call(ask)->client.at;
}

const char *pl_ask_token(const struct pl_ask *ask)
{
    return read_call(ask)->token.at;
}

const char *pl_ask_channel(const struct pl_ask *ask)
{
    return read_call(ask)->channel.at;
}

bool pl_ask_is_refresh(const struct pl_ask *ask)
{
    enum pl_asks asks = (enum pl_asks)read_call(ask)->asks;

    return asks == PL_ASKS_REFRESH || asks == PL_ASKS_SUB_REFRESH;
}

const char *pl_ask_data(const struct pl_ask *ask, size_t *len)
{
    const struct pl_call *c = read_call(ask);

    if (len != NULL)
        *len = c->data.len;
    return c->data.at;
}

const char *pl_ask_address(const struct pl_ask *ask)
{
    return read_call(ask)->peer;
}

const char *pl_ask_header(const struct pl_ask *ask, const char *name)
{
    struct pl_span all = read_call(ask)->headers;
    const char *at = all.at, *end = all.at + all.len;

    while (at < end) {
        const char *value = at + strlen(at) + 1;

        if (strcasecmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* --- Answers --- */

static int64_t expiry(uint32_t in_s)
{
    return in_s == 0 ? 0 : (int64_t)time(NULL) + in_s;
}

static enum pl_err read_terms(struct pl_terms *to, const struct pl_terms *from)
{
    *to = (struct pl_terms){0};
    return from == NULL ? PL_OK
                        : pl_options_copy(to, sizeof *to, sizeof *to, from,
                                          "struct pl_terms");
}

static bool has_channels(const struct pl_terms *g)
{
    if (g->channel_count > 0 && g->channels == NULL)
        return false;
    for (size_t i = 0; i < g->channel_count; i++)
        if (g->channels[i] == NULL)
            return false;
    return true;
}

/* What the terms say that cannot be kept is refused, not ignored: here, or by
 * the call. */
static bool suits(const struct pl_call *c, const struct pl_terms *g)
{
    return (g->flags & ~(uint32_t)PL_AS_ANONYMOUS) == 0 && has_channels(g) &&
           (c->is_connect ||
            (g->user == NULL && g->channels == NULL && g->flags == 0));
}

enum pl_err pl_ask_allow(struct pl_ask *ask, const struct pl_terms *terms)
{
    struct pl_call *c = call_of(ask);
    struct pl_terms g;
    enum pl_err rc = read_terms(&g, terms);

    if (rc == PL_OK && !suits(c, &g))
        rc = PL_EINVAL;
    if (rc != PL_OK)
        return rc;
    struct pl_call_terms t = {.info = pl_span_of(g.info),
                              .data = {g.data, g.len},
                              .channels = g.channels,
                              .channel_count = g.channel_count,
                              .expires_at_s = expiry(g.expires_in_s),
                              .is_anonymous = g.flags & PL_AS_ANONYMOUS};

    if (c->is_connect)
        t.user = g.user == NULL ? c->user : pl_span_of(g.user);
    return pl_call_grant(c, &t);
}

enum pl_err pl_ask_deny(struct pl_ask *ask, uint32_t code, const char *text)
{
    if (code < 100 || code > 1999)
        return PL_EINVAL;
    return pl_call_refuse(call_of(ask), code, pl_span_of(text));
}

enum pl_err pl_ask_later(struct pl_ask *ask, const char *text)
{
    return pl_call_refuse_for_now(call_of(ask), PL_ERROR_INTERNAL,
                                  pl_span_of(text));
}

enum pl_err pl_ask_close(struct pl_ask *ask, uint32_t code, const char *reason)
{
    struct pl_span text = pl_span_of(reason);

    if (code < 3000 || code > 4999 || text.len > REASON_MAX)
        return PL_EINVAL;
    return pl_call_refuse(call_of(ask), code, text);
}
