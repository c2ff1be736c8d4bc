/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.c - how a client connects, loses its connection, and tries again.
 *
 * Each attempt is an object of its own, with one link.  When it is replaced it
 * leaves: its link may still close in order, but it finds that it is not the
 * client's attempt any more, and nothing that it brings counts.
 *
 * A teardown is complete before the first event about it is made, so that a
 * callback that reconnects finds a client that has nothing of the old
 * connection.
 *
 * Invariant: in CONNECTING there is an attempt, a timer for the next one, or an
 * open question for a token; in CONNECTED there is an attempt. */
#include "attempt.h"

#include <stdio.h>
#include <stdlib.h>

#include "backoff.h"
#include "calls.h"
#include "client_codes.h"
#include "client_private.h"
#include "incoming.h"
#include "outgoing.h"
#include "reports.h"
#include "subs_private.h"
#include "text.h"

enum {
    PROVEN_MS = 10000, /* a connection that lasts so long was a good one */
    CLOSE_NORMAL = 1000,
    CLOSE_TOO_BIG = 1009,
    RETRY_REFRESH_MS = 5000, /* and as much again, at random */
    REASON_SIZE = 128
};

/* --- Attempts that leave --- */

static void destroy_attempt(struct plc_attempt *a)
{
    pl_list_remove(&a->link_of);
    if (a->link != NULL)
        plc_link_destroy(a->link);
    free(a);
}

bool plc_attempt_cut(struct plc_client *c)
{
    bool was_cut = !pl_list_is_empty(&c->leaving);

    while (!pl_list_is_empty(&c->leaving))
        destroy_attempt(
            PL_CONTAINER(c->leaving.next, struct plc_attempt, link_of));
    return was_cut;
}

/* Let the attempt close in order, without a word to the client. */
static void leave_attempt(struct plc_client *c)
{
    struct plc_attempt *a = c->attempt;

    if (a == NULL)
        return;
    c->attempt = NULL;
    plc_client_drop_frame(c);
    pl_list_append(&c->leaving, &a->link_of);
    if (a->link == NULL)
        destroy_attempt(a);
    else
        plc_link_close(a->link, CLOSE_NORMAL, (struct pl_span){NULL, 0});
}

/* --- The end of a connection --- */

static void stop_timers(struct plc_client *c)
{
    pl_timer_stop(c->loop, &c->retry);
    plc_deadline_stop(c->loop, &c->ping);
    pl_timer_stop(c->loop, &c->refresh_due);
    pl_timer_stop(c->loop, &c->proven);
}

static void change(struct plc_client *c, enum plc_state to, uint32_t code,
                   const char *reason)
{
    enum plc_state from = plc_client_now(c);

    if (from == PLC_CONNECTED)
        c->counts[PLC_COUNT_OPEN]--;
    pl_cell_set(&c->state, to);
    plc_report_state(c, &(struct plc_change){.from = from,
                                             .to = to,
                                             .code = code,
                                             .attempt = c->attempts,
                                             .reason = reason});
}

static void lose(struct plc_client *c, uint32_t code, const char *reason,
                 bool is_final)
{
    enum plc_state from = plc_client_now(c);
    const struct plc_link_conn *link =
        c->attempt == NULL ? NULL : c->attempt->link;
    uint64_t taken = link == NULL ? 0 : plc_link_taken(link);
    uint64_t left = link == NULL ? 0 : plc_link_may_leave(link);
    enum plc_state to = is_final ? PLC_DISCONNECTED : PLC_CONNECTING;

    if (from == PLC_DISCONNECTED)
        return;
    c->is_over = is_final;
    stop_timers(c);
    leave_attempt(c);
    plc_requests_remove(&c->connect);
    plc_requests_remove(&c->refresh);
    if (from == PLC_CONNECTED) {
        plc_subs_lose_all(c);
        plc_server_subs_lose_all(c);
    } else {
        plc_subs_unsend_all(c);
    }
    if (from != to)
        change(c, to, code, reason);
    plc_calls_taken(c, taken);
    plc_calls_lose(c, left);
    plc_requests_fail_all(&c->requests, PL_ECLOSED, left, is_final);
    plc_secret_drop_question(&c->secret); /* its answer is of this attempt */
    if (!is_final)
        plc_attempt_retry(c);
    plc_client_check(c);
}

