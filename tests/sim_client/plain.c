/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c - see plain.h.
 *
 * Each message says which it is and has a content that follows from that, so a
 * fragment that is lost, moved, or that comes between those of another message
 * is found.
 *
 * Checked here: messages leave in the order of their sends, whole and once,
 * also across connections, and none after its completion; a completion says
 * what has left, comes once, and before the release of the channel; each
 * attempt has one end; messages come in order and without a gap, and only
 * between open() and closed(); a Close of the server comes after all that the
 * server said.  A program counts on the ends of its connections, so they are
 * told even where memory is short. */
#include "plain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "program.h"
#include "program_heard.h"
#include "trace.h"

enum { TEXT_MAX = 100, PARTS_MAX = 5 };

static unsigned draw(struct program *p, unsigned bound)
{
    return world_draw(p->world, bound);
}

/* --- Content --- */

void plain_fill(struct pl_buf *b, const char *what, size_t len)
{
    size_t begin = b->len, seed = strlen(what);

    pl_buf_printf(b, "%s,%zu:", what, len);
    for (const char *at = what; *at != '\0'; at++)
        seed += (unsigned char)*at;
    while (b->len - begin < len) {
        char c = (char)('a' + (b->len - begin + seed) % 26);

        pl_buf_put(b, &c, 1);
    }
}

bool plain_is_filled(struct pl_span data)
{
    char what[TEXT_MAX];
    struct pl_buf due = {0};
    const char *end = memchr(data.at, ':', data.len);
    const char *comma = end;

    while (comma != NULL && comma > data.at && *comma != ',')
        comma--;
    if (end == NULL || comma == data.at || comma - data.at >= TEXT_MAX)
        return false;
    memcpy(what, data.at, (size_t)(comma - data.at));
    what[comma - data.at] = '\0';
    plain_fill(&due, what, strtoul(comma + 1, NULL, 10));
    bool is_equal =
        due.len == data.len && memcmp(due.data, data.at, data.len) == 0;
    pl_buf_fini(&due);
    return is_equal;
}

/* --- What leaves --- */

static struct plain *find_label(const struct program *p, const char *label)
{
    struct plain *c = p->all_plain;

    while (c != NULL && strcmp(c->label, label) != 0)
        c = c->next;
    return c;
}

struct plain *plain_tries(struct program *p, const char *host)
{
    struct plain *c = find_label(p, host);

    if (c == NULL)
        trace_fail("%s: an attempt of no channel", host);
    c->attempts++;
    return c;
}

void plain_gives_up(struct plain *c, bool is_torn)
{
    c->torn += is_torn;
}

static struct plain_send *find_send(const struct plain *c, uint64_t number)
{
    struct plain_send *s = c->sends;

    while (s != NULL && s->number != number)
        s = s->next;
    return s;
}

void plain_has_left(struct plain *c, enum plc_kind kind, struct pl_span data)
{
    char head[TEXT_MAX], label[16];
    uint64_t number = 0;

    snprintf(head, sizeof head, "%.*s", (int)data.len, data.at);
    if (!plain_is_filled(data) ||
        sscanf(head, "%15[a-z0-9] %" SCNu64, label, &number) != 2 ||
        strcmp(label, c->label) != 0)
        trace_fail("%s: a message is not what was sent: %.*s", c->label,
                   (int)data.len, data.at);
    struct plain_send *s = find_send(c, number);
    if (s == NULL || s->kind != kind || s->len != data.len)
        trace_fail("%s: message %" PRIu64 " is not what was sent", c->label,
                   number);
    if (s->is_done || number <= c->left)
        trace_fail("%s: message %" PRIu64 " leaves after %" PRIu64 "%s",
                   c->label, number, c->left,
                   s->is_done ? ", after its end" : "");
    c->left = number;
    s->has_left = true;
}

/* --- Completions --- */

static void check_outcome(struct plain *c, const struct plain_send *s,
                          const struct plc_result *r)
{
    if ((r->outcome == PLC_DONE) != (r->err == PL_OK))
        trace_fail("%s: outcome %d with %s", c->label, r->outcome,
                   pl_err_text(r->err));
    if (s->has_left != (r->outcome == PLC_DONE))
        trace_fail("%s: message %" PRIu64 " has %sleft, but is told as %d",
                   c->label, s->number, s->has_left ? "" : "not ", r->outcome);
    if (r->outcome == PLC_UNKNOWN && ++c->unknown > c->torn)
        trace_fail("%s: message %" PRIu64 " has not begun to leave", c->label,
                   s->number);
    if (r->outcome == PLC_DONE && s->number <= c->done)
        trace_fail("%s: message %" PRIu64 " is told after %" PRIu64, c->label,
                   s->number, c->done);
    if (r->outcome == PLC_DONE)
        c->done = s->number;
}

