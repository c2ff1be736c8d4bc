/* SPDX-License-Identifier: Apache-2.0 */
/* stop.c - the phases of the shutdown; see supervisor.h.
 *
 * A phase sends requests to its participants and ends when all have replied or
 * exited, or its timer fires.  One deadline holds for all connections together,
 * because session managers work in parallel.
 *
 * Shortly before the deadline of DISCONNECT the session managers abort what is
 * left.  If one does not reply even then, its loop is blocked, nearly always by
 * a handler, which is logged.  LISTENERS does not wait for such a blocked loop,
 * and in CANCEL its actors do not delay those of other loops.
 *
 * A loop that no handler blocks may need longer than a deadline, to abort
 * 10,000 connections for example.  It gets as much more time as RESET has;
 * otherwise it counts as blocked while it works.
 *
 * Rejected: one timer per participant, because deadlines add up; stopping an
 * actor before the one that uses it, because mail becomes dead letters.
 *
 * Invariant: the phase only ascends.  From GRACE to CANCEL either a reply is
 * pending and the timer runs, or the next phase begins. */
#include "log.h"
#include "supervisor_private.h"
#include "system.h"

static void enter(struct pl_supervisor *s, enum pl_phase phase);

static enum pl_phase now(const struct pl_supervisor *s)
{
    return pl_phase_trace_now(s->options.phases);
}

static uint64_t at_least(uint64_t ms, uint64_t least)
{
    return ms < least ? least : ms;
}

/* --- Requests and pending replies --- */

static bool ask(struct pl_supervisor *s, struct pl_party *p, bool force)
{
    struct pl_phase_mail *m = pl_phase_mail_create();

    if (m == NULL)
        return false;
    m->phase = now(s);
    m->force = force;
    pl_actor_send(&s->actor, p->address, &m->msg);
    return true;
}

/* Send the phase to all participants.  If allocation fails, the participant
 * counts as pending and gets the request at the deadline; if that fails too, it
 * counts as forced. */
static void ask_all(struct pl_supervisor *s, struct pl_party_list *list,
                    bool force)
{
    for (size_t i = 0; i < list->count; i++) {
        struct pl_party *p = &list->at[i];

        if (p->is_gone || (force && p->awaited == 0))
            continue;
        bool was_unasked = p->awaited > 0 && p->is_unasked;
        p->is_unasked = !ask(s, p, force);
        if (p->is_unasked)
            PL_LOG(PL_LOG_ERROR, "cannot ask to stop",
                   pl_log_error("error", PL_ENOMEM),
                   pl_log_number("loop", p->address.loop));
        p->awaited += !was_unasked;
    }
}

/* Return true if all participants on loops that are not blocked have replied.
 */
static bool is_resolved(const struct pl_supervisor *s,
                        const struct pl_party_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct pl_party *p = &list->at[i];

        if (p->awaited > 0 && !s->is_unresponsive[p->address.loop])
            return false;
    }
    return true;
}

static struct pl_party_list *parties_of(struct pl_supervisor *s,
                                        enum pl_phase phase)
{
    switch (phase) {
    case PL_PHASE_SIGNAL:
    case PL_PHASE_GRACE:
    case PL_PHASE_DISCONNECT:
        return &s->managers;
    case PL_PHASE_LISTENERS:
        return &s->listeners;
    default:
        return NULL;
    }
}

/* --- What had to be forced --- */

/* Return true if a handler blocks the loop of `p`, with its name. */
static bool is_blocked(const struct pl_supervisor *s, const struct pl_party *p,
                       char handler[PL_LOOP_NAME_SIZE])
{
    struct pl_system *system = pl_loop_system(s->actor.loop);
    uint64_t since_ns;

    return pl_loop_busy(pl_system_loop(system, p->address.loop), handler,
                        &since_ns);
}

