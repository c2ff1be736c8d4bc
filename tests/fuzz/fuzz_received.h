/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_received.h - any bytes as a message of a server, in one encoding.
 *
 * What is taken must keep the promises of received.h: names are UTF-8 without
 * zero bytes, payloads lie inside the message (in JSON each is one JSON value
 * without a raw newline), and each list has as many elements as it says, none
 * of them malformed.  What was read of a publication is read again after the
 * broker's encoder wrote it. */
#ifndef PL_FUZZ_RECEIVED_H
#define PL_FUZZ_RECEIVED_H

#include <stdint.h>
#include <stdlib.h>

#include "client_codec.h"
#include "wire_text.h"

struct message {
    enum pl_encoding encoding;
    struct pl_span whole;
    struct pl_arena arena;
};

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void text(struct pl_span s)
{
    must(pl_text_valid(s));
}

static void data(const struct message *m, struct pl_span s)
{
    must(s.len == 0 ||
         (s.at >= m->whole.at && s.at + s.len <= m->whole.at + m->whole.len));
    if (m->encoding == PL_ENCODING_PROTOBUF)
        return;
    must(s.at == NULL || pl_json_accepts(s));
    for (size_t i = 0; i < s.len; i++)
        must(s.at[i] != '\n' && s.at[i] != '\r');
}

static void info(const struct message *m, const struct pl_received_info *i)
{
    text(i->user);
    text(i->client);
    data(m, i->conn_info);
    data(m, i->chan_info);
}

static void tags(struct message *m, struct pl_received_list l)
{
    struct pl_span key, value;
    enum pl_err rc;
    size_t left = l.count;

    while ((rc = pl_received_tag_next(&l, &m->arena, &key, &value)) == PL_OK) {
        text(key);
        text(value);
        left--;
    }
    must(rc == PL_ENOENT && left == 0);
}

static void publication(struct message *m,
                        const struct pl_received_publication *p)
{
    data(m, p->data);
    text(p->channel);
    text(p->epoch);
    info(m, &p->info);
    tags(m, p->tags);
}

static void publications(struct message *m, struct pl_received_list l)
{
    struct pl_received_publication p;
    enum pl_err rc;
    size_t left = l.count;

    while ((rc = pl_received_publication_next(&l, &m->arena, &p)) == PL_OK) {
        publication(m, &p);
        left--;
    }
    must(rc == PL_ENOENT && left == 0);
}

static void subscribe(struct message *m, const struct pl_received_subscribe *s)
{
    text(s->epoch);
    data(m, s->data);
    publications(m, s->publications);
}

static void connect(struct message *m, const struct pl_received_connect *c)
{
    struct pl_received_list l = c->subs;
    struct pl_received_subscribe s;
    struct pl_span channel;
    enum pl_err rc;

    text(c->client);
    text(c->version);
    data(m, c->data);
    while ((rc = pl_received_sub_next(&l, &m->arena, &channel, &s)) == PL_OK) {
        text(channel);
        subscribe(m, &s);
    }
    must(rc == PL_ENOENT && l.count == 0);
}

static void presence(struct message *m, struct pl_received_list l)
{
    struct pl_received_info i;
    struct pl_span client;
    enum pl_err rc;

    while ((rc = pl_received_info_next(&l, &m->arena, &client, &i)) == PL_OK) {
        text(client);
        info(m, &i);
    }
    must(rc == PL_ENOENT && l.count == 0);
}

static void content(struct message *m, const struct pl_received *r)
{
    switch (r->kind) {
    case PL_RECEIVED_ERROR:
        text(r->error.message);
        return;
    case PL_RECEIVED_CONNECT:
    case PL_RECEIVED_CONNECTED:
        connect(m, &r->connect);
        return;
    case PL_RECEIVED_SUBSCRIBE:
    case PL_RECEIVED_SUBSCRIBED:
        subscribe(m, &r->subscribe);
        return;
    case PL_RECEIVED_PRESENCE:
        presence(m, r->presence);
        return;
    case PL_RECEIVED_HISTORY:
        text(r->history.epoch);
        publications(m, r->history.publications);
        return;
    case PL_RECEIVED_RPC:
    case PL_RECEIVED_MESSAGE:
        data(m, r->data);
        return;
    case PL_RECEIVED_REFRESH:
        text(r->refresh.client);
        text(r->refresh.version);
        return;
    case PL_RECEIVED_PUBLICATION:
        publication(m, &r->publication);
        return;
    case PL_RECEIVED_JOIN:
    case PL_RECEIVED_LEAVE:
        info(m, &r->info);
        return;
    case PL_RECEIVED_UNSUBSCRIBED:
    case PL_RECEIVED_DISCONNECT:
        text(r->end.reason);
        return;
    default:
        return;
    }
}

static bool same(struct pl_span a, struct pl_span b)
{
    return pl_span_equal(a, b);
}

/* The broker's encoder writes the push, and it is read again. */
static void again(enum pl_encoding e, const struct pl_received *r)
{
    const struct pl_received_publication *p = &r->publication;
    struct pl_client_info from = {p->info.user, p->info.client,
                                  p->info.conn_info, p->info.chan_info};
    struct pl_push push = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = r->channel,
        .publication = {.data = p->data,
                        .info = p->info.is_set ? &from : NULL,
                        .offset = p->offset}};
    struct pl_arena arena = {0};
    struct pl_received twin;
    struct pl_buf b = {0};
    const char *why;
    size_t at;

    pl_push_encode(e, &b, &push);
    struct pl_span in = pl_buf_span(&b);
    must(pl_received_decode(e, &in, &arena, &twin, &why, &at) == PL_OK);
    const struct pl_received_publication *q = &twin.publication;
    must(in.len == 0 && twin.kind == r->kind && same(twin.channel, r->channel));
    must(same(p->data, q->data) && p->offset == q->offset &&
         p->info.is_set == q->info.is_set && same(p->info.user, q->info.user) &&
         same(p->info.client, q->info.client) &&
         same(p->info.conn_info, q->info.conn_info) &&
         same(p->info.chan_info, q->info.chan_info));
    pl_buf_fini(&b);
    pl_arena_fini(&arena);
}

static void received(struct message *m, const struct pl_received *r)
{
    text(r->channel);
    must(r->is_push == (r->kind >= PL_RECEIVED_PUBLICATION) ||
         r->kind == PL_RECEIVED_UNKNOWN);
    must(r->kind != PL_RECEIVED_PING || r->id == 0);
    content(m, r);
    if (r->kind == PL_RECEIVED_PUBLICATION)
        again(m->encoding, r);
}

static int fuzz_received(enum pl_encoding encoding, const uint8_t *bytes,
                         size_t size)
{
    char *copy = malloc(size + (size == 0));
    struct message m = {encoding, {copy, size}, {.limit = 1 << 24}};
    struct pl_span in = m.whole;
    enum pl_err rc;

    must(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    do {
        struct pl_span before = in;
        struct pl_received r;
        const char *why = NULL;
        size_t at = 0;

        rc = pl_received_decode(encoding, &in, &m.arena, &r, &why, &at);
        if (rc == PL_OK) {
            received(&m, &r);
            must(in.len < before.len &&
                 in.at + in.len == before.at + before.len);
        } else {
            must(why != NULL && at <= before.len);
            must(in.at == before.at && in.len == before.len);
        }
    } while (rc == PL_OK && in.len > 0);
    pl_arena_fini(&m.arena);
    free(copy);
    return 0;
}

#endif
