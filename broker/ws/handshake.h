/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.h - the HTTP request that opens a WebSocket, and its response (RFC
 * 6455 section 4, RFC 9112). */
#ifndef PL_WS_HANDSHAKE_H
#define PL_WS_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "head.h"
#include "span.h"

enum {
    PL_HANDSHAKE_MAX = PL_HTTP_HEAD_MAX, /* bytes of a whole request head */
    PL_HANDSHAKE_LINE_MAX = PL_HTTP_LINE_MAX,
    PL_HANDSHAKE_HEADERS_MAX = PL_HTTP_FIELDS_MAX,
    PL_HANDSHAKE_ACCEPT_LEN = 28 /* characters of Sec-WebSocket-Accept */
};

/* A parsed request; spans point into the request. */
struct pl_handshake {
    struct pl_span path;          /* without the query */
    struct pl_span query;         /* after "?"; absent if there is none */
    struct pl_span host;          /* of the target, else of Host; never
                                     absent */
    struct pl_span origin;        /* absent if there is none */
    struct pl_span key;           /* Sec-WebSocket-Key, 24 characters */
    struct pl_span protocols;     /* Sec-WebSocket-Protocol, one list; or
                                     absent */
    struct pl_span extensions;    /* Sec-WebSocket-Extensions; or absent */
    struct pl_span forwarded;     /* Forwarded, one list; or absent */
    struct pl_span forwarded_for; /* X-Forwarded-For; or absent */
    struct pl_span lines;         /* all field lines: pl_http_field_next() */
    char joined[1024];            /* memory for joining repeated fields */
};

struct pl_handshake_error {
    int status;       /* 400, 404, 405, 413, 421, 426, 431, 503, 505 ... */
    const char *text; /* the error in words; constant; "": an empty body */
    bool is_head;     /* the response has no body */
};

/* Parse the request at the start of `in`.  Strict: method GET, HTTP/1.1 or a
 * later 1.x, one Host, Upgrade and Connection as tokens, version 13, a key of
 * 16 bytes, lists by their grammar, no body (413), no folded or malformed line.
 * One empty line before it is ignored.  On PL_OK *taken is the length of the
 * request; the bytes after it are kept.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EBADMSG: *error is the response. */
enum pl_err pl_handshake_read(struct pl_span in, struct pl_handshake *out,
                              size_t *taken, struct pl_handshake_error *error);

/* True if the list of subprotocols contains `name`. */
bool pl_handshake_offers(const struct pl_handshake *h, const char *name);

/* True if the query has `name=value` (not percent-decoded). */
bool pl_handshake_query_has(const struct pl_handshake *h, const char *name,
                            const char *value);

/* The Sec-WebSocket-Accept for a key, with a final zero byte. */
void pl_handshake_accept_key(struct pl_span key,
                             char accept[PL_HANDSHAKE_ACCEPT_LEN + 1]);

/* Write the 101 response.  `protocol` and `extensions` may be NULL. */
void pl_handshake_accept(struct pl_buf *b, const struct pl_handshake *h,
                         const char *protocol, const char *extensions);

/* Write an error response that closes the connection.  405 names GET, 426 the
 * version; 429 and 503 ask the client to retry.  `now_s` is the Date: seconds
 * since 1970. */
void pl_handshake_refuse(struct pl_buf *b, struct pl_handshake_error error,
                         int64_t now_s);

#endif
