/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_watch.c - a call that is watched: its watch learns once whether
 * the call had its answer or nothing waits for it any more. */
#include "court.h"

#include <stdio.h>
#include <string.h>

#include "session_manager_private.h"
#include "session_private.h"

enum { CALLS_MAX = 600 };

struct bench {
    struct rig *rig;
    struct pl_call *calls[CALLS_MAX];
    struct pl_watch_mail watches[CALLS_MAX];
    unsigned count;
};

static unsigned cancelled, answered;

static void on_end(struct pl_watch_mail *m, bool is_cancelled)
{
    assert_non_null(m->end);
    m->end = NULL; /* once */
    if (is_cancelled)
        cancelled++;
    else
        answered++;
}

static void take(struct pl_call *call, void *context)
{
    struct bench *b = context;

    assert_true(b->count < CALLS_MAX);
    pl_watch_mail_init(&b->watches[b->count], on_end);
    assert_int_equal(pl_call_set_watch(call, &b->watches[b->count]), PL_OK);
    b->calls[b->count++] = call;
}

static enum pl_verdict_kind judge(struct pl_question *q, void *context,
                                  struct pl_verdict *out)
{
    struct pl_call *call = pl_question_keep(q);

    (void)out;
    if (call != NULL)
        take(call, context);
    return PL_LATER;
}

/* Calls of "keep", connects if `method` is "connect", and subscribes wait for
 * the test. */
static struct rig *set_up_for(struct bench *b, const char *method,
                              uint64_t answer_ms)
{
    static const char *const sets[] = {"handlers.timeout=2s", "ping.interval=0",
                                       "connect.timeout=5s"};
    struct pl_handlers *none = pl_handlers_create(), *some, *all;
    struct rig_options o = {
        .sets = sets, .set_count = 3, .answer_ms = answer_ms};

    *b = (struct bench){.count = 0};
    cancelled = answered = 0;
    assert_int_equal(pl_handlers_with(none, method, take, b, &some), PL_OK);
    assert_int_equal(
        pl_handlers_with_judge(some, PL_ASKS_SUBSCRIBE, judge, b, &all), PL_OK);
    pl_handlers_release(none);
    pl_handlers_release(some);
    o.handlers = all;
    b->rig = rig_start("watch", &o);
    return b->rig;
}

static struct rig *set_up(struct bench *b, const char *method)
{
    return set_up_for(b, method, 0);
}

static void ask(struct client *c, unsigned id)
{
    client_sayf(c, "{\"id\":%u,\"rpc\":{\"method\":\"keep\"}}", id);
    rig_run(c->rig, 0);
}

static size_t waiting(const struct rig *r)
{
    return r->at[0].manager->calls.calls.count;
}

static void answer_all(struct bench *b)
{
    for (unsigned i = 0; i < b->count; i++)
        assert_int_equal(pl_call_refuse(b->calls[i], 400, PL_SPAN("late")),
                         PL_OK);
    b->count = 0;
}

static void an_answer_ends_the_watch_without_a_cancel(void **state)
{
    struct bench b;
    struct rig *r = set_up(&b, "keep");
    struct client *c = client_join(r, 0);
    struct pl_watch_mail second;

    (void)state;
    ask(c, 2);
    court_ask(c, 3, "room");
    assert_int_equal(b.count, 2);
    pl_watch_mail_init(&second, on_end);
    assert_int_equal(pl_call_set_watch(b.calls[0], &second), PL_EEXIST);
    assert_int_equal(pl_call_answer(b.calls[0], PL_SPAN("1")), PL_OK);
    assert_int_equal(pl_call_allow(b.calls[1], 0), PL_OK);
    rig_run(r, 0);
    assert_int_equal(answered, 2);
    client_vanish(c);
    rig_run(r, 60000);
    assert_int_equal(cancelled, 0);
    rig_destroy(r);
}

