/* SPDX-License-Identifier: Apache-2.0 */
/* line_mode.c - see line_mode.h.
 *
 * Messages of this user are printed when they are published, like all others,
 * so the output is what the room has.  Signals end the program by themselves:
 * there is no terminal to restore. */
#include "line_mode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "glyph.h"
#include "loop.h"

enum { LINE_MAX_BYTES = 16384 };

struct plain {
    struct pl_chat *chat;
    struct pl_chat_loop loop;
    struct pl_buf line; /* the beginning of an input line */
    int64_t ends_ms;    /* when to give up what is unsent; 0: not yet */
    int64_t timeout_ms;
    enum plc_state shown;
    enum pl_chat_end end;
};

static void put_line(FILE *f, struct pl_buf *b)
{
    pl_buf_put_byte(b, '\n');
    if (!b->failed)
        fwrite(b->data, 1, b->len, f);
    fflush(f);
    pl_buf_fini(b);
}

/* Further lines of a text are indented. */
static void put_text(struct pl_buf *b, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "\n");

        pl_glyphs_put(b, (struct pl_span){text, len});
        if (text[len] == '\0')
            return;
        pl_buf_printf(b, "\n      ");
        text += len + 1;
    }
}

static void remark(const char *text, void *arg)
{
    struct pl_buf b = {0};

    (void)arg;
    pl_buf_printf(&b, "-- ");
    put_text(&b, text);
    put_line(stderr, &b);
}

static void put_time(struct pl_buf *b, int64_t at_ms)
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm t;

    if (at_ms == 0 || localtime_r(&at, &t) == NULL)
        pl_buf_printf(b, "--:-- ");
    else
        pl_buf_printf(b, "%02d:%02d ", t.tm_hour, t.tm_min);
}

static void print_message(struct plain *p, const struct pl_chat_room *r,
                          const struct pl_chat_entry *e)
{
    struct pl_buf b = {0};

    put_time(&b, e->at_ms);
    if (p->chat->count > 1)
        pl_buf_printf(&b, "#%s ", r->name);
    if (e->kind != PL_CHAT_MESSAGE)
        pl_buf_printf(&b, "%s ", e->kind == PL_CHAT_TO ? "to" : "from");
    pl_glyphs_put(&b, pl_span_of(e->nick));
    pl_buf_printf(&b, ": ");
    put_text(&b, e->text);
    put_line(stdout, &b);
    if (ferror(stdout))
        p->loop.is_unread = p->loop.has_ended = true;
}

static void print_failed(const struct pl_chat_entry *e)
{
    struct pl_buf b = {0};

    pl_buf_printf(&b, "not sent (%s): %s", e->why, e->text);
    pl_buf_put_byte(&b, '\0');
    if (!b.failed)
        remark(b.data, NULL);
    pl_buf_fini(&b);
}

static void on_entry(struct pl_chat_room *r, struct pl_chat_entry *e, void *arg)
{
    struct plain *p = arg;

    if (e->kind == PL_CHAT_NOTE || e->kind == PL_CHAT_MOVES)
        remark(e->text, NULL);
    else if (e->state == PL_CHAT_FAILED) {
        print_failed(e);
        p->end = PL_CHAT_END_UNSENT;
    } else if (e->state == PL_CHAT_DONE && e->order != PL_CHAT_ORDER_LAST)
        print_message(p, r, e);
}

static void on_changed(void *arg)
{
    (void)arg;
}

static void on_state(void *arg)
{
    struct plain *p = arg;
    const struct pl_chat *c = p->chat;
    struct pl_buf b = {0};

    if (c == NULL || c->state == p->shown)
        return;
    if (c->state == PLC_CONNECTED)
        pl_buf_printf(&b, "connected to %s as %s", c->host, c->me.nick);
    else if (c->state == PLC_DISCONNECTED)
        pl_buf_printf(&b, "disconnected: %s", c->why);
    else if (p->shown == PLC_CONNECTED || c->why[0] != '\0')
        pl_buf_printf(&b, "%s: %s",
                      c->was_connected ? "reconnecting" : "connecting", c->why);
    else
        return;
    p->shown = c->state;
    pl_buf_put_byte(&b, '\0');
    if (!b.failed)
        remark(b.data, NULL);
    pl_buf_fini(&b);
    if (c->state == PLC_DISCONNECTED) {
        p->end = PL_CHAT_END_REFUSED;
        p->loop.has_ended = true;
    }
}

/* --- Input --- */

static void enter(struct plain *p)
{
    if (p->line.len > 0 && p->line.data[p->line.len - 1] == '\r')
        p->line.len--;
    pl_buf_put_byte(&p->line, '\0');
    if (!p->line.failed && p->line.data[0] != '\0')
        pl_chat_enter(p->chat, p->line.data);
    pl_buf_fini(&p->line);
}

static void on_input(const char *bytes, size_t len, void *arg)
{
    struct plain *p = arg;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n')
            enter(p);
        else if (p->line.len < LINE_MAX_BYTES)
            pl_buf_put_byte(&p->line, bytes[i]);
    }
}

static void on_end_of_input(void *arg)
{
    struct plain *p = arg;

    if (p->line.len > 0)
        enter(p);
    p->ends_ms =
        p->timeout_ms == 0 ? INT64_MAX : pl_chat_now_ms() + p->timeout_ms;
}

/* After the input, everything that was entered is sent. */
static int64_t step(void *arg)
{
    struct plain *p = arg;

    if (p->ends_ms == 0)
        return 0;
    bool is_sent = pl_chat_pending(p->chat) == 0 && p->chat->was_connected;
    if (is_sent || pl_chat_now_ms() >= p->ends_ms) {
        p->loop.has_ended = true;
        if (!is_sent)
            p->end = p->chat->was_connected ? PL_CHAT_END_UNSENT
                                            : PL_CHAT_END_NO_SERVER;
    }
    return p->ends_ms == INT64_MAX ? 0 : p->ends_ms;
}

enum pl_chat_end pl_chat_line_mode(const struct pl_chat_options *o,
                                   void (*complain)(const char *format, ...))
{
    struct plain p = {.shown = PLC_CONNECTING, .timeout_ms = o->timeout_ms};
    struct pl_chat_front front = {.entry = on_entry,
                                  .changed = on_changed,
                                  .notice = remark,
                                  .state = on_state,
                                  .arg = &p};
    char why[PL_CHAT_WHY_SIZE];

    if (pl_chat_create(&p.chat, o, &front, why) != PL_OK) {
        complain("%s", why);
        return PL_CHAT_END_OPTIONS;
    }
    p.loop = (struct pl_chat_loop){.chat = p.chat,
                                   .signals = -1,
                                   .input = on_input,
                                   .end_of_input = on_end_of_input,
                                   .step = step,
                                   .arg = &p};
    pl_chat_loop_run(&p.loop);
    if (p.end == PL_CHAT_END_UNSENT)
        complain("not everything was sent");
    else if (p.end == PL_CHAT_END_NO_SERVER)
        complain("no connection to %s: %s", p.chat->host, p.chat->why);
    else if (p.end == PL_CHAT_END_REFUSED)
        complain("the server ended the connection: %s", p.chat->why);
    pl_chat_destroy(p.chat);
    pl_buf_fini(&p.line);
    return p.end;
}
