/* SPDX-License-Identifier: Apache-2.0 */
/* ws_link.c - see ws_link.h: the WebSocket bytes of a client, and the Close.
 *
 * Bytes that cannot be decoded yet are kept: a request that is not complete,
 * and what comes after a message that has to wait.  While bytes are decoded
 * they are on the stack here and the link keeps none, so a message that ends a
 * wait does not decode what comes after it twice.
 *
 * When the session closes, the link still decodes, to find the peer's Close
 * (RFC 6455 section 7.1.1).  When the peer has closed, or has violated the
 * protocol, nothing that it sends counts: the link discards it.
 *
 * /echo returns messages and pings as they are, for measuring.  It pauses
 * reading while its queue is full, and no session opens on it.
 *
 * Rejected: a table of functions for the transport in addition to that of the
 * link, and a pointer to limits in each decoder.  Each costs an idle connection
 * 8 bytes.
 *
 * Invariant: bytes are kept only while a hold pauses reading, or before the
 * request is complete. */
#include "ws_private.h"

#include <stdlib.h>

#include "access.h"
#include "budget.h"
#include "code.h"
#include "frame.h"
#include "log.h"
#include "loop.h"
#include "pieces.h"
#include "session.h"
#include "session_metrics.h"
#include "session_settings.h"

_Static_assert(sizeof(struct pl_ws_link) <= PL_LINK_SIZE,
               "an idle connection has no byte left for its link");

struct pl_undecoded {
    struct pl_buf bytes;
    size_t at; /* where they begin */
};

/* What the WebSocket links of a loop share. */
struct shared {
    struct pl_link_shared shared; /* first */
    struct pl_ws_limits plain;
    struct pl_ws_limits packed; /* of those that compress */
    struct pl_inflater inflater;
};

static const struct pl_ws_limits *limits_of(struct pl_session *s)
{
    const struct shared *shared =
        (struct shared *)pl_session_manager_shared(pl_session_manager_of(s));

    return pl_ws_link_of(s)->is_packed ? &shared->packed : &shared->plain;
}

/* --- Bytes to decode later --- */

void pl_undecoded_destroy(struct pl_undecoded *u)
{
    if (u != NULL)
        pl_buf_fini(&u->bytes);
    free(u);
}

bool pl_undecoded_put(struct pl_ws_link *l, struct pl_span bytes)
{
    if (l->undecoded == NULL)
        l->undecoded = calloc(1, sizeof *l->undecoded);
    if (l->undecoded == NULL)
        return false;
    pl_buf_put_span(&l->undecoded->bytes, bytes);
    return !l->undecoded->bytes.failed;
}

struct pl_span pl_undecoded_span(const struct pl_undecoded *u)
{
    return (struct pl_span){u->bytes.data + u->at, u->bytes.len - u->at};
}

void pl_ws_link_forget(struct pl_session *s)
{
    struct pl_ws_link *l = pl_ws_link_of(s);

    l->discards_input = true;
    pl_ws_decoder_fini(&l->decoder, limits_of(s));
    pl_undecoded_destroy(l->undecoded);
    l->undecoded = NULL;
}

size_t pl_ws_link_kept(const struct pl_session *s)
{
    const struct pl_ws_link *l = pl_session_link((struct pl_session *)s);

    return pl_ws_decoder_memory(&l->decoder);
}

/* --- Events --- */

/* A pong, or a message of /echo. */
static void put(struct pl_session *s, enum pl_ws_opcode opcode,
                struct pl_span payload, enum pl_put how)
{
    size_t mark;
    struct pl_buf *b = pl_session_put_begin(s, &mark);

    if (b == NULL)
        return;
    pl_ws_frame_put(b, opcode, payload);
    pl_session_put_end(s, mark, how);
}

static void echo(struct pl_session *s, enum pl_ws_opcode opcode,
                 struct pl_span payload)
{
    put(s, opcode, payload, PL_PUT_UNBOUNDED);
    if (pl_session_output_bytes(s) >
        pl_session_config(s)->limits.outgoing_queue)
        pl_session_hold(s, PL_HOLD_OUTPUT);
}

static void on_message(struct pl_session *s, const struct pl_ws_event *e)
{
    if (pl_ws_link_of(s)->state != PL_WS_ECHO) {
        pl_session_message(s, e->payload);
    } else if (pl_session_listens(s)) {
        pl_count(pl_session_metrics(s), PL_METRIC_MESSAGES_IN, 1);
        echo(s, e->opcode, e->payload);
    }
}

