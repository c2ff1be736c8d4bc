/* SPDX-License-Identifier: Apache-2.0 */
/* tui.c - see tui.h: keys and signals.
 *
 * Signals come as events, so that the terminal is restored by the same code
 * however the chat ends.  Ctrl-C must come twice, since a chat has a line that
 * one does not want to lose by a slip. */
#include "tui.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "signals.h"
#include "view.h"

enum {
    NOTICE_MS = 5000,
    AGAIN_MS = 3000, /* for the second Ctrl-C */
    ESCAPE_MS = 50,  /* then ESC was the key */
    DRAW_EVERY_MS = 20
};

struct tui {
    struct pl_chat *chat;
    struct pl_chat_loop loop;
    struct pl_chat_view view;
    struct pl_keys keys;
    struct pl_editor editor;
    struct pl_history history;
    struct pl_chat_completion completion;
    int64_t notice_ends_ms, interrupted_ms, escape_due_ms, drawn_ms;
    int died_of; /* a signal */
};

/* --- What the chat reports --- */

static void notice(const char *text, void *arg)
{
    struct tui *t = arg;

    snprintf(t->view.notice, sizeof t->view.notice, "%s", text);
    t->notice_ends_ms = pl_chat_now_ms() + NOTICE_MS;
}

static bool is_for_me(const struct tui *t, const struct pl_chat_entry *e)
{
    return e->kind == PL_CHAT_FROM ||
           (e->kind == PL_CHAT_MESSAGE && !e->own &&
            pl_chat_mentions(e->text, t->chat->me.nick));
}

static void on_entry(struct pl_chat_room *r, struct pl_chat_entry *e, void *arg)
{
    struct tui *t = arg;

    if (e->is_known)
        return;
    e->is_known = true;
    if (r->entered && is_for_me(t, e))
        pl_screen_beep(t->view.screen);
    if (r == t->view.room && e->order >= r->top)
        pl_chat_view_grow(&t->view, e);
}

/* Everything is drawn at the next step. */
static void on_changed(void *arg)
{
    (void)arg;
}

/* --- Keys --- */

static void suspend(struct tui *t)
{
    pl_screen_suspend(t->view.screen);
    pl_signals_suspend();
    pl_screen_resume(t->view.screen);
}

static void interrupt(struct tui *t)
{
    int64_t now = pl_chat_now_ms();

    if (t->interrupted_ms != 0 && now - t->interrupted_ms < AGAIN_MS) {
        t->chat->has_quit = true;
        return;
    }
    t->interrupted_ms = now;
    notice("Ctrl-C again quits", t);
}

static void enter(struct tui *t)
{
    struct pl_buf line = {0};

    pl_buf_put_span(&line, pl_buf_span(&t->editor.text));
    pl_buf_put_byte(&line, '\0');
    if (!line.failed && line.len > 1) {
        pl_history_add(&t->history, pl_buf_span(&t->editor.text));
        pl_editor_clear(&t->editor);
        t->view.scroll = 0;
        pl_chat_enter(t->chat, line.data);
    }
    pl_buf_fini(&line);
}

static void complete(struct tui *t, int steps)
{
    const struct pl_editor *e = &t->editor;

    if (t->completion.count == 0) {
        pl_chat_complete(
            &t->completion, t->chat,
            (struct pl_span){e->text.data == NULL ? "" : e->text.data,
                             e->cursor});
        steps = 1;
    }
    if (t->completion.count == 0)
        pl_screen_beep(t->view.screen);
    pl_chat_completion_next(&t->completion, &t->editor, steps);
    /* One candidate needs no choice. */
    if (t->completion.count == 1)
        pl_chat_completion_fini(&t->completion);
}

static void scroll(struct tui *t, int pages)
{
    size_t step = (size_t)(pl_chat_view_height(&t->view) - 1);

    if (pages > 0)
        t->view.scroll += step;
    else
        t->view.scroll -= step < t->view.scroll ? step : t->view.scroll;
}

