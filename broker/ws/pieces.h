/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.h - the payload of one message on arrival: collected or inflated, and
 * checked.  Private to the module. */
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

/* An error; text NULL: none. */
struct pl_ws_fault {
    uint16_t code;
    const char *text;
};

/* All zero: no message. */
struct pl_ws_pieces {
    enum pl_ws_opcode opcode;      /* TEXT or BINARY; 0: no message is open */
    bool compressed;               /* arrives compressed */
    struct pl_utf8 utf8;           /* of the text so far */
    size_t arrived;                /* bytes of payload that have arrived */
    struct pl_buf data;            /* owned; the message so far */
    struct pl_inflation inflation; /* owned; none: `data` is the payload
                                      itself */
};

/* The most bytes in which a compressed message may arrive. */
size_t pl_ws_compressed_max(size_t max_message);

/* Begin a message; `p` is all zero. */
struct pl_ws_fault pl_ws_pieces_begin(struct pl_ws_pieces *p,
                                      const struct pl_ws_limits *limits,
                                      enum pl_ws_opcode opcode,
                                      bool compressed);

#define PL_WS_MORE_FRAMES SIZE_MAX

/* Add the next piece.  `ascii`: it is known to be ASCII; `left`: bytes of the
 * message after it, or PL_WS_MORE_FRAMES. */
struct pl_ws_fault pl_ws_pieces_add(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span piece, bool ascii,
                                    size_t left);

/* End the message, which is complete.
 * Owner:  *out is in `p` or in the inflater. */
struct pl_ws_fault pl_ws_pieces_end(struct pl_ws_pieces *p,
                                    const struct pl_ws_limits *limits,
                                    struct pl_span *out);

/* Inflate a complete message: *message is its payload, then the result.
 * Owner:  the result is in the inflater. */
struct pl_ws_fault pl_ws_inflate_whole(const struct pl_ws_limits *limits,
                                       enum pl_ws_opcode opcode,
                                       struct pl_span *message);

/* Free the memory of `p`. */
void pl_ws_pieces_fini(struct pl_ws_pieces *p,
                       const struct pl_ws_limits *limits);

#endif
