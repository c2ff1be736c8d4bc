/* SPDX-License-Identifier: Apache-2.0 */
/* session_manager.c - see session_manager.h.
 *
 * The session manager owns what the sessions of a loop share: the segment of
 * this turn's replies, free queue items, the decoder's arena, the handlers.  It
 * also does the loop's part of each shutdown phase and returns the message of
 * the phase when that part is done.  During a shutdown it checks this each
 * millisecond; otherwise this timer does not run. */
#include "session_private.h"

#include <stdlib.h>

#include "access_mail.h"
#include "key_mail.h"
#include "answered.h"
#include "denial_mail.h"
#include "denied.h"
#include "handlers_mail.h"
#include "look.h"
#include "look_mail.h"
#include "session_manager_private.h"
#include "mail.h"
#include "missing.h"
#include "monitor.h"
#include "overload.h"
#include "throttle.h"
#include "resume.h"
#include "rules_mail.h"

enum { POLL_MS = 1 };

static void seal(struct pl_task *t)
{
    struct pl_session_manager *k =
        PL_CONTAINER(t, struct pl_session_manager, seal);

    pl_segment_release(k->pool.segments, k->replies);
    k->replies = NULL;
}

static void destroy(struct pl_session_manager *k)
{
    pl_segment_release(k->pool.segments, k->replies);
    pl_out_pool_fini(&k->pool);
    pl_forms_release(k->forms);
    pl_arena_fini(&k->arena);
    if (k->shared != NULL)
        k->shared->destroy(k->shared);
    pl_call_table_fini(&k->calls);
    pl_map_fini(&k->waits.sessions);
    pl_map_fini(&k->expiring.sessions);
    pl_map_fini(&k->expiring.subs);
    pl_map_fini(&k->token_notes);
    pl_map_fini(&k->token_ids);
    pl_denials_destroy(k->denials);
    pl_key_cache_fini(&k->keys);
    free(k->looked.at_ms);
    pl_map_fini(&k->headers);
    pl_handlers_release(k->handlers);
    pl_access_release(k->access);
    pl_rule_cache_fini(&k->rules);
    free(k);
}

/* Prefetch what the flush of `s` needs from memory, while the session before it
 * is flushed. */
static void fetch(struct pl_session *s)
{
    __builtin_prefetch(s->out.first);
    __builtin_prefetch(pl_session_transport(s));
}

/* Flush the dirty sessions in the order in which they became dirty, so that the
 * longest wait ends first.  A session that becomes dirty meanwhile waits for
 * the next turn. */
static void flush(struct pl_task *t)
{
    struct pl_session_manager *k =
        PL_CONTAINER(t, struct pl_session_manager, flush);
    struct pl_session *s = k->dirty;

    k->dirty = pl_session_manager_dirty_end(k);
    k->dirty_end = &k->dirty;
    while (s != pl_session_manager_dirty_end(k)) {
        struct pl_session *next = s->next_dirty;

        if (next != pl_session_manager_dirty_end(k))
            fetch(next);
        s->next_dirty = NULL;
        pl_session_flush(s); /* frees no session: they are reaped later */
        s = next;
    }
}

void pl_session_manager_add(struct pl_session_manager *k)
{
    k->session_count++;
    pl_count(k->options.metrics, PL_METRIC_CONNECTIONS, 1);
}

void pl_session_manager_drop(struct pl_session_manager *k, struct pl_session *s)
{
    pl_session_manager_unmark_dirty(k, s);
    k->session_count--;
    pl_gauge_drop(k->options.metrics, PL_METRIC_CONNECTIONS, 1);
    if (k->is_reaped && k->session_count == 0)
        destroy(k);
}

static void close_one(struct pl_actor *a, void *arg)
{
    (void)arg;
    pl_session_close((struct pl_session *)a, PL_DISCONNECT_SHUTDOWN,
                     (struct pl_span){0});
}

static void close_all(struct pl_session_manager *k)
{
    pl_actor_each(k->actor.loop, &pl_session_actor_ops, close_one, NULL);
}

static void abort_one(struct pl_actor *a, void *arg)
{
    struct pl_session *s = (struct pl_session *)a;
    uint32_t *forced = arg;

    (*forced)++;
    pl_session_close(s, PL_DISCONNECT_SHUTDOWN, (struct pl_span){0});
    if (s->out.first != NULL)
        s->link->flush(s);
    s->link->abort(s);
}