static void help(struct tui *t)
{
    static const char *const lines[] = {
        "Tab  complete a command, a room or a name; Shift-Tab goes back",
        "Alt-1 to Alt-9, Alt-Up, Alt-Down  show another room",
        "PgUp, PgDn  what was written before",
        "Up, Down  lines that you have entered",
        "Alt-Enter  begin another line",
        "Ctrl-W, Ctrl-U, Ctrl-K, Ctrl-Y  cut and paste",
        "Ctrl-L  draw everything again",
    };
    struct pl_chat_room *r = pl_chat_current(t->chat);

    pl_chat_enter(t->chat, "/help");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && r != NULL; i++)
        pl_chat_room_note(r, "%s", lines[i]);
}

static bool run_ctrl(struct tui *t, uint32_t code)
{
    switch (code) {
    case 'c':
        interrupt(t);
        return true;
    case 'd':
        if (t->editor.text.len > 0)
            return false;
        t->chat->has_quit = true;
        return true;
    case 'l':
        pl_screen_redraw(t->view.screen);
        return true;
    case 'z':
        suspend(t);
        return true;
    default:
        return false;
    }
}

static bool run_alt(struct tui *t, const struct pl_key *key)
{
    if (key->kind == PL_KEY_ENTER)
        pl_editor_insert(&t->editor, PL_SPAN("\n"));
    else if (key->kind == PL_KEY_UP)
        pl_chat_show_next(t->chat, -1);
    else if (key->kind == PL_KEY_DOWN)
        pl_chat_show_next(t->chat, 1);
    else if (key->kind == PL_KEY_TEXT && key->code >= '1' && key->code <= '9')
        pl_chat_show_index(t->chat, key->code - '1');
    else
        return false;
    return true;
}

/* Keys that mean something to the chat; the others edit the line. */
static bool run_key(struct tui *t, const struct pl_key *key)
{
    if (key->mods & PL_KEY_ALT && run_alt(t, key))
        return true;
    switch (key->kind) {
    case PL_KEY_CTRL:
        return run_ctrl(t, key->code);
    case PL_KEY_ENTER:
        enter(t);
        return true;
    case PL_KEY_TAB:
        complete(t, key->mods & PL_KEY_SHIFT ? -1 : 1);
        return true;
    case PL_KEY_PAGE_UP:
    case PL_KEY_PAGE_DOWN:
        scroll(t, key->kind == PL_KEY_PAGE_UP ? 1 : -1);
        return true;
    case PL_KEY_ESCAPE:
        t->view.scroll = 0;
        return true;
    case PL_KEY_F:
        if (key->code == 1)
            help(t);
        return true;
    default:
        return false;
    }
}

static void edit(struct tui *t, const struct pl_key *key)
{
    struct pl_editor *e = &t->editor;
    size_t units = e->units;
    bool is_text = key->kind == PL_KEY_TEXT || key->kind == PL_KEY_PASTE;

    pl_editor_key(e, key);
    if (is_text && !(key->mods & PL_KEY_ALT) && e->units == units) {
        pl_screen_beep(t->view.screen);
        notice("A message has at most 1000 characters", t);
    }
    if (e->units != units && e->units > 0 && e->text.data[0] != '/' &&
        pl_chat_current(t->chat) != NULL)
        pl_chat_room_typed(pl_chat_current(t->chat));
}

static void on_key(const struct pl_key *key, void *arg)
{
    struct tui *t = arg;

    t->view.notice[0] = '\0';
    if (key->kind != PL_KEY_TAB)
        pl_chat_completion_fini(&t->completion);
    if (key->kind != PL_KEY_CTRL || key->code != 'c')
        t->interrupted_ms = 0;
    if (!run_key(t, key))
        edit(t, key);
}

/* --- The loop --- */

