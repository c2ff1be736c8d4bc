/* SPDX-License-Identifier: Apache-2.0 */
/* plain_server.c - see plain_server.h.
 *
 * The bytes of the library are read twice: by a tap, when the stream takes
 * them, which knows what has left; and by the server, when they arrive.
 *
 * Invariant: after `ended` or close nothing is reported of a stream. */
#include "plain_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
#include "faults.h"
#include "frame.h"
#include "handshake.h"
#include "plain.h"
#include "program.h"
#include "trace.h"

enum { REACH_ODDS = 8, REFUSE_ODDS = 10, CHUNK = 700, ROOM = 100000 };

/* Reads a request, then frames. */
struct reader {
    struct pl_buf head;
    bool is_open;   /* the request is complete */
    bool has_close; /* nothing may follow */
    struct pl_ws_decoder decoder;
};

struct wire {
    struct plc_stream stream; /* first */
    struct plain_server *all;
    struct wire *next;
    const struct plc_stream_user *calls;
    void *user;
    struct plain *channel;
    uint64_t attempt;
    struct reader tap, server;
    struct pl_buf up, down;
    size_t room;   /* of `up` */
    uint64_t said; /* messages of the server */
    bool is_reached;
    bool is_blocked; /* the library waits for room */
    bool is_paused;  /* by the library */
    bool is_silent;  /* nothing is carried */
    bool has_said_close;
    bool is_ending; /* the server ends it after `down` */
    bool is_over;   /* `ended` was called */
    bool is_closed; /* by the library */
};

struct plain_server {
    struct program *program;
    struct pipes *pipes;
    struct wire *first;
    unsigned count;
    bool is_healed;
};

static unsigned draw(const struct plain_server *all, unsigned bound)
{
    return world_draw(all->program->world, bound);
}

static bool is_live(const struct wire *w)
{
    return !w->is_over && !w->is_closed;
}

/* --- Reading --- */

static const struct pl_ws_limits limits = {.max_message = 1 << 20,
                                           .masked = true};

typedef void on_event(struct wire *w, const struct pl_ws_event *e);

static void read_frames(struct wire *w, struct reader *r, struct pl_span in,
                        on_event *tell)
{
    struct pl_ws_event e;

    if (r->has_close && in.len > 0)
        trace_fail("%s: %zu bytes after a Close", w->channel->label, in.len);
    while (in.len > 0) {
        pl_ws_decode(&r->decoder, &limits, &in, &e);
        if (e.kind == PL_WS_EVENT_NONE)
            return;
        if (e.kind == PL_WS_EVENT_ERROR)
            trace_fail("%s: %.*s", w->channel->label, (int)e.payload.len,
                       e.payload.at);
        tell(w, &e);
        if (e.kind != PL_WS_EVENT_CLOSE)
            continue;
        r->has_close = true;
        if (in.len > 0)
            trace_fail("%s: %zu bytes after a Close", w->channel->label,
                       in.len);
    }
}

/* Return true if the request became complete: `r` has it, and `rest` is what
 * follows. */
static bool read_head(struct reader *r, struct pl_span bytes,
                      struct pl_span *rest)
{
    size_t before = r->head.len;

    pl_buf_put_span(&r->head, bytes);
    const char *end = memmem(r->head.data, r->head.len, "\r\n\r\n", 4);
    if (end == NULL)
        return false;
    r->is_open = true;
    r->head.len = (size_t)(end + 4 - r->head.data);
    size_t used = r->head.len - before;
    *rest = (struct pl_span){bytes.at + used, bytes.len - used};
    return true;
}

/* `bytes` are changed. */
static bool feed(struct wire *w, struct reader *r, struct pl_span bytes,
                 on_event *tell)
{
    bool becomes_open = false;

    if (!r->is_open) {
        becomes_open = read_head(r, bytes, &bytes);
        if (!becomes_open)
            return false;
    }
    read_frames(w, r, bytes, tell);
    return becomes_open;
}

