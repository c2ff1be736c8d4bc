/* SPDX-License-Identifier: Apache-2.0 */
/* trace_stream.c - GET /trace: what happens to one channel, user or actor, as
 * lines of JSON until the reader closes.
 *
 * One mail per loop circulates: it starts the trace at the hub of the loop, and
 * from then on takes its lines about every TAKE_MS.  So the lines that wait are
 * bounded on each loop, and the admin holds none: lines that the connection
 * does not accept are dropped and counted.  The mails that end the trace exist
 * from its start, so its end needs no memory.
 *
 * Invariant: of each loop the stream holds the mail in idle[], or the mail is
 * away and comes back, or the loop is gone. */
#include <inttypes.h>
#include <stdlib.h>

#include "admin_private.h"
#include "client.h"
#include "code.h"
#include "codec.h"
#include "mail.h"
#include "channel_name.h"
#include "url_query.h"
#include "system.h"
#include "tracer.h"
#include "wire_text.h"

enum {
    TAKE_MS = 100,
    EMPTY_TAKES = 250, /* takes without a line until an empty one: 25 s */
    LOOPS_MAX = 1024
};

static const char content_type[] = "application/x-ndjson";

/* What a request asks to trace. */
struct wish {
    enum pl_trace_what what;
    unsigned count; /* of names that were given */
    struct pl_buf name;
    struct pl_address address;
    bool has_payload;
};

struct pl_trace_stream {
    struct pl_list link;
    struct pl_web_party party;
    struct pl_admin *admin;
    struct pl_web_conn *conn; /* the connection of the request */
    struct pl_timer timer;
    struct pl_task end_task;
    uint64_t id;
    uint64_t dropped;  /* lines since the last report of it */
    unsigned starting; /* loops that have not begun */
    unsigned quiet;    /* takes since the last line */
    bool has_failed;
    unsigned loops;
    struct pl_trace_mail **idle; /* by loop; NULL: away or gone */
    struct pl_trace_mail **stop; /* by loop */
};

static struct pl_loop *loop_of(const struct pl_trace_stream *s)
{
    return s->admin->actor.loop;
}

/* --- Out --- */

