/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - an owner, its supervision and its scripted children, under many
 * seeds; for the tests of supervision.
 *
 * Each child has a letter; the trace of a run has "+a" for a start, "?a" for
 * a start that failed, "!a" for an exit of its own, "-a" for one that was
 * asked for, "R" when all run, "S0" when all have stopped (with the number
 * forced), "G" when the supervision gave up. */
#ifndef WORLD_H
#define WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "sim.h"
#include "supervision.h"
#include "system.h"

enum { SEEDS = 300, LOOPS = 3, CHILDREN = 4, STOP_MS = 100, OWN_MAIL = 5 };

struct world;

/* One life of a child. */
struct life {
    struct pl_actor actor;
    struct script *script;
};

/* What a child is to do, and what is known of it. */
struct script {
    struct world *world;
    char letter[2];
    int fails_to_start; /* so many times; -1: always */
    bool is_deaf;       /* does not stop */
    const char *exits;  /* with this reason as soon as it runs */
    struct life *life;  /* the newest */
    int alive;
    int most_alive;
};

struct world {
    struct pl_actor owner;
    struct pl_sim *sim;
    struct pl_supervision *supervision;
    struct pl_supervision *other; /* of one test */
    struct pl_supervision_options options;
    struct script child[CHILDREN];
    int count;
    char trace[4096];
    char gave_up[64]; /* "name: reason" */
    unsigned own_mail;
    bool stops_when_given_up;
    bool is_restarted_when_stopped;
    bool exits_when_given_up;
};

static struct world world;
static uint64_t first_seed;
static int callocs_fail; /* the next so many */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (callocs_fail > 0) {
        callocs_fail--;
        return NULL;
    }
    return __real_calloc(count, size);
}

static inline void trace(const char *what, const char *letter)
{
    size_t at = strlen(world.trace);

    snprintf(world.trace + at, sizeof world.trace - at, "%s%s", what, letter);
}

static inline void life_ends(struct life *l, const char *mark,
                             const char *reason)
{
    trace(mark, l->script->letter);
    l->script->alive--;
    pl_actor_exit(&l->actor, reason);
}

static inline void life_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct life *l = PL_CONTAINER(a, struct life, actor);
    uint16_t type = msg->type;

    msg->destroy(msg);
    if (type == PL_MSG_STOP && !l->script->is_deaf)
        life_ends(l, "-", "stopped");
    else if (type != PL_MSG_STOP)
        life_ends(l, "!", l->script->exits);
}

static inline void life_reap(struct pl_actor *a)
{
    struct life *l = PL_CONTAINER(a, struct life, actor);

    if (l->script->life == l)
        l->script->life = NULL;
    free(l);
}

static const struct pl_actor_ops life_ops = {.name = "child",
                                             .mailbox = {4, PL_FULL_REFUSE},
                                             .receive = life_receive,
                                             .reap = life_reap};

static inline void free_msg(struct pl_msg *msg)
{
    free(msg);
}

static inline struct pl_msg *own_msg(void)
{
    struct pl_msg *msg = calloc(1, sizeof *msg);

    assert_non_null(msg);
    msg->destroy = free_msg;
    msg->type = OWN_MAIL;
    return msg;
}

static inline enum pl_err start(struct pl_loop *loop, void *arg,
                                struct pl_address *out)
{
    struct script *s = arg;

    if (s->fails_to_start != 0) {
        s->fails_to_start -= s->fails_to_start > 0;
        trace("?", s->letter);
        return PL_EIO;
    }
    struct life *l = calloc(1, sizeof *l);
    assert_non_null(l);
    assert_int_equal(pl_actor_init(&l->actor, loop, &life_ops), PL_OK);
    l->script = s;
    s->life = l;
    s->alive++;
    if (s->alive > s->most_alive)
        s->most_alive = s->alive;
    trace("+", s->letter);
    *out = pl_actor_address(&l->actor);
    if (s->exits != NULL) /* by a message to itself, once it runs */
        pl_actor_send(&l->actor, *out, own_msg());
    return PL_OK;
}

static inline void owner_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct world *w = PL_CONTAINER(a, struct world, owner);

    if (w->other != NULL && pl_supervision_receive(w->other, msg))
        return;
    if (pl_supervision_receive(w->supervision, msg))
        return;
    w->own_mail++;
    msg->destroy(msg);
}