/* Abort all sessions that missed the deadline; return their number.  What they
 * are owed leaves before, as far as the kernel takes it: a loop that lags may
 * take this request in the turn of their Close, which then is not sent yet. Set
 * refuses_sessions, so that no new session starts while the listeners are open:
 * an idle new one would delay the shutdown. */
uint32_t pl_session_manager_abort_all(struct pl_session_manager *k)
{
    uint32_t forced = 0;

    k->refuses_sessions = true;
    pl_actor_each(k->actor.loop, &pl_session_actor_ops, abort_one, &forced);
    return forced;
}

/* Return true if no command is pending and all output queues are empty. */
static bool is_idle(const struct pl_session_manager *k)
{
    const uint64_t *v = k->options.metrics->value;

    return v[PL_METRIC_COMMANDS_PENDING] == 0 && v[PL_METRIC_QUEUE_BYTES] == 0;
}

static bool is_done(const struct pl_session_manager *k)
{
    switch (k->asked->phase) {
    case PL_PHASE_GRACE:
        return is_idle(k);
    case PL_PHASE_DISCONNECT:
        return k->session_count == 0;
    default:
        return true;
    }
}

static void answer_phase(struct pl_session_manager *k)
{
    struct pl_phase_mail *m = k->asked;

    k->asked = NULL;
    pl_timer_stop(k->actor.loop, &k->poll);
    pl_mail_answer(&k->actor, &m->msg);
}

static void look(struct pl_session_manager *k)
{
    if (k->asked == NULL)
        return;
    if (is_done(k))
        answer_phase(k);
    else
        pl_timer_start(k->actor.loop, &k->poll, POLL_MS);
}

static void on_poll(struct pl_timer *t)
{
    look(PL_CONTAINER(t, struct pl_session_manager, poll));
}

static void on_phase(struct pl_session_manager *k, struct pl_phase_mail *m)
{
    if (k->asked != NULL)
        answer_phase(k); /* the next phase has begun meanwhile */
    k->asked = m;
    k->phase = m->phase;
    pl_session_manager_note_refusing(k);
    if (m->phase == PL_PHASE_DISCONNECT && m->force)
        m->forced = pl_session_manager_abort_all(k);
    else if (m->phase == PL_PHASE_DISCONNECT)
        close_all(k);
    look(k);
}

static void take_handlers(struct pl_session_manager *k,
                          struct pl_handlers *table)
{
    k->handlers = pl_handlers_hold(table);
    k->judged = pl_handlers_judged(table) | (k->judged != 0);
    k->options.metrics->value[PL_METRIC_HANDLERS] =
        pl_loop_index(k->actor.loop) == 0 ? pl_handlers_count(table) : 0;
}

static void on_handlers(struct pl_session_manager *k,
                        struct pl_handlers_mail *m)
{
    pl_handlers_release(k->handlers);
    take_handlers(k, m->handlers);
    pl_mail_destroy(&m->msg);
}

/* Commands may have to wait for a key from now on. */
static void note_keys(struct pl_session_manager *k)
{
    if (pl_token_policy_jwks(k->access->tokens) != NULL ||
        pl_token_policy_jwks(k->access->sub_tokens) != NULL)
        k->judged |= 1u << PL_ASKS_NOTHING;
}

static void on_access(struct pl_session_manager *k, struct pl_access_mail *m)
{
    pl_access_release(k->access);
    k->access = pl_access_hold(m->access);
    note_keys(k);
    pl_mail_destroy(&m->msg);
}

