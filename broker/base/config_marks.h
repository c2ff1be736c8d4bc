/* SPDX-License-Identifier: Apache-2.0 */
/* config_marks.h - the keys of a YAML text, each with its line and value. */
#ifndef PL_CONFIG_MARKS_H
#define PL_CONFIG_MARKS_H

#include "buf.h"
#include "err.h"
#include "span.h"

enum pl_config_shape {
    PL_CONFIG_NOTHING, /* only of a document: no content */
    PL_CONFIG_SCALAR,
    PL_CONFIG_LIST, /* of scalars */
    PL_CONFIG_SECTION,
    PL_CONFIG_OTHER /* a list that holds lists or sections */
};

struct pl_config_mark {
    char *path; /* "websocket.path" */
    unsigned line;
    unsigned depth; /* 1: top level; a key may contain dots itself */
    enum pl_config_shape shape;
    char *text;  /* of a scalar */
    char **list; /* of a list */
    size_t count;
};

/* An all-zero struct is empty. */
struct pl_config_marks {
    struct pl_config_mark *at; /* in the order of the text */
    size_t count;
    enum pl_config_shape root; /* the shape of the document */
};

/* Parse `text` and record every key.  On PL_EINVAL *why is a constant text and
 * *line the place: invalid YAML, or YAML that no configuration needs (aliases,
 * several documents, keys that are not words, NUL bytes, nesting deeper than
 * 8).  Lines begin with 1.
 * Owner:  the caller calls pl_config_marks_fini(), also after an error.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_config_marks_read(struct pl_config_marks *m, struct pl_span text,
                                 const char **why, unsigned *line);

/* Wipe the values and free everything. */
void pl_config_marks_fini(struct pl_config_marks *m);

#endif
