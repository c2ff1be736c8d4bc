/* SPDX-License-Identifier: Apache-2.0 */
/* actor_data.h - the data of the RPC methods actor.send, actor.call,
 * actor.reply, actor.register, actor.unregister, actor.monitor and
 * actor.demonitor, and of a send, which is an actor.send without a reply. */
#ifndef PL_ACTOR_DATA_H
#define PL_ACTOR_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* Each method has some of these members; empty and absent ones, and 0, are left
 * out. */
struct pl_actor_data {
    struct pl_span to;
    struct pl_span type;
    struct pl_span name;     /* of a service */
    struct pl_span reply_to; /* as the message had it */
    struct pl_span body;     /* one JSON value; absent: none */
    struct pl_span error;    /* the same */
    uint32_t timeout_ms;
};

/* Append `d` as JSON, in both encodings the data of the rpc or send command.
 * Errors: `b` is unchanged, but for its `failed` after PL_ENOMEM.  PL_EINVAL:
 *         *why (constant) is what is wrong, *at the offset of the bad byte in
 *         the member that has it. */
enum pl_err pl_actor_data_encode(struct pl_buf *b,
                                 const struct pl_actor_data *d,
                                 const char **why, size_t *at);

#endif
