/* SPDX-License-Identifier: Apache-2.0 */
/* config_marks.h - which line of a YAML text each key stands on. */
#ifndef PL_CONFIG_MARKS_H
#define PL_CONFIG_MARKS_H

#include "buf.h"
#include "err.h"
#include "span.h"

struct pl_config_mark {
    char *path; /* "websocket.path" */
    unsigned line;
};

/* All zero holds nothing. */
struct pl_config_marks {
    struct pl_config_mark *at;
    size_t count;
    bool nothing; /* the document is a null, as `---` alone makes */
};

/* Walk through `text` and note every key.  On PL_EINVAL *why is a constant
 * text and *line says where: broken YAML, or YAML that a configuration has no
 * use for (aliases, several documents, keys that are no words, NUL bytes,
 * nesting deeper than 8).  Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_config_marks_read(struct pl_config_marks *m, struct pl_span text,
                                 const char **why, unsigned *line);

/* The line of the first or the last key with this path; 0 when there is none.
 * Lines begin with 1. */
unsigned pl_config_marks_first(const struct pl_config_marks *m,
                               const char *path);
unsigned pl_config_marks_last(const struct pl_config_marks *m,
                              const char *path);

void pl_config_marks_fini(struct pl_config_marks *m);

#endif
