/* SPDX-License-Identifier: Apache-2.0 */
/* subs.c - the subscriptions of a client: their states.
 *
 * A subscription knows only its own subscribe request.  When that is not in the
 * table any more, because it was overtaken by an unsubscribe or by the loss of
 * the connection, its late reply finds nothing and is dropped: nothing becomes
 * subscribed that the server has not.
 *
 * Invariant: in SUBSCRIBING either the connection is not there, or the request
 * is sent, a timer for the next try runs, or a question for a token is open. */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "calls.h"
#include "client_codes.h"
#include "client_parts.h"
#include "deliveries.h"
#include "loop.h"
#include "outgoing.h"
#include "reports.h"
#include "subs_private.h"
#include "text.h"

enum {
    RESUBSCRIBE_FROM = 2500, /* codes of an unsubscribe push */
    RETRY_REFRESH_MS = 10000,
    REASON_SIZE = 128
};

static enum plc_state state_of(const struct plc_sub *s)
{
    return (enum plc_state)pl_cell_get(&s->state);
}

void plc_sub_change(struct plc_sub *s, enum plc_state to, uint32_t code,
                    const char *reason)
{
    enum plc_state from = state_of(s);

    if (from == to)
        return;
    if (from == PLC_SUBSCRIBED)
        plc_client_counts(s->client)[PLC_COUNT_SUBSCRIPTIONS]--;
    pl_cell_set(&s->state, to);
    plc_report_sub_state(s, &(struct plc_change){.from = from,
                                                 .to = to,
                                                 .code = code,
                                                 .attempt = s->attempts,
                                                 .reason = reason});
}

void plc_sub_take_back(struct plc_sub *s)
{
    plc_position_take_back(&s->position);
}

static void stop_trying(struct plc_sub *s)
{
    plc_requests_remove(&s->subscribe);
    plc_requests_remove(&s->refresh);
    pl_timer_stop(plc_client_loop(s->client), &s->retry);
    pl_timer_stop(plc_client_loop(s->client), &s->refresh_due);
    plc_secret_drop_question(&s->secret);
}

/* --- Trying --- */

static void on_retry(struct pl_timer *t)
{
    plc_sub_try(PL_CONTAINER(t, struct plc_sub, retry));
}

static void retry_later(struct plc_sub *s)
{
    struct pl_loop *loop = plc_client_loop(s->client);
    uint32_t delay =
        plc_backoff_delay(pl_loop_random(loop), s->options.backoff_min_ms,
                          s->options.backoff_max_ms, s->attempts++);

    pl_timer_start(loop, &s->retry, delay);
}

static void retry_refresh(struct plc_sub *s)
{
    struct pl_loop *loop = plc_client_loop(s->client);

    pl_timer_start(loop, &s->refresh_due,
                   RETRY_REFRESH_MS +
                       pl_random_below(pl_loop_random(loop), RETRY_REFRESH_MS));
}

static void on_refresh_due(struct pl_timer *t)
{
    struct plc_sub *s = PL_CONTAINER(t, struct plc_sub, refresh_due);

    if (s->options.get_token != NULL)
        plc_secret_ask(&s->secret, s->client, s);
    else
        plc_report_sub_error(s, PL_EINVAL, PLC_ERROR_CONFIGURATION,
                             "the token expires and get_token is not set");
}

static void on_subscribed(struct plc_sub *s,
                          const struct pl_received_subscribe *r)
{
    struct plc_client *c = s->client;

    s->attempts = 0;
    s->is_recoverable = r->recoverable;
    plc_deliver_begin(&s->position, r);
    struct plc_change change = plc_deliver_change(&s->position, r);
    plc_client_counts(c)[PLC_COUNT_SUBSCRIPTIONS]++;
    pl_cell_set(&s->state, PLC_SUBSCRIBED);
    plc_report_sub_state(s, &change);
    plc_deliver_recovered(c, s, s->channel, &s->position, r);
    if (r->expires)
        pl_timer_start(plc_client_loop(c), &s->refresh_due,
                       plc_secret_ttl_ms(r->ttl));
    plc_client_send_waiting(c);
}

static void on_refused(struct plc_sub *s, const struct pl_received_error *e)
{
    char reason[REASON_SIZE];

    plc_text_copy(reason, sizeof reason, e->message);
    if (e->code == PLC_CODE_TOKEN_EXPIRED)
        plc_secret_set(&s->secret, NULL);
    if (e->code == PLC_CODE_TOKEN_EXPIRED || e->temporary || e->code < 100) {
        plc_report_sub_error(s, PL_EDENIED, e->code, reason);
        retry_later(s);
    } else {
        plc_sub_end(s, e->code, reason);
    }
}

