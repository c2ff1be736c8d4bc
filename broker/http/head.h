/* SPDX-License-Identifier: Apache-2.0 */
/* head.h - the head of an HTTP/1.x request, parsed strictly (RFC 9112).
 *
 * A request that two implementations could understand differently is refused: a
 * bare CR or LF, a folded line, a control character, blanks before a colon, a
 * malformed or second Content-Length, a Transfer-Encoding other than "chunked",
 * both of them, no Host or two, a fragment in the target. */
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
    const char *text; /* the error in words; constant */
    bool is_head;     /* the response has no body */
};

/* A parsed head; the spans point into the request. */
struct pl_http_head {
    struct pl_span method;
    struct pl_span path;  /* without the query; "/" if empty, "*" for OPTIONS */
    struct pl_span query; /* after "?"; absent if there is none */
    struct pl_span host;  /* of the target, else of Host; absent: HTTP/1.0
                             without Host */
    struct pl_span lines; /* all field lines with their line ends */
    uint64_t length;      /* of the body; UINT64_MAX: more than 18 digits */
    bool has_length;      /* Content-Length is present */
    bool is_chunked;
    bool is_old;    /* HTTP/1.0 */
    bool is_last;   /* the connection closes after the response */
    bool wants_100; /* Expect: 100-continue */
};

/* The decisions of the caller while a head is parsed.  Each call returns PL_OK,
 * or PL_EBADMSG with *error set.  It is repeated when the head is parsed again
 * with more bytes.  NULL accepts everything. */
struct pl_http_rules {
    bool takes_old; /* accept HTTP/1.0 too, with or without a Host */
    enum pl_err (*method)(void *arg, struct pl_span method,
                          struct pl_http_error *error);
    enum pl_err (*field)(void *arg, struct pl_span name, struct pl_span value,
                         struct pl_http_error *error);
    void *arg;
};

/* Parse the head at the start of `in`; one empty line before it is ignored.  On
 * PL_OK *taken is its length.  The result does not depend on how the bytes are
 * split on arrival.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EBADMSG: *error is the response; the
 *         rest of `in` must not be parsed as a request. */
enum pl_err pl_http_head_read(struct pl_span in,
                              const struct pl_http_rules *rules,
                              struct pl_http_head *out, size_t *taken,
                              struct pl_http_error *error);

/* Remove the next field from the start of the lines of a parsed head.  Return
 * false at their end. */
bool pl_http_field_next(struct pl_span *lines, struct pl_span *name,
                        struct pl_span *value);

/* Return the value of the field `wanted`, absent if there is none.  A field
 * that occurs twice counts as empty: two readers may each take another of the
 * values. */
struct pl_span pl_http_field_find(struct pl_span lines, struct pl_span wanted);

/* For the rules of a server: the methods that some path may serve; the server
 * decides for each path.  `arg` is ignored.
 * Errors: PL_EBADMSG (501). */
enum pl_err pl_http_check_method(void *arg, struct pl_span method,
                                 struct pl_http_error *error);

/* Set *error and return PL_EBADMSG. */
enum pl_err pl_http_refuse(struct pl_http_error *error, int status,
                           const char *text);

#endif
