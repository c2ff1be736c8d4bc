/* SPDX-License-Identifier: Apache-2.0 */
/* web_conn.c - one connection, from request to request.
 *
 * A head stays in `in` until it is complete, and is then copied, because `in`
 * changes.  A body is stored in body_bytes piece by piece, after the site has
 * seen the head.
 *
 * Input after a request waits in `in`; reading pauses until the response is
 * sent, so that `in` grows by at most one read.  The next request starts in its
 * own turn, so a client that pipelines many requests does not block the loop.
 *
 * After the last response the connection waits for the peer to close: closing a
 * socket with unread input sends RST, and the peer may lose the response.
 *
 * A peer that ends its half while the site processes its request gets the
 * response.  During a stream, the end of the peer's half ends the connection: a
 * reader of a stream has no other way to stop it.
 *
 * Invariant: no byte of a body is stored before judge() has returned without a
 * response.  After pl_web_leave() only reap() uses the connection. */
#include <assert.h>
#include <stdlib.h>

#include "monitor.h"
#include "web.h"
#include "web_private.h"

static const struct pl_web_options *options_of(const struct pl_web_conn *c)
{
    return &c->web->options;
}

void *pl_web_transport(struct pl_web_conn *c)
{
    return c + 1;
}

struct pl_web_conn *pl_web_of_transport(void *transport)
{
    return (struct pl_web_conn *)transport - 1;
}

void pl_web_keep(struct pl_web_conn *c, struct pl_web_party *p)
{
    c->party = p;
}

void pl_web_start_timer(struct pl_web_conn *c, uint64_t ms)
{
    c->transferred = 0;
    pl_timer_start(c->actor.loop, &c->timer, ms);
}

void pl_web_flush(struct pl_web_conn *c)
{
    pl_web_recount(c);
    pl_loop_defer(c->actor.loop, PL_STAGE_FLUSH, &c->flush);
}

static void pause_reading(struct pl_web_conn *c)
{
    if (!c->is_paused)
        c->transport->pause(c);
    c->is_paused = true;
}

static void resume_reading(struct pl_web_conn *c)
{
    if (c->is_paused)
        c->transport->resume(c);
    c->is_paused = false;
}

/* --- Requests --- */

static const struct pl_http_rules rules = {.takes_old = true,
                                           .method = pl_http_check_method};

/* Refuse the request and end the connection: the bytes after it may not be a
 * request. */
static void refuse(struct pl_web_conn *c, const struct pl_http_error *error)
{
    if (c->state == PL_WEB_HEAD)
        c->head = (struct pl_http_head){
            .method = error->is_head ? PL_SPAN("HEAD") : PL_SPAN("GET")};
    c->is_last = true;
    pl_web_reply_status(c, error->status, error->text, NULL);
}

static void refuse_with(struct pl_web_conn *c, int status, const char *text)
{
    const struct pl_http_error error = {.status = status, .text = text};

    refuse(c, &error);
}

static void serve(struct pl_web_conn *c)
{
    c->state = PL_WEB_WORK;
    pl_timer_stop(c->actor.loop, &c->timer);
    options_of(c)->site->serve(options_of(c)->arg, c, &c->head,
                               pl_buf_span(&c->body_bytes));
    if (c->web == NULL)
        return; /* the site aborted it */
    pl_buf_fini(&c->body_bytes);
    pl_web_recount(c);
}

/* Read the body next, unless it is empty or too long.  `here` is the input
 * after the head. */
