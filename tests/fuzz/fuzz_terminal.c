/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_terminal.c - any bytes from a keyboard, and any text of others.
 *
 * What is shown contains no control character; the keys keep the line valid
 * UTF-8 with its cursor inside; bytes one by one give the keys that all at once
 * give. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"
#include "glyph.h"
#include "keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNITS_MAX = 100 };

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void require_safe(const char *text, size_t len)
{
    struct pl_span rest = {text, len};
    uint32_t code;

    while (rest.len > 0) {
        size_t taken = pl_code_next(rest, &code);

        require(code != PL_CODE_NONE && code >= 0x20);
        require(code < 0x7f || code > 0x9f);
        require(code < 0x202a || code > 0x202e);
        rest.at += taken;
        rest.len -= taken;
    }
}

static void show(struct pl_span text)
{
    struct pl_glyph g;
    struct pl_span rest = text;
    size_t skip, taken = 0;

    while (pl_glyph_next(&rest, &g)) {
        require(g.taken > 0 && g.columns > 0 && g.len <= sizeof g.text);
        require_safe(g.text, g.len);
        taken += g.taken;
    }
    require(taken == text.len);
    while (text.len > 0) {
        size_t len = pl_glyphs_wrap(text, 7, &skip);

        require(len + skip > 0 && len + skip <= text.len);
        text.at += len + skip;
        text.len -= len + skip;
    }
}

struct typed {
    struct pl_editor editor;
    struct pl_history history;
    uint32_t sum; /* of all keys */
};

static void on_key(const struct pl_key *key, void *arg)
{
    struct typed *t = arg;
    struct pl_editor *e = &t->editor;

    t->sum = t->sum * 31 + (uint32_t)key->kind * 7 + key->code + key->mods * 3;
    require(key->kind != PL_KEY_TEXT || key->code >= 0x20);
    if (key->kind == PL_KEY_ENTER) {
        pl_history_add(&t->history, pl_buf_span(&e->text));
        pl_editor_clear(e);
    } else {
        pl_editor_key(e, key);
    }
    require(e->cursor <= e->text.len && e->units <= UNITS_MAX);
    require(e->units == pl_editor_units(pl_buf_span(&e->text)));
}

static uint32_t type(struct pl_span bytes, size_t step)
{
    struct typed t = {.sum = 0};
    struct pl_keys keys = {.got = on_key, .arg = &t};

    require(pl_history_init(&t.history, NULL) == PL_OK);
    pl_editor_init(&t.editor, UNITS_MAX, &t.history);
    while (bytes.len > 0) {
        size_t len = bytes.len < step ? bytes.len : step;

        pl_keys_feed(&keys, bytes.at, len);
        bytes.at += len;
        bytes.len -= len;
    }
    pl_keys_flush(&keys);
    require(!pl_keys_is_pending(&keys));
    struct pl_span rest = pl_buf_span(&t.editor.text);
    while (rest.len > 0) {
        uint32_t code;
        size_t taken = pl_code_next(rest, &code);

        require(code != PL_CODE_NONE);
        rest.at += taken;
        rest.len -= taken;
    }
    pl_editor_fini(&t.editor);
    pl_history_fini(&t.history);
    return t.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    struct pl_span text = {copy, size};

    require(copy != NULL && setlocale(LC_CTYPE, "C.UTF-8") != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    show(text);
    require(type(text, 1) == type(text, SIZE_MAX));
    free(copy);
    return 0;
}
