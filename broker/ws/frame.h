/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - encodes WebSocket frames (RFC 6455 section 5.2), unmasked, as a
 * server does. */
#ifndef PL_WS_FRAME_H
#define PL_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"

enum { PL_WS_HEADER_MAX = 10 }; /* bytes of an unmasked header */

/* Append a whole final frame. */
void pl_ws_frame_put(struct pl_buf *b, enum pl_ws_opcode opcode,
                     struct pl_span payload);

/* Begin a frame; the caller then appends its payload to `b`.  Return the mark
 * for pl_ws_frame_end(). */
size_t pl_ws_frame_begin(struct pl_buf *b);

/* End the frame begun at `mark`: write its header before the payload.  Payloads
 * under 126 bytes are moved by two bytes, those over 65,535 by six. */
void pl_ws_frame_end(struct pl_buf *b, size_t mark, enum pl_ws_opcode opcode);

/* Write the header of a final frame before its payload of `len` bytes, which is
 * `space` bytes after `at` and is moved if the header is shorter.  Return the
 * length of the frame.  `space` must suffice for the header, or be 0: then the
 * payload is not there yet, and is not moved. */
size_t pl_ws_frame_fit(char *at, enum pl_ws_opcode opcode, size_t space,
                       size_t len);

/* Append a Close frame.  Code 0 writes an empty one; a reason longer than 123
 * bytes is truncated between two UTF-8 characters. */
void pl_ws_frame_close(struct pl_buf *b, uint16_t code, struct pl_span reason);

/* The length of the first frame of `frames`, with its header, which must be
 * complete. */
size_t pl_ws_frame_length(struct pl_span frames);

/* The payload of the whole unmasked frame `frame`. */
struct pl_span pl_ws_frame_payload(struct pl_span frame);

#endif
