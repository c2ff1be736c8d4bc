/* SPDX-License-Identifier: Apache-2.0 */
/* config_text.c - see config_text.h.
 *
 * YAML takes three characters beyond ASCII for ends of lines, and folds them
 * even in quotes.  They have escapes of their own. */
#include "config_text.h"

#include <stdio.h>

static const struct {
    struct pl_span raw;
    const char *escaped;
} line_ends[] = {
    {{"\xc2\x85", 2}, "\\N"},
    {{"\xe2\x80\xa8", 3}, "\\L"},
    {{"\xe2\x80\xa9", 3}, "\\P"},
};

/* Append the escape of the end of a line at `at`.  Return its length, 0: there
 * is none. */
static size_t put_line_end(struct pl_buf *out, struct pl_span at)
{
    for (size_t i = 0; i < sizeof line_ends / sizeof line_ends[0]; i++) {
        struct pl_span raw = line_ends[i].raw;

        if (at.len < raw.len || memcmp(at.at, raw.at, raw.len) != 0)
            continue;
        pl_buf_put_span(out, pl_span_of(line_ends[i].escaped));
        return raw.len;
    }
    return 0;
}

static size_t put_character(struct pl_buf *out, struct pl_span at)
{
    unsigned char c = (unsigned char)at.at[0];
    size_t len = put_line_end(out, at);

    if (len > 0)
        return len;
    if (c < ' ' || c == 0x7f) {
        pl_buf_printf(out, "\\x%02x", c);
        return 1;
    }
    if (c == '"' || c == '\\')
        pl_buf_put_byte(out, '\\');
    pl_buf_put_byte(out, (char)c);
    return 1;
}

void pl_config_put_quoted(struct pl_buf *out, struct pl_span text)
{
    pl_buf_reserve(out, 4 * text.len + 8);
    pl_buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len;)
        i += put_character(out, (struct pl_span){text.at + i, text.len - i});
    pl_buf_put_byte(out, '"');
}
