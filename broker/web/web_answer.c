/* SPDX-License-Identifier: Apache-2.0 */
/* web_answer.c - the output of a connection: responses and streams.
 *
 * A response is written whole into the buffer of the connection, so its length
 * is known.  A stream appends its chunks to the same buffer.
 *
 * Invariant: a request gets one final response.  If the connection ends after
 * it, the response carries "Connection: close". */
#include "reason.h"
#include "web.h"
#include "web_private.h"

static void put_text(struct pl_buf *b, const char *text)
{
    pl_buf_put_span(b, pl_span_of(text));
}

static void put_head(struct pl_web_conn *c, int status, const char *type,
                     const char *fields)
{
    struct pl_buf *b = &c->out;

    pl_buf_printf(b, "HTTP/1.1 %d %s\r\n", status, pl_http_reason(status));
    pl_http_put_date(b, (int64_t)(pl_loop_wall_ms(c->actor.loop) / 1000));
    if (type != NULL)
        pl_buf_printf(b, "Content-Type: %s\r\nCache-Control: no-store\r\n",
                      type);
    if (fields != NULL)
        put_text(b, fields);
    if (c->is_last)
        put_text(b, "Connection: close\r\n");
}

static bool is_head(const struct pl_web_conn *c)
{
    return pl_span_equal(c->head.method, PL_SPAN("HEAD"));
}

/* A connection ends after a response sent before the whole body was read, and
 * after any response to a client without a key. */
static bool is_last(const struct pl_web_conn *c)
{
    bool has_body = c->state == PL_WEB_BODY && !pl_http_body_is_done(&c->body);

    return c->is_last || has_body || c->share == PL_WEB_STRANGER;
}

static void give(struct pl_web_conn *c, const struct pl_web_answer *a)
{
    c->is_last = is_last(c) || a->is_last;
    put_head(c, a->status, a->type, a->fields);
    if (a->status != 204)
        pl_buf_printf(&c->out, "Content-Length: %zu\r\n", a->body.len);
    put_text(&c->out, "\r\n");
    if (!is_head(c))
        pl_buf_put_span(&c->out, a->body);
    if (c->state == PL_WEB_BODY)
        pl_buf_fini(&c->body_bytes); /* otherwise the site may still read it */
    c->state = PL_WEB_ANSWER;
    pl_web_start_timer(c, c->web->options.timeout_ms);
    pl_web_flush(c);
}

void pl_web_reply(struct pl_web_conn *c, const struct pl_web_answer *answer)
{
    if (pl_web_hold(c, answer->body.len))
        give(c, answer);
    else
        pl_web_reply_status(c, 503, "too many answers wait for their readers",
                            "Retry-After: 1\r\n");
}

void pl_web_reply_status(struct pl_web_conn *c, int status, const char *why,
                         const char *fields)
{
    struct pl_buf text = {0};

    pl_buf_printf(&text, "{\"status\":%d,\"text\":\"%s", status,
                  pl_http_reason(status));
    if (why != NULL)
        pl_buf_printf(&text, ": %s", why);
    put_text(&text, "\"}");
    if (text.failed)
        c->out.failed = true; /* run_flush() aborts the connection */
    give(c, &(struct pl_web_answer){.status = status,
                                    .type = "application/json",
                                    .body = pl_buf_span(&text),
                                    .fields = fields});
    pl_buf_fini(&text);
}

/* --- Streams --- */

void pl_web_stream_begin(struct pl_web_conn *c, const char *type)
{
    c->is_last = true;
    put_head(c, 200, type, NULL);
    if (!c->head.is_old)
        put_text(&c->out, "Transfer-Encoding: chunked\r\n");
    put_text(&c->out, "\r\n");
    c->state = PL_WEB_STREAM;
    pl_web_flush(c);
}

/* Remove sent bytes from the front of the buffer. */
static void compact(struct pl_web_conn *c)
{
    if (c->sent < c->out.len / 2 || c->sent == 0)
        return;
    memmove(c->out.data, c->out.data + c->sent, c->out.len - c->sent);
    c->out.len -= c->sent;
    c->sent = 0;
}

enum pl_err pl_web_stream_put(struct pl_web_conn *c, struct pl_span bytes)
{
    size_t unsent = c->out.len - c->sent, max = c->web->options.stream_max;

    if (unsent > 0 && (unsent > max || bytes.len > max - unsent))
        return PL_EFULL;
    if (bytes.len == 0)
        return PL_OK; /* an empty chunk ends the stream */
    compact(c);
    if (!c->head.is_old)
        pl_buf_printf(&c->out, "%zx\r\n", bytes.len);
    pl_buf_put_span(&c->out, bytes);
    if (!c->head.is_old)
        put_text(&c->out, "\r\n");
    pl_web_flush(c);
    return c->out.failed ? PL_ENOMEM : PL_OK;
}

void pl_web_stream_end(struct pl_web_conn *c)
{
    if (!c->head.is_old)
        put_text(&c->out, "0\r\n\r\n");
    c->state = PL_WEB_ANSWER;
    pl_web_start_timer(c, c->web->options.timeout_ms);
    if (c->out.len > c->sent)
        pl_web_flush(c);
    else
        pl_loop_defer(c->actor.loop, PL_STAGE_READY, &c->next);
}
