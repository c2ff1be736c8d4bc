/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - the calls of parley.h on an existing broker: start, stop, wait,
 * status.
 *
 * The supervisor runs the shutdown phases on the control loop.  When the
 * internal actors have exited, it ends that loop, and pl_broker_wait()
 * continues: joining the workers is the reset phase and runs on the waiting
 * thread.  This needs no lock, because no other thread writes by then.
 *
 * Any thread of the program may call.  A guard protects the objects that a
 * start replaces from concurrent readers.  No thread waits while it holds the
 * guard, so a status returns at once also during a shutdown.
 *
 * A worker that a handler blocks beyond the reset deadline cannot be joined:
 * the handler is logged, and the broker stays in memory, because the thread
 * still uses it.  A thread of the pool that a job blocks is left alone, because
 * it uses nothing of the broker. */
#include "broker_private.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "phase_mail.h"
#include "system.h"

/* Runs on the control loop; only joining the threads is left to do. */
void pl_broker_on_stopped(void *arg)
{
    struct pl_broker *b = arg;

    pl_reactor_stop(pl_broker_control(b)->reactor);
    if (b->setup.stopped == NULL)
        return;
    if (b->host != NULL)
        pl_host_post(b->host, &b->stopped);
    else
        b->setup.stopped(b->setup.arg);
}

static void tell_stopped(struct pl_host_mail *m)
{
    struct pl_broker *b = PL_CONTAINER(m, struct pl_broker, stopped);

    b->setup.stopped(b->setup.arg);
}

/* It is a part of the broker. */
static void keep_stopped(struct pl_msg *msg)
{
    (void)msg;
}

static enum pl_err create_host(struct pl_broker *b)
{
    if (b->setup.base == NULL)
        return PL_OK;
    b->stopped =
        (struct pl_host_mail){.msg.destroy = keep_stopped, .run = tell_stopped};
    return pl_host_create(&b->host, b->setup.base, &b->log);
}

static void destroy_host(struct pl_broker *b)
{
    pl_host_destroy(b->host);
    b->host = NULL;
}

enum { LAST_TURNS = 10000 }; /* if actors never stop sending each other mail */

static void set_running(struct pl_broker *b, bool is_running)
{
    pl_guard_enter(b->guard);
    b->is_running = is_running;
    pl_guard_leave(b->guard);
}

static bool is_running(struct pl_broker *b)
{
    pl_guard_enter(b->guard);
    bool is = b->is_running;
    pl_guard_leave(b->guard);
    return is;
}

/* The log thread runs only while the loops do: a stopped broker has no
 * thread. */
static enum pl_err start_log(struct pl_broker *b)
{
    enum pl_err rc = b->has_log ? PL_OK : pl_log_start();

    b->has_log = rc == PL_OK;
    return rc;
}

void pl_broker_stop_log(struct pl_broker *b)
{
    if (b->has_log)
        pl_log_stop();
    b->has_log = false;
}

static enum pl_err start(struct pl_broker *b)
{
    if (is_running(b)) {
        PL_LOG(PL_LOG_WARN, "the broker runs already");
        return PL_OK;
    }
    enum pl_err rc = start_log(b);
    if (rc == PL_OK && b->has_run)
        rc = pl_broker_prepare(b);
    b->has_run = true;
    if (rc == PL_OK)
        rc = create_host(b);
    if (rc == PL_OK)
        rc = pl_broker_build(b);
    if (rc == PL_OK) {
        set_running(b, true); /* a handler may call before this returns */
        rc = pl_broker_run_threads(b);
    }
    if (rc != PL_OK) {
        set_running(b, false);
        pl_broker_free_loops(b);
        destroy_host(b);
        PL_LOG(PL_LOG_ERROR, "cannot start",
               pl_log_string("reason", pl_err_text(rc)));
        pl_broker_stop_log(b);
        return rc;
    }
    PL_LOG(PL_LOG_INFO, "running", pl_log_number("loops", b->workers),
           pl_log_string("version", PL_VERSION));
    return PL_OK;
}

enum pl_err pl_broker_start(struct pl_broker *b)
{
    const struct pl_log *before = pl_log_use(&b->log);
    enum pl_err rc = start(b);

