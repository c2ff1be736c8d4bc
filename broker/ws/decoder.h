/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h - decodes the WebSocket bytes of a peer into messages and control
 * frames (RFC 6455 sections 5 to 7). */
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

/* What one side of a connection accepts; constant, shared by many decoders. */
struct pl_ws_limits {
    size_t max_message; /* bytes of one message over all its fragments */
    bool masked;        /* true: the peer is a client, so frames are masked */
    struct pl_inflater *inflater; /* for permessage-deflate; NULL: not
                                     negotiated */
};

struct pl_ws_partial; /* the state between frames or reads; decoder.c */

/* All zero: a decoder at the start of a connection.  Between messages it owns
 * no memory. */
struct pl_ws_decoder {
    struct pl_ws_partial *partial; /* owned; NULL between messages */
};

enum pl_ws_event_kind {
    PL_WS_EVENT_NONE,    /* all input is read; more is needed */
    PL_WS_EVENT_MESSAGE, /* opcode (TEXT or BINARY) and payload */
    PL_WS_EVENT_PING,    /* payload; reply with a pong that has the same */
    PL_WS_EVENT_PONG,    /* payload */
    PL_WS_EVENT_CLOSE,   /* code (0: none) and reason (payload); ignore
                            everything that the peer sends after it */
    PL_WS_EVENT_ERROR    /* the peer violated the protocol: close with code
                            (1002, 1007, 1009 or, out of memory, 1011); payload
                            is the reason, for logs and for the peer */
};

struct pl_ws_event {
    enum pl_ws_event_kind kind;
    enum pl_ws_opcode opcode;
    uint16_t code;
    struct pl_span payload; /* in `in` or the decoder, until the next call; the
                               payload of a MESSAGE may be changed in place.
                               After decompression it may be in the inflater,
                               until the next call on that. */
};

/* Read the next event from the start of `in`, which is unmasked in place and
 * shortened by what was read.  Repeat until the kind is NONE; `in` is then
 * empty.  Do not call again after CLOSE or ERROR.  Limits are checked before
 * memory is allocated.  UTF-8 is checked on arrival, so an error is reported at
 * its first wrong byte, even inside an unfinished frame.  Compressed data is
 * inflated and checked on arrival as well, unless this inflater has
 * PL_INFLATIONS_MAX unfinished messages; a message beyond that is checked when
 * it is complete.
 * Give the same `limits` in each call for one connection.
 * Owner:  `in` stays the caller's. */
void pl_ws_decode(struct pl_ws_decoder *d, const struct pl_ws_limits *limits,
                  struct pl_span *in, struct pl_ws_event *out);

/* Free the decoder's memory. */
void pl_ws_decoder_fini(struct pl_ws_decoder *d,
                        const struct pl_ws_limits *limits);

/* Bytes of memory that the decoder owns outside its struct, without its part of
 * the inflater. */
size_t pl_ws_decoder_memory(const struct pl_ws_decoder *d);

#endif
