/* SPDX-License-Identifier: Apache-2.0 */
/* peer_say.c - the commands of peer.h, in both encodings.
 *
 * Corked commands gather in a buffer beside the peers, one a thread: a test
 * corks one peer at a time. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "peer.h"

static _Thread_local struct peer *corked;
static _Thread_local struct pl_buf cork;

/* A string of a command, NULL: absent.  Data goes raw into JSON. */
struct field {
    const char *key;
    unsigned number;
    const char *value;
    bool is_raw;
};

enum { FIELDS = 3 };

struct command {
    const char *verb;
    unsigned number;
    struct field fields[FIELDS];
};

/* --- Writing --- */

static void put_varint(struct pl_buf *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        pl_buf_put_byte(b, (char)(n | 0x80));
    pl_buf_put_byte(b, (char)n);
}

static void put_bytes(struct pl_buf *b, unsigned number, struct pl_span bytes)
{
    put_varint(b, number << 3 | 2);
    put_varint(b, bytes.len);
    pl_buf_put_span(b, bytes);
}

static void write_binary(struct pl_buf *out, const struct command *c,
                         uint32_t id)
{
    struct pl_buf request = {0}, command = {0};

    for (int i = 0; i < FIELDS; i++) {
        if (c->fields[i].value != NULL)
            put_bytes(&request, c->fields[i].number,
                      pl_span_of(c->fields[i].value));
    }
    if (id != 0) {
        put_varint(&command, 1 << 3);
        put_varint(&command, id);
    }
    put_bytes(&command, c->number, pl_buf_span(&request));
    put_varint(out, command.len);
    pl_buf_put_span(out, pl_buf_span(&command));
    pl_buf_fini(&request);
    pl_buf_fini(&command);
}

static void write_json(struct pl_buf *out, const struct command *c, uint32_t id)
{
    const char *comma = "";

    if (out->len > 0)
        pl_buf_put_byte(out, '\n');
    pl_buf_put_byte(out, '{');
    if (id != 0)
        pl_buf_printf(out, "\"id\":%u,", id);
    pl_buf_printf(out, "\"%s\":{", c->verb);
    for (int i = 0; i < FIELDS; i++) {
        const struct field *f = &c->fields[i];
        const char *quote = f->is_raw ? "" : "\"";

        if (f->value == NULL)
            continue;
        pl_buf_printf(out, "%s\"%s\":%s%s%s", comma, f->key, quote, f->value,
                      quote);
        comma = ",";
    }
    pl_buf_put_span(out, PL_SPAN("}}"));
}

static void send_out(struct peer *p, struct pl_buf *b)
{
    assert(!b->failed);
    peer_frame(p, p->encoding == PEER_JSON ? PL_WS_TEXT : PL_WS_BINARY,
               pl_buf_span(b));
    pl_buf_fini(b);
}

static void say(struct peer *p, const struct command *c, uint32_t id)
{
    struct pl_buf own = {0}, *to = corked == p ? &cork : &own;

    if (p->encoding == PEER_JSON)
        write_json(to, c, id);
    else
        write_binary(to, c, id);
    if (to == &own)
        send_out(p, &own);
}

void peer_cork(struct peer *p)
{
    assert(corked == NULL);
    corked = p;
}

void peer_uncork(struct peer *p)
{
    assert(corked == p);
    corked = NULL;
    send_out(p, &cork);
}

/* --- Commands --- */

uint32_t peer_connect(struct peer *p, const char *token)
{
    struct command c = {"connect", 4, {{"token", 1, token, false}}};

    say(p, &c, ++p->last_id);
    return p->last_id;
}

uint32_t peer_subscribe(struct peer *p, const char *channel)
{
    struct command c = {"subscribe", 5, {{"channel", 1, channel, false}}};

    say(p, &c, ++p->last_id);
    return p->last_id;
}

uint32_t peer_unsubscribe(struct peer *p, const char *channel)
{
    struct command c = {"unsubscribe", 6, {{"channel", 1, channel, false}}};

    say(p, &c, ++p->last_id);
    return p->last_id;
}

uint32_t peer_publish(struct peer *p, const char *channel, const char *data)
{
    struct command c = {
        "publish",
        7,
        {{"channel", 1, channel, false}, {"data", 2, data, true}}};

    say(p, &c, ++p->last_id);
    return p->last_id;
}

uint32_t peer_rpc(struct peer *p, const char *method, const char *data)
{
    struct command c = {
        "rpc", 13, {{"data", 1, data, true}, {"method", 2, method, false}}};

    say(p, &c, ++p->last_id);
    return p->last_id;
}

void peer_send(struct peer *p, const char *data)
{
    struct command c = {"send", 12, {{"data", 1, data, true}}};

    say(p, &c, 0);
}

/* --- More than one step --- */

void peer_enter(struct peer *p, uint16_t port, enum peer_encoding encoding,
                const char *token, char client[64])
{
    struct peer_reply r;

    if (peer_open(p, port, encoding) != 101) {
        fprintf(stderr, "peer: HTTP status %d\n", p->http_status);
        abort();
    }
    peer_await(p, peer_connect(p, token), &r);
    if (r.kind != PEER_RESULT) {
        fprintf(stderr, "peer: not let in: %u\n", r.code);
        abort();
    }
    if (client != NULL)
        snprintf(client, 64, "%.*s", (int)r.client.len, r.client.at);
}

void peer_join(struct peer *p, const char *channel)
{
    struct peer_reply r;

    peer_await(p, peer_subscribe(p, channel), &r);
    if (r.kind != PEER_RESULT) {
        fprintf(stderr, "peer: not subscribed: %u\n", r.code);
        abort();
    }
}
