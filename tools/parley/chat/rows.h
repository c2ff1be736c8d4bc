/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - one entry of a log as rows of the screen. */
#ifndef PL_CHAT_ROWS_H
#define PL_CHAT_ROWS_H

#include "log.h"
#include "people.h"
#include "screen.h"

/* Where rows are drawn. */
struct pl_chat_window {
    struct pl_screen *screen;
    int top, bottom;  /* rows outside are left out */
    int row;          /* of the next row */
    const char *nick; /* of this user */
    const struct pl_chat_people *people;
};

/* Return the rows that `e` takes in `width` columns; unless `w` is NULL, draw
 * them.  `nick` is this user's, whose mention is marked; NULL: none. */
int pl_chat_rows(struct pl_chat_window *w, const struct pl_chat_entry *e,
                 int width, const char *nick);

/* The colour of a name: the same name always has the same one. */
struct pl_look pl_chat_look_of(const char *nick);

#endif
