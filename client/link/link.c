/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h: the opening, the messages that come, the closing.
 *
 * Input is decoded where it lies in the buffer of the network; the link
 * keeps bytes only before the response is complete and while it is paused.
 *
 * After its own Close, or in reply to the server's, a link waits for the server
 * to end the connection (RFC 6455 section 7.1.1), but not longer than close_ms.
 *
 * Rejected: reporting the Close as the end, without that wait.  A server that
 * is busy would see resets instead of the end of a connection.
 *
 * Invariant: nothing is appended after a Close; closed() is the last call. */
#include "link_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "masked.h"
#include "random.h"
#include "text.h"

enum { CODE_NORMAL = 1000, CODE_NONE = 1005, CODE_ABNORMAL = 1006 };

void plc_links_fini(struct plc_links *l)
{
    pl_inflater_fini(&l->inflater);
    pl_deflater_fini(&l->deflater);
}

/* --- The end --- */

static struct pl_timer *timers_of(struct plc_link_conn *l, size_t index)
{
    struct pl_timer *all[] = {&l->connect.timer, &l->send.timer, &l->pong.timer,
                              &l->idle.timer,    &l->close,      &l->ping};

    return index < sizeof all / sizeof all[0] ? all[index] : NULL;
}

static void release(struct plc_link_conn *l)
{
    struct pl_timer *t;

    for (size_t i = 0; (t = timers_of(l, i)) != NULL; i++)
        pl_timer_stop(l->shared->loop, t);
    pl_loop_cancel(l->shared->loop, &l->flush);
    if (l->stream != NULL)
        plc_stream_close(l->stream);
    l->stream = NULL;
    pl_ws_decoder_fini(&l->decoder, &l->limits);
    pl_buf_fini(&l->in);
    plc_link_wipe_out(l);
}

void plc_link_enter(struct plc_link_conn *l)
{
    l->depth++;
}

/* Return false if the link is gone, or over. */
bool plc_link_leave(struct plc_link_conn *l)
{
    if (--l->depth == 0 && l->is_destroyed) {
        free(l);
        return false;
    }
    return !l->is_destroyed && l->state != CLOSED;
}

void plc_link_destroy(struct plc_link_conn *l)
{
    if (l->state != CLOSED)
        release(l);
    l->state = CLOSED;
    l->is_destroyed = true;
    if (l->depth == 0)
        free(l);
}

static void finish(struct plc_link_conn *l)
{
    if (l->state == CLOSED)
        return;
    l->state = CLOSED;
    release(l);
    plc_link_enter(l);
    l->calls->closed(l->user, &l->end);
    plc_link_leave(l);
}

/* The first explanation of the end counts. */
static void explain(struct plc_link_conn *l, enum pl_err err, const char *why)
{
    if (l->end.why != NULL)
        return;
    l->end.err = err;
    snprintf(l->why, sizeof l->why, "%s", why);
    l->end.why = l->why;
}

static void fail(struct plc_link_conn *l, enum pl_err err, const char *why)
{
    explain(l, err, why);
    finish(l);
}

/* --- The closing handshake --- */

static void send_close(struct plc_link_conn *l, uint16_t code,
                       struct pl_span reason)
{
    size_t mark = l->out.len;

    l->state = CLOSING;
    pl_ws_masked_close(&l->out, code, reason, plc_link_key(l));
    plc_link_was_appended(l, mark);
    pl_timer_stop(l->shared->loop, &l->ping);
    plc_deadline_stop(l->shared->loop, &l->idle);
    pl_timer_start(l->shared->loop, &l->close, l->terms->close_ms);
}

void plc_link_close(struct plc_link_conn *l, uint16_t code,
                    struct pl_span reason)
{
    if (l->state == OPEN)
        send_close(l, code, reason);
    else if (l->state < OPEN)
        fail(l, PL_ECLOSED, "closed before it was open");
}

/* The server has violated the protocol: it gets `code`.  What it sends from
 * now on is ignored. */