static void check_is_due(const struct program *p, const struct plain *c)
{
    if (c == NULL)
        trace_fail("a callback after the release of a channel");
    if (p->stopped > 0)
        trace_fail("%s: a callback after stopped()", c->label);
}

static void on_done(const struct plc_result *r, void *arg)
{
    struct plain_send *s = arg;
    struct program *p = s->program;
    unsigned suspended = faults_suspend();

    trace_note("plain done", -1, r->outcome, s->number);
    if (s->is_done)
        trace_fail("a send is completed twice");
    check_is_due(p, s->channel);
    s->is_done = true;
    p->ended[r->outcome]++;
    check_outcome(s->channel, s, r);
    faults_resume(suspended);
    program_call_back(p);
}

/* --- What it is told --- */

static void on_open(struct plc_ws *w, const char *subprotocol, void *arg)
{
    struct plain *c = arg;

    trace_note("plain open", -1, c->opens, 0);
    check_is_due(c->program, c);
    if (c->handle != w || c->is_open || subprotocol[0] != '\0')
        trace_fail("%s: opens, but %s", c->label,
                   c->is_open ? "is open" : "not as it was asked");
    c->is_open = true;
    c->heard = 0;
    c->opens++;
    program_call_back(c->program);
}

static void take_number(struct plain *c, enum plc_kind kind,
                        struct pl_span data)
{
    uint64_t attempt = 0, number = 0;
    unsigned due = 0;

    if (sscanf(data.at, "server %" SCNu64 " %" SCNu64 " %u", &attempt, &number,
               &due) != 3 ||
        due != kind)
        trace_fail("%s: hears what nobody said", c->label);
    if (number != c->heard + 1 || attempt < c->attempt ||
        (number == 1) != (attempt > c->attempt))
        trace_fail("%s: hears %" PRIu64 " of %" PRIu64 " after %" PRIu64
                   " of %" PRIu64,
                   c->label, number, attempt, c->heard, c->attempt);
    c->heard = number;
    c->attempt = attempt;
}

/* A pong has the content of a ping of the program, or none: the library sends
 * pings as well. */
static void take_pong(struct plain *c, struct pl_span data)
{
    uint64_t number = 0;

    if (data.len == 0)
        return;
    if (sscanf(data.at, "%*s %" SCNu64, &number) != 1 || number <= c->ponged ||
        number > c->left)
        trace_fail("%s: a pong of %" PRIu64 " after %" PRIu64, c->label, number,
                   c->ponged);
    c->ponged = number;
}

static void on_message(struct plc_ws *w, enum plc_kind kind,
                       const struct plc_bytes *data, void *arg)
{
    struct plain *c = arg;
    struct pl_span span = {data->at, data->len};
    unsigned suspended = faults_suspend();

    (void)w;
    trace_note("plain message", -1, kind, c->heard);
    check_is_due(c->program, c);
    if (!c->is_open)
        trace_fail("%s: a message, but it is not open", c->label);
    if (data->len > 0 && !plain_is_filled(span))
        trace_fail("%s: a message is not what was said: %.*s", c->label,
                   (int)data->len, (const char *)data->at);
    if (data->len > 7 && memcmp(data->at, "server ", 7) == 0)
        take_number(c, kind, span);
    else if (kind == PLC_PONG)
        take_pong(c, span);
    else
        trace_fail("%s: hears what nobody said", c->label);
    faults_resume(suspended);
    program_call_back(c->program);
}

/* A call takes its place behind those that came before: it may be about the
 * attempt that there is, or the next. */
static void mark_closed(struct plain *c)
{
    c->closed[c->attempts % PLAIN_RECENT] = c->attempts + 1;
}

static bool was_closed(const struct plain *c, uint64_t attempt)
{
    return c->is_dropped || c->program->is_stopping ||
           c->closed[attempt % PLAIN_RECENT] == attempt + 1 ||
           c->closed[(attempt - 1) % PLAIN_RECENT] == attempt;
}

/* The server says in its Close how much came before.  Who closes hears no
 * more. */
static void check_all_heard(const struct plain *c, const char *reason)
{
    uint64_t said = 0, attempt = 0;

    if (sscanf(reason, "said %" SCNu64 " in %" SCNu64, &said, &attempt) != 2) {
        if (!c->has_idle)
            trace_fail("%s: closed by the server with '%s'", c->label, reason);
    } else if (said != c->heard && !was_closed(c, attempt)) {
        trace_fail("%s: heard %" PRIu64 ", but '%s'", c->label, c->heard,
                   reason);
    }
}