    pl_log_use(before);
    return rc;
}

void pl_broker_stop(struct pl_broker *b)
{
    pl_guard_enter(b->guard);
    if (b->is_running)
        pl_supervisor_stop(b->system, b->supervisor_address);
    pl_guard_leave(b->guard);
}

void pl_broker_hurry(struct pl_broker *b)
{
    pl_guard_enter(b->guard);
    if (b->is_running)
        pl_supervisor_hurry(b->system, b->supervisor_address);
    pl_guard_leave(b->guard);
}

static uint64_t now_ms(void)
{
    return pl_clock_system.monotonic(&pl_clock_system) / 1000000;
}

/* Log the handler that blocks a loop. */
static void name_blocker(const struct pl_share *s, unsigned i)
{
    char name[PL_LOOP_NAME_SIZE] = "unknown";
    uint64_t since_ns = 0, ms = 0;

    if (pl_loop_busy(s->loop, name, &since_ns))
        ms = now_ms() - since_ns / 1000000;
    PL_LOG(PL_LOG_ERROR, "loop thread did not exit", pl_log_number("loop", i),
           pl_log_string("handler", name),
           pl_log_number("blocked_ms", (int64_t)ms));
}

static uint64_t left_until(uint64_t deadline)
{
    uint64_t now = now_ms();

    return now < deadline ? deadline - now : 0;
}

/* Join all workers before the deadline.  Return the number of workers that
 * still run. */
static unsigned join_workers(struct pl_broker *b, uint64_t deadline)
{
    unsigned left = 0;

    for (unsigned i = 0; i < b->workers; i++)
        pl_reactor_stop(b->shares[i].reactor);
    for (unsigned i = 0; i < b->workers; i++) {
        if (pl_reactor_join(b->shares[i].reactor, left_until(deadline)) ==
            PL_OK)
            continue;
        name_blocker(&b->shares[i], i);
        left++;
    }
    return left;
}

/* Cancel the jobs that wait, and join the pool before the deadline.  A job that
 * hangs is logged and left: it shares nothing with the broker. */
static void end_jobs(struct pl_broker *b, uint64_t deadline)
{
    const char *name = "unknown";
    uint64_t since_ns = 0, ms = 0;

    pl_pool_stop(b->pool);
    b->is_blocked = pl_pool_join(b->pool, left_until(deadline)) != PL_OK;
    if (!b->is_blocked)
        return;
    if (pl_pool_busy(b->pool, &name, &since_ns))
        ms = now_ms() - since_ns / 1000000;
    PL_LOG(PL_LOG_WARN, "a job does not end", pl_log_string("job", name),
           pl_log_number("ms", (int64_t)ms));
}

bool pl_broker_is_blocked(const struct pl_broker *b)
{
    return b->is_blocked;
}

static bool has_work(const struct pl_broker *b)
{
    for (unsigned i = 0; i <= b->workers; i++) {
        if (pl_loop_has_work(b->shares[i].loop))
            return true;
    }
    return false;
}

/* Run the last turns of the loops on this thread; their own threads have
 * exited. */
static void take_last_turns(struct pl_broker *b)
{
    int left = LAST_TURNS;

    do {
        for (unsigned i = 0; i <= b->workers; i++)
            pl_loop_turn(b->shares[i].loop);
    } while (has_work(b) && --left > 0);
}

/* A loop ends after a turn even if it has mail: after a handler blocked for
 * long, actors are left with their stop messages in their mailboxes.  Handle
 * this mail, then reap all actors that still live, then handle the mail that
 * this caused. */
static void resolve_mail(struct pl_broker *b)
{
    take_last_turns(b);
    pl_system_reap(b->system);
    take_last_turns(b);
}

/* Publish the final metrics, with the maxima reset to 0. */
static void publish_final_numbers(struct pl_broker *b)
{
    for (unsigned i = 0; i <= b->workers; i++) {
        struct pl_share *s = &b->shares[i];
        uint64_t *v = s->metrics.value;

        pl_broker_copy_stats(s);
        v[PL_METRIC_MAIL_DEEPEST] = v[PL_METRIC_MAIL_WAIT_NS] = 0;
        v[PL_METRIC_LOOP_LAG_NS] = v[PL_METRIC_LOOP_LAG_MAX_NS] = 0;
        v[PL_METRIC_JOBS_IN_PROGRESS] = 0; /* see end_jobs() */
        pl_snapshot_publish(s->snapshot, v);
    }
}

