/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - GET /sub: publications as lines of JSON, for as long as the
 * reader stays.
 *
 * A stream is a subscriber of the control loop's hub like any session, hidden
 * from presence.  What the hub delivers are WebSocket frames; they are taken
 * apart again here, so that the hub needs to know one framing only.
 *
 * evhttp does not read while it answers, so a reader that goes away would be
 * noticed at the next write only: a second event on the descriptor waits for
 * the close, and an empty line every while finds readers whose machine is gone.
 *
 * The hub may not be left while it delivers: a stream that is to end is marked
 * and ended by a task at the end of the turn.
 *
 * Invariant: `owed` are frames counted as queued in the metrics; they become
 * given when evhttp's buffer has run empty, or else cancelled or dropped. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>

#include "admin_private.h"
#include "code.h"
#include "codec.h"
#include "decoder.h"
#include "permission.h"
#include "wire_text.h"

enum { STREAMS_MAX = 64, CHANNELS_MAX = 128, EMPTY_LINE_MS = 25000 };

enum ending {
    STAYS,
    ENDS, /* nothing is left to listen to: the answer is complete */
    SLOW, /* it does not read */
    GONE  /* it has closed */
};

struct pl_stream {
    struct pl_list link;
    struct pl_subscriber subscriber;
    struct pl_admin *admin;
    struct evhttp_request *request;
    struct evhttp_connection *conn; /* NULL: evhttp has freed it */
    struct event *closed;
    struct pl_timer timer; /* the next empty line */
    struct pl_task end_task;
    enum ending ending;
    uint32_t owed;
};

static struct pl_stream *of_subscriber(struct pl_subscriber *u)
{
    return PL_CONTAINER(u, struct pl_stream, subscriber);
}

static struct pl_loop *loop_of(const struct pl_stream *s)
{
    return s->admin->actor.loop;
}

static void end_later(struct pl_stream *s, enum ending ending)
{
    if (s->ending == STAYS)
        s->ending = ending;
    pl_loop_defer(loop_of(s), PL_STAGE_FLUSH, &s->end_task);
}

/* --- Out --- */

static void count_owed(struct pl_stream *s, enum pl_metric as)
{
    struct pl_metrics *m = s->admin->options.metrics;

    pl_gauge_drop(m, PL_METRIC_FRAMES_QUEUED, s->owed);
    pl_count(m, as, s->owed);
    s->owed = 0;
}

/* All that was written is with the kernel. */
static void on_drained(struct evhttp_connection *conn, void *arg)
{
    struct pl_stream *s = arg;

    (void)conn;
    pl_reactor_touch(s->admin->options.reactor);
    count_owed(s, PL_METRIC_FRAMES_GIVEN);
}

static size_t unsent(const struct pl_stream *s)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(s->conn);

    return evbuffer_get_length(bufferevent_get_output(bev));
}

static void write_lines(struct pl_stream *s, struct evbuffer *lines)
{
    size_t limit = (size_t)s->admin->options.config->limits.outgoing_queue;
    size_t before = unsent(s);

    /* An empty queue takes one message of any size. */
    if (before > 0 && before + evbuffer_get_length(lines) > limit)
        end_later(s, SLOW);
    else
        evhttp_send_reply_chunk_with_cb(s->request, lines, on_drained, s);
}

static void write_text(struct pl_stream *s, const struct pl_buf *text)
{
    struct evbuffer *line = evbuffer_new();

    if (s->ending != STAYS || text->failed || line == NULL ||
        evbuffer_add(line, text->data, text->len) != 0 ||
        evbuffer_add(line, "\n", 1) != 0) {
        if (line != NULL)
            evbuffer_free(line);
        return;
    }
    write_lines(s, line);
    evbuffer_free(line);
}

static void write_push(struct pl_stream *s, const struct pl_push *push)
{
    struct pl_buf text = {0};

    pl_push_encode(PL_ENCODING_JSON, &text, push);
    write_text(s, &text);
    pl_buf_fini(&text);
}

static void write_error(struct pl_stream *s, struct pl_span channel,
                        uint32_t code)
{
    struct pl_buf text = {0};

    pl_buf_put_span(&text, PL_SPAN("{\"channel\":"));
    pl_json_text_encode(&text, channel);
    pl_buf_printf(&text, ",\"error\":{\"code\":%u,\"message\":", code);
    pl_json_text_encode(&text, pl_span_of(pl_code_text(code)));
    pl_buf_put_span(&text, PL_SPAN("}}"));
    write_text(s, &text);
    pl_buf_fini(&text);
}

/* --- What the hub tells --- */

