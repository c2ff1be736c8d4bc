/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - see world.h: the program's handlers, among them the connect handler
 * that says who gets in.
 *
 * In a third of the runs clients without a token are judged by it.  It comes
 * and goes, loops hear of that one after the other, and some of its verdicts
 * come too late.  Whom it has let in is kept, since nobody else may be in.
 *
 * In a third of the runs a court decides who subscribes and publishes: at
 * once, up to three seconds later, when the broker has given up, or twice; and
 * now and then it says no, for now or for good.  Half of its subscriptions
 * expire, and some have an info. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "handlers_mail.h"
#include "pub.h" /* brings mail/client.h: this folder has its own client.h */
#include "trace.h"

enum { SIM_NO = 403, SIM_NOT_NOW = 1001 };

static void must(enum pl_err rc, const char *what)
{
    if (rc != PL_OK)
        trace_fail("%s: %s", what, pl_err_text(rc));
}

static void answer(struct pl_call *call)
{
    while (pl_call_answer(call, call->data) != PL_OK)
        continue;
}

/* One that a handler has let in. */
struct admitted {
    struct admitted *next;
    struct pl_address session;
};

static void note_admitted(struct world *w, struct pl_address session)
{
    struct admitted *a = malloc(sizeof *a);

    if (a == NULL)
        abort();
    *a = (struct admitted){w->admitted, session};
    w->admitted = a;
}

bool world_was_admitted(const struct world *w, struct pl_span id)
{
    struct pl_address session;

    if (pl_client_id_parse(id, &session) != PL_OK)
        return false;
    for (const struct admitted *a = w->admitted; a != NULL; a = a->next) {
        if (pl_address_equal(a->session, session))
            return true;
    }
    return false;
}

static void on_connect_call(struct world *w, struct pl_call *call)
{
    if (world_draw(w, 20) == 0) {
        pl_call_refuse(call, 403, PL_SPAN("not you"));
        return;
    }
    note_admitted(w, call->session);
    pl_call_admit(call, PL_SPAN("u0"), PL_SPAN("{\"by\":\"handler\"}"));
}

/* Most refreshed subscriptions expire again. */
static int64_t draw_expiry(struct world *w, enum pl_asks asks)
{
    enum { MOST_S = 15 };
    const struct pl_clock *clock = pl_system_clock(w->system);

    if (asks == PL_ASKS_PUBLISH ||
        world_draw(w, asks == PL_ASKS_SUBSCRIBE ? 2 : 8) == 0)
        return 0;
    return (int64_t)(clock->wall(clock) / 1000) + 1 + world_draw(w, MOST_S);
}

/* A third of the subscriptions have an info. */
static struct pl_span draw_info(struct world *w, enum pl_asks asks)
{
    return asks == PL_ASKS_SUBSCRIBE && world_draw(w, 3) == 0
               ? PL_SPAN("{\"seat\":1}")
               : (struct pl_span){NULL, 0};
}

static void on_asked(struct world *w, struct pl_call *call)
{
    switch (world_draw(w, 20)) {
    case 0:
        pl_call_refuse(call, SIM_NO, PL_SPAN("no"));
        return;
    case 1:
        pl_call_refuse_for_now(call, SIM_NOT_NOW, PL_SPAN("not now"));
        return;
    default:
        pl_call_grant(call, &(struct pl_call_terms){
                                .info = draw_info(w, (enum pl_asks)call->asks),
                                .expires_at_s =
                                    draw_expiry(w, (enum pl_asks)call->asks)});
    }
}

static void respond(struct world *w, struct pl_call *call)
{
    if (call->asks != PL_ASKS_NOTHING)
        on_asked(w, call);
    else if (call->is_connect)
        on_connect_call(w, call);
    else if (pl_span_equal(call->type, PL_SPAN("fail")))
        pl_call_refuse(call, 1000, PL_SPAN("as asked"));
    else
        answer(call);
}

static void keep(struct world *w, struct pl_call *call, uint64_t due_ms)
{
    w->due_ms[w->call_count] = due_ms;
    w->kept_ms[w->call_count] = w->now_ms;
    w->is_decided[w->call_count] = false;
    w->calls[w->call_count++] = call;
}

/* A quarter of the verdicts on who gets in come when the client is not waiting
 * any more. */
static uint64_t draw_due(struct world *w, const struct pl_call *call)
{
    bool is_late = call->is_connect && world_draw(w, 4) == 0;

    return is_late ? w->now_ms + w->config->session.connect.timeout_ms : 0;
}

/* At once, later, or after blocking its loop for a while. */
static void on_call(struct pl_call *call, void *arg)
{
    struct world *w = arg;
    unsigned suspended = faults_suspend();

    if (pl_span_equal(call->type, PL_SPAN("slow")))
        world_jump(w, world_draw(w, 300));
    bool waits = pl_span_equal(call->type, PL_SPAN("late")) ||
                 (call->is_connect && world_draw(w, 2) == 0);
    if (waits && w->call_count < CALLS_MAX)
        keep(w, call, draw_due(w, call));
    else
        respond(w, call);
    faults_resume(suspended);
}

