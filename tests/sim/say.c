/* SPDX-License-Identifier: Apache-2.0 */
/* say.c - see say.h.  Written from the protocol's description, apart from
 * broker/wire, so that a mistake there is not repeated here. */
#include "say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const struct {
    const char *name;
    unsigned number;
} verbs[VERB_COUNT] = {
    {"connect", 4},  {"subscribe", 5}, {"unsubscribe", 6},
    {"publish", 7},  {"presence", 8},  {"presence_stats", 9},
    {"history", 10}, {"rpc", 13},      {"send", 12},
    {"refresh", 14}, {"history", 10},  {"sub_refresh", 15},
};

/* --- Protobuf --- */

static void put_varint(struct pl_buf *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        pl_buf_put_byte(b, (char)(n | 0x80));
    pl_buf_put_byte(b, (char)n);
}

static void put_number(struct pl_buf *b, unsigned field, uint64_t n)
{
    put_varint(b, field << 3);
    put_varint(b, n);
}

static void put_span(struct pl_buf *b, unsigned field, struct pl_span s)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, s.len);
    pl_buf_put_span(b, s);
}

static void put_text(struct pl_buf *b, unsigned field, const char *text)
{
    if (text != NULL)
        put_span(b, field, pl_span_of(text));
}

static void put_position(struct pl_buf *b, const struct say *s)
{
    if (!s->recover)
        return;
    put_number(b, 3, 1);
    put_text(b, 6, s->epoch);
    put_number(b, 7, s->offset);
}

static void put_sub(struct pl_buf *b, const struct say *s)
{
    struct pl_buf entry = {0}, position = {0};

    put_position(&position, s);
    put_text(&entry, 1, s->channel);
    put_span(&entry, 2, pl_buf_span(&position));
    put_span(b, 3, pl_buf_span(&entry));
    pl_buf_fini(&entry);
    pl_buf_fini(&position);
}

static struct say say_of(const struct say_position *p)
{
    return (struct say){.channel = p->channel,
                        .recover = true,
                        .epoch = p->epoch,
                        .offset = p->offset};
}

static void put_connect(struct pl_buf *b, const struct say *s)
{
    put_text(b, 1, s->token);
    if (s->wants_inbox)
        put_text(b, 2, "{\"inbox\":true}");
    if (s->channel != NULL)
        put_sub(b, s);
    for (size_t i = 0; i < s->position_count; i++) {
        struct say one = say_of(&s->positions[i]);

        put_sub(b, &one);
    }
}

static void put_request(struct pl_buf *b, const struct say *s)
{
    switch (s->verb) {
    case VERB_CONNECT:
        put_connect(b, s);
        return;
    case VERB_RPC:
        put_text(b, 1, s->data);
        put_text(b, 2, s->method);
        return;
    case VERB_SEND:
        put_text(b, 1, s->data);
        return;
    case VERB_REFRESH:
        put_text(b, 1, s->token);
        return;
    case VERB_SUB_REFRESH:
        put_text(b, 1, s->channel);
        put_text(b, 2, s->token);
        return;
    case VERB_HISTORY:
    case VERB_HISTORY_ALL:
        put_text(b, 1, s->channel);
        put_number(b, 7, (uint64_t)(int64_t)s->limit);
        return;
    default:
        put_text(b, 1, s->channel);
        put_text(b, 2, s->data);
        put_position(b, s);
        if (s->join_leave)
            put_number(b, 11, 1);
        if (s->reject)
            put_number(b, 14, 2);
    }
}

static void say_binary(struct pl_buf *b, const struct say *s)
{
    struct pl_buf request = {0}, command = {0};

    put_request(&request, s);
    if (s->id != 0)
        put_number(&command, 1, s->id);
    put_span(&command, verbs[s->verb].number, pl_buf_span(&request));
    put_varint(b, command.len);
    pl_buf_put_span(b, pl_buf_span(&command));
    pl_buf_fini(&request);
    pl_buf_fini(&command);
}

/* --- JSON --- */

static void member(struct pl_buf *b, const char **comma, const char *name,
                   const char *value, const char *quote)
{
    if (value == NULL)
        return;
    pl_buf_printf(b, "%s\"%s\":%s", *comma, name, quote);
    pl_buf_put_span(b, pl_span_of(value)); /* longer than printf may like */
    pl_buf_put_span(b, pl_span_of(quote));
    *comma = ",";
}

static void json_position(struct pl_buf *b, const char **comma,
                          const struct say *s)
{
    if (!s->recover)
        return;
    pl_buf_printf(b, "%s\"recover\":true,\"epoch\":\"%s\",\"offset\":%" PRIu64,
                  *comma, s->epoch, s->offset);
    *comma = ",";
}

