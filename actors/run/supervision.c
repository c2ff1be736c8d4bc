/* SPDX-License-Identifier: Apache-2.0 */
/* supervision.c - see supervision.h.
 *
 * An event only records what each child should do (is_wanted, is_ending).
 * advance() then takes one step: stop the last child that must stop, else start
 * the first that must run, else report that all is done.  While a child starts
 * or stops, no other step begins, which keeps the order and needs no special
 * case for a stop during a start or a failure during a restart.
 *
 * A message to the loop of the child starts it and comes back as the reply.
 * The child's monitor travels along and begins when the child exists, so no
 * exit is missed.  Each start has a number, `ref`: a reply with an old number
 * is of a child that was given up, and that child is asked to stop.
 *
 * Rejected: a state for each such combination; starting children concurrently,
 * because nothing could rely on their order.
 *
 * Invariant: at most one child is STARTING or STOPPING, `busy`; the timer
 * belongs to it, or to a start that waits for memory. */
#include "supervision.h"

#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "monitor_private.h"

enum { NOBODY = -1, PATIENCE_MS = PL_TIMER_TICK_MS };

enum child_state { CHILD_AWAY, CHILD_STARTING, CHILD_RUNNING, CHILD_STOPPING };

struct child {
    struct pl_child_spec spec;
    enum child_state state;
    bool is_wanted; /* must run, and restarts if away */
    bool is_ending; /* must stop first */
    uint32_t ref;   /* of its newest start */
    struct pl_address address;
};

enum goal {
    GOAL_REST, /* not started, or all stopped */
    GOAL_RUN,
    GOAL_GIVEN_UP, /* what runs keeps running; nothing starts */
    GOAL_STOP
};

struct pl_supervision {
    struct pl_actor *owner;
    struct pl_supervision_options options;
    struct child *children;
    int count;
    int busy; /* index of the child that is starting or stopping, or NOBODY */
    enum goal goal;
    bool is_told; /* `started` was called since the last change */
    unsigned forced;
    uint32_t last_ref;
    struct pl_timer timer;
    uint64_t *restarts; /* a ring of the times of the last restarts */
    uint64_t restart_count;
};

/* A request to start, which returns as the reply. */
struct start_msg {
    union {
        struct pl_msg msg;
        struct pl_loop_msg order;
    } mail;
    const struct pl_supervision *of; /* only compared */
    struct pl_child_spec spec;
    int child;
    uint32_t ref;
    struct pl_address owner;
    struct pl_watch *watch; /* owned until the monitor begins */
    enum pl_err err;
    struct pl_address address;
};

static void advance(struct pl_supervision *s);
static void time_is_up(struct pl_timer *t);

enum pl_err pl_supervision_create(struct pl_supervision **out,
                                  struct pl_actor *owner,
                                  const struct pl_supervision_options *options)
{
    struct pl_supervision *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    s->owner = owner;
    s->options = *options;
    s->busy = NOBODY;
    s->timer.fire = time_is_up;
    s->restarts = calloc((size_t)options->restarts + 1, sizeof *s->restarts);
    if (s->restarts == NULL) {
        free(s);
        return PL_ENOMEM;
    }
    *out = s;
    return PL_OK;
}

void pl_supervision_destroy(struct pl_supervision *s)
{
    if (s == NULL)
        return;
    pl_timer_stop(s->owner->loop, &s->timer);
    pl_watch_stop_all(s->owner, s);
    free(s->restarts);
    free(s->children);
    free(s);
}

enum pl_err pl_supervision_add(struct pl_supervision *s,
                               const struct pl_child_spec *spec)
{
    struct pl_system *system = pl_loop_system(s->owner->loop);

    if (spec->loop >= pl_system_loop_count(system))
        return PL_EINVAL;
    struct child *children =
        realloc(s->children, ((size_t)s->count + 1) * sizeof *children);
    if (children == NULL)
        return PL_ENOMEM;
    s->children = children;
    s->children[s->count++] = (struct child){.spec = *spec};
    return PL_OK;
}

struct pl_address pl_supervision_child(const struct pl_supervision *s,
                                       const char *name)
{
    for (int i = 0; i < s->count; i++) {
        if (strcmp(s->children[i].spec.name, name) == 0)
            return s->children[i].address;
    }
    return (struct pl_address){0};
}

/* --- Failures --- */

/* Record a failure.  Return true if it is one too many. */
static bool is_too_often(struct pl_supervision *s)
{
    uint64_t now = pl_loop_now_ms(s->owner->loop);
    unsigned limit = s->options.restarts;

    if (limit == 0)
        return true;
    uint64_t *oldest = &s->restarts[s->restart_count % limit];
    if (s->restart_count >= limit && now - *oldest < s->options.within_ms)
        return true;
    *oldest = now;
    s->restart_count++;
    return false;
}

