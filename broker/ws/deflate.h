/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.h - permessage-deflate (RFC 7692): what is negotiated, and messages
 * compressed and inflated.
 *
 * Neither side ever keeps its context from one message to the next, so a
 * connection at rest owns nothing; the memory here belongs to a loop, and is
 * allocated when it is first needed. */
#ifndef PL_WS_DEFLATE_H
#define PL_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* How frames to a peer may be compressed.  All peers of one kind can be sent
 * the same bytes. */
enum pl_deflate {
    PL_DEFLATE_NONE,   /* not at all */
    PL_DEFLATE_WIDE,   /* with a window of 15 bits: usual */
    PL_DEFLATE_NARROW, /* distances of at most 250 bytes: for every peer that
                          asked for less than 15 bits */
    PL_DEFLATE_COUNT
};

enum {
    PL_DEFLATE_MIN = 200,     /* bytes; shorter messages go out as they are */
    PL_DEFLATE_MAX = 1048576, /* bytes; so do longer ones: what compresses
                                 them would hold its loop for too long */
    PL_DEFLATE_TRY = 65536,   /* bytes; what saves less than an eighth of the
                                 first so many, or of so many more, is not
                                 compressed to its end but goes out as it is */
    PL_DEFLATE_ANSWER_MAX = 160
};

/* What was agreed with a peer. */
struct pl_deflate_terms {
    enum pl_deflate kind;               /* NONE: no extension */
    char answer[PL_DEFLATE_ANSWER_MAX]; /* the value of the header field
                                           Sec-WebSocket-Extensions; empty:
                                           no field */
};

/* Choose from a client's Sec-WebSocket-Extensions (absent: none): the first
 * offer of permessage-deflate that is right in every parameter is taken, the
 * others are passed over (RFC 7692 sections 5 and 7.1). */
void pl_deflate_choose(struct pl_span offers, struct pl_deflate_terms *out);

struct z_stream_s;

/* What compresses, for one loop: at most 190 KiB.  All zero is a new one. */
struct pl_deflater {
    struct z_stream_s *streams[PL_DEFLATE_COUNT]; /* owned; NULL: not needed
                                                     yet */
};

void pl_deflater_fini(struct pl_deflater *d);

/* Append to `b` the whole final frame `frame` of a server, compressed when it
 * is a data frame of PL_DEFLATE_MIN to PL_DEFLATE_MAX bytes and becomes
 * smaller, else as it is; so at most frame.len bytes.  `frame` is not in `b`.
 */
void pl_deflate_frame(struct pl_deflater *d, enum pl_deflate kind,
                      struct pl_buf *b, struct pl_span frame);

/* The same with the frame that begins at `mark` and ends `b`, in place.
 * Without memory it stays as it is. */
void pl_deflate_last(struct pl_deflater *d, enum pl_deflate kind,
                     struct pl_buf *b, size_t mark);

/* What inflates, for one loop: 40 KiB and a message, and while messages are
 * unfinished 40 KiB for each of PL_INFLATIONS_MAX.  All zero is a new one. */
struct pl_inflater {
    struct z_stream_s *stream; /* owned; at rest, for the next message */
    unsigned open;             /* inflations */
    int64_t *charge;           /* less by each byte that comes out; or NULL */
    struct pl_buf out;         /* the last whole message, also as far as it
                                  came before an error */
};

void pl_inflater_fini(struct pl_inflater *i);

static inline void pl_inflater_charge(struct pl_inflater *i, size_t bytes)
{
    if (i->charge != NULL)
        *i->charge -= (int64_t)bytes;
}

/* Inflate the payload of a message, all its frames together, to at most `max`
 * bytes; no more memory than that is used, whatever it would become.
 * Owner:  *out is the inflater's, until the next call; it may be changed.
 * Errors: PL_EBADMSG (no valid data of RFC 7692 section 7.2.2, or cut off),
 *         PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_inflate(struct pl_inflater *i, struct pl_span payload,
                       size_t max, struct pl_span *out);

enum { PL_INFLATIONS_MAX = 64 };

/* A message that is inflated as it arrives.  All zero is none. */
struct pl_inflation {
    struct z_stream_s *stream; /* owned; NULL: none */
};

/* Begin one.
 * Errors: PL_EFULL (the inflater has PL_INFLATIONS_MAX open: gather this
 *         message and use pl_inflate()), PL_ENOMEM. */
enum pl_err pl_inflation_open(struct pl_inflater *i, struct pl_inflation *n);

/* Append to `out` what the next piece of the payload becomes, until `out` has
 * `max` bytes.  Also on error `out` has all that came before it.
 * Errors: those of pl_inflate(); close it then. */
enum pl_err pl_inflation_feed(struct pl_inflation *n, struct pl_span piece,
                              size_t max, struct pl_buf *out);

/* The same at the end of the message. */
enum pl_err pl_inflation_end(struct pl_inflation *n, size_t max,
                             struct pl_buf *out);

/* Give back what it took.  One that is none may be closed. */
void pl_inflation_close(struct pl_inflater *i, struct pl_inflation *n);

#endif
