/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - see trace.h.
 *
 * A command is reported by its verb, its channel and the size of its data; the
 * message itself is never copied, because a login has a token in it.
 *
 * Rejected: to report each delivery here: a delivery takes 50 instructions, and
 * a branch would be seen.  The hub reports the deliveries of a turn. */
#include "trace.h"

#include <inttypes.h>

#include "command.h"
#include "ip.h"
#include "session_parts.h"

static void put_text(struct pl_buf *b, const char *before, struct pl_span text)
{
    pl_buf_put_span(b, pl_span_of(before));
    pl_json_text_encode(b, text);
}

/* Begin a line with the client and its user. */
static struct pl_buf *begin(struct pl_session *s, struct pl_trace *r,
                            const char *event)
{
    struct pl_buf *b = pl_trace_begin(pl_session_tracer(s), r, event);

    if (b == NULL)
        return NULL;
    put_text(b, ",\"client\":", pl_session_id(s));
    put_text(b, ",\"user\":", pl_session_user(s));
    return b;
}

/* Return the next trace of the user of `s`.  A session without a client has no
 * user yet. */
static struct pl_trace *next(struct pl_session *s, uint32_t *i)
{
    return pl_session_subscriber(s)->client == NULL
               ? NULL
               : pl_tracer_next(pl_session_tracer(s), i, PL_TRACE_USER,
                                pl_session_user(s));
}

static const char *verb_text(enum pl_verb verb)
{
    static const char *const texts[] = {
        [PL_VERB_NONE] = "unknown",
        [PL_VERB_PONG] = "pong",
        [PL_VERB_CONNECT] = "connect",
        [PL_VERB_SUBSCRIBE] = "subscribe",
        [PL_VERB_UNSUBSCRIBE] = "unsubscribe",
        [PL_VERB_PUBLISH] = "publish",
        [PL_VERB_PRESENCE] = "presence",
        [PL_VERB_PRESENCE_STATS] = "presence_stats",
        [PL_VERB_HISTORY] = "history",
        [PL_VERB_PING] = "ping",
        [PL_VERB_SEND] = "send",
        [PL_VERB_RPC] = "rpc",
        [PL_VERB_REFRESH] = "refresh",
        [PL_VERB_SUB_REFRESH] = "sub_refresh",
    };

    return texts[verb];
}

static struct pl_span channel_of(const struct pl_command *c)
{
    switch (c->verb) {
    case PL_VERB_SUBSCRIBE:
        return c->subscribe.channel;
    case PL_VERB_UNSUBSCRIBE:
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        return c->channel;
    case PL_VERB_PUBLISH:
        return c->publish.channel;
    case PL_VERB_HISTORY:
        return c->history.channel;
    case PL_VERB_SUB_REFRESH:
        return c->sub_refresh.channel;
    default:
        return (struct pl_span){0};
    }
}

static struct pl_span data_of(const struct pl_command *c)
{
    switch (c->verb) {
    case PL_VERB_PUBLISH:
        return c->publish.data;
    case PL_VERB_SEND:
        return c->data;
    case PL_VERB_RPC:
        return c->rpc.data;
    default:
        return (struct pl_span){0};
    }
}

static void put_command(struct pl_buf *b, const struct pl_session *s,
                        const struct pl_trace *r, const struct pl_command *c)
{
    struct pl_span channel = channel_of(c), data = data_of(c);

    pl_buf_printf(b, ",\"command\":\"%s\",\"id\":%" PRIu32, verb_text(c->verb),
                  c->id);
    if (channel.len > 0)
        put_text(b, ",\"channel\":", channel);
    if (c->verb == PL_VERB_RPC)
        put_text(b, ",\"method\":", c->rpc.method);
    if (data.len == 0)
        return;
    pl_buf_printf(b, ",\"bytes\":%zu", data.len);
    if (r->has_payload && data.len <= PL_TRACE_DATA &&
        pl_session_encoding(s) == PL_ENCODING_JSON &&
        memchr(data.at, '\n', data.len) == NULL) {
        pl_buf_put_span(b, PL_SPAN(",\"data\":"));
        pl_buf_put_span(b, data);
    }
}

