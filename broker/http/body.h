/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of an HTTP/1.1 request: by length, or in chunks (RFC 9112
 * section 7.1), read strictly and without keeping any of it. */
#ifndef PL_HTTP_BODY_H
#define PL_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "head.h"
#include "span.h"

enum {
    PL_HTTP_CHUNK_DIGITS_MAX = 8, /* of a chunk's size */
    PL_HTTP_EXTRA_MAX = 4096 /* bytes of all chunk extensions and trailers */
};

/* A body that is being read.  Thread: the owner's. */
struct pl_http_body {
    uint64_t left;  /* content to come: of the body, or of this chunk */
    uint32_t extra; /* bytes of extensions and trailers so far */
    uint8_t digits; /* of the chunk's size so far */
    uint8_t state;  /* body.c */
};

/* Begin with the body that `head` announces; without one it is done. */
void pl_http_body_begin(struct pl_http_body *b,
                        const struct pl_http_head *head);

/* Whether all of it was taken. */
bool pl_http_body_is_done(const struct pl_http_body *b);

/* Take bytes from the front of `in` up to the end of the next piece of
 * content; *piece lies in `in`, and is empty when none came.  What follows the
 * body is left in `in`.
 * Errors: PL_EAGAIN: `in` is empty now, more is needed; PL_EBADMSG: *error
 *         says what to answer, and the connection can serve no more requests.
 * PL_OK: there is a piece, or the body is done. */
enum pl_err pl_http_body_next(struct pl_http_body *b, struct pl_span *in,
                              struct pl_span *piece,
                              struct pl_http_error *error);

#endif