static void fail_peer(struct plc_link_conn *l, uint16_t code, const char *why)
{
    explain(l, PL_EBADMSG, why);
    l->end.code = code;
    l->has_close = true;
    if (l->state == OPEN)
        send_close(l, code, pl_span_of(why));
    else
        finish(l);
}

static void on_close(struct plc_link_conn *l, const struct pl_ws_event *e)
{
    char reason[126];

    l->has_close = true;
    plc_text_copy(reason, sizeof reason, e->payload);
    explain(l, PL_ECLOSED, reason);
    l->end.code = e->code == 0 ? CODE_NONE : e->code;
    l->end.is_clean = true;
    if (l->state == OPEN)
        send_close(l, e->code, (struct pl_span){NULL, 0});
}

/* --- Input --- */

static void start_idle(struct plc_link_conn *l)
{
    if (l->terms->idle_ms > 0 && l->state == OPEN)
        plc_deadline_start(l->shared->loop, &l->idle, l->terms->idle_ms);
}

static bool tell_message(struct plc_link_conn *l, enum pl_ws_opcode opcode,
                         struct pl_span payload)
{
    if (l->state != OPEN)
        return true; /* we have closed: nothing counts but the Close */
    plc_link_enter(l);
    l->calls->message(l->user, opcode, payload);
    return plc_link_leave(l);
}

static void answer_ping(struct plc_link_conn *l, struct pl_span payload)
{
    if (l->state == OPEN)
        plc_link_send(l, PL_WS_PONG, &payload, 1);
}

/* Return false if nothing more is decoded. */
static bool on_event(struct plc_link_conn *l, const struct pl_ws_event *e)
{
    char why[PLC_LINK_WHY_SIZE];

    switch (e->kind) {
    case PL_WS_EVENT_MESSAGE:
        start_idle(l);
        return tell_message(l, e->opcode, e->payload);
    case PL_WS_EVENT_PING:
        answer_ping(l, e->payload);
        return tell_message(l, PL_WS_PING, e->payload);
    case PL_WS_EVENT_PONG:
        plc_deadline_stop(l->shared->loop, &l->pong);
        return tell_message(l, PL_WS_PONG, e->payload);
    case PL_WS_EVENT_CLOSE:
        on_close(l, e);
        return false;
    case PL_WS_EVENT_ERROR:
        plc_text_copy(why, sizeof why, e->payload);
        fail_peer(l, e->code, why);
        return false;
    default:
        return false;
    }
}

/* Decode `in` until it is used up, the user pauses, or the link is over;
 * return false if the link may be gone. */