static bool is_final_code(uint32_t code)
{
    return (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000) ||
           code == CLOSE_TOO_BIG;
}

static void closed_by_code(struct plc_client *c, uint32_t code,
                           const char *reason)
{
    if (code == PLC_CODE_STATE_INVALIDATED) {
        plc_subs_spoil_all(c);
        plc_server_subs_forget(c);
        if (c->options.get_token != NULL)
            plc_secret_set(&c->secret, NULL);
    }
    if (code == CLOSE_TOO_BIG)
        lose(c, PLC_CODE_MESSAGE_SIZE, "message size limit", true);
    else if (code < 3000)
        lose(c, PLC_CODE_TRANSPORT, "transport closed", false);
    else
        lose(c, code, reason, is_final_code(code));
}

/* An attempt has failed; no state changes. */
static void fail_attempt(struct plc_client *c, enum pl_err err, uint32_t code,
                         const char *text)
{
    plc_report_error(c, err, code, text);
    lose(c, PLC_CODE_TRANSPORT, "transport closed", false);
}

/* --- Retries --- */

static void on_retry(struct pl_timer *t)
{
    plc_attempt_begin(PL_CONTAINER(t, struct plc_client, retry));
}

void plc_attempt_retry(struct plc_client *c)
{
    uint32_t delay =
        plc_backoff_delay(pl_loop_random(c->loop), c->options.backoff_min_ms,
                          c->options.backoff_max_ms, c->attempts);

    if (delay < c->retry_ms)
        delay = c->retry_ms < c->options.backoff_max_ms
                    ? c->retry_ms
                    : c->options.backoff_max_ms;
    c->retry_ms = 0;
    c->attempts++;
    pl_timer_start(c->loop, &c->retry, delay);
}

static void on_proven(struct pl_timer *t)
{
    PL_CONTAINER(t, struct plc_client, proven)->attempts = 0;
}

static void on_no_ping(struct pl_timer *t)
{
    struct plc_client *c = PL_CONTAINER(t, struct plc_client, ping.timer);

    if (!plc_deadline_waits(c->loop, &c->ping))
        lose(c, PLC_CODE_NO_PING, "no ping", false);
}

/* --- The token --- */

static void plan_refresh(struct plc_client *c, bool expires, uint32_t ttl_s)
{
    if (expires)
        pl_timer_start(c->loop, &c->refresh_due, plc_secret_ttl_ms(ttl_s));
}

static void retry_refresh(struct plc_client *c)
{
    pl_timer_start(c->loop, &c->refresh_due,
                   RETRY_REFRESH_MS + pl_random_below(pl_loop_random(c->loop),
                                                      RETRY_REFRESH_MS));
}

static void on_refreshed(struct plc_request *r, const struct plc_answer *s)
{
    struct plc_client *c = PL_CONTAINER(r, struct plc_client, refresh);

    if (s->outcome == PLC_DONE) {
        plan_refresh(c, s->reply->refresh.expires, s->reply->refresh.ttl);
    } else if (s->outcome == PLC_REFUSED && !s->reply->error.temporary &&
               s->reply->error.code >= 100) {
        char reason[REASON_SIZE];

        plc_text_copy(reason, sizeof reason, s->reply->error.message);
        lose(c, s->reply->error.code, reason, true);
    } else if (plc_client_is_connected(c)) {
        plc_report_error(c, s->err, PLC_ERROR_REFRESH_TOKEN,
                         "the token could not be refreshed");
        retry_refresh(c);
    }
}

static void on_refresh_due(struct pl_timer *t)
{
    struct plc_client *c = PL_CONTAINER(t, struct plc_client, refresh_due);

    if (c->options.get_token != NULL)
        plc_secret_ask(&c->secret, c, NULL);
    else
        plc_report_error(c, PL_EINVAL, PLC_ERROR_CONFIGURATION,
                         "the token expires and get_token is not set");
}

