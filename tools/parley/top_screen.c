/* SPDX-License-Identifier: Apache-2.0 */
/* top_screen.c - see top_screen.h.
 *
 * One poll loop waits for keys, signals and the next look.  A look blocks it
 * for as long as the broker takes to answer, at most the timeout; keys that are
 * pressed meanwhile are read after it.
 *
 * Names of channels and users come as glyphs (table.h), so they cannot steer
 * the terminal. */
#include "top_screen.h"

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exit_status.h"
#include "glyph.h"
#include "keys.h"
#include "patience.h"
#include "say.h"
#include "screen.h"
#include "signals.h"

enum {
    ROWS_LEAST = 8,
    COLUMNS_LEAST = 40,
    ESCAPE_MS = 50,
    INTERVAL_LEAST_MS = 250,
    INTERVAL_MOST_MS = 60000,
    FILTER_MAX = 64
};

enum mode { MODE_TABLE, MODE_FILTER, MODE_HELP, MODE_DETAILS };

struct view {
    struct top *top;
    struct pl_screen *screen;
    struct page *page;
    struct pl_keys keys;
    enum mode mode;
    int selected; /* of the rows of the table */
    int first;    /* of the rows that are visible */
    int64_t interval_ms, next_ms;
    struct pl_buf filter;
    bool is_over;
    int rc;
};

static const char help[] =
    "1 loops  2 actors  3 channels  4 connections  5 users\n"
    "s        order by the next column       r   reverse the order\n"
    "/        only rows with a text in them  esc all rows again\n"
    "space    hold the order of the rows     enter  show the row\n"
    "+ -      look less often, more often    ctrl-l draw everything anew\n"
    "up down page-up page-down home end      choose a row\n"
    "q        quit                           ?   this text";

/* --- Drawing --- */

static struct pl_look look_of(enum line_kind kind)
{
    switch (kind) {
    case LINE_TITLE:
        return (struct pl_look){PL_COLOR_CYAN, PL_MARK_BOLD};
    case LINE_HEAD:
        return (struct pl_look){PL_COLOR_NONE, PL_MARK_BOLD};
    case LINE_ALARM:
        return (struct pl_look){PL_COLOR_RED, PL_MARK_BOLD};
    default:
        return (struct pl_look){PL_COLOR_NONE, 0};
    }
}

static void put_line(struct view *v, int row, struct pl_span text,
                     struct pl_look look)
{
    int width = pl_screen_columns(v->screen);
    int drawn = pl_screen_put(v->screen, row, 0, width, text, look);

    if (look.marks & PL_MARK_REVERSE)
        pl_screen_fill(v->screen, row, drawn, width - drawn, look);
}

static int count_rows(const struct view *v)
{
    int count = 0;

    for (int i = 0; i < v->page->count; i++)
        count += v->page->lines[i].kind == LINE_ROW;
    return count;
}

static int first_row_line(const struct view *v)
{
    int i = 0;

    while (i < v->page->count && v->page->lines[i].kind != LINE_ROW)
        i++;
    return i;
}

static void keep_selection_visible(struct view *v, int visible)
{
    int count = count_rows(v);

    if (v->selected >= count)
        v->selected = count - 1;
    if (v->selected < 0)
        v->selected = 0;
    if (v->first > v->selected)
        v->first = v->selected;
    if (visible > 0 && v->selected >= v->first + visible)
        v->first = v->selected - visible + 1;
}

static void draw_table(struct view *v, int height)
{
    int head = first_row_line(v), row = 0;

    for (int i = 0; i < head && row < height; i++, row++)
        put_line(v, row, pl_buf_span(&v->page->lines[i].text),
                 look_of(v->page->lines[i].kind));
    keep_selection_visible(v, height - row);
    for (int i = head + v->first; i < v->page->count && row < height;
         i++, row++) {
        struct pl_look look = look_of(LINE_ROW);

        if (i - head == v->selected)
            look.marks = PL_MARK_REVERSE;
        put_line(v, row, pl_buf_span(&v->page->lines[i].text), look);
    }
}

