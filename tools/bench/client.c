/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - what a client sends; see world.h.
 *
 * Written by hand in both encodings: the bench counts the instructions of the
 * broker alone, and the client library would add its own. */
#include "world.h"

#include "decoder.h"

enum { CONNECT = 4, SUBSCRIBE = 5, PUBLISH = 7, RPC = 13 }; /* client.proto */

static void put_varint(struct pl_buf *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        pl_buf_put_byte(b, (char)(n | 0x80));
    pl_buf_put_byte(b, (char)n);
}

static void put_field(struct pl_buf *b, unsigned number, struct pl_span bytes)
{
    put_varint(b, number << 3 | 2);
    put_varint(b, bytes.len);
    pl_buf_put_span(b, bytes);
}

/* A command of id 2 around its request, which is freed. */
static void put_command(struct pl_buf *b, unsigned verb, struct pl_buf *request)
{
    struct pl_buf command = {0};

    put_varint(&command, 1 << 3);
    put_varint(&command, 2);
    put_field(&command, verb, pl_buf_span(request));
    put_varint(b, command.len);
    pl_buf_put_span(b, pl_buf_span(&command));
    pl_buf_fini(&command);
    pl_buf_fini(request);
}

void message_connect(struct pl_buf *b, enum pl_encoding encoding)
{
    struct pl_buf request = {0};

    if (encoding == PL_ENCODING_JSON)
        pl_buf_printf(b, "{\"id\":2,\"connect\":{}}");
    else
        put_command(b, CONNECT, &request);
}

void message_subscribe(struct pl_buf *b, enum pl_encoding encoding,
                       const char *channel)
{
    struct pl_buf request = {0};

    if (encoding == PL_ENCODING_JSON) {
        pl_buf_printf(b, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}",
                      channel);
        return;
    }
    put_field(&request, 1, pl_span_of(channel));
    put_command(b, SUBSCRIBE, &request);
}

void message_publish(struct pl_buf *b, enum pl_encoding encoding,
                     const char *channel, struct pl_span data)
{
    struct pl_buf request = {0};

    if (encoding == PL_ENCODING_JSON) {
        pl_buf_printf(
            b, "{\"id\":2,\"publish\":{\"channel\":\"%s\",\"data\":%.*s}}",
            channel, (int)data.len, data.at);
        return;
    }
    put_field(&request, 1, pl_span_of(channel));
    put_field(&request, 2, data);
    put_command(b, PUBLISH, &request);
}

void message_rpc(struct pl_buf *b, enum pl_encoding encoding,
                 const char *method, struct pl_span data)
{
    struct pl_buf request = {0};

    if (encoding == PL_ENCODING_JSON) {
        pl_buf_printf(b, "{\"id\":2,\"rpc\":{\"method\":\"%s\",\"data\":%.*s}}",
                      method, (int)data.len, data.at);
        return;
    }
    put_field(&request, 1, data);
    put_field(&request, 2, pl_span_of(method));
    put_command(b, RPC, &request);
}

void client_frame(struct pl_buf *b, enum pl_encoding encoding,
                  struct pl_span message)
{
    static const unsigned char key[4] = {0x12, 0x9a, 0x5c, 0xff};
    size_t len = message.len;

    pl_buf_put_byte(
        b, (char)(0x80 |
                  (encoding == PL_ENCODING_JSON ? PL_WS_TEXT : PL_WS_BINARY)));
    if (len < 126) {
        pl_buf_put_byte(b, (char)(0x80 | len));
    } else if (len < 65536) {
        pl_buf_put_byte(b, (char)(0x80 | 126));
        pl_buf_put_byte(b, (char)(len >> 8));
        pl_buf_put_byte(b, (char)len);
    } else {
        pl_buf_put_byte(b, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            pl_buf_put_byte(b, (char)((uint64_t)len >> shift));
    }
    pl_buf_put(b, key, sizeof key);
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(b, (char)(message.at[i] ^ key[i % 4]));
}

void client_publish(struct pl_buf *b, enum pl_encoding encoding,
                    const char *channel, struct pl_span data)
{
    struct pl_buf message = {0};

    message_publish(&message, encoding, channel, data);
    client_frame(b, encoding, pl_buf_span(&message));
    pl_buf_fini(&message);
}

/* A command without an id and a request. */
void client_pong(struct pl_buf *b, enum pl_encoding encoding)
{
    client_frame(b, encoding,
                 encoding == PL_ENCODING_JSON ? PL_SPAN("{}")
                                              : (struct pl_span){"\0", 1});
}