static void give_up(struct pl_supervision *s, const struct child *c,
                    const char *reason)
{
    s->goal = GOAL_GIVEN_UP;
    for (int i = 0; i < s->count; i++)
        s->children[i].is_ending = false;
    if (s->options.gave_up != NULL)
        s->options.gave_up(s->owner, c->spec.name, reason);
}

static bool is_away(const struct child *c)
{
    return c->state == CHILD_AWAY;
}

/* Stop the children from `first` on; those that may restart will. */
static void end_from(struct pl_supervision *s, int first)
{
    for (int i = first; i < s->count; i++) {
        struct child *c = &s->children[i];

        if (is_away(c))
            continue;
        c->is_ending = true;
        if (c->spec.restart == PL_RESTART_NEVER)
            c->is_wanted = false;
    }
}

/* Child `index`, which is away now, failed.  Return false if the supervision
 * gave up. */
static bool take_failure(struct pl_supervision *s, int index,
                         const char *reason)
{
    struct child *c = &s->children[index];

    s->is_told = false;
    if (c->spec.restart == PL_RESTART_NEVER || is_too_often(s)) {
        give_up(s, c, reason);
        return false;
    }
    if (s->options.strategy == PL_ONE_FOR_ALL)
        end_from(s, 0);
    else if (s->options.strategy == PL_REST_FOR_ONE)
        end_from(s, index + 1);
    return true;
}

/* --- Starting --- */

static void free_start(struct pl_msg *msg)
{
    struct start_msg *m = PL_CONTAINER(msg, struct start_msg, mail.msg);

    pl_watch_drop(m->watch);
    free(m);
}

/* On the child's loop.  The reply is sent before any report of the monitor. */
static void start_here(struct pl_loop *loop, struct pl_loop_msg *order)
{
    struct start_msg *m = PL_CONTAINER(order, struct start_msg, mail.order);
    struct pl_watch *watch = m->watch;
    struct pl_address address = {0};
    struct pl_address self =
        pl_system_loop_address(pl_loop_system(loop), pl_loop_index(loop));

    m->err = m->spec.start(loop, m->spec.arg, &address);
    m->address = address;
    m->watch = NULL;
    m->mail.msg = (struct pl_msg){.destroy = free_start,
                                  .type = PL_MSG_CHILD_STARTED,
                                  .flags = PL_MSG_RESERVED};
    bool is_started = m->err == PL_OK;
    pl_loop_send(loop, self, m->owner, &m->mail.msg); /* `m` may be freed */
    if (is_started)
        pl_watch_begin(loop, watch, address);
    else
        pl_watch_drop(watch);
}

/* Errors: PL_ENOMEM. */
static enum pl_err send_start(struct pl_supervision *s, int index)
{
    const struct child *c = &s->children[index];
    struct start_msg *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    m->watch =
        pl_watch_create(s->owner, c->spec.loop, PL_MSG_CHILD_DOWN, s, c->ref);
    if (m->watch == NULL) {
        free(m);
        return PL_ENOMEM;
    }
    m->mail.order = (struct pl_loop_msg){
        .msg = {.destroy = free_start, .flags = PL_MSG_RESERVED},
        .handle = start_here};
    m->of = s;
    m->spec = c->spec;
    m->child = index;
    m->ref = c->ref;
    m->owner = pl_actor_address(s->owner);
    pl_loop_send(
        s->owner->loop, m->owner,
        pl_system_loop_address(pl_loop_system(s->owner->loop), c->spec.loop),
        &m->mail.msg);
    return PL_OK;
}

static void start_child(struct pl_supervision *s, int index)
{
    struct child *c = &s->children[index];

    c->ref = ++s->last_ref;
    c->is_ending = false;
    c->state = CHILD_STARTING;
    s->busy = index;
    if (send_start(s, index) == PL_OK)
        return;
    /* memory may be free later; retrying at once would only spin */
    c->state = CHILD_AWAY;
    s->busy = NOBODY;
    if (take_failure(s, index, pl_err_text(PL_ENOMEM)))
        pl_timer_start(s->owner->loop, &s->timer, PATIENCE_MS);
}

/* --- Stopping --- */

static void stop_child(struct pl_supervision *s, int index)
{
    struct child *c = &s->children[index];

    c->state = CHILD_STOPPING;
    s->busy = index;
    pl_timer_start(s->owner->loop, &s->timer, c->spec.stop_ms);
    /* if allocation fails, the child is not asked and is given up at the
     * deadline */
    (void)pl_stop_send(s->owner, c->address);
}

static void set_away(struct pl_supervision *s, int index)
{
    struct child *c = &s->children[index];

    c->state = CHILD_AWAY;
    c->is_ending = false;
    c->address = (struct pl_address){0};
    if (s->busy == index) {
        s->busy = NOBODY;
        pl_timer_stop(s->owner->loop, &s->timer);
    }
}

