/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_codec.h - the protobuf encoding; the calls are those of codec.h. */
#ifndef PL_PROTOBUF_CODEC_H
#define PL_PROTOBUF_CODEC_H

#include "codec.h"

enum pl_err pl_protobuf_command_decode(struct pl_span *in,
                                       struct pl_arena *arena,
                                       struct pl_command *out, const char **why,
                                       size_t *at);
void pl_protobuf_reply_encode(struct pl_buf *b, const struct pl_reply *reply);
void pl_protobuf_push_encode(struct pl_buf *b, const struct pl_push *push);

/* What is rare, by protobuf-c. */

/* Whether `bytes`, a whole Command, is well-formed to the bottom.
 * Errors: PL_EBADMSG with *why and *where in `bytes`. */
enum pl_err pl_protobuf_cold_check(struct pl_span bytes, const char **why,
                                   const char **where);

/* Read connect, history or sub_refresh, which is out->verb, out of the whole
 * Command, which was checked.
 * Owner:  what is read is the arena's.
 * Errors: PL_EBADMSG with *why; PL_ENOMEM. */
enum pl_err pl_protobuf_cold_decode(struct pl_span bytes,
                                    struct pl_arena *arena,
                                    struct pl_command *out, const char **why);

/* Write a reply to one of these, or to presence, presence_stats, refresh.  Out
 * of memory makes the buffer `failed`. */
void pl_protobuf_cold_encode(struct pl_buf *b, const struct pl_reply *reply);

#endif
