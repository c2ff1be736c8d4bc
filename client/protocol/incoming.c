/* SPDX-License-Identifier: Apache-2.0 */
/* incoming.c - the replies and pushes that a client receives.
 *
 * They are handled one after another as they came.  What does not fit, such as
 * a reply to nothing or a push for an unknown channel, is dropped: it
 * may belong to something that has just ended.
 *
 * Invariant: bytes that are not the protocol end the connection, and the client
 * tries again: a proxy in between may have made them. */
#include <stdio.h>

#include "reports.h"

static void on_push(struct plc_client *c, const struct pl_received *m)
{
    struct plc_sub *s = plc_subs_find(c, m->channel);
    bool is_subscribed = s != NULL && pl_cell_get(&s->state) == PLC_SUBSCRIBED;

    switch (m->kind) {
    case PL_RECEIVED_PUBLICATION:
        if (s != NULL)
            plc_sub_push(s, &m->publication);
        else
            plc_server_subs_push(c, m->channel, &m->publication);
        return;
    case PL_RECEIVED_JOIN:
    case PL_RECEIVED_LEAVE:
        if (is_subscribed || (s == NULL && plc_server_subs_has(c, m->channel)))
            plc_report_presence(c, s, m->channel, &m->info,
                                m->kind == PL_RECEIVED_JOIN);
        return;
    case PL_RECEIVED_UNSUBSCRIBED:
        if (s != NULL)
            plc_sub_push_end(s, &m->end);
        else
            plc_server_subs_end(c, m->channel, m->end.code, m->end.reason);
        return;
    default:
        return;
    }
}

static void on_disconnect(struct plc_client *c, const struct pl_received_end *e)
{
    char reason[128];

    snprintf(reason, sizeof reason, "%.*s", (int)e->reason.len,
             e->reason.len == 0 ? "" : e->reason.at);
    plc_attempt_closed_by_code(c, e->code, reason);
}

static void answer_ping(struct plc_client *c)
{
    static const struct pl_command pong = {.verb = PL_VERB_PONG};

    if (c->answers_pings)
        plc_client_command(c, NULL, &pong);
}

static void handle(struct plc_client *c, struct pl_received *m)
{
    if (!m->is_push && m->kind != PL_RECEIVED_PING) {
        plc_requests_reply(&c->requests, m);
        return;
    }
    switch (m->kind) {
    case PL_RECEIVED_PING:
        answer_ping(c);
        return;
    case PL_RECEIVED_MESSAGE:
        plc_report_message(c, m->data);
        return;
    case PL_RECEIVED_SUBSCRIBED:
        plc_server_subs_add(c, m->channel, &m->subscribe);
        return;
    case PL_RECEIVED_DISCONNECT:
        on_disconnect(c, &m->end);
        return;
    default:
        if (m->channel.at != NULL)
            on_push(c, m);
    }
}

static void start_watchdog(struct plc_client *c)
{
    if (c->ping_ms > 0)
        pl_timer_start(c->loop, &c->ping, c->ping_ms);
}

bool plc_client_receive(struct plc_client *c, struct pl_span payload)
{
    const struct plc_attempt *attempt = c->attempt;
    struct pl_received m;
    const char *why = NULL;
    size_t at = 0;
    enum pl_err rc = PL_OK;

    start_watchdog(c);
    do {
        pl_arena_reset(&c->arena);
        rc =
            pl_received_decode(c->encoding, &payload, &c->arena, &m, &why, &at);
        if (rc == PL_OK)
            handle(c, &m);
    } while (rc == PL_OK && payload.len > 0 && c->attempt == attempt);
    if (rc != PL_OK && c->attempt == attempt) {
        char text[200];

        snprintf(text, sizeof text, "not the protocol: %s at byte %zu",
                 rc == PL_ENOMEM ? "out of memory" : why, at);
        plc_report_error(c, rc, PLC_ERROR_TRANSPORT, text);
        plc_attempt_lose(c, PLC_CODE_TRANSPORT, "transport closed", false);
    }
    return c->attempt == attempt;
}
