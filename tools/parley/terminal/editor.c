/* SPDX-License-Identifier: Apache-2.0 */
/* editor.c - see editor.h.
 *
 * The cursor moves by glyphs, so that a letter and its accents are one step.
 * Kills that follow one another are one text for the next yank.
 *
 * Rejected: readline, because its licence would be that of the whole program,
 * and because it wants the screen for itself, as linenoise and libedit do.
 *
 * Invariant: the cursor is at the begin of a glyph or at the end of the text,
 * and the text has at most units_max UTF-16 units. */
#include "editor.h"

#include <string.h>
#include <wctype.h>

#include "glyph.h"

size_t pl_editor_units(struct pl_span text)
{
    size_t units = 0;
    uint32_t code;

    while (text.len > 0) {
        size_t len = pl_code_next(text, &code);

        units += code != PL_CODE_NONE && code >= 0x10000 ? 2 : 1;
        text.at += len;
        text.len -= len;
    }
    return units;
}

void pl_editor_init(struct pl_editor *e, size_t units_max,
                    const struct pl_history *history)
{
    *e = (struct pl_editor){.units_max = units_max, .history = history};
}

void pl_editor_fini(struct pl_editor *e)
{
    pl_buf_fini(&e->text);
    pl_buf_fini(&e->killed);
    pl_buf_fini(&e->typed);
}

static struct pl_span part(const struct pl_editor *e, size_t from, size_t to)
{
    if (e->text.data == NULL)
        return (struct pl_span){"", 0};
    return (struct pl_span){e->text.data + from, to - from};
}

/* --- Places in the text --- */

static size_t glyph_after(const struct pl_editor *e, size_t at)
{
    struct pl_span rest = part(e, at, e->text.len);
    struct pl_glyph g;

    return pl_glyph_next(&rest, &g) ? at + g.taken : at;
}

/* Glyphs can be found from the begin of the text only. */
static size_t glyph_before(const struct pl_editor *e, size_t at)
{
    size_t found = 0;

    for (size_t next = 0; next < at; next = glyph_after(e, next))
        found = next;
    return found;
}

static bool is_word(const struct pl_editor *e, size_t at)
{
    uint32_t code;

    pl_code_next(part(e, at, e->text.len), &code);
    return code != PL_CODE_NONE && (iswalnum((wint_t)code) || code == '_');
}

static size_t word_after(const struct pl_editor *e, size_t at)
{
    while (at < e->text.len && !is_word(e, at))
        at = glyph_after(e, at);
    while (at < e->text.len && is_word(e, at))
        at = glyph_after(e, at);
    return at;
}

static size_t word_before(const struct pl_editor *e, size_t at)
{
    while (at > 0 && !is_word(e, glyph_before(e, at)))
        at = glyph_before(e, at);
    while (at > 0 && is_word(e, glyph_before(e, at)))
        at = glyph_before(e, at);
    return at;
}

/* As C-w: a word ends at a blank. */
static size_t blank_before(const struct pl_editor *e, size_t at)
{
    while (at > 0 && e->text.data[at - 1] == ' ')
        at--;
    while (at > 0 && e->text.data[at - 1] != ' ')
        at--;
    return at;
}

/* --- Changes --- */

bool pl_editor_replace(struct pl_editor *e, size_t from, size_t len,
                       struct pl_span text)
{
    struct pl_buf new = {0};
    size_t units = e->units - pl_editor_units(part(e, from, from + len)) +
                   pl_editor_units(text);

    if (units > e->units_max)
        return false;
    pl_buf_put_span(&new, part(e, 0, from));
    pl_buf_put_span(&new, text);
    pl_buf_put_span(&new, part(e, from + len, e->text.len));
    if (new.failed) {
        pl_buf_fini(&new);
        return false;
    }
    pl_buf_fini(&e->text);
    e->text = new;
    e->units = units;
    e->cursor = from + text.len;
    /* A combining character joins the glyph before it. */
    if (e->cursor > 0 && e->cursor < e->text.len)
        e->cursor = glyph_after(e, glyph_before(e, e->cursor));
    return true;
}

bool pl_editor_insert(struct pl_editor *e, struct pl_span text)
{
    return pl_editor_replace(e, e->cursor, 0, text);
}

void pl_editor_clear(struct pl_editor *e)
{
    e->text.len = e->cursor = e->units = e->back = 0;
    e->has_killed = false;
}

static void delete_part(struct pl_editor *e, size_t from, size_t to)
{
    pl_editor_replace(e, from, to - from, (struct pl_span){"", 0});
}

/* Kill what is between `from` and `to`; one of them is the cursor. */
static void kill_part(struct pl_editor *e, size_t from, size_t to)
{
    struct pl_buf killed = {0};
    struct pl_span old = {"", 0};

    if (e->has_killed)
        old = pl_buf_span(&e->killed);
    if (to == e->cursor) {
        pl_buf_put_span(&killed, part(e, from, to));
        pl_buf_put_span(&killed, old);
    } else {
        pl_buf_put_span(&killed, old);
        pl_buf_put_span(&killed, part(e, from, to));
    }
    pl_buf_fini(&e->killed);
    e->killed = killed;
    delete_part(e, from, to);
    e->has_killed = true;
}

