/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_throttle.c - limits.commands_per_second: who asks faster is read
 * slower, in order and without a loss, and nobody else notices. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 10, BURST = 5 };

static struct rig *with(const char *test, const char *more,
                        const struct pl_late_options *late)
{
    const char *sets[] = {"limits.commands_per_second=10",
                          "limits.commands_burst=5",
                          more == NULL ? "ping.interval=0" : more};
    struct rig_options o = {.sets = sets, .set_count = 3, .late = late};

    return rig_start(test, &o);
}

/* `count` publications with numbers from `first` on, one JSON line each. */
static void put_commands(struct pl_buf *b, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        pl_buf_printf(b,
                      "%s{\"id\":%u,\"publish\":{\"channel\":\"c\","
                      "\"data\":%u}}",
                      b->len == 0 ? "" : "\n", i, i);
}

/* One message with all of them. */
static void say_batch(struct client *c, unsigned first, unsigned count)
{
    struct pl_buf b = {0};

    put_commands(&b, first, count);
    pl_buf_put(&b, "", 1);
    client_say(c, b.data);
    pl_buf_fini(&b);
}

/* A message each, all of them in one read. */
static void say_frames(struct client *c, unsigned first, unsigned count)
{
    struct pl_buf frames = {0};

    for (unsigned i = first; i < first + count; i++) {
        struct pl_buf b = {0};

        put_commands(&b, i, 1);
        client_frame(&frames, 0x81, b.data, b.len);
        pl_buf_fini(&b);
    }
    client_feed(c, frames.data, frames.len);
    pl_buf_fini(&frames);
}

/* In steps, as what waits in the kernel is read when reading goes on. */
static void pass(struct rig *r, unsigned ms)
{
    for (; ms > 0; ms -= 100)
        rig_run(r, 100);
}

static unsigned commands(const struct rig *r)
{
    return (unsigned)rig_metric(r, PL_METRIC_COMMANDS);
}

/* The answers from `first` on come in order; gives how many there are. */
static unsigned take_answers(struct client *c, unsigned first)
{
    char pattern[64];
    unsigned id = first;

    for (const char *text; (text = client_next(c)) != NULL; id++) {
        snprintf(pattern, sizeof pattern, "{\"id\":%u,\"publish\":{}}", id);
        assert_string_equal(text, pattern);
    }
    return id - first;
}

/* --- The rate --- */

static void check_rate(struct rig *r, struct client *c, unsigned count)
{
    unsigned answered = take_answers(c, 10);

    assert_int_equal(answered, BURST);
    assert_true(c->is_paused);
    for (unsigned s = 1; answered < count; s++) {
        rig_run(r, 1000);
        answered += take_answers(c, 10 + answered);
        assert_in_range(answered, s * RATE, BURST + s * RATE);
        assert_true(s < 10);
        rig_check_ledgers(r);
    }
    rig_run(r, 1000);
    assert_int_equal(answered, count);
    assert_false(c->is_paused);
    assert_true(rig_metric(r, PL_METRIC_READS_PAUSED_RATE) > 0);
}

