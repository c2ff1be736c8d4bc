/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - GET /sub: publications as lines of JSON until the reader closes.
 *
 * A stream is a subscriber of the control loop's hub like a session, but hidden
 * from presence.  It takes messages in the form of lines, so it forwards the
 * hub's deliveries unchanged; all streams of a channel share these lines.
 *
 * The connection reports a reader that closes.  An empty line every 25 seconds
 * detects readers that vanished without closing.
 *
 * A stream must not leave the hub from within a callback: the callback marks
 * it, and a task ends it at the end of the turn.
 *
 * Invariant: `owed` frames are counted as queued in the metrics.  They become
 * given when the connection has sent all output or the stream ends complete;
 * otherwise cancelled or dropped. */
#include <stdlib.h>

#include "admin_private.h"
#include "channels_mail.h"
#include "code.h"
#include "codec.h"
#include "form.h"
#include "channel_name.h"
#include "url_query.h"
#include "wire_text.h"

enum { STREAMS_MAX = 64, CHANNELS_MAX = 128, EMPTY_LINE_MS = 25000 };

static const char content_type[] = "application/x-ndjson";

enum ending {
    STAYS,
    ENDS, /* no subscription is left: complete the response */
    SLOW, /* the reader is too slow, or allocation failed */
    GONE  /* the connection closes */
};

