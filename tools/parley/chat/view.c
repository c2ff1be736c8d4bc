/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - see view.h.
 *
 * Everything is drawn anew each time; curses sends what differs.  The window of
 * messages is filled from its last row upwards, so that what does not fit is
 * not even wrapped.  The current room and the state are marked by reverse video
 * and signs as well as by colours, which a terminal may not have. */
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "glyph.h"
#include "rows.h"

enum { PEOPLE_COLUMNS = 20, PEOPLE_FROM_COLUMNS = 60, FIXED_ROWS = 3 };

static const struct pl_look plain = {0}, bar = {.marks = PL_MARK_REVERSE},
                            dim = {.marks = PL_MARK_DIM},
                            bold = {.marks = PL_MARK_BOLD};

static int put(const struct pl_chat_view *v, int row, int column, int width,
               const struct pl_buf *b, struct pl_look look)
{
    return width <= 0 ? 0
                      : pl_screen_put(v->screen, row, column, width,
                                      pl_buf_span(b), look);
}

static int columns_of_log(const struct pl_chat_view *v)
{
    int columns = pl_screen_columns(v->screen);

    return columns < PEOPLE_FROM_COLUMNS ? columns
                                         : columns - PEOPLE_COLUMNS - 1;
}

int pl_chat_view_height(const struct pl_chat_view *v)
{
    return pl_screen_rows(v->screen) - FIXED_ROWS;
}

void pl_chat_view_grow(struct pl_chat_view *v, const struct pl_chat_entry *e)
{
    if (v->scroll > 0)
        v->scroll += (size_t)pl_chat_rows(NULL, e, columns_of_log(v), NULL);
}

/* --- The first row --- */

static void put_state(const struct pl_chat *c, struct pl_buf *b)
{
    int seconds = (int)((pl_chat_now_ms() - c->since_ms) / 1000);

    if (c->state == PLC_CONNECTED)
        pl_buf_printf(b, "connected ");
    else if (c->state == PLC_DISCONNECTED)
        pl_buf_printf(b, "disconnected ");
    else
        pl_buf_printf(b, "%s, %d s ... ",
                      c->was_connected ? "reconnecting" : "connecting",
                      seconds);
}

static void put_tab(const struct pl_chat_room *r, bool is_current,
                    struct pl_buf *b)
{
    pl_buf_printf(b, " #%s", r->name);
    if (!is_current && r->unread > 0)
        pl_buf_printf(b, " %u%s", r->unread > 999 ? 999 : r->unread,
                      r->mentions > 0 ? "*" : "");
    pl_buf_put_byte(b, ' ');
}

/* Draw the rooms from `first` on; return true if all fit. */
static bool draw_tabs(const struct pl_chat_view *v, size_t first, int column,
                      int end)
{
    const struct pl_chat *c = v->chat;

    pl_screen_fill(v->screen, 0, column, end - column, bar);
    for (size_t i = first; i < c->count; i++) {
        bool is_current = c->rooms[i] == c->me.current;
        struct pl_buf b = {0};

        put_tab(c->rooms[i], is_current, &b);
        int width = (int)pl_glyphs_columns(pl_buf_span(&b));
        if (width <= end - column)
            column += put(v, 0, column, width, &b, is_current ? bold : bar);
        pl_buf_fini(&b);
        if (width > end - column && i + 1 < c->count)
            return false;
    }
    return true;
}

static void draw_head(const struct pl_chat_view *v)
{
    const struct pl_chat *c = v->chat;
    int columns = pl_screen_columns(v->screen);
    struct pl_buf left = {0}, right = {0};
    size_t first = 0;

    pl_screen_fill(v->screen, 0, 0, columns, bar);
    put_state(c, &right);
    int end = columns - (int)pl_glyphs_columns(pl_buf_span(&right));
    put(v, 0, end, columns - end, &right, bar);
    pl_buf_printf(&left, " %s", c->me.nick);
    if (columns >= PEOPLE_FROM_COLUMNS)
        pl_buf_printf(&left, "@%s", c->host);
    pl_buf_printf(&left, "  ");
    int column =
        put(v, 0, 0, end > columns / 2 ? columns / 2 : end, &left, bar);
    /* Without place for all rooms, the current one is the first. */
    if (!draw_tabs(v, 0, column, end - 1)) {
        while (first < c->count && c->rooms[first] != c->me.current)
            first++;
        draw_tabs(v, first, column, end - 1);
    }
    pl_buf_fini(&left);
    pl_buf_fini(&right);
}

