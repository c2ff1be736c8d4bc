/* SPDX-License-Identifier: Apache-2.0 */
/* overload.c - admission control and load shedding for one loop.
 *
 * Each loop refuses new connections while its recent lag exceeds
 * limits.loop_lag.  The supervisor measures process memory and notifies each
 * loop by mail whether to refuse new work and how many bytes to free.  Only
 * queued output, unfinished or waiting client messages and headers of requests
 * can be freed, so the loop closes the sessions that hold most of them.
 *
 * Selection must not allocate.  One pass sums the bytes per size class (eight
 * per power of two).  A second pass closes all sessions above the class that
 * suffices, and a third as many of that class as needed.
 *
 * Invariant: is_lagging and is_short change only in this file, and every
 * refusal that they cause is counted. */
#include "overload.h"

#include "headers.h"
#include "session_manager_private.h"
#include "log.h"
#include "mail.h"
#include "memory_mail.h"
#include "output.h"
#include "phase_mail.h"
#include "replies.h"
#include "session_private.h"
#include "wait.h"

enum {
    STEP_BITS = 3, /* so many binary digits after the first select a class */
    STEPS = 64 << STEP_BITS
};

/* --- Lag --- */

/* Refuse from limits.loop_lag on, until the lag has fallen to half of it. */
static bool is_lagging(struct pl_session_manager *k)
{
    uint64_t limit_ns = k->options.config->limits.loop_lag_ms * 1000000;
    uint64_t lag_ns = pl_loop_lag_recent_ns(k->actor.loop);
    bool was_lagging = k->is_lagging;

    if (limit_ns == 0)
        return false;
    k->is_lagging = lag_ns > (was_lagging ? limit_ns / 2 : limit_ns);
    if (k->is_lagging && !was_lagging)
        PL_LOG_LIMITED(PL_LOG_KIND_LAG, PL_LOG_WARN,
                       "loop overloaded, refusing connections",
                       pl_log_number("loop", pl_loop_index(k->actor.loop)),
                       pl_log_number("lag_ms", (int64_t)(lag_ns / 1000000)),
                       pl_log_string("key", "limits.loop_lag"));
    else if (was_lagging && !k->is_lagging)
        PL_LOG_LIMITED(PL_LOG_KIND_LAG, PL_LOG_INFO,
                       "loop no longer overloaded",
                       pl_log_number("loop", pl_loop_index(k->actor.loop)));
    return k->is_lagging;
}

/* --- Memory --- */

/* Return the size class.  A larger size never has a smaller class. */
static unsigned step_of(uint64_t size)
{
    unsigned log = 63 - (unsigned)__builtin_clzll(size | 1u << STEP_BITS);

    return log << STEP_BITS |
           (unsigned)(size >> (log - STEP_BITS) & ((1u << STEP_BITS) - 1));
}

struct shed {
    uint64_t bytes[STEPS]; /* held by the sessions of each class */
    unsigned from;         /* close this class and all above it */
    uint64_t wanted;       /* bytes still to be freed */
    uint32_t closed;
};

/* Return the bytes of a client message that is not complete. */
static size_t unfinished(const struct pl_session *s)
{
    return s->link->kept == NULL ? 0 : s->link->kept(s);
}

/* Return the bytes that closing `s` frees; 0: none, or it closes already. */
static uint64_t size_of(const struct pl_session *s)
{
    return s->state >= PL_SESSION_CLOSING || s->ending >= PL_ENDING_SCHEDULED
               ? 0
               : s->out.bytes + unfinished(s) + pl_wait_bytes(s) +
                     pl_headers_bytes(s);
}

static void count_one(struct pl_actor *a, void *arg)
{
    struct pl_session *s = (struct pl_session *)a;
    struct shed *h = arg;
    uint64_t size = size_of(s);

    h->bytes[step_of(size)] += size;
}

static void close_one(struct pl_actor *a, void *arg)
{
    struct pl_session *s = (struct pl_session *)a;
    struct shed *h = arg;
    uint64_t size = size_of(s);

    if (h->wanted == 0 || size == 0 || step_of(size) < h->from)
        return;
    h->wanted -= size < h->wanted ? size : h->wanted;
    h->closed++;
    if (unfinished(s) > 0)
        s->link->forget(s); /* the rest of the message is useless */
    pl_session_give_up_slow(s);
}

/* Close sessions of class `step` and above.  Call this for the higher classes
 * first, because sessions are visited in no order of size. */
static void close_from(struct pl_session_manager *k, struct shed *h,
                       unsigned step)
{
    h->from = step;
    pl_actor_each(k->actor.loop, &pl_session_actor_ops, close_one, h);
}

static uint32_t shed(struct pl_session_manager *k, uint64_t wanted)
{
    struct shed h = {.wanted = wanted};
    unsigned step = STEPS;
    uint64_t sum = 0;

    pl_actor_each(k->actor.loop, &pl_session_actor_ops, count_one, &h);
    while (step > 0 && sum < wanted)
        sum += h.bytes[--step];
    if (step + 1 < STEPS)
        close_from(k, &h, step + 1);
    close_from(k, &h, step);
    return h.closed;
}

void pl_session_manager_on_memory(struct pl_session_manager *k,
                                  struct pl_memory_mail *m)
{
    k->is_short = m->is_short;
    pl_session_manager_note_refusing(k);
    if (m->shed_bytes > 0) {
        uint32_t closed = shed(k, m->shed_bytes);

        pl_count(k->options.metrics, PL_METRIC_SHED, closed);
        if (closed > 0)
            PL_LOG_LIMITED(PL_LOG_KIND_SHED, PL_LOG_WARN,
                           "slow clients closed for limits.memory",
                           pl_log_number("loop", pl_loop_index(k->actor.loop)),
                           pl_log_number("closed", closed));
    }
    pl_mail_destroy(&m->msg);
}

/* --- Refusals --- */

void pl_session_manager_note_refusing(struct pl_session_manager *k)
{
    k->is_refusing = k->is_short || k->phase != PL_PHASE_RUNNING;
}

const char *pl_session_manager_refusal(struct pl_session_manager *k)
{
    struct pl_metrics *m = k->options.metrics;

    if (k->phase != PL_PHASE_RUNNING)
        return "stopping";
    if (k->session_count > k->options.connection_limit)
        return "too many connections";
    if (k->is_short) {
        pl_count(m, PL_METRIC_REFUSED_MEMORY, 1);
        return "short of memory";
    }
    if (is_lagging(k)) {
        pl_count(m, PL_METRIC_REFUSED_LAG, 1);
        return "overloaded";
    }
    return NULL;
}