struct pl_stream {
    struct pl_list link;
    struct pl_subscriber subscriber;
    struct pl_web_party party;
    struct pl_admin *admin;
    struct pl_web_conn *conn; /* the connection of the request */
    struct pl_timer timer;    /* fires for the next empty line */
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

/* The kernel accepted all output. */
static void on_drained(struct pl_web_party *p)
{
    count_owed(PL_CONTAINER(p, struct pl_stream, party), PL_METRIC_FRAMES_SENT);
}

static void write_lines(struct pl_stream *s, struct pl_span lines)
{
    if (pl_web_stream_put(s->conn, lines) != PL_OK)
        end_later(s, SLOW); /* out of memory is treated like a slow reader */
}

static void write_text(struct pl_stream *s, struct pl_buf *text)
{
    pl_buf_put_byte(text, '\n');
    if (s->ending == STAYS && !text->failed)
        write_lines(s, pl_buf_span(text));
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

/* --- Callbacks of the hub --- */

static void deliver(struct pl_subscriber *u, const struct pl_delivery *d)
{
    struct pl_stream *s = of_subscriber(u);

    s->owed += d->frames;
    if (s->ending == STAYS)
        write_lines(s, (struct pl_span){d->segment->buf.data + d->from,
                                        d->to - d->from});
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
        end_later(s, ENDS); /* only `sub` is left, which the hub frees after
                               this */
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

static void cannot_encode(struct pl_subscriber *u)
{
    struct pl_stream *s = of_subscriber(u);

    write_error(s, PL_SPAN(""), PL_DISCONNECT_INAPPROPRIATE);
    end_later(s, ENDS);
}

/* Never called: a stream sends no publications and no queries. */
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
    .cannot_encode = cannot_encode,
    .published = published,
    .queried = queried,
};

/* --- The end --- */

/* Leave the hub, update the metrics and free `s`.  The caller ends the
 * connection. */
static void let_go(struct pl_stream *s)
{
    struct pl_admin *a = s->admin;

    pl_hub_leave(a->options.hub, &s->subscriber);
    count_owed(s, s->ending == SLOW ? PL_METRIC_FRAMES_DROPPED_SLOW
                                    : PL_METRIC_FRAMES_CANCELLED);
    if (s->ending == SLOW)
        pl_count(a->options.metrics, PL_METRIC_CLOSED_SLOW, 1);
    pl_timer_stop(a->actor.loop, &s->timer);
    pl_loop_cancel(a->actor.loop, &s->end_task);
    pl_client_release(s->subscriber.client);
    pl_list_remove(&s->link);
    a->stream_count--;
    free(s);
}

static void end_now(struct pl_stream *s)
{
    struct pl_web_conn *conn = s->conn;
    bool is_complete = s->ending == ENDS;

    pl_web_keep(conn, NULL);
    if (is_complete) /* the connection still sends its buffer */
        count_owed(s, PL_METRIC_FRAMES_SENT);
    let_go(s);
    if (is_complete)
        pl_web_stream_end(conn);
    else
        pl_web_abort(conn);
}

static void run_end(struct pl_task *t)
{
    end_now(PL_CONTAINER(t, struct pl_stream, end_task));
}

static void on_gone(struct pl_web_party *p)
{
    struct pl_stream *s = PL_CONTAINER(p, struct pl_stream, party);

    s->ending = GONE;
    let_go(s);
}

static void empty_line(struct pl_timer *t)
{
    struct pl_stream *s = PL_CONTAINER(t, struct pl_stream, timer);

    write_lines(s, PL_SPAN("\n"));
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

/* Take the next value of "channel" from the front of the query, undecoded.
 * Return false at its end. */
static bool next_channel(struct pl_span *query, struct pl_span *value)
{
    struct pl_span name;

    while (pl_query_next(query, &name, value)) {
        if (pl_span_equal(name, PL_SPAN("channel")))
            return true;
    }
    return false;
}

static bool is_channel(struct pl_span name)
{
    enum pl_channel_name is = pl_channel_name_check(name);

    return (is == PL_CHANNEL_NAME_OK || is == PL_CHANNEL_NAME_RESERVED) &&
           pl_text_valid(name); /* reject invalid UTF-8: JSON must not carry
                                   it */
}

/* Return 0 if `query` names 1 to CHANNELS_MAX valid channels, otherwise the
 * status of the refusal. */
static int check_channels(struct pl_span query)
{
    struct pl_span value;
    unsigned count = 0;
    int status = 0;

    while (status == 0 && next_channel(&query, &value)) {
        struct pl_buf name = {0};

        if (!pl_query_decode(&name, value) ||
            (!name.failed && !is_channel(pl_buf_span(&name))))
            status = 400;
        else if (name.failed)
            status = 500;
        pl_buf_fini(&name);
        count++;
    }
    if (status == 0 && (count == 0 || count > CHANNELS_MAX))
        status = 400;
    return status;
}

static void subscribe(struct pl_stream *s, struct pl_span channel)
{
    struct pl_hub *hub = s->admin->options.hub;
    uint64_t hash = pl_hub_hash(hub, channel);
    struct pl_subscribe_ask ask = {
        .channel = channel,
        .hash = hash,
        .rules =
            pl_rule_cache_find(&s->admin->calls.rules, channel, hash).rules,
        .flags = PL_SUB_HIDDEN};
    enum pl_err rc = ask.rules == NULL
                         ? PL_ENOENT
                         : pl_hub_subscribe(hub, &s->subscriber, &ask);

    if (rc == PL_ENOENT)
        write_error(s, channel, PL_ERROR_UNKNOWN_CHANNEL);
    else if (rc == PL_EFULL)
        write_error(s, channel, PL_ERROR_TOO_MANY_REQUESTS);
    else if (rc != PL_OK && rc != PL_EEXIST)
        write_error(s, channel, PL_ERROR_INTERNAL);
}

static struct pl_stream *create(struct pl_admin *a, struct pl_web_conn *c)
{
    struct pl_stream *s = calloc(1, sizeof *s);
    struct pl_address address = pl_actor_address(&a->actor);

    if (s == NULL)
        return NULL;
    s->admin = a;
    s->conn = c;
    s->party = (struct pl_web_party){on_gone, on_drained};
    s->timer.fire = empty_line;
    s->end_task.run = run_end;
    s->subscriber.ops = &subscriber_ops;
    s->subscriber.encoding = PL_ENCODING_JSON;
    s->subscriber.form = PL_FORM_LINES;
    if (pl_client_create(&s->subscriber.client, address,
                         pl_loop_random(a->actor.loop), PL_SPAN(""),
                         (struct pl_span){0}) == PL_OK)
        return s;
    free(s);
    return NULL;
}

static void subscribe_all(struct pl_stream *s, struct pl_span query)
{
    struct pl_span value;

    while (next_channel(&query, &value)) {
        struct pl_buf name = {0};

        pl_query_decode(&name, value);
        if (name.failed)
            end_later(s, SLOW);
        else
            subscribe(s, pl_buf_span(&name));
        pl_buf_fini(&name);
    }
}

static void start(struct pl_stream *s, struct pl_span query)
{
    struct pl_admin *a = s->admin;

    pl_list_append(&a->streams, &s->link);
    a->stream_count++;
    pl_web_keep(s->conn, &s->party);
    pl_web_stream_begin(s->conn, content_type);
    subscribe_all(s, query);
    pl_timer_start(a->actor.loop, &s->timer, EMPTY_LINE_MS);
    if (s->subscriber.sub_count == 0)
        end_later(s, ENDS);
}

void pl_stream_open(struct pl_admin *a, struct pl_web_conn *c,
                    const struct pl_http_head *head)
{
    bool is_head = pl_span_equal(head->method, PL_SPAN("HEAD"));
    int status = check_channels(head->query);
    struct pl_stream *s = NULL;

    if (status == 0 && a->stream_count >= STREAMS_MAX)
        status = 503;
    if (status == 0 && !is_head && (s = create(a, c)) == NULL)
        status = 500;
    if (s != NULL)
        start(s, head->query);
    else if (status != 0)
        pl_web_reply_status(c, status, NULL, NULL);
    else
        pl_web_reply(
            c, &(struct pl_web_answer){.status = 200, .type = content_type});
}
