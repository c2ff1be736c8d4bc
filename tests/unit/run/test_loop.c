/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop.c - the order inside a turn, its budgets, its time. */
#include "recorder.h"

#include <string.h>

static struct pl_clock_driven clock_;
static struct pl_system *sys;
static struct pl_loop *loop;

/* What ran, one letter each. */
static char trace[64];

static int set_up(void **state)
{
    pl_clock_driven_init(&clock_);
    clock_.monotonic_ns = UINT64_C(5000000000);
    clock_.wall_ms = 1000;
    *state = sys = system_of(2, &clock_.clock);
    loop = pl_system_loop(sys, 0);
    trace[0] = '\0';
    return 0;
}

static void say(char letter)
{
    size_t len = strlen(trace);

    assert_true(len + 1 < sizeof trace);
    trace[len] = letter;
    trace[len + 1] = '\0';
}

struct step {
    struct pl_task task;
    char letter;
    bool queues; /* queues `stage_of_next` for `next` when it runs */
    enum pl_stage stage_of_next;
    struct step *next;
};

static void run_step(struct pl_task *t)
{
    struct step *s = PL_CONTAINER(t, struct step, task);

    assert_false(t->is_queued);
    say(s->letter);
    if (s->queues)
        pl_loop_defer(loop, s->stage_of_next, &s->next->task);
}

#define STEP(says)                                                             \
    {                                                                          \
        .task = {.run = run_step}, .letter = (says)                            \
    }

static struct pl_timer timer;
static struct step timers_flush = STEP('x');

static void fire(struct pl_timer *t)
{
    (void)t;
    say('t');
    pl_loop_defer(loop, PL_STAGE_FLUSH, &timers_flush.task);
}

static void say_mail(struct pl_actor *a, struct pl_msg *msg)
{
    (void)a;
    say((char)note_number(msg));
    msg->destroy(msg);
}

static const struct pl_actor_ops sayer_ops = {"sayer", 100, say_mail,
                                              recorder_reap};

static void say_reap(struct pl_actor *a)
{
    say('R');
    recorder_reap(a);
}

static const struct pl_actor_ops leaver_ops = {"leaver", 100, say_mail,
                                               say_reap};

static void say_end(void *arg)
{
    (void)arg;
    say('.');
}

static void a_turn_runs_its_parts_in_order(void **state)
{
    struct recorder *r = recorder_new(loop, &sayer_ops);
    struct step ready = STEP('r'), seal = STEP('s'), flush = STEP('f');

    (void)state;
    pl_loop_on_turn_end(loop, say_end, NULL);
    pl_actor_exit(&recorder_new(loop, &leaver_ops)->actor, "done");
    timer = (struct pl_timer){.fire = fire};
    pl_timer_start(loop, &timer, 4);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &flush.task);
    pl_loop_defer(loop, PL_STAGE_SEAL, &seal.task);
    pl_loop_defer(loop, PL_STAGE_READY, &ready.task);
    mail_to(r, pl_actor_address(&r->actor), 'm');
    pl_system_post(sys, pl_actor_address(&r->actor), note('p', 1, 0));
    pl_clock_driven_advance(&clock_, 4000000);
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "rmptsfxR.");
}

/* --- Causes before effects --- */

static uint64_t posted_when_flushed;

static void look_at_other(struct pl_task *t)
{
    (void)t;
    posted_when_flushed = pl_loop_backlog(pl_system_loop(sys, 1));
}

/* Whoever reads what a flush writes finds the posts of its turn there. */
static void posts_are_with_their_loops_before_the_flush(void **state)
{
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct recorder *far = recorder_new(pl_system_loop(sys, 1), &recorder_ops);
    struct pl_task flush = {.run = look_at_other};

    (void)state;
    mail_to(r, pl_actor_address(&far->actor), 1);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &flush);
    pl_loop_turn(loop);
    assert_int_equal(posted_when_flushed, 1);
}

static struct recorder *flusher;
static struct pl_address flushed_to;

static void mail_when_flushed(struct pl_task *t)
{
    (void)t;
    mail_to(flusher, flushed_to, 1);
}

static void what_the_flush_posts_leaves_in_the_same_turn(void **state)
{
    struct recorder *far = recorder_new(pl_system_loop(sys, 1), &recorder_ops);
    struct pl_task flush = {.run = mail_when_flushed};

    (void)state;
    flusher = recorder_new(loop, &recorder_ops);
    flushed_to = pl_actor_address(&far->actor);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &flush);
    assert_false(pl_loop_turn(loop));
    assert_int_equal(pl_loop_backlog(pl_system_loop(sys, 1)), 1);
}