static void on_subscribe_answered(struct plc_request *r,
                                  const struct plc_answer *a)
{
    struct plc_sub *s = PL_CONTAINER(r, struct plc_sub, subscribe);

    if (state_of(s) != PLC_SUBSCRIBING)
        return;
    if (a->outcome == PLC_DONE)
        on_subscribed(s, &a->reply->subscribe);
    else if (a->outcome == PLC_REFUSED)
        on_refused(s, &a->reply->error);
    else if (a->err == PL_ETIMEDOUT)
        plc_attempt_lose(s->client, PLC_CODE_SUBSCRIBE_TIMEOUT,
                         "subscribe timeout", false);
}

static void send_subscribe(struct plc_sub *s)
{
    struct plc_client *c = s->client;
    const struct plc_sub_options *o = &s->options;
    struct pl_command command = {
        .id = plc_client_take_id(c),
        .verb = PL_VERB_SUBSCRIBE,
        .subscribe =
            {
                .channel = s->channel,
                .token = pl_span_of(s->secret.text),
                .data = {o->data.at, o->data.len},
                .positioned = (o->flags & PLC_POSITIONED) != 0,
                .recoverable = (o->flags & PLC_RECOVERABLE) != 0,
                .join_leave = (o->flags & PLC_JOIN_LEAVE) != 0,
            },
    };

    if (s->position.is_known && s->is_recoverable) {
        command.subscribe.recover = true;
        command.subscribe.epoch = pl_span_of(s->position.epoch);
        command.subscribe.offset = s->position.offset;
    }
    s->subscribe.id = command.id;
    s->subscribe.answered = on_subscribe_answered;
    if (!plc_client_command(c, &s->subscribe, &command))
        retry_later(s);
}

void plc_sub_try(struct plc_sub *s)
{
    struct plc_client *c = s->client;
    bool needs_token = s->options.get_token != NULL && s->secret.text == NULL;

    if (state_of(s) != PLC_SUBSCRIBING || !plc_client_is_open(c) ||
        pl_list_is_linked(&s->subscribe.link) || pl_timer_is_running(&s->retry))
        return;
    if (needs_token)
        plc_secret_ask(&s->secret, c, s);
    else
        send_subscribe(s);
}

/* --- Refreshing --- */

static void on_refreshed(struct plc_request *r, const struct plc_answer *set)
{
    struct plc_sub *s = PL_CONTAINER(r, struct plc_sub, refresh);
    char reason[REASON_SIZE];

    if (state_of(s) != PLC_SUBSCRIBED)
        return;
    if (set->outcome == PLC_DONE) {
        if (set->reply->refresh.expires)
            pl_timer_start(plc_client_loop(s->client), &s->refresh_due,
                           plc_secret_ttl_ms(set->reply->refresh.ttl));
    } else if (set->outcome == PLC_REFUSED && !set->reply->error.temporary &&
               set->reply->error.code >= 100) {
        plc_text_copy(reason, sizeof reason, set->reply->error.message);
        plc_sub_unsubscribe(s, set->reply->error.code, reason);
    } else {
        plc_report_sub_error(s, set->err, PLC_ERROR_SUB_REFRESH_TOKEN,
                             "the token could not be refreshed");
        retry_refresh(s);
    }
}

static void send_refresh(struct plc_sub *s)
{
    struct plc_client *c = s->client;
    struct pl_command command = {
        .id = plc_client_take_id(c),
        .verb = PL_VERB_SUB_REFRESH,
        .sub_refresh = {.channel = s->channel,
                        .token = pl_span_of(s->secret.text)},
    };

    s->refresh.id = command.id;
    s->refresh.answered = on_refreshed;
    if (!plc_client_command(c, &s->refresh, &command))
        retry_refresh(s);
}

static void on_answer(struct plc_client *c, struct plc_sub *s,
                      const char *token, const char *why)
{
    enum plc_state now = state_of(s);

    (void)c;
    if (now == PLC_UNSUBSCRIBED)
        return;
    if (why != NULL) {
        plc_report_sub_error(s, PL_EINVAL,
                             now == PLC_SUBSCRIBED ? PLC_ERROR_SUB_REFRESH_TOKEN
                                                   : PLC_ERROR_SUBSCRIBE_TOKEN,
                             why);
        if (now == PLC_SUBSCRIBED)
            retry_refresh(s);
        else
            retry_later(s);
        return;
    }
    if (token == NULL || *token == '\0') {
        plc_sub_unsubscribe(s, PLC_CODE_UNAUTHORIZED, "unauthorized");
        return;
    }
    plc_secret_set(&s->secret, token);
    if (now == PLC_SUBSCRIBED)
        send_refresh(s);
    else
        plc_sub_try(s);
}

/* --- The end --- */

void plc_sub_end(struct plc_sub *s, uint32_t code, const char *reason)
{
    stop_trying(s);
    s->attempts = 0;
    plc_sub_change(s, PLC_UNSUBSCRIBED, code, reason);
    plc_calls_lose_sub(s);
}