static void a_message_with_many_commands_is_answered_at_the_rate(void **state)
{
    struct rig *r = with("batch", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    say_batch(c, 10, 50);
    rig_run(r, 0);
    check_rate(r, c, 50);
    rig_destroy(r);
}

static void many_messages_of_one_read_are_answered_at_the_rate(void **state)
{
    struct rig *r = with("frames", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    say_frames(c, 10, 50);
    rig_run(r, 0);
    check_rate(r, c, 50);
    rig_destroy(r);
}

/* Cut anywhere: held commands, held bytes, and a message whose end is still
 * in the kernel when reading pauses. */
static void what_is_kept_goes_on_wherever_it_was_split(void **state)
{
    static const struct pl_late_options late = {.delay_ms = 4};
    struct pl_buf frames = {0};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct pl_buf b = {0};

        put_commands(&b, 10 + i * 4, 4);
        client_frame(&frames, 0x81, b.data, b.len);
        pl_buf_fini(&b);
    }
    for (size_t cut = 1; cut < frames.len; cut += 37) {
        struct rig *r = with("cut", NULL, cut % 2 ? NULL : &late);
        struct client *c = client_join(r, 0);

        client_feed(c, frames.data, cut);
        client_feed(c, frames.data + cut, frames.len - cut);
        pass(r, 4000);
        assert_int_equal(take_answers(c, 10), 24);
        assert_false(c->is_paused);
        rig_destroy(r);
    }
    pl_buf_fini(&frames);
}

static void who_keeps_to_the_rate_never_waits(void **state)
{
    struct rig *r = with("patient", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    rig_run(r, 10000); /* a longer rest buys no larger burst */
    for (unsigned i = 0; i < 50; i++) {
        say_frames(c, 10 + i, 1);
        rig_run(r, 100);
        assert_int_equal(take_answers(c, 10 + i), 1);
    }
    assert_int_equal(rig_metric(r, PL_METRIC_READS_PAUSED_RATE), 0);
    assert_int_equal(c->pauses, 0);
    rig_run(r, 10000);
    say_batch(c, 100, BURST + 1);
    rig_run(r, 0);
    assert_int_equal(take_answers(c, 100), BURST);
    rig_destroy(r);
}

static void no_other_client_waits_for_a_throttled_one(void **state)
{
    struct rig *r = with("others", NULL, NULL);
    struct client *fast = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    say_batch(fast, 10, 50);
    rig_run(r, 0);
    say_batch(other, 10, BURST);
    rig_run(r, 0);
    assert_int_equal(take_answers(other, 10), BURST);
    assert_false(other->is_paused);
    assert_int_equal(take_answers(fast, 10), BURST);
    rig_destroy(r);
}

static void without_the_limit_nothing_is_throttled(void **state)
{
    const char *sets[] = {"limits.commands_per_second=0"};
    struct rig_options o = {.sets = sets, .set_count = 1};
    struct rig *r = rig_start("off", &o);
    struct client *c = client_join(r, 0);

    (void)state;
    say_batch(c, 10, 200);
    rig_run(r, 0);
    assert_int_equal(take_answers(c, 10), 200);
    assert_int_equal(c->pauses, 0);
    rig_destroy(r);
}

/* What came behind the connect waits for its verdict, then for its turn. */
static void what_waited_for_the_login_keeps_to_the_rate_too(void **state)
{
    struct rig *r = with("login", NULL, NULL);
    struct client *c = client_open(r, 0);
    struct pl_buf b = {0};

    (void)state;
    pl_buf_printf(&b, "{\"id\":1,\"connect\":{}}");
    put_commands(&b, 10, 12);
    pl_buf_put(&b, "", 1);
    client_say(c, b.data);
    pl_buf_fini(&b);
    say_frames(c, 22, 12);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    assert_int_equal(take_answers(c, 10), BURST);
    pass(r, 4000);
    assert_int_equal(take_answers(c, 10 + BURST), 24 - BURST);
    rig_destroy(r);
}

/* --- Pings --- */

static unsigned count_pings(struct client *c)
{
    unsigned pings = 0;

    for (const char *text; (text = client_next(c)) != NULL;)
        pings += strcmp(text, "{}") == 0;
    return pings;
}

/* Its pongs wait behind its commands: pings go on, and it is not closed; when
 * it is through, a missing pong counts again. */
static void a_throttled_client_is_pinged_but_not_closed_for_a_pong(void **state)
{
    struct rig *r = with("pong", "ping.interval=10s", NULL);
    struct client *c = client_join(r, 0);
    unsigned pings, pongs = 0;

    (void)state;
    say_batch(c, 10, 600); /* a minute */
    for (unsigned s = 0; s < 55; s++) {
        rig_run(r, 1000);
        pings = count_pings(c);
        for (; pings > 0; pings--, pongs++)
            client_say(c, "{}"); /* not read yet */
        assert_int_equal(c->closed, 0);
    }
    assert_in_range(pongs, 8, 16);
    rig_run(r, 8000);
    assert_int_equal(commands(r), 1 + 600 + pongs);
    assert_false(c->is_paused);
    for (unsigned s = 0; s < 30 && c->closed == 0; s++)
        rig_run(r, 1000); /* it answers no ping any more */
    assert_int_equal(c->closed, 3012);
    rig_destroy(r);
}

static void pongs_cost_nothing(void **state)
{
    const char *sets[] = {"limits.commands_per_second=1",
                          "limits.commands_burst=1", "ping.interval=2s"};
    struct rig_options o = {.sets = sets, .set_count = 3};
    struct rig *r = rig_start("free", &o);
    struct client *c = client_join(r, 0);

    (void)state;
    for (unsigned i = 0; i < 220; i++) {
        if (i % 11 == 0)
            say_frames(c, 10 + i, 1); /* all that it may */
        rig_run(r, 100);
        for (unsigned pings = count_pings(c); pings > 0; pings--)
            client_say(c, "{}");
    }
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_READS_PAUSED_RATE), 0);
    assert_in_range(rig_metric(r, PL_METRIC_COMMANDS_SILENT), 8, 12);
    assert_int_equal(c->closed, 0);
    rig_destroy(r);
}

/* --- The end --- */

/* The Close may lie behind commands that are kept, or be in the kernel. */
static void a_stop_ends_a_throttled_client_in_time(void **state)
{
    (void)state;
    for (int where = 0; where < 3; where++) {
        struct rig *r = with("stop", NULL, NULL);
        struct client *c = client_join(r, 0);

        say_frames(c, 10, 50);
        if (where == 1) { /* in the same read */
            struct pl_buf b = {0};

            client_frame(&b, 0x88, "\x03\xe8", 2);
            c->is_paused = false;
            client_feed(c, b.data, b.len);
            pl_buf_fini(&b);
        }
        rig_run(r, 0);
        rig_phase(r, PL_PHASE_SIGNAL, false);
        rig_run(r, 0);
        rig_phase(r, PL_PHASE_DISCONNECT, false);
        rig_run(r, 0);
        assert_int_equal(c->closed, 3001);
        assert_false(c->is_paused);
        if (where == 2) {
            struct pl_buf b = {0};

            client_frame(&b, 0x88, "\x0b\xb9", 2);
            client_feed(c, b.data, b.len);
            pl_buf_fini(&b);
            rig_run(r, 0);
        }
        if (where > 0)
            assert_true(c->is_ending);
        rig_run(r, 5100);
        assert_null(c->session);
        assert_int_equal(commands(r), 1 + BURST);
        rig_destroy(r);
    }
}

