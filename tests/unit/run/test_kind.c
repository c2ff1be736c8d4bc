/* SPDX-License-Identifier: Apache-2.0 */
/* test_kind.c - mail for one kind of actor, whose address a stranger may have
 * made up: it reaches that kind or comes back, and no other actor sees it. */
#include "recorder.h"

static struct pl_system *sys;
static struct pl_loop *here, *there;
static struct recorder *r;

static const struct pl_actor_ops wanted_ops = RECORDER(2);

struct kind_note {
    struct pl_kind_msg kind; /* first */
    uint64_t number;
};

static void kind_note_destroy(struct pl_msg *msg)
{
    atomic_fetch_sub(&notes_alive, 1);
    free(PL_CONTAINER(msg, struct kind_note, kind.msg));
}

static unsigned wanted_got, wanted_returned;
static uint64_t newest;

/* What comes back to the sender has the layout of struct kind_note. */
static void sender_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct recorder *me = PL_CONTAINER(a, struct recorder, actor);

    assert_int_equal(msg->flags & PL_MSG_KIND, 0);
    me->count++;
    me->returned += msg->returned;
    me->from = msg->from;
    me->status = msg->status;
    newest = PL_CONTAINER(msg, struct kind_note, kind.msg)->number;
    msg->destroy(msg);
}

static const struct pl_actor_ops sender_ops = {"sender", 1000, sender_receive,
                                               recorder_reap};

static void wanted_receive(struct pl_actor *a, struct pl_msg *msg)
{
    (void)a;
    assert_int_equal(msg->flags & PL_MSG_KIND, 0);
    wanted_got++;
    wanted_returned += msg->returned;
    newest = PL_CONTAINER(msg, struct kind_note, kind.msg)->number;
    msg->destroy(msg);
}

static const struct pl_actor_ops kind_ops = {"wanted", 2, wanted_receive,
                                             recorder_reap};

static int set_up(void **state)
{
    *state = sys = system_of(2, NULL);
    here = pl_system_loop(sys, 0);
    there = pl_system_loop(sys, 1);
    r = recorder_new(here, &sender_ops);
    wanted_got = wanted_returned = 0;
    newest = 0;
    return 0;
}

static void request(struct pl_address to, uint64_t number)
{
    struct kind_note *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->number = number;
    n->kind.kind = &kind_ops;
    n->kind.msg.flags = PL_MSG_RETURN;
    n->kind.msg.destroy = kind_note_destroy;
    atomic_fetch_add(&notes_alive, 1);
    pl_actor_send_kind(&r->actor, to, &n->kind);
}

static void came_back(struct pl_address to, uint64_t number, enum pl_err status)
{
    settle(sys);
    assert_int_equal(r->returned, r->count);
    assert_int_equal(newest, number);
    assert_int_equal(r->status, status);
    assert_true(pl_address_equal(r->from, to)); /* the address as it was */
    assert_int_equal(wanted_got, 0);
}

static struct pl_loop *loop_of(unsigned i)
{
    return i == 0 ? here : there;
}

static void an_actor_of_the_kind_gets_the_mail(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct recorder *to = recorder_new(loop_of(i), &kind_ops);

        request(pl_actor_address(&to->actor), i + 1);
        settle(sys);
        assert_int_equal(wanted_got, i + 1);
        assert_int_equal(newest, i + 1);
    }
    assert_int_equal(wanted_returned, 0);
    assert_int_equal(r->count, 0);
}

static void an_actor_of_another_kind_never_sees_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct recorder *other = recorder_new(loop_of(i), &wanted_ops);
        struct pl_address to = pl_actor_address(&other->actor);

        request(to, i + 1);
        came_back(to, i + 1, PL_ESTALE);
        assert_int_equal(other->count, 0);
        assert_int_equal(r->count, i + 1);
        assert_int_equal(pl_loop_stats(loop_of(i))->mail_dead[PL_DEAD_STALE],
                         1);
    }
}

/* Also the sender itself, which is none of the kind. */
static void ones_own_address_is_looked_at_like_any(void **state)
{
    struct pl_address self = pl_actor_address(&r->actor);

    (void)state;
    request(self, 1);
    came_back(self, 1, PL_ESTALE);
    assert_int_equal(r->count, 1);
}