/* --- Messages --- */

/* Draw what fits; return the rows that are empty above the first entry. */
static int draw_entries(const struct pl_chat_view *v,
                        const struct pl_chat_room *r)
{
    struct pl_chat_window w = {.screen = v->screen,
                               .top = 1,
                               .bottom = 1 + pl_chat_view_height(v),
                               .nick = v->chat->me.nick,
                               .people = &r->people};
    int width = columns_of_log(v);
    int64_t row = w.bottom + (int64_t)v->scroll;

    for (size_t i = r->log.count; i > 0 && row > w.top; i--) {
        const struct pl_chat_entry *e = r->log.entries[i - 1];

        row -= pl_chat_rows(NULL, e, width, NULL);
        w.row = (int)row;
        if (row < w.bottom)
            pl_chat_rows(&w, e, width, v->chat->me.nick);
    }
    return row > w.top ? (int)(row - w.top) : 0;
}

static void draw_log(struct pl_chat_view *v, struct pl_chat_room *r)
{
    size_t empty = (size_t)draw_entries(v, r);

    if (empty == 0)
        return;
    /* Nothing is above: what the server has comes next. */
    pl_chat_room_older(r);
    if (v->scroll == 0)
        return;
    v->scroll -= empty < v->scroll ? empty : v->scroll;
    for (int row = 1; row < 1 + pl_chat_view_height(v); row++)
        pl_screen_fill(v->screen, row, 0, columns_of_log(v), plain);
    draw_entries(v, r);
}

static void draw_person(const struct pl_chat_view *v,
                        const struct pl_chat_person *one, int row, int column)
{
    struct pl_buf b = {0};
    struct pl_look look = pl_chat_look_of(one->nick);

    pl_chat_person_put(one, &b);
    if (one->is_ambiguous)
        pl_buf_printf(&b, " (%s)", pl_chat_tag(one->client));
    if (one->self)
        look = bold;
    else if (one->typing_until_ms > pl_chat_now_ms())
        pl_buf_printf(&b, " ...");
    put(v, row, column, PEOPLE_COLUMNS - 1, &b, look);
    pl_buf_fini(&b);
}

static void draw_people(const struct pl_chat_view *v, struct pl_chat_room *r)
{
    int column = columns_of_log(v), row = 1;
    int bottom = 1 + pl_chat_view_height(v);
    size_t here = pl_chat_people_sort(&r->people);
    struct pl_buf b = {0};

    if (column == pl_screen_columns(v->screen))
        return;
    for (int i = row; i < bottom; i++)
        pl_screen_put(v->screen, i, column, 1,
                      pl_screen_has_unicode(v->screen) ? PL_SPAN("│")
                                                       : PL_SPAN("|"),
                      dim);
    pl_buf_printf(&b, "here (%zu)", here + r->people.uncounted);
    put(v, row++, column + 2, PEOPLE_COLUMNS - 1, &b, dim);
    pl_buf_fini(&b);
    for (size_t i = 0; i < here && row < bottom; i++)
        draw_person(v, r->people.all[i], row++, column + 2);
}

/* --- The last two rows --- */

static void put_candidates(const struct pl_chat_completion *k, struct pl_buf *b)
{
    for (size_t i = 0; i < k->count; i++)
        pl_buf_printf(b, i == k->chosen ? "[%.*s] " : "%.*s  ",
                      (int)strcspn(k->candidates[i] + 1, " :") + 1,
                      k->candidates[i]);
}

