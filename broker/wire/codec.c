/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - see codec.h.
 *
 * The handshake decided the encoding of a connection; this file only selects
 * the function.
 *
 * Rejected: a table of functions, because for two encodings a branch that
 * always goes the same way is cheaper. */
#include "codec.h"

#include "json_codec.h"
#include "protobuf_codec.h"

/* A message without id and content: a ping from here, a pong from a client. */
static struct pl_span empty_of(enum pl_encoding encoding)
{
    return encoding == PL_ENCODING_JSON ? PL_SPAN("{}") : PL_SPAN("\0");
}

/* Recognise a pong without a decoder, because an idle client sends nothing
 * else. */
static bool take_pong(enum pl_encoding encoding, struct pl_span *in,
                      struct pl_command *out)
{
    if (!pl_span_equal(*in, empty_of(encoding)))
        return false;
    *in = (struct pl_span){in->at + in->len, 0};
    out->id = 0;
    out->verb = PL_VERB_PONG;
    return true;
}

enum pl_err pl_command_decode(enum pl_encoding encoding, struct pl_span *in,
                              struct pl_arena *arena, struct pl_command *out,
                              const char **why, size_t *at)
{
    if (in->len == 0) {
        *why = "no command";
        *at = 0;
        return PL_EBADMSG;
    }
    if (take_pong(encoding, in, out))
        return PL_OK;
    if (encoding == PL_ENCODING_JSON)
        return pl_json_command_decode(in, arena, out, why, at);
    return pl_protobuf_command_decode(in, arena, out, why, at);
}

void pl_reply_encode(enum pl_encoding encoding, struct pl_buf *b,
                     const struct pl_reply *reply)
{
    if (encoding == PL_ENCODING_JSON)
        pl_json_reply_encode(b, reply);
    else
        pl_protobuf_reply_encode(b, reply);
}

void pl_push_encode(enum pl_encoding encoding, struct pl_buf *b,
                    const struct pl_push *push)
{
    if (encoding == PL_ENCODING_JSON)
        pl_json_push_encode(b, push);
    else
        pl_protobuf_push_encode(b, push);
}

void pl_ping_encode(enum pl_encoding encoding, struct pl_buf *b)
{
    pl_buf_put_span(b, empty_of(encoding));
}
