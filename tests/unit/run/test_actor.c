/* SPDX-License-Identifier: Apache-2.0 */
/* test_actor.c - the life of an actor: addresses, exits, reaping, slots. */
#include "recorder.h"

#include "loop_private.h"

static struct pl_system *sys;
static struct pl_loop *loop;

static int set_up(void **state)
{
    *state = sys = system_of(2, NULL);
    loop = pl_system_loop(sys, 0);
    return 0;
}

static void an_address_finds_its_actor_on_its_loop_alone(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct pl_address a = pl_actor_address(&r->actor);

    (void)state;
    assert_false(pl_address_is_none(a));
    assert_int_equal(a.node, 7);
    assert_ptr_equal(pl_actor_find(loop, a), &r->actor);
    assert_null(pl_actor_find(pl_system_loop(sys, 1), a));
    a.node = 8;
    assert_null(pl_actor_find(loop, a));
    assert_null(pl_actor_find(loop, (struct pl_address){.node = 7}));
    a = pl_actor_address(&r->actor);
    a.slot = 1000000;
    assert_null(pl_actor_find(loop, a));
}

static void an_address_is_stale_as_soon_as_its_actor_exits(void **state)
{
    int reaped = 0;
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct pl_address a = pl_actor_address(&r->actor);

    (void)state;
    r->reaped = &reaped;
    pl_actor_exit(&r->actor, "done");
    pl_actor_exit(&r->actor, "again");
    assert_null(pl_actor_find(loop, a));
    assert_int_equal(reaped, 0); /* the memory stays until the turn ends */
    assert_true(pl_loop_has_work(loop));
    settle(sys);
    assert_int_equal(reaped, 1);
    assert_int_equal(pl_loop_stats(loop)->actors, 0);
}

static void a_slot_is_used_again_in_another_generation(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct recorder *other = recorder_new(loop, &recorder_ops);
    struct pl_address a = pl_actor_address(&r->actor), b;

    (void)state;
    pl_actor_exit(&r->actor, "done");
    settle(sys);
    r = recorder_new(loop, &recorder_ops);
    b = pl_actor_address(&r->actor);
    assert_int_equal(a.slot, b.slot);
    assert_int_not_equal(a.generation, b.generation);
    mail_to(other, a, 1); /* for the dead one, not for its successor */
    mail_to(other, b, 2);
    settle(sys);
    GOT(r, 2);
    assert_int_equal(pl_loop_stats(loop)->mail_dead[PL_DEAD_STALE], 1);
}