static void reader_fini(struct reader *r)
{
    pl_ws_decoder_fini(&r->decoder, &limits);
    pl_buf_fini(&r->head);
}

/* --- The tap --- */

static void tap_event(struct wire *w, const struct pl_ws_event *e)
{
    static const enum plc_kind kinds[] = {
        [PL_WS_EVENT_PING] = PLC_PING, [PL_WS_EVENT_PONG] = PLC_PONG};
    struct pl_span data = e->payload;
    bool is_message = e->kind == PL_WS_EVENT_MESSAGE;

    if (e->kind == PL_WS_EVENT_CLOSE ||
        (e->kind == PL_WS_EVENT_PING && data.len == 0))
        return;
    if (e->kind == PL_WS_EVENT_PONG && data.len > 5 &&
        memcmp(data.at, "ping ", 5) == 0)
        return; /* by the library */
    plain_has_left(w->channel,
                   is_message ? (enum plc_kind)e->opcode : kinds[e->kind],
                   data);
}

static void tap(struct wire *w, struct pl_span bytes)
{
    struct pl_buf copy = {0};

    pl_buf_put_span(&copy, bytes);
    feed(w, &w->tap, pl_buf_span(&copy), tap_event);
    pl_buf_fini(&copy);
}

/* --- What the server says --- */

static void put_frame(struct wire *w, enum pl_ws_opcode opcode,
                      struct pl_span payload, unsigned parts)
{
    while (parts > 1 && payload.len > 0) {
        size_t n = 1 + draw(w->all, (unsigned)payload.len), mark = w->down.len;

        if (n == payload.len)
            break;
        pl_ws_frame_put(&w->down, opcode, (struct pl_span){payload.at, n});
        w->down.data[mark] &= 0x7f; /* not the last */
        opcode = PL_WS_CONTINUATION;
        payload.at += n;
        payload.len -= n;
        parts--;
    }
    pl_ws_frame_put(&w->down, opcode, payload);
}

static void say(struct wire *w)
{
    static const enum pl_ws_opcode opcodes[] = {PL_WS_TEXT, PL_WS_BINARY,
                                                PL_WS_PONG};
    enum pl_ws_opcode opcode = opcodes[draw(w->all, 3)];
    size_t len = 40 + draw(w->all, opcode == PL_WS_PONG ? 80 : 3000);
    struct pl_buf text = {0};
    char what[80];

    snprintf(what, sizeof what, "server %" PRIu64 " %" PRIu64 " %u", w->attempt,
             ++w->said, (unsigned)opcode);
    plain_fill(&text, what, len);
    put_frame(w, opcode, pl_buf_span(&text),
              opcode == PL_WS_PONG ? 1 : 1 + draw(w->all, 3));
    pl_buf_fini(&text);
}

static void say_close(struct wire *w)
{
    char reason[100];

    snprintf(reason, sizeof reason, "said %" PRIu64 " in %" PRIu64, w->said,
             w->attempt);
    pl_ws_frame_close(&w->down, PLAIN_SERVER_CODE, pl_span_of(reason));
    w->has_said_close = true;
}

/* A frame that no server may send: masked, of no known kind, too long for its
 * kind. */
static void say_nonsense(struct wire *w)
{
    static const char *const frames[] = {"\x81\x81", "\x8b\x01", "\x89\x7e"};

    pl_buf_put(&w->down, frames[draw(w->all, 3)], 2);
    pl_buf_put(&w->down, "0123456789", 10);
    w->has_said_close = true; /* it says no more */
}

static void say_something(struct wire *w)
{
    unsigned what = draw(w->all, 40);

    if (what < 30)
        say(w);
    else if (what < 36)
        pl_ws_frame_put(&w->down, PL_WS_PING,
                        pl_span_of("ping "
                                   "0123456789"));
    else if (what < 38)
        say_close(w);
    else if (what < 39)
        say_nonsense(w);
    else
        w->is_ending = true; /* without a Close */
}

/* --- What the server reads --- */

