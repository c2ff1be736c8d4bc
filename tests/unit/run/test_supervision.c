/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervision.c - the promises of supervision.h, under many seeds.
 *
 * Each child has a letter; the trace of a run has "+a" for a start, "?a" for
 * a start that failed, "!a" for an exit of its own, "-a" for one that was
 * asked for, "R" when all run, "S0" when all have stopped (with the number
 * forced), "G" when the supervision gave up. */
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

static void trace(const char *what, const char *letter)
{
    size_t at = strlen(world.trace);

    snprintf(world.trace + at, sizeof world.trace - at, "%s%s", what, letter);
}

static void life_ends(struct life *l, const char *mark, const char *reason)
{
    trace(mark, l->script->letter);
    l->script->alive--;
    pl_actor_exit(&l->actor, reason);
}

static void life_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct life *l = PL_CONTAINER(a, struct life, actor);
    uint16_t type = msg->type;

    msg->destroy(msg);
    if (type == PL_MSG_STOP && !l->script->is_deaf)
        life_ends(l, "-", "stopped");
    else if (type != PL_MSG_STOP)
        life_ends(l, "!", l->script->exits);
}

static void life_reap(struct pl_actor *a)
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

static void free_msg(struct pl_msg *msg)
{
    free(msg);
}

static struct pl_msg *own_msg(void)
{
    struct pl_msg *msg = calloc(1, sizeof *msg);

    assert_non_null(msg);
    msg->destroy = free_msg;
    msg->type = OWN_MAIL;
    return msg;
}

static enum pl_err start(struct pl_loop *loop, void *arg,
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

static void owner_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct world *w = PL_CONTAINER(a, struct world, owner);

    if (pl_supervision_receive(w->supervision, msg))
        return;
    w->own_mail++;
    msg->destroy(msg);
}

static void owner_reap(struct pl_actor *a)
{
    struct world *w = PL_CONTAINER(a, struct world, owner);

    pl_supervision_destroy(w->supervision);
    w->supervision = NULL;
}

static const struct pl_actor_ops owner_ops = {.name = "owner",
                                              .mailbox = {1, PL_FULL_REFUSE},
                                              .receive = owner_receive,
                                              .reap = owner_reap};

static void started(struct pl_actor *owner)
{
    (void)owner;
    trace("R", "");
}

static void stopped(struct pl_actor *owner, unsigned forced)
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

static void gave_up(struct pl_actor *owner, const char *child,
                    const char *reason)
{
    snprintf(world.gave_up, sizeof world.gave_up, "%s: %s", child, reason);
    trace("G", "");
    if (world.stops_when_given_up)
        pl_supervision_stop(world.supervision);
    if (world.exits_when_given_up)
        pl_actor_exit(owner, "gave up");
}

static unsigned random_below(unsigned bound)
{
    return (unsigned)pl_random_below(pl_sim_random(world.sim), bound);
}

/* A child of the world, on a random loop. */
static struct script *add(enum pl_restart restart)
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

static void begin(struct pl_sim *sim, enum pl_strategy strategy,
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

static void settle(void)
{
    assert_true(pl_sim_settle(world.sim, 1000000));
}

static void some_steps(unsigned most)
{
    for (unsigned i = random_below(most + 1); i > 0; i--)
        pl_sim_step(world.sim);
}

static void run(void)
{
    pl_supervision_start(world.supervision);
    settle();
}

/* The trace since the last call. */
static void expect(const char *expected)
{
    assert_string_equal(world.trace, expected);
    world.trace[0] = '\0';
}

static void kill_child(int index, const char *reason)
{
    life_ends(world.child[index].life, "!", reason);
}

static void crash(int index)
{
    kill_child(index, "crash");
    settle();
}

static void stop(void)
{
    pl_supervision_stop(world.supervision);
    settle();
}

static int alive(void)
{
    int sum = 0;

    for (int i = 0; i < world.count; i++)
        sum += world.child[i].alive;
    return sum;
}

static void each_seed(void (*test)(struct pl_sim *))
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

/* --- Order --- */

static void in_order(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 4);
    run();
    expect("+a+b+c+dR");
    pl_supervision_start(world.supervision); /* nothing happens */
    settle();
    assert_int_equal(alive(), 4);
    stop();
    expect("-d-c-b-aS0");
    assert_int_equal(alive(), 0);
}
EACH_SEED(children_start_in_order_and_stop_in_reverse, in_order)

