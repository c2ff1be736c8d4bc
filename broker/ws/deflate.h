/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.h - permessage-deflate (RFC 7692): negotiation of both sides,
 * compression and decompression of messages.
 *
 * Neither side keeps its context between messages, so an idle connection owns
 * nothing.  The memory here belongs to a loop and is allocated on first use. */
#ifndef PL_WS_DEFLATE_H
#define PL_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* How frames to a peer may be compressed.  All peers of one kind can receive
 * the same bytes. */
enum pl_deflate {
    PL_DEFLATE_NONE,   /* not at all */
    PL_DEFLATE_WIDE,   /* with a window of 15 bits, the usual */
    PL_DEFLATE_NARROW, /* distances of at most 250 bytes: for all peers that
                          asked for less than 15 bits */
    PL_DEFLATE_COUNT
};

enum {
    PL_DEFLATE_MIN = 200,     /* bytes; shorter messages are sent
                                 uncompressed */
    PL_DEFLATE_MAX = 1048576, /* bytes; longer ones too, because compressing
                                 them would take too long in one turn */
    PL_DEFLATE_TRY = 65536,   /* bytes; after each such part, compression is
                                 given up unless it has saved an eighth so
                                 far */
    PL_DEFLATE_ANSWER_MAX = 160
};

/* The result of a negotiation. */
struct pl_deflate_terms {
    enum pl_deflate kind;               /* NONE: no extension */
    char answer[PL_DEFLATE_ANSWER_MAX]; /* the value of the header
                                           Sec-WebSocket-Extensions; empty: no
                                           header */
};

/* Choose from a client's Sec-WebSocket-Extensions (absent: none): accept the
 * first offer of permessage-deflate with valid parameters only, ignore the
 * others (RFC 7692 sections 5 and 7.1). */
void pl_deflate_choose(struct pl_span offers, struct pl_deflate_terms *out);

/* A client's Sec-WebSocket-Extensions: no contexts, and the server may limit
 * the window of what the client compresses. */
#define PL_DEFLATE_OFFER                                                       \
    "permessage-deflate; server_no_context_takeover; "                         \
    "client_no_context_takeover; client_max_window_bits"

/* Read a server's answer to PL_DEFLATE_OFFER (RFC 7692 section 7.1); *kind is
 * how the client may compress.  Return what is wrong with the answer, or
 * NULL; *kind is then set. */
const char *pl_deflate_agree(struct pl_span answer, enum pl_deflate *kind);

struct z_stream_s;

/* The compressors of one loop: at most 190 KiB.  All zero: a new one. */
struct pl_deflater {
    struct z_stream_s *streams[PL_DEFLATE_COUNT]; /* owned; NULL: not used
                                                     yet */
};

void pl_deflater_fini(struct pl_deflater *d);

/* Append to `b` the whole final unmasked frame `frame`: compressed if it is a
 * data frame of PL_DEFLATE_MIN to PL_DEFLATE_MAX bytes and shrinks, else as it
 * is.  So at most frame.len bytes.  `frame` must not be in `b`. */
void pl_deflate_frame(struct pl_deflater *d, enum pl_deflate kind,
                      struct pl_buf *b, struct pl_span frame);

/* Like pl_deflate_frame(), in place for the frame from `mark` to the end of
 * `b`.  If out of memory, the frame stays as it is. */
void pl_deflate_last(struct pl_deflater *d, enum pl_deflate kind,
                     struct pl_buf *b, size_t mark);

/* The inflater of one loop: 40 KiB and a message, and 40 KiB per unfinished
 * message, of PL_INFLATIONS_MAX at most.  All zero: a new one. */
struct pl_inflater {
    struct z_stream_s *stream; /* owned; idle, for the next message */
    unsigned open;             /* number of inflations */
    int64_t *charge;           /* decreased by each byte of output; or NULL */
    struct pl_buf out;         /* the last message, complete or up to an
                                  error */
};

void pl_inflater_fini(struct pl_inflater *i);

static inline void pl_inflater_charge(struct pl_inflater *i, size_t bytes)
{
    if (i->charge != NULL)
        *i->charge -= (int64_t)bytes;
}

/* Inflate the payload of a message, all its frames together, to at most `max`
 * bytes.  More memory is never used, whatever the full size would be.
 * Owner:  *out is in the inflater, until the next call; it may be changed.
 * Errors: PL_EBADMSG (not valid by RFC 7692 section 7.2.2, or truncated),
 *         PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_inflate(struct pl_inflater *i, struct pl_span payload,
                       size_t max, struct pl_span *out);

enum { PL_INFLATIONS_MAX = 64 };

/* A message that is inflated on arrival.  All zero: none. */
struct pl_inflation {
    struct z_stream_s *stream; /* owned; NULL: none */
};

/* Begin an inflation.
 * Errors: PL_EFULL (the inflater has PL_INFLATIONS_MAX open: collect this
 *         message and use pl_inflate()), PL_ENOMEM. */
enum pl_err pl_inflation_open(struct pl_inflater *i, struct pl_inflation *n);

/* Inflate the next piece of the payload and append the result to `out`, up to
 * `max` bytes.  On error `out` has everything before it.
 * Errors: as pl_inflate(); close the inflation then. */
enum pl_err pl_inflation_feed(struct pl_inflation *n, struct pl_span piece,
                              size_t max, struct pl_buf *out);

/* Like pl_inflation_feed(), at the end of the message. */
enum pl_err pl_inflation_end(struct pl_inflation *n, size_t max,
                             struct pl_buf *out);

/* Return the stream to the inflater.  An all-zero inflation is allowed. */
void pl_inflation_close(struct pl_inflater *i, struct pl_inflation *n);

#endif
