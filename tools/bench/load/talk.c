/* SPDX-License-Identifier: Apache-2.0 */
/* talk.c - see talk.h.
 *
 * The broker's codecs read commands and write replies, never the other way
 * round, so the other way is written here; the fields of a message are read
 * with the broker's own reader.  The mask of frames is constant: it is there
 * so that the broker has to take it off. */
#include "talk.h"

#include <stdio.h>
#include <string.h>

#include "protobuf_read.h"

/* client.proto */
enum {
    CONNECT = 4,
    SUBSCRIBE = 5,
    PUBLISH = 7,
    REPLY_ERROR = 2,
    REPLY_PUSH = 4,
    REPLY_CONNECT = 5,
    REPLY_SUBSCRIBE = 6,
    PUSH_PUBLICATION = 4,
    PUSH_UNSUBSCRIBE = 7,
    CONNECT_SUBS = 6,
    SUBSCRIBE_PUBLICATIONS = 7
};

/* --- To the broker --- */

static void put_varint(struct pl_buf *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        pl_buf_put_byte(b, (char)(n | 0x80));
    pl_buf_put_byte(b, (char)n);
}

static void put_number(struct pl_buf *b, unsigned field, uint64_t n)
{
    put_varint(b, field << 3 | PL_WIRE_VARINT);
    put_varint(b, n);
}

static void put_bytes(struct pl_buf *b, unsigned field, struct pl_span bytes)
{
    put_varint(b, field << 3 | PL_WIRE_BYTES);
    put_varint(b, bytes.len);
    pl_buf_put_span(b, bytes);
}

/* The command around its request, which is freed. */
static void put_command(struct pl_buf *b, uint32_t id, unsigned verb,
                        struct pl_buf *request)
{
    struct pl_buf command = {0};

    put_number(&command, 1, id);
    put_bytes(&command, verb, pl_buf_span(request));
    put_varint(b, command.len);
    pl_buf_put_span(b, pl_buf_span(&command));
    pl_buf_fini(&command);
    pl_buf_fini(request);
}

static void put_position(struct pl_buf *b, const struct talk_position *p)
{
    if (p == NULL || p->epoch[0] == '\0')
        return;
    put_number(b, 3, true); /* recover */
    put_bytes(b, 6, pl_span_of(p->epoch));
    put_number(b, 7, p->offset);
}

void talk_connect(struct pl_buf *b, const struct talk_login *login)
{
    struct pl_buf request = {0}, entry = {0}, sub = {0};

    if (login->token != NULL)
        put_bytes(&request, 1, pl_span_of(login->token));
    if (login->wants_inbox)
        put_bytes(&request, 2, PL_SPAN("{\"inbox\":true}"));
    put_position(&sub, login->there);
    if (sub.len > 0) {
        put_bytes(&entry, 1, pl_span_of(login->inbox));
        put_bytes(&entry, 2, pl_buf_span(&sub));
        put_bytes(&request, 3, pl_buf_span(&entry));
    }
    pl_buf_fini(&sub);
    pl_buf_fini(&entry);
    put_command(b, 1, CONNECT, &request);
}

void talk_subscribe(struct pl_buf *b, uint32_t id, const char *channel,
                    const struct talk_position *position)
{
    struct pl_buf request = {0};

    put_bytes(&request, 1, pl_span_of(channel));
    put_position(&request, position);
    put_command(b, id, SUBSCRIBE, &request);
}

void talk_publish(struct pl_buf *b, uint32_t id, const char *channel,
                  struct pl_span data)
{
    struct pl_buf request = {0};

    put_bytes(&request, 1, pl_span_of(channel));
    put_bytes(&request, 2, data);
    put_command(b, id, PUBLISH, &request);
}

void talk_pong(struct pl_buf *b)
{
    pl_buf_put_byte(b, 0);
}

void talk_frame(struct pl_buf *b, enum pl_ws_opcode opcode,
                struct pl_span payload)
{
    static const unsigned char key[4] = {0x35, 0xc2, 0x7a, 0x91};
    size_t len = payload.len;
    char *at = pl_buf_reserve(b, len + 8);

    if (at == NULL || len > UINT16_MAX)
        return; /* the caller's buffer has failed; longer is never sent */
    *at++ = (char)(0x80 | opcode);
    *at++ = (char)(0x80 | (len < 126 ? len : 126));
    if (len >= 126) {
        *at++ = (char)(len >> 8);
        *at++ = (char)len;
    }
    memcpy(at, key, sizeof key);
    at += sizeof key;
    for (size_t i = 0; i < len; i++)
        *at++ = (char)(payload.at[i] ^ key[i % 4]);
    b->len = (size_t)(at - b->data);
}

