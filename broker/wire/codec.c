/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - see codec.h.
 *
 * Which encoding a connection speaks was settled at its handshake; here it
 * only picks the function.  A table of functions was left out: there are two
 * encodings and a branch that always goes the same way is cheaper. */
#include "codec.h"

#include "json_codec.h"
#include "protobuf_codec.h"

enum pl_err pl_command_decode(enum pl_encoding encoding, struct pl_span *in,
                              struct pl_arena *arena, struct pl_command *out,
                              const char **why, size_t *at)
{
    if (in->len == 0) {
        *why = "no command";
        *at = 0;
        return PL_EBADMSG;
    }
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
    if (encoding == PL_ENCODING_JSON)
        pl_buf_put(b, "{}", 2);
    else
        pl_buf_put_byte(b, '\0');
}
