/* SPDX-License-Identifier: Apache-2.0 */
/* client_codec.h - encodes commands and decodes replies and pushes: the side of
 * a client in the two encodings of the client protocol.  codec.h has the side
 * of the broker. */
#ifndef PL_CLIENT_CODEC_H
#define PL_CLIENT_CODEC_H

#include "codec.h"
#include "received.h"

/* Append `c` to `frame`, the payload of one WebSocket message, which may have
 * commands already and must not have more than `limit` bytes.  A pong has no
 * id, and that of a send is not sent.  In JSON a payload must be one JSON
 * value, nested at most 64 deep; raw CR and LF between its tokens become
 * spaces.
 * Errors: `frame` is unchanged, but for its `failed` after PL_ENOMEM.
 *         PL_EINVAL: *why (constant) is what is wrong, *at the offset of the
 *         bad byte in the text or payload that has it, else 0.
 *         PL_EFULL: send `frame` first.  PL_ETOOBIG: `c` alone exceeds the
 *         limit. */
enum pl_err pl_command_encode(enum pl_encoding encoding, struct pl_buf *frame,
                              size_t limit, const struct pl_command *c,
                              const char **why, size_t *at);

/* Read the next reply or push from the start of `in`, the payload of one
 * WebSocket message.  `in` is shortened by what was read and may be changed in
 * place.  Nothing is allocated, except in `arena` for strings with escapes;
 * unknown members are skipped.  A message without any reply is malformed; to
 * detect that, call this at least once.
 * Owner:  *out points into `in` and the arena, until its reset.
 * Errors: PL_EBADMSG: *why (constant) is the error and *at its offset in the
 *         original `in`; PL_ENOMEM, also over the limit of the arena. */
enum pl_err pl_received_decode(enum pl_encoding encoding, struct pl_span *in,
                               struct pl_arena *arena, struct pl_received *out,
                               const char **why, size_t *at);

/* Read the next element of a list, or entry of a map, of a decoded reply.  Keys
 * of maps may be repeated.  Between two calls the arena may be reset, unless it
 * holds other strings that are still needed.
 * Errors: PL_ENOENT: there are no more; PL_ENOMEM. */
enum pl_err pl_received_publication_next(struct pl_received_list *list,
                                         struct pl_arena *arena,
                                         struct pl_received_publication *out);
enum pl_err pl_received_tag_next(struct pl_received_list *list,
                                 struct pl_arena *arena, struct pl_span *key,
                                 struct pl_span *value);
enum pl_err pl_received_info_next(struct pl_received_list *list,
                                  struct pl_arena *arena,
                                  struct pl_span *client,
                                  struct pl_received_info *out);
enum pl_err pl_received_sub_next(struct pl_received_list *list,
                                 struct pl_arena *arena,
                                 struct pl_span *channel,
                                 struct pl_received_subscribe *out);

#endif
