/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - a supervisor on the last loop of a simulation, and actors on the
 * others that answer it as a test wants; for the tests of this module. */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "list.h"
#include "mail.h"
#include "memory_mail.h"
#include "monitor.h"
#include "phase_mail.h"
#include "session_mail.h"
#include "settings.h"
#include "sim.h"
#include "supervisor.h"
#include "supervisor_mail.h"
#include "system.h"

enum { WORKERS = 3, CONTROL = WORKERS, PARTIES = 3, RIG_PHASES = 16 };

/* Somebody who takes part in the stop, or a session that may be kicked. */
struct fake {
    struct pl_actor actor;
    bool *is_alive;
    /* How it behaves. */
    bool is_unresponsive;  /* answers nothing */
    bool waits_for_force;  /* answers DISCONNECT only when forced */
    uint32_t forced;       /* what it tells then */
    uint64_t answer_after; /* ms; GRACE and PL_MSG_STOP */
    uint64_t aborts_for;   /* ms; before it answers a forced DISCONNECT */
    /* What it got. */
    enum pl_phase phases[RIG_PHASES];
    bool forces[RIG_PHASES];
    unsigned phase_count;
    unsigned kicks;
    bool lacks_memory; /* in the last answer */
    uint32_t kick_code;
    enum pl_register_refusal refusal;
    bool was_unsubscribed;
    unsigned memory_mails;
    bool is_short; /* by the newest of them ... */
    uint64_t shed_bytes;
    unsigned answers;
    uint32_t connections; /* of the newest PL_MAIL_USER answer */
    struct pl_msg *kept;
    struct pl_timer timer;
};

struct rig {
    struct pl_sim *sim;
    struct pl_settings *config;
    struct pl_phase_trace *trace;
    struct pl_metrics metrics;
    struct pl_supervisor *supervisor;
    struct pl_address address;
    struct fake *manager[WORKERS];
    struct fake *listener[WORKERS];
    struct fake *internal[PARTIES];
    bool internal_alive[PARTIES];
    enum pl_phase told[RIG_PHASES];
    unsigned told_count;
    unsigned stopped;
    unsigned warnings; /* lines at WARN or above */
    char last_warning[512];
    /* limits.memory */
    uint64_t memory_limit;
    uint64_t memory_used;
    uint64_t memory_kept; /* freed, and not given back yet */
    unsigned looks;
    unsigned trims;
    struct pl_snapshot *snapshots[WORKERS];
    struct pl_address owners[WORKERS]; /* of channels: the internal actors */
};

static inline void fake_answer(struct fake *f, struct pl_phase_mail *m)
{
    if (m->force)
        m->forced = f->forced;
    pl_mail_answer(&f->actor, &m->msg);
}

static inline void fake_later(struct pl_timer *t)
{
    struct fake *f = PL_CONTAINER(t, struct fake, timer);
    struct pl_msg *m = f->kept;

    f->kept = NULL;
    if (m == NULL)
        pl_actor_exit(&f->actor, "stopped");
    else
        fake_answer(f, (struct pl_phase_mail *)m);
}

static inline void fake_phase(struct fake *f, struct pl_phase_mail *m)
{
    f->phases[f->phase_count] = m->phase;
    f->forces[f->phase_count++] = m->force;
    if (f->is_unresponsive) {
        pl_mail_destroy(&m->msg);
    } else if (m->phase == PL_PHASE_DISCONNECT && f->waits_for_force &&
               !m->force) {
        f->kept = &m->msg;
    } else if (m->phase == PL_PHASE_GRACE && f->answer_after > 0) {
        f->kept = &m->msg;
        pl_timer_start(f->actor.loop, &f->timer, f->answer_after);
    } else {
        if (m->force && f->kept != NULL) {
            fake_answer(f, (struct pl_phase_mail *)f->kept);
            f->kept = NULL;
        }
        if (m->force && f->aborts_for > 0) {
            f->kept = &m->msg;
            pl_timer_start(f->actor.loop, &f->timer, f->aborts_for);
        } else {
            fake_answer(f, m);
        }
    }
}

