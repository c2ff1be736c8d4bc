/* SPDX-License-Identifier: Apache-2.0 */
/* test_dead.c - mail that is not handled: each reason, the way back of a
 * request, and the ledger through all of it. */
#include "recorder.h"

#include <string.h>

#include "sim.h"

static struct pl_system *sys;
static struct pl_loop *here, *there;
static struct recorder *r;

static int set_up(void **state)
{
    *state = sys = system_of(2, NULL);
    here = pl_system_loop(sys, 0);
    there = pl_system_loop(sys, 1);
    r = recorder_new(here, &recorder_ops);
    return 0;
}

static uint64_t dead(const struct pl_loop *loop, enum pl_dead reason)
{
    return pl_loop_stats(loop)->mail_dead[reason];
}

static uint64_t all_dead(const struct pl_loop *loop)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < PL_DEAD_COUNT; i++)
        sum += dead(loop, (enum pl_dead)i);
    return sum;
}

/* The one request `r` sent came back, for this reason of this loop. */
static void came_back(const struct pl_loop *loop, enum pl_dead reason,
                      enum pl_err status)
{
    assert_int_equal(r->count, 1);
    assert_int_equal(r->returned, 1);
    assert_int_equal(r->status, status);
    assert_int_equal(dead(loop, reason), 1);
    assert_int_equal(all_dead(loop), 1);
}

static void request(struct pl_address to, uint64_t number)
{
    pl_actor_send(&r->actor, to, note(number, 1, PL_MSG_RETURN));
}

static void mail_to_a_stale_address_is_dead(void **state)
{
    struct recorder *other = recorder_new(there, &recorder_ops);
    struct pl_address to = pl_actor_address(&other->actor);

    (void)state;
    pl_actor_exit(&other->actor, "done");
    mail_to(r, to, 1);
    settle(sys);
    assert_int_equal(dead(there, PL_DEAD_STALE), 1);
    assert_int_equal(r->count, 0);
    request(to, 2);
    settle(sys);
    assert_int_equal(dead(there, PL_DEAD_STALE), 2);
    assert_int_equal(r->status, PL_ESTALE);
    assert_true(pl_address_equal(r->from, to)); /* who did not take it */
}

static void mail_to_nobody_is_stale(void **state)
{
    (void)state;
    request((struct pl_address){0}, 1);
    settle(sys);
    came_back(here, PL_DEAD_STALE, PL_ESTALE);
}

static void mail_to_another_node_or_loop_is_unreachable(void **state)
{
    struct pl_address loop = {.node = 7, .loop = 2, .generation = 1, .slot = 1};
    struct pl_address node = {.node = 8, .loop = 0, .generation = 1, .slot = 1};

    (void)state;
    request(loop, 1);
    settle(sys);
    came_back(here, PL_DEAD_UNREACHABLE, PL_ENOENT);
    request(node, 2);
    pl_system_post(sys, node, note(3, 1, 0));
    pl_system_post(sys, loop, note(4, 1, PL_MSG_RETURN));
    settle(sys);
    GOT(r, 1, 2);
    assert_int_equal(dead(here, PL_DEAD_UNREACHABLE), 4);
}

static void a_loops_own_address_is_nobodys_to_strangers(void **state)
{
    struct pl_address own = {.node = 7, .loop = 0, .slot = 0, .generation = 1};

    (void)state;
    pl_actor_send(&r->actor, own, note(1, 1, PL_MSG_RESERVED));
    pl_system_post(sys, own, note(2, 1, PL_MSG_RESERVED));
    settle(sys);
    assert_int_equal(dead(here, PL_DEAD_STALE), 2);
}

static const struct pl_actor_ops small_ops = RECORDER(2);

static void a_full_mailbox_hands_a_request_back(void **state)
{
    struct recorder *other = recorder_new(there, &small_ops);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        request(pl_actor_address(&other->actor), i);
    settle(sys);
    GOT(other, 0, 1);
    GOT(r, 2);
    came_back(there, PL_DEAD_FULL, PL_EFULL);
}

static void mail_of_an_exited_actor_comes_back_as_closing(void **state)
{
    struct recorder *other = recorder_new(here, &recorder_ops);

    (void)state;
    request(pl_actor_address(&other->actor), 1);
    mail_to(r, pl_actor_address(&other->actor), 2);
    pl_actor_exit(&other->actor, "done");
    settle(sys);
    GOT(r, 1);
    assert_int_equal(r->status, PL_ECLOSED);
    assert_int_equal(dead(here, PL_DEAD_CLOSING), 2);
}

