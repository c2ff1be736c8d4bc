/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of an HTTP/1.1 request: by length or in chunks (RFC 9112
 * section 7.1), parsed strictly and without storing it. */
#ifndef PL_HTTP_BODY_H
#define PL_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "head.h"
#include "span.h"

enum {
    PL_HTTP_CHUNK_DIGITS_MAX = 8, /* of a chunk size */
    PL_HTTP_EXTRA_MAX = 4096 /* bytes of all chunk extensions and trailers */
};

/* A body that is being read.  Thread: the owner's. */
struct pl_http_body {
    uint64_t left;  /* bytes of content left: of the body, or of this chunk */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t digits; /* of the chunk size so far */
    uint8_t state;  /* body.c */
};

/* Begin the body that `head` announces; without one it is complete. */
void pl_http_body_begin(struct pl_http_body *b,
                        const struct pl_http_head *head);

/* True if the whole body was read. */
bool pl_http_body_is_done(const struct pl_http_body *b);

/* Read `in` up to the end of the next piece of content. *piece is in `in`; it
 * is empty if there is none.  Bytes after the body stay in `in`.  PL_OK: there
 * is a piece, or the body is complete.
 * Errors: PL_EAGAIN: `in` is empty and more is needed; PL_EBADMSG: *error is
 *         the response, and the connection can serve no more requests. */
enum pl_err pl_http_body_next(struct pl_http_body *b, struct pl_span *in,
                              struct pl_span *piece,
                              struct pl_http_error *error);

#endif