static bool decode(struct plc_link_conn *l, struct pl_span *in)
{
    struct pl_ws_event e;

    while (!l->is_paused && !l->has_close) {
        pl_ws_decode(&l->decoder, &l->limits, in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            return true;
        plc_link_enter(l);
        bool goes_on = on_event(l, &e);
        if (!plc_link_leave(l))
            return false;
        if (!goes_on)
            return true;
    }
    return true;
}

static bool keep(struct plc_link_conn *l, struct pl_span bytes)
{
    pl_buf_put_span(&l->in, bytes);
    bool is_kept = !l->in.failed;
    if (!is_kept)
        fail(l, PL_ENOMEM, "out of memory"); /* `l` may be gone now */
    return is_kept;
}

/* --- The opening handshake --- */

static void refuse_opening(struct plc_link_conn *l, enum pl_err err,
                           const struct pl_http_failure *f)
{
    char why[PLC_LINK_WHY_SIZE];

    l->end.http_status = f->status;
    l->end.retry_ms = f->retry_after_s > UINT32_MAX / 1000
                          ? UINT32_MAX
                          : f->retry_after_s * 1000;
    if (f->status != 0 && f->status != 101)
        snprintf(why, sizeof why, "%s: %d %.*s", f->text, f->status,
                 (int)f->what.len, f->what.at == NULL ? "" : f->what.at);
    else
        snprintf(why, sizeof why, "%s%s%.*s", f->text,
                 f->what.at == NULL ? "" : ": ", (int)f->what.len,
                 f->what.at == NULL ? "" : f->what.at);
    fail(l, err, why);
}

static void start_ping(struct plc_link_conn *l)
{
    if (l->terms->ping_ms > 0)
        pl_timer_start(l->shared->loop, &l->ping, l->terms->ping_ms);
}

static bool become_open(struct plc_link_conn *l, const struct pl_opened *o)
{
    l->state = OPEN;
    l->end.was_open = true;
    l->deflate = o->deflate;
    l->limits.inflater =
        o->deflate == PL_DEFLATE_NONE ? NULL : &l->shared->inflater;
    plc_deadline_stop(l->shared->loop, &l->connect);
    start_ping(l);
    start_idle(l);
    plc_link_enter(l);
    l->calls->opened(l->user, o->protocol);
    return plc_link_leave(l);
}

/* The response is complete, incomplete or refused; what follows it are
 * frames. */
static void read_opening(struct plc_link_conn *l)
{
    struct pl_http_failure why = {0};
    struct pl_buf all = l->in;
    struct pl_opened opened;
    size_t taken;
    enum pl_err rc =
        pl_opening_read(&l->opening, pl_buf_span(&all), &opened, &taken, &why);

    if (rc == PL_EAGAIN)
        return;
    l->in = (struct pl_buf){0}; /* `opened` and `why` point into `all` */
    if (rc != PL_OK) {
        refuse_opening(l, rc, &why);
    } else if (become_open(l, &opened)) {
        struct pl_span rest = {all.data + taken, all.len - taken};

        if (decode(l, &rest) && rest.len > 0 && l->state != CLOSED)
            keep(l, rest);
    }
    pl_buf_fini(&all);
}

static void on_came(void *arg, struct pl_span bytes)
{
    struct plc_link_conn *l = arg;

    *l->shared->bytes_in += bytes.len;
    if (l->state == OPENING) {
        if (keep(l, bytes))
            read_opening(l);
        return;
    }
    if (l->has_close)
        return;
    if (decode(l, &bytes) && bytes.len > 0 && l->state != CLOSED &&
        !l->has_close)
        keep(l, bytes);
}

void plc_link_pause(struct plc_link_conn *l, bool is_paused)
{
    if (l->is_paused == is_paused || l->state == CLOSED)
        return;
    l->is_paused = is_paused;
    if (is_paused) {
        plc_stream_pause(l->stream, true);
        return;
    }
    struct pl_buf kept = l->in;
    struct pl_span rest = pl_buf_span(&kept);

    l->in = (struct pl_buf){0};
    if (l->state >= OPEN && rest.len > 0) {
        plc_link_enter(l);
        if (decode(l, &rest) && rest.len > 0 && l->state != CLOSED)
            keep(l, rest);
        pl_buf_fini(&kept);
        if (!plc_link_leave(l))
            return;
    } else {
        l->in = kept;
    }
    if (!l->is_paused)
        plc_stream_pause(l->stream, false);
}

/* --- The stream --- */

/* Space for the whole request: a buffer that grows leaves copies of what is in
 * it, and the header may have credentials. */
static size_t request_size(const struct pl_opening *o)
{
    size_t size =
        1024 + o->host.len + o->path.len + o->query.len + o->protocols.len;

    for (size_t i = 0; i < o->field_count; i++)
        size += o->fields[i].name.len + o->fields[i].value.len + 4;
    return size;
}

static void on_opened(void *arg)
{
    struct plc_link_conn *l = arg;

    *l->shared->handshakes += l->terms->target.is_tls;
    *l->shared->resumed += l->stream->is_resumed;
    struct pl_http_failure why = {0};

    l->state = OPENING;
    pl_random_bytes(pl_loop_random(l->shared->loop), l->opening.nonce,
                    sizeof l->opening.nonce);
    pl_buf_reserve(&l->out, request_size(&l->opening)); /* see there */
    enum pl_err rc = pl_opening_write(&l->opening, &l->out, &why);
    if (rc == PL_ENOMEM)
        fail(l, rc, "out of memory");
    else if (rc != PL_OK)
        refuse_opening(l, rc, &why);
    else
        plc_link_write_out(l);
}

static void on_ended(void *arg, enum pl_err err, bool is_clean, const char *why)
{
    struct plc_link_conn *l = arg;

    explain(l, l->state >= OPEN && is_clean ? PL_ECLOSED : err, why);
    finish(l);
}

static void on_writable(void *arg)
{
    struct plc_link_conn *l = arg;

    l->is_blocked = false;
    plc_link_write_out(l);
}

static const struct plc_stream_user stream_calls = {
    .opened = on_opened,
    .came = on_came,
    .writable = on_writable,
    .ended = on_ended,
};

/* --- Timers --- */

static void on_connect_late(struct pl_timer *t)
{
    struct plc_link_conn *l =
        PL_CONTAINER(t, struct plc_link_conn, connect.timer);

    if (plc_deadline_waits(l->shared->loop, &l->connect))
        return;
    fail(l, PL_ETIMEDOUT,
         l->state == REACHING ? "the server was not reached in time"
                              : "no response to the handshake in time");
}

static void on_send_late(struct pl_timer *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, send.timer);

    if (!plc_deadline_waits(l->shared->loop, &l->send))
        fail(l, PL_ETIMEDOUT, "the server reads nothing");
}