static void send_refresh(struct plc_client *c)
{
    struct pl_command command = {.id = plc_client_take_id(c),
                                 .verb = PL_VERB_REFRESH,
                                 .token = pl_span_of(c->secret.text)};

    c->refresh.id = command.id;
    c->refresh.answered = on_refreshed;
    if (!plc_client_command(c, &c->refresh, &command))
        retry_refresh(c);
}

static void dial(struct plc_client *c);

static void on_answer(struct plc_client *c, struct plc_sub *s,
                      const char *token, const char *why)
{
    enum plc_state now = plc_client_now(c);

    (void)s;
    if (now == PLC_DISCONNECTED)
        return;
    if (why != NULL) {
        plc_report_error(c, PL_EINVAL,
                         now == PLC_CONNECTED ? PLC_ERROR_REFRESH_TOKEN
                                              : PLC_ERROR_CONNECT_TOKEN,
                         why);
        if (now == PLC_CONNECTED)
            retry_refresh(c);
        else
            plc_attempt_retry(c);
        return;
    }
    if (token == NULL) {
        lose(c, PLC_CODE_UNAUTHORIZED, "unauthorized", true);
        return;
    }
    plc_secret_set(&c->secret, token);
    if (now == PLC_CONNECTED)
        send_refresh(c);
    else if (c->attempt == NULL)
        dial(c);
}

/* --- The connect command --- */

static void on_connected(struct plc_client *c,
                         const struct pl_received_connect *r)
{
    char client[128], version[128];
    struct pl_received_list subs = r->subs;
    const char *why;

    plc_text_copy(client, sizeof client, r->client);
    plc_text_copy(version, sizeof version, r->version);
    c->ping_ms = r->ping == 0 || r->ping > PLC_TTL_MAX_MS / 1000
                     ? 0
                     : r->ping * 1000 + c->options.ping_slack_ms;
    c->answers_pings = r->pong;
    if (c->ping_ms > 0)
        plc_deadline_start(c->loop, &c->ping, c->ping_ms);
    plan_refresh(c, r->expires, r->ttl);
    pl_timer_start(c->loop, &c->proven, PROVEN_MS);
    c->counts[PLC_COUNT_OPEN]++;
    c->counts[PLC_COUNT_RECONNECTS] += c->was_connected;
    c->was_connected = true;
    pl_cell_set(&c->state, PLC_CONNECTED);
    plc_part_result(&c->part, PL_OK, "connected");
    plc_report_state(c,
                     &(struct plc_change){.from = PLC_CONNECTING,
                                          .to = PLC_CONNECTED,
                                          .attempt = c->attempts,
                                          .reason = "connected",
                                          .client = client,
                                          .version = version,
                                          .data = {r->data.at, r->data.len}});
    plc_client_send_waiting(c);
    plc_subs_try_all(c);
    if (!plc_server_subs_compare(c, &subs, &c->arena, &why))
        fail_attempt(c, PL_ELIMIT, PLC_ERROR_TRANSPORT, why);
}

static void on_refused(struct plc_client *c, const struct pl_received_error *e)
{
    char reason[REASON_SIZE];

    plc_text_copy(reason, sizeof reason, e->message);
    if (e->code == PLC_CODE_TOKEN_EXPIRED && c->options.get_token != NULL)
        plc_secret_set(&c->secret, NULL);
    if (e->code == PLC_CODE_TOKEN_EXPIRED || e->temporary || e->code < 100) {
        fail_attempt(c, PL_EDENIED, e->code, reason);
        return;
    }
    plc_part_result(&c->part, PL_EDENIED, reason);
    lose(c, e->code, reason, true);
}

static void on_connect_answered(struct plc_request *r,
                                const struct plc_answer *s)
{
    struct plc_client *c = PL_CONTAINER(r, struct plc_client, connect);

    if (s->outcome == PLC_DONE)
        on_connected(c, &s->reply->connect);
    else if (s->outcome == PLC_REFUSED)
        on_refused(c, &s->reply->error);
    else
        fail_attempt(c, s->err, PLC_ERROR_TIMEOUT,
                     "no reply to connect in time");
}

