/* SPDX-License-Identifier: Apache-2.0 */
/* screen.c - see screen.h: ncursesw.
 *
 * Chosen because every system has it, because it knows terminals and wide
 * characters, and because its licence asks nothing of the program.  Rejected:
 * notcurses, because it asks the terminal questions at the start and may wait
 * for the answers.
 *
 * abort() and faults, and signals while the terminal takes no output, restore
 * it with the few calls that a signal handler may make: a fixed text that every
 * terminal of the ANSI kind takes, and tcsetattr().
 *
 * Invariant: curses is given glyphs only (glyph.h), so that no text of others
 * contains a control character. */
#include "screen.h"

#include <curses.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "glyph.h"

/* Bracketed paste: what is pasted comes between two marks. */
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

struct pl_screen {
    SCREEN *curses;
    bool has_color;
    bool has_unicode;
};

/* For the handler. */
static struct termios saved;
static volatile sig_atomic_t is_taken;

/* Signals that end the process by the handler: faults at any time, the others
 * only while the terminal takes no output (refresh_screen()). */
static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,
                            SIGILL,  SIGINT,  SIGTERM, SIGHUP};

enum { FIRST_THAT_WAITS = 5 };

static void write_out(const char *text)
{
    ssize_t n = write(STDOUT_FILENO, text, strlen(text));

    (void)n;
}

static bool takes_output(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

static void on_fatal(int number)
{
    if (is_taken && takes_output())
        write_out(PASTE_OFF "\033[0m\033[?25h\033[?1l\033>\033[?1049l\r\n");
    if (is_taken)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch_fatal(void)
{
    struct sigaction a = {.sa_handler = on_fatal, .sa_flags = SA_RESETHAND};

    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        sigaction(fatal[i], &a, NULL);
}

static void ignore_fatal(void)
{
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        signal(fatal[i], SIG_DFL);
}

static const char *terminal(void)
{
    const char *term = getenv("TERM");

    return term == NULL ? "" : term;
}

bool pl_screen_is_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
           terminal()[0] != '\0' && strcmp(terminal(), "dumb") != 0;
}

bool pl_screen_wants_color(const char *when)
{
    const char *no = getenv("NO_COLOR");

    if (when != NULL && strcmp(when, "always") == 0)
        return true;
    if (when != NULL && strcmp(when, "never") == 0)
        return false;
    return (no == NULL || no[0] == '\0') && strcmp(terminal(), "dumb") != 0;
}

static void start_colors(struct pl_screen *s)
{
    static const short colors[PL_COLOR_COUNT] = {
        -1,         COLOR_RED,     COLOR_GREEN, COLOR_YELLOW,
        COLOR_BLUE, COLOR_MAGENTA, COLOR_CYAN};

    s->has_color = has_colors() && start_color() == OK &&
                   use_default_colors() == OK && COLORS >= 8;
    for (short i = 1; s->has_color && i < PL_COLOR_COUNT; i++)
        init_pair(i, colors[i], -1);
}

enum pl_err pl_screen_start(struct pl_screen **out, bool has_color)
{
    struct pl_screen *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    if (tcgetattr(STDIN_FILENO, &saved) != 0)
        goto fail;
    s->curses = newterm(NULL, stdout, stdin);
    if (s->curses == NULL)
        goto fail;
    is_taken = 1;
    watch_fatal();
    s->has_unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (has_color)
        start_colors(s);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    write_out(PASTE_ON);
    *out = s;
    return PL_OK;

fail:
    free(s);
    return PL_EIO;
}

/* A terminal that takes no output stops refresh() for as long as it likes.
 * There the handler ends the process; a signal that came before is delivered
 * at once. */
static void refresh_screen(void)
{
    sigset_t waits, before;

    sigemptyset(&waits);
    for (size_t i = FIRST_THAT_WAITS; i < sizeof fatal / sizeof fatal[0]; i++)
        sigaddset(&waits, fatal[i]);
    sigprocmask(SIG_UNBLOCK, &waits, &before);
    refresh();
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void pl_screen_suspend(struct pl_screen *s)
{
    (void)s;
    write_out(PASTE_OFF);
    endwin();
    is_taken = 0;
}

void pl_screen_resume(struct pl_screen *s)
{
    is_taken = 1;
    reset_prog_mode();
    pl_screen_resize(s);
    clearok(curscr, TRUE);
    refresh_screen();
    write_out(PASTE_ON);
}

void pl_screen_stop(struct pl_screen *s)
{
    if (s == NULL)
        return;
    if (is_taken)
        pl_screen_suspend(s);
    ignore_fatal();
    delscreen(s->curses);
    free(s);
}

void pl_screen_resize(struct pl_screen *s)
{
    struct winsize size;

    (void)s;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
        size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

int pl_screen_rows(const struct pl_screen *s)
{
    (void)s;
    return LINES;
}

int pl_screen_columns(const struct pl_screen *s)
{
    (void)s;
    return COLS;
}

bool pl_screen_has_unicode(const struct pl_screen *s)
{
    return s->has_unicode;
}

void pl_screen_clear(struct pl_screen *s)
{
    (void)s;
    erase();
}

static attr_t attributes(struct pl_look look)
{
    return (look.marks & PL_MARK_BOLD ? A_BOLD : 0) |
           (look.marks & PL_MARK_DIM ? A_DIM : 0) |
           (look.marks & PL_MARK_REVERSE ? A_REVERSE : 0);
}

static void use_look(const struct pl_screen *s, struct pl_look look)
{
    attr_set(attributes(look), s->has_color ? (short)look.color : 0, NULL);
}

int pl_screen_put(struct pl_screen *s, int row, int column, int width,
                  struct pl_span text, struct pl_look look)
{
    struct pl_glyph g;
    int at = column;

    if (row < 0 || row >= LINES || column < 0)
        return 0;
    use_look(s, look);
    while (pl_glyph_next(&text, &g) && at + g.columns <= column + width &&
           at + g.columns <= COLS) {
        /* Refused in the last cell, where the cursor cannot move on. */
        (void)mvaddnstr(row, at, g.text, g.len);
        at += g.columns;
    }
    return at - column;
}

void pl_screen_fill(struct pl_screen *s, int row, int column, int width,
                    struct pl_look look)
{
    use_look(s, look);
    for (int at = column; at < column + width && at < COLS; at++)
        (void)mvaddch(row, at, ' ');
}

void pl_screen_show(struct pl_screen *s, int row, int column)
{
    (void)s;
    if (row < 0)
        curs_set(0);
    else {
        curs_set(1);
        move(row, column < COLS ? column : COLS - 1);
    }
    refresh_screen();
}

void pl_screen_redraw(struct pl_screen *s)
{
    (void)s;
    clearok(curscr, TRUE);
}

void pl_screen_beep(struct pl_screen *s)
{
    (void)s;
    beep();
}