static void json_sub(struct pl_buf *b, const char **comma, const struct say *s)
{
    const char *inner = "";

    pl_buf_printf(b, "%s\"%s\":{", *comma, s->channel);
    json_position(b, &inner, s);
    pl_buf_put_byte(b, '}');
    *comma = ",";
}

static void json_connect(struct pl_buf *b, const struct say *s)
{
    const char *comma = "", *inner = "";

    member(b, &comma, "token", s->token, "\"");
    if (s->wants_inbox)
        member(b, &comma, "data", "{\"inbox\":true}", "");
    if (s->channel == NULL && s->position_count == 0)
        return;
    pl_buf_printf(b, "%s\"subs\":{", comma);
    if (s->channel != NULL)
        json_sub(b, &inner, s);
    for (size_t i = 0; i < s->position_count; i++) {
        struct say one = say_of(&s->positions[i]);

        json_sub(b, &inner, &one);
    }
    pl_buf_put_byte(b, '}');
}

static void say_json(struct pl_buf *b, const struct say *s)
{
    const char *comma = "";

    if (b->len > 0)
        pl_buf_put_byte(b, '\n');
    pl_buf_put_byte(b, '{');
    if (s->id != 0)
        pl_buf_printf(b, "\"id\":%u,", s->id);
    pl_buf_printf(b, "\"%s\":{", verbs[s->verb].name);
    if (s->verb == VERB_CONNECT) {
        json_connect(b, s);
    } else {
        member(b, &comma, "channel", s->channel, "\"");
        member(b, &comma, "data", s->data, "");
        member(b, &comma, "method", s->method, "\"");
        member(b, &comma, "token", s->token, "\"");
        json_position(b, &comma, s);
        if (s->join_leave)
            member(b, &comma, "join_leave", "true", "");
        if (s->reject)
            member(b, &comma, "flag", "2", "");
        if (s->verb == VERB_HISTORY || s->verb == VERB_HISTORY_ALL)
            pl_buf_printf(b, "%s\"limit\":%d", comma, s->limit);
    }
    pl_buf_put_span(b, PL_SPAN("}}"));
}

void say_command(struct pl_buf *b, enum peer_encoding e, const struct say *s)
{
    if (e == PEER_JSON)
        say_json(b, s);
    else
        say_binary(b, s);
}

void say_forged_id(char id[SAY_ID], uint16_t loop, uint32_t slot,
                   uint32_t generation)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint32_t words[3] = {loop, slot, generation};

    memset(id, 'A', SAY_ID - 1);
    id[SAY_ID - 1] = '\0';
    for (unsigned bit = 0; bit < 96; bit += 6) {
        unsigned digit = 0;

        for (unsigned i = bit; i < bit + 6; i++)
            digit = digit << 1 | (words[i / 32] >> (31 - i % 32) & 1);
        id[bit / 6] = digits[digit];
    }
}

void say_pong(struct pl_buf *b, enum peer_encoding e)
{
    pl_buf_put_span(b,
                    e == PEER_JSON ? PL_SPAN("{}") : (struct pl_span){"\0", 1});
}

/* In a small window of its own, which a context of any size can read; the end
 * of a flush, 00 00 ff ff, is left away (RFC 7692, 7.2.1). */
void say_deflated(struct pl_buf *b)
{
    z_stream z = {.next_in = (Bytef *)b->data, .avail_in = (uInt)b->len};
    size_t room = b->len * 2 + 100;
    char *out = malloc(room);

    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)room;
    deflateInit2(&z, 1, Z_DEFLATED, -9, 1, Z_DEFAULT_STRATEGY);
    if (deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_out == 0)
        abort();
    deflateEnd(&z);
    b->len = 0;
    pl_buf_put(b, out, room - z.avail_out - 4);
    free(out);
}

void say_frame(struct pl_buf *b, unsigned opcode, struct pl_span payload)
{
    static const unsigned char key[4] = {0x37, 0xfa, 0x21, 0x3d};

    pl_buf_put_byte(b, (char)(0x80 | opcode));
    if (payload.len < 126) {
        pl_buf_put_byte(b, (char)(0x80 | payload.len));
    } else {
        pl_buf_put_byte(b, (char)(0x80 | 126)); /* none is over 64 KiB */
        pl_buf_put_byte(b, (char)(payload.len >> 8));
        pl_buf_put_byte(b, (char)payload.len);
    }
    pl_buf_put(b, key, 4);
    for (size_t i = 0; i < payload.len; i++)
        pl_buf_put_byte(b, (char)(payload.at[i] ^ key[i % 4]));
}