/* Bytes that a callback has read may be the effect of any mail that is in the
 * inbox by then, however late it came. */
static void what_a_callback_sends_is_after_what_has_come(void **state)
{
    struct recorder *r = recorder_new(loop, &sayer_ops);
    struct pl_address to = pl_actor_address(&r->actor);

    (void)state;
    pl_loop_awake(loop);
    pl_system_post(sys, to, note('a', 1, 0));
    mail_to(r, to, 'b');
    pl_system_post(sys, to, note('c', 1, 0));
    mail_to(r, to, 'd');
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "abcd");
    ledger_holds(loop);
    assert_int_equal(pl_loop_backlog(loop), 0);
}

static void post_and_mail(struct pl_task *t)
{
    (void)t;
    pl_system_post(sys, flushed_to, note('b', 1, 0));
    mail_to(flusher, flushed_to, 'c');
}

/* Nothing is read inside a turn, so nothing has to be let in. */
static void what_comes_in_the_middle_of_a_turn_waits_for_the_next(void **state)
{
    struct pl_task seal = {.run = post_and_mail};

    (void)state;
    flusher = recorder_new(loop, &sayer_ops);
    flushed_to = pl_actor_address(&flusher->actor);
    pl_loop_defer(loop, PL_STAGE_SEAL, &seal);
    mail_to(flusher, flushed_to, 'a');
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "a");
    pl_loop_turn(loop);
    assert_string_equal(trace, "acb");
}

static void what_a_stage_queues_for_a_later_one_runs_in_this_turn(void **state)
{
    struct step flush = STEP('f');
    struct step seal = {{.run = run_step}, 's', true, PL_STAGE_FLUSH, &flush};

    (void)state;
    pl_loop_defer(loop, PL_STAGE_SEAL, &seal.task);
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "sf");
}

static void what_a_stage_queues_for_itself_or_before_waits(void **state)
{
    struct step seal = STEP('s'), again;
    struct step flush = {{.run = run_step}, 'f', true, PL_STAGE_SEAL, &seal};

    (void)state;
    again = (struct step){{.run = run_step}, 'a', true, PL_STAGE_FLUSH, &again};
    pl_loop_defer(loop, PL_STAGE_FLUSH, &flush.task);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &again.task);
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "fa");
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "fasa");
    pl_loop_cancel(loop, &again.task);
    assert_false(pl_loop_has_work(loop));
}

static void a_ready_task_runs_once_in_the_next_turn(void **state)
{
    struct step ready;

    (void)state;
    ready = (struct step){{.run = run_step}, 'r', true, PL_STAGE_READY, &ready};
    pl_loop_defer(loop, PL_STAGE_READY, &ready.task);
    pl_loop_defer(loop, PL_STAGE_READY, &ready.task);
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "r");
    assert_true(pl_loop_turn(loop)); /* there is more at once */
    assert_string_equal(trace, "rr");
    pl_loop_cancel(loop, &ready.task);
    pl_loop_cancel(loop, &ready.task);
    assert_false(pl_loop_turn(loop));
}

static struct step cancelled = STEP('!');

static void cancel_it(struct pl_task *t)
{
    (void)t;
    pl_loop_cancel(loop, &cancelled.task);
}

static void a_task_may_cancel_one_that_is_about_to_run(void **state)
{
    struct step first = {.task = {.run = cancel_it}}, last = STEP('l');

    (void)state;
    pl_loop_defer(loop, PL_STAGE_FLUSH, &first.task);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &cancelled.task);
    pl_loop_defer(loop, PL_STAGE_FLUSH, &last.task);
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "l");
}

static void no_actor_starves_behind_a_busy_one(void **state)
{
    struct recorder *a = recorder_new(loop, &sayer_ops);
    struct recorder *b = recorder_new(loop, &sayer_ops);

    (void)state;
    pl_loop_set_budget(loop, 2, 0);
    for (unsigned i = 0; i < 5; i++)
        mail_to(a, pl_actor_address(&a->actor), 'a');
    for (unsigned i = 0; i < 3; i++)
        mail_to(a, pl_actor_address(&b->actor), 'b');
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "aabbaaba");
}

static void what_is_over_the_turns_budget_leads_the_next_turn(void **state)
{
    struct recorder *a = recorder_new(loop, &sayer_ops);
    struct recorder *b = recorder_new(loop, &sayer_ops);

    (void)state;
    pl_loop_set_budget(loop, 2, 3);
    for (unsigned i = 0; i < 4; i++)
        mail_to(a, pl_actor_address(&a->actor), 'a');
    for (unsigned i = 0; i < 2; i++)
        mail_to(a, pl_actor_address(&b->actor), 'b');
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "aab");
    ledger_holds(loop);
    assert_int_equal(pl_loop_stats(loop)->mail_queued, 3);
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "aabaab");
}