static void server_event(struct wire *w, const struct pl_ws_event *e)
{
    if (e->kind == PL_WS_EVENT_CLOSE) {
        if (!w->has_said_close)
            pl_ws_frame_close(&w->down, e->code, (struct pl_span){NULL, 0});
        w->has_said_close = w->is_ending = true;
    } else if (!w->has_said_close && e->kind == PL_WS_EVENT_PING) {
        pl_ws_frame_put(&w->down, PL_WS_PONG, e->payload);
    } else if (!w->has_said_close && e->kind == PL_WS_EVENT_MESSAGE &&
               draw(w->all, 2) == 0) {
        say(w);
    }
}

static void answer_opening(struct wire *w)
{
    char accept[PL_HANDSHAKE_ACCEPT_LEN + 1];
    const char *key = memmem(w->server.head.data, w->server.head.len,
                             "Sec-WebSocket-Key: ", 19);

    if (!w->all->is_healed && draw(w->all, REFUSE_ODDS) == 0) {
        pl_buf_put_span(&w->down, pl_span_of("HTTP/1.1 503 No\r\n"
                                             "Content-Length: 0\r\n\r\n"));
        w->has_said_close = w->is_ending = true;
        return;
    }
    if (key == NULL)
        trace_fail("%s: a request without a key", w->channel->label);
    pl_handshake_accept_key((struct pl_span){key + 19, 24}, accept);
    pl_buf_printf(&w->down,
                  "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
                  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                  accept);
    if (draw(w->all, 4) == 0)
        say(w); /* behind the response, in one piece */
}

/* --- The library's side --- */

static size_t on_write(struct plc_stream *s, struct pl_span bytes)
{
    struct wire *w = (struct wire *)s;
    unsigned suspended = faults_suspend();
    size_t space = w->up.len < w->room ? w->room - w->up.len : 0;
    size_t n = bytes.len < space ? bytes.len : space;

    pl_buf_put(&w->up, bytes.at, n);
    tap(w, (struct pl_span){bytes.at, n});
    w->is_blocked = n < bytes.len;
    faults_resume(suspended);
    return n;
}

static void on_pause(struct plc_stream *s, bool is_paused)
{
    ((struct wire *)s)->is_paused = is_paused;
}

static void on_finish(struct plc_stream *s)
{
    (void)s; /* a link ends with a Close */
}

static void on_close(struct plc_stream *s)
{
    struct wire *w = (struct wire *)s;

    if (w->is_closed)
        trace_fail("%s: a stream is closed twice", w->channel->label);
    w->is_closed = true;
    plain_gives_up(w->channel, w->tap.decoder.partial != NULL);
}

static const struct plc_stream_ops stream_ops = {
    .write = on_write,
    .pause = on_pause,
    .finish = on_finish,
    .close = on_close,
};

enum pl_err plain_server_open(struct plain_server *all, struct plc_stream **out,
                              const struct plc_target *target,
                              const struct plc_stream_user *calls, void *user)
{
    static const size_t rooms[] = {60, 700, ROOM, ROOM};
    unsigned suspended = faults_suspend();
    struct wire *w = program_fresh(sizeof *w);

    w->stream.ops = &stream_ops;
    w->all = all;
    w->calls = calls;
    w->user = user;
    w->room = rooms[draw(all, 4)];
    w->channel = plain_tries(all->program, target->host);
    w->attempt = w->channel->attempts;
    w->next = all->first;
    all->first = w;
    all->count++;
    *out = &w->stream;
    faults_resume(suspended);
    return PL_OK;
}

/* --- Events --- */

static void end(struct wire *w, enum pl_err err, bool is_clean, const char *why)
{
    w->is_over = true;
    pipes_enter(w->all->pipes);
    w->calls->ended(w->user, err, is_clean, why);
    faults_leave();
}

static void reach(struct wire *w)
{
    if (!w->all->is_healed && draw(w->all, REACH_ODDS) == 0) {
        end(w, PL_EIO, false, "connection refused");
        return;
    }
    w->is_reached = true;
    pipes_enter(w->all->pipes);
    w->calls->opened(w->user);
    faults_leave();
}

