/* SPDX-License-Identifier: Apache-2.0 */
/* editor.h - one line of text that is typed, with the keys of Emacs and of most
 * shells.  It draws nothing.
 *
 * Left, Right, Home, End, C-b, C-f, C-a, C-e   move
 * Alt-b, Alt-f, C-Left, C-Right                move by words
 * Backspace, Delete, C-d                       delete
 * C-w, Alt-Backspace, Alt-d, C-u, C-k          kill
 * C-y                                          yank what was killed last
 * Up, Down, C-p, C-n                           earlier lines */
#ifndef PL_EDITOR_H
#define PL_EDITOR_H

#include <stdbool.h>

#include "buf.h"
#include "history.h"
#include "keys.h"

struct pl_editor {
    struct pl_buf text; /* valid UTF-8 */
    size_t cursor;      /* in bytes, between two glyphs */
    size_t units;       /* UTF-16 units of the text, as servers count */
    size_t units_max;
    struct pl_buf killed;
    struct pl_buf typed; /* the new line while an earlier one is shown */
    const struct pl_history *history; /* NULL: none */
    size_t back;                      /* how many lines; 0: the new line */
    bool has_killed; /* by the last key: the next kill joins it */
};

void pl_editor_init(struct pl_editor *e, size_t units_max,
                    const struct pl_history *history);
void pl_editor_fini(struct pl_editor *e);

/* Edit by `key`.  Return false if the key means nothing to a line, as Enter,
 * Tab, or C-d in an empty line. */
bool pl_editor_key(struct pl_editor *e, const struct pl_key *key);

/* Insert at the cursor; return false, and insert nothing, if the line would be
 * longer than its bound. */
bool pl_editor_insert(struct pl_editor *e, struct pl_span text);

/* Replace the `len` bytes at `from` by `text`, with the cursor behind it. */
bool pl_editor_replace(struct pl_editor *e, size_t from, size_t len,
                       struct pl_span text);

/* Empty the line. */
void pl_editor_clear(struct pl_editor *e);

/* UTF-16 units of `text`. */
size_t pl_editor_units(struct pl_span text);

#endif