static void say_much(struct pl_actor *a, struct pl_msg *msg)
{
    pl_loop_add_output(a->loop, 10);
    sayer_ops.receive(a, msg);
}

static const struct pl_actor_ops much_ops = {"much", 100, say_much,
                                             recorder_reap};

/* Also within the visit of one actor, and a message a turn at least. */
static void what_is_over_the_turns_output_leads_the_next_turn(void **state)
{
    struct recorder *a = recorder_new(loop, &much_ops);
    struct recorder *b = recorder_new(loop, &sayer_ops);

    (void)state;
    pl_loop_bound_output(loop, 15);
    for (unsigned i = 0; i < 3; i++)
        mail_to(a, pl_actor_address(&a->actor), 'a');
    mail_to(a, pl_actor_address(&b->actor), 'b');
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "aa");
    ledger_holds(loop);
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "aaba");
    for (unsigned i = 0; i < 2; i++)
        mail_to(a, pl_actor_address(&a->actor), 'c');
    pl_loop_bound_output(loop, 1);
    assert_true(pl_loop_turn(loop));
    assert_string_equal(trace, "aabac");
    assert_false(pl_loop_turn(loop));
    assert_string_equal(trace, "aabacc");
}

static void work(struct pl_actor *a, struct pl_msg *msg)
{
    pl_loop_add_work(a->loop, 10);
    msg->destroy(msg);
}

static const struct pl_actor_ops worker_ops = {"worker", 100, work,
                                               recorder_reap};

static void what_is_over_the_turns_work_leads_the_next_turn(void **state)
{
    struct recorder *a = recorder_new(loop, &worker_ops);
    struct recorder *b = recorder_new(loop, &sayer_ops);

    (void)state;
    pl_loop_bound_work(loop, 20);
    for (unsigned i = 0; i < 5; i++)
        mail_to(a, pl_actor_address(&a->actor), 'a');
    mail_to(a, pl_actor_address(&b->actor), 'b');
    assert_true(pl_loop_turn(loop));
    assert_int_equal(pl_loop_stats(loop)->mail_handled, 2);
    ledger_holds(loop);
    pl_loop_add_work(loop, 1000); /* outside of mail: of no turn */
    assert_true(pl_loop_turn(loop));
    assert_int_equal(pl_loop_stats(loop)->mail_handled, 5); /* b and two */
    assert_false(pl_loop_turn(loop));
    assert_int_equal(pl_loop_stats(loop)->mail_handled, 6);
}

static void echo_forever(struct pl_actor *a, struct pl_msg *msg)
{
    pl_actor_send(a, pl_actor_address(a), msg);
}

static const struct pl_actor_ops echo_ops = {"echo", 100, echo_forever,
                                             recorder_reap};

static void a_turn_ends_although_an_actor_mails_itself(void **state)
{
    struct recorder *r = recorder_new(loop, &echo_ops);

    (void)state;
    mail_to(r, pl_actor_address(&r->actor), 1);
    assert_true(pl_loop_turn(loop));
    ledger_holds(loop);
    assert_int_equal(pl_loop_stats(loop)->mail_handled, 16384);
}

static void mail_to_another_loop_leaves_at_the_end_of_the_turn(void **state)
{
    struct pl_loop *other = pl_system_loop(sys, 1);
    struct recorder *a = recorder_new(loop, &sayer_ops);
    struct recorder *b = recorder_new(other, &sayer_ops);

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        mail_to(a, pl_actor_address(&b->actor), 'a' + i);
    assert_true(pl_loop_has_work(loop));
    assert_false(pl_loop_has_work(other));
    assert_int_equal(pl_loop_stats(loop)->posts_sent, 0);
    pl_loop_turn(loop);
    assert_int_equal(pl_loop_stats(loop)->posts_sent, 3);
    assert_int_equal(pl_loop_backlog(other), 3);
    assert_false(pl_loop_turn(other));
    assert_string_equal(trace, "abc");
    assert_int_equal(pl_loop_stats(other)->posts_taken, 3);
    assert_int_equal(pl_loop_stats(other)->posts_foreign, 0);
    assert_int_equal(pl_loop_backlog(other), 0);
}

static void count_call(void *arg)
{
    ++*(unsigned *)arg;
}