static void the_calls_of_a_closed_connection_end_with_it(void **state)
{
    struct bench b;
    struct rig *r = set_up(&b, "keep");
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    for (unsigned id = 2; id < 252; id++) {
        ask(c, id);
        ask(other, id);
    }
    court_ask(c, 300, "room");
    assert_int_equal(waiting(r), 501);
    assert_int_equal(pl_call_answer(b.calls[0], PL_SPAN("1")), PL_OK);
    b.calls[0] = b.calls[--b.count];
    rig_run(r, 0);
    client_vanish(c);
    rig_run(r, 0);
    assert_int_equal(answered, 1);
    assert_int_equal(cancelled, 250);
    assert_int_equal(waiting(r), 250); /* those of the other one */
    client_vanish(other);
    rig_run(r, 0);
    assert_int_equal(cancelled, 500);
    assert_int_equal(waiting(r), 0);
    answer_all(&b); /* they are still due */
    rig_run(r, 60000);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_close_from_here_cancels_before_the_peer_has_gone(void **state)
{
    struct bench b;
    struct rig *r = set_up(&b, "keep");
    struct client *c = client_join(r, 0);
    struct pl_kick_mail *k = pl_kick_mail_create();

    (void)state;
    ask(c, 2);
    assert_non_null(k);
    k->code = PL_DISCONNECT_FORCED;
    rig_mail(c, &k->msg);
    client_expect_close(c, 3503);
    assert_int_equal(cancelled, 1);
    answer_all(&b);
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    rig_destroy(r);
}

static void an_overdue_call_is_cancelled_once(void **state)
{
    struct bench b;
    struct rig *r = set_up(&b, "keep");
    struct client *c = client_join(r, 0);

    (void)state;
    ask(c, 2);
    court_ask(c, 3, "room");
    rig_run(r, 2010);
    assert_int_equal(cancelled, 2);
    client_vanish(c);
    rig_run(r, 0);
    answer_all(&b);
    rig_run(r, 60000);
    assert_int_equal(cancelled, 2);
    assert_int_equal(answered, 0);
    rig_destroy(r);
}

/* Shorter or longer than that of messages, whichever is asked first. */
static void verdicts_may_have_a_time_of_their_own(void **state)
{
    (void)state;
    for (int is_longer = 0; is_longer < 2; is_longer++) {
        struct bench b;
        struct rig *r = set_up_for(&b, "keep", is_longer ? 3000 : 1000);
        struct client *c = client_join(r, 0);

        ask(c, 2);
        court_ask(c, 3, "room");
        court_ask(c, 4, "other");
        ask(c, 5);
        rig_run(r, is_longer ? 2010 : 1010);
        assert_int_equal(cancelled, 2);
        for (unsigned id = is_longer ? 2 : 3; id <= (is_longer ? 5 : 4);
             id += is_longer ? 3 : 1)
            court_expect_error(c, id, 408, "timed out", !is_longer);
        client_expect_silence(c);
        rig_run(r, 1010);
        assert_int_equal(cancelled, 4);
        answer_all(&b);
        rig_destroy(r);
    }
}

/* How a connect that is asked ends. */
enum fate { ADMITTED, REFUSED, LEFT, OVERDUE, FATES };

static void a_connect_is_watched_as_well(void **state)
{
    (void)state;
    for (int fate = 0; fate < FATES; fate++) {
        struct bench b;
        struct rig *r = set_up(&b, "connect");
        struct client *c = client_open(r, 0);

        client_say(c, "{\"id\":1,\"connect\":{}}");
        rig_run(r, 0);
        assert_int_equal(b.count, 1);
        if (fate == ADMITTED)
            pl_call_admit(b.calls[0], PL_SPAN("ann"), (struct pl_span){0});
        if (fate == REFUSED)
            pl_call_refuse(b.calls[0], 403, PL_SPAN(""));
        if (fate == LEFT)
            client_vanish(c);
        rig_run(r, fate == OVERDUE ? 5010 : 0);
        assert_int_equal(answered, fate == ADMITTED || fate == REFUSED);
        assert_int_equal(cancelled, fate == LEFT || fate == OVERDUE);
        if (fate == LEFT || fate == OVERDUE)
            answer_all(&b);
        rig_destroy(r);
        assert_int_equal(answered + cancelled, 1);
    }
}

static void a_watch_that_comes_too_late_is_cancelled_at_once(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("late", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);
    struct pl_watch_mail watch[3];

    (void)state;
    cancelled = answered = 0;
    for (int i = 0; i < 3; i++)
        pl_watch_mail_init(&watch[i], on_end);
    court_ask(c, 2, "l1");
    court_ask(c, 3, "l2");
    court_ask(c, 4, "l3");
    rig_run(r, 31000); /* overdue */
    assert_int_equal(pl_call_set_watch(t.calls[0], &watch[0]), PL_OK);
    rig_run(r, 0);
    assert_int_equal(cancelled, 1);
    client_vanish(c);
    rig_run(r, 0); /* no session is there */
    assert_int_equal(pl_call_set_watch(t.calls[1], &watch[1]), PL_OK);
    rig_run(r, 0);
    assert_int_equal(cancelled, 2);
    rig_destroy(r); /* no system is there */
    assert_int_equal(pl_call_set_watch(t.calls[2], &watch[2]), PL_OK);
    assert_int_equal(cancelled, 3);
    for (unsigned i = 0; i < 3; i++)
        pl_call_allow(t.calls[i], 0);
    assert_int_equal(answered, 0);
}

static void watch_nothing(struct pl_call *call, void *context)
{
    struct pl_watch_mail watch;

    (void)context;
    pl_watch_mail_init(&watch, on_end);
    assert_int_equal(pl_call_set_watch(call, &watch), PL_EINVAL);
    pl_call_answer(call, PL_SPAN(""));
}

static void a_message_that_wants_no_reply_is_not_watched(void **state)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.sets = NULL};

    (void)state;
    assert_int_equal(
        pl_handlers_with(none, "tell", watch_nothing, NULL, &table), PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    struct rig *r = rig_start("send", &o);
    struct client *c = client_join(r, 0);
    client_say(c, "{\"send\":{\"data\":{\"type\":\"tell\"}}}");
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_CUSTOM), 1);
    rig_destroy(r);
}

static void the_end_of_the_loop_cancels_what_is_left(void **state)
{
    struct bench b;
    struct rig *r = set_up(&b, "keep");
    struct client *c = client_join(r, 0);

    (void)state;
    ask(c, 2);
    rig_destroy(r);
    assert_int_equal(cancelled, 1);
    answer_all(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ends_the_watch_without_a_cancel),
        cmocka_unit_test(the_calls_of_a_closed_connection_end_with_it),
        cmocka_unit_test(a_close_from_here_cancels_before_the_peer_has_gone),
        cmocka_unit_test(an_overdue_call_is_cancelled_once),
        cmocka_unit_test(verdicts_may_have_a_time_of_their_own),
        cmocka_unit_test(a_connect_is_watched_as_well),
        cmocka_unit_test(a_watch_that_comes_too_late_is_cancelled_at_once),
        cmocka_unit_test(a_message_that_wants_no_reply_is_not_watched),
        cmocka_unit_test(the_end_of_the_loop_cancels_what_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
