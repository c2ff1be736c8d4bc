/* SPDX-License-Identifier: Apache-2.0 */
/* screen.h - the whole terminal as rows of cells.  The program draws all of it
 * after each change; only what differs is sent.
 *
 * There is one screen per process.  The terminal is restored by
 * pl_screen_stop(), by pl_screen_suspend(), and when the process dies of
 * abort() or a fault.
 *
 * Bytes of the keyboard are read by the program itself, from standard input
 * (keys.h).  Ctrl-C and Ctrl-Z arrive as keys. */
#ifndef PL_SCREEN_H
#define PL_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "span.h"

struct pl_screen; /* opaque */

enum pl_color {
    PL_COLOR_NONE, /* the terminal's own */
    PL_COLOR_RED,
    PL_COLOR_GREEN,
    PL_COLOR_YELLOW,
    PL_COLOR_BLUE,
    PL_COLOR_MAGENTA,
    PL_COLOR_CYAN,
    PL_COLOR_COUNT
};

enum pl_mark { PL_MARK_BOLD = 1, PL_MARK_DIM = 2, PL_MARK_REVERSE = 4 };

struct pl_look {
    uint8_t color; /* enum pl_color */
    uint8_t marks; /* enum pl_mark */
};

/* True if standard input and output are a terminal that can move its cursor. */
bool pl_screen_is_possible(void);

/* True if colours are wanted: `when` is "always", "never", or NULL or "auto",
 * which asks NO_COLOR and TERM. */
bool pl_screen_wants_color(const char *when);

/* Take the terminal.  Call setlocale() first.
 * Errors: PL_ENOMEM, PL_EIO: curses does not know the terminal. */
enum pl_err pl_screen_start(struct pl_screen **out, bool has_color);

/* Restore the terminal.  NULL is allowed. */
void pl_screen_stop(struct pl_screen *s);

/* Restore the terminal, and take it again. */
void pl_screen_suspend(struct pl_screen *s);
void pl_screen_resume(struct pl_screen *s);

/* The size may have changed (SIGWINCH). */
void pl_screen_resize(struct pl_screen *s);

int pl_screen_rows(const struct pl_screen *s);
int pl_screen_columns(const struct pl_screen *s);

/* True if lines and signs may be drawn by characters beyond ASCII. */
bool pl_screen_has_unicode(const struct pl_screen *s);

/* Forget all that was drawn. */
void pl_screen_clear(struct pl_screen *s);

/* Draw `text` at a place, in at most `width` columns; what cannot be shown is
 * escaped.  Return the columns that were drawn.  Places outside are ignored. */
int pl_screen_put(struct pl_screen *s, int row, int column, int width,
                  struct pl_span text, struct pl_look look);

/* Draw `width` blanks. */
void pl_screen_fill(struct pl_screen *s, int row, int column, int width,
                    struct pl_look look);

/* Send what differs, and place the cursor; a row below 0 hides it. */
void pl_screen_show(struct pl_screen *s, int row, int column);

/* Send everything again: something else has written on the terminal. */
void pl_screen_redraw(struct pl_screen *s);

void pl_screen_beep(struct pl_screen *s);

#endif
