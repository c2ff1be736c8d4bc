/* SPDX-License-Identifier: Apache-2.0 */
/* test_gateway.c - mail to another node: two systems in one process, whose
 * gateways copy what they get to the other one. */
#include "recorder.h"

#include <string.h>

#include "sim.h"

enum { WIRE = 256, ECHO = 7, LOOPS = 2 };

/* What a gateway writes for the other node. */
struct packet {
    struct pl_address from, to;
    uint64_t number;
    uint16_t type;
    uint8_t flags;
    bool returned;
    int16_t status;
};

struct gateway {
    struct pl_actor actor; /* first */
    struct packet wire[WIRE];
    unsigned written, read;
};

struct side {
    struct pl_system *sys;
    struct gateway *gateway;
    struct recorder *one[LOOPS]; /* an actor on each loop */
};

static struct side a, b;

static void gateway_receive(struct pl_actor *actor, struct pl_msg *msg)
{
    struct gateway *g = (struct gateway *)actor;

    assert_true(msg->flags & PL_MSG_MAY_LEAVE);
    assert_int_not_equal(msg->to.node, pl_actor_address(actor).node);
    assert_true(g->written < WIRE);
    g->wire[g->written++] =
        (struct packet){msg->from,  msg->to,       note_number(msg), msg->type,
                        msg->flags, msg->returned, msg->status};
    msg->destroy(msg);
}

static void gateway_reap(struct pl_actor *actor)
{
    (void)actor;
}

static const struct pl_actor_ops gateway_ops = {"gateway", 200, gateway_receive,
                                                gateway_reap};

static struct gateway gateways[2];

static void begin(struct side *s, uint16_t node, unsigned gateway_loop)
{
    struct pl_system_options options = {.node = node, .loops = LOOPS};

    assert_int_equal(pl_system_create(&s->sys, &options), PL_OK);
    s->gateway = &gateways[node % 2];
    memset(s->gateway, 0, sizeof *s->gateway);
    assert_int_equal(pl_actor_init(&s->gateway->actor,
                                   pl_system_loop(s->sys, gateway_loop),
                                   &gateway_ops),
                     PL_OK);
    pl_system_set_gateway(s->sys, pl_actor_address(&s->gateway->actor));
    for (unsigned i = 0; i < LOOPS; i++)
        s->one[i] = recorder_new(pl_system_loop(s->sys, i), &recorder_ops);
}

static int set_up(void **state)
{
    (void)state;
    begin(&a, 1, 0);
    begin(&b, 2, 1);
    return 0;
}

static int end_both(void **state)
{
    (void)state;
    pl_system_destroy(a.sys);
    pl_system_destroy(b.sys);
    assert_int_equal(atomic_load(&notes_alive), 0);
    return 0;
}

/* Bring the next packet that `from` wrote to `to`. */
static bool carry(struct side *from, struct side *to)
{
    struct gateway *g = from->gateway;

    if (g->read == g->written)
        return false;
    const struct packet *p = &g->wire[g->read++];
    struct pl_msg *msg = note(p->number, p->type, p->flags);
    msg->returned = p->returned;
    msg->status = p->status;
    pl_actor_carry(&to->gateway->actor, p->from, p->to, msg);
    return true;
}

static void settle_both(void)
{
    bool is_moving = true;

    while (is_moving) {
        settle(a.sys);
        settle(b.sys);
        is_moving = carry(&a, &b);
        is_moving = carry(&b, &a) || is_moving;
    }
}

static struct pl_address at(const struct recorder *r)
{
    return pl_actor_address(&r->actor);
}

static uint64_t dead(const struct side *s, enum pl_dead reason)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < LOOPS; i++)
        sum += pl_loop_stats(pl_system_loop(s->sys, i))->mail_dead[reason];
    return sum;
}

static void mail_to_another_node_arrives_from_every_loop(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOOPS; i++) {
        for (unsigned k = 0; k < LOOPS; k++) {
            pl_actor_send(&a.one[i]->actor, at(b.one[k]),
                          note(10 * i + k, 1, PL_MSG_MAY_LEAVE));
            settle_both();
            assert_true(pl_address_equal(b.one[k]->from, at(a.one[i])));
        }
    }
    GOT(b.one[0], 0, 10);
    GOT(b.one[1], 1, 11);
    assert_int_equal(dead(&a, PL_DEAD_UNREACHABLE), 0);
}

static void mail_of_a_thread_without_a_loop_arrives_too(void **state)
{
    (void)state;
    pl_system_post(a.sys, at(b.one[1]), note(5, 1, PL_MSG_MAY_LEAVE));
    pl_system_post(a.sys, at(b.one[1]), note(6, 1, 0)); /* may not leave */
    settle_both();
    GOT(b.one[1], 5);
    assert_int_equal(dead(&a, PL_DEAD_UNREACHABLE), 1);
}

