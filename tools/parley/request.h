/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - one HTTP request to the broker. */
#ifndef PL_TOOL_REQUEST_H
#define PL_TOOL_REQUEST_H

#include <jansson.h>

#include "buf.h"
#include "target.h"

/* Ask `path`; with `body` it is a POST, else a GET.  The answer's body goes to
 * *answer, which the caller fini()s.  It must be complete within the timeout.
 * Returns EXIT_OK for status 200; else it has complained. */
int request(const struct target *t, const char *path, const char *body,
            struct pl_buf *answer);

/* A POST to the server API: the value of "result", which the caller decrefs,
 * goes to *result.  As above; an error of the broker is complained about. */
int request_api(const struct target *t, const char *method, const char *body,
                json_t **result);

/* The status of the broker, which the caller decrefs, goes to *status.  As
 * above. */
int request_status(const struct target *t, json_t **status);

/* A GET whose answer comes in lines until it ends; `line` is called for each,
 * without its newline, and says whether to go on.  The first must come within
 * the timeout, another one at the latest a timeout after the broker's next
 * empty line is due.
 * EXIT_OK when `line` wants no more; else it has complained.  */
int request_lines(const struct target *t, const char *path,
                  bool (*line)(const char *text, size_t len));

/* Behind the content of `b`, so that it can stand in a query.  RFC 3986. */
void put_escaped(struct pl_buf *b, const char *text);

#endif
