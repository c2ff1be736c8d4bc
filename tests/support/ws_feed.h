/* SPDX-License-Identifier: Apache-2.0 */
/* ws_feed.h - feeds bytes to a WebSocket decoder in pieces and writes what
 * came out as a line of text, so that two ways of cutting can be compared. */
#ifndef PL_WS_FEED_H
#define PL_WS_FEED_H

#include "buf.h"
#include "decoder.h"

/* Feed a copy of `bytes`: first `first` bytes of it, then pieces of `piece`
 * bytes.  Appended to `log` for each event, behind a blank when there is one
 * before it: "text=PAYLOAD", "binary=", "ping=", "pong=", "close=CODE/REASON"
 * or "error=CODE".  Bytes that are not printable, and "%", are written %XX.
 * Every piece lies in memory of just its size, for the sanitizer.
 * Aborts when the decoder breaks a promise of its header: `in` not empty
 * after NONE, memory held at rest or more of it than the limits allow. */
void ws_feed(struct pl_buf *log, const struct pl_ws_limits *limits,
             struct pl_span bytes, size_t first, size_t piece);

/* Append to `out` the frames of a server in `frames` as a client would send
 * them: with the mask bit and a key, payloads masked.  A frame that is cut
 * off stays so. */
void ws_mask(struct pl_buf *out, struct pl_span frames);

#endif