static void what_may_not_leave_never_reaches_the_gateway(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOOPS; i++) {
        pl_actor_send(&a.one[i]->actor, at(b.one[0]),
                      note(1, 1, PL_MSG_RETURN));
        pl_actor_send(&a.one[i]->actor, at(b.one[0]), note(2, 1, 0));
        settle_both();
        GOT(a.one[i], 1);
        assert_int_equal(a.one[i]->returned, 1);
        assert_int_equal(a.one[i]->status, PL_ENOENT);
    }
    assert_int_equal(a.gateway->written, 0);
    assert_int_equal(dead(&a, PL_DEAD_UNREACHABLE), 2 * LOOPS);
}

struct kind_note {
    struct pl_kind_msg kind; /* first */
    bool *is_gone;
};

static void kind_note_destroy(struct pl_msg *msg)
{
    struct kind_note *n = PL_CONTAINER(msg, struct kind_note, kind.msg);

    *n->is_gone = true;
    free(n);
}

/* A client made the number of the node up; `kind` is a pointer. */
static void mail_for_a_kind_of_actor_never_leaves(void **state)
{
    bool is_gone = false;
    struct kind_note *n = calloc(1, sizeof *n);

    (void)state;
    assert_non_null(n);
    *n = (struct kind_note){.kind = {.msg = {.type = 1,
                                             .destroy = kind_note_destroy,
                                             .flags = PL_MSG_MAY_LEAVE},
                                     .kind = &recorder_ops},
                            .is_gone = &is_gone};
    pl_actor_send_kind(&a.one[0]->actor, at(b.one[0]), &n->kind);
    settle_both();
    assert_true(is_gone);
    assert_int_equal(a.gateway->written, 0);
    assert_int_equal(dead(&a, PL_DEAD_UNREACHABLE), 1);
}

static void echo_receive(struct pl_actor *actor, struct pl_msg *msg)
{
    pl_actor_send(actor, msg->from, msg);
}

static const struct pl_actor_ops echo_ops = {"echo", 100, echo_receive,
                                             recorder_reap};