static void on_ping(struct pl_session *s, struct pl_span payload)
{
    if (!pl_session_listens(s))
        return;
    if (pl_ws_link_of(s)->state == PL_WS_ECHO)
        echo(s, PL_WS_PONG, payload);
    else
        put(s, PL_WS_PONG, payload, PL_PUT_BOUNDED);
}

static void on_close(struct pl_session *s, uint16_t code)
{
    pl_ws_link_forget(s);
    if (pl_ws_link_of(s)->state >= PL_WS_CLOSING)
        pl_ws_link_end(s, PL_END_CLOSE);
    else
        pl_session_peer_closed(s, code);
}

static void log_violation(struct pl_session *s, const struct pl_ws_event *e)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(PL_LOG_KIND_WEBSOCKET, PL_LOG_INFO, "WebSocket violation",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_text("user", pl_session_user(s)),
                   pl_log_number("code", e->code),
                   pl_log_text("reason", e->payload));
}

/* No violation, and final for SDKs: the line names the key that allows more. */
static void log_too_big(struct pl_session *s)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(PL_LOG_KIND_TOO_BIG, PL_LOG_INFO,
                   "message of a client too long",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_text("client", pl_session_id(s)),
                   pl_log_text("user", pl_session_user(s)),
                   pl_log_string("key", "websocket.max_message"),
                   pl_log_number("limit", (int64_t)limits_of(s)->max_message));
}

/* RFC 6455 section 7.1.7: say why, then end the connection.  What comes now, a
 * Close too, is read only so that the end is no reset. */
static void on_violation(struct pl_session *s, const struct pl_ws_event *e)
{
    pl_ws_link_forget(s);
    if (pl_ws_link_of(s)->state >= PL_WS_CLOSING) {
        pl_ws_link_end(s, PL_END_LINGER);
        return;
    }
    if (e->code == PL_WS_CODE_TOO_BIG)
        log_too_big(s);
    else
        log_violation(s, e);
    pl_session_violated(s, e->code, e->payload);
}

static void on_event(struct pl_session *s, const struct pl_ws_event *e)
{
    switch (e->kind) {
    case PL_WS_EVENT_NONE:
    case PL_WS_EVENT_PONG:
        return;
    case PL_WS_EVENT_MESSAGE:
        on_message(s, e);
        return;
    case PL_WS_EVENT_PING:
        on_ping(s, e->payload);
        return;
    case PL_WS_EVENT_CLOSE:
        on_close(s, e->code);
        return;
    case PL_WS_EVENT_ERROR:
        on_violation(s, e);
    }
}

/* --- Input --- */

static bool discards_input(const struct pl_ws_link *l)
{
    return l->discards_input || l->state == PL_WS_OVER;
}

/* Gives what cannot be decoded yet. */
static struct pl_span decode(struct pl_session *s, struct pl_span in)
{
    const struct pl_ws_limits *limits = limits_of(s);
    struct pl_ws_link *l = pl_ws_link_of(s);
    struct pl_ws_event e;

