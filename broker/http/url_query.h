/* SPDX-License-Identifier: Apache-2.0 */
/* url_query.h - the members of the query of a URL. */
#ifndef PL_URL_QUERY_H
#define PL_URL_QUERY_H

#include <stdbool.h>

#include "buf.h"

/* Take the next member from the front of the query, undecoded; one without "="
 * has an empty value.  Return false at its end. */
bool pl_query_next(struct pl_span *query, struct pl_span *name,
                   struct pl_span *value);

/* Append the decoded value to `b`.  Return false if a percent sign has no two
 * hex digits. */
bool pl_query_decode(struct pl_buf *b, struct pl_span value);

#endif