static void on_closed(struct plc_ws *w, uint16_t code, const char *reason,
                      bool clean, void *arg)
{
    struct plain *c = arg;

    (void)w;
    trace_note("plain closed", -1, code, clean);
    check_is_due(c->program, c);
    if (!c->is_open)
        trace_fail("%s: closed, but it was not open", c->label);
    if (clean && code == PLAIN_SERVER_CODE)
        check_all_heard(c, reason);
    c->is_open = false;
    c->ends++;
    program_call_back(c->program);
}

static void on_failed(struct plc_ws *w, enum pl_err err, int http_status,
                      const char *why, void *arg)
{
    struct plain *c = arg;

    (void)w, (void)why;
    trace_note("plain failed", -1, (uint64_t)-err, (uint64_t)http_status);
    check_is_due(c->program, c);
    if (c->is_open || err == PL_OK)
        trace_fail("%s: failed, but it is open", c->label);
    c->ends++;
    program_call_back(c->program);
}

bool plain_take_result(struct program *p, const char *label)
{
    struct plain *c = find_label(p, label);

    if (c != NULL && c->results++ > 0)
        trace_fail("%s: a result too many", label);
    return c != NULL;
}

static void check_released(const struct plain *c)
{
    if (!c->is_dropped && !c->program->is_stopping)
        trace_fail("a channel is released that was not destroyed");
    if (c->is_open || c->results != 1)
        trace_fail("%s: released while open: %d, with %u results", c->label,
                   c->is_open, c->results);
    if (c->ends < c->attempts ||
        (c->ends > c->attempts && !c->program->world->fails_allocations))
        trace_fail("%s: %" PRIu64 " ends of %" PRIu64 " attempts", c->label,
                   c->ends, c->attempts);
    for (const struct plain_send *s = c->sends; s != NULL; s = s->next) {
        if (!s->is_done)
            trace_fail("%s: message %" PRIu64 " has no end", c->label,
                       s->number);
    }
}

static void on_release(void *arg)
{
    struct plain *c = arg, **at = &c->program->all_plain;
    struct program *p = c->program;

    trace_note("plain release", -1, c->opens, c->ends);
    check_released(c);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    for (unsigned i = 0; i < PLAINS; i++) {
        if (p->plains[i] == c)
            p->plains[i] = NULL;
    }
    while (c->sends != NULL) {
        struct plain_send *s = c->sends;

        c->sends = s->next;
        s->channel = NULL;
        s->next = p->ended_sends;
        p->ended_sends = s;
    }
    free(c);
}

/* --- What it does --- */

static void create(struct program *p, unsigned i)
{
    static const uint32_t bounds[] = {4, 100, 0};
    struct plain *c = program_fresh(sizeof *c);
    char url[64];
    struct plc_link link = {.size = sizeof link,
                            .connect_ms = 2000,
                            .send_ms = 2000,
                            .queue_messages = bounds[draw(p, 3)]};
    struct plc_ws_options o = {.size = sizeof o,
                               .url = url,
                               .label = c->label,
                               .link = &link,
                               .ping_ms = draw(p, 2) * 3000,
                               .pong_ms = 2000,
                               .idle_ms = draw(p, 3) == 0 ? 5000 : 0,
                               .close_ms = 500,
                               .open = on_open,
                               .message = on_message,
                               .closed = on_closed,
                               .failed = on_failed,
                               .release = on_release,
                               .arg = c};

    c->program = p;
    snprintf(c->label, sizeof c->label, "w%u", p->labels++);
    snprintf(url, sizeof url, "ws://%s:%d/", c->label, PLAIN_PORT);
    c->has_idle = o.idle_ms > 0;
    enum pl_err rc = plc_ws_create(&c->handle, p->group, &o);
    trace_note("plain create", -1, i, rc == PL_OK);
    program_check_error(p, rc, "create a channel");
    if (rc != PL_OK) {
        free(c);
        return;
    }
    c->next = p->all_plain;
    p->all_plain = c;
    p->plains[i] = c;
}

/* Cut `all` into parts at random; return how many. */
static size_t cut(struct program *p, struct pl_span all,
                  struct plc_bytes parts[PARTS_MAX])
{
    size_t count = 1 + draw(p, PARTS_MAX), n = 0;

