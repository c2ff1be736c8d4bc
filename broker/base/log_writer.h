/* SPDX-License-Identifier: Apache-2.0 */
/* log_writer.h - the output of whole lines.  Private to the log. */
#ifndef PL_LOG_WRITER_H
#define PL_LOG_WRITER_H

#include "log.h"

/* Queue the line, or write it if there is no writer.  Thread: any. */
void pl_log_writer_take(enum pl_log_level level, struct pl_span line);

/* Write a line now, which may block.  Return false if it is lost; the caller
 * counts it. */
bool pl_log_writer_write(enum pl_log_level level, struct pl_span line);

/* log.c: build a line and write it now. */
bool pl_log_write_now(enum pl_log_level level, const char *event,
                      const struct pl_log_field *fields, size_t count);

#endif
