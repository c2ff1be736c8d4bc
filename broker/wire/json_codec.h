/* SPDX-License-Identifier: Apache-2.0 */
/* json_codec.h - the JSON encoding; codec.h documents the calls. */
#ifndef PL_JSON_CODEC_H
#define PL_JSON_CODEC_H

#include "codec.h"

enum pl_err pl_json_command_decode(struct pl_span *in, struct pl_arena *arena,
                                   struct pl_command *out, const char **why,
                                   size_t *at);
void pl_json_reply_encode(struct pl_buf *b, const struct pl_reply *reply);
void pl_json_push_encode(struct pl_buf *b, const struct pl_push *push);

#endif