static void draw_text(struct view *v, const char *text, int row, int height)
{
    struct pl_look plain = {0};

    while (text != NULL && row < height) {
        const char *end = strchr(text, '\n');
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);

        put_line(v, row++, (struct pl_span){text, len}, plain);
        text = end == NULL ? NULL : end + 1;
    }
}

static void draw_details(struct view *v, int height)
{
    int at = first_row_line(v) + v->selected;
    const json_t *row = at < v->page->count ? v->page->lines[at].row : NULL;
    struct pl_look plain = {0};
    const char *key;
    json_t *value;
    int line = 2;

    json_object_foreach((json_t *)row, key, value)
    {
        char *shown = json_dumps(value, JSON_ENCODE_ANY);
        char text[1024];

        snprintf(text, sizeof text, "%-16s %s", key,
                 shown != NULL ? shown : "?");
        if (line < height)
            put_line(v, line++, pl_span_of(text), plain);
        free(shown);
    }
}

static void draw_foot(struct view *v, int row)
{
    struct pl_buf b = {0};
    const struct top *t = v->top;

    if (v->mode == MODE_FILTER) {
        pl_buf_put_span(&b, PL_SPAN("/"));
        pl_buf_put_span(&b, pl_buf_span(&v->filter));
    } else {
        pl_buf_printf(&b, "%s%s%s%s%s  %.2gs  ", t->table->name,
                      t->by != NULL ? " by " : "", t->by != NULL ? t->by : "",
                      t->is_reverse ? " reversed" : "",
                      t->is_held ? "  HELD" : "",
                      (double)v->interval_ms / 1000);
        if (v->filter.len > 0) {
            pl_buf_put_span(&b, PL_SPAN("/"));
            pl_buf_put_span(&b, pl_buf_span(&v->filter));
            pl_buf_put_span(&b, PL_SPAN("  "));
        }
        pl_buf_put_span(&b, PL_SPAN("1-5 table  s sort  r reverse  / filter  "
                                    "space hold  enter row  ? help  q quit"));
    }
    put_line(v, row, pl_buf_span(&b),
             (struct pl_look){PL_COLOR_NONE, PL_MARK_REVERSE});
    pl_buf_fini(&b);
}

static void draw(struct view *v)
{
    int rows = pl_screen_rows(v->screen);
    struct pl_look plain = {0};

    pl_screen_clear(v->screen);
    if (rows < ROWS_LEAST || pl_screen_columns(v->screen) < COLUMNS_LEAST) {
        put_line(v, 0, PL_SPAN("parley top needs 40 x 8"), plain);
        pl_screen_show(v->screen, -1, 0);
        return;
    }
    top_write(v->top, v->page);
    if (v->mode == MODE_HELP || v->mode == MODE_DETAILS) {
        put_line(v, 0, pl_buf_span(&v->page->lines[0].text),
                 look_of(LINE_TITLE));
        if (v->mode == MODE_HELP)
            draw_text(v, help, 2, rows - 1);
        else
            draw_details(v, rows - 1);
    } else {
        draw_table(v, rows - 1);
    }
    draw_foot(v, rows - 1);
    if (v->mode == MODE_FILTER)
        pl_screen_show(v->screen, rows - 1,
                       1 + (int)pl_glyphs_columns(pl_buf_span(&v->filter)));
    else
        pl_screen_show(v->screen, -1, 0);
}

/* --- Keys --- */

static void choose_table(struct view *v, int number)
{
    top_choose(v->top, &top_tables[number], NULL);
    v->selected = v->first = 0;
    v->next_ms = 0; /* look at once */
}

static void next_column(struct view *v)
{
    const char *const *by = v->top->table->by;

    if (v->top->by == NULL)
        return;
    while (*by != v->top->by)
        by++;
    const char *next = by[1] != NULL ? by[1] : v->top->table->by[0];
    top_choose(v->top, v->top->table, next);
    v->next_ms = 0;
}