static inline void fake_stop(struct fake *f)
{
    if (f->is_unresponsive)
        return;
    if (f->answer_after > 0)
        pl_timer_start(f->actor.loop, &f->timer, f->answer_after);
    else
        pl_actor_exit(&f->actor, "stopped");
}

static inline void fake_kick(struct fake *f, const struct pl_kick_mail *k)
{
    f->kicks++;
    f->kick_code = k->code;
    f->was_unsubscribed = k->channel != NULL;
}

static inline void fake_memory(struct fake *f, const struct pl_memory_mail *m)
{
    f->memory_mails++;
    f->is_short = m->is_short;
    f->shed_bytes = m->shed_bytes;
}

static inline void fake_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct fake *f = (struct fake *)a;

    switch (msg->type) {
    case PL_MAIL_PHASE:
        fake_phase(f, (struct pl_phase_mail *)msg);
        return;
    case PL_MSG_STOP:
        fake_stop(f);
        break;
    case PL_MAIL_KICK:
        fake_kick(f, (struct pl_kick_mail *)msg);
        break;
    case PL_MAIL_REGISTER: /* it was not taken */
        f->kicks++;
        f->refusal = ((struct pl_register_mail *)msg)->refusal;
        break;
    case PL_MAIL_MEMORY:
        fake_memory(f, (struct pl_memory_mail *)msg);
        break;
    case PL_MAIL_USER:
        f->answers++;
        f->connections = ((struct pl_user_mail *)msg)->connections;
        f->lacks_memory = ((struct pl_user_mail *)msg)->lacks_memory;
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static inline void fake_reap(struct pl_actor *a)
{
    struct fake *f = (struct fake *)a;

    pl_timer_stop(a->loop, &f->timer);
    if (f->kept != NULL)
        pl_mail_destroy(f->kept);
    if (f->is_alive != NULL)
        *f->is_alive = false;
    free(f);
}

static const struct pl_actor_ops fake_ops = {
    .name = "fake",
    .mailbox_limit = 64,
    .receive = fake_receive,
    .reap = fake_reap,
};

static inline struct fake *fake_create(struct rig *r, unsigned loop)
{
    struct fake *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->timer.fire = fake_later;
    assert_int_equal(pl_actor_init(&f->actor,
                                   pl_system_loop(pl_sim_system(r->sim), loop),
                                   &fake_ops),
                     PL_OK);
    return f;
}

static inline struct pl_address fake_address(const struct fake *f)
{
    return pl_actor_address(&f->actor);
}

static inline void rig_log(void *arg, enum pl_log_level level,
                           struct pl_span line)
{
    struct rig *r = arg;

    if (level < PL_LOG_WARN)
        return;
    r->warnings++;
    snprintf(r->last_warning, sizeof r->last_warning, "%.*s", (int)line.len,
             line.at);
}

static inline void rig_on_phase(void *arg, enum pl_phase phase)
{
    struct rig *r = arg;

    r->told[r->told_count++] = phase;
}

static inline void rig_on_stopped(void *arg)
{
    ((struct rig *)arg)->stopped++;
}

static inline uint64_t rig_memory_used(void *arg, bool trim)
{
    struct rig *r = arg;

    r->looks += !trim;
    r->trims += trim;
    if (trim)
        r->memory_kept = 0;
    return r->memory_used + r->memory_kept;
}

static inline void rig_publish_queue(struct rig *r, unsigned worker,
                                     uint64_t bytes)
{
    uint64_t v[PL_METRIC_COUNT] = {0};

    v[PL_METRIC_QUEUE_BYTES] = bytes;
    pl_snapshot_publish(r->snapshots[worker], v);
}

/* What histories take there. */
static inline void rig_publish_history(struct rig *r, unsigned worker,
                                       uint64_t bytes)
{
    uint64_t v[PL_METRIC_COUNT] = {0};

    v[PL_METRIC_HISTORY_BYTES] = bytes;
    pl_snapshot_publish(r->snapshots[worker], v);
}

static inline void rig_create_supervisor(struct rig *r)
{
    struct pl_hash_key key = {1, 2};
    struct pl_supervisor_options options = {
        .config = &r->config->supervisor,
        .key = &key,
        .metrics = &r->metrics,
        .phases = r->trace,
        .on_phase = rig_on_phase,
        .on_stopped = rig_on_stopped,
        .memory_limit = r->memory_limit,
        .memory_used = rig_memory_used,
        .snapshots = r->snapshots,
        .channels = r->owners,
        .arg = r,
    };
    struct pl_loop *loop = pl_system_loop(pl_sim_system(r->sim), CONTROL);

    assert_int_equal(pl_supervisor_create(&r->supervisor, loop, &options),
                     PL_OK);
    r->address = pl_supervisor_address(r->supervisor);
}

static inline void rig_add_parties(struct rig *r)
{
    static const char *const names[PARTIES] = {"first", "second", "third"};
    struct pl_supervisor *s = r->supervisor;

    for (unsigned i = 0; i < WORKERS; i++) {
        r->manager[i] = fake_create(r, i);
        r->listener[i] = fake_create(r, i);
        r->internal[i] = fake_create(r, i);
        r->internal_alive[i] = true;
        r->owners[i] = fake_address(r->internal[i]);
        r->internal[i]->is_alive = &r->internal_alive[i];
        assert_int_equal(
            pl_supervisor_add_session_manager(s, fake_address(r->manager[i])),
            PL_OK);
        assert_int_equal(
            pl_supervisor_add_listener(s, fake_address(r->listener[i])), PL_OK);
        assert_int_equal(pl_supervisor_add_internal(
                             s, fake_address(r->internal[i]), names[i]),
                         PL_OK);
    }
}

static inline struct rig *rig_create_watching(const char *test,
                                              uint64_t memory_limit)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    r->memory_limit = memory_limit;
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal(pl_snapshot_create(&r->snapshots[i], PL_METRIC_COUNT),
                         PL_OK);
    assert_int_equal(
        pl_sim_create(&r->sim, WORKERS + 1, pl_sim_test_seed(test)), PL_OK);
    assert_int_equal(pl_settings_create_default(&r->config), PL_OK);
    assert_int_equal(pl_phase_trace_create(
                         &r->trace, pl_system_clock(pl_sim_system(r->sim))),
                     PL_OK);
    pl_log_set_sink(rig_log, r);
    rig_create_supervisor(r);
    return r;
}