static void an_address_of_nobody_comes_back(void **state)
{
    struct recorder *gone = recorder_new(there, &kind_ops);
    struct pl_address is = pl_actor_address(&gone->actor);
    const struct {
        struct pl_address to;
        int status;
    } cases[] = {
        {is, PL_ESTALE},
        {{7, 1, is.slot, 0}, PL_ESTALE},
        {{7, 1, is.slot, is.generation + 1}, PL_ESTALE},
        {{7, 1, is.slot, UINT32_MAX}, PL_ESTALE},
        {{7, 1, is.slot + 1, 1}, PL_ESTALE},
        {{7, 1, UINT32_MAX, 1}, PL_ESTALE},
        {{7, 2, is.slot, 1}, PL_ENOENT},
        {{7, UINT16_MAX, is.slot, 1}, PL_ENOENT},
        {{8, 1, is.slot, 1}, PL_ENOENT},
        {{UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX}, PL_ENOENT},
    };

    (void)state;
    pl_actor_exit(&gone->actor, "done");
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        request(cases[i].to, i + 1);
        came_back(cases[i].to, i + 1, (enum pl_err)cases[i].status);
        assert_int_equal(r->count, i + 1);
    }
}

/* Slot 0 with any generation: requests to the loop are not for strangers. */
static void a_loops_own_address_is_nobodys(void **state)
{
    (void)state;
    for (uint16_t loop = 0; loop < 3; loop++) {
        for (uint32_t generation = 0; generation < 3; generation++) {
            struct pl_address to = {7, loop, 0, generation};

            request(to, 5);
            came_back((struct pl_address){0}, 5, PL_ESTALE);
        }
    }
    assert_int_equal(r->count, 9);
}

static void a_full_mailbox_hands_it_back(void **state)
{
    struct recorder *to = recorder_new(there, &kind_ops);

    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        request(pl_actor_address(&to->actor), i);
    settle(sys);
    assert_int_equal(wanted_got, 2);
    assert_int_equal(r->returned, 1);
    assert_int_equal(r->status, PL_EFULL);
    assert_true(pl_address_equal(r->from, pl_actor_address(&to->actor)));
}

static void a_full_inbox_hands_it_back(void **state)
{
    struct pl_system_options options = {.loops = 2, .inbox_limit = 4};
    struct pl_system *s;
    struct recorder *mine = r;

    (void)state;
    assert_int_equal(pl_system_create(&s, &options), PL_OK);
    r = recorder_new(pl_system_loop(s, 0), &sender_ops);
    struct recorder *to = recorder_new(pl_system_loop(s, 1), &wanted_ops);
    struct pl_address address = pl_actor_address(&to->actor);
    for (unsigned i = 1; i <= 6; i++)
        request(address, i);
    settle(s);
    assert_int_equal(r->returned, 6); /* two of them for the inbox */
    assert_int_equal(
        pl_loop_stats(pl_system_loop(s, 0))->mail_dead[PL_DEAD_FULL], 2);
    assert_true(pl_address_equal(r->from, address));
    pl_system_destroy(s);
    r = mine;
}

static void it_keeps_its_place_among_other_mail(void **state)
{
    struct recorder *to = recorder_new(there, &kind_ops);
    struct pl_address address = pl_actor_address(&to->actor);

    (void)state;
    for (unsigned i = 1; i <= 2; i++) {
        struct kind_note *plain = calloc(1, sizeof *plain);

        assert_non_null(plain);
        plain->number = 10 * i;
        plain->kind.msg.destroy = kind_note_destroy;
        atomic_fetch_add(&notes_alive, 1);
        if (i == 2)
            request(address, 15);
        pl_actor_send(&r->actor, address, &plain->kind.msg);
        if (i == 1)
            continue;
        pl_loop_turn(here);
        pl_loop_turn(there);
    }
    assert_int_equal(wanted_got, 2); /* 10 and 15: the third found no room */
    assert_int_equal(newest, 15);
    settle(sys);
}

static void it_may_be_on_its_way_when_all_ends(void **state)
{
    struct recorder *to = recorder_new(there, &kind_ops);

    (void)state;
    request(pl_actor_address(&to->actor), 1);
    pl_loop_turn(here); /* it waits in the inbox of the other loop */
}

/* Each test with a system of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_actor_of_the_kind_gets_the_mail),
        TEST(an_actor_of_another_kind_never_sees_it),
        TEST(ones_own_address_is_looked_at_like_any),
        TEST(an_address_of_nobody_comes_back),
        TEST(a_loops_own_address_is_nobodys),
        TEST(a_full_mailbox_hands_it_back),
        TEST(a_full_inbox_hands_it_back),
        TEST(it_keeps_its_place_among_other_mail),
        TEST(it_may_be_on_its_way_when_all_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
