/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - writing WebSocket frames (RFC 6455 section 5.2), unmasked, as a
 * server does. */
#ifndef PL_WS_FRAME_H
#define PL_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "decoder.h"

enum { PL_WS_HEADER_MAX = 10 }; /* bytes of an unmasked frame's header */

/* Write a whole final frame behind the buffer's content. */
void pl_ws_frame_put(struct pl_buf *b, enum pl_ws_opcode opcode,
                     struct pl_span payload);

/* Begin a frame whose payload the caller then writes into `b` itself; gives
 * the mark that pl_ws_frame_end() wants. */
size_t pl_ws_frame_begin(struct pl_buf *b);

/* End the frame begun at `mark`: put its header before the payload.  Short
 * payloads are moved by two bytes, those over 65,535 by six. */
void pl_ws_frame_end(struct pl_buf *b, size_t mark, enum pl_ws_opcode opcode);

/* Write a final frame's header in front of its payload of `len` bytes, which
 * lies `room` bytes behind `at` and is moved when its header is shorter; gives
 * the frame's length.  `room` is at least what the header needs. */
size_t pl_ws_frame_fit(char *at, enum pl_ws_opcode opcode, size_t room,
                       size_t len);

/* Write a Close frame.  Code 0 writes an empty one; a reason longer than 123
 * bytes is cut between two UTF-8 characters. */
void pl_ws_frame_close(struct pl_buf *b, uint16_t code, struct pl_span reason);

/* The length of the frame, header and payload, whose header `frames` begins
 * with; the header is whole. */
size_t pl_ws_frame_length(struct pl_span frames);

/* What the whole unmasked frame `frame` carries, behind its header. */
struct pl_span pl_ws_frame_payload(struct pl_span frame);

#endif
