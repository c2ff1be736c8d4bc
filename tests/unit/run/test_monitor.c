/* SPDX-License-Identifier: Apache-2.0 */
/* test_monitor.c - the promises of monitor.h, under many seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "sim.h"
#include "system.h"

enum { SEEDS = 300, LOOPS = 3, ACTORS = 12, MSG_WORD = 1 };

/* An actor that writes down what it is told. */
struct node {
    struct pl_actor actor;
    unsigned downs;
    unsigned words;         /* mail that is not of the runtime */
    unsigned words_at_down; /* of them, those before the newest DOWN */
    unsigned stops;
    struct pl_address of; /* of the newest DOWN */
    uint32_t ref;
    const char *reason;
    uint64_t refs_told; /* a bit each */
    bool is_told_twice;
    bool is_alive;
};

static uint64_t first_seed;
static unsigned reaped;

static void take_down(struct node *n, const struct pl_down_msg *down)
{
    uint64_t bit = UINT64_C(1) << down->ref % 64;

    n->downs++;
    n->of = down->of;
    n->ref = down->ref;
    n->reason = down->reason;
    n->words_at_down = n->words;
    n->is_told_twice |= (n->refs_told & bit) != 0;
    n->refs_told |= bit;
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct node *n = PL_CONTAINER(a, struct node, actor);

    if (msg->type == PL_MSG_DOWN)
        take_down(n, PL_CONTAINER(msg, struct pl_down_msg, msg));
    else if (msg->type == PL_MSG_STOP)
        n->stops++;
    else
        n->words++;
    msg->destroy(msg);
}

static void reap(struct pl_actor *a)
{
    PL_CONTAINER(a, struct node, actor)->is_alive = false;
    reaped++;
}

static const struct pl_actor_ops ops = {
    .name = "node", .mailbox_limit = 2, .receive = receive, .reap = reap};

static struct pl_address begin(struct node *n, struct pl_sim *sim,
                               unsigned loop)
{
    memset(n, 0, sizeof *n);
    assert_int_equal(pl_actor_init(&n->actor,
                                   pl_system_loop(pl_sim_system(sim), loop),
                                   &ops),
                     PL_OK);
    n->is_alive = true;
    return pl_actor_address(&n->actor);
}

static void free_msg(struct pl_msg *msg)
{
    free(msg);
}

static void say(struct node *from, struct pl_address to)
{
    struct pl_msg *msg = calloc(1, sizeof *msg);

    assert_non_null(msg);
    msg->type = MSG_WORD;
    msg->destroy = free_msg;
    pl_actor_send(&from->actor, to, msg);
}

static unsigned random_below(struct pl_sim *sim, unsigned bound)
{
    return (unsigned)pl_random_below(pl_sim_random(sim), bound);
}

static void some_steps(struct pl_sim *sim, unsigned most)
{
    for (unsigned i = random_below(sim, most + 1); i > 0; i--)
        pl_sim_step(sim);
}

static void settle(struct pl_sim *sim)
{
    assert_true(pl_sim_run_until_idle(sim, 1000000));
}

/* Run `test` with many seeds. */
static void each_seed(void (*test)(struct pl_sim *))
{
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct pl_sim *sim;

        assert_int_equal(pl_sim_create(&sim, LOOPS, first_seed + i), PL_OK);
        reaped = 0;
        test(sim);
        pl_sim_destroy(sim);
    }
}

static void exit_is_told(struct pl_sim *sim)
{
    static struct node watcher, watched;
    begin(&watcher, sim, random_below(sim, LOOPS));
    struct pl_address of = begin(&watched, sim, random_below(sim, LOOPS));

    assert_int_equal(pl_monitor_start(&watcher.actor, of, 42), PL_OK);
    settle(sim);
    assert_int_equal(watcher.downs, 0);
    pl_actor_exit(&watched.actor, "boom");
    pl_actor_exit(&watched.actor, "again");
    settle(sim);
    assert_int_equal(watcher.downs, 1);
    assert_int_equal(watcher.ref, 42);
    assert_true(pl_address_equal(watcher.of, of));
    assert_string_equal(watcher.reason, "boom");
    assert_null(watcher.actor.monitors);
}

static void an_exit_is_told_once_with_its_reason(void **state)
{
    (void)state;
    each_seed(exit_is_told);
}