static void only_a_sleeping_loop_is_woken_and_once_a_batch(void **state)
{
    struct pl_loop *other = pl_system_loop(sys, 1);
    struct recorder *a = recorder_new(loop, &recorder_ops);
    struct recorder *b = recorder_new(other, &recorder_ops);
    struct pl_address to = pl_actor_address(&b->actor);
    unsigned wakes = 0;

    (void)state;
    pl_loop_set_wake(other, count_call, &wakes);
    mail_to(a, to, 1);
    pl_loop_turn(loop);
    assert_int_equal(wakes, 0);         /* it is awake */
    assert_false(pl_loop_sleep(other)); /* and may not sleep on its mail */
    pl_loop_turn(other);
    assert_true(pl_loop_sleep(other));
    for (unsigned i = 0; i < 5; i++)
        mail_to(a, to, 1);
    pl_loop_turn(loop);
    pl_system_post(sys, to, note(1, 1, 0));
    assert_int_equal(wakes, 1);
    assert_int_equal(pl_loop_stats(loop)->wakes, 1);
    pl_loop_awake(other);
    pl_loop_turn(other);
    assert_int_equal(b->count, 7);
    assert_true(pl_loop_sleep(other));
    pl_loop_awake(other);
    pl_system_post(sys, to, note(1, 1, 0));
    assert_int_equal(wakes, 1);
}

static void timers_follow_the_driven_clock(void **state)
{
    (void)state;
    timer = (struct pl_timer){.fire = fire};
    assert_int_equal(pl_loop_next_timer(loop), UINT64_MAX);
    pl_timer_start(loop, &timer, 100);
    assert_int_equal(pl_loop_stats(loop)->timers, 1);
    assert_int_equal(pl_loop_next_timer(loop), 100);
    pl_clock_driven_advance(&clock_, 99000000);
    assert_false(pl_loop_has_work(loop));
    pl_loop_turn(loop);
    assert_string_equal(trace, "");
    pl_clock_driven_advance(&clock_, 1000000);
    assert_true(pl_loop_has_work(loop));
    pl_loop_turn(loop);
    assert_string_equal(trace, "tx");
    assert_int_equal(pl_loop_stats(loop)->timers, 0);
}

static void a_delay_without_end_does_not_fire(void **state)
{
    (void)state;
    timer = (struct pl_timer){.fire = fire};
    pl_timer_start(loop, &timer, UINT64_MAX);
    pl_clock_driven_advance(&clock_, UINT64_C(1000000000) * 86400 * 3650);
    while (pl_loop_next_timer(loop) == 0)
        pl_loop_turn(loop);
    assert_string_equal(trace, "");
    pl_timer_stop(loop, &timer);
    assert_int_equal(pl_loop_next_timer(loop), UINT64_MAX);
}

static void time_stands_still_within_a_turn(void **state)
{
    (void)state;
    pl_loop_turn(loop);
    assert_int_equal(pl_loop_now_ms(loop), 5000);
    pl_clock_driven_advance(&clock_, 7000000);
    assert_int_equal(pl_loop_now_ms(loop), 5000);
    pl_loop_awake(loop); /* the first callback before the next turn */
    assert_int_equal(pl_loop_now_ms(loop), 5007);
    assert_int_equal(pl_loop_wall_ms(loop), 1007);
    pl_clock_driven_advance(&clock_, 7000000);
    pl_loop_awake(loop); /* the second one asks no clock */
    assert_int_equal(pl_loop_now_ms(loop), 5007);
    pl_loop_turn(loop);
    assert_int_equal(pl_loop_now_ms(loop), 5014);
}

static void a_turn_that_did_nothing_is_not_published(void **state)
{
    unsigned published = 0;
    struct recorder *r = recorder_new(loop, &recorder_ops);

    (void)state;
    pl_loop_on_turn_end(loop, count_call, &published);
    pl_loop_turn(loop);
    assert_int_equal(published, 0);
    mail_to(r, pl_actor_address(&r->actor), 1);
    pl_loop_turn(loop);
    assert_int_equal(published, 1);
    pl_loop_awake(loop); /* a callback counts: it may have read bytes */
    pl_loop_turn(loop);
    assert_int_equal(published, 2);
}

static void take_a_while(struct pl_actor *a, struct pl_msg *msg)
{
    (void)a;
    pl_clock_driven_advance(&clock_, 30);
    msg->destroy(msg);
}

static const struct pl_actor_ops slow_ops = {"slow", 100, take_a_while,
                                             recorder_reap};

