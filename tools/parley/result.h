/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - results of calls, and how they are printed. */
#ifndef PL_TOOL_RESULT_H
#define PL_TOOL_RESULT_H

#include "json_read.h"
#include "parley_client.h"
#include "target.h"

/* Call a method of the server API.  `body` is ended here.  The value of
 * "result" goes to *result, in `answer`, which the caller fini()s.
 * EXIT_OK, or what to exit with; it has complained then. */
int request_result(const struct target *t, const char *method,
                   struct pl_buf *body, struct pl_buf *answer,
                   struct pl_span *result);

/* Append members of an object as text, with tabs between them and none inside;
 * the names are ended by NULL. */
void put_columns(struct pl_buf *line, struct pl_span json,
                 const char *const *names);

/* Print a line of text; false: no more need come. */
bool print_row(const struct pl_buf *row);

/* Print what a call answered: as it is, with --json under "data". */
void print_data(struct plc_bytes data);

#endif
