/* SPDX-License-Identifier: Apache-2.0 */
/* codec.h - commands from bytes, replies and pushes to bytes, in the two
 * encodings of the client protocol. */
#ifndef PL_CODEC_H
#define PL_CODEC_H

#include "arena.h"
#include "buf.h"
#include "command.h"
#include "err.h"
#include "reply.h"

enum pl_encoding { PL_ENCODING_JSON, PL_ENCODING_PROTOBUF };
enum { PL_ENCODING_COUNT = 2 };

/* Take the next command from the front of `in`, the payload of one WebSocket
 * message: JSON objects separated by one newline (and one more may end the
 * message), or protobuf messages behind a varint length.  `in` is shortened by
 * what was taken and may be changed in place.  A message without a single
 * command is malformed: the caller sees to that by calling at least once.
 * Owner:  what *out points to is `in`'s and the arena's, until its reset.
 * Errors: PL_EBADMSG: close with 3501; *why (constant) says what and *at the
 *         byte of `in`, as it was given, where; PL_ENOMEM. */
enum pl_err pl_command_decode(enum pl_encoding encoding, struct pl_span *in,
                              struct pl_arena *arena, struct pl_command *out,
                              const char **why, size_t *at);

/* Write one reply or push behind the content of `b`: a JSON object without a
 * newline, or a protobuf message with its varint length.  Data that goes to
 * JSON must be one JSON value; raw CR and LF between its tokens were made
 * spaces when it came in. */
void pl_reply_encode(enum pl_encoding encoding, struct pl_buf *b,
                     const struct pl_reply *reply);
void pl_push_encode(enum pl_encoding encoding, struct pl_buf *b,
                    const struct pl_push *push);

/* Write a ping: the empty reply. */
void pl_ping_encode(enum pl_encoding encoding, struct pl_buf *b);

/* Write `s`, which is UTF-8, as a JSON string with its quotes. */
void pl_json_text_encode(struct pl_buf *b, struct pl_span s);

/* Whether `text` is exactly one JSON value (RFC 8259), at most 64 deep; raw
 * CR and LF between its tokens are made spaces on the way. */
bool pl_json_accepts(struct pl_span text);

#endif