static void addresses(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    assert_true(
        pl_address_is_none(pl_supervision_child(world.supervision, "a")));
    run();
    assert_true(
        pl_address_equal(pl_supervision_child(world.supervision, "b"),
                         pl_actor_address(&world.child[1].life->actor)));
    assert_true(pl_address_is_none(
        pl_supervision_child(world.supervision, "no child")));
    crash(1);
    assert_true(
        pl_address_equal(pl_supervision_child(world.supervision, "b"),
                         pl_actor_address(&world.child[1].life->actor)));
    stop();
    assert_true(
        pl_address_is_none(pl_supervision_child(world.supervision, "b")));
}
EACH_SEED(a_child_has_an_address_while_it_runs, addresses)

static void without_children(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 0);
    run();
    expect("R");
    stop();
    expect("S0");
    stop(); /* also when nothing was started */
    expect("S0");
}
EACH_SEED(a_supervision_without_children_starts_and_stops, without_children)

static void again(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 1, 2);
    run();
    crash(0);
    world.is_restarted_when_stopped = true;
    stop();
    expect("+a+bR!a+aR-b-aS0+a+bR");
    crash(0); /* the count of restarts began anew */
    expect("!a+aR");
    stop();
    expect("-b-aS0");
}
EACH_SEED(what_has_stopped_can_start_again, again)

/* --- Strategies --- */

static void one_for_one(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    run();
    crash(1);
    expect("+a+b+cR!b+bR");
}
EACH_SEED(one_for_one_starts_only_the_failed_child_again, one_for_one)

static void one_for_all(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    run();
    crash(1);
    expect("+a+b+cR!b-c-a+a+b+cR");
}
EACH_SEED(one_for_all_stops_and_starts_all, one_for_all)

static void rest_for_one(struct pl_sim *sim)
{
    begin(sim, PL_REST_FOR_ONE, 3, 4);
    run();
    crash(1);
    expect("+a+b+c+dR!b-d-c+b+c+dR");
}
EACH_SEED(rest_for_one_spares_those_before_the_failed_one, rest_for_one)

static void two_at_once(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 9, 3);
    run();
    expect("+a+b+cR");
    kill_child(0, "crash");
    kill_child(2, "crash");
    settle();
    assert_int_equal(alive(), 3);
    size_t len = strlen(world.trace);
    assert_string_equal(world.trace + len - 7, "+a+b+cR");
    for (int i = 0; i < 3; i++)
        assert_int_equal(world.child[i].most_alive, 1);
    stop();
    assert_int_equal(alive(), 0);
}
EACH_SEED(two_failures_at_once_end_with_all_running_once, two_at_once)

/* --- Restart kinds --- */

static void kinds(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 99, 0);
    add(PL_RESTART_ALWAYS);
    add(PL_RESTART_ON_FAILURE);
    add(PL_RESTART_NEVER);
    run();
    expect("+a+b+cR");
    kill_child(0, "normal");
    settle();
    expect("!a+aR");
    crash(1);
    expect("!b+bR");
    kill_child(1, random_below(2) == 0 ? "normal" : "stopped");
    settle();
    expect("!b");
    crash(2);
    expect("!c");
    stop();
    expect("-aS0");
}
EACH_SEED(what_starts_again_depends_on_kind_and_reason, kinds)

static void kinds_of_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 99, 0);
    add(PL_RESTART_NEVER);
    add(PL_RESTART_ON_FAILURE);
    add(PL_RESTART_ALWAYS);
    add(PL_RESTART_ON_FAILURE);
    run();
    expect("+a+b+c+dR");
    kill_child(3, "normal"); /* has done its work: stays away */
    settle();
    expect("!d");
    crash(2); /* the others stop; "stopped" is no reason to stay away */
    expect("!c-b-a+b+cR");
}
EACH_SEED(in_a_group_only_those_come_back_that_may, kinds_of_a_group)

/* --- Failures to start, and too many --- */

static void start_fails(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].fails_to_start = 3;
    run();
    expect("+a?b?b?b+b+cR");
    stop();
    expect("-c-b-aS0");
}
EACH_SEED(a_failed_start_is_tried_again, start_fails)

static void start_fails_in_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    world.child[1].fails_to_start = 2;
    run();
    expect("+a?b-a+a?b-a+a+b+cR");
}
EACH_SEED(a_failed_start_is_a_failure_for_the_group, start_fails_in_a_group)

static void start_fails_for_good(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].fails_to_start = -1;
    world.stops_when_given_up = random_below(2) == 0;
    run();
    expect(world.stops_when_given_up ? "+a?b?b?b?bG-aS0" : "+a?b?b?b?bG");
    assert_string_equal(world.gave_up, "b: input/output error");
    stop();
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_start_that_fails_for_good_is_given_up, start_fails_for_good)