static void stale_is_told(struct pl_sim *sim)
{
    static struct node watcher, gone;
    begin(&watcher, sim, random_below(sim, LOOPS));
    struct pl_address of = begin(&gone, sim, random_below(sim, LOOPS));
    struct pl_address odd[] = {of,
                               {of.node, of.loop, of.slot, of.generation + 7},
                               {0},
                               {of.node, of.loop, 4000000, 1},
                               {of.node + 1, of.loop, of.slot, 1},
                               {of.node, LOOPS, of.slot, 1},
                               {of.node, 65535, of.slot, 1}};

    pl_actor_exit(&gone.actor, "early");
    settle(sim);
    for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(pl_monitor_start(&watcher.actor, odd[i], i), PL_OK);
        settle(sim);
        assert_int_equal(watcher.downs, i + 1);
        assert_int_equal(watcher.ref, i);
        assert_true(pl_address_equal(watcher.of, odd[i]));
        assert_string_equal(watcher.reason, "stale");
    }
    assert_null(watcher.actor.monitors);
}

static void an_address_of_nobody_is_told_as_stale(void **state)
{
    (void)state;
    each_seed(stale_is_told);
}

static void watchers_leave(struct pl_sim *sim)
{
    static struct node watched, watcher[ACTORS];
    struct pl_address of = begin(&watched, sim, random_below(sim, LOOPS));

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < ACTORS; i++) {
            begin(&watcher[i], sim, random_below(sim, LOOPS));
            assert_int_equal(pl_monitor_start(&watcher[i].actor, of, 1), PL_OK);
        }
        some_steps(sim, 10);
        for (int i = 0; i < ACTORS; i++)
            pl_actor_exit(&watcher[i].actor, "done");
        settle(sim);
        assert_null(watched.actor.monitors);
    }
    assert_int_equal(reaped, 5 * ACTORS);
    assert_int_equal(watched.downs, 0);
}

static void watchers_that_are_gone_leave_nothing_behind(void **state)
{
    (void)state;
    each_seed(watchers_leave);
}

static void last_words_first(struct pl_sim *sim)
{
    static struct node watcher, watched;
    struct pl_address to = begin(&watcher, sim, random_below(sim, LOOPS));
    struct pl_address of = begin(&watched, sim, random_below(sim, LOOPS));

    assert_int_equal(pl_monitor_start(&watcher.actor, of, 1), PL_OK);
    some_steps(sim, 8);
    say(&watched, to);
    say(&watched, to);
    pl_actor_exit(&watched.actor, "said it");
    settle(sim);
    assert_int_equal(watcher.downs, 1);
    assert_int_equal(watcher.words_at_down, 2);
}

static void what_an_actor_said_comes_before_its_down(void **state)
{
    (void)state;
    each_seed(last_words_first);
}

static void full_box(struct pl_sim *sim)
{
    static struct node watcher, watched[ACTORS];
    struct pl_address to = begin(&watcher, sim, random_below(sim, LOOPS));

    for (uint32_t i = 0; i < ACTORS; i++) {
        struct pl_address of =
            begin(&watched[i], sim, random_below(sim, LOOPS));
        assert_int_equal(pl_monitor_start(&watcher.actor, of, i), PL_OK);
    }
    settle(sim);
    for (int i = 0; i < ACTORS; i++) {
        say(&watched[i], to);
        pl_actor_exit(&watched[i].actor, "boom");
    }
    settle(sim);
    assert_int_equal(watcher.downs, ACTORS);
    assert_true(watcher.words < ACTORS + 1);
    assert_false(watcher.is_told_twice);
}

static void a_full_mailbox_takes_every_down(void **state)
{
    (void)state;
    each_seed(full_box);
}

static void watch_oneself(struct pl_sim *sim)
{
    static struct node n;
    struct pl_address self = begin(&n, sim, 0);

    assert_int_equal(pl_monitor_start(&n.actor, self, 1), PL_OK);
    assert_int_equal(pl_monitor_start(&n.actor, self, 2), PL_OK);
    some_steps(sim, 2);
    pl_actor_exit(&n.actor, "done");
    settle(sim);
    assert_int_equal(n.downs, 0);
    assert_null(n.actor.monitors);
}

static void an_actor_may_watch_itself(void **state)
{
    (void)state;
    each_seed(watch_oneself);
}

