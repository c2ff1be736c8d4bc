/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - see names.h.
 *
 * tools/demo/room.js and app.js do the same; two names that are equal there
 * must be equal here, or a room would be two. */
#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "glyph.h"

static uint32_t take(struct pl_span *rest)
{
    uint32_t code;
    size_t len = pl_code_next(*rest, &code);

    rest->at += len;
    rest->len -= len;
    return code;
}

static bool is_blank(uint32_t code)
{
    return code == 0xa0 || code == 0xfeff || code == 0x2007 || code == 0x202f ||
           (code != PL_CODE_NONE && iswspace((wint_t)code));
}

char *pl_chat_clip(struct pl_span text, size_t units_max)
{
    struct pl_buf b = {0};
    size_t units = 0, end = 0;

    while (text.len > 0 && units < units_max) {
        uint32_t code = take(&text);

        if (code == PL_CODE_NONE || code == 0 || (is_blank(code) && b.len == 0))
            continue;
        units += code >= 0x10000 ? 2 : 1;
        if (units > units_max)
            break;
        pl_code_put(&b, code);
        if (!is_blank(code))
            end = b.len;
    }
    b.len = end;
    pl_buf_put_byte(&b, '\0');
    if (b.failed) {
        pl_buf_fini(&b);
        return NULL;
    }
    return b.data;
}

void pl_chat_clean_room(char room[PL_CHAT_ROOM_SIZE], struct pl_span text)
{
    struct pl_buf b = {0};
    bool needs_dash = false;

    for (unsigned chars = 0; text.len > 0 && chars < PL_CHAT_ROOM_CHARS;) {
        uint32_t code = take(&text);

        if (code == PL_CODE_NONE || !iswalnum((wint_t)code)) {
            needs_dash = b.len > 0;
            continue;
        }
        if (needs_dash) {
            if (++chars == PL_CHAT_ROOM_CHARS)
                break; /* no dash at the end */
            pl_buf_put_byte(&b, '-');
        }
        needs_dash = false;
        pl_code_put(&b, (uint32_t)towlower((wint_t)code));
        chars++;
    }
    memcpy(room, b.len == 0 || b.failed ? "" : b.data, b.failed ? 0 : b.len);
    room[b.failed ? 0 : b.len] = '\0';
    pl_buf_fini(&b);
}

/* Characters that take no place. */
static bool is_unseen(uint32_t code)
{
    return code == PL_CODE_NONE || code < 0x20 ||
           (code >= 0x7f && code <= 0x9f) || is_blank(code) || code == 0xad ||
           (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) ||
           (code >= 0xe0000 && code <= 0xe01ef);
}

/* Letters and signs of full width look like their plain ones. */
static uint32_t plain(uint32_t code)
{
    if (code >= 0xff01 && code <= 0xff5e)
        code -= 0xfee0;
    return (uint32_t)towlower((wint_t)code);
}

void pl_chat_put_look(struct pl_buf *b, const char *nick)
{
    struct pl_span rest = pl_span_of(nick);

    while (rest.len > 0) {
        uint32_t code = take(&rest);

        if (!is_unseen(code))
            pl_code_put(b, plain(code));
    }
}

bool pl_chat_looks_same(const char *a, const char *b)
{
    struct pl_buf one = {0}, other = {0};

    pl_chat_put_look(&one, a);
    pl_chat_put_look(&other, b);
    bool is_same = pl_span_equal(pl_buf_span(&one), pl_buf_span(&other));
    pl_buf_fini(&one);
    pl_buf_fini(&other);
    return is_same;
}

bool pl_chat_begins_with(const char *text, struct pl_span start)
{
    struct pl_span rest = pl_span_of(text);

    while (start.len > 0) {
        if (rest.len == 0 || plain(take(&rest)) != plain(take(&start)))
            return false;
    }
    return true;
}

static bool is_word(uint32_t code)
{
    return code != PL_CODE_NONE && (code == '_' || iswalnum((wint_t)code));
}

bool pl_chat_mentions(const char *text, const char *nick)
{
    struct pl_span rest = pl_span_of(text), name = pl_span_of(nick);
    bool is_inside = false; /* a word */

    while (rest.len > 0 && name.len > 0) {
        struct pl_span after = rest;

        if (!is_inside && pl_chat_begins_with(rest.at, name)) {
            for (struct pl_span n = name; n.len > 0;) {
                take(&n);
                take(&after);
            }
            if (after.len == 0 || !is_word(take(&after)))
                return true;
        }
        is_inside = is_word(take(&rest));
    }
    return false;
}

const char *pl_chat_tag(const char *client)
{
    size_t len = strlen(client);

    return len > 4 ? client + len - 4 : client;
}