static uint64_t count_lines(struct pl_span text)
{
    uint64_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

static void put(struct pl_trace_stream *s, struct pl_span lines)
{
    if (lines.len == 0)
        return;
    if (pl_web_stream_put(s->conn, lines) == PL_OK)
        s->quiet = 0;
    else
        s->dropped += count_lines(lines);
}

static void put_buf(struct pl_trace_stream *s, struct pl_buf *line)
{
    if (!line->failed)
        put(s, pl_buf_span(line));
    pl_buf_fini(line);
}

static void report_dropped(struct pl_trace_stream *s)
{
    struct pl_buf line = {0};
    uint64_t dropped = s->dropped;

    if (dropped == 0)
        return;
    pl_buf_printf(&line, "{\"event\":\"dropped\",\"count\":%" PRIu64 "}\n",
                  dropped);
    s->dropped = 0;
    if (line.failed || pl_web_stream_put(s->conn, pl_buf_span(&line)) != PL_OK)
        s->dropped = dropped; /* until the connection accepts more */
    pl_buf_fini(&line);
}

/* --- The end --- */

static void send(struct pl_trace_stream *s, unsigned loop,
                 struct pl_trace_mail *m)
{
    m->id = s->id;
    m->origin.kind = loop;
    pl_actor_send(&s->admin->actor, s->admin->options.hubs[loop], &m->msg);
}

static void free_mails(struct pl_trace_mail **mails, unsigned count)
{
    for (unsigned i = 0; mails != NULL && i < count; i++) {
        if (mails[i] != NULL)
            pl_mail_destroy(&mails[i]->msg);
    }
    free(mails);
}

/* End the trace on all loops and free `s`.  The caller ends the connection. */
static void let_go(struct pl_trace_stream *s)
{
    for (unsigned i = 0; i < s->loops; i++) {
        send(s, i, s->stop[i]);
        s->stop[i] = NULL;
    }
    free_mails(s->idle, s->loops);
    free_mails(s->stop, s->loops);
    pl_timer_stop(loop_of(s), &s->timer);
    pl_loop_cancel(loop_of(s), &s->end_task);
    pl_list_remove(&s->link);
    s->admin->trace_count--;
    free(s);
}

static void run_end(struct pl_task *t)
{
    struct pl_trace_stream *s =
        PL_CONTAINER(t, struct pl_trace_stream, end_task);
    struct pl_web_conn *conn = s->conn;

    pl_web_keep(conn, NULL);
    let_go(s);
    pl_web_stream_end(conn);
}

static void on_gone(struct pl_web_party *p)
{
    let_go(PL_CONTAINER(p, struct pl_trace_stream, party));
}

void pl_traces_close(struct pl_admin *a)
{
    while (!pl_list_is_empty(&a->traces)) {
        struct pl_trace_stream *s =
            PL_CONTAINER(a->traces.next, struct pl_trace_stream, link);
        struct pl_web_conn *conn = s->conn;

        pl_web_keep(conn, NULL);
        let_go(s);
        pl_web_abort(conn);
    }
}

/* --- Results --- */

/* The trace runs on all loops, or cannot. */
static void on_started(struct pl_trace_stream *s, const struct pl_trace_mail *m)
{
    struct pl_buf line = {0};

    s->has_failed = s->has_failed || m->has_failed;
    if (--s->starting > 0)
        return;
    if (s->has_failed) {
        put(s, PL_SPAN("{\"event\":\"error\",\"reason\":\"too many traces, or "
                       "out of memory\"}\n"));
        pl_loop_defer(loop_of(s), PL_STAGE_FLUSH, &s->end_task);
        return;
    }
    pl_buf_printf(&line, "{\"event\":\"begin\",\"loops\":%u}\n", s->loops);
    put_buf(s, &line);
}

static void take_result(struct pl_trace_stream *s, struct pl_trace_mail *m)
{
    s->dropped += m->dropped;
    put(s, pl_buf_span(&m->lines));
    if (m->verb == PL_TRACE_START)
        on_started(s, m);
    s->idle[m->origin.kind] = m;
}

void pl_traces_receive(struct pl_admin *a, struct pl_trace_mail *m)
{
    struct pl_list *l = a->traces.next;

    for (; l != &a->traces; l = l->next) {
        struct pl_trace_stream *s =
            PL_CONTAINER(l, struct pl_trace_stream, link);

        if (s->id == m->id && m->verb != PL_TRACE_STOP && !m->msg.returned) {
            take_result(s, m);
            return;
        }
    }
    pl_mail_destroy(&m->msg); /* the trace has ended, or the hub */
}

static void take_all(struct pl_timer *t)
{
    struct pl_trace_stream *s = PL_CONTAINER(t, struct pl_trace_stream, timer);

    report_dropped(s);
    for (unsigned i = 0; i < s->loops; i++) {
        struct pl_trace_mail *m = s->idle[i];

        if (m == NULL)
            continue;
        s->idle[i] = NULL;
        pl_trace_mail_renew(m, PL_TRACE_TAKE);
        send(s, i, m);
    }
    if (++s->quiet >= EMPTY_TAKES)
        put(s, PL_SPAN("\n"));
    pl_timer_start(loop_of(s), t, TAKE_MS);
}

/* --- The beginning --- */

/* Read "<loop>.<slot>.<generation>". */
static bool read_address(struct pl_span text, struct pl_address *out)
{
    unsigned long part[3] = {0};
    char copy[48], *at = copy;

    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    for (int i = 0; i < 3; i++) {
        if (*at < '0' || *at > '9')
            return false;
        part[i] = strtoul(at, &at, 10);
        if (*at++ != (i < 2 ? '.' : '\0'))
            return false;
    }
    *out = (struct pl_address){.loop = (uint16_t)part[0],
                               .slot = (uint32_t)part[1],
                               .generation = (uint32_t)part[2]};
    return part[0] < LOOPS_MAX && part[1] > 0 && part[2] > 0;
}

static bool is_channel(struct pl_span name)
{
    enum pl_channel_name is = pl_channel_name_check(name);

    return is == PL_CHANNEL_NAME_OK || is == PL_CHANNEL_NAME_RESERVED;
}

/* Take one member of the query.  Return false if it is wrong. */
static bool take_member(struct wish *w, struct pl_span name,
                        struct pl_span value)
{
    if (pl_span_equal(name, PL_SPAN("payload"))) {
        w->has_payload = pl_span_equal(value, PL_SPAN("1"));
        return true;
    }
    w->count++;
    if (!pl_query_decode(&w->name, value))
        return false;
    struct pl_span text = pl_buf_span(&w->name);
    if (pl_span_equal(name, PL_SPAN("channel"))) {
        w->what = PL_TRACE_CHANNEL;
        return is_channel(text);
    }
    if (pl_span_equal(name, PL_SPAN("user"))) {
        w->what = PL_TRACE_USER;
        return pl_text_valid(text);
    }
    w->what = PL_TRACE_ACTOR;
    if (pl_span_equal(name, PL_SPAN("client")))
        return pl_client_id_parse(text, &w->address) == PL_OK;
    return pl_span_equal(name, PL_SPAN("actor")) &&
           read_address(text, &w->address);
}

/* Return 0 if the query names one thing, otherwise the status of the
 * refusal. */
static int read_wish(struct wish *w, struct pl_span query)
{
    struct pl_span name, value;

    while (pl_query_next(&query, &name, &value)) {
        if (!take_member(w, name, value) || w->count > 1)
            return 400;
    }
    if (w->name.failed)
        return 500;
    return w->count == 1 ? 0 : 400;
}

static bool create_mails(struct pl_trace_stream *s, const struct wish *w)
{
    const struct pl_clock *c = pl_system_clock(pl_loop_system(loop_of(s)));
    uint64_t wall_us = c->wall(c) * 1000, mono_ns = c->monotonic(c);

    for (unsigned i = 0; i < s->loops; i++) {
        struct pl_trace_mail *m = s->idle[i] = pl_trace_mail_create();

        s->stop[i] = pl_trace_mail_create();
        if (m == NULL || s->stop[i] == NULL)
            return false;
        s->stop[i]->verb = PL_TRACE_STOP;
        m->what = (uint8_t)w->what;
        m->has_payload = w->has_payload;
        m->address = w->address;
        m->wall_us = wall_us;
        m->mono_ns = mono_ns;
        if (w->what != PL_TRACE_ACTOR &&
            (m->name = pl_blob_create(pl_buf_span(&w->name))) == NULL)
            return false;
    }
    return true;
}

static struct pl_trace_stream *create(struct pl_admin *a, struct pl_web_conn *c,
                                      const struct wish *w)
{
    struct pl_trace_stream *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->admin = a;
    s->conn = c;
    s->party.gone = on_gone;
    s->timer.fire = take_all;
    s->end_task.run = run_end;
    s->loops = a->options.hub_count;
    s->idle = calloc(s->loops + 1, sizeof(struct pl_trace_mail *));
    s->stop = calloc(s->loops + 1, sizeof(struct pl_trace_mail *));
    if (s->idle != NULL && s->stop != NULL && create_mails(s, w))
        return s;
    free_mails(s->idle, s->loops);
    free_mails(s->stop, s->loops);
    free(s);
    return NULL;
}

static void start(struct pl_trace_stream *s)
{
    struct pl_admin *a = s->admin;

    pl_list_append(&a->traces, &s->link);
    a->trace_count++;
    s->id = ++a->trace_id;
    s->starting = s->loops;
    pl_web_keep(s->conn, &s->party);
    pl_web_stream_begin(s->conn, content_type);
    for (unsigned i = 0; i < s->loops; i++) {
        struct pl_trace_mail *m = s->idle[i];

        s->idle[i] = NULL;
        send(s, i, m);
    }
    pl_timer_start(loop_of(s), &s->timer, TAKE_MS);
}

void pl_trace_open(struct pl_admin *a, struct pl_web_conn *c,
                   const struct pl_http_head *head)
{
    bool is_head = pl_span_equal(head->method, PL_SPAN("HEAD"));
    struct wish w = {.count = 0};
    struct pl_trace_stream *s = NULL;
    int status = read_wish(&w, head->query);

    if (status == 0 && a->trace_count >= PL_TRACES_MAX)
        status = 503;
    if (status == 0 && !is_head && (s = create(a, c, &w)) == NULL)
        status = 500;
    pl_buf_fini(&w.name);
    if (s != NULL)
        start(s);
    else if (status != 0)
        pl_web_reply_status(c, status, NULL, NULL);
    else
        pl_web_reply(
            c, &(struct pl_web_answer){.status = 200, .type = content_type});
}