    while (n + 1 < count) {
        size_t len = draw(p, (unsigned)all.len + 1);

        parts[n++] = (struct plc_bytes){all.at, len};
        all.at += len;
        all.len -= len;
    }
    parts[n] = (struct plc_bytes){all.at, all.len};
    return count;
}

static struct plain_send *new_send(struct plain *c)
{
    static const enum plc_kind kinds[] = {PLC_TEXT,   PLC_TEXT, PLC_BINARY,
                                          PLC_BINARY, PLC_PING, PLC_PONG};
    static const unsigned lens[] = {40, 300, 5000};
    struct plain_send *s = program_fresh(sizeof *s);
    struct program *p = c->program;

    *s = (struct plain_send){.program = p,
                             .channel = c,
                             .number = ++c->sent,
                             .kind = kinds[draw(p, 6)]};
    s->len = 40 + draw(p, s->kind >= PLC_PING ? 80 : lens[draw(p, 3)]);
    s->next = c->sends;
    c->sends = s;
    return s;
}

/* What has its end is of no use any more, but for a second one. */
static void set_aside(struct plain *c)
{
    struct plain_send **at = &c->sends;

    while (*at != NULL) {
        struct plain_send *s = *at;

        if (!s->is_done) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->next = c->program->ended_sends;
        c->program->ended_sends = s;
    }
}

static void say(struct plain *c)
{
    struct program *p = c->program;
    unsigned suspended = faults_suspend();
    struct plc_bytes parts[PARTS_MAX];
    struct pl_buf text = {0};
    char what[TEXT_MAX];

    set_aside(c);
    struct plain_send *s = new_send(c);
    snprintf(what, sizeof what, "%s %" PRIu64, c->label, s->number);
    plain_fill(&text, what, s->len);
    size_t count = 1;
    parts[0] = (struct plc_bytes){text.data, text.len};
    if (s->kind < PLC_PING && draw(p, 2) == 0)
        count = cut(p, pl_buf_span(&text), parts);
    faults_resume(suspended);
    enum pl_err rc = plc_ws_send(c->handle, s->kind, parts, count, on_done, s);
    suspended = faults_suspend();
    trace_note("plain send", -1, s->number, rc == PL_OK);
    pl_buf_fini(&text);
    program_check_error(p, rc, "send");
    p->accepted += rc == PL_OK;
    p->refused += rc != PL_OK;
    if (rc != PL_OK) {
        c->sends = s->next;
        free(s);
    }
    faults_resume(suspended);
}

static void close_one(struct plain *c)
{
    uint16_t code = draw(c->program, 2) == 0 ? 0 : PLAIN_CODE;
    enum pl_err rc = plc_ws_close(c->handle, code, "enough");

    trace_note("plain close", -1, code, rc == PL_OK);
    program_check_error(c->program, rc, "close");
    mark_closed(c);
}

static void drop(struct program *p, unsigned i)
{
    struct plain *c = p->plains[i];

    trace_note("plain destroy", -1, i, 0);
    p->plains[i] = NULL;
    c->is_dropped = true;
    plc_ws_destroy(c->handle);
}

void plain_act(struct program *p)
{
    unsigned i = draw(p, PLAINS), what = draw(p, 100);

    if (p->plains[i] == NULL)
        create(p, i);
    else if (what < 80)
        say(p->plains[i]);
    else if (what < 90)
        program_check_error(p, plc_ws_open(p->plains[i]->handle), "open");
    else if (what < 97)
        close_one(p->plains[i]);
    else
        drop(p, i);
}

void plain_send_all(struct program *p)
{
    for (unsigned i = 0; i < PLAINS; i++) {
        if (p->plains[i] != NULL && !p->is_stopping)
            say(p->plains[i]);
    }
}

/* --- Checks --- */

void plain_check_rest(const struct program *p)
{
    for (const struct plain *c = p->all_plain; c != NULL; c = c->next) {
        enum plc_ws_state state = plc_ws_state(c->handle);

        if (state != (c->is_open ? PLC_WS_OPEN : PLC_WS_CLOSED))
            trace_fail("%s: is in state %d, but was told %d", c->label, state,
                       c->is_open);
        for (const struct plain_send *s = c->sends; s != NULL; s = s->next) {
            if (!s->is_done || (s->number == c->sent && !s->has_left))
                trace_fail("%s: at rest message %" PRIu64 " has not left",
                           c->label, s->number);
        }
    }
}

void plain_check_freed(struct program *p)
{
    if (p->all_plain != NULL)
        trace_fail("a channel was not released with its group");
    while (p->ended_sends != NULL) {
        struct plain_send *next = p->ended_sends->next;

        free(p->ended_sends);
        p->ended_sends = next;
    }
}
