/* SPDX-License-Identifier: Apache-2.0 */
/* say.h - what a simulated client says, in both encodings. */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "peer.h"

enum verb {
    VERB_CONNECT,
    VERB_SUBSCRIBE,
    VERB_UNSUBSCRIBE,
    VERB_PUBLISH,
    VERB_PRESENCE,
    VERB_STATS,
    VERB_HISTORY,
    VERB_RPC,
    VERB_SEND,
    VERB_REFRESH,
    VERB_HISTORY_ALL, /* a watcher's */
    VERB_SUB_REFRESH,
    VERB_COUNT
};

/* Where a client stands in a channel. */
struct say_position {
    const char *channel;
    const char *epoch;
    uint64_t offset;
};

/* A command; what a verb has no use for stays zero. */
struct say {
    enum verb verb;
    uint32_t id;
    const char *channel; /* a connect: one more position */
    const char *data;    /* JSON */
    const char *method;
    const char *token;
    bool recover;
    const char *epoch;
    uint64_t offset;
    bool join_leave;
    bool reject;      /* error 112 rather than an unrecovered subscription */
    int32_t limit;    /* history */
    bool wants_inbox; /* connect: a channel for what is sent to it alone */
    const struct say_position *positions; /* connect */
    size_t position_count;
};

/* One command behind the content of `b`, several of which may be in one
 * message. */
void say_command(struct pl_buf *b, enum peer_encoding e, const struct say *s);

/* What the id of a client would be, were that actor of node 0 one: with a final
 * zero.  Its second half, which is random in a real one, is not. */
enum { SAY_ID = 33 };
void say_forged_id(char id[SAY_ID], uint16_t loop, uint32_t slot,
                   uint32_t generation);

/* The answer to a ping. */
void say_pong(struct pl_buf *b, enum peer_encoding e);

/* The message in `b` compressed, as permessage-deflate has it: RSV1, which is
 * 0x40 beside the opcode, goes with it. */
void say_deflated(struct pl_buf *b);

/* One masked frame. */
void say_frame(struct pl_buf *b, unsigned opcode, struct pl_span payload);

#endif