static void on_rules(struct pl_session_manager *k, struct pl_rules_mail *m)
{
    pl_rule_cache_set(&k->rules, m->book);
    pl_mail_destroy(&m->msg);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_session_manager *k = (struct pl_session_manager *)a;

    switch (msg->type) {
    case PL_MAIL_PHASE:
        on_phase(k, (struct pl_phase_mail *)msg);
        return;
    case PL_MAIL_MEMORY:
        pl_session_manager_on_memory(k, (struct pl_memory_mail *)msg);
        return;
    case PL_MAIL_HANDLERS:
        on_handlers(k, (struct pl_handlers_mail *)msg);
        return;
    case PL_MAIL_ACCESS:
        on_access(k, (struct pl_access_mail *)msg);
        return;
    case PL_MAIL_RULES:
        on_rules(k, (struct pl_rules_mail *)msg);
        return;
    case PL_MAIL_DENIED:
        pl_session_manager_on_denied(k, (struct pl_denied_mail *)msg);
        return;
    case PL_MAIL_KEY:
        pl_key_wake(k, (struct pl_key_mail *)msg);
        return;
    case PL_MAIL_LOOK:
        pl_session_manager_look(k, (struct pl_look_mail *)msg);
        return;
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        pl_session_manager_abort_all(k); /* none after a shutdown in phases */
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* A session that exits in the same turn may be reaped after the session manager
 * and still needs the shared memory.  Then the last session destroys the
 * session manager. */
static void reap(struct pl_actor *a)
{
    struct pl_session_manager *k = (struct pl_session_manager *)a;

    if (k->asked != NULL)
        pl_mail_destroy(&k->asked->msg);
    pl_timer_stop(a->loop, &k->poll);
    pl_loop_cancel(a->loop, &k->seal);
    pl_loop_cancel(a->loop, &k->flush);
    pl_loop_cancel(a->loop, &k->carry);
    pl_missings_fini(&k->missing);
    k->options.metrics->value[PL_METRIC_HANDLERS] = 0;
    k->is_reaped = true;
    if (k->session_count == 0)
        destroy(k);
}

static const struct pl_actor_ops ops = {
    .name = "session_manager",
    .mailbox_limit = 4096,
    .receive = receive,
    .reap = reap,
};

enum pl_err
pl_session_manager_create(struct pl_session_manager **out, struct pl_loop *loop,
                          const struct pl_session_manager_options *options)
{
    struct pl_session_manager *k = calloc(1, sizeof *k);

    if (k == NULL)
        return PL_ENOMEM;
    k->options = *options;
    k->tracer = options->tracer != NULL ? options->tracer : &pl_tracer_none;
    k->pool.metrics = options->metrics;
    k->dirty = pl_session_manager_dirty_end(k);
    k->dirty_end = &k->dirty;
    k->seal.run = seal;
    k->flush.run = flush;
    k->poll.fire = on_poll;
    pl_throttle_init(k);
    pl_budget_init(&k->budget, options->turn_units);
    k->answers.most = PL_TIME_SHARE_USUAL;
    pl_list_init(&k->carried);
    pl_key_cache_init(&k->keys);
    k->carry.run = pl_session_manager_run_carried;
    pl_missings_init(&k->missing, loop);
    pl_call_table_init(&k->calls, loop, options->config->handlers.timeout_ms,
                       options->answer_ms != 0
                           ? options->answer_ms
                           : options->config->handlers.timeout_ms,
                       pl_session_overdue, loop);
    /* Only a quarter: several turns may pass before a client reads. */
    pl_loop_bound_output(loop, options->config->limits.outgoing_queue / 4);
    pl_loop_bound_work(loop, PL_BUDGET_TURN);
    enum pl_err rc = PL_OK;
    if (options->access != NULL)
        k->access = pl_access_hold(options->access);
    else
        rc = pl_access_create(&k->access, options->users);
    if (rc == PL_OK)
        rc = pl_denials_create(&k->denials, pl_hub_key(options->hub));
    if (rc == PL_OK)
        rc = pl_actor_init(&k->actor, loop, &ops);
    if (rc != PL_OK) {
        pl_denials_destroy(k->denials);
        pl_access_release(k->access);
        free(k);
        return rc;
    }
    k->forms = pl_forms_hold(pl_hub_forms(options->hub));
    k->pool.segments = pl_segment_pool_hold(pl_forms_pool(k->forms));
    take_handlers(k, options->handlers);
    note_keys(k);
    pl_rule_cache_set(&k->rules, options->rules);
    *out = k;
    return PL_OK;
}

struct pl_address pl_session_manager_address(const struct pl_session_manager *k)
{
    return pl_actor_address(&k->actor);
}

bool pl_session_manager_takes_input(const struct pl_session_manager *k)
{
    return pl_budget_has_turn(&k->budget, pl_loop_stats(k->actor.loop)->turns);
}

void pl_session_manager_spend(struct pl_session_manager *k, uint64_t units)
{
    pl_budget_spend(&k->budget, units);
}

void pl_session_manager_share(struct pl_session_manager *k,
                              struct pl_link_shared *shared)
{
    k->shared = shared;
}

struct pl_link_shared *
pl_session_manager_shared(const struct pl_session_manager *k)
{
    return k->shared;
}

int64_t *pl_session_manager_budget(struct pl_session_manager *k)
{
    return &k->budget.left;
}

const struct pl_session_settings *
pl_session_manager_config(const struct pl_session_manager *k)
{
    return k->options.config;
}
