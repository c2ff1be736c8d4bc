/* SPDX-License-Identifier: Apache-2.0 */
/* incoming.c - the replies and pushes that a client receives.
 *
 * They are handled one after another as they came.  What does not fit, such as
 * a reply to nothing or a push for an unknown channel, is dropped and counted:
 * it may belong to something that has just ended.
 *
 * Invariant: bytes that are not the protocol, and what is lost for lack of
 * memory, end the connection, and the client tries again.  A proxy in between
 * may have made the bytes; what is lost is recovered. */
#include "incoming.h"

#include <stdio.h>

#include "client_codes.h"
#include "client_private.h"
#include "outgoing.h"
#include "reports.h"
#include "subs_private.h"
#include "text.h"

/* The connection cannot go on; the next one may. */
static void fail(struct plc_client *c, enum pl_err err, const char *why)
{
    plc_report_error(c, err, PLC_ERROR_TRANSPORT, why);
    plc_attempt_lose(c, PLC_CODE_TRANSPORT, "transport closed", false);
}

static void on_reply(struct plc_client *c, const struct pl_received *m)
{
    switch (plc_requests_reply(&c->requests, m)) {
    case PLC_REPLY_TAKEN:
        return;
    case PLC_REPLY_UNEXPECTED:
        c->counts[PLC_COUNT_DROPPED]++;
        return;
    case PLC_REPLY_WRONG:
        fail(c, PL_EBADMSG, "a reply of another kind");
        return;
    }
}

static bool on_presence(struct plc_client *c, struct plc_sub *s,
                        const struct pl_received *m)
{
    bool is_subscribed = s != NULL ? pl_cell_get(&s->state) == PLC_SUBSCRIBED
                                   : plc_server_subs_has(c, m->channel);

    if (is_subscribed)
        plc_report_presence(c, s, m->channel, &m->info,
                            m->kind == PL_RECEIVED_JOIN);
    return is_subscribed;
}

/* Return false if it is for nothing that there is. */
static bool on_channel_push(struct plc_client *c, const struct pl_received *m)
{
    struct plc_sub *s =
        m->channel.len == 0 ? NULL : plc_subs_find(c, m->channel);

    if (m->channel.len == 0)
        return false;
    switch (m->kind) {
    case PL_RECEIVED_PUBLICATION:
        return s != NULL ? plc_sub_push(s, &m->publication)
                         : plc_server_subs_push(c, m->channel, &m->publication);
    case PL_RECEIVED_JOIN:
    case PL_RECEIVED_LEAVE:
        return on_presence(c, s, m);
    case PL_RECEIVED_UNSUBSCRIBED:
        return s != NULL ? plc_sub_push_end(s, &m->end)
                         : plc_server_subs_end(c, m->channel, m->end.code,
                                               m->end.reason);
    default:
        return false;
    }
}

static void on_disconnect(struct plc_client *c, const struct pl_received_end *e)
{
    char reason[128];

    plc_text_copy(reason, sizeof reason, e->reason);
    plc_attempt_closed_by_code(c, e->code, reason);
}

static void answer_ping(struct plc_client *c)
{
    static const struct pl_command pong = {.verb = PL_VERB_PONG};

    if (c->answers_pings)
        plc_client_command(c, NULL, &pong);
}

static void on_subscribed(struct plc_client *c, const struct pl_received *m)
{
    const char *why;

    if (!plc_server_subs_add(c, m->channel, &m->subscribe, &why))
        fail(c, PL_ELIMIT, why);
}

static void handle(struct plc_client *c, const struct pl_received *m)
{
    if (!m->is_push && m->kind != PL_RECEIVED_PING) {
        on_reply(c, m);
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
        on_subscribed(c, m);
        return;
    case PL_RECEIVED_DISCONNECT:
        on_disconnect(c, &m->end);
        return;
    default:
        c->counts[PLC_COUNT_DROPPED] += !on_channel_push(c, m);
    }
}

static void start_watchdog(struct plc_client *c)
{
    if (c->ping_ms > 0)
        plc_deadline_start(c->loop, &c->ping, c->ping_ms);
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
        if (c->has_loss && c->attempt == attempt)
            fail(c, PL_ENOMEM, "out of memory");
    } while (rc == PL_OK && payload.len > 0 && c->attempt == attempt);
    if (rc != PL_OK && c->attempt == attempt) {
        char text[200];

        snprintf(text, sizeof text, "not the protocol: %s at byte %zu",
                 rc == PL_ENOMEM ? "out of memory" : why, at);
        fail(c, rc, text);
    }
    return c->attempt == attempt;
}
