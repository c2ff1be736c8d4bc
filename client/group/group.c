/* SPDX-License-Identifier: Apache-2.0 */
/* group.c - the actor of a group: it passes on the calls of the program, and
 * stops the parts.
 *
 * The calls of all threads are mail to this one actor, which hands each to its
 * part.  A stop begins with the parts, which flush and close side by side; one
 * timer for all of them cuts those that are left.  When no part lives, the
 * group puts its last event, stopped(); when that has run and no mail is left,
 * the group has ended.  From then on a call is refused, and what must not be
 * refused, the end of a part, is done by the thread that calls.
 *
 * Rejected: an actor for each part.  A program calls a part before its loop
 * could have given it an address, so each call would travel through a second
 * mailbox.
 *
 * Invariant: under the guard, either has_ended is false and mail that is posted
 * will be handled, or it is true and nothing is posted. */
#include "group_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "loop.h"
#include "quota.h"
#include "snapshot.h"
#include "system.h"
#include "tls_pool.h"

enum { LINE_SIZE = 512, EVENT_QUEUE_BYTES = 64 << 20 };

static struct plc_group *group_of(struct pl_actor *a)
{
    return (struct plc_group *)a;
}

/* For messages that are part of a struct. */
void plc_destroy_nothing(struct pl_msg *msg)
{
    (void)msg;
}

/* --- The stop --- */

static void run_stopped(struct plc_event *e)
{
    struct plc_group *g = PL_CONTAINER(e, struct plc_group, stopped);

    if (g->options.stopped != NULL)
        g->options.stopped(g, (unsigned)g->counts[PLC_COUNT_FORCED],
                           g->options.arg);
    if ((g->options.flags & PLC_MANUAL) == 0)
        g->is_over = true;
}

void plc_group_finish(struct plc_group *g)
{
    pl_timer_stop(g->loop, &g->deadline);
    g->counts[PLC_COUNT_ELAPSED_MS] =
        pl_loop_now_ms(g->loop) - g->stop_begun_ms;
    g->stopped.run = run_stopped;
    g->stopped.msg.destroy = plc_destroy_nothing;
    if ((g->options.flags & PLC_MANUAL) != 0)
        g->is_over = true;
    plc_events_put(g->events, &g->stopped);
}

static struct plc_part *first_living(struct plc_group *g)
{
    return PL_CONTAINER(g->living.next, struct plc_part, living);
}

/* The report of the stop has the count, so it comes after the last. */
static void abort_all(struct plc_group *g)
{
    g->stop = PLC_STOP_CUTS;
    while (!pl_list_is_empty(&g->living)) {
        struct plc_part *p = first_living(g);

        g->counts[PLC_COUNT_FORCED] += p->ops->cut(p);
    }
    g->stop = PLC_STOP_WAITS;
    plc_group_finish(g);
}

static void on_deadline(struct pl_timer *t)
{
    abort_all(PL_CONTAINER(t, struct plc_group, deadline));
}

void plc_part_stop(struct plc_part *p)
{
    if (p->quota != NULL)
        pl_quota_close(p->quota);
    p->ops->stop(p, true);
}

static void begin_stop(struct plc_group *g)
{
    struct pl_list *at = g->living.next;

    g->stop = PLC_STOP_WAITS;
    g->stop_begun_ms = pl_loop_now_ms(g->loop);
    if (pl_list_is_empty(&g->living))
        plc_group_finish(g);
    while (at != &g->living) {
        struct plc_part *p = PL_CONTAINER(at, struct plc_part, living);

        at = at->next;
        plc_part_stop(p);
    }
}