static struct pl_span span_of(struct plc_bytes b)
{
    return (struct pl_span){b.at, b.len};
}

static void send_connect(struct plc_client *c)
{
    struct pl_subscribe_request *subs = NULL;
    struct pl_command command = {
        .id = plc_client_take_id(c),
        .verb = PL_VERB_CONNECT,
        .connect = {.token = pl_span_of(c->secret.text),
                    .data = span_of(c->options.data),
                    .name = pl_span_of(c->options.name),
                    .version = pl_span_of(c->options.version)},
    };

    bool is_sent = plc_server_subs_list(c, &command.connect.sub_count, &subs);
    command.connect.subs = subs;
    c->connect.id = command.id;
    c->connect.answered = on_connect_answered;
    is_sent = is_sent && plc_client_command(c, &c->connect, &command);
    free(subs);
    if (is_sent)
        plc_subs_try_all(c);
    else
        fail_attempt(c, PL_ENOMEM, PLC_ERROR_TRANSPORT, "out of memory");
}

/* --- The link --- */

static void on_opened(void *user, struct pl_span protocol)
{
    struct plc_attempt *a = user;
    struct plc_client *c = a->client;

    (void)protocol;
    if (c->attempt != a)
        return;
    c->is_link_open = true;
    send_connect(c);
}

static void on_message(void *user, enum pl_ws_opcode opcode,
                       struct pl_span payload)
{
    struct plc_attempt *a = user;
    struct plc_client *c = a->client;

    if (c->attempt != a || opcode > PL_WS_BINARY)
        return;
    if (plc_client_receive(c, payload) && plc_events_is_full(c->events))
        plc_link_pause(a->link, true);
}

static void on_sent(void *user, uint64_t position)
{
    struct plc_attempt *a = user;

    if (a->client->attempt == a)
        plc_calls_taken(a->client, position);
}

static void on_closed(void *user, const struct plc_link_end *end)
{
    struct plc_attempt *a = user;
    struct plc_client *c = a->client;
    char why[PLC_TERMS_WHY_SIZE];
    uint16_t code = end->code;
    bool was_open = end->was_open;

    if (c->attempt != a) {
        destroy_attempt(a);
        plc_client_check(c);
        return;
    }
    snprintf(why, sizeof why, "%s", end->why);
    if (!was_open || end->err != PL_ECLOSED || code < 3000)
        plc_report_error(c, end->err, PLC_ERROR_TRANSPORT, why);
    c->retry_ms = end->retry_ms;
    closed_by_code(c, code, why);
    destroy_attempt(a); /* it has left, and its link is over */
}

static const struct plc_link_user link_calls = {
    .opened = on_opened,
    .message = on_message,
    .sent = on_sent,
    .closed = on_closed,
};

static void dial(struct plc_client *c)
{
    struct plc_attempt *a = calloc(1, sizeof *a);
    const struct plc_link_terms *terms =
        &c->terms.urls[c->next_url++ % c->terms.url_count];

    if (a == NULL) {
        plc_attempt_retry(c);
        return;
    }
    a->client = c;
    c->attempt = a;
    c->is_link_open = c->has_loss = c->answers_pings = false;
    c->ping_ms = 0;
    enum pl_err rc = plc_link_open(&a->link, c->links, terms, &link_calls, a);
    if (rc != PL_OK) {
        a->link = NULL;
        fail_attempt(c, rc, PLC_ERROR_TRANSPORT, pl_err_text(rc));
    }
}

void plc_attempt_begin(struct plc_client *c)
{
    bool needs_token = c->options.get_token != NULL &&
                       (c->secret.text == NULL || *c->secret.text == '\0');

    if (needs_token)
        plc_secret_ask(&c->secret, c, NULL);
    else
        dial(c);
}

static const struct plc_attempt_ops ops = {
    .lose = lose,
    .closed_by_code = closed_by_code,
};

void plc_attempt_init(struct plc_client *c)
{
    c->attempts_of = &ops;
    c->secret.answered = on_answer;
    c->retry.fire = on_retry;
    c->ping.timer.fire = on_no_ping;
    c->refresh_due.fire = on_refresh_due;
    c->proven.fire = on_proven;
}