static void many_actors_have_addresses_of_their_own(void **state)
{
    enum { MANY = 1000 };
    struct recorder *r[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        r[i] = recorder_new(loop, &recorder_ops);
    assert_int_equal(pl_loop_stats(loop)->actors, MANY);
    for (unsigned i = 0; i < MANY; i++)
        mail_to(r[0], pl_actor_address(&r[i]->actor), i);
    settle(sys);
    for (unsigned i = 0; i < MANY; i++)
        GOT(r[i], i);
}

static void an_actor_may_exit_inside_its_own_receive(void **state)
{
    int reaped = 0;
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct recorder *other = recorder_new(loop, &recorder_ops);

    (void)state;
    r->reaped = &reaped;
    r->exit_at = 2;
    for (unsigned i = 0; i < 5; i++)
        mail_to(other, pl_actor_address(&r->actor), i);
    pl_loop_turn(loop);
    ledger_holds(loop);
    assert_int_equal(reaped, 1);
    assert_int_equal(pl_loop_stats(loop)->mail_handled, 2);
    assert_int_equal(pl_loop_stats(loop)->mail_dead[PL_DEAD_CLOSING], 3);
}

/* It waits in the run queue for its turn when it exits, and the budget is used
 * up before it would have got it. */
static void
an_exited_actor_is_reaped_although_the_budget_is_used_up(void **state)
{
    int reaped = 0;
    struct recorder *busy = recorder_new(loop, &recorder_ops);
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct recorder *last = recorder_new(loop, &recorder_ops);

    (void)state;
    pl_loop_set_budget(loop, 1, 1);
    r->reaped = &reaped;
    mail_to(busy, pl_actor_address(&busy->actor), 1);
    mail_to(busy, pl_actor_address(&busy->actor), 2);
    mail_to(busy, pl_actor_address(&r->actor), 3);
    mail_to(busy, pl_actor_address(&last->actor), 4);
    pl_actor_exit(&r->actor, "done");
    assert_true(pl_loop_turn(loop));
    assert_int_equal(reaped, 1);
    assert_int_equal(busy->count, 1);
    settle(sys);
    GOT(busy, 1, 2);
    GOT(last, 4);
}

static struct recorder *victim;

static void reap_and_end_another(struct pl_actor *a)
{
    if (victim != NULL)
        pl_actor_exit(&victim->actor, "with its owner");
    victim = NULL;
    recorder_reap(a);
}

static const struct pl_actor_ops owner_ops = {"owner", 10, recorder_receive,
                                              reap_and_end_another};

static void reaping_may_let_another_actor_exit(void **state)
{
    int reaped = 0;
    struct recorder *owner = recorder_new(loop, &owner_ops);

    (void)state;
    victim = recorder_new(loop, &recorder_ops);
    victim->reaped = owner->reaped = &reaped;
    mail_to(owner, pl_actor_address(&victim->actor), 1);
    pl_actor_exit(&owner->actor, "done");
    settle(sys);
    assert_int_equal(reaped, 2);
}

static void destroying_the_system_reaps_who_is_left(void **state)
{
    int reaped = 0;
    struct pl_system *s = system_of(2, NULL);
    struct recorder *a = recorder_new(pl_system_loop(s, 0), &recorder_ops);
    struct recorder *b = recorder_new(pl_system_loop(s, 1), &recorder_ops);

    (void)state;
    a->reaped = b->reaped = &reaped;
    mail_to(a, pl_actor_address(&a->actor), 1); /* stays in a mailbox */
    mail_to(a, pl_actor_address(&b->actor), 2); /* stays in an out batch */
    pl_system_post(s, pl_actor_address(&b->actor), note(3, 1, 0)); /* inbox */
    pl_system_destroy(s);
    assert_int_equal(reaped, 2);
    pl_system_destroy(NULL);
}

static void a_system_has_from_1_to_1024_loops(void **state)
{
    struct pl_system *s = NULL;
    struct pl_system_options none = {.loops = 0}, many = {.loops = 1025};

    (void)state;
    assert_int_equal(pl_system_create(&s, &none), PL_EINVAL);
    assert_int_equal(pl_system_create(&s, &many), PL_EINVAL);
    assert_null(s);
    assert_int_equal(pl_system_loop_count(sys), 2);
    assert_int_equal(pl_loop_index(pl_system_loop(sys, 1)), 1);
    assert_ptr_equal(pl_loop_system(loop), sys);
}

/* After 2^32 lives of one slot. */
static void generation_0_is_never_given(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct pl_address a = pl_actor_address(&r->actor);

    (void)state;
    loop->slots[a.slot].generation = UINT32_MAX;
    r->actor.generation = UINT32_MAX;
    assert_ptr_equal(pl_actor_find(loop, pl_actor_address(&r->actor)),
                     &r->actor);
    pl_actor_exit(&r->actor, "done");
    settle(sys);
    r = recorder_new(loop, &recorder_ops);
    assert_int_equal(pl_actor_address(&r->actor).slot, a.slot);
    assert_int_equal(pl_actor_address(&r->actor).generation, 1);
}

/* Each test with a system of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct tour {
    unsigned visits, most;
};

static bool count_visit(struct pl_actor *a, void *arg)
{
    struct tour *t = arg;

    (void)a;
    return ++t->visits < t->most;
}

static void a_walk_in_parts_visits_each_actor_once(void **state)
{
    enum { MANY = 100, PART = 7 };
    struct tour t = {.most = 1000};
    uint32_t from = 0, parts = 0;

    (void)state;
    for (int i = 0; i < MANY; i++)
        recorder_new(loop, &recorder_ops);
    do {
        from = pl_actor_each_from(loop, from, PART, &recorder_ops, count_visit,
                                  &t);
        parts++;
    } while (from != 0);
    assert_int_equal(t.visits, MANY);
    assert_int_equal(parts, (MANY + PART - 1) / PART);
    t = (struct tour){.most = 3}; /* it stops behind the third */
    assert_int_equal(pl_actor_each_from(loop, 0, MANY, NULL, count_visit, &t),
                     4);
    assert_int_equal(
        pl_actor_each_from(loop, UINT32_MAX, 1, NULL, count_visit, &t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_address_finds_its_actor_on_its_loop_alone),
        TEST(an_address_is_stale_as_soon_as_its_actor_exits),
        TEST(a_slot_is_used_again_in_another_generation),
        TEST(many_actors_have_addresses_of_their_own),
        TEST(an_actor_may_exit_inside_its_own_receive),
        TEST(an_exited_actor_is_reaped_although_the_budget_is_used_up),
        TEST(reaping_may_let_another_actor_exit),
        TEST(destroying_the_system_reaps_who_is_left),
        TEST(a_system_has_from_1_to_1024_loops),
        TEST(generation_0_is_never_given),
        TEST(a_walk_in_parts_visits_each_actor_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
