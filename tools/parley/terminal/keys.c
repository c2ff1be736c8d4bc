/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - see keys.h.
 *
 * A sequence is kept until it is complete: a character of UTF-8, ESC and a
 * character (Alt), ESC O and a letter, or ESC [ with parameters and a final
 * byte.  A sequence that is too long or unknown is dropped whole, so that its
 * rest is not taken for text.
 *
 * Rejected: getch() of curses, because it knows no bracketed paste, and blocks
 * for the Escape key.  Rejected: sequences from terminfo; all terminals that
 * show UTF-8 send those of xterm.
 *
 * Invariant: what is pasted never becomes a key, so that a pasted newline
 * sends nothing. */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

#include "glyph.h"

enum { ESC = 0x1b, DEL = 0x7f };

static void give(struct pl_keys *k, enum pl_key_kind kind, uint32_t code,
                 unsigned mods)
{
    struct pl_key key = {.kind = kind, .code = code, .mods = mods};

    k->got(&key, k->arg);
}

static void give_pasted(struct pl_keys *k, uint32_t code)
{
    if (code == '\r')
        code = '\n';
    if (code == '\n' || code == '\t' || (code >= 0x20 && code != DEL))
        give(k, PL_KEY_PASTE, code, 0);
}

/* A whole character that is not ESC. */
static void give_char(struct pl_keys *k, uint32_t code, unsigned mods)
{
    if (code == PL_CODE_NONE)
        return;
    if (k->is_paste)
        give_pasted(k, code);
    else if (code == '\r' || code == '\n')
        give(k, PL_KEY_ENTER, 0, mods);
    else if (code == '\t')
        give(k, PL_KEY_TAB, 0, mods);
    else if (code == DEL || code == '\b')
        give(k, PL_KEY_BACKSPACE, 0, mods);
    else if (code == ESC)
        give(k, PL_KEY_ESCAPE, 0, mods);
    else if (code == 0)
        give(k, PL_KEY_CTRL, '@', mods);
    else if (code < 0x1b)
        give(k, PL_KEY_CTRL, code + 'a' - 1, mods);
    else if (code < 0x20)
        give(k, PL_KEY_CTRL, code + '@', mods);
    else
        give(k, PL_KEY_TEXT, code, mods);
}

/* --- ESC [ and ESC O --- */

/* ESC [ A, ESC [ 1 ; 5 A and ESC O A. */
static bool letter_key(char letter, enum pl_key_kind *kind, uint32_t *code)
{
    static const struct {
        char letter;
        enum pl_key_kind kind;
        uint32_t code;
    } table[] = {
        {'A', PL_KEY_UP, 0},   {'B', PL_KEY_DOWN, 0}, {'C', PL_KEY_RIGHT, 0},
        {'D', PL_KEY_LEFT, 0}, {'H', PL_KEY_HOME, 0}, {'F', PL_KEY_END, 0},
        {'P', PL_KEY_F, 1},    {'Q', PL_KEY_F, 2},    {'R', PL_KEY_F, 3},
        {'S', PL_KEY_F, 4},    {'Z', PL_KEY_TAB, 0},  {'M', PL_KEY_ENTER, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].letter != letter)
            continue;
        *kind = table[i].kind;
        *code = table[i].code;
        return true;
    }
    return false;
}

/* ESC [ 5 ~ */
static bool number_key(unsigned number, enum pl_key_kind *kind, uint32_t *code)
{
    static const struct {
        uint8_t number;
        uint8_t kind;
        uint8_t code;
    } table[] = {
        {1, PL_KEY_HOME, 0}, {2, PL_KEY_INSERT, 0},    {3, PL_KEY_DELETE, 0},
        {4, PL_KEY_END, 0},  {5, PL_KEY_PAGE_UP, 0},   {7, PL_KEY_HOME, 0},
        {8, PL_KEY_END, 0},  {6, PL_KEY_PAGE_DOWN, 0}, {11, PL_KEY_F, 1},
        {12, PL_KEY_F, 2},   {13, PL_KEY_F, 3},        {14, PL_KEY_F, 4},
        {15, PL_KEY_F, 5},   {17, PL_KEY_F, 6},        {18, PL_KEY_F, 7},
        {19, PL_KEY_F, 8},   {20, PL_KEY_F, 9},        {21, PL_KEY_F, 10},
        {23, PL_KEY_F, 11},  {24, PL_KEY_F, 12},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].number != number)
            continue;
        *kind = table[i].kind;
        *code = table[i].code;
        return true;
    }
    return false;
}

/* The modifiers of xterm: one more than the sum of shift, alt and control. */
static unsigned mods_of(const char *parameters)
{
    const char *semicolon = strchr(parameters, ';');

    if (semicolon == NULL)
        return 0;
    unsigned long sum = strtoul(semicolon + 1, NULL, 10);
    return sum >= 1 && sum <= 8 ? (unsigned)(sum - 1) : 0;
}