    while (!discards_input(l)) {
        if (!pl_session_takes_messages(s))
            return in;
        pl_ws_decode(&l->decoder, limits, &in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            return in;
        on_event(s, &e);
        if (in.len == 0 && l->decoder.partial == NULL)
            return in; /* the next event would be NONE */
        if (in.len > 0 && !discards_input(l) && pl_session_postpones(s))
            return in;
    }
    return (struct pl_span){0};
}

/* Cold, so that the usual input does not save registers for it. */
__attribute__((cold, noinline)) static void keep(struct pl_session *s,
                                                 struct pl_span in)
{
    if (!pl_undecoded_put(pl_ws_link_of(s), in))
        pl_session_schedule_close(s, PL_DISCONNECT_SERVER_ERROR);
}

void pl_ws_link_decode(struct pl_session *s, struct pl_span in)
{
    in = decode(s, in);
    if (in.len > 0)
        keep(s, in);
}

void pl_ws_link_go_on(struct pl_session *s)
{
    struct pl_ws_link *l = pl_ws_link_of(s);
    struct pl_undecoded *u = l->undecoded;

    if (u == NULL || !pl_session_takes_messages(s))
        return;
    struct pl_span in = pl_undecoded_span(u);
    l->undecoded = NULL;
    in = decode(s, in);
    if (in.len == 0) {
        pl_undecoded_destroy(u);
        return;
    }
    u->at = (size_t)(in.at - u->bytes.data);
    l->undecoded = u;
}

/* Bytes are charged when they were decoded: so one visit takes a whole read,
 * unless commands or what is inflated cost too much. */
void pl_ws_link_input(struct pl_session *s, char *bytes, size_t len)
{
    if (pl_ws_link_of(s)->state == PL_WS_REQUEST)
        pl_ws_link_upgrade(s, bytes, len);
    else
        pl_ws_link_decode(s, (struct pl_span){bytes, len});
    pl_session_count_input(s, len);
}

bool pl_ws_link_inflates(struct pl_session *s)
{
    const struct pl_ws_link *l = pl_ws_link_of(s);

    if (l->state == PL_WS_REQUEST)
        return pl_session_config(s)->websocket.deflate;
    return l->is_packed;
}

/* --- The end --- */

void pl_ws_link_end(struct pl_session *s, enum pl_end how)
{
    pl_ws_link_of(s)->state = PL_WS_OVER;
    pl_ws_link_ops_of(s)->end(s, how);
}

void pl_ws_link_abort(struct pl_session *s)
{
    pl_ws_link_end(s, PL_END_AT_ONCE);
}

void pl_ws_link_reject(struct pl_session *s)
{
    pl_session_close(s, PL_DISCONNECT_CONNECTION_LIMIT, (struct pl_span){0});
}

/* For codes that code.h has not; what exactly was wrong is in the log. */
static struct pl_span reason_of(uint16_t code)
{
    switch (code) {
    case PL_WS_CODE_PROTOCOL:
        return PL_SPAN("protocol error");
    case PL_WS_CODE_TEXT:
        return PL_SPAN("invalid data");
    case PL_WS_CODE_TOO_BIG:
        return PL_SPAN("the message is too long");
    case PL_WS_CODE_MEMORY:
        return PL_SPAN("out of memory");
    default:
        return (struct pl_span){0};
    }
}

static void put_close(struct pl_session *s, const struct pl_goodbye *g)
{
    struct pl_buf b = {0};
    struct pl_span reason = g->reason;

    if (reason.len == 0 && !g->is_echo)
        reason = reason_of(g->code);
    pl_ws_frame_close(&b, g->code, reason);
    pl_session_put_bytes(s, &b);
    pl_buf_fini(&b);
}

/* An echo lingers, as RFC 6455 section 7.1.1 shows it: what a peer still sends
 * after its Close must not become a reset that takes our echo away. */
void pl_ws_link_close(struct pl_session *s, const struct pl_goodbye *g)
{
    struct pl_ws_link *l = pl_ws_link_of(s);

    if (l->state == PL_WS_REQUEST) {
        pl_ws_link_end(s, PL_END_AT_ONCE);
        return;
    }
    put_close(s, g);
    pl_session_lend_timer(s, pl_ws_link_on_timer, PL_CLOSE_WAIT_MS);
    l->state = PL_WS_CLOSING;
    if (!g->is_echo)
        pl_ws_link_go_on(s); /* to find the peer's Close */
    if (l->discards_input && l->state == PL_WS_CLOSING)
        pl_ws_link_end(s, PL_END_LINGER);
}

void pl_ws_link_on_timer(struct pl_timer *t)
{
    struct pl_session *s = pl_session_of_timer(t);

    if (pl_ws_link_of(s)->state == PL_WS_REQUEST)
        pl_count(pl_session_metrics(s), PL_METRIC_CLOSED_STALE, 1);
    pl_ws_link_end(s, PL_END_AT_ONCE);
}

void pl_ws_link_free(struct pl_session *s)
{
    pl_ws_link_ops_of(s)->free(s);
    pl_ws_link_forget(s);
}

/* --- The begin --- */

static void destroy(struct pl_link_shared *shared)
{
    struct shared *mine = (struct shared *)shared;

    pl_inflater_fini(&mine->inflater);
    free(mine);
}

/* Made with the first link of a loop.  False: out of memory. */
static bool share(struct pl_session_manager *k,
                  const struct pl_session_settings *config)
{
    struct shared *shared = (struct shared *)pl_session_manager_shared(k);

    if (shared != NULL)
        return true;
    shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return false;
    shared->shared.destroy = destroy;
    shared->plain.max_message = config->websocket.max_message;
    shared->plain.masked = true;
    shared->packed = shared->plain;
    shared->packed.inflater = &shared->inflater;
    shared->inflater.charge = pl_session_manager_budget(k);
    pl_session_manager_share(k, &shared->shared);
    return true;
}

enum pl_err pl_ws_link_create(struct pl_session **out,
                              struct pl_session_manager *k,
                              const struct pl_ws_link_ops *ops,
                              size_t transport_size)
{
    if (!share(k, pl_session_manager_config(k)))
        return PL_ENOMEM;
    enum pl_err rc = pl_session_create(out, k, &ops->link, transport_size);
    if (rc == PL_OK)
        pl_session_lend_timer(*out, pl_ws_link_on_timer,
                              pl_session_manager_config(k)->connect.timeout_ms);
    return rc;
}
