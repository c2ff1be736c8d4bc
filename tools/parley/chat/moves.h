/* SPDX-License-Identifier: Apache-2.0 */
/* moves.h - one line about who came and who left, however often. */
#ifndef PL_CHAT_MOVES_H
#define PL_CHAT_MOVES_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"

struct pl_chat_moves; /* opaque */

enum pl_chat_move { PL_CHAT_CAME, PL_CHAT_IS_BACK, PL_CHAT_LEFT };

enum pl_err pl_chat_moves_create(struct pl_chat_moves **out);
void pl_chat_moves_destroy(struct pl_chat_moves *m);

/* Return false if the line is full: begin another one. */
bool pl_chat_moves_add(struct pl_chat_moves *m, const char *client,
                       const char *nick, enum pl_chat_move move);

/* Append the line, as "Ada and Bob came in; Eve left". */
void pl_chat_moves_put(const struct pl_chat_moves *m, struct pl_buf *b);

#endif
