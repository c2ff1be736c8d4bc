/* SPDX-License-Identifier: Apache-2.0 */
/* headers.h - headers of the request that opened the connection, for the judge
 * of its connect.
 *
 * Thread: the session's loop. */
#ifndef PL_SESSION_HEADERS_H
#define PL_SESSION_HEADERS_H

#include <stdint.h>

#include "span.h"

struct pl_session;

/* Return the headers that are kept: names and values in turn, a zero byte after
 * each.  Absent: none. */
struct pl_span pl_headers_of(const struct pl_session *s);

/* Return the bytes of the headers. */
uint64_t pl_headers_bytes(const struct pl_session *s);

/* Free the headers: the judge has a copy, or is not asked. */
void pl_headers_forget(struct pl_session *s);

#endif
