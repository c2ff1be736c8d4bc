/* SPDX-License-Identifier: Apache-2.0 */
/* head.h - the head of an HTTP/1.x request, read strictly (RFC 9112).
 *
 * A request that two readers could understand in two ways is refused: a bare
 * CR or LF, a folded line, a control character, blanks before a colon, a
 * malformed or second Content-Length, a Transfer-Encoding other than
 * "chunked", both of them, no Host or two, a fragment in the target. */
#ifndef PL_HTTP_HEAD_H
#define PL_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

enum {
    PL_HTTP_HEAD_MAX = 16384, /* bytes of a whole head */
    PL_HTTP_LINE_MAX = 8192,  /* bytes of one line */
    PL_HTTP_FIELDS_MAX = 64   /* header fields */
};

struct pl_http_error {
    int status;       /* 400, 413, 414, 417, 431, 501, 505 ... */
    const char *text; /* what is wrong, in words; constant */
    bool is_head;     /* the answer has no body */
};

/* A head that was read; the spans point into the request. */
struct pl_http_head {
    struct pl_span method;
    struct pl_span path;  /* without the query; "/" if empty, "*" for OPTIONS */
    struct pl_span query; /* after "?"; absent when there is none */
    struct pl_span host;  /* of the target, else of Host; absent: HTTP/1.0
                             without one */
    struct pl_span lines; /* all field lines, each with its end */
    uint64_t length;      /* of the body; UINT64_MAX: more than 18 digits */
    bool has_length;      /* Content-Length was given */
    bool is_chunked;
    bool is_old;    /* HTTP/1.0 */
    bool is_last;   /* the connection ends after the answer */
    bool wants_100; /* Expect: 100-continue */
};

/* What the caller decides while a head is read.  Each call returns PL_OK, or
 * PL_EBADMSG with *error set; it gets the same things again when the head is
 * read again with more bytes.  A call that is NULL accepts everything. */
struct pl_http_rules {
    bool takes_old; /* HTTP/1.0 is served as well, with or without a Host */
    enum pl_err (*method)(void *arg, struct pl_span method,
                          struct pl_http_error *error);
    enum pl_err (*field)(void *arg, struct pl_span name, struct pl_span value,
                         struct pl_http_error *error);
    void *arg;
};

/* Read the head at the front of `in`; one empty line before it is ignored.  On
 * PL_OK *taken is its length.  The result does not depend on how the bytes
 * arrive in pieces.
 * Errors: PL_EAGAIN: not all is here yet, nothing is wrong so far (give the
 *         same bytes with more behind them); PL_EBADMSG: *error says what to
 *         answer; what follows in `in` must not be read as a request. */
enum pl_err pl_http_head_read(struct pl_span in,
                              const struct pl_http_rules *rules,
                              struct pl_http_head *out, size_t *taken,
                              struct pl_http_error *error);

/* Take the next field from the front of the lines of a head that was read.
 * False at their end. */
bool pl_http_field_next(struct pl_span *lines, struct pl_span *name,
                        struct pl_span *value);

/* Write a refusal.  Gives PL_EBADMSG. */
enum pl_err pl_http_refuse(struct pl_http_error *error, int status,
                           const char *text);

#endif
