/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - draws the chat.
 *
 *     rooms, and the state of the connection
 *     messages                              | people
 *     who is typing, or a remark
 *     the line that is typed */
#ifndef PL_CHAT_VIEW_H
#define PL_CHAT_VIEW_H

#include "complete.h"
#include "screen.h"

enum { PL_CHAT_ROWS_MIN = 8, PL_CHAT_COLUMNS_MIN = 40 };

struct pl_chat_view {
    struct pl_screen *screen;
    struct pl_chat *chat;
    const struct pl_editor *editor;
    const struct pl_chat_completion *completion;
    const struct pl_chat_room *room; /* that was drawn last */
    size_t scroll;                   /* rows below the window */
    char notice[512];                /* "": none */
};

void pl_chat_view_draw(struct pl_chat_view *v);

/* Rows that the window of messages has. */
int pl_chat_view_height(const struct pl_chat_view *v);

/* Keep what is shown in its place when `e` was added at the end. */
void pl_chat_view_grow(struct pl_chat_view *v, const struct pl_chat_entry *e);

#endif