static void a_request_whose_sender_has_gone_too_is_destroyed(void **state)
{
    struct recorder *other = recorder_new(there, &small_ops);
    struct pl_address to = pl_actor_address(&other->actor);

    (void)state;
    request(to, 1);
    pl_actor_exit(&other->actor, "done");
    pl_actor_exit(&r->actor, "done");
    settle(sys);
    assert_int_equal(all_dead(there), 1);           /* on the way there ... */
    assert_int_equal(dead(here, PL_DEAD_STALE), 1); /* ... and back */
    assert_int_equal(all_dead(here), 1);
}

static void a_returned_request_fits_into_a_full_mailbox(void **state)
{
    struct recorder *tight = recorder_new(here, &small_ops);
    struct pl_address self = pl_actor_address(&tight->actor);
    struct pl_address nowhere = {.node = 9, .generation = 1};

    (void)state;
    mail_to(r, self, 1);
    mail_to(r, self, 2);
    pl_actor_send(&tight->actor, nowhere, note(3, 1, PL_MSG_RETURN));
    settle(sys);
    GOT(tight, 1, 2, 3);
    assert_int_equal(tight->returned, 1);
}

static void refusing_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct recorder *me = PL_CONTAINER(a, struct recorder, actor);

    me->count++;
    pl_actor_refuse(a, msg);
}

static const struct pl_actor_ops refusing_ops = {
    "refusing", 1000, refusing_receive, recorder_reap};

static void a_request_that_an_actor_refuses_comes_back(void **state)
{
    struct recorder *other = recorder_new(there, &refusing_ops);
    struct pl_address to = pl_actor_address(&other->actor);
    uint64_t handled = pl_loop_stats(there)->mail_handled;

    (void)state;
    request(to, 1);
    settle(sys);
    came_back(there, PL_DEAD_REFUSED, PL_EINVAL);
    assert_int_equal(other->count, 1);
    assert_true(pl_address_equal(r->from, to));
    assert_int_equal(pl_loop_stats(there)->mail_handled, handled);
}

static void what_nobody_waits_for_ends_where_it_is_refused(void **state)
{
    struct recorder *other = recorder_new(here, &refusing_ops);
    struct pl_address to = pl_actor_address(&other->actor);

    (void)state;
    mail_to(r, to, 1);
    pl_system_post(sys, to, note(2, 1, PL_MSG_RETURN));
    settle(sys);
    assert_int_equal(other->count, 2);
    assert_int_equal(dead(here, PL_DEAD_REFUSED), 2);
    assert_int_equal(r->count, 0);
}

static void a_returned_request_that_is_refused_goes_nowhere(void **state)
{
    struct recorder *one = recorder_new(here, &refusing_ops);
    struct recorder *other = recorder_new(there, &refusing_ops);

    (void)state;
    pl_actor_send(&one->actor, pl_actor_address(&other->actor),
                  note(1, 1, PL_MSG_RETURN));
    settle(sys);
    assert_int_equal(one->count, 1);
    assert_int_equal(other->count, 1);
    assert_int_equal(dead(here, PL_DEAD_REFUSED), 1);
    assert_int_equal(dead(there, PL_DEAD_REFUSED), 1);
}

static void what_waits_when_the_loops_have_ended_is_dead(void **state)
{
    struct pl_system *s = system_of(1, NULL);
    struct pl_loop *loop = pl_system_loop(s, 0);
    struct recorder *to = recorder_new(loop, &recorder_ops);

    (void)state;
    pl_actor_send(&to->actor, pl_actor_address(&to->actor), note(1, 1, 0));
    pl_actor_send(&to->actor, pl_actor_address(&to->actor), note(2, 1, 0));
    pl_system_reap(s);
    assert_int_equal(dead(loop, PL_DEAD_CLOSING), 2);
    ledger_holds(loop);
    pl_system_destroy(s);
}