/* A loop that was held runs its timers before it writes. */
static bool was_never_written(const struct plc_link_conn *l)
{
    return !l->is_blocked && plc_link_waiting(l) > 0;
}

static void on_close_late(struct pl_timer *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, close);

    if (was_never_written(l)) {
        pl_timer_start(l->shared->loop, &l->close, l->terms->close_ms);
        return;
    }
    explain(l, PL_ETIMEDOUT, "no Close of the server in time");
    finish(l);
}

static void on_ping_due(struct pl_timer *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, ping);
    struct pl_span nothing = {"", 0};

    start_ping(l);
    plc_link_send(l, PL_WS_PING, &nothing, 1);
    if (l->terms->pong_ms > 0 && !pl_timer_is_running(&l->pong.timer))
        plc_deadline_start(l->shared->loop, &l->pong, l->terms->pong_ms);
}

static void on_pong_late(struct pl_timer *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, pong.timer);

    if (!plc_deadline_waits(l->shared->loop, &l->pong))
        fail(l, PL_ETIMEDOUT, "no pong of the server in time");
}

static void on_idle(struct pl_timer *t)
{
    struct plc_link_conn *l = PL_CONTAINER(t, struct plc_link_conn, idle.timer);

    if (plc_deadline_waits(l->shared->loop, &l->idle))
        return;
    explain(l, PL_ETIMEDOUT, "no message of the server in time");
    send_close(l, CODE_NORMAL, pl_span_of("idle"));
}

static void set_timers(struct plc_link_conn *l)
{
    l->connect.timer.fire = on_connect_late;
    l->send.timer.fire = on_send_late;
    l->close.fire = on_close_late;
    l->ping.fire = on_ping_due;
    l->pong.timer.fire = on_pong_late;
    l->idle.timer.fire = on_idle;
}

enum pl_err plc_link_open(struct plc_link_conn **out, struct plc_links *shared,
                          const struct plc_link_terms *terms,
                          const struct plc_link_user *calls, void *user)
{
    struct plc_link_conn *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    l->shared = shared;
    l->terms = terms;
    l->calls = calls;
    l->user = user;
    l->opening = terms->opening;
    l->limits.max_message = terms->message_in;
    l->end.code = CODE_ABNORMAL;
    l->flush.run = plc_link_run_flush;
    set_timers(l);
    enum pl_err rc = plc_stream_open(shared->network, &l->stream,
                                     &terms->target, &stream_calls, l);
    if (rc != PL_OK) {
        free(l);
        return rc;
    }
    plc_deadline_start(shared->loop, &l->connect, terms->connect_ms);
    *out = l;
    return PL_OK;
}