static void never_fails_to_start(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 0);
    add(PL_RESTART_NEVER)->fails_to_start = 1;
    run();
    expect("?aG");
}
EACH_SEED(what_is_never_restarted_may_not_fail_to_start, never_fails_to_start)

static void too_often(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 2, 2);
    run();
    crash(1);
    pl_sim_advance(sim, 500);
    crash(0);
    expect("+a+bR!b+bR!a+aR");
    pl_sim_advance(sim, 499);
    crash(1); /* three within 999 ms */
    expect("!bG");
    assert_string_equal(world.gave_up, "b: crash");
    crash(0); /* nothing is restarted any more, and that is told once */
    expect("!a");
    stop();
    expect("S0");
}
EACH_SEED(one_failure_too_many_in_the_time_gives_up, too_often)

static void seldom(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 2, 1);
    run();
    world.trace[0] = '\0';
    for (int i = 0; i < 20; i++) {
        crash(0);
        expect("!a+aR");
        pl_sim_advance(sim, 500);
    }
}
EACH_SEED(seldom_failures_are_never_too_many, seldom)

static void not_once(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 0, 2);
    run();
    crash(0);
    expect("+a+bR!aG");
}
EACH_SEED(without_restarts_the_first_failure_gives_up, not_once)

static void crashes_at_once(struct pl_sim *sim)
{
    begin(sim, PL_REST_FOR_ONE, 5, 2);
    world.child[1].exits = "at once";
    world.stops_when_given_up = true;
    run();
    assert_string_equal(world.gave_up, "b: at once");
    assert_string_equal(world.trace + strlen(world.trace) - 5, "G-aS0");
}
EACH_SEED(a_child_that_crashes_at_once_is_given_up, crashes_at_once)

static void owner_exits(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 0, 3);
    world.exits_when_given_up = true;
    run();
    crash(1);
    assert_null(world.supervision);
    crash(0);
    expect("+a+b+cR!bG!a");
}
EACH_SEED(an_owner_may_exit_when_it_gave_up, owner_exits)

static void no_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 2);
    callocs_fail = 1 + (int)random_below(3);
    pl_supervision_start(world.supervision); /* fails once at least */
    while (callocs_fail > 0)
        pl_sim_advance(sim, 4);
    pl_sim_advance(sim, 8);
    expect("+a+bR");
    assert_int_equal(pl_monitor_start(&world.owner, (struct pl_address){0}, 1),
                     PL_OK);
    callocs_fail = 1;
    assert_int_equal(pl_monitor_start(&world.owner, (struct pl_address){0}, 1),
                     PL_ENOMEM);
    callocs_fail = 1;
    assert_int_equal(pl_stop_send(&world.owner, (struct pl_address){0}),
                     PL_ENOMEM);
    stop();
    expect("-b-aS0");
}
EACH_SEED(without_memory_a_start_is_tried_again_later, no_memory)

static void never_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    callocs_fail = 1000;
    pl_supervision_start(world.supervision);
    pl_sim_advance(sim, 100);
    callocs_fail = 0;
    expect("G");
    assert_string_equal(world.gave_up, "a: out of memory");
    stop();
    expect("S0");
}
EACH_SEED(without_memory_for_long_it_gives_up, never_memory)

static void stop_without_memory(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    run();
    callocs_fail = 1; /* b cannot be asked */
    stop();
    pl_sim_advance(sim, STOP_MS + 5);
    expect("+a+bR-aS1");
}
EACH_SEED(who_cannot_be_asked_to_stop_is_forced, stop_without_memory)

/* --- Stopping --- */

static void deaf(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 3);
    world.child[1].is_deaf = true;
    run();
    stop();
    expect("+a+b+cR-c");
    pl_sim_advance(sim, STOP_MS - 5);
    expect("");
    pl_sim_advance(sim, 10);
    expect("-aS1");
    world.child[1].is_deaf = false;
    kill_child(1, "late"); /* nobody listens any more */
    settle();
    expect("!b");
    pl_supervision_start(world.supervision);
    settle();
    stop();
    expect("+a+b+cR-c-b-aS0");
}
EACH_SEED(a_child_that_never_stops_is_forced_and_counted, deaf)

