/* SPDX-License-Identifier: Apache-2.0 */
/* talk.h - the client's side of the client protocol, in protobuf: commands to
 * bytes, replies and pushes from bytes. */
#ifndef LOAD_TALK_H
#define LOAD_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"

enum { TALK_EPOCH_MAX = 24 };

/* Where a client is in a channel. */
struct talk_position {
    char epoch[TALK_EPOCH_MAX]; /* empty: never subscribed */
    uint64_t offset;
};

/* --- To the broker: commands behind the content of `b` --- */

struct talk_login {
    const char *token;                 /* NULL: anonymous */
    bool wants_inbox;                  /* the connection's own */
    const char *inbox;                 /* the user's inbox, "#user" ... */
    const struct talk_position *there; /* ... to be recovered; NULL: new */
};

void talk_connect(struct pl_buf *b, const struct talk_login *login);

/* Recovers when the position has an epoch. */
void talk_subscribe(struct pl_buf *b, uint32_t id, const char *channel,
                    const struct talk_position *position);
void talk_publish(struct pl_buf *b, uint32_t id, const char *channel,
                  struct pl_span data);
void talk_pong(struct pl_buf *b);

/* A whole masked frame. */
void talk_frame(struct pl_buf *b, enum pl_ws_opcode opcode,
                struct pl_span payload);

/* --- From the broker --- */

enum talk_kind {
    TALK_PING,
    TALK_ERROR,       /* id, code */
    TALK_CONNECTED,   /* result */
    TALK_SUBSCRIBED,  /* id, and of talk_sub() what is the subscription's */
    TALK_RESULT,      /* of another command: id */
    TALK_PUBLICATION, /* channel, offset, data */
    TALK_UNSUBSCRIBE, /* channel, code */
    TALK_OTHER
};

struct talk_heard {
    enum talk_kind kind;
    uint32_t id;
    uint32_t code;
    uint64_t offset;
    struct pl_span channel, data, epoch, result;
    bool was_recovering, recovered;
};

/* Take the next reply or push from a message.  False: it is malformed. */
bool talk_hear(struct pl_span *message, struct talk_heard *out);

/* Take the next server-side subscription from the result of a connect: its
 * channel, position and whether it recovered.  False: there are no more. */
bool talk_next_sub(struct pl_span *result, struct talk_heard *out);

/* Take the next publication that a subscribe result brings: data and offset.
 * False: there are no more. */
bool talk_next_missed(struct pl_span *result, struct talk_heard *out);

#endif