/* Frames to lines.  They are the hub's own, so they are whole and right. */
static bool unframe(struct evbuffer *out, struct pl_span frames)
{
    static const struct pl_ws_limits limits = {.max_message = SIZE_MAX};
    struct pl_ws_decoder d = {.limits = &limits};
    struct pl_ws_event e;
    bool ok = true;

    for (;;) {
        pl_ws_decode(&d, &frames, &e);
        if (e.kind != PL_WS_EVENT_MESSAGE)
            break;
        ok = ok && evbuffer_add(out, e.payload.at, e.payload.len) == 0 &&
             evbuffer_add(out, "\n", 1) == 0;
    }
    pl_ws_decoder_fini(&d);
    return ok;
}

static void deliver(struct pl_subscriber *u, const struct pl_delivery *d)
{
    struct pl_stream *s = of_subscriber(u);
    struct evbuffer *lines = evbuffer_new();

    s->owed += d->frames;
    if (s->ending == STAYS) {
        if (lines != NULL &&
            unframe(lines, (struct pl_span){d->segment->buf.data + d->from,
                                            d->to - d->from}))
            write_lines(s, lines);
        else
            end_later(s, SLOW); /* out of memory: as if it were too much */
    }
    if (lines != NULL)
        evbuffer_free(lines);
}

static void attached(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m)
{
    struct pl_stream *s = of_subscriber(u);
    struct pl_push push = {
        .kind = PL_PUSH_SUBSCRIBE,
        .channel = pl_sub_channel(sub),
        .subscribe = {.positioned = m->positioned,
                      .recoverable = m->positioned,
                      .epoch = pl_span_of(m->epoch),
                      .offset = m->offset},
    };

    if (m->error == 0) {
        write_push(s, &push);
        return;
    }
    write_error(s, pl_sub_channel(sub), m->error);
    if (u->sub_count == 1)
        end_later(s, ENDS); /* this was the last, and it is about to go */
}

static void dropped(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code)
{
    struct pl_stream *s = of_subscriber(u);
    struct pl_push push = {
        .kind = PL_PUSH_UNSUBSCRIBE,
        .channel = pl_sub_channel(sub),
        .unsubscribe = {.code = code, .reason = pl_span_of(pl_code_text(code))},
    };

    write_push(s, &push);
    if (u->sub_count == 1)
        end_later(s, ENDS);
}

static void unsuitable(struct pl_subscriber *u)
{
    struct pl_stream *s = of_subscriber(u);

    write_error(s, PL_SPAN(""), PL_DISCONNECT_INAPPROPRIATE);
    end_later(s, ENDS);
}

/* A stream neither publishes nor asks. */
static void published(struct pl_subscriber *u, const struct pl_publish_mail *m)
{
    (void)u, (void)m;
}

static void queried(struct pl_subscriber *u, const struct pl_query_mail *m)
{
    (void)u, (void)m;
}

static const struct pl_subscriber_ops subscriber_ops = {
    .deliver = deliver,
    .attached = attached,
    .dropped = dropped,
    .unsuitable = unsuitable,
    .published = published,
    .queried = queried,
};

/* --- The end --- */

/* Leave the hub and the metrics; evhttp's part is the caller's. */
static void let_go(struct pl_stream *s)
{
    struct pl_admin *a = s->admin;

    pl_hub_leave(a->options.hub, &s->subscriber);
    count_owed(s, s->ending == SLOW ? PL_METRIC_FRAMES_DROPPED_SLOW
                                    : PL_METRIC_FRAMES_CANCELLED);
    if (s->ending == SLOW)
        pl_count(a->options.metrics, PL_METRIC_CLOSED_SLOW, 1);
    if (s->closed != NULL)
        event_free(s->closed);
    pl_timer_stop(a->actor.loop, &s->timer);
    pl_loop_cancel(a->actor.loop, &s->end_task);
    pl_client_release(s->subscriber.client);
    pl_list_remove(&s->link);
    a->stream_count--;
    free(s);
}

static void end_now(struct pl_stream *s)
{
    struct evhttp_connection *conn = s->conn;
    struct evhttp_request *request = s->request;
    bool is_complete = s->ending == ENDS;

    if (conn != NULL)
        evhttp_connection_set_closecb(conn, NULL, NULL);
    if (is_complete) /* what is in evhttp's buffer still goes out */
        count_owed(s, PL_METRIC_FRAMES_GIVEN);
    let_go(s);
    if (is_complete)
        evhttp_send_reply_end(request);
    else if (conn != NULL)
        evhttp_connection_free(conn);
}

static void run_end(struct pl_task *t)
{
    end_now(PL_CONTAINER(t, struct pl_stream, end_task));
}

/* evhttp frees the connection, after a failed write for one. */
static void on_freed(struct evhttp_connection *conn, void *arg)
{
    struct pl_stream *s = arg;
    struct evhttp_request *request = s->request;

    (void)conn;
    pl_reactor_touch(s->admin->options.reactor);
    s->conn = NULL;
    s->ending = GONE;
    let_go(s);
    pl_http_abandon(request);
}