static void an_answer_finds_its_way_back(void **state)
{
    struct recorder *echo = recorder_new(pl_system_loop(b.sys, 0), &echo_ops);

    (void)state;
    for (unsigned i = 0; i < LOOPS; i++) {
        pl_actor_send(&a.one[i]->actor, at(echo),
                      note(i, ECHO, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
        settle_both();
        GOT(a.one[i], i);
        assert_int_equal(a.one[i]->returned, 0);
        assert_true(pl_address_equal(a.one[i]->from, at(echo)));
    }
}

static void a_request_to_who_has_gone_there_comes_back(void **state)
{
    struct pl_address gone = at(b.one[0]);

    (void)state;
    pl_actor_exit(&b.one[0]->actor, "gone");
    pl_actor_send(&a.one[1]->actor, gone,
                  note(3, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
    pl_actor_send(&a.one[1]->actor, gone, note(4, 1, PL_MSG_MAY_LEAVE));
    settle_both();
    GOT(a.one[1], 3);
    assert_int_equal(a.one[1]->returned, 1);
    assert_int_equal(a.one[1]->status, PL_ESTALE);
    assert_true(pl_address_equal(a.one[1]->from, gone));
    assert_int_equal(dead(&b, PL_DEAD_STALE), 2);
}

static void a_full_gateway_hands_requests_back(void **state)
{
    enum { MORE = 3 };

    (void)state;
    for (unsigned i = 0; i < 200 + MORE; i++)
        pl_actor_send(&a.one[0]->actor, at(b.one[0]),
                      note(i, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
    settle(a.sys);
    assert_int_equal(a.gateway->written, 200);
    assert_int_equal(a.one[0]->returned, MORE);
    assert_int_equal(a.one[0]->status, PL_EFULL);
    assert_int_equal(dead(&a, PL_DEAD_FULL), MORE);
}

static void behind_a_gateway_that_has_gone_nobody_is_there(void **state)
{
    (void)state;
    pl_actor_exit(&a.gateway->actor, "gone");
    for (unsigned i = 0; i < LOOPS; i++) {
        pl_actor_send(&a.one[i]->actor, at(b.one[0]),
                      note(i, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
        settle(a.sys);
        GOT(a.one[i], i);
        assert_int_equal(a.one[i]->status, PL_ESTALE);
    }
}

static void what_was_carried_to_the_wrong_node_goes_back(void **state)
{
    struct pl_address third = {.node = 3, .slot = 1, .generation = 1};
    struct pl_address nobody = {0};

    (void)state;
    pl_actor_carry(&b.gateway->actor, at(a.one[0]), third,
                   note(8, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
    pl_actor_carry(&b.gateway->actor, at(a.one[0]), nobody,
                   note(9, 1, PL_MSG_MAY_LEAVE));
    settle_both();
    GOT(a.one[0], 8);
    assert_int_equal(a.one[0]->returned, 1);
    assert_int_equal(a.one[0]->status, PL_ENOENT);
    assert_int_equal(dead(&b, PL_DEAD_UNREACHABLE), 1);
    assert_int_equal(dead(&b, PL_DEAD_STALE), 1);
}

/* The loop itself is nobody to other nodes too. */
static void a_loops_own_address_is_nobodys_there(void **state)
{
    struct pl_address loop = {.node = 2, .loop = 0, .slot = 0, .generation = 1};

    (void)state;
    pl_actor_send(&a.one[0]->actor, loop, note(1, 1, PL_MSG_MAY_LEAVE));
    pl_actor_carry(&b.gateway->actor, at(a.one[0]), loop,
                   note(2, 1, PL_MSG_MAY_LEAVE | PL_MSG_RESERVED));
    settle_both();
    assert_int_equal(dead(&a, PL_DEAD_STALE), 1);
    assert_int_equal(dead(&b, PL_DEAD_STALE), 1);
}

/* What fails must not go where a lying peer says: to the loop, or to an actor
 * that did not send it. */
static void a_sender_that_was_made_up_receives_nothing(void **state)
{
    const struct pl_address loop = {.node = 2, .slot = 0, .generation = 1};
    const struct pl_address gone = {.node = 2, .slot = 77, .generation = 9};

    (void)state;
    pl_actor_carry(&b.gateway->actor, loop, gone,
                   note(1, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
    pl_actor_carry(&b.gateway->actor, at(b.one[1]), gone,
                   note(2, 1, PL_MSG_MAY_LEAVE | PL_MSG_RETURN));
    settle_both();
    assert_int_equal(dead(&b, PL_DEAD_STALE), 2);
    assert_int_equal(b.one[1]->count, 0);
}

/* --- In any order of turns --- */

enum { SEEDS = 200, SENT = 40 };

static void step_some(struct side *s, struct pl_random *random)
{
    for (uint64_t i = pl_random_below(random, 5); i > 0; i--) {
        struct pl_loop *loop =
            pl_system_loop(s->sys, (unsigned)pl_random_below(random, LOOPS));

        pl_loop_set_budget(loop, 1 + (unsigned)pl_random_below(random, 3),
                           1 + (unsigned)pl_random_below(random, 5));
        pl_loop_turn(loop);
        ledger_holds(loop);
    }
}

static void order_holds_between_two_actors(void **state)
{
    uint64_t seed = pl_sim_test_seed("gateway");

    for (uint64_t i = 0; i < SEEDS; i++) {
        struct pl_random random;

        set_up(state);
        pl_random_init_seeded(&random, seed + i);
        for (uint64_t sent = 0; sent < SENT; sent++) {
            pl_actor_send(&a.one[sent % LOOPS]->actor, at(b.one[0]),
                          note(sent, 1, PL_MSG_MAY_LEAVE));
            step_some(&a, &random);
            if (pl_random_below(&random, 3) == 0)
                carry(&a, &b);
            step_some(&b, &random);
        }
        for (unsigned k = 0; k < LOOPS; k++) {
            pl_loop_set_budget(pl_system_loop(a.sys, k), 64, 4096);
            pl_loop_set_budget(pl_system_loop(b.sys, k), 64, 4096);
        }
        settle_both();
        assert_int_equal(b.one[0]->count, SENT);
        uint64_t newest[LOOPS] = {0}; /* of each sender */
        for (unsigned n = 0; n < SENT; n++) {
            uint64_t number = b.one[0]->number[n];

            assert_true(number >= newest[number % LOOPS]);
            newest[number % LOOPS] = number;
        }
        end_both(state);
    }
}

/* Each test with two systems of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, end_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mail_to_another_node_arrives_from_every_loop),
        TEST(mail_of_a_thread_without_a_loop_arrives_too),
        TEST(what_may_not_leave_never_reaches_the_gateway),
        TEST(mail_for_a_kind_of_actor_never_leaves),
        TEST(an_answer_finds_its_way_back),
        TEST(a_request_to_who_has_gone_there_comes_back),
        TEST(a_full_gateway_hands_requests_back),
        TEST(behind_a_gateway_that_has_gone_nobody_is_there),
        TEST(what_was_carried_to_the_wrong_node_goes_back),
        TEST(a_loops_own_address_is_nobodys_there),
        TEST(a_sender_that_was_made_up_receives_nothing),
        cmocka_unit_test(order_holds_between_two_actors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
