/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.h - the payload of one message as it arrives: gathered or inflated,
 * and checked.  Private to the room. */
#ifndef PL_WS_PIECES_H
#define PL_WS_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"
#include "deflate.h"
#include "span.h"
#include "utf8.h"

enum {
    PL_WS_CODE_PROTOCOL = 1002,
    PL_WS_CODE_TEXT = 1007,
    PL_WS_CODE_TOO_BIG = 1009,
    PL_WS_CODE_MEMORY = 1011
};

/* What was wrong, or text NULL: nothing. */
struct pl_ws_fault {
    uint16_t code;
    const char *text;
};

/* All zero is none. */
struct pl_ws_pieces {
    enum pl_ws_opcode opcode;      /* TEXT or BINARY; 0: no message is open */
    bool compressed;               /* it came so */
    struct pl_utf8 utf8;           /* of its text, as far as it is here */
    size_t arrived;                /* bytes of the payload that came */
    struct pl_buf data;            /* owned; what they became */
    struct pl_inflation inflation; /* owned; none: data is as it came */
};

/* Bytes in which a message may come compressed. */
size_t pl_ws_compressed_max(size_t max_message);

/* Open a message; `p` is all zero. */
struct pl_ws_fault pl_ws_pieces_begin(struct pl_ws_pieces *p,
                                      const struct pl_ws_limits *limits,
                                      enum pl_ws_opcode opcode,
                                      bool compressed);

#define PL_WS_MORE_FRAMES SIZE_MAX

/* Take what came next.  `ascii`: it is known to be; `left`: bytes that the
 * message still has behind it, or PL_WS_MORE_FRAMES. */
struct pl_ws_fault pl_ws_pieces_add(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span piece, bool ascii,
                                    size_t left);

/* The message is here whole and no longer open.
 * Owner: *out is the pieces' or the inflater's. */
struct pl_ws_fault pl_ws_pieces_end(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span *out);

/* A message that came whole: *message is its payload, then what that becomes.
 * Owner: an inflated one is the inflater's. */
struct pl_ws_fault pl_ws_inflate_whole(const struct pl_ws_limits *limits,
                                       enum pl_ws_opcode opcode,
                                       struct pl_span *message);

/* Free what it owns. */
void pl_ws_pieces_fini(struct pl_ws_pieces *p,
                       const struct pl_ws_limits *limits);

#endif