static void time_is_up(struct pl_timer *t)
{
    struct pl_supervision *s = PL_CONTAINER(t, struct pl_supervision, timer);

    if (s->busy != NOBODY) {
        struct child *c = &s->children[s->busy];

        s->forced++;
        pl_watch_stop(s->owner, s, c->ref);
        c->ref = 0;
        set_away(s, s->busy);
    }
    advance(s);
}

/* --- The next step --- */

/* The last running child that must stop, or NOBODY. */
static int next_to_stop(const struct pl_supervision *s)
{
    int i = s->count - 1;

    while (i >= 0 &&
           !(s->children[i].state == CHILD_RUNNING && s->children[i].is_ending))
        i--;
    return i;
}

/* The first child that must start, or NOBODY. */
static int next_to_start(const struct pl_supervision *s)
{
    for (int i = 0; i < s->count; i++) {
        if (is_away(&s->children[i]) && s->children[i].is_wanted)
            return i;
    }
    return NOBODY;
}

static void tell_started(struct pl_supervision *s)
{
    if (s->is_told)
        return;
    s->is_told = true;
    if (s->options.started != NULL)
        s->options.started(s->owner);
}

static void tell_stopped(struct pl_supervision *s)
{
    s->goal = GOAL_REST;
    if (s->options.stopped != NULL)
        s->options.stopped(s->owner, s->forced);
}

/* Take one step.  Callbacks come last, because they may call stop and start. */
static void advance(struct pl_supervision *s)
{
    if (s->busy != NOBODY)
        return;
    int stop = next_to_stop(s);
    if (stop != NOBODY) {
        stop_child(s, stop);
        return;
    }
    if (s->goal == GOAL_STOP) {
        tell_stopped(s);
        return;
    }
    if (s->goal != GOAL_RUN)
        return;
    int start = next_to_start(s);
    if (start != NOBODY)
        start_child(s, start);
    else
        tell_started(s);
}

void pl_supervision_start(struct pl_supervision *s)
{
    if (s->goal != GOAL_REST)
        return;
    s->goal = GOAL_RUN;
    s->is_told = false;
    s->forced = 0;
    s->restart_count = 0;
    for (int i = 0; i < s->count; i++)
        s->children[i].is_wanted = true;
    advance(s);
}

void pl_supervision_stop(struct pl_supervision *s)
{
    if (s->goal == GOAL_STOP)
        return;
    s->goal = GOAL_STOP;
    for (int i = 0; i < s->count; i++) {
        struct child *c = &s->children[i];

        c->is_wanted = false;
        c->is_ending = !is_away(c);
        if (c->state == CHILD_STARTING)
            pl_timer_start(s->owner->loop, &s->timer, c->spec.stop_ms);
    }
    if (s->busy == NOBODY)
        pl_timer_stop(s->owner->loop, &s->timer);
    advance(s);
}

/* --- Mail --- */

static void take_answer(struct pl_supervision *s, const struct start_msg *m)
{
    struct child *c = &s->children[m->child];

    if (c->ref != m->ref) { /* the child was given up and must not stay */
        if (m->err == PL_OK)
            (void)pl_stop_send(s->owner, m->address);
        return;
    }
    pl_timer_stop(s->owner->loop, &s->timer);
    s->busy = NOBODY;
    if (m->err == PL_OK) {
        c->state = CHILD_RUNNING;
        c->address = m->address;
    } else {
        pl_watch_stop(s->owner, s, c->ref);
        set_away(s, m->child);
        if (s->goal == GOAL_RUN &&
            !take_failure(s, m->child, pl_err_text(m->err)))
            return;
    }
    advance(s);
}

static bool is_failure(const struct child *c, const char *reason)
{
    if (c->spec.restart == PL_RESTART_ALWAYS)
        return true;
    return c->spec.restart == PL_RESTART_ON_FAILURE &&
           strcmp(reason, "normal") != 0 && strcmp(reason, "stopped") != 0;
}

static void take_down(struct pl_supervision *s, const struct pl_down_msg *down)
{
    int index = 0;

    while (index < s->count && s->children[index].ref != down->ref)
        index++;
    if (index == s->count)
        return; /* of a child that was given up */
    struct child *c = &s->children[index];
    bool was_ending = c->is_ending;
    set_away(s, index);
    if (!was_ending && s->goal == GOAL_RUN) {
        if (!is_failure(c, down->reason))
            c->is_wanted = false;
        else if (!take_failure(s, index, down->reason))
            return;
    }
    advance(s);
}

bool pl_supervision_receive(struct pl_supervision *s, struct pl_msg *msg)
{
    if (msg->type == PL_MSG_CHILD_STARTED) {
        struct start_msg *m = PL_CONTAINER(msg, struct start_msg, mail.msg);

        if (m->of != s)
            return false;
        take_answer(s, m);
    } else if (msg->type == PL_MSG_CHILD_DOWN) {
        if (pl_watch_tag(msg) != s)
            return false;
        take_down(s, PL_CONTAINER(msg, struct pl_down_msg, msg));
    } else {
        return false;
    }
    msg->destroy(msg);
    return true;
}