void pl_session_trace_command(struct pl_session *s, const struct pl_command *c)
{
    struct pl_trace *r;
    uint32_t i = 0;

    if (c->verb == PL_VERB_PONG)
        return;
    while ((r = next(s, &i)) != NULL) {
        struct pl_buf *b = begin(s, r, "command");

        if (b == NULL)
            continue;
        put_command(b, s, r, c);
        pl_trace_end(r);
    }
}

void pl_session_trace_answer(struct pl_session *s, uint32_t id, uint32_t code)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = next(s, &i)) != NULL) {
        struct pl_buf *b = begin(s, r, "reply");

        if (b == NULL)
            continue;
        pl_buf_printf(b, ",\"id\":%" PRIu32, id);
        if (code != 0)
            pl_buf_printf(b, ",\"code\":%" PRIu32, code);
        if (code != 0 && pl_code_text(code) != NULL)
            put_text(b, ",\"reason\":", pl_span_of(pl_code_text(code)));
        pl_trace_end(r);
    }
}

static const char *drop_text(enum pl_metric why)
{
    switch (why) {
    case PL_METRIC_FRAMES_DROPPED_SLOW:
        return "its queue is full (limits.outgoing_queue), it is closed";
    case PL_METRIC_FRAMES_DROPPED_OLDEST:
        return "its queue is full, the oldest are dropped";
    case PL_METRIC_FRAMES_DROPPED_REPLACED:
        return "newer ones replace them in its queue";
    case PL_METRIC_FRAMES_DROPPED_RECOVER:
        return "its queue is full, it is unsubscribed and recovers";
    case PL_METRIC_FRAMES_DROPPED_MEMORY:
        return "out of memory";
    default:
        return "it closes";
    }
}

static void report_drop(struct pl_session *s, struct pl_trace *r,
                        const struct pl_sub *sub, enum pl_metric why,
                        uint32_t frames)
{
    struct pl_buf *b = begin(s, r, "not delivered");

    if (b == NULL)
        return;
    if (sub != NULL)
        put_text(b, ",\"channel\":", pl_sub_channel(sub));
    pl_buf_printf(b, ",\"count\":%" PRIu32 ",\"queue_bytes\":%" PRIu64, frames,
                  pl_session_queued(s));
    put_text(b, ",\"reason\":", pl_span_of(drop_text(why)));
    pl_trace_end(r);
}

void pl_session_trace_drop(struct pl_session *s, const struct pl_sub *sub,
                           enum pl_metric why, uint32_t frames)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = next(s, &i)) != NULL)
        report_drop(s, r, sub, why, frames);
    i = 0;
    while (sub != NULL &&
           (r = pl_tracer_next(pl_session_tracer(s), &i, PL_TRACE_CHANNEL,
                               pl_sub_channel(sub))) != NULL)
        report_drop(s, r, sub, why, frames);
}

void pl_session_trace_connect(struct pl_session *s)
{
    struct pl_trace *r;
    char text[PL_IP_TEXT_MAX];
    uint32_t i = 0;

    while ((r = next(s, &i)) != NULL) {
        struct pl_buf *b = begin(s, r, "connect");

        if (b == NULL)
            continue;
        put_text(b, ",\"address\":", pl_span_of(pl_session_peer(s, text)));
        pl_trace_end(r);
    }
}

void pl_session_trace_close(struct pl_session *s, uint16_t code,
                            struct pl_span reason)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = next(s, &i)) != NULL) {
        struct pl_buf *b = begin(s, r, "close");

        if (b == NULL)
            continue;
        pl_buf_printf(b, ",\"code\":%u", code);
        if (reason.len > 0)
            put_text(b, ",\"reason\":", reason);
        pl_trace_end(r);
    }
}