static void a_full_inbox_refuses_all_but_reserved_mail(void **state)
{
    struct pl_system_options options = {.loops = 2, .inbox_limit = 4};
    struct pl_system *s;

    (void)state;
    assert_int_equal(pl_system_create(&s, &options), PL_OK);
    struct pl_loop *a = pl_system_loop(s, 0), *b = pl_system_loop(s, 1);
    struct recorder *from = recorder_new(a, &recorder_ops);
    struct recorder *to = recorder_new(b, &recorder_ops);
    struct pl_address address = pl_actor_address(&to->actor);
    for (unsigned i = 0; i < 6; i++)
        pl_actor_send(&from->actor, address,
                      note(i, 1, i == 5 ? PL_MSG_RESERVED : PL_MSG_RETURN));
    pl_loop_turn(a); /* the batch of 6 meets room for 4 */
    assert_int_equal(pl_loop_backlog(b), 4);
    ledger_holds(a);
    assert_int_equal(dead(a, PL_DEAD_FULL), 2);
    assert_int_equal(pl_loop_stats(a)->posts_sent, 4);
    pl_system_post(s, address, note(7, 1, 0)); /* from a foreign thread */
    pl_system_post(s, address, note(8, 1, PL_MSG_RESERVED));
    assert_int_equal(pl_loop_backlog(b), 5);
    settle(s);
    GOT(to, 0, 1, 2, 5, 8);
    assert_int_equal(from->returned, 2);
    assert_int_equal(dead(b, PL_DEAD_FULL), 1);
    assert_int_equal(pl_loop_backlog(b), 0);
    pl_system_destroy(s);
}

/* --- Random traffic: nothing is lost, whatever happens. --- */

enum { CAST = 12 };

static struct pl_address cast[CAST];
static unsigned got;

static void chaos_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_random *random = pl_loop_random(a->loop);
    uint64_t left = note_number(msg);

    if (pl_random_below(random, 10) == 0) {
        pl_actor_refuse(a, msg);
        return;
    }
    got++;
    msg->destroy(msg);
    for (unsigned i = 0; left > 0 && i < 2; i++) {
        uint8_t flags = (uint8_t)pl_random_below(random, 4);
        uint16_t type = (uint16_t)pl_random_below(random, 3);
        pl_actor_send(a, cast[pl_random_below(random, CAST)],
                      note(left - 1, type, flags));
    }
    if (pl_random_below(random, 200) == 0)
        pl_actor_exit(a, "chaos");
}

static const struct pl_actor_ops chaos_ops[] = {
    {"narrow", 3, chaos_receive, recorder_reap},
    {"wide", 30, chaos_receive, recorder_reap},
};

static void the_ledger_balances_whatever_happens(void **state)
{
    struct pl_sim *sim;
    uint64_t sent = 0, taken = 0, foreign = 0, handled = 0;

    (void)state;
    assert_int_equal(pl_sim_create(&sim, 3, pl_sim_test_seed("ledger")), PL_OK);
    struct pl_system *s = pl_sim_system(sim);
    got = 0;
    for (unsigned i = 0; i < CAST; i++)
        cast[i] = pl_actor_address(
            &recorder_new(pl_system_loop(s, i % 3), &chaos_ops[i / 3 % 2])
                 ->actor);
    for (unsigned i = 0; i < 100; i++)
        pl_system_post(s, cast[i % CAST], note(10, 1, (uint8_t)(i % 4)));
    while (pl_sim_step(sim)) {
        for (unsigned i = 0; i < 3; i++)
            ledger_holds(pl_system_loop(s, i));
    }
    for (unsigned i = 0; i < 3; i++) {
        const struct pl_loop_stats *stats = pl_loop_stats(pl_system_loop(s, i));
        assert_int_equal(stats->mail_queued, 0);
        assert_int_equal(pl_loop_backlog(pl_system_loop(s, i)), 0);
        sent += stats->posts_sent;
        taken += stats->posts_taken;
        foreign += stats->posts_foreign;
        handled += stats->mail_handled;
    }
    assert_int_equal(sent + foreign, taken);
    assert_int_equal(foreign, 100);
    assert_int_equal(handled, got);
    assert_int_equal(atomic_load(&notes_alive), 0);
    pl_sim_destroy(sim);
}

/* Each test with a system of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mail_to_a_stale_address_is_dead),
        TEST(mail_to_nobody_is_stale),
        TEST(mail_to_another_node_or_loop_is_unreachable),
        TEST(a_loops_own_address_is_nobodys_to_strangers),
        TEST(a_full_mailbox_hands_a_request_back),
        TEST(mail_of_an_exited_actor_comes_back_as_closing),
        TEST(a_request_whose_sender_has_gone_too_is_destroyed),
        TEST(a_returned_request_fits_into_a_full_mailbox),
        TEST(a_request_that_an_actor_refuses_comes_back),
        TEST(what_nobody_waits_for_ends_where_it_is_refused),
        TEST(a_returned_request_that_is_refused_goes_nowhere),
        TEST(what_waits_when_the_loops_have_ended_is_dead),
        TEST(a_full_inbox_refuses_all_but_reserved_mail),
        TEST(the_ledger_balances_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
