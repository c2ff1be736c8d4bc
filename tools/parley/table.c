/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - see table.h. */
#include "table.h"

#include <inttypes.h>
#include <string.h>

#include "glyph.h"

static void put_blanks(struct pl_buf *out, int count)
{
    for (; count > 0; count--)
        pl_buf_put_byte(out, ' ');
}

/* Append "41.2k": three digits that count, and a unit. */
static void put_scaled(struct pl_buf *out, json_int_t n,
                       const char *const *unit, double step)
{
    double value = (double)n;

    while (value >= 999.5 && unit[1] != NULL) {
        value /= step;
        unit++;
    }
    pl_buf_printf(out, "%.*f%s",
                  value < 9.95   ? 2
                  : value < 99.5 ? 1
                                 : 0,
                  value, *unit);
}

void table_put_number(struct pl_buf *out, json_int_t n)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", NULL};

    if (n >= 1000000)
        put_scaled(out, n, units, 1000);
    else if (n >= 1000)
        pl_buf_printf(out, "%" JSON_INTEGER_FORMAT ",%03d", n / 1000,
                      (int)(n % 1000));
    else
        pl_buf_printf(out, "%" JSON_INTEGER_FORMAT, n);
}

void table_put_bytes(struct pl_buf *out, json_int_t n)
{
    static const char *const units[] = {" B",  " kB", " MB", " GB",
                                        " TB", " PB", NULL};

    if (n < 1000)
        pl_buf_printf(out, "%" JSON_INTEGER_FORMAT " B", n);
    else
        put_scaled(out, n, units, 1000);
}

static void put_right(struct pl_buf *out, const struct pl_buf *text, int width)
{
    put_blanks(out, width - (int)text->len);
    pl_buf_put_span(out, pl_buf_span(text));
}

static void put_left(struct pl_buf *out, struct pl_span text, int width)
{
    size_t columns = 0, len = text.len;

    if (width > 0)
        len = pl_glyphs_fit(text, (size_t)width, &columns);
    pl_glyphs_put(out, (struct pl_span){text.at, len});
    put_blanks(out, width - (int)columns);
}

static void put_cell(struct pl_buf *out, const struct column *c,
                     const json_t *value)
{
    struct pl_buf text = {0};
    const char *string = json_string_value(value);

    switch (c->kind) {
    case COLUMN_TEXT:
        put_left(out, pl_span_of(string != NULL ? string : ""), c->width);
        break;
    case COLUMN_FLAG:
        put_left(out, pl_span_of(json_is_true(value) ? c->title : ""),
                 c->width);
        break;
    case COLUMN_NUMBER:
        table_put_number(&text, json_integer_value(value));
        put_right(out, &text, c->width);
        break;
    case COLUMN_BYTES:
        table_put_bytes(&text, json_integer_value(value));
        put_right(out, &text, c->width);
        break;
    }
    pl_buf_fini(&text);
}

/* Lines do not end in blanks. */
static void trim(struct pl_buf *out)
{
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
}

void table_put_head(struct pl_buf *out, const struct column *c)
{
    for (; c->title != NULL; c++) {
        bool is_right = c->kind == COLUMN_NUMBER || c->kind == COLUMN_BYTES;

        put_blanks(out, is_right ? c->width - (int)strlen(c->title) : 0);
        pl_buf_put_span(out, pl_span_of(c->title));
        put_blanks(out, is_right ? 2 : c->width - (int)strlen(c->title) + 2);
    }
    trim(out);
}

void table_put_row(struct pl_buf *out, const struct column *c,
                   const json_t *row)
{
    for (; c->title != NULL; c++) {
        put_cell(out, c, json_object_get(row, c->key));
        put_blanks(out, 2);
    }
    trim(out);
}
