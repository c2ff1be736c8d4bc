/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - the head of an HTTP/1.x response, as a client reads it (RFC 9112
 * section 4).
 *
 * As strict as head.h: a bare CR or LF, a folded line, a control character or
 * blanks before a colon are refused.  The body is left to the caller, which
 * usually closes the connection instead. */
#ifndef PL_HTTP_RESPONSE_H
#define PL_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "head.h"
#include "span.h"

enum {
    PL_HTTP_INTERIM_MAX = 4, /* interim responses before the final one */
    PL_HTTP_EXCERPT_MAX = 64 /* characters of a reason phrase that are kept */
};

/* A parsed head; the spans point into the response. */
struct pl_http_response {
    int status;            /* 101, or 200 to 999 */
    struct pl_span reason; /* the phrase; may be empty */
    struct pl_span lines;  /* all field lines with their line ends */
    bool is_old;           /* HTTP/1.0 */
};

/* Why a server did not do what the client asked. */
struct pl_http_failure {
    const char *text;       /* the error in words; constant */
    struct pl_span what;    /* what `text` is about: the name of a header, or
                               the start of the reason phrase in printable
                               ASCII; in the input or constant; or absent */
    int status;             /* of a valid response; 0: there is none */
    uint32_t retry_after_s; /* Retry-After in seconds; 0: none, or a date */
};

/* Parse the head of the final response at the start of `in`: interim responses
 * (1xx other than 101, RFC 9110 section 15.2) are skipped, up to
 * PL_HTTP_INTERIM_MAX.  All heads together have at most PL_HTTP_HEAD_MAX bytes,
 * each one PL_HTTP_FIELDS_MAX fields.  On PL_OK *taken is their length.  The
 * result does not depend on how the bytes are split on arrival.
 * Errors: PL_EAGAIN: incomplete, no error so far (call again with the same
 *         bytes and more after them); PL_EBADMSG: *why is set. */
enum pl_err pl_http_response_read(struct pl_span in,
                                  struct pl_http_response *out, size_t *taken,
                                  struct pl_http_failure *why);

/* Return how many fields are called `name`, ignoring case; *value is the value
 * of the first, or absent. */
size_t pl_http_response_find(const struct pl_http_response *r,
                             struct pl_span name, struct pl_span *value);

/* Describe a response that refuses: its status, the start of its reason phrase
 * and its Retry-After.  Return PL_EDENIED. */
enum pl_err pl_http_response_deny(const struct pl_http_response *r,
                                  const char *text,
                                  struct pl_http_failure *why);

#endif