/* Return the look of what was put. */
static struct pl_look put_remark(const struct pl_chat_view *v,
                                 const struct pl_chat_room *r, struct pl_buf *b)
{
    const struct pl_chat *c = v->chat;
    size_t left = v->editor->units_max - v->editor->units;

    if (v->notice[0] != '\0') {
        pl_buf_printf(b, "%s", v->notice);
        return bold;
    }
    if (v->completion->count > 1) {
        put_candidates(v->completion, b);
        return plain;
    }
    if (c->state == PLC_DISCONNECTED) {
        pl_buf_printf(b, "The server ended the connection: %s.  /quit leaves.",
                      c->why);
        return bold;
    }
    if (c->state != PLC_CONNECTED && (c->why[0] != '\0' || c->was_connected)) {
        pl_buf_printf(b,
                      "No connection%s%s.  What you write now is sent "
                      "later.",
                      c->why[0] == '\0' ? "" : ": ", c->why);
        return bold;
    }
    if (v->scroll > 0) {
        pl_buf_printf(b, "%zu more lines below: PgDn", v->scroll);
        return bold;
    }
    if (left <= 100) {
        pl_buf_printf(b, "%zu characters left", left);
        return plain;
    }
    if (r != NULL)
        pl_chat_people_put_typing(&r->people, pl_chat_now_ms(), b);
    if (b->len > 0)
        return plain;
    pl_buf_printf(b, "tab completes  alt-1..9 rooms  PgUp history  F1 help  "
                     "ctrl-c ctrl-c quits");
    return dim;
}

static void draw_remark(const struct pl_chat_view *v,
                        const struct pl_chat_room *r)
{
    struct pl_buf b = {0};
    struct pl_look look = put_remark(v, r, &b);

    put(v, pl_screen_rows(v->screen) - 2, 1, pl_screen_columns(v->screen) - 2,
        &b, look);
    pl_buf_fini(&b);
}

/* A newline in the line is one sign. */
static void put_typed(const struct pl_chat_view *v, struct pl_buf *b,
                      size_t from, size_t to)
{
    const char *sign = pl_screen_has_unicode(v->screen) ? "↵" : "|";

    for (size_t i = from; i < to; i++) {
        if (v->editor->text.data[i] == '\n')
            pl_buf_put_span(b, pl_span_of(sign));
        else
            pl_buf_put_byte(b, v->editor->text.data[i]);
    }
}

/* Draw the line; return the column of the cursor. */
static int draw_line(const struct pl_chat_view *v, const struct pl_chat_room *r)
{
    int row = pl_screen_rows(v->screen) - 1;
    int columns = pl_screen_columns(v->screen);
    struct pl_buf prompt = {0}, before = {0}, after = {0};
    struct pl_glyph g;

    pl_buf_printf(&prompt, "[#%s] ", r == NULL ? "" : r->name);
    int column = put(v, row, 0, columns / 2, &prompt, bold);
    put_typed(v, &before, 0, v->editor->cursor);
    put_typed(v, &after, v->editor->cursor, v->editor->text.len);
    /* The text before the cursor moves left until the cursor has a place. */
    struct pl_span rest = pl_buf_span(&before);
    int place = (int)pl_glyphs_columns(rest);
    while (place > columns - column - 2 && pl_glyph_next(&rest, &g))
        place -= g.columns;
    pl_screen_put(v->screen, row, column, columns - column, rest, plain);
    column += place;
    put(v, row, column, columns - column, &after, plain);
    pl_buf_fini(&prompt);
    pl_buf_fini(&before);
    pl_buf_fini(&after);
    return column;
}

void pl_chat_view_draw(struct pl_chat_view *v)
{
    struct pl_chat_room *r = pl_chat_current(v->chat);

    pl_screen_clear(v->screen);
    if (pl_screen_rows(v->screen) < PL_CHAT_ROWS_MIN ||
        pl_screen_columns(v->screen) < PL_CHAT_COLUMNS_MIN) {
        pl_screen_put(v->screen, 0, 0, pl_screen_columns(v->screen),
                      PL_SPAN("parley chat needs 40 x 8"), plain);
        pl_screen_show(v->screen, -1, 0);
        return;
    }
    if (r != v->room)
        v->scroll = 0;
    v->room = r;
    if (r != NULL) {
        draw_log(v, r);
        draw_people(v, r);
    }
    draw_head(v);
    draw_remark(v, r);
    pl_screen_show(v->screen, pl_screen_rows(v->screen) - 1, draw_line(v, r));
}
