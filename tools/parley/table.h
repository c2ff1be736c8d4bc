/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - rows of JSON objects as lines of a table.
 *
 * Text of others is turned into characters that cannot steer the terminal, and
 * is cut to the width of its column. */
#ifndef PL_TOOL_TABLE_H
#define PL_TOOL_TABLE_H

#include <jansson.h>

#include "buf.h"

enum column_kind {
    COLUMN_TEXT,   /* left, cut; a width of 0: to the end of the line, whole */
    COLUMN_NUMBER, /* right, as 12,408, and 41.2k where it does not fit */
    COLUMN_BYTES,  /* right, as 212 MB */
    COLUMN_FLAG    /* the title if it is true */
};

struct column {
    const char *title;
    const char *key; /* of the row */
    enum column_kind kind;
    int width;
};

/* Columns end with one without a title. */
void table_put_head(struct pl_buf *out, const struct column *columns);
void table_put_row(struct pl_buf *out, const struct column *columns,
                   const json_t *row);

/* Append a number or a size as columns show it, at most 7 characters. */
void table_put_number(struct pl_buf *out, json_int_t n);
void table_put_bytes(struct pl_buf *out, json_int_t n);

#endif