static void on_stop(struct plc_group *g)
{
    const struct pl_clock *clock = pl_system_clock(g->system);

    pl_guard_enter(g->guard);
    g->is_stop_posted = false;
    uint64_t at_ns = g->stop_at_ns;
    pl_guard_leave(g->guard);
    if (g->stop == PLC_STOP_NOT_BEGUN)
        begin_stop(g);
    uint64_t now_ns = clock->monotonic(clock);
    if (pl_list_is_empty(&g->living))
        return;
    if (at_ns <= now_ns)
        abort_all(g);
    else
        pl_timer_start(g->loop, &g->deadline, (at_ns - now_ns) / 1000000);
}

void plc_group_stop(struct plc_group *g, uint32_t deadline_ms)
{
    const struct pl_clock *clock = pl_system_clock(g->system);
    uint64_t at_ns = clock->monotonic(clock) + deadline_ms * (uint64_t)1000000;

    if (!plc_group_is_here(g))
        return;
    pl_guard_enter(g->guard);
    pl_cell_set(&g->is_stopping, 1);
    if (at_ns < g->stop_at_ns)
        g->stop_at_ns = at_ns;
    if (!g->is_stop_posted && !g->has_ended) {
        g->is_stop_posted = true;
        pl_system_post(g->system, pl_actor_address(&g->actor), &g->stop_mail);
    }
    pl_guard_leave(g->guard);
}

bool plc_group_is_stopping(const struct plc_group *g)
{
    return pl_cell_get(&g->is_stopping) != 0;
}

bool plc_group_has_ended(struct plc_group *g)
{
    if (!g->is_over)
        return false;
    pl_guard_enter(g->guard);
    if (!pl_loop_has_work(g->loop))
        g->has_ended = true;
    bool has_ended = g->has_ended;
    pl_guard_leave(g->guard);
    return has_ended;
}

static void on_space(void *arg)
{
    struct plc_group *g = arg;
    struct pl_list *at = g->living.next;

    while (at != &g->living) {
        struct plc_part *p = PL_CONTAINER(at, struct plc_part, living);

        at = at->next;
        p->ops->resume(p);
    }
}