static void the_loop_measures_its_lag_and_the_wait_in_mailboxes(void **state)
{
    struct recorder *r = recorder_new(loop, &slow_ops);
    const struct pl_loop_stats *stats = pl_loop_stats(loop);

    (void)state;
    mail_to(r, pl_actor_address(&r->actor), 1);
    mail_to(r, pl_actor_address(&r->actor), 2);
    pl_clock_driven_advance(&clock_, 500);
    pl_loop_turn(loop);
    assert_int_equal(stats->mail_wait_ns, 500);
    assert_int_equal(stats->lag_ns, 60);
    assert_int_equal(stats->turn_ns_max, 60);
    assert_int_equal(stats->mail_deepest, 2);
    mail_to(r, pl_actor_address(&r->actor), 3);
    pl_loop_turn(loop);
    assert_int_equal(stats->lag_ns, 30);
    assert_int_equal(stats->turn_ns_max, 60);
}

static void advance_ms(uint64_t ms)
{
    pl_clock_driven_advance(&clock_, ms * 1000000);
}

/* A turn that lasts so long: with the callbacks before it. */
static void turn_of_ms(uint64_t ms)
{
    pl_loop_awake(loop);
    advance_ms(ms);
    pl_loop_turn(loop);
}

static uint64_t recent_ms(void)
{
    pl_loop_awake(loop);
    uint64_t ms = pl_loop_lag_recent_ns(loop) / 1000000;
    pl_loop_turn(loop);
    return ms;
}

static void the_recent_lag_is_a_mean_over_time(void **state)
{
    (void)state;
    assert_int_equal(recent_ms(), 0);
    turn_of_ms(100); /* one among many does not matter much ... */
    assert_int_equal(recent_ms(), 10);
    for (int i = 0; i < 60; i++)
        turn_of_ms(100); /* ... when they all are so, it does */
    assert_in_range(recent_ms(), 99, 100);
    turn_of_ms(3000); /* a long one is a long time */
    assert_in_range(recent_ms(), 2999, 3000);
    advance_ms(500); /* and fades, by rest ... */
    assert_in_range(recent_ms(), 1499, 1500);
    for (int i = 0; i < 100; i++)
        turn_of_ms(10); /* ... or by short ones */
    assert_in_range(recent_ms(), 500, 600);
    turn_of_ms(3600 * 1000); /* the process was stopped for an hour */
    advance_ms(10000);
    assert_in_range(recent_ms(), 0, 10);
}

static void a_seed_repeats_the_numbers_of_each_loop(void **state)
{
    uint64_t x[2][2];

    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        struct pl_system_options options = {.loops = 2, .seed = 99};
        struct pl_system *s;
        assert_int_equal(pl_system_create(&s, &options), PL_OK);
        for (unsigned i = 0; i < 2; i++)
            x[run][i] = pl_random_u64(pl_loop_random(pl_system_loop(s, i)));
        pl_system_destroy(s);
    }
    assert_memory_equal(x[0], x[1], sizeof x[0]);
    assert_true(x[0][0] != x[0][1]);
}

/* Each test with a system of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_runs_its_parts_in_order),
        TEST(posts_are_with_their_loops_before_the_flush),
        TEST(what_the_flush_posts_leaves_in_the_same_turn),
        TEST(what_a_callback_sends_is_after_what_has_come),
        TEST(what_comes_in_the_middle_of_a_turn_waits_for_the_next),
        TEST(what_a_stage_queues_for_a_later_one_runs_in_this_turn),
        TEST(what_a_stage_queues_for_itself_or_before_waits),
        TEST(a_ready_task_runs_once_in_the_next_turn),
        TEST(a_task_may_cancel_one_that_is_about_to_run),
        TEST(no_actor_starves_behind_a_busy_one),
        TEST(what_is_over_the_turns_budget_leads_the_next_turn),
        TEST(what_is_over_the_turns_output_leads_the_next_turn),
        TEST(what_is_over_the_turns_work_leads_the_next_turn),
        TEST(a_turn_ends_although_an_actor_mails_itself),
        TEST(mail_to_another_loop_leaves_at_the_end_of_the_turn),
        TEST(only_a_sleeping_loop_is_woken_and_once_a_batch),
        TEST(timers_follow_the_driven_clock),
        TEST(a_delay_without_end_does_not_fire),
        TEST(time_stands_still_within_a_turn),
        TEST(a_turn_that_did_nothing_is_not_published),
        TEST(the_loop_measures_its_lag_and_the_wait_in_mailboxes),
        TEST(the_recent_lag_is_a_mean_over_time),
        TEST(a_seed_repeats_the_numbers_of_each_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
