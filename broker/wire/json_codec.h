/* SPDX-License-Identifier: Apache-2.0 */
/* json_codec.h - the JSON encoding; codec.h and client_codec.h document the
 * calls. */
#ifndef PL_JSON_CODEC_H
#define PL_JSON_CODEC_H

#include "client_codec.h"
#include "received_fields.h"

enum pl_err pl_json_command_decode(struct pl_span *in, struct pl_arena *arena,
                                   struct pl_command *out, const char **why,
                                   size_t *at);
void pl_json_reply_encode(struct pl_buf *b, const struct pl_reply *reply);
void pl_json_push_encode(struct pl_buf *b, const struct pl_push *push);

/* Append the command, whose texts are valid.
 * Errors: PL_EINVAL, with a part of the command appended. */
enum pl_err pl_json_command_encode(struct pl_buf *b, const struct pl_command *c,
                                   const char **why, size_t *at);
enum pl_err pl_json_received_decode(struct pl_span *in, struct pl_arena *arena,
                                    struct pl_received *out, const char **why,
                                    size_t *at);

/* Read the next element of `l`, which has one, and its key in a map.
 * Errors: PL_ENOMEM. */
enum pl_err pl_json_received_next(struct pl_received_list *l,
                                  struct pl_arena *arena, struct pl_span *key,
                                  union pl_received_element *out);

/* Append a number. */
void pl_json_number_encode(struct pl_buf *b, uint64_t n);

/* Append `text`, which must be one JSON value, as pl_command_encode() says.
 * Return false if it is not: *why and *at, in `text`, are set. */
bool pl_json_data_encode(struct pl_buf *b, struct pl_span text,
                         const char **why, size_t *at);

#endif