static void deaf_in_a_group(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ALL, 3, 3);
    world.child[2].is_deaf = true;
    run();
    crash(0);
    expect("+a+b+cR!a");
    pl_sim_advance(sim, STOP_MS + 5);
    expect("-b+a+b+cR");
    world.child[2].is_deaf = false;
    stop();
    expect("-c-b-aS1");
}
EACH_SEED(a_restart_goes_on_without_a_child_that_never_stops, deaf_in_a_group)

/* "+a+b-b-aS0": in order there, in order back. */
static void check_there_and_back(const char *t)
{
    char next = 'a';

    while (*t == '+') {
        assert_int_equal(t[1], next++);
        t += 2;
    }
    if (*t == 'R')
        t++;
    while (*t == '-') {
        assert_int_equal(t[1], --next);
        t += 2;
    }
    assert_int_equal(next, 'a');
    assert_string_equal(t, "S0");
}

static void stop_during_start(struct pl_sim *sim)
{
    begin(sim, random_below(3), 3, 4);
    pl_supervision_start(world.supervision);
    some_steps(20);
    pl_supervision_stop(world.supervision);
    some_steps(3);
    if (strchr(world.trace, 'S') == NULL)
        pl_supervision_stop(world.supervision); /* once is enough */
    settle();
    check_there_and_back(world.trace);
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_stop_during_the_start_undoes_what_was_started, stop_during_start)

static void stop_during_restart(struct pl_sim *sim)
{
    begin(sim, random_below(3), 9, 4);
    run();
    kill_child((int)random_below(4), "crash");
    some_steps(30);
    world.trace[0] = '\0';
    pl_supervision_stop(world.supervision);
    settle();
    assert_int_equal(alive(), 0);
    assert_string_equal(world.trace + strlen(world.trace) - 2, "S0");
    assert_null(strchr(world.trace, 'R'));
    pl_sim_advance(sim, 10000); /* nothing comes back later */
    assert_int_equal(alive(), 0);
}
EACH_SEED(a_stop_during_a_restart_ends_it, stop_during_restart)

static void failures_everywhere(struct pl_sim *sim)
{
    begin(sim, random_below(3), 1000, 4);
    pl_supervision_start(world.supervision);
    for (int i = 0; i < 25; i++) {
        struct script *s = &world.child[random_below(4)];

        if (random_below(4) == 0)
            s->fails_to_start += 1;
        else if (s->life != NULL && !s->life->actor.is_exited)
            life_ends(s->life, "!", "chaos");
        some_steps(6);
    }
    settle();
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world.child[i].alive, 1);
        assert_int_equal(world.child[i].most_alive, 1);
    }
    assert_string_equal(world.trace + strlen(world.trace) - 1, "R");
    world.trace[0] = '\0';
    stop();
    expect("-d-c-b-aS0");
}
EACH_SEED(after_any_failures_all_run_once_and_stop_in_order,
          failures_everywhere)

static void ends_in_the_middle(struct pl_sim *sim)
{
    begin(sim, random_below(3), 1000, 4);
    pl_supervision_start(world.supervision);
    some_steps(20);
    if (world.child[0].life != NULL)
        kill_child(0, "crash");
    some_steps(10);
}
EACH_SEED(a_system_that_ends_in_the_middle_frees_everything, ends_in_the_middle)

/* --- Others' mail --- */

static void own_mail(struct pl_sim *sim)
{
    begin(sim, PL_ONE_FOR_ONE, 3, 1);
    run();
    pl_actor_send(&world.owner, pl_actor_address(&world.owner), own_msg());
    settle();
    assert_int_equal(world.own_mail, 1);
    struct pl_address child = pl_supervision_child(world.supervision, "a");
    assert_int_equal(pl_monitor_start(&world.owner, child, 1), PL_OK);
    crash(0); /* told to both */
    assert_int_equal(world.own_mail, 2);
    expect("+aR!a+aR");
}
EACH_SEED(the_owner_keeps_its_own_mail_and_monitors, own_mail)

static void other_supervision(struct pl_sim *sim)
{
    struct pl_supervision *other;
    struct pl_supervision_options options = {.restarts = 1};

    begin(sim, PL_ONE_FOR_ONE, 3, 2);
    assert_int_equal(pl_supervision_create(&other, &world.owner, &options),
                     PL_OK);
    pl_supervision_start(other);
    pl_supervision_start(world.supervision);
    pl_supervision_destroy(other); /* what is not its own stays */
    settle();
    crash(1);
    expect("+a+bR!b+bR");
    struct pl_child_spec nowhere = {.name = "x", .loop = LOOPS, .start = start};
    assert_int_equal(pl_supervision_add(world.supervision, &nowhere),
                     PL_EINVAL);
    pl_supervision_destroy(NULL);
}
EACH_SEED(an_owner_may_have_another_supervision, other_supervision)