/* held is ESC [ parameters final. */
static void run_csi(struct pl_keys *k)
{
    char parameters[PL_KEYS_SEQUENCE_MAX] = "";
    char final = k->held[k->held_len - 1];
    enum pl_key_kind kind;
    uint32_t code = 0;

    memcpy(parameters, k->held + 2, k->held_len - 3);
    unsigned long number = strtoul(parameters, NULL, 10);
    if (final == '~' && number >= 200 && number <= 201) {
        k->is_paste = number == 200;
        return;
    }
    bool is_known = final == '~' ? number_key((unsigned)number, &kind, &code)
                                 : letter_key(final, &kind, &code);
    if (!is_known || k->is_paste)
        return;
    unsigned mods = mods_of(parameters);
    if (final == 'Z')
        mods |= PL_KEY_SHIFT;
    give(k, kind, code, mods);
}

/* True if held is a whole ESC [ sequence. */
static bool csi_is_whole(const struct pl_keys *k)
{
    unsigned char last = (unsigned char)k->held[k->held_len - 1];

    return k->held_len > 2 && last >= 0x40 && last <= 0x7e;
}

static void run_ss3(struct pl_keys *k)
{
    enum pl_key_kind kind;
    uint32_t code;

    if (!k->is_paste && letter_key(k->held[2], &kind, &code))
        give(k, kind, code, 0);
}

/* --- Bytes --- */

/* A byte that no sequence contains ends it: an ESC begins the next one. */
static bool breaks(const struct pl_keys *k, unsigned char byte)
{
    return k->held_len > 1 && k->held[0] == ESC && (byte < 0x20 || byte == DEL);
}

/* Bytes of the character that begins with `lead`; 1: none begins so. */
static size_t length_of(unsigned char lead)
{
    return lead >= 0xf0 && lead < 0xf8   ? 4
           : lead >= 0xe0 && lead < 0xf0 ? 3
           : lead >= 0xc0 && lead < 0xe0 ? 2
                                         : 1;
}

/* A character of UTF-8 at held + from.  True: it was whole and is done. */
static bool run_utf8(struct pl_keys *k, size_t from, unsigned mods)
{
    struct pl_span text = {k->held + from, k->held_len - from};
    uint32_t code;

    if (text.len < length_of((unsigned char)text.at[0]))
        return false;
    pl_code_next(text, &code);
    give_char(k, code, mods);
    return true;
}

/* True: the sequence that held is complete, and was handled. */
static bool run_escape(struct pl_keys *k)
{
    if (k->held_len == 1)
        return false;
    if (k->held[1] == '[') {
        if (!csi_is_whole(k))
            return false;
        if (k->held_len < PL_KEYS_SEQUENCE_MAX)
            run_csi(k);
        return true;
    }
    if (k->held[1] == 'O') {
        if (k->held_len < 3)
            return false;
        run_ss3(k);
        return true;
    }
    if (k->is_paste)
        return true;
    return run_utf8(k, 1, PL_KEY_ALT);
}

/* A character that is cut short by another one is dropped. */
static bool breaks_utf8(const struct pl_keys *k, unsigned char byte)
{
    size_t from = k->held[0] == ESC ? 1 : 0;

    return k->held_len > from && (unsigned char)k->held[from] >= 0x80 &&
           (byte & 0xc0) != 0x80;
}

static void take(struct pl_keys *k, unsigned char byte)
{
    if (k->held_len > 0 && (breaks(k, byte) || breaks_utf8(k, byte)))
        k->held_len = 0;
    /* ESC ESC is Alt-Escape with most terminals; ESC ESC [ A is Alt-Up. */
    if (k->held_len == 1 && k->held[0] == ESC && byte == ESC)
        return;
    if (k->held_len == PL_KEYS_SEQUENCE_MAX)
        k->held[PL_KEYS_SEQUENCE_MAX - 1] =
            (char)byte; /* only the end counts */
    else
        k->held[k->held_len++] = (char)byte;
    bool is_done = k->held[0] == ESC ? run_escape(k) : run_utf8(k, 0, 0);
    if (is_done)
        k->held_len = 0;
}

void pl_keys_feed(struct pl_keys *k, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        take(k, (unsigned char)bytes[i]);
}

bool pl_keys_is_pending(const struct pl_keys *k)
{
    return k->held_len > 0;
}

void pl_keys_flush(struct pl_keys *k)
{
    bool is_escape = k->held_len == 1 && k->held[0] == ESC && !k->is_paste;

    k->held_len = 0;
    if (is_escape)
        give(k, PL_KEY_ESCAPE, 0, 0);
}
