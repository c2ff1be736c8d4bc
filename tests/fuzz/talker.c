/* SPDX-License-Identifier: Apache-2.0 */
/* talker.c - see talker.h.
 *
 * It is not the client library: what it says is the input of a fuzz target,
 * right or wrong.  Frames are read with the broker's own decoder, in pieces as
 * they come; results with the readers of tests/sim, which are apart from
 * broker/wire. Messages are compressed by zlib itself, not by broker/ws. */
#include "talker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "decoder.h"
#include "deflate.h"
#include "hear.h"
#include "peer_decode.h"
#include "trace.h"

static struct pl_inflater inflater; /* of all clients of all runs */
static const struct pl_ws_limits plain = {.max_message = 16 << 20};
static const struct pl_ws_limits inflating = {.max_message = 16 << 20,
                                              .inflater = &inflater};

/* --- Saying --- */

void talker_frame(struct talker *t, unsigned first, struct pl_span data)
{
    struct pl_buf b = {0};

    say_frame(&b, 0, data);
    b.data[0] = (char)first;
    link_say(t->link, b.data, b.len);
    pl_buf_fini(&b);
}

static unsigned opcode_of(const struct talker *t)
{
    return t->encoding == PEER_JSON ? 1 : 2;
}

/* In place, without the end that RFC 7692 leaves out. */
static void compress_message(struct pl_buf *b)
{
    static z_stream z;
    struct pl_buf out = {0};

    if (z.state == NULL &&
        deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    deflateReset(&z);
    z.avail_out = (uInt)deflateBound(&z, b->len) + 16;
    z.next_out = (Bytef *)pl_buf_reserve(&out, z.avail_out);
    z.next_in = (Bytef *)b->data;
    z.avail_in = (uInt)b->len;
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK)
        abort();
    out.len = (size_t)((char *)z.next_out - out.data) - 4;
    pl_buf_fini(b);
    *b = out;
}

void talker_say(struct talker *t, unsigned bits)
{
    struct pl_buf *b = &t->message;
    unsigned first = opcode_of(t) ^ ((bits & SAY_OTHER) != 0 ? 3 : 0);

    t->is_raw = t->is_raw || (bits & SAY_OTHER) != 0;
    if ((bits & SAY_COMPRESSED) != 0) {
        t->is_raw = t->is_raw || t->limits != &inflating;
        compress_message(b);
        first |= 0x40;
    }
    struct pl_span rest = pl_buf_span(b);
    for (; (bits & SAY_FRAGMENTS) != 0 && rest.len > 7; first = 0) {
        talker_frame(t, first, (struct pl_span){rest.at, 7});
        rest = (struct pl_span){rest.at + 7, rest.len - 7};
    }
    talker_frame(t, 0x80 | first, rest);
    b->len = 0;
    if ((bits & SAY_CARRY) != 0)
        link_carry_up(t->link, SIZE_MAX);
}

/* --- Hearing --- */