static void set_filter(struct view *v)
{
    static char text[FILTER_MAX * 4 + 1];

    snprintf(text, sizeof text, "%.*s", (int)v->filter.len,
             v->filter.len > 0 ? v->filter.data : "");
    v->top->filter = text;
    v->selected = v->first = 0;
}

static void shorten_filter(struct view *v)
{
    struct pl_buf *b = &v->filter;

    while (b->len > 0 && ((unsigned char)b->data[--b->len] & 0xc0) == 0x80)
        ;
}

static void on_filter_key(struct view *v, const struct pl_key *key)
{
    switch (key->kind) {
    case PL_KEY_TEXT:
    case PL_KEY_PASTE:
        if (v->filter.len < FILTER_MAX && key->code >= ' ')
            pl_code_put(&v->filter, key->code);
        break;
    case PL_KEY_BACKSPACE:
        shorten_filter(v);
        break;
    case PL_KEY_ESCAPE:
        v->filter.len = 0;
        v->mode = MODE_TABLE;
        break;
    case PL_KEY_ENTER:
        v->mode = MODE_TABLE;
        break;
    default:
        return;
    }
    set_filter(v);
}

static void change_interval(struct view *v, bool is_longer)
{
    v->interval_ms = is_longer ? v->interval_ms * 2 : v->interval_ms / 2;
    if (v->interval_ms < INTERVAL_LEAST_MS)
        v->interval_ms = INTERVAL_LEAST_MS;
    if (v->interval_ms > INTERVAL_MOST_MS)
        v->interval_ms = INTERVAL_MOST_MS;
}

static void on_letter(struct view *v, uint32_t code)
{
    switch (code) {
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
        choose_table(v, (int)(code - '1'));
        return;
    case 'q':
        v->is_over = true;
        return;
    case 's':
        next_column(v);
        return;
    case 'r':
        v->top->is_reverse = !v->top->is_reverse;
        top_arrange(v->top);
        return;
    case '/':
        v->mode = MODE_FILTER;
        return;
    case ' ':
        v->top->is_held = !v->top->is_held;
        top_arrange(v->top);
        return;
    case '+':
    case '-':
        change_interval(v, code == '+');
        return;
    case '?':
        v->mode = MODE_HELP;
        return;
    default:
        return;
    }
}

static void suspend(struct view *v)
{
    pl_screen_suspend(v->screen);
    pl_signals_suspend();
    pl_screen_resume(v->screen);
}

static void on_ctrl(struct view *v, uint32_t code)
{
    if (code == 'c' || code == '\\') {
        v->is_over = true;
        v->rc = 128 + SIGINT;
    } else if (code == 'l') {
        pl_screen_redraw(v->screen);
    } else if (code == 'z') {
        suspend(v);
    }
}

static void move(struct view *v, enum pl_key_kind kind)
{
    int page = pl_screen_rows(v->screen) / 2;

    switch (kind) {
    case PL_KEY_UP:
        v->selected--;
        return;
    case PL_KEY_DOWN:
        v->selected++;
        return;
    case PL_KEY_PAGE_UP:
        v->selected -= page;
        return;
    case PL_KEY_PAGE_DOWN:
        v->selected += page;
        return;
    case PL_KEY_HOME:
        v->selected = 0;
        return;
    case PL_KEY_END:
        v->selected = count_rows(v) - 1;
        return;
    default:
        return;
    }
}

static void on_table_key(struct view *v, const struct pl_key *key)
{
    switch (key->kind) {
    case PL_KEY_TEXT:
        on_letter(v, key->code);
        return;
    case PL_KEY_ENTER:
        if (count_rows(v) > 0)
            v->mode = MODE_DETAILS;
        return;
    case PL_KEY_ESCAPE:
        v->filter.len = 0;
        set_filter(v);
        return;
    default:
        move(v, key->kind);
    }
}

static void on_key(const struct pl_key *key, void *arg)
{
    struct view *v = arg;

    if (key->kind == PL_KEY_CTRL)
        on_ctrl(v, key->code);
    else if (v->mode == MODE_FILTER)
        on_filter_key(v, key);
    else if (v->mode != MODE_TABLE)
        v->mode = MODE_TABLE; /* any key */
    else
        on_table_key(v, key);
}