static void stop_is_asked(struct pl_sim *sim)
{
    static struct node from, to;
    begin(&from, sim, random_below(sim, LOOPS));
    struct pl_address address = begin(&to, sim, random_below(sim, LOOPS));

    for (int i = 0; i < 5; i++) /* more than its mailbox takes */
        assert_int_equal(pl_stop_send(&from.actor, address), PL_OK);
    settle(sim);
    assert_int_equal(to.stops, 5);
    assert_true(to.is_alive);
}

static void a_stop_is_reserved_mail(void **state)
{
    (void)state;
    each_seed(stop_is_asked);
}

/* Random watching and exiting; then all but the watchers that
 * are left exit. */
struct chaos {
    struct node node[ACTORS];
    struct pl_address address[ACTORS];
    uint64_t started[ACTORS]; /* monitors, a bit for each ref */
    unsigned target[ACTORS][64];
    uint32_t refs;
};

static void do_something(struct chaos *c, struct pl_sim *sim)
{
    unsigned i = random_below(sim, ACTORS), k = random_below(sim, ACTORS);
    uint32_t ref = c->refs % 64;

    if (!c->node[i].is_alive || c->node[i].actor.mailbox.is_exited)
        return;
    if (random_below(sim, 4) == 0 && i < ACTORS / 2) {
        pl_actor_exit(&c->node[i].actor, "chaos");
    } else if (c->refs < 64) {
        c->refs++;
        c->target[i][ref] = k;
        c->started[i] |= UINT64_C(1) << ref;
        assert_int_equal(
            pl_monitor_start(&c->node[i].actor, c->address[k], ref), PL_OK);
    }
}

static void make_chaos(struct chaos *c, struct pl_sim *sim)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < ACTORS; i++)
        c->address[i] = begin(&c->node[i], sim, random_below(sim, LOOPS));
    for (int i = 0; i < 100; i++) {
        do_something(c, sim);
        some_steps(sim, 2);
    }
}

static void chaos_is_told(struct pl_sim *sim)
{
    struct chaos c;

    make_chaos(&c, sim);
    /* the last one stays and sees all others go */
    for (int i = 0; i < ACTORS - 1; i++)
        pl_actor_exit(&c.node[i].actor, "end");
    settle(sim);
    const struct node *last = &c.node[ACTORS - 1];
    uint64_t owed = c.started[ACTORS - 1];
    for (unsigned ref = 0; ref < 64; ref++) {
        if (c.target[ACTORS - 1][ref] == ACTORS - 1)
            owed &= ~(UINT64_C(1) << ref); /* itself */
    }
    assert_int_equal(last->refs_told & owed, owed);
    assert_int_equal(last->refs_told & ~c.started[ACTORS - 1], 0);
    assert_false(last->is_told_twice);
    assert_int_equal(reaped, ACTORS - 1);
    pl_actor_exit(&c.node[ACTORS - 1].actor, "end");
    settle(sim);
    for (int i = 0; i < ACTORS; i++) {
        assert_null(c.node[i].actor.monitors);
        assert_false(c.node[i].is_told_twice);
    }
}

static void whatever_happens_each_monitor_is_told_once(void **state)
{
    (void)state;
    each_seed(chaos_is_told);
}

static struct chaos left;

static void chaos_is_dropped(struct pl_sim *sim)
{
    make_chaos(&left, sim); /* each_seed() destroys the system in the middle */
}

static void a_system_that_ends_in_the_middle_frees_all_monitors(void **state)
{
    (void)state;
    each_seed(chaos_is_dropped); /* the sanitizer sees leaks */
    assert_true(reaped > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_is_told_once_with_its_reason),
        cmocka_unit_test(an_address_of_nobody_is_told_as_stale),
        cmocka_unit_test(watchers_that_are_gone_leave_nothing_behind),
        cmocka_unit_test(what_an_actor_said_comes_before_its_down),
        cmocka_unit_test(a_full_mailbox_takes_every_down),
        cmocka_unit_test(an_actor_may_watch_itself),
        cmocka_unit_test(a_stop_is_reserved_mail),
        cmocka_unit_test(whatever_happens_each_monitor_is_told_once),
        cmocka_unit_test(a_system_that_ends_in_the_middle_frees_all_monitors),
    };

    first_seed = pl_sim_test_seed("monitor");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
