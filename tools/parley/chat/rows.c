/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - see rows.h: the time, the name, the text.
 *
 * Further lines begin below the name.  Rows are counted and drawn by the same
 * code, so that they cannot differ. */
#include "rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "glyph.h"
#include "names.h"

enum { TIME_COLUMNS = 6, TEXT_COLUMNS_MIN = 8 };

static const struct pl_look plain = {0}, dim = {.marks = PL_MARK_DIM},
                            bold = {.marks = PL_MARK_BOLD},
                            failed = {PL_COLOR_RED, PL_MARK_BOLD};

struct pl_look pl_chat_look_of(const char *nick)
{
    struct pl_buf b = {0};
    uint32_t hash = 2166136261u;

    if (nick == NULL)
        return plain;
    pl_chat_put_look(&b, nick);
    for (size_t i = 0; i < b.len; i++)
        hash = (hash ^ (unsigned char)b.data[i]) * 16777619u;
    pl_buf_fini(&b);
    return (struct pl_look){
        .color = (uint8_t)(PL_COLOR_GREEN + hash % (PL_COLOR_COUNT - 2))};
}

static void draw(const struct pl_chat_window *w, int column, int width,
                 struct pl_span text, struct pl_look look)
{
    if (w != NULL && w->row >= w->top && w->row < w->bottom)
        pl_screen_put(w->screen, w->row, column, width, text, look);
}

static void draw_time(const struct pl_chat_window *w, int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    char text[8] = "--:--";
    struct tm t;

    if (at_ms != 0 && localtime_r(&at, &t) != NULL)
        snprintf(text, sizeof text, "%02d:%02d", t.tm_hour % 100,
                 t.tm_min % 100);
    draw(w, 0, TIME_COLUMNS, pl_span_of(text), dim);
}

static void put_head(struct pl_buf *b, const struct pl_chat_entry *e,
                     const struct pl_chat_people *people)
{
    switch (e->kind) {
    case PL_CHAT_NOTE:
    case PL_CHAT_MOVES:
        pl_buf_printf(b, "-- ");
        return;
    case PL_CHAT_TO:
        pl_buf_printf(b, "-> %s: ", e->nick);
        return;
    case PL_CHAT_FROM:
        pl_buf_printf(b, "%s (to you): ", e->nick);
        return;
    case PL_CHAT_MESSAGE:
        break;
    }
    pl_buf_put_span(b, pl_span_of(e->nick));
    if (people != NULL && e->client[0] != '\0' && !e->own) {
        for (size_t i = 0; i < people->count; i++) {
            const struct pl_chat_person *one = people->all[i];

            if (one->is_ambiguous && strcmp(one->client, e->client) == 0)
                pl_buf_printf(b, " (%s)", pl_chat_tag(e->client));
        }
    }
    pl_buf_printf(b, ": ");
}

static struct pl_look look_of_head(const struct pl_chat_entry *e)
{
    if (e->kind == PL_CHAT_NOTE || e->kind == PL_CHAT_MOVES)
        return dim;
    return e->own ? bold : pl_chat_look_of(e->nick);
}

static struct pl_look look_of_text(const struct pl_chat_entry *e,
                                   const char *nick)
{
    if (e->kind == PL_CHAT_NOTE || e->kind == PL_CHAT_MOVES ||
        e->state == PL_CHAT_PENDING)
        return dim;
    if (nick != NULL && !e->own && pl_chat_mentions(e->text, nick))
        return bold;
    return plain;
}

/* Draw `text` wrapped, its first line at `column`, and return its rows. */
static int put_wrapped(struct pl_chat_window *w, struct pl_span text,
                       int column, int width, struct pl_look look)
{
    int rows = 0;

    do {
        size_t skip = 0;
        size_t len =
            text.len == 0
                ? 0
                : pl_glyphs_wrap(text, (size_t)(width - column), &skip);

        draw(w, column, width - column, (struct pl_span){text.at, len}, look);
        text.at += len + skip;
        text.len -= len + skip;
        column = TIME_COLUMNS;
        rows++;
        if (w != NULL)
            w->row++;
    } while (text.len > 0);
    return rows;
}

int pl_chat_rows(struct pl_chat_window *w, const struct pl_chat_entry *e,
                 int width, const char *nick)
{
    struct pl_buf head = {0}, why = {0};
    size_t columns;

    put_head(&head, e, w == NULL ? NULL : w->people);
    /* A long name is cut. */
    struct pl_span name = pl_buf_span(&head);
    size_t most = (size_t)(width - TIME_COLUMNS - TEXT_COLUMNS_MIN);
    name.len = pl_glyphs_fit(name, most, &columns);
    draw_time(w, e->at_ms);
    draw(w, TIME_COLUMNS, (int)columns, name, look_of_head(e));
    int rows = put_wrapped(w, pl_span_of(e->text), TIME_COLUMNS + (int)columns,
                           width, look_of_text(e, nick));
    if (e->state == PL_CHAT_FAILED) {
        pl_buf_printf(&why, "not sent: %s", e->why);
        rows += put_wrapped(w, pl_buf_span(&why), TIME_COLUMNS, width, failed);
    }
    pl_buf_fini(&head);
    pl_buf_fini(&why);
    return rows;
}
