/* SPDX-License-Identifier: Apache-2.0 */
/* glyph.h - text from outside as characters that are safe to show.
 *
 * The locale says how wide a character is and whether it can be shown at all:
 * call setlocale() first. */
#ifndef PL_GLYPH_H
#define PL_GLYPH_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "span.h"

enum {
    PL_GLYPH_MAX = 24,      /* bytes of a base and its combining characters */
    PL_GLYPH_COMBINING = 4, /* of these per base; more are dropped */
    PL_CODE_NONE = 0x110000 /* no character: broken UTF-8 */
};

/* One character as a terminal shows it. */
struct pl_glyph {
    char text[PL_GLYPH_MAX]; /* no control character in it */
    uint8_t len;
    uint8_t columns;
    bool is_escape; /* stands for what is not shown, as <U+001B> */
    size_t taken;   /* bytes of the source */
};

/* Decode the first character of `text`, which is not empty.  Return the bytes
 * that it takes; at broken UTF-8 one byte, and *code is PL_CODE_NONE. */
size_t pl_code_next(struct pl_span text, uint32_t *code);

/* Append the character `code` as UTF-8. */
void pl_code_put(struct pl_buf *b, uint32_t code);

/* Take the first glyph of *rest.  Return false at the end. */
bool pl_glyph_next(struct pl_span *rest, struct pl_glyph *g);

/* Append all of `text` as it is shown. */
void pl_glyphs_put(struct pl_buf *b, struct pl_span text);

/* Return the columns that `text` takes. */
size_t pl_glyphs_columns(struct pl_span text);

/* Return the bytes of the longest beginning of `text` that takes at most
 * `columns`; *taken receives its columns. */
size_t pl_glyphs_fit(struct pl_span text, size_t columns, size_t *taken);

/* Return the bytes of the first line of `text` if it is wrapped at `columns`,
 * and in *skip the bytes of the blanks or the newline that end the line.  Lines
 * break at blanks; a longer word breaks anywhere. */
size_t pl_glyphs_wrap(struct pl_span text, size_t columns, size_t *skip);

#endif
