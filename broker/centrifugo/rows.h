/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - what parley does with each key of Centrifugo.  Private to this
 * module. */
#ifndef PL_CENTRIFUGO_ROWS_H
#define PL_CENTRIFUGO_ROWS_H

#include <stdbool.h>
#include <stddef.h>

enum pl_row_type {
    PL_ROW_BOOL,
    PL_ROW_NUMBER,
    PL_ROW_DURATION,
    PL_ROW_TEXT,
    PL_ROW_LIST, /* of texts */
    PL_ROW_ANY
};

enum pl_row_way {
    PL_ROW_KEPT,    /* becomes the key `to` */
    PL_ROW_MADE,    /* one of several from which a key is made */
    PL_ROW_SAME,    /* says nothing that parley would do otherwise */
    PL_ROW_WARNED,  /* parley has it not, and `why` is a warning */
    PL_ROW_REFUSED, /* the same, and an error */
    PL_ROW_OLD      /* of a version before 6: an error */
};

/* A key.  "@" stands for the options of a namespace and of channels without
 * one; a key that ends with ".*" for all below it that have no row. */
struct pl_row {
    const char *key;
    enum pl_row_type type;
    enum pl_row_way way;
    const char *to;     /* parley's key */
    const char *absent; /* the value of an absent key, where Centrifugo's
                           default is not parley's; of a WARNED or REFUSED one:
                           the value that asks for nothing, beside false, 0
                           and "" */
    const char *why;    /* why it is not kept; of a KEPT key: what changes */
};

extern const struct pl_row pl_rows[];
extern const size_t pl_row_count;

/* The row of a path in lower case; NULL: there is none. */
const struct pl_row *pl_row_find(const char *path);

/* Return the rest of the path of an option, "presence"; NULL: it is none. */
const char *pl_row_option(const char *path);

#endif
