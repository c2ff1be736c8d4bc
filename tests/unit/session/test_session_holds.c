/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_holds.c - why a client is not read: each reason alone, each pair
 * of reasons in each order, and the reasons that prolong others. */
#include "rig.h"

#include <string.h>

#include "session_private.h"

enum { HOLDS = 10 };

static enum pl_hold hold_of(unsigned i)
{
    return (enum pl_hold)(1U << i);
}

static void the_list_of_holds_is_whole(void **state)
{
    (void)state;
    assert_int_equal(PL_HOLDS_ALL, (1U << HOLDS) - 1);
}

static void the_first_hold_pauses_and_the_last_release_resumes(void **state)
{
    struct rig *r = rig_start("pairs", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i < HOLDS * HOLDS; i++) {
        enum pl_hold a = hold_of(i / HOLDS), b = hold_of(i % HOLDS);
        unsigned before = c->pauses;

        assert_false(c->is_paused);
        pl_session_hold(c->session, a);
        pl_session_hold(c->session, b);
        pl_session_hold(c->session, a);
        assert_true(c->is_paused);
        assert_int_equal(c->pauses, before + 1);
        pl_session_release(c->session, a);
        assert_int_equal(c->is_paused, a != b);
        pl_session_release(c->session, a);
        assert_int_equal(c->is_paused, a != b);
        pl_session_release(c->session, b);
        assert_false(c->is_paused);
    }
    rig_destroy(r);
}

static void only_backpressure_is_counted_and_once_a_pause(void **state)
{
    struct rig *r = rig_start("counted", NULL);
    struct client *c = client_join(r, 0);
    uint64_t counted = rig_metric(r, PL_METRIC_READS_PAUSED);

    (void)state;
    for (unsigned i = 0; i < HOLDS * HOLDS; i++) {
        enum pl_hold a = hold_of(i / HOLDS), b = hold_of(i % HOLDS);

        pl_session_hold(c->session, a);
        pl_session_hold(c->session, b);
        pl_session_release(c->session, PL_HOLDS_ALL);
        if (a != PL_HOLD_CARRY && a != PL_HOLD_REPLAY && a != PL_HOLD_ENDING &&
            a != PL_HOLD_ADMISSION)
            counted++;
        assert_int_equal(rig_metric(r, PL_METRIC_READS_PAUSED), counted);
    }
    rig_destroy(r);
}

/* Whatever stopped reading, it goes on below the lower mark only. */
static void many_pending_commands_prolong_each_hold(void **state)
{
    struct rig *r = rig_start("prolong", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i < HOLDS; i++) {
        pl_session_hold(c->session, hold_of(i));
        c->session->pending += PL_PENDING_RESUME + 1;
        pl_session_release(c->session, hold_of(i));
        assert_int_equal(c->session->holds, PL_HOLD_PENDING);
        assert_true(c->is_paused);
        c->session->pending -= PL_PENDING_RESUME + 1;
        pl_session_release(c->session, PL_HOLD_PENDING);
        assert_false(c->is_paused);
    }
    rig_destroy(r);
}

static void a_login_prolongs_each_hold(void **state)
{
    struct rig *r = rig_start("login", NULL);
    struct client *c = client_join(r, 0);
    uint8_t connected = c->session->state;

    (void)state;
    for (unsigned i = 0; i < HOLDS; i++) {
        pl_session_hold(c->session, hold_of(i));
        c->session->state = PL_SESSION_LOGIN;
        pl_session_release(c->session, hold_of(i));
        c->session->state = connected;
        assert_int_equal(c->session->holds, PL_HOLD_LOGIN);
        pl_session_release(c->session, PL_HOLD_LOGIN);
        assert_false(c->is_paused);
    }
    rig_destroy(r);
}

/* To see the peer's Close. */
static void who_is_closed_is_read_whatever_held(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOLDS; i++) {
        struct rig *r = rig_start("closed", NULL);
        struct client *c = client_join(r, 0);

        pl_session_hold(c->session, hold_of(i));
        pl_session_close(c->session, PL_DISCONNECT_SHUTDOWN,
                         (struct pl_span){0});
        assert_int_equal(c->session->holds, 0);
        assert_false(c->is_paused);
        client_expect_close(c, PL_DISCONNECT_SHUTDOWN);
        rig_destroy(r);
    }
}

/* A pong may wait behind what is not read: 3012 needs an interval without. */
static void only_long_holds_excuse_a_pong(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOLDS; i++) {
        const char *sets[] = {"ping.interval=10s", "ping.timeout=5s"};
        struct rig *r = rig_start(
            "pong", &(struct rig_options){.sets = sets, .set_count = 2});
        struct client *c = client_join(r, 0);
        enum pl_hold why = hold_of(i);
        bool excuses = why == PL_HOLD_PENDING || why == PL_HOLD_RATE ||
                       why == PL_HOLD_WAITS || why == PL_HOLD_CARRY;

        while (c->session->pongs_due == 0)
            rig_run(r, 100);
        pl_session_hold(c->session, why);
        pl_session_release(c->session, why);
        rig_run(r, 5100);
        assert_int_equal(c->closed, excuses ? 0 : PL_DISCONNECT_NO_PONG);
        rig_run(r, 5000);
        assert_int_equal(c->closed, PL_DISCONNECT_NO_PONG);
        rig_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_of_holds_is_whole),
        cmocka_unit_test(the_first_hold_pauses_and_the_last_release_resumes),
        cmocka_unit_test(only_backpressure_is_counted_and_once_a_pause),
        cmocka_unit_test(many_pending_commands_prolong_each_hold),
        cmocka_unit_test(a_login_prolongs_each_hold),
        cmocka_unit_test(who_is_closed_is_read_whatever_held),
        cmocka_unit_test(only_long_holds_excuse_a_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