/* A loop that does not turn for a while: its child starts too late. */
static void a_child_that_starts_too_late_is_asked_to_stop(void **state)
{
    struct pl_clock_driven clock;
    struct pl_system *system;
    struct pl_child_spec spec = {
        .name = "a", .loop = 1, .start = start, .stop_ms = STOP_MS};

    (void)state;
    memset(&world, 0, sizeof world);
    world.child[0] = (struct script){.letter = "a"};
    world.count = 1;
    spec.arg = &world.child[0];
    pl_clock_driven_init(&clock);
    struct pl_system_options options = {.loops = 2, .clock = &clock.clock};
    assert_int_equal(pl_system_create(&system, &options), PL_OK);
    struct pl_loop *here = pl_system_loop(system, 0);
    struct pl_loop *there = pl_system_loop(system, 1);
    assert_int_equal(pl_actor_init(&world.owner, here, &owner_ops), PL_OK);
    world.options = (struct pl_supervision_options){.stopped = stopped};
    assert_int_equal(
        pl_supervision_create(&world.supervision, &world.owner, &world.options),
        PL_OK);
    assert_int_equal(pl_supervision_add(world.supervision, &spec), PL_OK);

    pl_supervision_start(world.supervision);
    pl_supervision_stop(world.supervision);
    pl_loop_turn(here);
    pl_clock_driven_advance(&clock, UINT64_C(1000000) * (STOP_MS - 5));
    pl_loop_turn(here);
    expect("");
    pl_clock_driven_advance(&clock, UINT64_C(1000000) * 10);
    pl_loop_turn(here);
    expect("S1");
    while (pl_loop_has_work(there) || pl_loop_has_work(here)) {
        pl_loop_turn(there);
        pl_loop_turn(here);
    }
    expect("+a-a");
    assert_int_equal(alive(), 0);
    assert_null(world.owner.monitors);
    pl_system_destroy(system);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_start_in_order_and_stop_in_reverse),
        cmocka_unit_test(a_child_has_an_address_while_it_runs),
        cmocka_unit_test(a_supervision_without_children_starts_and_stops),
        cmocka_unit_test(what_has_stopped_can_start_again),
        cmocka_unit_test(one_for_one_starts_only_the_failed_child_again),
        cmocka_unit_test(one_for_all_stops_and_starts_all),
        cmocka_unit_test(rest_for_one_spares_those_before_the_failed_one),
        cmocka_unit_test(two_failures_at_once_end_with_all_running_once),
        cmocka_unit_test(what_starts_again_depends_on_kind_and_reason),
        cmocka_unit_test(in_a_group_only_those_come_back_that_may),
        cmocka_unit_test(a_failed_start_is_tried_again),
        cmocka_unit_test(a_failed_start_is_a_failure_for_the_group),
        cmocka_unit_test(a_start_that_fails_for_good_is_given_up),
        cmocka_unit_test(what_is_never_restarted_may_not_fail_to_start),
        cmocka_unit_test(one_failure_too_many_in_the_time_gives_up),
        cmocka_unit_test(seldom_failures_are_never_too_many),
        cmocka_unit_test(without_restarts_the_first_failure_gives_up),
        cmocka_unit_test(a_child_that_crashes_at_once_is_given_up),
        cmocka_unit_test(an_owner_may_exit_when_it_gave_up),
        cmocka_unit_test(without_memory_a_start_is_tried_again_later),
        cmocka_unit_test(without_memory_for_long_it_gives_up),
        cmocka_unit_test(who_cannot_be_asked_to_stop_is_forced),
        cmocka_unit_test(a_child_that_never_stops_is_forced_and_counted),
        cmocka_unit_test(a_restart_goes_on_without_a_child_that_never_stops),
        cmocka_unit_test(a_stop_during_the_start_undoes_what_was_started),
        cmocka_unit_test(a_stop_during_a_restart_ends_it),
        cmocka_unit_test(after_any_failures_all_run_once_and_stop_in_order),
        cmocka_unit_test(a_system_that_ends_in_the_middle_frees_everything),
        cmocka_unit_test(the_owner_keeps_its_own_mail_and_monitors),
        cmocka_unit_test(an_owner_may_have_another_supervision),
        cmocka_unit_test(a_child_that_starts_too_late_is_asked_to_stop),
    };

    first_seed = pl_sim_test_seed("supervision");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