static void tell_space(struct wire *w)
{
    if (!w->is_blocked || !is_live(w))
        return;
    w->is_blocked = false;
    pipes_enter(w->all->pipes);
    w->calls->writable(w->user);
    faults_leave();
}

static bool carry_up(struct wire *w, size_t max)
{
    size_t n = w->up.len < max ? w->up.len : max;

    if (n == 0)
        return false;
    if (feed(w, &w->server, (struct pl_span){w->up.data, n}, server_event))
        answer_opening(w);
    w->up.len -= n;
    memmove(w->up.data, w->up.data + n, w->up.len);
    tell_space(w);
    return true;
}

static bool carry_down(struct wire *w, size_t max)
{
    size_t n = w->down.len < max ? w->down.len : max;

    if (w->is_paused)
        return false;
    if (n == 0 && w->is_ending) {
        end(w, PL_ECLOSED, true, "the server has ended");
        return true;
    }
    if (n == 0)
        return false;
    struct pl_buf bytes = {0};
    pl_buf_put(&bytes, w->down.data, n);
    w->down.len -= n;
    memmove(w->down.data, w->down.data + n, w->down.len);
    pipes_enter(w->all->pipes);
    w->calls->came(w->user, pl_buf_span(&bytes));
    faults_leave();
    pl_buf_fini(&bytes);
    return true;
}

static bool carry(struct wire *w, bool up, size_t max)
{
    if (!is_live(w) || w->is_silent)
        return false;
    if (!w->is_reached) {
        reach(w);
        return true;
    }
    return up ? carry_up(w, max) : carry_down(w, max);
}

static void bury(struct plain_server *all)
{
    struct wire **at = &all->first;

    while (*at != NULL) {
        struct wire *w = *at;

        if (!w->is_closed) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        all->count--;
        reader_fini(&w->tap);
        reader_fini(&w->server);
        pl_buf_fini(&w->up);
        pl_buf_fini(&w->down);
        free(w);
    }
}

static struct wire *draw_wire(struct plain_server *all)
{
    struct wire *w;

    bury(all);
    w = all->first;
    if (all->count == 0)
        return NULL;
    for (unsigned i = draw(all, all->count); i > 0; i--)
        w = w->next;
    return w;
}

bool plain_server_act(struct plain_server *all)
{
    struct wire *w = draw_wire(all);

    if (w == NULL)
        return false;
    size_t max = 1 + draw(all, CHUNK);
    if (draw(all, 2) == 0)
        max = 1 << 20;
    if (is_live(w) && w->server.is_open && !w->has_said_close &&
        !w->is_ending && draw(all, 8) == 0)
        say_something(w);
    return carry(w, draw(all, 2) == 0, max);
}

void plain_server_trouble(struct plain_server *all)
{
    struct wire *w = draw_wire(all);

    if (w == NULL || !is_live(w))
        return;
    trace_note("plain trouble", -1, w->is_silent, 0);
    if (w->is_silent)
        w->is_silent = false;
    else if (draw(all, 3) == 0)
        w->is_silent = true;
    else
        end(w, PL_EIO, false, "connection reset");
}

bool plain_server_carry_all(struct plain_server *all)
{
    bool any = false;

    bury(all);
    all->is_healed = true;
    for (struct wire *w = all->first; w != NULL; w = w->next) {
        w->is_silent = false;
        w->room = ROOM;
        tell_space(w);
        while (carry(w, true, SIZE_MAX) || carry(w, false, SIZE_MAX))
            any = true;
    }
    all->is_healed = false;
    bury(all);
    return any;
}

struct plain_server *plain_server_create(struct program *p, struct pipes *pipes)
{
    struct plain_server *all = program_fresh(sizeof *all);

    all->program = p;
    all->pipes = pipes;
    return all;
}

void plain_server_destroy(struct plain_server *all)
{
    bury(all);
    if (all->first != NULL)
        trace_fail("the library has left a stream of a channel open");
    free(all);
}
