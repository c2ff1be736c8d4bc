/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - decodes commands and encodes replies and pushes, in the two
 * encodings of the client protocol: the side of the broker.  client_codec.h has
 * the side of a client. */
#ifndef PL_CODEC_H
#define PL_CODEC_H

#include "arena.h"
#include "buf.h"
#include "command.h"
#include "err.h"
#include "reply.h"

enum pl_encoding { PL_ENCODING_JSON, PL_ENCODING_PROTOBUF };
enum { PL_ENCODING_COUNT = 2 };

/* Read the next command from the start of `in`, the payload of one WebSocket
 * message: JSON objects separated by one newline (one more may end the
 * message), or protobuf messages after a varint length.  `in` is shortened by
 * what was read and may be changed in place.  A message without any command is
 * malformed; to detect that, call this at least once.
 * Owner:  *out points into `in` and the arena, until its reset.
 * Errors: PL_EBADMSG: close with 3501; *why (constant) is the error and *at its
 *         offset in the original `in`; PL_ENOMEM. */
enum pl_err pl_command_decode(enum pl_encoding encoding, struct pl_span *in,
                              struct pl_arena *arena, struct pl_command *out,
                              const char **why, size_t *at);

/* Append one reply or push to `b`: a JSON object without a newline, or a
 * protobuf message with its varint length.  Data sent as JSON must be one JSON
 * value; raw CR and LF between its tokens became spaces on input. */
void pl_reply_encode(enum pl_encoding encoding, struct pl_buf *b,
                     const struct pl_reply *reply);
void pl_push_encode(enum pl_encoding encoding, struct pl_buf *b,
                    const struct pl_push *push);

/* Append a ping: the empty reply. */
void pl_ping_encode(enum pl_encoding encoding, struct pl_buf *b);

/* Append `s`, which is UTF-8, as a JSON string with quotes. */
void pl_json_text_encode(struct pl_buf *b, struct pl_span s);

/* True if `text` is exactly one JSON value (RFC 8259), nested at most 64 deep.
 * Changes raw CR and LF between its tokens to spaces. */
bool pl_json_accepts(struct pl_span text);

#endif