/* --- From the broker --- */

/* Call `take` for each field of `bytes`; false: they are malformed. */
static bool each_field(struct pl_span bytes, struct talk_heard *out,
                       void (*take)(struct talk_heard *out,
                                    const struct pl_protobuf_field *f))
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        take(out, &f);
    }
    return true;
}

static void take_error(struct talk_heard *out,
                       const struct pl_protobuf_field *f)
{
    if (f->number == 1)
        out->code = (uint32_t)f->value;
}

static void take_unsubscribe(struct talk_heard *out,
                             const struct pl_protobuf_field *f)
{
    if (f->number == 2)
        out->code = (uint32_t)f->value;
}

static void take_publication(struct talk_heard *out,
                             const struct pl_protobuf_field *f)
{
    if (f->number == 4)
        out->data = f->bytes;
    else if (f->number == 6)
        out->offset = f->value;
}

static void take_subscribed(struct talk_heard *out,
                            const struct pl_protobuf_field *f)
{
    if (f->number == 6)
        out->epoch = f->bytes;
    else if (f->number == 8)
        out->recovered = f->value != 0;
    else if (f->number == 9)
        out->offset = f->value;
    else if (f->number == 12)
        out->was_recovering = f->value != 0;
}

static void take_push(struct talk_heard *out, const struct pl_protobuf_field *f)
{
    bool good = true;

    if (f->number == 2) {
        out->channel = f->bytes;
        return;
    }
    out->kind = TALK_OTHER;
    if (f->number == PUSH_PUBLICATION) {
        out->kind = TALK_PUBLICATION;
        good = each_field(f->bytes, out, take_publication);
    } else if (f->number == PUSH_UNSUBSCRIBE) {
        out->kind = TALK_UNSUBSCRIBE;
        good = each_field(f->bytes, out, take_unsubscribe);
    }
    if (!good)
        out->kind = TALK_ERROR;
}

static void take_reply(struct talk_heard *out,
                       const struct pl_protobuf_field *f)
{
    bool good = true;

    if (f->number == 1) {
        out->id = (uint32_t)f->value;
        return;
    }
    out->result = f->bytes;
    out->kind = TALK_RESULT;
    if (f->number == REPLY_ERROR) {
        out->kind = TALK_ERROR;
        good = each_field(f->bytes, out, take_error);
    } else if (f->number == REPLY_PUSH) {
        good = each_field(f->bytes, out, take_push);
    } else if (f->number == REPLY_CONNECT) {
        out->kind = TALK_CONNECTED;
    } else if (f->number == REPLY_SUBSCRIBE) {
        out->kind = TALK_SUBSCRIBED;
        good = each_field(f->bytes, out, take_subscribed);
    }
    if (!good)
        out->kind = TALK_ERROR;
}

bool talk_hear(struct pl_span *message, struct talk_heard *out)
{
    struct pl_protobuf r = pl_protobuf_of(*message);
    uint32_t len;

    memset(out, 0, sizeof *out);
    if (!pl_protobuf_small(&r, &len) || len > (size_t)(r.end - r.at))
        return false;
    struct pl_span one = {r.at, len};
    *message = (struct pl_span){r.at + len, (size_t)(r.end - r.at) - len};
    return each_field(one, out, take_reply);
}

/* The next field with this number that has bytes; false: there are no more. */
static bool next_of(struct pl_span *in, unsigned number, struct pl_span *out)
{
    struct pl_protobuf r = pl_protobuf_of(*in);
    struct pl_protobuf_field f = {0};
    bool found = false;

    while (!found && r.at < r.end && pl_protobuf_next(&r, &f))
        found = f.number == number && f.type == PL_WIRE_BYTES;
    *in = (struct pl_span){r.at, (size_t)(r.end - r.at)};
    if (found)
        *out = f.bytes;
    return found;
}

bool talk_next_missed(struct pl_span *result, struct talk_heard *out)
{
    struct pl_span one;

    memset(out, 0, sizeof *out);
    return next_of(result, SUBSCRIBE_PUBLICATIONS, &one) &&
           each_field(one, out, take_publication);
}

bool talk_next_sub(struct pl_span *result, struct talk_heard *out)
{
    struct pl_span entry, rest;

    memset(out, 0, sizeof *out);
    if (!next_of(result, CONNECT_SUBS, &entry))
        return false;
    rest = entry;
    next_of(&rest, 1, &out->channel);
    rest = entry;
    return next_of(&rest, 2, &out->result) &&
           each_field(out->result, out, take_subscribed);
}
