/* SPDX-License-Identifier: Apache-2.0 */
/* history.h - the lines that were entered, in memory and in a file. */
#ifndef PL_HISTORY_H
#define PL_HISTORY_H

#include <stddef.h>

#include "err.h"
#include "span.h"

enum { PL_HISTORY_LINES = 500, PL_HISTORY_LINE_MAX = 4096 };

struct pl_history {
    char *lines[PL_HISTORY_LINES]; /* owned; the oldest first */
    size_t count;
    char *path; /* owned; NULL: no file */
};

/* Read the lines of the file at `path`, if there is one; NULL: no file.  A file
 * that has grown long is replaced by its last lines.
 * Errors: PL_ENOMEM. */
enum pl_err pl_history_init(struct pl_history *h, const char *path);
void pl_history_fini(struct pl_history *h);

/* Add `line` unless it is empty or equal to the last one, and append it to the
 * file.  The oldest line leaves if there are too many.  Return false if the
 * file cannot be written. */
bool pl_history_add(struct pl_history *h, struct pl_span line);

#endif