bool world_answer_call(struct world *w)
{
    if (w->call_count == 0)
        return false;
    unsigned i = world_draw(w, w->call_count);
    struct pl_call *call = w->calls[i];
    if (w->due_ms[i] > w->now_ms && !w->is_calm && !w->is_stopping)
        return false;
    w->calls[i] = w->calls[--w->call_count];
    w->due_ms[i] = w->due_ms[w->call_count];
    w->kept_ms[i] = w->kept_ms[w->call_count];
    w->is_decided[i] = w->is_decided[w->call_count];
    respond(w, call);
    return true;
}

/* --- The court --- */

/* When it answers what it keeps: one in thirty when the broker has given up. */
static uint64_t draw_verdict(struct world *w)
{
    enum { MOST_MS = 3000 };

    return w->now_ms + (world_draw(w, 30) == 0
                            ? w->config->session.handlers.timeout_ms + 1
                            : world_draw(w, MOST_MS + 1));
}

static enum pl_verdict_kind decide(struct world *w, enum pl_asks asks,
                                   struct pl_verdict *out)
{
    unsigned what = world_draw(w, 100);

    if (what < 94) {
        out->info = draw_info(w, asks);
        out->expires_at_s = draw_expiry(w, asks);
        return PL_YES;
    }
    *out = (struct pl_verdict){.code = what < 97 ? SIM_NO : SIM_NOT_NOW,
                               .is_temporary = what >= 97};
    return PL_NO;
}

/* The call is answered later, also where it was decided at once. */
static enum pl_verdict_kind judge(struct pl_question *q, void *arg,
                                  struct pl_verdict *out)
{
    struct world *w = arg;
    bool is_kept = w->call_count < CALLS_MAX && world_draw(w, 2) == 0;
    bool is_twofold = is_kept && world_draw(w, 20) == 0;
    struct pl_call *call = is_kept ? pl_question_keep(q) : NULL;

    if (call != NULL)
        keep(w, call, draw_verdict(w));
    if (is_kept && !is_twofold)
        return PL_LATER;
    if (call != NULL)
        w->is_decided[w->call_count - 1] = true;
    return decide(w, q->asks, out);
}

bool world_keeps_verdict(const struct world *w, const char *id, unsigned room)
{
    enum { HELD_MS = 1000 }; /* a loop's time is that of its turn's beginning */
    const char *name = world_channel_name(room);

    for (unsigned i = 0; i < w->call_count; i++) {
        const struct pl_call *c = w->calls[i];
        uint64_t given_up =
            w->kept_ms[i] + w->config->session.handlers.timeout_ms;

        if (c->asks == PL_ASKS_SUBSCRIBE && !w->is_decided[i] &&
            w->now_ms + HELD_MS < given_up &&
            pl_span_equal(c->client, pl_span_of(id)) &&
            pl_span_equal(c->channel, pl_span_of(name)))
            return true;
    }
    return false;
}

static void seat_court(struct world *w)
{
    static const enum pl_asks asks[] = {PL_ASKS_SUBSCRIBE, PL_ASKS_PUBLISH,
                                        PL_ASKS_SUB_REFRESH};

    for (unsigned i = 0; i < sizeof asks / sizeof *asks; i++) {
        struct pl_handlers *more;

        must(pl_handlers_with_judge(w->handlers, asks[i], judge, w, &more),
             "court");
        pl_handlers_release(w->handlers);
        w->handlers = more;
    }
}

static void spread_handlers(struct world *w)
{
    for (unsigned i = 0; i < w->workers; i++) {
        struct pl_handlers_mail *m = pl_handlers_mail_create();

        if (m == NULL)
            abort();
        m->handlers = pl_handlers_hold(w->handlers);
        m->release = pl_handlers_release;
        pl_system_post(w->system, pl_session_manager_address(w->at[i].manager),
                       &m->msg);
    }
}

void world_seat_judge(struct world *w, bool is_here)
{
    struct pl_handlers *table;

    if (!w->has_judge || w->is_judge_here == is_here || w->is_stopping)
        return;
    w->is_judge_here = is_here;
    trace_note("judge", -1, is_here, 0);
    must(is_here ? pl_handlers_with(w->handlers, "connect", on_call, w, &table)
                 : pl_handlers_without(w->handlers, "connect", &table),
         "judge");
    pl_handlers_release(w->handlers);
    w->handlers = table;
    spread_handlers(w);
}

/* A third of the runs have a judge, and half of these begin without it. */
void world_make_handlers(struct world *w)
{
    static const char *const types[] = {"now", "late", "slow", "fail",
                                        "connect"};
    unsigned count;

    w->has_judge = !w->is_plain && world_draw(w, 3) == 0;
    w->is_judge_here = w->has_judge && world_draw(w, 2) == 0;
    count = w->is_judge_here ? 5 : 4;
    w->handlers = pl_handlers_create();
    if (w->has_judge)
        pl_handlers_set_judge(w->handlers);
    for (unsigned i = 0; i < count; i++) {
        struct pl_handlers *more;

        must(pl_handlers_with(w->handlers, types[i], on_call, w, &more),
             "handlers");
        pl_handlers_release(w->handlers);
        w->handlers = more;
    }
    w->has_court = !w->is_plain && w->seed % 3 == 2;
    if (w->has_court)
        seat_court(w);
}

void world_forget_admitted(struct world *w)
{
    while (w->admitted != NULL) {
        struct admitted *next = w->admitted->next;

        free(w->admitted);
        w->admitted = next;
    }
}