/* --- Earlier lines --- */

static struct pl_span line_back(const struct pl_editor *e, size_t back)
{
    if (back == 0)
        return pl_buf_span(&e->typed);
    return pl_span_of(e->history->lines[e->history->count - back]);
}

static void show_line(struct pl_editor *e, size_t back)
{
    if (e->history == NULL || back > e->history->count)
        return;
    if (e->back == 0) {
        e->typed.len = 0;
        pl_buf_put_span(&e->typed, pl_buf_span(&e->text));
    }
    e->back = back;
    pl_editor_replace(e, 0, e->text.len, line_back(e, back));
}

/* --- Keys --- */

static bool run_alt(struct pl_editor *e, uint32_t code)
{
    switch (code) {
    case 'b':
        e->cursor = word_before(e, e->cursor);
        return true;
    case 'f':
        e->cursor = word_after(e, e->cursor);
        return true;
    case 'd':
        kill_part(e, e->cursor, word_after(e, e->cursor));
        return true;
    default:
        return false;
    }
}

static bool run_kill(struct pl_editor *e, uint32_t code)
{
    switch (code) {
    case 'k':
        kill_part(e, e->cursor, e->text.len);
        return true;
    case 'u':
        kill_part(e, 0, e->cursor);
        return true;
    case 'w':
        kill_part(e, blank_before(e, e->cursor), e->cursor);
        return true;
    case 'y':
        pl_editor_insert(e, pl_buf_span(&e->killed));
        return true;
    default:
        return false;
    }
}

static bool run_ctrl(struct pl_editor *e, uint32_t code)
{
    switch (code) {
    case 'a':
        e->cursor = 0;
        return true;
    case 'e':
        e->cursor = e->text.len;
        return true;
    case 'b':
        e->cursor = glyph_before(e, e->cursor);
        return true;
    case 'f':
        e->cursor = glyph_after(e, e->cursor);
        return true;
    case 'd':
        if (e->text.len == 0)
            return false;
        delete_part(e, e->cursor, glyph_after(e, e->cursor));
        return true;
    case 'p':
        show_line(e, e->back + 1);
        return true;
    case 'n':
        if (e->back > 0)
            show_line(e, e->back - 1);
        return true;
    default:
        return run_kill(e, code);
    }
}

static bool run_backspace(struct pl_editor *e, unsigned mods)
{
    if (mods & PL_KEY_ALT)
        kill_part(e, word_before(e, e->cursor), e->cursor);
    else
        delete_part(e, glyph_before(e, e->cursor), e->cursor);
    return true;
}

static bool run_text(struct pl_editor *e, const struct pl_key *key)
{
    struct pl_buf b = {0};

    if (key->mods & PL_KEY_ALT)
        return run_alt(e, key->code);
    pl_code_put(&b, key->code);
    pl_editor_insert(e, pl_buf_span(&b));
    pl_buf_fini(&b);
    return true;
}

/* Keys that move the cursor sideways. */
static bool run_move(struct pl_editor *e, const struct pl_key *key)
{
    bool by_words = (key->mods & (PL_KEY_WITH_CTRL | PL_KEY_ALT)) != 0;

    switch (key->kind) {
    case PL_KEY_LEFT:
        e->cursor =
            by_words ? word_before(e, e->cursor) : glyph_before(e, e->cursor);
        return true;
    case PL_KEY_RIGHT:
        e->cursor =
            by_words ? word_after(e, e->cursor) : glyph_after(e, e->cursor);
        return true;
    case PL_KEY_HOME:
        return run_ctrl(e, 'a');
    case PL_KEY_END:
        return run_ctrl(e, 'e');
    default:
        return false;
    }
}

static bool run(struct pl_editor *e, const struct pl_key *key)
{
    switch (key->kind) {
    case PL_KEY_TEXT:
    case PL_KEY_PASTE:
        return run_text(e, key);
    case PL_KEY_CTRL:
        return run_ctrl(e, key->code);
    case PL_KEY_BACKSPACE:
        return run_backspace(e, key->mods);
    case PL_KEY_DELETE:
        delete_part(e, e->cursor, glyph_after(e, e->cursor));
        return true;
    case PL_KEY_UP:
        return run_ctrl(e, 'p');
    case PL_KEY_DOWN:
        return run_ctrl(e, 'n');
    default:
        return run_move(e, key);
    }
}

static bool is_kill(const struct pl_key *key)
{
    bool is_alt = (key->mods & PL_KEY_ALT) != 0;

    if (key->kind == PL_KEY_CTRL)
        return key->code == 'k' || key->code == 'u' || key->code == 'w';
    return is_alt && (key->kind == PL_KEY_BACKSPACE ||
                      (key->kind == PL_KEY_TEXT && key->code == 'd'));
}

bool pl_editor_key(struct pl_editor *e, const struct pl_key *key)
{
    if (!is_kill(key))
        e->has_killed = false;
    return run(e, key);
}