static bool post_space(void *arg, struct pl_msg *msg)
{
    struct plc_group *g = arg;

    pl_guard_enter(g->guard);
    bool is_posted = !g->has_ended;
    if (is_posted)
        pl_system_post(g->system, plc_events_address(g->events), msg);
    pl_guard_leave(g->guard);
    return is_posted;
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    switch (msg->type) {
    case PLC_MAIL_PART:
        ((struct plc_mail *)msg)->handle((struct plc_mail *)msg);
        return;
    case PLC_MAIL_STOP:
        on_stop(group_of(a));
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* plc_group_free() frees it. */
static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "group",
    .mailbox_limit = 1, /* all its mail is reserved */
    .receive = receive,
    .reap = reap,
};

static void publish(void *arg)
{
    struct plc_group *g = arg;

    pl_snapshot_publish(g->numbers, g->counts);
}

static enum pl_err create_events(struct plc_group *g)
{
    uint32_t bytes = g->options.event_queue_bytes;
    struct plc_events_options o = {
        .loop = g->loop,
        .limit = g->options.event_queue,
        .byte_limit = bytes == 0 ? EVENT_QUEUE_BYTES : bytes,
        .is_manual = (g->options.flags & PLC_MANUAL) != 0,
        .space = on_space,
        .post = post_space,
        .arg = g,
    };

    return plc_events_create(&g->events, &o);
}

enum pl_err plc_group_init(struct plc_group **out, struct pl_system *system,
                           const struct plc_group_options *options)
{
    struct plc_group *g = calloc(1, sizeof *g);

    if (g == NULL)
        return PL_ENOMEM;
    g->options = *options;
    g->system = system;
    g->loop = pl_system_loop(system, 0);
    g->stop_at_ns = UINT64_MAX;
    g->links.loop = g->loop;
    g->links.bytes_in = &g->counts[PLC_COUNT_BYTES_IN];
    g->links.bytes_out = &g->counts[PLC_COUNT_BYTES_OUT];
    g->links.handshakes = &g->counts[PLC_COUNT_TLS_HANDSHAKES];
    g->links.resumed = &g->counts[PLC_COUNT_TLS_RESUMED];
    g->deadline.fire = on_deadline;
    g->stop_mail = (struct pl_msg){.type = PLC_MAIL_STOP,
                                   .flags = PL_MSG_RESERVED,
                                   .destroy = plc_destroy_nothing};
    pl_list_init(&g->parts);
    pl_list_init(&g->living);
    enum pl_err rc = pl_guard_create(&g->guard);
    if (rc == PL_OK)
        rc = pl_snapshot_create(&g->numbers, PLC_COUNTS);
    if (rc == PL_OK)
        rc = plc_tls_pool_create(&g->links.tls_pool);
    if (rc == PL_OK)
        rc = create_events(g);
    if (rc == PL_OK)
        rc = pl_actor_init(&g->actor, g->loop, &ops);
    if (rc == PL_OK)
        pl_loop_on_turn_end(g->loop, publish, g);
    *out = g; /* also after an error, see plc_group_free() */
    return rc;
}

void plc_group_free(struct plc_group *g)
{
    if (g == NULL)
        return;
    while (g->events != NULL && plc_events_dispatch(g->events, SIZE_MAX) > 0)
        ;
    while (!pl_list_is_empty(&g->parts)) {
        struct plc_part *p = PL_CONTAINER(g->parts.next, struct plc_part, link);

        plc_part_free(p);
    }
    if (g->options.release != NULL)
        g->options.release(g->options.arg);
    plc_links_fini(&g->links);
    plc_tls_pool_destroy(g->links.tls_pool);
    plc_origin_destroy(g->origin);
    plc_events_destroy(g->events);
    pl_snapshot_destroy(g->numbers);
    pl_guard_destroy(g->guard);
    free(g);
}

bool plc_group_is_calling(const struct plc_group *g)
{
    return plc_events_is_running(g->events);
}

void plc_group_set_network(struct plc_group *g, struct plc_network *network)
{
    g->links.network = network;
}

struct plc_links *plc_group_links(struct plc_group *g)
{
    return &g->links;
}

void plc_group_set_origin(struct plc_group *g, struct plc_origin *origin)
{
    g->origin = origin;
}

bool plc_group_is_here(const struct plc_group *g)
{
    return plc_origin_is_here(g->origin);
}

void plc_group_set_driver(struct plc_group *g, void *driver)
{
    g->driver = driver;
}

void *plc_group_driver(const struct plc_group *g)
{
    return g->driver;
}

struct pl_loop *plc_group_loop(const struct plc_group *g)
{
    return g->loop;
}

struct plc_events *plc_group_events(const struct plc_group *g)
{
    return g->events;
}

uint64_t *plc_group_counts(struct plc_group *g)
{
    return g->counts;
}

void plc_group_turn_away(struct plc_group *g)
{
    pl_cell_add(&g->turned_away, 1);
}

void plc_group_log(struct plc_group *g, enum plc_level level,
                   const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;

    if (g->options.log == NULL)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    g->options.log(level, line, g->options.arg);
}

void plc_group_read(const struct plc_group *g, uint64_t *values)
{
    pl_snapshot_read(g->numbers, values);
}

struct plc_group_facts plc_group_facts(const struct plc_group *g)
{
    uint64_t values[PLC_COUNTS];

    plc_group_read(g, values);
    bool has_ended = true;
    if (plc_group_is_here(g)) {
        pl_guard_enter(g->guard);
        has_ended = g->has_ended;
        pl_guard_leave(g->guard);
    }
    return (struct plc_group_facts){
        .is_running = plc_group_is_here(g) && !plc_group_is_stopping(g),
        .has_ended = has_ended,
        .was_cut = values[PLC_COUNT_FORCED] > 0,
        .turned_away = pl_cell_get(&g->turned_away),
        .waiting = plc_events_count(g->events),
    };
}