static inline struct rig *rig_create(const char *test)
{
    return rig_create_watching(test, 0);
}

/* With parties, started, and at rest. */
static inline struct rig *rig_start_watching(const char *test,
                                             uint64_t memory_limit)
{
    struct rig *r = rig_create_watching(test, memory_limit);

    rig_add_parties(r);
    assert_int_equal(pl_supervisor_start(r->supervisor), PL_OK);
    pl_sim_advance(r->sim, 0);
    return r;
}

static inline struct rig *rig_start(const char *test)
{
    return rig_start_watching(test, 0);
}

static inline void rig_destroy(struct rig *r)
{
    for (unsigned i = 0; i < WORKERS; i++)
        pl_snapshot_destroy(r->snapshots[i]);
    pl_sim_destroy(r->sim);
    pl_phase_trace_destroy(r->trace);
    pl_settings_destroy(r->config);
    pl_log_set_sink(NULL, NULL);
    free(r);
}

static inline void rig_stop(struct rig *r)
{
    assert_int_equal(pl_supervisor_stop(pl_sim_system(r->sim), r->address),
                     PL_OK);
}

static inline struct pl_phase_record rig_record(struct rig *r,
                                                enum pl_phase phase)
{
    struct pl_phase_view view;

    pl_phase_trace_read(r->trace, &view);
    return view.at[phase];
}

static inline enum pl_phase rig_phase(struct rig *r)
{
    return pl_phase_trace_now(r->trace);
}

#endif
