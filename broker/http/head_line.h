/* SPDX-License-Identifier: Apache-2.0 */
/* head_line.h - the lines of a head (RFC 9112 sections 2.2 and 5), for requests
 * and responses alike.  Private to the room. */
#ifndef PL_HTTP_LINE_H
#define PL_HTTP_LINE_H

#include <stdbool.h>

#include "head.h"

/* Checks the first line of a head as far as it has arrived. */
typedef enum pl_err pl_http_first_line(void *arg, struct pl_span line,
                                       struct pl_http_error *error);

/* Read the next line of `rest`, without its CR LF.  `first` is NULL for the
 * lines after the first.
 * Errors: PL_EAGAIN: its end has not arrived, and what has arrived is valid;
 *         PL_EBADMSG: *error is set. */
enum pl_err pl_http_line_next(struct pl_span *rest, pl_http_first_line *first,
                              void *arg, struct pl_span *line,
                              struct pl_http_error *error);

/* Split a field line into name and value.  Return false if it is none. */
bool pl_http_line_split(struct pl_span line, struct pl_span *name,
                        struct pl_span *value);

#endif
