/* SPDX-License-Identifier: Apache-2.0 */
/* masked.h - encodes the WebSocket frames of a client, whose payloads are
 * masked (RFC 6455 section 5.3).
 *
 * Each frame needs a key of its own: 32 bits of a source that cannot be
 * predicted (run/random.h has one).  Keys that repeat or can be guessed
 * let an attacker choose the bytes on the wire (section 10.3). */
#ifndef PL_WS_MASKED_H
#define PL_WS_MASKED_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"
#include "frame.h"

enum {
    PL_WS_KEY_LEN = 4,
    PL_WS_MASKED_HEADER_MAX = PL_WS_HEADER_MAX + PL_WS_KEY_LEN
};

/* Which part of its message a frame is (section 5.4). */
enum pl_ws_part { PL_WS_WHOLE, PL_WS_FIRST, PL_WS_MIDDLE, PL_WS_LAST };

/* Append a frame with a copy of `payload`.  `opcode` is the message's, for each
 * of its parts; a control frame is WHOLE and has at most 125 bytes.  Control
 * frames may stand between the parts of a message, other messages not. */
void pl_ws_masked_put(struct pl_buf *b, enum pl_ws_opcode opcode,
                      enum pl_ws_part part, struct pl_span payload,
                      uint32_t key);

/* Append a Close frame; see pl_ws_frame_close(). */
void pl_ws_masked_close(struct pl_buf *b, uint16_t code, struct pl_span reason,
                        uint32_t key);

/* Mask the frame from `mark` to the end of `b`, which frame.h or
 * pl_deflate_last() has written.  The payload is moved by PL_WS_KEY_LEN
 * bytes.  Without memory the frame is removed, and `b` has failed. */
void pl_ws_masked_last(struct pl_buf *b, size_t mark, uint32_t key);

#endif