static void on_input(const char *bytes, size_t len, void *arg)
{
    struct tui *t = arg;

    pl_keys_feed(&t->keys, bytes, len);
    t->escape_due_ms =
        pl_keys_is_pending(&t->keys) ? pl_chat_now_ms() + ESCAPE_MS : 0;
}

static void on_end_of_input(void *arg)
{
    struct tui *t = arg;

    t->loop.has_ended = true;
}

static void on_signal(int number, void *arg)
{
    struct tui *t = arg;

    switch (number) {
    case SIGWINCH:
        pl_screen_resize(t->view.screen);
        break;
    case SIGTSTP:
        suspend(t);
        break;
    case SIGCONT:
        pl_screen_resume(t->view.screen);
        break;
    default:
        t->died_of = number;
        t->loop.has_ended = true;
        break;
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b != 0 && (a == 0 || b < a) ? b : a;
}

static int64_t step(void *arg)
{
    struct tui *t = arg;
    int64_t now = pl_chat_now_ms(), due = 0;

    if (t->escape_due_ms != 0 && now >= t->escape_due_ms) {
        t->escape_due_ms = 0;
        pl_keys_flush(&t->keys);
    }
    if (t->view.notice[0] != '\0' && now >= t->notice_ends_ms)
        t->view.notice[0] = '\0';
    if (now - t->drawn_ms >= DRAW_EVERY_MS) {
        pl_chat_view_draw(&t->view);
        t->drawn_ms = now;
    } else {
        due = t->drawn_ms + DRAW_EVERY_MS;
    }
    due = earlier(due, t->escape_due_ms);
    if (t->view.notice[0] != '\0')
        due = earlier(due, t->notice_ends_ms);
    if (t->chat->state != PLC_CONNECTED)
        due = earlier(due, now + 1000); /* the seconds are shown */
    return due;
}

static void run(struct tui *t)
{
    t->keys = (struct pl_keys){.got = on_key, .arg = t};
    t->view.chat = t->chat;
    t->view.editor = &t->editor;
    t->view.completion = &t->completion;
    t->loop.chat = t->chat;
    t->loop.input = on_input;
    t->loop.end_of_input = on_end_of_input;
    t->loop.signal = on_signal;
    t->loop.step = step;
    t->loop.arg = t;
    pl_chat_loop_run(&t->loop);
}

static bool start_screen(struct tui *t, const struct pl_chat_options *o)
{
    return pl_screen_start(&t->view.screen, pl_screen_wants_color(o->color)) ==
           PL_OK;
}

bool pl_chat_tui(const struct pl_chat_options *o,
                 void (*complain)(const char *format, ...),
                 enum pl_chat_end *end)
{
    struct tui t = {.loop.signals = -1};
    struct pl_chat_front front = {.entry = on_entry,
                                  .changed = on_changed,
                                  .notice = notice,
                                  .state = on_changed,
                                  .arg = &t};
    char why[PL_CHAT_WHY_SIZE];

    /* Before the screen, so that no signal meets it; before the thread of the
     * group, which inherits the blocking. */
    t.loop.signals = pl_signals_open();
    if (!start_screen(&t, o))
        return false;
    pl_history_init(&t.history, o->history);
    pl_editor_init(&t.editor, PL_CHAT_TEXT_UNITS, &t.history);
    if (pl_chat_create(&t.chat, o, &front, why) == PL_OK)
        run(&t);
    pl_screen_stop(t.view.screen);
    *end = t.chat == NULL ? PL_CHAT_END_OPTIONS : PL_CHAT_END_OK;
    if (t.chat == NULL)
        complain("%s", why);
    pl_chat_destroy(t.chat);
    pl_chat_completion_fini(&t.completion);
    pl_editor_fini(&t.editor);
    pl_history_fini(&t.history);
    if (t.loop.signals >= 0)
        close(t.loop.signals);
    if (t.died_of != 0)
        pl_signals_die(t.died_of);
    return true;
}
