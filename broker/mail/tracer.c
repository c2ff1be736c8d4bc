/* SPDX-License-Identifier: Apache-2.0 */
/* tracer.c - see tracer.h.
 *
 * Lines are written as JSON where the event happens, so that nothing of a
 * message outlives it.  A full buffer drops the newest lines: those before them
 * show how it began, and the count shows what is missing.
 *
 * Rejected: a mail for each event, because a trace of a busy channel would fill
 * the mailbox of the admin; a ring that overwrites the oldest lines, because
 * the admin then shows a history with holes in unknown places.
 *
 * Invariant: at[0] to at[count - 1] are the traces; the loop has a tap if and
 * only if one of them is that of an actor. */
#include "tracer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "loop.h"
#include "mail_private.h"
#include "system.h"

struct pl_tracer pl_tracer_none;

/* --- The mail --- */

static void destroy(struct pl_msg *msg)
{
    struct pl_trace_mail *m = (struct pl_trace_mail *)msg;

    pl_blob_release(m->name);
    pl_buf_fini(&m->lines);
    free(m);
}

struct pl_trace_mail *pl_trace_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_trace_mail), PL_MAIL_TRACE,
                          PL_MSG_RETURN | PL_MSG_RESERVED, destroy);
}

void pl_trace_mail_renew(struct pl_trace_mail *m, enum pl_trace_verb verb)
{
    m->msg.flags = PL_MSG_RETURN | PL_MSG_RESERVED;
    m->verb = (uint8_t)verb;
    pl_buf_fini(&m->lines);
    m->dropped = 0;
}

/* --- Lines --- */

static uint64_t now_us(const struct pl_tracer *t, const struct pl_trace *r)
{
    const struct pl_clock *c = pl_system_clock(pl_loop_system(t->loop));

    return r->wall_us + (c->monotonic(c) - r->mono_ns) / 1000;
}

struct pl_buf *pl_trace_begin(struct pl_tracer *t, struct pl_trace *r,
                              const char *event)
{
    if (r->count >= PL_TRACE_LINES || r->lines.len >= PL_TRACE_BYTES) {
        r->dropped++;
        return NULL;
    }
    r->mark = r->lines.len;
    pl_buf_printf(&r->lines,
                  "{\"time_us\":%" PRIu64 ",\"loop\":%u,\"event\":\"%s\"",
                  now_us(t, r), pl_loop_index(t->loop), event);
    return &r->lines;
}

void pl_trace_end(struct pl_trace *r)
{
    pl_buf_put_span(&r->lines, PL_SPAN("}\n"));
    if (!r->lines.failed) {
        r->count++;
        return;
    }
    r->lines.failed = false;
    r->lines.len = r->mark;
    r->dropped++;
}

struct pl_trace *pl_tracer_next(struct pl_tracer *t, uint32_t *i,
                                enum pl_trace_what what, struct pl_span name)
{
    while (*i < t->count) {
        struct pl_trace *r = t->at[(*i)++];

        if (r->what == what && pl_span_equal(pl_blob_span(r->name), name))
            return r;
    }
    return NULL;
}

/* --- Actors --- */

static void put_address(struct pl_buf *b, const char *key, struct pl_address a)
{
    pl_buf_printf(b, ",\"%s\":\"%u.%" PRIu32 ".%" PRIu32 "\"", key, a.loop,
                  a.slot, a.generation);
}

/* The loop handles `msg`, or drops it for the reason `dead`. */
static void tap(void *tracer, const struct pl_actor *a,
                const struct pl_msg *msg, const char *dead)
{
    struct pl_tracer *t = tracer;

    for (uint32_t i = 0; i < t->count; i++) {
        struct pl_trace *r = t->at[i];
        struct pl_buf *b = NULL;

        if (r->what != PL_TRACE_ACTOR || !pl_address_equal(r->address, msg->to))
            continue;
        b = pl_trace_begin(t, r, dead == NULL ? "mail" : "dead letter");
        if (b == NULL)
            continue;
        pl_buf_printf(b, ",\"type\":\"%s\"", pl_mail_name(msg->type));
        put_address(b, "from", msg->from);
        put_address(b, "to", msg->to);
        if (a != NULL)
            pl_buf_printf(b, ",\"kind\":\"%s\",\"waiting\":%" PRIu32,
                          a->ops->name, a->mailbox.count);
        if (dead != NULL)
            pl_buf_printf(b, ",\"reason\":\"%s\"", dead);
        pl_trace_end(r);
    }
}

static void set_tap(struct pl_tracer *t)
{
    bool is_wanted = false;

    for (uint32_t i = 0; i < t->count; i++)
        is_wanted = is_wanted || t->at[i]->what == PL_TRACE_ACTOR;
    pl_loop_set_tap(t->loop, is_wanted ? tap : NULL, t);
}

/* --- Begin and end --- */

static void free_trace(struct pl_trace *r)
{
    pl_blob_release(r->name);
    pl_buf_fini(&r->lines);
    free(r);
}

static void start(struct pl_tracer *t, struct pl_trace_mail *m)
{
    struct pl_trace *r = t->count == PL_TRACES_MAX || t->loop == NULL
                             ? NULL
                             : calloc(1, sizeof *r);

    m->has_failed = r == NULL;
    if (r == NULL)
        return;
    r->id = m->id;
    r->what = m->what;
    r->has_payload = m->has_payload;
    r->name = m->name == NULL ? NULL : pl_blob_hold(m->name);
    r->address = m->address;
    r->wall_us = m->wall_us;
    r->mono_ns = m->mono_ns;
    t->at[t->count++] = r;
    set_tap(t);
}

static void take(struct pl_trace *r, struct pl_trace_mail *m)
{
    m->lines = r->lines;
    m->dropped = r->dropped;
    r->lines = (struct pl_buf){0};
    r->count = 0;
    r->dropped = 0;
}

static void stop(struct pl_tracer *t, uint32_t i)
{
    free_trace(t->at[i]);
    t->at[i] = t->at[--t->count];
    set_tap(t);
}

void pl_tracer_execute(struct pl_tracer *t, struct pl_trace_mail *m)
{
    uint32_t i = 0;

    if (m->verb == PL_TRACE_START) {
        start(t, m);
        return;
    }
    while (i < t->count && t->at[i]->id != m->id)
        i++;
    if (i == t->count)
        return;
    if (m->verb == PL_TRACE_TAKE)
        take(t->at[i], m);
    else
        stop(t, i);
}

void pl_tracer_fini(struct pl_tracer *t)
{
    while (t->count > 0)
        stop(t, t->count - 1);
}