static inline void owner_reap(struct pl_actor *a)
{
    struct world *w = PL_CONTAINER(a, struct world, owner);

    pl_supervision_destroy(w->supervision);
    w->supervision = NULL;
}

static const struct pl_actor_ops owner_ops = {.name = "owner",
                                              .mailbox = {1, PL_FULL_REFUSE},
                                              .receive = owner_receive,
                                              .reap = owner_reap};

static inline void started(struct pl_actor *owner)
{
    (void)owner;
    trace("R", "");
}

static inline void stopped(struct pl_actor *owner, unsigned forced)
{
    char number[12];

    (void)owner;
    snprintf(number, sizeof number, "%u", forced);
    trace("S", number);
    if (world.is_restarted_when_stopped) {
        world.is_restarted_when_stopped = false;
        pl_supervision_start(world.supervision);
    }
}

static inline void gave_up(struct pl_actor *owner, const char *child,
                           const char *reason)
{
    snprintf(world.gave_up, sizeof world.gave_up, "%s: %s", child, reason);
    trace("G", "");
    if (world.stops_when_given_up)
        pl_supervision_stop(world.supervision);
    if (world.exits_when_given_up)
        pl_actor_exit(owner, "gave up");
}

static inline unsigned random_below(unsigned bound)
{
    return (unsigned)pl_random_below(pl_sim_random(world.sim), bound);
}

/* A child of the world, on a random loop. */
static inline struct script *add(enum pl_restart restart)
{
    struct script *s = &world.child[world.count];
    struct pl_child_spec spec = {.loop = random_below(LOOPS),
                                 .restart = restart,
                                 .start = start,
                                 .arg = s,
                                 .stop_ms = STOP_MS};

    *s = (struct script){.world = &world,
                         .letter = {(char)('a' + world.count), '\0'}};
    spec.name = s->letter;
    world.count++;
    assert_int_equal(pl_supervision_add(world.supervision, &spec), PL_OK);
    return s;
}

static inline void begin(struct pl_sim *sim, enum pl_strategy strategy,
                         unsigned restarts, int children)
{
    struct pl_loop *loop;

    memset(&world, 0, sizeof world);
    world.sim = sim;
    world.options = (struct pl_supervision_options){.strategy = strategy,
                                                    .restarts = restarts,
                                                    .within_ms = 1000,
                                                    .started = started,
                                                    .stopped = stopped,
                                                    .gave_up = gave_up};
    loop = pl_system_loop(pl_sim_system(sim), random_below(LOOPS));
    assert_int_equal(pl_actor_init(&world.owner, loop, &owner_ops), PL_OK);
    assert_int_equal(
        pl_supervision_create(&world.supervision, &world.owner, &world.options),
        PL_OK);
    for (int i = 0; i < children; i++)
        add(PL_RESTART_ALWAYS);
}

static inline void settle(void)
{
    assert_true(pl_sim_settle(world.sim, 1000000));
}

static inline void some_steps(unsigned most)
{
    for (unsigned i = random_below(most + 1); i > 0; i--)
        pl_sim_step(world.sim);
}

static inline void run(void)
{
    pl_supervision_start(world.supervision);
    settle();
}

/* The trace since the last call. */
static inline void expect(const char *expected)
{
    assert_string_equal(world.trace, expected);
    world.trace[0] = '\0';
}

static inline void kill_child(int index, const char *reason)
{
    life_ends(world.child[index].life, "!", reason);
}

static inline void crash(int index)
{
    kill_child(index, "crash");
    settle();
}

static inline void stop(void)
{
    pl_supervision_stop(world.supervision);
    settle();
}

static inline int alive(void)
{
    int sum = 0;

    for (int i = 0; i < world.count; i++)
        sum += world.child[i].alive;
    return sum;
}

static inline void each_seed(void (*test)(struct pl_sim *))
{
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct pl_sim *sim;

        assert_int_equal(pl_sim_create(&sim, LOOPS, first_seed + i), PL_OK);
        world.sim = sim;
        test(sim);
        pl_sim_destroy(sim);
    }
}

#define EACH_SEED(name, test)                                                  \
    static void name(void **state)                                             \
    {                                                                          \
        (void)state;                                                           \
        each_seed(test);                                                       \
    }

#endif
