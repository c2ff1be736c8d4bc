/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - stdout, of which every write error is noticed.  On a terminal,
 * what others wrote cannot steer it; anywhere else bytes pass as they are. */
#ifndef PL_TOOL_OUTPUT_H
#define PL_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Of the option --json. */
extern bool output_is_json;

/* Write a line of JSON and flush it.  False: it did not go out; nothing more
 * will. */
bool output_line(const char *text, size_t len);

/* The same for the content of `line`, which is then empty. */
bool output_buf(struct pl_buf *line);

/* Write text, which may have several lines; it is flushed in the end. */
void output_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write what output_text() has left in the buffer. */
void output_flush(void);

/* Whether a write failed because nothing reads any more. */
bool output_is_unread(void);

/* Whether nothing reads any more, before anything is written. */
bool output_has_lost_reader(void);

/* Flush what is left, and complain if anything did not go out.
 * Gives what to exit with: `rc`, or EXIT_FAILED after a failed write.  A reader
 * that has gone had enough, as in `parley sub news | head -1`: that is no
 * failure. */
int output_end(int rc);

#endif