static void take_position(void *arg, const struct hear_position *p)
{
    struct gossip *g = arg;

    snprintf(g->epoch, sizeof g->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
    g->offset = p->offset;
}

static void take_publication(void *arg, const struct hear_publication *p)
{
    (void)arg, (void)p;
}

static void take_client(void *arg, struct pl_span id)
{
    (void)arg, (void)id;
}

static void hear_result(struct talker *t, enum verb verb,
                        const struct peer_reply *reply)
{
    static const struct hear_ops ops = {take_publication, take_position,
                                        take_client};
    struct gossip *g = t->gossip;
    bool ok = true;

    if (verb == VERB_CONNECT)
        snprintf(g->client, sizeof g->client, "%.*s", (int)reply->client.len,
                 reply->client.at == NULL ? "" : reply->client.at);
    else if (verb == VERB_SUBSCRIBE)
        ok = hear_subscribe(t->encoding, reply->body, &ops, g);
    else if (verb == VERB_HISTORY)
        ok = hear_history(t->encoding, reply->body, &ops, g);
    else if (verb == VERB_PRESENCE)
        ok = hear_presence(t->encoding, reply->body, &ops, g);
    if (!ok)
        trace_fail("a malformed result of verb %u", verb);
}

static void hear_ping(struct talker *t)
{
    struct pl_buf pong = {0};

    if (t->is_unresponsive)
        return;
    say_pong(&pong, t->encoding);
    talker_frame(t, 0x80 | opcode_of(t), pl_buf_span(&pong));
    pl_buf_fini(&pong);
}

static void hear_reply(struct talker *t, const struct peer_reply *reply)
{
    if (reply->kind == PEER_PING)
        hear_ping(t);
    if (reply->id == 0 || t->is_raw)
        return;
    if (reply->id > TALKER_COMMANDS_MAX || t->asked[reply->id] == 0)
        trace_fail("an answer to %u, which waits for none", reply->id);
    enum verb verb = (enum verb)(t->asked[reply->id] - 1);
    t->asked[reply->id] = 0;
    if (reply->kind == PEER_RESULT)
        hear_result(t, verb, reply);
}

static void hear_message(struct talker *t, const struct pl_ws_event *e)
{
    struct pl_span batch = e->payload;
    enum peer_encoding encoding =
        e->opcode == PL_WS_TEXT ? PEER_JSON : PEER_PROTOBUF;

    if (!t->is_raw && encoding != t->encoding)
        trace_fail("a message in the other encoding");
    if (batch.len == 0)
        trace_fail("an empty message");
    t->encoding = encoding;
    while (batch.len > 0) {
        struct peer_reply reply;

        if (!peer_decode(encoding, &batch, &reply))
            trace_fail("what came is no reply");
        hear_reply(t, &reply);
    }
}

static void hear_frames(struct talker *t, struct pl_span in)
{
    struct pl_ws_event e = {0};

    while (in.len > 0) {
        if (t->stage == CLOSED)
            trace_fail("something behind a Close");
        pl_ws_decode(&t->ws, t->limits, &in, &e);
        if (e.kind == PL_WS_EVENT_ERROR)
            trace_fail("the broker broke RFC 6455: %.*s", (int)e.payload.len,
                       e.payload.at);
        if (e.kind == PL_WS_EVENT_MESSAGE)
            hear_message(t, &e);
        if (e.kind == PL_WS_EVENT_CLOSE)
            t->stage = CLOSED;
    }
}

/* What the head of the answer says; gives its length, 0: not all is here. */
static size_t hear_head(struct talker *t)
{
    const struct pl_buf *b = &t->head;
    const char *end =
        b->len < 4 ? NULL : memmem(b->data, b->len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (strncmp(b->data, "HTTP/1.1 ", 9) != 0)
        trace_fail("an answer that is not HTTP");
    size_t len = (size_t)(end - b->data) + 4;
    t->stage = strncmp(b->data + 9, "101 ", 4) == 0 ? OPEN : REFUSED;
    bool agreed = memmem(b->data, len, "permessage-deflate", 18) != NULL;
    if (agreed && !t->offers_deflate && !t->is_raw)
        trace_fail("deflate was not offered");
    t->limits = agreed ? &inflating : &plain;
    return len;
}

static void on_hear(struct link_peer *p, const char *bytes, size_t len)
{
    struct talker *t = (struct talker *)p;
    struct pl_buf in = {0};
    size_t taken = 0;

    if (t->stage == OPENING) {
        pl_buf_put(&t->head, bytes, len);
        taken = hear_head(t);
        if (taken == 0)
            return;
        in = t->head;
        t->head = (struct pl_buf){0};
    } else {
        pl_buf_put(&in, bytes, len);
    }
    if (t->stage != REFUSED)
        hear_frames(t, (struct pl_span){in.data + taken, in.len - taken});
    pl_buf_fini(&in);
}

void talker_leave(struct talker *t)
{
    struct link *l = t->link;

    t->link = NULL;
    t->stage = AWAY;
    pl_buf_fini(&t->message);
    pl_buf_fini(&t->head);
    pl_ws_decoder_fini(&t->ws, t->limits);
    if (l != NULL)
        link_reset(l);
}

static void on_end(struct link_peer *p)
{
    talker_leave((struct talker *)p);
}

void talker_command(struct talker *t, struct say *s)
{
    if (t->last_id == TALKER_COMMANDS_MAX)
        return;
    if (s->verb != VERB_SEND) {
        s->id = ++t->last_id;
        t->asked[s->id] = (uint8_t)(1 + s->verb);
    }
    say_command(&t->message, t->encoding, s);
}

static void say_connect(struct talker *t, bool has_token)
{
    struct say s = {.verb = VERB_CONNECT};
    char *token = has_token ? world_token(t->world, t->index, 3600, 0) : NULL;

    s.token = token;
    talker_command(t, &s);
    talker_say(t, 0);
    free(token);
}

static void say_handshake(struct talker *t, unsigned bits)
{
    struct pl_buf b = {0};

    pl_buf_printf(
        &b,
        "GET /connection/websocket%s HTTP/1.1\r\nHost: localhost\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n%s%s%s"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        (bits & OPEN_BINARY) != 0 ? "?format=protobuf" : "",
        t->offers_deflate ? "Sec-WebSocket-Extensions: permessage-deflate" : "",
        (bits & OPEN_NARROW) != 0 && t->offers_deflate
            ? "; server_max_window_bits=9"
            : "",
        t->offers_deflate ? "\r\n" : "");
    link_say(t->link, b.data, b.len);
    pl_buf_fini(&b);
}

void talker_open(struct talker *t, unsigned bits)
{
    unsigned loop = t->index % t->world->workers;

    talker_leave(t);
    if (!world_listens(t->world))
        return;
    *t = (struct talker){.world = t->world,
                         .gossip = t->gossip,
                         .index = t->index,
                         .peer = {on_hear, on_end}};
    t->link = link_open(t->world, loop,
                        (bits & OPEN_SMALL) != 0 ? 80 : TALKER_ROOMY, &t->peer);
    if (t->link == NULL)
        return; /* out of memory */
    t->stage = OPENING;
    t->encoding = (bits & OPEN_BINARY) != 0 ? PEER_PROTOBUF : PEER_JSON;
    t->offers_deflate = (bits & OPEN_DEFLATE) != 0;
    t->is_unresponsive = (bits & OPEN_UNRESPONSIVE) != 0;
    t->is_raw = (bits & OPEN_BARE) != 0;
    if (!t->is_raw)
        say_handshake(t, bits);
    if (!t->is_raw && !t->is_unresponsive)
        say_connect(t, (bits & OPEN_TOKEN) != 0);
}
