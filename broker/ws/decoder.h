/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h - WebSocket bytes from a peer become messages and control frames
 * (RFC 6455 sections 5 to 7). */
#ifndef PL_WS_DECODER_H
#define PL_WS_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

enum pl_ws_opcode {
    PL_WS_CONTINUATION = 0,
    PL_WS_TEXT = 1,
    PL_WS_BINARY = 2,
    PL_WS_CLOSE = 8,
    PL_WS_PING = 9,
    PL_WS_PONG = 10
};

struct pl_inflater; /* deflate.h */

/* What a side of a connection accepts; shared by many decoders, constant. */
struct pl_ws_limits {
    size_t max_message; /* bytes of one message, all its fragments together */
    bool masked;        /* true: the peer is a client, so frames are masked */
    struct pl_inflater *inflater; /* permessage-deflate was agreed on, and
                                     this reads it; NULL: it was not */
};

struct pl_ws_partial; /* the state between frames or reads; decoder.c */

/* All zero, with limits set, is a decoder at the start of a connection.  At
 * rest between messages it owns no memory. */
struct pl_ws_decoder {
    const struct pl_ws_limits *limits;
    struct pl_ws_partial *partial; /* owned; NULL between messages */
};

enum pl_ws_event_kind {
    PL_WS_EVENT_NONE,    /* all input is taken; more is needed */
    PL_WS_EVENT_MESSAGE, /* opcode (TEXT or BINARY) and payload */
    PL_WS_EVENT_PING,    /* payload; answer with a pong of the same */
    PL_WS_EVENT_PONG,    /* payload */
    PL_WS_EVENT_CLOSE,   /* code (0: none was given) and payload = reason;
                            nothing the peer sends afterwards counts */
    PL_WS_EVENT_ERROR    /* the peer broke the rules: close with code (1002,
                            1007, 1009 or, out of memory, 1011); payload is
                            the reason, for logs and for the peer */
};

struct pl_ws_event {
    enum pl_ws_event_kind kind;
    enum pl_ws_opcode opcode;
    uint16_t code;
    struct pl_span payload; /* until the next call; in `in` or the decoder's.
                               A MESSAGE's may be changed in place.  One
                               that was compressed may be the inflater's:
                               until the next call on it. */
};

/* Take the next event from the front of `in`, which is unmasked in place and
 * shortened by what was taken.  Call again until the kind is NONE; by then
 * `in` is empty.  After CLOSE or ERROR the decoder must not be called again.
 * Limits are checked before memory is allocated; text is checked as UTF-8 as
 * it arrives, so that an error is told at its first wrong byte, even inside
 * an unfinished frame.  What is compressed is inflated and checked as it
 * arrives, while no more than PL_INFLATIONS_MAX messages on this inflater are
 * unfinished; beyond that, a message is judged when all of it is here.
 * Owner: `in` stays the caller's. */
void pl_ws_decode(struct pl_ws_decoder *d, struct pl_span *in,
                  struct pl_ws_event *out);

/* Free what the decoder owns. */
void pl_ws_decoder_fini(struct pl_ws_decoder *d);

/* Bytes of memory the decoder holds beyond itself, for accounting; without
 * what it has taken of the inflater's. */
size_t pl_ws_decoder_memory(const struct pl_ws_decoder *d);

#endif
