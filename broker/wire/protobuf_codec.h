/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_codec.h - the protobuf encoding; codec.h and client_codec.h document
 * the calls. */
#ifndef PL_PROTOBUF_CODEC_H
#define PL_PROTOBUF_CODEC_H

#include "client_codec.h"
#include "received_fields.h"

enum pl_err pl_protobuf_command_decode(struct pl_span *in,
                                       struct pl_arena *arena,
                                       struct pl_command *out, const char **why,
                                       size_t *at);
void pl_protobuf_reply_encode(struct pl_buf *b, const struct pl_reply *reply);
void pl_protobuf_push_encode(struct pl_buf *b, const struct pl_push *push);

/* Append the command, whose texts are valid. */
void pl_protobuf_command_encode(struct pl_buf *b, const struct pl_command *c);
enum pl_err pl_protobuf_received_decode(struct pl_span *in,
                                        struct pl_received *out,
                                        const char **why, size_t *at);

/* Read the next element of `l`, which has one, and its key in a map. */
enum pl_err pl_protobuf_received_next(struct pl_received_list *l,
                                      struct pl_span *key,
                                      union pl_received_element *out);

/* The rare messages, through protobuf-c. */

/* Check that `bytes`, a whole Command, is well-formed at all depths.
 * Errors: PL_EBADMSG with *why and *where in `bytes`. */
enum pl_err pl_protobuf_cold_check(struct pl_span bytes, const char **why,
                                   const char **where);

/* Decode connect, history or sub_refresh (out->verb) from the whole Command,
 * which was checked.
 * Owner:  the result is in the arena.
 * Errors: PL_EBADMSG with *why; PL_ENOMEM. */
enum pl_err pl_protobuf_cold_decode(struct pl_span bytes,
                                    struct pl_arena *arena,
                                    struct pl_command *out, const char **why);

/* Encode a reply to one of these, or to presence, presence_stats, refresh.  If
 * out of memory, the buffer is `failed`. */
void pl_protobuf_cold_encode(struct pl_buf *b, const struct pl_reply *reply);

#endif