static void on_closed(evutil_socket_t fd, short what, void *arg)
{
    struct pl_stream *s = arg;

    (void)fd, (void)what;
    pl_reactor_touch(s->admin->options.reactor);
    s->ending = GONE;
    end_now(s);
}

static void empty_line(struct pl_timer *t)
{
    struct pl_stream *s = PL_CONTAINER(t, struct pl_stream, timer);

    write_text(s, &(struct pl_buf){0});
    pl_timer_start(loop_of(s), t, EMPTY_LINE_MS);
}

void pl_streams_close(struct pl_admin *a)
{
    while (!pl_list_is_empty(&a->streams)) {
        struct pl_stream *s =
            PL_CONTAINER(a->streams.next, struct pl_stream, link);

        s->ending = GONE;
        end_now(s);
    }
}

/* --- The beginning --- */

/* Whether `query` names from one to CHANNELS_MAX channels that may be used. */
static bool are_channels(struct evkeyvalq *query)
{
    unsigned count = 0;

    for (struct evkeyval *kv = query->tqh_first; kv != NULL;
         kv = kv->next.tqe_next) {
        if (strcmp(kv->key, "channel") != 0)
            continue;
        struct pl_span name = pl_span_of(kv->value);
        enum pl_channel_name is = pl_channel_name_check(name);
        if (is != PL_CHANNEL_NAME_OK && is != PL_CHANNEL_NAME_RESERVED)
            return false;
        if (!pl_text_valid(name)) /* %ff; it would go out in JSON */
            return false;
        count++;
    }
    return count > 0 && count <= CHANNELS_MAX;
}

static void subscribe(struct pl_stream *s, struct pl_span channel)
{
    struct pl_subscribe_ask ask = {.channel = channel, .flags = PL_SUB_HIDDEN};
    enum pl_err rc =
        pl_hub_subscribe(s->admin->options.hub, &s->subscriber, &ask);

    if (rc == PL_EFULL)
        write_error(s, channel, PL_ERROR_TOO_MANY_REQUESTS);
    else if (rc != PL_OK && rc != PL_EEXIST)
        write_error(s, channel, PL_ERROR_INTERNAL);
}

static bool watch_close(struct pl_stream *s)
{
    struct bufferevent *bev = evhttp_connection_get_bufferevent(s->conn);

    s->closed = event_new(pl_reactor_base(s->admin->options.reactor),
                          bufferevent_getfd(bev), EV_CLOSED, on_closed, s);
    return s->closed != NULL && event_add(s->closed, NULL) == 0;
}

static struct pl_stream *create(struct pl_admin *a, struct evhttp_request *req)
{
    struct pl_stream *s = calloc(1, sizeof *s);
    struct pl_address address = pl_actor_address(&a->actor);

    if (s == NULL)
        return NULL;
    s->admin = a;
    s->request = req;
    s->conn = evhttp_request_get_connection(req);
    s->timer.fire = empty_line;
    s->end_task.run = run_end;
    s->subscriber.ops = &subscriber_ops;
    s->subscriber.encoding = PL_ENCODING_JSON;
    if (pl_client_create(&s->subscriber.client, address,
                         pl_loop_random(a->actor.loop), PL_SPAN(""),
                         (struct pl_span){0}) != PL_OK ||
        !watch_close(s)) {
        if (s->closed != NULL)
            event_free(s->closed);
        pl_client_release(s->subscriber.client);
        free(s);
        return NULL;
    }
    return s;
}

static void start(struct pl_stream *s, struct evkeyvalq *query)
{
    struct pl_admin *a = s->admin;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(s->request);

    pl_list_append(&a->streams, &s->link);
    a->stream_count++;
    evhttp_add_header(headers, "Content-Type", "application/x-ndjson");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_connection_set_closecb(s->conn, on_freed, s);
    evhttp_send_reply_start(s->request, 200, "OK");
    for (struct evkeyval *kv = query->tqh_first; kv != NULL;
         kv = kv->next.tqe_next) {
        if (strcmp(kv->key, "channel") == 0)
            subscribe(s, pl_span_of(kv->value));
    }
    pl_timer_start(a->actor.loop, &s->timer, EMPTY_LINE_MS);
    if (s->subscriber.sub_count == 0)
        end_later(s, ENDS);
}

void pl_stream_open(struct pl_admin *a, struct evhttp_request *req)
{
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));
    struct evkeyvalq query = {0};
    int status = 400;

    if (text != NULL && evhttp_parse_query_str(text, &query) == 0 &&
        are_channels(&query))
        status = a->stream_count < STREAMS_MAX ? 200 : 503;
    if (status == 200) {
        struct pl_stream *s = create(a, req);
        if (s != NULL)
            start(s, &query);
        else
            status = 500;
    }
    evhttp_clear_headers(&query);
    if (status != 200)
        pl_http_reply(req, status, NULL, NULL);
}
