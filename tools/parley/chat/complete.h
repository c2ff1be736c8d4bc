/* SPDX-License-Identifier: Apache-2.0 */
/* complete.h - what the Tab key may insert. */
#ifndef PL_CHAT_COMPLETE_H
#define PL_CHAT_COMPLETE_H

#include "chat.h"
#include "editor.h"

enum { PL_CHAT_CANDIDATES_MAX = 64 };

struct pl_chat_completion {
    char *candidates[PL_CHAT_CANDIDATES_MAX]; /* owned; with what follows */
    size_t count;
    size_t chosen;    /* the one in the text */
    size_t from, len; /* the part of the text that it replaces */
};

/* Find the candidates for the text before the cursor: commands, rooms, or
 * people of the current room. */
void pl_chat_complete(struct pl_chat_completion *k, const struct pl_chat *c,
                      struct pl_span before);
void pl_chat_completion_fini(struct pl_chat_completion *k);

/* Put the candidate `steps` after the chosen one into the text; at first, the
 * first one. */
void pl_chat_completion_next(struct pl_chat_completion *k, struct pl_editor *e,
                             int steps);

#endif
