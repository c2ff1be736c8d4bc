/* SPDX-License-Identifier: Apache-2.0 */
/* top_page.c - the lines of `parley top`; see top.h.
 *
 * Rates are differences between two statuses, by the broker's own clock: a
 * request that took long does not distort them. */
#include <inttypes.h>
#include <string.h>

#include "glyph.h"
#include "top.h"

static const struct column loop_columns[] = {
    {"LOOP", "loop", COLUMN_NUMBER, 4},
    {"LAG", "lag", COLUMN_TEXT, 8},
    {"LAG MAX", "lag_max", COLUMN_TEXT, 8},
    {"CPU", "cpu", COLUMN_TEXT, 4},
    {"CONNS", "connections", COLUMN_NUMBER, 7},
    {"ACTORS", "actors", COLUMN_NUMBER, 7},
    {"MAIL", "mail_queued", COLUMN_NUMBER, 7},
    {"POSTS/S", "posts_rate", COLUMN_NUMBER, 7},
    {"", "doing", COLUMN_TEXT, 0},
    {0}};

static json_int_t at(const json_t *o, const char *group, const char *key)
{
    if (group != NULL)
        o = json_object_get(o, group);
    return json_integer_value(json_object_get(o, key));
}

static const char *text_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s != NULL ? s : "?";
}

/* Milliseconds between the two statuses; 0: there is only one. */
static json_int_t elapsed_ms(const struct top *v)
{
    json_int_t ms = v->before == NULL ? 0
                                      : at(v->status, NULL, "uptime_ms") -
                                            at(v->before, NULL, "uptime_ms");

    return ms > 0 ? ms : 0;
}

static json_int_t per_second(const struct top *v, json_int_t now,
                             json_int_t before)
{
    json_int_t ms = elapsed_ms(v);

    return ms == 0 || now < before ? 0 : (now - before) * 1000 / ms;
}

static json_int_t rate(const struct top *v, const char *group, const char *key)
{
    return per_second(v, at(v->status, group, key), at(v->before, group, key));
}

static struct pl_buf *add(struct page *p, enum line_kind kind)
{
    if (p->count == TOP_LINES_MAX)
        p->count--; /* the last one is overwritten */
    struct line *l = &p->lines[p->count++];
    l->kind = kind;
    l->row = NULL;
    l->text.len = 0;
    return &l->text;
}

/* --- The broker --- */

static void put_uptime(struct pl_buf *b, json_int_t ms)
{
    int minutes = (int)(ms / 60000);

    if (minutes >= 1440)
        pl_buf_printf(b, "%dd ", minutes / 1440);
    pl_buf_printf(b, "%02d:%02d", minutes / 60 % 24, minutes % 60);
}

static void put_named(struct pl_buf *b, const char *name, json_int_t n,
                      const char *unit)
{
    pl_buf_printf(b, "  %s ", name);
    table_put_number(b, n);
    pl_buf_put_span(b, pl_span_of(unit));
}

static json_int_t sum_rates(const struct top *v, const char *group)
{
    json_int_t sum = 0;
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(v->status, group), key, value) sum +=
        rate(v, group, key);
    return sum;
}

static void write_title(const struct top *v, struct page *p)
{
    struct pl_buf *b = add(p, LINE_TITLE);

    pl_buf_put_span(b, PL_SPAN("parley top  "));
    pl_glyphs_put(b, pl_span_of(target_name(v->target)));
    pl_buf_put_span(b, PL_SPAN("  up "));
    put_uptime(b, at(v->status, NULL, "uptime_ms"));
    pl_buf_printf(b, "  %s", text_at(v->status, "phase"));
    put_named(b, "conns", at(v->status, "connections", "open"), "");
    put_named(b, "chans", at(v->status, "channels", "with_subscribers"), "");
    put_named(b, "in", rate(v, "messages", "in"), "/s");
    put_named(b, "out", rate(v, "messages", "out"), "/s");
    put_named(b, "drops", sum_rates(v, "drops"), "/s");
}

/* --- Loops --- */

static json_t *ms_text(json_int_t ns)
{
    return json_sprintf("%.1fms", (double)ns / 1e6);
}

static json_t *cpu_text(const struct top *v, json_int_t now, json_int_t before)
{
    json_int_t ms = elapsed_ms(v);

    if (ms == 0 || now < before || now == 0)
        return json_string("-");
    return json_sprintf("%d%%", (int)((now - before) / (ms * 10000)));
}

