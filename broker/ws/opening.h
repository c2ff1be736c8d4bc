/* SPDX-License-Identifier: Apache-2.0 */
/* opening.h - the client's side of the opening handshake: the request, and the
 * response of the server (RFC 6455 sections 4.1 and 4.2.2). */
#ifndef PL_WS_OPENING_H
#define PL_WS_OPENING_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "deflate.h"
#include "err.h"
#include "response.h"
#include "span.h"

enum { PL_OPENING_NONCE_LEN = 16 };

/* A header field that the application adds. */
struct pl_opening_field {
    struct pl_span name, value;
};

/* What a client asks for; the spans are the caller's, and stay until the
 * response is read. */
struct pl_opening {
    struct pl_span host;      /* as pl_url has it */
    struct pl_span path;      /* begins with "/" */
    struct pl_span query;     /* or absent */
    struct pl_span origin;    /* or absent */
    struct pl_span protocols; /* a list of subprotocols; or absent */
    const struct pl_opening_field *fields;
    size_t field_count;
    bool offers_deflate;
    unsigned char nonce[PL_OPENING_NONCE_LEN]; /* random, for this request */
};

/* What the server agreed to. */
struct pl_opened {
    struct pl_span protocol; /* in the list of the request; absent: none */
    enum pl_deflate deflate; /* how the client may compress.  NONE: give the
                                decoder no inflater */
};

/* Append the request.  The application's fields are checked: names are tokens
 * and none of the fields that this file or HTTP itself needs; values have no
 * control character.
 * Owner:  `b` has the fields, which may be secrets; so may blocks that it has
 *         outgrown.
 * Errors: PL_EINVAL, PL_ETOOBIG (the request has more than PL_HTTP_HEAD_MAX
 *         bytes or PL_HTTP_FIELDS_MAX fields, or a line more than
 *         PL_HTTP_LINE_MAX): *why is set, why->what is the name of the field.
 *         PL_ENOMEM.  `b` then has its old content. */
enum pl_err pl_opening_write(const struct pl_opening *o, struct pl_buf *b,
                             struct pl_http_failure *why);

/* Read the response at the start of `in` to the request of `o`.  On PL_OK
 * *taken is its length, and frames follow it.  Strict: a status other than 101
 * refuses, also one that redirects; a 101 is HTTP/1.1 and has one Upgrade that
 * is "websocket", Connection with "upgrade", the one right Accept, no
 * subprotocol or extension that was not asked for, and no body.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EDENIED: why->status is not 101;
 *         PL_EBADMSG: the response is not valid.  *why is set for both.
 *         PL_ENOMEM. */
enum pl_err pl_opening_read(const struct pl_opening *o, struct pl_span in,
                            struct pl_opened *out, size_t *taken,
                            struct pl_http_failure *why);

#endif