static void a_violation_after_kept_commands_closes_in_its_turn(void **state)
{
    struct rig *r = with("violation", NULL, NULL);
    struct client *c = client_join(r, 0);
    struct pl_buf b = {0};

    (void)state;
    put_commands(&b, 10, 10);
    pl_buf_printf(&b, "\n{\"id\":99,\"connect\":{}}");
    put_commands(&b, 20, 10);
    pl_buf_put(&b, "", 1);
    client_say(c, b.data);
    pl_buf_fini(&b);
    say_frames(c, 50, 10);
    rig_run(r, 0);
    assert_int_equal(c->closed, 0);
    rig_run(r, 2000);
    assert_int_equal(take_answers(c, 10), 10);
    assert_int_equal(c->closed, 3501);
    assert_int_equal(commands(r), 1 + 10 + 1);
    rig_destroy(r);
}

static void keep(struct pl_call *call, void *context)
{
    *(struct pl_call **)context = call;
}

/* Logins wait for the test's verdict. */
static struct rig *with_logins(struct pl_call **kept,
                               const struct pl_late_options *late)
{
    const char *sets[] = {"limits.commands_per_second=10",
                          "limits.commands_burst=5", "ping.interval=0"};
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.sets = sets, .set_count = 3, .late = late};

    assert_int_equal(pl_handlers_with(none, "connect", keep, kept, &table),
                     PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    return rig_start("logins", &o);
}

/* What is wrong, or the Close, is seen while the login is pending, before
 * anything is known of the rate: it has its turn behind all commands. */
static void an_end_after_a_login_closes_in_its_turn(void **state)
{
    static const struct pl_late_options late = {.delay_ms = 4};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct pl_call *call = NULL;
        struct rig *r = with_logins(&call, i < 2 ? NULL : &late);
        struct client *c = client_open(r, 0);
        struct pl_buf b = {0}, frames = {0};

        pl_buf_printf(&b, "{\"id\":1,\"connect\":{}}");
        put_commands(&b, 10, 12);
        client_frame(&frames, 0x81, b.data, b.len);
        client_frame(&frames, i % 2 ? 0x88 : 0x83, "\x03\xe8", 2);
        client_feed(c, frames.data, frames.len);
        pl_buf_fini(&b);
        pl_buf_fini(&frames);
        rig_run(r, 0);
        pl_call_admit(call, PL_SPAN("u"), (struct pl_span){0});
        rig_run(r, 50);
        client_expect(c, "{\"id\":1,\"connect\":{*");
        assert_int_equal(take_answers(c, 10), BURST);
        assert_int_equal(c->closed, 0);
        pass(r, 2000);
        assert_int_equal(take_answers(c, 10 + BURST), 12 - BURST);
        client_expect_close(c, i % 2 ? 1000 : 1002);
        assert_int_equal(commands(r), 1 + 12);
        rig_check_ledgers(r);
        rig_destroy(r);
    }
}

static void a_client_that_leaves_while_throttled_leaves_nothing(void **state)
{
    struct rig *r = with("leaves", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    say_batch(c, 10, 30);
    say_frames(c, 40, 30);
    rig_run(r, 500);
    client_vanish(c);
    rig_run(r, 0);
    assert_null(c->session);
    rig_destroy(r); /* ledgers and gauges are checked there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_with_many_commands_is_answered_at_the_rate),
        cmocka_unit_test(many_messages_of_one_read_are_answered_at_the_rate),
        cmocka_unit_test(what_is_kept_goes_on_wherever_it_was_split),
        cmocka_unit_test(who_keeps_to_the_rate_never_waits),
        cmocka_unit_test(no_other_client_waits_for_a_throttled_one),
        cmocka_unit_test(without_the_limit_nothing_is_throttled),
        cmocka_unit_test(what_waited_for_the_login_keeps_to_the_rate_too),
        cmocka_unit_test(
            a_throttled_client_is_pinged_but_not_closed_for_a_pong),
        cmocka_unit_test(pongs_cost_nothing),
        cmocka_unit_test(a_stop_ends_a_throttled_client_in_time),
        cmocka_unit_test(a_violation_after_kept_commands_closes_in_its_turn),
        cmocka_unit_test(an_end_after_a_login_closes_in_its_turn),
        cmocka_unit_test(a_client_that_leaves_while_throttled_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