static json_t *doing(const json_t *loop)
{
    const char *handler = json_string_value(json_object_get(loop, "handler"));
    json_int_t stuck_ms = at(loop, NULL, "stuck_ms");

    if (stuck_ms > 0)
        return json_sprintf("NOT TURNING for %" JSON_INTEGER_FORMAT " ms",
                            stuck_ms);
    if (handler != NULL)
        return json_sprintf("in %s", handler);
    return json_string("");
}

static json_t *loop_row(const struct top *v, size_t i)
{
    json_t *now = json_array_get(json_object_get(v->status, "loops"), i);
    json_t *before = json_array_get(json_object_get(v->before, "loops"), i);
    json_t *row = json_copy(now);

    json_object_set_new(row, "lag", ms_text(at(now, NULL, "lag_recent_ns")));
    json_object_set_new(row, "lag_max", ms_text(at(now, NULL, "lag_max_ns")));
    json_object_set_new(
        row, "cpu",
        cpu_text(v, at(now, NULL, "cpu_ns"), at(before, NULL, "cpu_ns")));
    json_object_set_new(row, "posts_rate",
                        json_integer(per_second(v, at(now, NULL, "posts"),
                                                at(before, NULL, "posts"))));
    json_object_set_new(row, "doing", doing(now));
    return row;
}

static void write_loops(const struct top *v, struct page *p)
{
    size_t count = json_array_size(json_object_get(v->status, "loops"));

    table_put_head(add(p, LINE_HEAD), loop_columns);
    for (size_t i = 0; i < count; i++) {
        json_t *row = loop_row(v, i);
        bool is_stuck = at(row, NULL, "stuck_ms") > 0;

        table_put_row(add(p, is_stuck ? LINE_ALARM : LINE_TEXT), loop_columns,
                      row);
        json_decref(row);
    }
}

/* --- Reasons --- */

/* Each number of the group that is not 0: how many a second, and in all. */
static void write_reasons(const struct top *v, struct page *p,
                          const char *title, const char *group)
{
    struct pl_buf *b = add(p, LINE_TEXT);
    const char *key, *between = "  ";
    json_t *value;

    pl_buf_printf(b, "%-9s", title);
    json_object_foreach(json_object_get(v->status, group), key, value)
    {
        if (json_integer_value(value) == 0)
            continue;
        pl_buf_printf(b, "%s%s ", between, key);
        table_put_number(b, rate(v, group, key));
        pl_buf_put_span(b, PL_SPAN("/s "));
        table_put_number(b, json_integer_value(value));
        between = ", ";
    }
    if (between[0] == ' ')
        pl_buf_put_span(b, PL_SPAN("  none"));
}

static void write_ledgers(const struct top *v, struct page *p)
{
    struct pl_buf *b = add(p, LINE_TEXT);
    const char *key;
    json_t *value;

    pl_buf_printf(b, "%-9s", "ledgers");
    json_object_foreach(json_object_get(v->status, "ledgers"), key, value)
        pl_buf_printf(
            b, "  %s %s", key,
            json_is_true(json_object_get(value, "balanced")) ? "ok" : "open");
}

/* --- Rows --- */

static bool is_wanted(const struct top *v, const json_t *row)
{
    const char *key;
    json_t *value;

    if (v->filter == NULL || v->filter[0] == '\0')
        return true;
    json_object_foreach((json_t *)row, key, value)
    {
        const char *s = json_string_value(value);

        if (s != NULL && strstr(s, v->filter) != NULL)
            return true;
    }
    return false;
}

static void write_rows(const struct top *v, struct page *p)
{
    json_t *row;
    size_t i;

    if (v->table->columns == NULL)
        return;
    add(p, LINE_TEXT);
    table_put_head(add(p, LINE_HEAD), v->table->columns);
    json_array_foreach(v->rows, i, row)
    {
        if (!is_wanted(v, row))
            continue;
        table_put_row(add(p, LINE_ROW), v->table->columns, row);
        p->lines[p->count - 1].row = row;
    }
}

void top_write(const struct top *v, struct page *p)
{
    p->count = 0;
    write_title(v, p);
    write_loops(v, p);
    add(p, LINE_TEXT);
    write_reasons(v, p, "dropped", "drops");
    write_reasons(v, p, "closed", "closed");
    write_ledgers(v, p);
    write_rows(v, p);
}

void page_fini(struct page *p)
{
    for (int i = 0; i < TOP_LINES_MAX; i++)
        pl_buf_fini(&p->lines[i].text);
    p->count = 0;
}
