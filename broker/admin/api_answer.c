/* SPDX-License-Identifier: Apache-2.0 */
/* api_answer.c - see api_answer.h.
 *
 * JSON is written by hand into a buffer: payloads are JSON already and are
 * copied.  Empty members are left out, as in the JSON form of protobuf.  A
 * payload that is not JSON becomes `b64data`, the name that publish uses. */
#include "api_answer.h"

#include <inttypes.h>

#include "channels_mail.h"
#include "code.h"
#include "codec.h"
#include "tags.h"

static void put(struct pl_buf *b, const char *text)
{
    pl_buf_put_span(b, pl_span_of(text));
}

/* Write "key": and, unless it is the first, a comma before it. */
static void put_key(struct pl_buf *b, const char *key, bool *first)
{
    if (!*first)
        pl_buf_put_byte(b, ',');
    *first = false;
    pl_buf_printf(b, "\"%s\":", key);
}

static void put_text(struct pl_buf *b, const char *key, struct pl_span text,
                     bool *first)
{
    if (text.len == 0)
        return;
    put_key(b, key, first);
    pl_json_text_encode(b, text);
}

static void put_raw(struct pl_buf *b, const char *key, struct pl_span json,
                    bool *first)
{
    if (json.len == 0)
        return;
    put_key(b, key, first);
    pl_buf_put_span(b, json);
}

static void put_number(struct pl_buf *b, const char *key, uint64_t n,
                       bool *first)
{
    put_key(b, key, first);
    pl_buf_printf(b, "%" PRIu64, n);
}

void pl_api_write_error(struct pl_buf *b, uint32_t code, struct pl_span message)
{
    if (message.len == 0)
        message = pl_span_of(pl_code_text(code));
    pl_buf_printf(b, "{\"code\":%" PRIu32 ",\"message\":", code);
    pl_json_text_encode(b, message);
    pl_buf_put_byte(b, '}');
}

void pl_api_write_published(struct pl_buf *b, const struct pl_publish_mail *m)
{
    bool first = true;

    pl_buf_put_byte(b, '{');
    if (m->epoch[0] != '\0') {
        put_number(b, "offset", m->pub->offset, &first);
        put_text(b, "epoch", pl_span_of(m->epoch), &first);
    }
    pl_buf_put_byte(b, '}');
}

static void put_client(struct pl_buf *b, const struct pl_client *c)
{
    bool first = true;

    pl_buf_put_byte(b, '{');
    put_key(b, "user", &first);
    pl_json_text_encode(b, pl_client_user(c));
    put_text(b, "client", pl_client_id(c), &first);
    put_raw(b, "conn_info", pl_client_conn_info(c), &first);
    put_raw(b, "chan_info", pl_client_chan_info(c), &first);
    pl_buf_put_byte(b, '}');
}

static void put_base64(struct pl_buf *b, struct pl_span s)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = (const unsigned char *)s.at;

    pl_buf_put_byte(b, '"');
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t bits = (uint32_t)at[i] << 16 |
                        (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
                        (left > 2 ? at[i + 2] : 0);
        char four[4] = {digit[bits >> 18], digit[bits >> 12 & 63],
                        left > 1 ? digit[bits >> 6 & 63] : '=',
                        left > 2 ? digit[bits & 63] : '='};
        pl_buf_put(b, four, sizeof four);
    }
    pl_buf_put_byte(b, '"');
}

static void put_publication(struct pl_buf *b, const struct pl_pub *p)
{
    bool first = true;

    pl_buf_put_byte(b, '{');
    if (p->is_json) {
        put_raw(b, "data", pl_pub_data(p), &first);
    } else {
        put_key(b, "b64data", &first);
        put_base64(b, pl_pub_data(p));
    }
    if (p->client != NULL) {
        put_key(b, "info", &first);
        put_client(b, p->client);
    }
    if (p->has_tags) {
        put_key(b, "tags", &first);
        pl_tags_write_json(b, pl_pub_tags(p));
    }
    put_number(b, "offset", p->offset, &first);
    pl_buf_put_byte(b, '}');
}

static void write_history(struct pl_buf *b, const struct pl_query_mail *m)
{
    bool first = true;

    put(b, "{\"publications\":[");
    for (uint32_t i = 0; i < m->count; i++) {
        if (i > 0)
            pl_buf_put_byte(b, ',');
        put_publication(b, m->pubs[i]);
    }
    put(b, "],");
    put_key(b, "epoch", &first);
    pl_json_text_encode(b, pl_span_of(m->epoch));
    put_number(b, "offset", m->offset, &first);
    pl_buf_put_byte(b, '}');
}

static void write_presence(struct pl_buf *b, const struct pl_query_mail *m)
{
    put(b, "{\"presence\":{");
    for (uint32_t i = 0; i < m->count; i++) {
        if (i > 0)
            pl_buf_put_byte(b, ',');
        pl_json_text_encode(b, pl_client_id(m->clients[i]));
        pl_buf_put_byte(b, ':');
        put_client(b, m->clients[i]);
    }
    put(b, "}}");
}

void pl_api_write_queried(struct pl_buf *b, const struct pl_query_mail *m)
{
    switch (m->kind) {
    case PL_QUERY_PRESENCE:
        write_presence(b, m);
        return;
    case PL_QUERY_PRESENCE_STATS:
        pl_buf_printf(b,
                      "{\"num_clients\":%" PRIu32 ",\"num_users\":%" PRIu32 "}",
                      m->count, m->users);
        return;
    case PL_QUERY_HISTORY:
        write_history(b, m);
        return;
    case PL_QUERY_HISTORY_REMOVE:
    case PL_QUERY_BARRIER:
        put(b, "{}");
        return;
    }
}

void pl_api_write_listed(struct pl_buf *b, const struct pl_list_mail *m,
                         bool *first)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (!*first)
            pl_buf_put_byte(b, ',');
        *first = false;
        pl_json_text_encode(b, pl_blob_span(m->channels[i].channel));
        pl_buf_printf(b, ":{\"num_clients\":%" PRIu32 "}",
                      m->channels[i].subscribers);
    }
}

/* Describe the only node; its uid is its node number in addresses. */
void pl_api_write_info(struct pl_buf *b, const struct pl_status *s)
{
    bool first = true;

    put(b, "{\"nodes\":[{\"uid\":\"0\",\"name\":\"parley\",");
    put_key(b, "version", &first);
    pl_json_text_encode(b, pl_span_of(s->version));
    put_number(b, "num_clients", s->total[PL_METRIC_CLIENTS], &first);
    put_number(b, "num_users", s->total[PL_METRIC_USERS], &first);
    put_number(b, "num_subs", s->total[PL_METRIC_SUBSCRIPTIONS], &first);
    put_number(b, "num_channels", s->total[PL_METRIC_CHANNELS], &first);
    put_number(b, "uptime", s->run.uptime_ms / 1000u, &first);
    put_key(b, "process", &first);
    pl_buf_printf(b, "{\"rss\":%" PRIu64 "}", s->memory_bytes);
    put(b, "}]}");
}