static void warn(const struct pl_supervisor *s, const struct pl_party *p)
{
    char handler[PL_LOOP_NAME_SIZE];

    if (is_blocked(s, p, handler))
        PL_LOG(PL_LOG_WARN, "a handler blocks the stop",
               pl_log_string("phase", pl_phase_text(now(s))),
               pl_log_string("handler", handler),
               pl_log_string("actor", p->name),
               pl_log_number("loop", p->address.loop));
    else if (now(s) != PL_PHASE_GRACE)
        PL_LOG(PL_LOG_WARN, "no answer to the stop",
               pl_log_string("phase", pl_phase_text(now(s))),
               pl_log_string("actor", p->name),
               pl_log_number("loop", p->address.loop));
    /* otherwise: work longer than the grace is not a fault */
}

/* Return true if the loop of `p` has not replied but is not blocked. */
static bool is_slow(const struct pl_supervisor *s, const struct pl_party *p)
{
    char handler[PL_LOOP_NAME_SIZE];

    return !s->is_unresponsive[p->address.loop] && !is_blocked(s, p, handler);
}

static bool is_any_slow(const struct pl_supervisor *s)
{
    bool is_cancel = now(s) == PL_PHASE_CANCEL;
    const struct pl_party_list *list = now(s) == PL_PHASE_LISTENERS
                                           ? &s->listeners
                                       : is_cancel ? &s->internals
                                                   : &s->managers;

    for (size_t i = 0; i < list->count; i++) {
        const struct pl_party *p = &list->at[i];
        bool is_awaited = is_cancel ? p->is_asked && !p->is_gone
                                    : p->awaited > 0 && !p->is_unasked;

        if (is_awaited && is_slow(s, p))
            return true;
    }
    return false;
}

/* End the phase: each pending participant counts as forced. */
static void give_up(struct pl_supervisor *s, struct pl_party_list *list)
{
    uint64_t forced = 0;

    for (size_t i = 0; i < list->count; i++) {
        struct pl_party *p = &list->at[i];

        if (p->awaited == 0)
            continue;
        warn(s, p);
        forced++;
        p->awaited = 0;
        if (now(s) == PL_PHASE_DISCONNECT)
            s->is_unresponsive[p->address.loop] = true;
    }
    if (forced > 0)
        pl_phase_trace_force(s->options.phases, forced);
}

static void leave_phase(struct pl_supervisor *s)
{
    give_up(s, parties_of(s, now(s)));
    enter(s, now(s) + 1);
}

/* --- CANCEL: the internal actors, newest first --- */

static void ask_to_stop(struct pl_supervisor *s, struct pl_party *p)
{
    if (p->is_asked || p->is_gone)
        return;
    p->is_asked = pl_stop_send(&s->actor, p->address) == PL_OK;
    if (!p->is_asked) /* retried at the deadline */
        PL_LOG(PL_LOG_ERROR, "cannot ask to stop",
               pl_log_error("error", PL_ENOMEM),
               pl_log_string("actor", p->name));
}

/* Stop an actor only after every later-started actor of the same loop has
 * exited, because sessions use their hub until they end.  With all messages
 * sent at once, a hub that is scheduled first on a loop that was blocked exits
 * first. */
static bool must_wait(const struct pl_supervisor *s, size_t index)
{
    const struct pl_party *p = &s->internals.at[index];

    for (size_t i = index + 1; i < s->internals.count; i++) {
        const struct pl_party *later = &s->internals.at[i];

        if (!later->is_gone && later->address.loop == p->address.loop)
            return true;
    }
    return false;
}

/* Stop the next actor, and those on blocked loops before it.  Return false if
 * all have exited. */
static bool stop_next(struct pl_supervisor *s)
{
    bool is_any_left = false;

    for (size_t i = s->internals.count; i-- > 0;) {
        struct pl_party *p = &s->internals.at[i];

        if (p->is_gone)
            continue;
        is_any_left = true;
        if (must_wait(s, i))
            continue;
        ask_to_stop(s, p);
        if (!s->is_unresponsive[p->address.loop])
            return true;
    }
    return is_any_left;
}

