/* SPDX-License-Identifier: Apache-2.0 */
/* glyph.c - see glyph.h.
 *
 * A terminal obeys control characters in whatever it is sent, so no text of
 * others may contain one: C0, C1 and DEL become <U+001B>.  So do the characters
 * that reorder or hide other text, since a name could look like another one.
 * Broken UTF-8 becomes "?", and a tab one blank.
 *
 * wcwidth() decides the width because curses uses it too.  Variation selectors
 * and the joiners of pictographs are dropped: terminals disagree on the width
 * of what they make.
 *
 * Invariant: each glyph takes at least one byte of the source. */
#include "glyph.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

size_t pl_code_next(struct pl_span text, uint32_t *code)
{
    const unsigned char *b = (const unsigned char *)text.at;
    size_t len = b[0] < 0x80             ? 1
                 : (b[0] & 0xe0) == 0xc0 ? 2
                 : (b[0] & 0xf0) == 0xe0 ? 3
                 : (b[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = len == 1 ? b[0] : b[0] & (0x7fu >> len);

    *code = PL_CODE_NONE;
    if (len == 0 || len > text.len)
        return 1;
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (b[i] & 0x3fu);
    }
    if (c < least[len] || c >= PL_CODE_NONE || (c >= 0xd800 && c < 0xe000))
        return 1;
    *code = c;
    return len;
}

static size_t encode(char *at, uint32_t code)
{
    if (code < 0x80) {
        at[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        at[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    at[0] = (char)((0xf00u >> len & 0xf0) | code);
    return len;
}

void pl_code_put(struct pl_buf *b, uint32_t code)
{
    char bytes[4];

    pl_buf_put(b, bytes, encode(bytes, code));
}

static bool is_within(uint32_t code, const uint32_t (*ranges)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1])
            return true;
    return false;
}

/* Controls, what reorders text, and what takes no place and joins nothing. */
static bool must_escape(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0, 0x1f},          {0x7f, 0x9f},     {0xad, 0xad},
        {0x61c, 0x61c},     {0x115f, 0x1160}, {0x180e, 0x180e},
        {0x200b, 0x200b},   {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f},   {0x3164, 0x3164}, {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe00ff},
    };

    return is_within(code, ranges, sizeof ranges / sizeof ranges[0]);
}

/* Ignored where it stands. */
static bool is_dropped(uint32_t code, uint32_t base)
{
    return (code >= 0xfe00 && code <= 0xfe0f) ||
           (code >= 0xe0100 && code <= 0xe01ef) ||
           (code == 0x200d && base >= 0x1f000);
}

static bool is_unicode(void)
{
    return MB_CUR_MAX > 1;
}

static void set(struct pl_glyph *g, const char *text, bool is_escape)
{
    g->len = (uint8_t)snprintf(g->text, sizeof g->text, "%s", text);
    g->columns = g->len;
    g->is_escape = is_escape;
}

static void set_escape(struct pl_glyph *g, uint32_t code)
{
    char text[16];

    snprintf(text, sizeof text, "<U+%04X>", code);
    set(g, text, true);
}

/* Append the combining characters that follow a base. */
static void take_combining(struct pl_glyph *g, struct pl_span *rest,
                           uint32_t base)
{
    uint32_t code;
    unsigned count = 0;

    while (rest->len > 0) {
        size_t len = pl_code_next(*rest, &code);

        if (code == PL_CODE_NONE || code < 0x80)
            return;
        if (!is_dropped(code, base)) {
            if (must_escape(code) || wcwidth((wchar_t)code) != 0)
                return;
            if (count++ < PL_GLYPH_COMBINING)
                g->len = (uint8_t)(g->len + encode(g->text + g->len, code));
        }
        rest->at += len;
        rest->len -= len;
        g->taken += len;
    }
}

/* Set the glyph of one character.  Return false if nothing combines with it. */
static bool set_base(struct pl_glyph *g, uint32_t code)
{
    if (code == PL_CODE_NONE) {
        set(g, "?", true);
        return false;
    }
    if (code == '\t') {
        set(g, " ", false);
        return false;
    }
    if (must_escape(code)) {
        set_escape(g, code);
        return false;
    }
    if (code >= 0x80 && !is_unicode()) {
        set(g, "?", true);
        return false;
    }
    int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);
    if (columns < 0) {
        set_escape(g, code);
        return false;
    }
    g->len = 0;
    if (columns == 0)
        g->text[g->len++] = ' '; /* a combining character without a base */
    if (columns != 0 || !is_dropped(code, PL_CODE_NONE))
        g->len = (uint8_t)(g->len + encode(g->text + g->len, code));
    g->columns = columns == 0 ? 1 : (uint8_t)columns;
    return true;
}

bool pl_glyph_next(struct pl_span *rest, struct pl_glyph *g)
{
    uint32_t code;

    if (rest->len == 0)
        return false;
    *g = (struct pl_glyph){.taken = pl_code_next(*rest, &code)};
    rest->at += g->taken;
    rest->len -= g->taken;
    if (set_base(g, code) && is_unicode())
        take_combining(g, rest, code);
    return true;
}

void pl_glyphs_put(struct pl_buf *b, struct pl_span text)
{
    struct pl_glyph g;

    while (pl_glyph_next(&text, &g))
        pl_buf_put(b, g.text, g.len);
}

size_t pl_glyphs_columns(struct pl_span text)
{
    struct pl_glyph g;
    size_t columns = 0;

    while (pl_glyph_next(&text, &g))
        columns += g.columns;
    return columns;
}

size_t pl_glyphs_fit(struct pl_span text, size_t columns, size_t *taken)
{
    struct pl_glyph g;
    size_t len = 0;

    *taken = 0;
    while (pl_glyph_next(&text, &g) && *taken + g.columns <= columns) {
        *taken += g.columns;
        len += g.taken;
    }
    return len;
}

/* The bytes of blanks at the beginning of `text`, which may end in a newline.
 */
static size_t blanks(struct pl_span text)
{
    size_t n = 0;

    while (n < text.len && text.at[n] == ' ')
        n++;
    return n < text.len && text.at[n] == '\n' ? n + 1 : n;
}

size_t pl_glyphs_wrap(struct pl_span text, size_t columns, size_t *skip)
{
    const char *newline = memchr(text.at, '\n', text.len);
    struct pl_span line = {
        text.at, newline == NULL ? text.len : (size_t)(newline - text.at)};
    size_t width;
    size_t len = pl_glyphs_fit(line, columns, &width);

    *skip = 0;
    if (len == line.len) {
        *skip = newline != NULL;
        return len;
    }
    if (len == 0) { /* a glyph that is wider than the line */
        struct pl_glyph g;

        pl_glyph_next(&line, &g);
        return g.taken;
    }
    size_t at = len;
    while (at > 0 && text.at[at] != ' ')
        at--;
    if (at == 0)
        return len;
    while (at > 1 && text.at[at - 1] == ' ')
        at--;
    *skip = blanks((struct pl_span){text.at + at, text.len - at});
    return at;
}