/* Return true if the status after the run has no deviation.  Return false also
 * if the status cannot be collected. */
static bool audit(const struct pl_broker *b)
{
    struct pl_status status;
    enum pl_err rc = pl_status_collect(&status, &b->status);

    if (rc != PL_OK) {
        PL_LOG(PL_LOG_ERROR, "the ledgers were not checked",
               pl_log_string("reason", pl_err_text(rc)));
        return false;
    }
    unsigned findings = pl_status_audit(&status);
    pl_status_fini(&status);
    return findings == 0;
}

bool pl_broker_is_balanced(const struct pl_broker *b)
{
    return b->is_balanced;
}

static enum pl_err wait_for_end(struct pl_broker *b)
{
    if (!is_running(b))
        return PL_OK;
    if (b->host != NULL && pl_host_is_busy(b->host)) {
        PL_LOG(PL_LOG_ERROR, "pl_broker_wait() inside a call of the broker");
        return PL_EINVAL;
    }
    enum pl_err rc =
        pl_reactor_join(pl_broker_control(b)->reactor, PL_JOIN_FOREVER);
    if (rc != PL_OK) /* the control loop still runs */
        return rc;
    uint64_t deadline = now_ms() + b->config->supervisor.shutdown.reset_ms;
    unsigned left = join_workers(b, deadline);
    bool is_first = pl_phase_trace_now(b->phases) != PL_PHASE_STOPPED;
    if (left > 0 && is_first) {
        pl_phase_trace_force(b->phases, left);
        pl_phase_trace_begin(b->phases, PL_PHASE_STOPPED, 0);
    }
    if (left > 0)
        return PL_ETIMEDOUT;
    end_jobs(b, deadline);
    set_running(b, false);      /* no thread posts from here on ... */
    pl_system_close(b->system); /* ... and no call can be finished */
    resolve_mail(b);
    publish_final_numbers(b);
    if (is_first)
        pl_phase_trace_begin(b->phases, PL_PHASE_STOPPED, 0);
    pl_broker_free_loops(b);
    destroy_host(b);
    b->is_balanced = audit(b);
    PL_LOG(PL_LOG_INFO, "stopped");
    pl_broker_stop_log(b);
    return PL_OK;
}

enum pl_err pl_broker_wait(struct pl_broker *b)
{
    const struct pl_log *before = pl_log_use(&b->log);
    enum pl_err rc = wait_for_end(b);

    pl_log_use(before);
    return rc;
}

uint16_t pl_broker_port(const struct pl_broker *b, unsigned n)
{
    size_t own = b->config->net.listen.count;

    if (n < own)
        return b->ports[n];
    return n - own < b->setup.listener_count
               ? b->ports[n + b->config->net.listen_tls.count]
               : 0;
}

uint16_t pl_broker_tls_port(const struct pl_broker *b, unsigned n)
{
    return n < b->config->net.listen_tls.count
               ? b->ports[b->config->net.listen.count + n]
               : 0;
}

uint16_t pl_broker_admin_port(const struct pl_broker *b)
{
    return b->admin_port;
}

enum pl_err pl_broker_status(const struct pl_broker *b, char **out)
{
    struct pl_status status;
    struct pl_buf text = {0};
    const struct pl_log *before = pl_log_use(&b->log);

    pl_guard_enter(b->guard);
    enum pl_err rc = pl_status_collect(&status, &b->status);
    pl_guard_leave(b->guard);
    pl_log_use(before);
    if (rc != PL_OK)
        return rc;
    rc = pl_status_write_json(&status, &text);
    pl_status_fini(&status);
    pl_buf_put_byte(&text, '\0');
    if (rc != PL_OK || text.failed) {
        pl_buf_fini(&text);
        return PL_ENOMEM;
    }
    *out = text.data;
    return PL_OK;
}
