/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the lexical elements of an HTTP head (RFC 9110 section 5.6, RFC 9112
 * section 2). */
#ifndef PL_HTTP_H
#define PL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* True if a token may contain `c`. */
bool pl_http_is_tchar(char c);

/* True if `s` is a token, which is not empty. */
bool pl_http_is_token(struct pl_span s);

/* True if `s` has a control character other than a tab. */
bool pl_http_has_control(struct pl_span s);

/* True if `s` can stand as a request target: visible ASCII characters without
 * "#", and at least one. */
bool pl_http_is_target(struct pl_span s);

/* True if equal, ignoring the case of ASCII letters. */
bool pl_http_equal(struct pl_span a, struct pl_span b);

/* `c` in lower case, if it is an ASCII letter. */
char pl_http_lower(char c);

/* `s` without blanks and tabs around it. */
struct pl_span pl_http_trim(struct pl_span s);

/* Remove the next non-empty element from the start of a comma-separated list.
 * Return false at its end. */
bool pl_http_list_next(struct pl_span *list, struct pl_span *item);

/* True if a list has only tokens, none of them twice (checked for the first
 * 64), or nothing. */
bool pl_http_is_set(struct pl_span list);

/* True if a list has only extensions by the grammar of RFC 6455 section 9.1, or
 * nothing: "name; parameter; parameter=value; parameter=\"value\"", where each
 * word is a token. */
bool pl_http_is_extensions(struct pl_span list);

/* True if all of `text` matches `pattern`, where "*" matches any characters
 * except "/"; case is ignored. */
bool pl_http_matches(struct pl_span pattern, struct pl_span text);

#endif
