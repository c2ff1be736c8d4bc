/* SPDX-License-Identifier: Apache-2.0 */
/* decode.c - the WebSocket bytes of a client.
 *
 * Bytes that cannot be decoded yet are kept: a request that is not complete,
 * and what comes behind a message that has to wait (kept.c).  While bytes are
 * decoded they are on the stack here and the session keeps none, so a message
 * that ends a wait does not decode what comes behind it twice.
 *
 * Invariant: bytes are kept only while a hold pauses reading, or before the
 * request is complete. */
#include "session_private.h"

#include <stdlib.h>

struct pl_undecoded {
    struct pl_buf bytes;
    size_t at; /* where they begin */
};

void pl_undecoded_destroy(struct pl_undecoded *u)
{
    if (u != NULL)
        pl_buf_fini(&u->bytes);
    free(u);
}

void pl_undecoded_drop(struct pl_session *s)
{
    pl_undecoded_destroy(s->undecoded);
    s->undecoded = NULL;
}

bool pl_undecoded_put(struct pl_session *s, struct pl_span bytes)
{
    if (s->undecoded == NULL)
        s->undecoded = calloc(1, sizeof *s->undecoded);
    if (s->undecoded == NULL)
        return false;
    pl_buf_put_span(&s->undecoded->bytes, bytes);
    return !s->undecoded->bytes.failed;
}

struct pl_span pl_undecoded_span(const struct pl_session *s)
{
    const struct pl_undecoded *u = s->undecoded;

    return (struct pl_span){u->bytes.data + u->at, u->bytes.len - u->at};
}

static const struct pl_ws_limits *limits_of(const struct pl_session *s)
{
    return s->subscriber.form == PL_FORM_FRAMES ? &s->keeper->limits
                                                : &s->keeper->deflate_limits;
}

void pl_session_deafen(struct pl_session *s)
{
    s->is_deaf = true;
    pl_ws_decoder_fini(&s->ws, limits_of(s));
    pl_undecoded_drop(s);
}

/* A message of /echo, or a ping, goes back as it is.  On /echo a full queue
 * pauses reading; elsewhere it closes. */
static void echo(struct pl_session *s, enum pl_ws_opcode opcode,
                 struct pl_span payload)
{
    pl_session_say_raw(s, opcode, payload);
    if (s->state == PL_SESSION_ECHO &&
        s->out.bytes > s->keeper->options.config->limits.outgoing_queue)
        pl_session_hold(s, PL_HOLD_ECHO);
}

static void on_message(struct pl_session *s, const struct pl_ws_event *e)
{
    pl_count(metrics(s), PL_METRIC_MESSAGES_IN, 1);
    if (s->state == PL_SESSION_ECHO)
        echo(s, e->opcode, e->payload);
    else
        pl_session_commands(s, e->payload);
}

static void on_event(struct pl_session *s, const struct pl_ws_event *e)
{
    switch (e->kind) {
    case PL_WS_EVENT_NONE:
    case PL_WS_EVENT_PONG:
        return;
    case PL_WS_EVENT_MESSAGE:
        if (pl_session_runs_commands(s))
            on_message(s, e);
        return;
    case PL_WS_EVENT_PING:
        if (pl_session_runs_commands(s))
            echo(s, PL_WS_PONG, e->payload);
        return;
    case PL_WS_EVENT_CLOSE:
        pl_session_on_close(s, e->code);
        return;
    case PL_WS_EVENT_ERROR:
        pl_session_on_violation(s, e);
    }
}

/* The visit has used its budget. */
static void carry(struct pl_session *s)
{
    if (s->state == PL_SESSION_LOGIN)
        pl_session_hold(s, PL_HOLD_LOGIN);
    else
        pl_pace_carry_on(s);
}

static bool is_deaf(const struct pl_session *s)
{
    return s->is_deaf || s->state == PL_SESSION_OVER;
}

/* Gives what cannot be decoded yet. */
static struct pl_span decode(struct pl_session *s, struct pl_span in)
{
    const struct pl_ws_limits *limits = limits_of(s);
    struct pl_ws_event e;

    while (!is_deaf(s)) {
        if (s->holds & PL_HOLDS_DECODING)
            return in;
        pl_ws_decode(&s->ws, limits, &in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            return in;
        on_event(s, &e);
        if (in.len > 0 && pl_budget_is_spent(&s->keeper->budget) &&
            !is_deaf(s)) {
            carry(s);
            return in;
        }
    }
    return (struct pl_span){0};
}

__attribute__((cold, noinline)) static void keep(struct pl_session *s,
                                                 struct pl_span in)
{
    if (!pl_undecoded_put(s, in))
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR);
}

void pl_session_decode(struct pl_session *s, struct pl_span in)
{
    in = decode(s, in);
    if (in.len > 0)
        keep(s, in);
}

void pl_session_decode_kept(struct pl_session *s)
{
    struct pl_undecoded *u = s->undecoded;

    if (u == NULL || s->holds & PL_HOLDS_DECODING)
        return;
    struct pl_span in = pl_undecoded_span(s);
    s->undecoded = NULL;
    in = decode(s, in);
    if (in.len == 0) {
        pl_undecoded_destroy(u);
        return;
    }
    u->at = (size_t)(in.at - u->bytes.data);
    s->undecoded = u;
}