struct unsubscribing {
    struct plc_request request; /* first */
    struct plc_client *client;
};

static void on_unsubscribed(struct plc_request *r, const struct plc_answer *s)
{
    struct plc_client *c = ((struct unsubscribing *)r)->client;
    bool is_lost = s->err == PL_ECLOSED || s->err == PL_ESTOPPING;

    free(r);
    if (s->outcome != PLC_DONE && !is_lost)
        plc_attempt_lose(c, PLC_CODE_UNSUBSCRIBE_ERROR, "unsubscribe error",
                         false);
}

static void send_unsubscribe(struct plc_sub *s)
{
    struct plc_client *c = s->client;
    struct unsubscribing *u = calloc(1, sizeof *u);
    struct pl_command command = {.id = plc_client_take_id(c),
                                 .verb = PL_VERB_UNSUBSCRIBE,
                                 .channel = s->channel};

    if (u != NULL) {
        u->client = c;
        u->request.id = command.id;
        u->request.answered = on_unsubscribed;
    }
    if (u == NULL || !plc_client_command(c, &u->request, &command)) {
        free(u);
        plc_attempt_lose(c, PLC_CODE_UNSUBSCRIBE_ERROR, "unsubscribe error",
                         false);
    }
}

void plc_sub_unsubscribe(struct plc_sub *s, uint32_t code, const char *reason)
{
    struct plc_client *c = s->client;
    bool is_sent = state_of(s) == PLC_SUBSCRIBED || s->subscribe.is_sent;
    bool is_there = plc_client_is_open(c);

    if (state_of(s) == PLC_UNSUBSCRIBED)
        return;
    is_sent &=
        state_of(s) == PLC_SUBSCRIBED || pl_list_is_linked(&s->subscribe.link);
    plc_sub_end(s, code, reason);
    if (is_sent && is_there)
        send_unsubscribe(s);
}

bool plc_sub_push_end(struct plc_sub *s, const struct pl_received_end *e)
{
    char reason[REASON_SIZE];

    if (state_of(s) != PLC_SUBSCRIBED)
        return false;
    plc_text_copy(reason, sizeof reason, e->reason);
    if (e->code < RESUBSCRIBE_FROM) {
        plc_sub_end(s, e->code, reason);
        return true;
    }
    if (e->code == PLC_CODE_INSUFFICIENT_STATE)
        plc_position_spoil(&s->position);
    stop_trying(s);
    plc_sub_change(s, PLC_SUBSCRIBING, e->code, reason);
    plc_sub_try(s);
    return true;
}

bool plc_sub_push(struct plc_sub *s, const struct pl_received_publication *p)
{
    if (state_of(s) != PLC_SUBSCRIBED)
        return false;
    plc_deliver(s->client, s, s->channel, &s->position, p, false);
    return true;
}

void plc_sub_init(struct plc_sub *s)
{
    s->retry.fire = on_retry;
    s->refresh_due.fire = on_refresh_due;
    s->secret.answered = on_answer;
}

/* --- All of a client --- */

void plc_subs_each(struct plc_client *c, void (*visit)(struct plc_sub *))
{
    struct pl_list *all = plc_client_subs(c), *at = all->next;

    while (at != all) {
        struct plc_sub *s = PL_CONTAINER(at, struct plc_sub, link);

        at = at->next;
        visit(s);
    }
}

void plc_subs_try_all(struct plc_client *c)
{
    plc_subs_each(c, plc_sub_try);
}

static void unsend(struct plc_sub *s)
{
    plc_requests_remove(&s->subscribe);
    plc_requests_remove(&s->refresh);
    pl_timer_stop(plc_client_loop(s->client), &s->retry);
    pl_timer_stop(plc_client_loop(s->client), &s->refresh_due);
}

void plc_subs_unsend_all(struct plc_client *c)
{
    plc_subs_each(c, unsend);
}

void plc_subs_take_back_all(struct plc_client *c)
{
    plc_subs_each(c, plc_sub_take_back);
}

static void lose(struct plc_sub *s)
{
    unsend(s);
    if (state_of(s) == PLC_SUBSCRIBED)
        plc_sub_change(s, PLC_SUBSCRIBING, PLC_CODE_TRANSPORT,
                       "transport closed");
}

void plc_subs_lose_all(struct plc_client *c)
{
    plc_subs_each(c, lose);
}

static void spoil(struct plc_sub *s)
{
    plc_position_spoil(&s->position);
}

void plc_subs_spoil_all(struct plc_client *c)
{
    plc_subs_each(c, spoil);
}

static void close_sub(struct plc_sub *s)
{
    plc_sub_end(s, PLC_CODE_CLOSED, "client closed");
}

void plc_subs_close_all(struct plc_client *c)
{
    plc_subs_each(c, close_sub);
}
