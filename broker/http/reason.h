/* SPDX-License-Identifier: Apache-2.0 */
/* reason.h - the common parts of all HTTP responses: reason phrases and
 * dates. */
#ifndef PL_HTTP_REASON_H
#define PL_HTTP_REASON_H

#include <stdint.h>

#include "buf.h"

/* The reason phrase of `status`; "Error" for an unknown status. */
const char *pl_http_reason(int status);

/* Append a Date field (RFC 9110 section 5.6.7) with its line end.  `now_s`:
 * seconds since 1970. */
void pl_http_put_date(struct pl_buf *b, int64_t now_s);

#endif