/* --- The loop --- */

static void on_signal(struct view *v, int number)
{
    if (number == SIGWINCH)
        pl_screen_resize(v->screen);
    else if (number == SIGTSTP)
        suspend(v);
    else if (number != SIGCONT) {
        v->is_over = true;
        v->rc = 128 + number;
    }
}

static void read_keys(struct view *v)
{
    char bytes[256];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);

    if (got > 0)
        pl_keys_feed(&v->keys, bytes, (size_t)got);
    else
        v->is_over = true; /* the terminal is gone */
}

static void look(struct view *v)
{
    int rc = top_fetch(v->top);

    v->next_ms = now_ms() + v->interval_ms;
    if (rc != EXIT_OK) {
        v->is_over = true;
        v->rc = rc;
    }
}

static int wait_ms(const struct view *v)
{
    int64_t left = v->next_ms - now_ms();

    if (pl_keys_is_pending(&v->keys) && left > ESCAPE_MS)
        return ESCAPE_MS;
    return left > 0 ? (int)left : 0;
}

static void turn(struct view *v, int signals)
{
    struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                          {.fd = signals, .events = POLLIN}};
    int number;

    draw(v);
    int ready = poll(p, 2, wait_ms(v));
    if (ready == 0 && pl_keys_is_pending(&v->keys))
        pl_keys_flush(&v->keys);
    while ((number = pl_signals_next(signals)) != 0)
        on_signal(v, number);
    if (!v->is_over && p[0].revents != 0)
        read_keys(v);
    if (!v->is_over && now_ms() >= v->next_ms)
        look(v);
}

/* --- Complaints meanwhile --- */

/* Complaints wait in a file while the terminal is taken: on it they would be
 * lost. */
struct stderr_file {
    int fd;    /* -1: none */
    int saved; /* stderr */
};

static struct stderr_file hold_stderr(void)
{
    struct stderr_file f = {memfd_create("stderr", MFD_CLOEXEC),
                            fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};

    if (f.fd >= 0 && f.saved >= 0)
        dup2(f.fd, STDERR_FILENO);
    return f;
}

static void release_stderr(const struct stderr_file *f)
{
    char text[4096];
    ssize_t got;

    if (f->fd < 0 || f->saved < 0)
        return;
    fflush(stderr);
    dup2(f->saved, STDERR_FILENO);
    while ((got = pread(f->fd, text, sizeof text, 0)) > 0) {
        fwrite(text, 1, (size_t)got, stderr);
        if (ftruncate(f->fd, 0) != 0 || got < (ssize_t)sizeof text)
            break;
    }
    close(f->fd);
    close(f->saved);
}

bool top_screen_is_possible(void)
{
    return pl_screen_is_possible();
}

int top_screen(struct top *top, const char *color, int64_t interval_ms)
{
    struct view v = {.top = top, .interval_ms = interval_ms, .rc = EXIT_OK};
    int signals;

    (void)setlocale(LC_ALL, "");
    v.rc = top_fetch(top); /* before the terminal: it says what is wrong */
    if (v.rc != EXIT_OK)
        return v.rc;
    v.page = calloc(1, sizeof *v.page);
    signals = pl_signals_open();
    if (v.page == NULL || signals < 0 ||
        pl_screen_start(&v.screen, pl_screen_wants_color(color)) != PL_OK) {
        complain("this terminal cannot be used; try --once");
        free(v.page);
        return EXIT_FAILED;
    }
    v.keys = (struct pl_keys){.got = on_key, .arg = &v};
    struct stderr_file said = hold_stderr();
    v.next_ms = now_ms() + v.interval_ms;
    while (!v.is_over)
        turn(&v, signals);
    pl_screen_stop(v.screen);
    release_stderr(&said);
    page_fini(v.page);
    free(v.page);
    pl_buf_fini(&v.filter);
    return v.rc;
}