static void cancel_rest(struct pl_supervisor *s)
{
    uint64_t forced = 0;

    for (size_t i = s->internals.count; i-- > 0;) {
        struct pl_party *p = &s->internals.at[i];

        if (p->is_gone)
            continue;
        if (!must_wait(s, i))
            ask_to_stop(s, p); /* it may still clean up before its loop ends */
        warn(s, p);
        forced++;
    }
    if (forced > 0)
        pl_phase_trace_force(s->options.phases, forced);
}

/* Log the connections that did not unregister, which are those of blocked
 * loops. */
static void name_the_left(struct pl_supervisor *s)
{
    size_t left = pl_registry_connections(&s->registry);

    if (left > 0)
        PL_LOG(PL_LOG_WARN, "connections left behind",
               pl_log_number("count", (int64_t)left));
    if (s->strangers > 0)
        PL_LOG(PL_LOG_DEBUG, "left without having registered",
               pl_log_number("count", (int64_t)s->strangers));
}

static void finish(struct pl_supervisor *s)
{
    void (*on_stopped)(void *) = s->options.on_stopped;
    void *arg = s->options.arg;

    name_the_left(s);
    enter(s, PL_PHASE_RESET);
    pl_registry_fini(&s->registry);
    pl_actor_exit(&s->actor, "stopped");
    if (on_stopped != NULL)
        on_stopped(arg);
}

/* --- The phases --- */

static uint64_t deadline_of(const struct pl_supervisor *s, enum pl_phase phase)
{
    const struct pl_supervisor_settings *c = s->options.config;

    switch (phase) {
    case PL_PHASE_GRACE:
        return c->shutdown.grace_ms;
    case PL_PHASE_DISCONNECT:
        return c->shutdown.disconnect_ms;
    case PL_PHASE_CANCEL:
        return c->shutdown.cancel_ms;
    case PL_PHASE_RESET:
        return c->shutdown.reset_ms;
    default:
        return 0;
    }
}

static void arm(struct pl_supervisor *s, uint64_t ms)
{
    pl_timer_start(s->actor.loop, &s->timer, ms);
}

/* How long DISCONNECT may last, and when in it aborting starts: at once if the
 * deadline is 0. */
static uint64_t disconnect_ms(const struct pl_supervisor *s)
{
    return at_least(deadline_of(s, PL_PHASE_DISCONNECT),
                    PL_SUPERVISOR_ANSWER_MS);
}

static uint64_t abort_at_ms(const struct pl_supervisor *s)
{
    uint64_t deadline = deadline_of(s, PL_PHASE_DISCONNECT);
    uint64_t whole = disconnect_ms(s);
    uint64_t cutting = whole / 2;

    if (cutting > PL_SUPERVISOR_ANSWER_MS)
        cutting = PL_SUPERVISOR_ANSWER_MS;
    return deadline < whole - cutting ? deadline : whole - cutting;
}

static void begin_grace(struct pl_supervisor *s)
{
    ask_all(s, &s->managers, false);
    if (is_resolved(s, &s->managers) || deadline_of(s, PL_PHASE_GRACE) == 0)
        leave_phase(s);
    else
        arm(s, deadline_of(s, PL_PHASE_GRACE));
}

static void begin_disconnect(struct pl_supervisor *s)
{
    ask_all(s, &s->managers, false);
    if (is_resolved(s, &s->managers))
        leave_phase(s);
    else
        arm(s, abort_at_ms(s));
}

static void begin_listeners(struct pl_supervisor *s)
{
    ask_all(s, &s->listeners, false);
    if (is_resolved(s, &s->listeners))
        leave_phase(s);
    else
        arm(s, PL_SUPERVISOR_ANSWER_MS);
}

static void begin_cancel(struct pl_supervisor *s)
{
    if (!stop_next(s))
        finish(s);
    else
        arm(s,
            at_least(deadline_of(s, PL_PHASE_CANCEL), PL_SUPERVISOR_ANSWER_MS));
}