static void await_body(struct pl_web_conn *c, struct pl_span here)
{
    if (c->head.has_length && c->head.length > options_of(c)->body_max) {
        refuse_with(c, 413, "the body is too long");
        return;
    }
    if (pl_http_body_is_done(&c->body)) {
        serve(c);
        return;
    }
    pl_web_start_timer(c, options_of(c)->timeout_ms);
    if (!c->head.wants_100 || here.len > 0)
        return;
    pl_buf_put_span(&c->out, PL_SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    pl_web_flush(c);
}

/* Copy the head and parse the copy.  Return false if allocation fails. */
static bool keep_head(struct pl_web_conn *c, struct pl_span bytes)
{
    struct pl_http_error ignored;
    size_t taken;

    pl_buf_fini(&c->head_bytes);
    pl_buf_put_span(&c->head_bytes, bytes);
    if (c->head_bytes.failed)
        return false;
    enum pl_err rc = pl_http_head_read(pl_buf_span(&c->head_bytes), &rules,
                                       &c->head, &taken, &ignored);
    assert(rc == PL_OK);
    return true;
}

/* Process the head at the front of `in`.  Return false if it is incomplete. */
static bool read_head(struct pl_web_conn *c, struct pl_span *in)
{
    struct pl_http_head head;
    struct pl_http_error error;
    size_t taken;

    switch (pl_http_head_read(*in, &rules, &head, &taken, &error)) {
    case PL_OK:
        break;
    case PL_EAGAIN:
        if (!c->is_idle)
            return false;
        c->is_idle = false;
        pl_web_start_timer(c, options_of(c)->timeout_ms);
        return false;
    default:
        refuse(c, &error);
        return true;
    }
    if (!keep_head(c, (struct pl_span){in->at, taken})) {
        pl_web_abort(c);
        return true;
    }
    in->at += taken;
    in->len -= taken;
    pl_http_body_begin(&c->body, &c->head);
    c->is_idle = false;
    c->is_last = c->head.is_last;
    c->party = NULL;
    c->state = PL_WEB_BODY;
    options_of(c)->site->judge(options_of(c)->arg, c, &c->head);
    if (c->web != NULL && c->state == PL_WEB_BODY)
        await_body(c, *in);
    return true;
}

static void keep_piece(struct pl_web_conn *c, struct pl_span piece)
{
    if (piece.len > options_of(c)->body_max - c->body_bytes.len) {
        refuse_with(c, 413, "the body is too long");
        return;
    }
    if (!pl_web_hold(c, piece.len)) {
        refuse_with(c, 503, "too many bodies at once");
        return;
    }
    pl_buf_put_span(&c->body_bytes, piece);
    if (c->body_bytes.failed)
        pl_web_abort(c);
    else
        pl_web_recount(c);
}

static void read_body(struct pl_web_conn *c, struct pl_span *in)
{
    struct pl_http_error error;
    struct pl_span piece;
    size_t before = in->len;

    switch (pl_http_body_next(&c->body, in, &piece, &error)) {
    case PL_OK:
    case PL_EAGAIN:
        break;
    default:
        refuse(c, &error);
        return;
    }
    c->transferred += before - in->len;
    if (piece.len > 0)
        keep_piece(c, piece);
    if (c->web != NULL && c->state == PL_WEB_BODY &&
        pl_http_body_is_done(&c->body))
        serve(c);
}

/* --- Input --- */

static bool reads(const struct pl_web_conn *c)
{
    return c->web != NULL && c->state <= PL_WEB_BODY;
}

/* Keep the unprocessed input.  With `is_in`, `rest` is the end of c->in;
 * otherwise it lies outside of c->in. */
static void keep_rest(struct pl_web_conn *c, struct pl_span rest, bool is_in)
{
    if (c->is_last && !reads(c))
        rest.len = 0; /* no request follows */
    if (rest.len == 0) {
        pl_buf_fini(&c->in);
    } else if (is_in) {
        memmove(c->in.data, rest.at, rest.len);
        c->in.len = rest.len;
    } else {
        pl_buf_put_span(&c->in, rest);
    }
    if (c->in.failed)
        pl_web_abort(c);
    else if (c->in.len > 0 && !reads(c))
        pause_reading(c);
}

/* Process `in`, which with `is_in` is the content of c->in. */
static void go_on(struct pl_web_conn *c, struct pl_span in, bool is_in)
{
    bool is_more = true;

    while (is_more && in.len > 0 && reads(c)) {
        if (c->state == PL_WEB_HEAD)
            is_more = read_head(c, &in);
        else
            read_body(c, &in);
    }
    if (c->web != NULL)
        keep_rest(c, in, is_in);
}

void pl_web_input(struct pl_web_conn *c, struct pl_span bytes)
{
    bool is_in = c->in.len > 0;

    if (c->web == NULL || (c->is_last && !reads(c)))
        return; /* further input is discarded */
    if (is_in) {
        pl_buf_put_span(&c->in, bytes);
        if (c->in.failed) {
            pl_web_abort(c);
            return;
        }
        bytes = pl_buf_span(&c->in);
    }
    go_on(c, bytes, is_in);
}

bool pl_web_ended(struct pl_web_conn *c)
{
    if (c->web == NULL || reads(c) || c->state == PL_WEB_STREAM ||
        c->state == PL_WEB_END)
        return false;
    c->is_last = true;
    pl_buf_fini(&c->in);
    return true;
}

/* --- Output --- */

struct pl_span pl_web_output(const struct pl_web_conn *c)
{
    if (c->out.len == 0)
        return (struct pl_span){0};
    return (struct pl_span){c->out.data + c->sent, c->out.len - c->sent};
}

static void on_drained(struct pl_web_conn *c)
{
    struct pl_web_party *p = c->party;

    pl_buf_fini(&c->out);
    c->sent = 0;
    pl_web_recount(c);
    if (c->state == PL_WEB_ANSWER) {
        c->party = NULL; /* drained() below is its last callback */
        pl_timer_stop(c->actor.loop, &c->timer);
        pl_loop_defer(c->actor.loop, PL_STAGE_READY, &c->next);
    }
    if (p != NULL && p->drained != NULL)
        p->drained(p);
}

void pl_web_sent(struct pl_web_conn *c, size_t bytes)
{
    c->sent += bytes;
    if (c->web == NULL)
        return;
    if (c->state == PL_WEB_ANSWER)
        c->transferred += bytes;
    if (c->sent == c->out.len)
        on_drained(c);
}

static void run_flush(struct pl_task *t)
{
    struct pl_web_conn *c = PL_CONTAINER(t, struct pl_web_conn, flush);

    if (c->out.failed)
        pl_web_abort(c);
    else
        c->transport->flush(c);
}

/* Runs after the whole response was sent. */
static void run_next(struct pl_task *t)
{
    struct pl_web_conn *c = PL_CONTAINER(t, struct pl_web_conn, next);

    if (c->is_last) {
        c->state = PL_WEB_END;
        pl_web_start_timer(c, PL_WEB_LINGER_MS);
        c->transport->end(c, false);
        return;
    }
    c->state = PL_WEB_HEAD;
    c->is_idle = true;
    c->party = NULL;
    pl_buf_fini(&c->head_bytes);
    pl_web_start_timer(c, PL_WEB_IDLE_MS);
    if (c->in.len > 0)
        go_on(c, pl_buf_span(&c->in), true);
    if (reads(c))
        resume_reading(c);
}

/* --- Time --- */

/* Return true if too few bytes were transferred since the timer started;
 * otherwise restart it. */
static bool was_slow(struct pl_web_conn *c)
{
    if (c->transferred < PL_WEB_RATE_MIN)
        return true;
    pl_web_start_timer(c, options_of(c)->timeout_ms);
    return false;
}

static void on_timer(struct pl_timer *t)
{
    struct pl_web_conn *c = PL_CONTAINER(t, struct pl_web_conn, timer);
    bool is_silent = c->state == PL_WEB_HEAD && c->in.len == 0;

    if (c->state == PL_WEB_END) {
        pl_web_abort(c);
        return;
    }
    if ((c->state == PL_WEB_BODY || c->state == PL_WEB_ANSWER) && !was_slow(c))
        return;
    if (!c->is_idle)
        pl_count(options_of(c)->metrics, PL_METRIC_ADMIN_TIMED_OUT, 1);
    if (is_silent || c->state == PL_WEB_ANSWER)
        pl_web_abort(c);
    else
        refuse_with(c, 408, "the request came too slowly");
}

/* --- Life --- */

static void teardown(struct pl_web_conn *c)
{
    struct pl_web_party *p = c->party;

    c->party = NULL;
    pl_web_leave(c);
    pl_timer_stop(c->actor.loop, &c->timer);
    pl_loop_cancel(c->actor.loop, &c->flush);
    pl_loop_cancel(c->actor.loop, &c->next);
    if (p != NULL && p->gone != NULL)
        p->gone(p);
}

void pl_web_gone(struct pl_web_conn *c)
{
    if (c->web != NULL)
        teardown(c);
    pl_actor_exit(&c->actor, "closed");
}

void pl_web_abort(struct pl_web_conn *c)
{
    c->party = NULL;
    c->transport->end(c, true);
    if (c->web != NULL)
        pl_web_gone(c); /* the transport was detached before */
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    pl_actor_refuse(a, msg); /* no actor sends mail to a connection */
}

static void reap(struct pl_actor *a)
{
    struct pl_web_conn *c = (struct pl_web_conn *)a;

    if (c->web != NULL) /* the loop is destroyed while the connection is open */
        teardown(c);
    c->transport->free(c);
    pl_buf_fini(&c->in);
    pl_buf_fini(&c->head_bytes);
    pl_buf_fini(&c->body_bytes);
    pl_buf_fini(&c->out);
    free(c);
}

static const struct pl_actor_ops ops = {
    .name = "web",
    .mailbox_limit = 1,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_web_conn_create(struct pl_web_conn **out, struct pl_web *web,
                               bool is_trusted, const struct pl_ip *from,
                               const struct pl_web_transport_ops *transport,
                               size_t transport_size)
{
    struct pl_web_conn *c = calloc(1, sizeof *c + transport_size);

    if (c == NULL)
        return PL_ENOMEM;
    c->transport = transport;
    c->from = *from;
    c->share = is_trusted ? PL_WEB_TRUSTED : PL_WEB_STRANGER;
    c->timer.fire = on_timer;
    c->flush.run = run_flush;
    c->next.run = run_next;
    enum pl_err rc = pl_web_join(web, c);
    if (rc == PL_OK)
        rc = pl_actor_init(&c->actor, web->options.loop, &ops);
    if (rc != PL_OK) {
        if (c->web != NULL)
            pl_web_leave(c);
        free(c);
        return rc;
    }
    pl_web_start_timer(c, web->options.timeout_ms);
    *out = c;
    return PL_OK;
}
