/* SPDX-License-Identifier: Apache-2.0 */
/* test_blocked.c - row A2: a handler that blocks its loop while the broker
 * stops, for a while, too long, or for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "gate.h"
#include "peer.h"
#include "phases.h"

static void a2_a_handler_that_blocks_costs_no_more_than_the_deadlines(void **st)
{
    const char *sets[] = {"shutdown.grace=50ms",
                          "shutdown.disconnect=200ms",
                          "shutdown.cancel=200ms",
                          "shutdown.reset=1h",
                          "loops=1",
                          NULL};
    struct box b;
    struct gate g;
    struct peer p;

    (void)st;
    box_log_begin();
    gate_hold(&g, &b, &p, "wall", sets);
    pl_broker_stop(b.broker);
    await_phase_over(&b, CANCEL); /* though the handler blocks still */
    assert_within(&b, GRACE, 50);
    assert_within(&b, DISCONNECT, 200);
    assert_within(&b, CANCEL, 200);
    assert_true(phase_number(&b, DISCONNECT, "forced") > 0);
    assert_true(phase_number(&b, CANCEL, "forced") > 0);
    assert_true(box_log_has("handler=wall"));
    gate_open(&g);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    assert_unforced(&b, RESET);
    box_assert_zero(&b);
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

/* The child's broker is stuck for good; its exit status is the test's. */
static void be_stuck(void)
{
    const char *sets[] = {"shutdown.grace=10ms",
                          "shutdown.disconnect=50ms",
                          "shutdown.cancel=50ms",
                          "shutdown.reset=100ms",
                          "loops=1",
                          NULL};
    struct box b;
    struct gate g;
    struct peer p;

    box_log_begin();
    gate_hold(&g, &b, &p, "wall", sets);
    pl_broker_stop(b.broker);
    if (pl_broker_wait(b.broker) != PL_ETIMEDOUT)
        _exit(10);
    if (phase_number(&b, RESET, "forced") != 1)
        _exit(11);
    if (!box_log_has("loop thread did not exit") ||
        !box_log_has("handler=wall"))
        _exit(12);
    _exit(1);
}

static void a2_a_handler_that_never_ends_is_named_and_wait_says_so(void **st)
{
    int status;

    (void)st;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        be_stuck();
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void a2_a_broker_whose_handler_ended_late_can_be_awaited_again(void **st)
{
    const char *sets[] = {"shutdown.grace=10ms",
                          "shutdown.disconnect=50ms",
                          "shutdown.cancel=50ms",
                          "shutdown.reset=10ms",
                          "loops=1",
                          NULL};
    struct box b;
    struct gate g;
    struct peer p;

    (void)st;
    box_log_begin();
    gate_hold(&g, &b, &p, "wall", sets);
    pl_broker_stop(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_ETIMEDOUT);
    gate_open(&g);
    while (pl_broker_wait(b.broker) != PL_OK)
        continue;
    box_assert_zero(&b);
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

/* More answers than the loop handles in the one turn that it still has. */
enum { CALLERS = 70, CALLS = 70 };

struct hoard {
    struct pl_call *at[CALLERS * CALLS];
    unsigned count; /* the one loop's until it blocks, then the test's */
};

static void hoard_call(struct pl_call *call, void *context)
{
    struct hoard *h = context;

    h->at[h->count++] = call;
}

static void a2_what_a_loop_has_no_time_for_is_counted(void **st)
{
    const char *sets[] = {"shutdown.grace=10ms",
                          "shutdown.disconnect=50ms",
                          "shutdown.cancel=50ms",
                          "shutdown.reset=10ms",
                          "loops=1",
                          NULL};
    static struct hoard h;
    static struct peer p[CALLERS];
    struct box b;
    struct gate g;

    (void)st;
    gate_init(&g);
    box_log_begin();
    box_create(&b, sets);
    pl_broker_method(b.broker, "wall", gate_block, &g, NULL);
    pl_broker_method(b.broker, "hoard", hoard_call, &h, NULL);
    box_run(&b);
    for (int i = 0; i < CALLERS; i++) {
        peer_enter(&p[i], b.port, PEER_PROTOBUF, NULL, NULL);
        peer_join(&p[i], "room");
        peer_cork(&p[i]);
        for (int n = 0; n < CALLS; n++)
            peer_rpc(&p[i], "hoard", "1");
        peer_uncork(&p[i]);
    }
    box_await(&b, "commands.pending", CALLERS * CALLS);
    peer_rpc(&p[0], "wall", "1");
    gate_await(&g); /* from here on the hoard is this thread's */
    for (unsigned i = 0; i < h.count; i++)
        assert_int_equal(pl_call_reply(h.at[i], "1", 1), PL_OK);
    pl_broker_stop(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_ETIMEDOUT);
    gate_open(&g);
    while (pl_broker_wait(b.broker) != PL_OK)
        continue;
    box_assert_zero(&b);
    for (int i = 0; i < CALLERS; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a2_a_handler_that_blocks_costs_no_more_than_the_deadlines),
        cmocka_unit_test(
            a2_a_handler_that_never_ends_is_named_and_wait_says_so),
        cmocka_unit_test(
            a2_a_broker_whose_handler_ended_late_can_be_awaited_again),
        cmocka_unit_test(a2_what_a_loop_has_no_time_for_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
