/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the words of an HTTP head (RFC 9110 section 5.6, RFC 9112
 * section 2), for this room and for proxy. */
#ifndef PL_HTTP_H
#define PL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* Whether `c` may stand in a token. */
bool pl_http_is_tchar(char c);

/* Whether the whole of `s` is a token, so not empty. */
bool pl_http_is_token(struct pl_span s);

/* Whether a control character other than a tab is in `s`. */
bool pl_http_has_control(struct pl_span s);

/* Equal but for the case of ASCII letters. */
bool pl_http_equal(struct pl_span a, struct pl_span b);

/* `c` as a small letter, if it is an ASCII letter. */
char pl_http_lower(char c);

/* Without the blanks and tabs around it. */
struct pl_span pl_http_trim(struct pl_span s);

/* Take the next element that is not empty from the front of a list with
 * commas.  False at its end. */
bool pl_http_list_next(struct pl_span *list, struct pl_span *item);

/* Whether a list has tokens only, none of them twice (looked for among the
 * first 64), or nothing. */
bool pl_http_is_set(struct pl_span list);

/* Whether a list has extensions only, by the grammar of RFC 6455 section 9.1,
 * or nothing: "name; parameter; parameter=value; parameter=\"value\"", where
 * each word is a token. */
bool pl_http_is_extensions(struct pl_span list);

/* Whether the whole of `text` is what `pattern` says, where "*" stands for any
 * characters but "/"; letters may be in any case. */
bool pl_http_matches(struct pl_span pattern, struct pl_span text);

#endif
