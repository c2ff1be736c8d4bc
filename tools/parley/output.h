/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - stdout, of which every write error is noticed. */
#ifndef PL_TOOL_OUTPUT_H
#define PL_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Write a line and flush it.  False: it did not go out; nothing more will. */
bool output_line(const char *text, size_t len);

/* Whether a write failed because nothing reads any more. */
bool output_is_unread(void);

/* Flush what is left, and complain if anything did not go out.
 * Gives what to exit with: `rc`, or EXIT_FAILED after a failed write.  A reader
 * that has gone had enough, as in `parley sub news | head -1`: that is no
 * failure. */
int output_end(int rc);

#endif