static void enter(struct pl_supervisor *s, enum pl_phase phase)
{
    pl_timer_stop(s->actor.loop, &s->timer);
    pl_phase_trace_begin(s->options.phases, phase, deadline_of(s, phase));
    if (s->options.on_phase != NULL)
        s->options.on_phase(s->options.arg, phase);
    switch (phase) {
    case PL_PHASE_SIGNAL:
        ask_all(s, &s->managers, false);
        for (size_t i = 0; i < s->managers.count; i++)
            s->managers.at[i].awaited = 0; /* no reply is awaited */
        enter(s, PL_PHASE_GRACE);
        return;
    case PL_PHASE_GRACE:
        begin_grace(s);
        return;
    case PL_PHASE_DISCONNECT:
        begin_disconnect(s);
        return;
    case PL_PHASE_LISTENERS:
        begin_listeners(s);
        return;
    case PL_PHASE_CANCEL:
        begin_cancel(s);
        return;
    default:
        return;
    }
}

static void force_disconnect(struct pl_supervisor *s)
{
    s->is_forcing = true;
    ask_all(s, &s->managers, true);
    arm(s, disconnect_ms(s) - abort_at_ms(s));
}

/* Retry the requests for which allocation failed. */
static void ask_again(struct pl_supervisor *s)
{
    struct pl_party_list *list = parties_of(s, now(s));

    if (list == NULL)
        stop_next(s);
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        struct pl_party *p = &list->at[i];

        if (p->awaited > 0 && p->is_unasked)
            p->is_unasked =
                !ask(s, p, s->is_forcing && now(s) == PL_PHASE_DISCONNECT);
    }
}

/* Give a loop that still works more time after the deadline.  Return false if
 * it had its time, or if no loop is working. */
static bool wait_longer(struct pl_supervisor *s)
{
    if (s->waited_ms >= s->options.config->shutdown.reset_ms)
        return false;
    ask_again(s);
    if (!is_any_slow(s))
        return false;
    s->waited_ms += PL_SUPERVISOR_ANSWER_MS;
    arm(s, PL_SUPERVISOR_ANSWER_MS);
    return true;
}

void pl_supervisor_on_timer(struct pl_timer *t)
{
    struct pl_supervisor *s = PL_CONTAINER(t, struct pl_supervisor, timer);

    if (now(s) == PL_PHASE_DISCONNECT && !s->is_forcing) {
        force_disconnect(s);
        return;
    }
    if (now(s) != PL_PHASE_GRACE && wait_longer(s))
        return;
    switch (now(s)) {
    case PL_PHASE_CANCEL:
        cancel_rest(s);
        finish(s);
        return;
    default:
        leave_phase(s);
        return;
    }
}

void pl_supervisor_begin_stop(struct pl_supervisor *s, bool hurry)
{
    if (now(s) == PL_PHASE_RUNNING) {
        pl_supervisor_unwatch_memory(s);
        enter(s, PL_PHASE_SIGNAL);
    }
    if (hurry && now(s) == PL_PHASE_GRACE)
        leave_phase(s);
}

static struct pl_party *party_at(struct pl_party_list *list,
                                 struct pl_address address)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (pl_address_equal(list->at[i].address, address))
            return &list->at[i];
    }
    return NULL;
}

void pl_supervisor_on_phase(struct pl_supervisor *s,
                            const struct pl_phase_mail *m)
{
    struct pl_party_list *list = parties_of(s, now(s));
    struct pl_party *p = party_at(list, m->msg.from);

    if (m->phase != now(s) || p == NULL || p->awaited == 0)
        return; /* too late, or not awaited */
    p->awaited--;
    if (m->msg.returned) {
        p->is_gone = true;
        p->awaited = 0;
    } else if (m->forced > 0) {
        pl_phase_trace_force(s->options.phases, m->forced);
    }
    if (is_resolved(s, list))
        leave_phase(s);
}

void pl_supervisor_on_down(struct pl_supervisor *s, const struct pl_down_msg *m)
{
    struct pl_party *p = &s->internals.at[m->ref];

    p->is_gone = true;
    if (now(s) != PL_PHASE_CANCEL) {
        PL_LOG(PL_LOG_ERROR, "an internal actor has ended",
               pl_log_string("actor", p->name),
               pl_log_string("reason", m->reason));
        return;
    }
    if (!stop_next(s))
        finish(s);
}
