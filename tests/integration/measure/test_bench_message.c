/* SPDX-License-Identifier: Apache-2.0 */
/* What parley bench says of messages that are missing, double, out of order or
 * damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "plan.h"

static struct bench_text text;
static struct bench_tally tally;
static struct bench_seen seen;
static uint32_t channel;

static int begin(void **state)
{
    (void)state;
    bench_text_init(&text, 200);
    memset(&tally, 0, sizeof tally);
    memset(&seen, 0, sizeof seen);
    channel = bench_text_seed("bench-1-0");
    return 0;
}

static int end(void **state)
{
    (void)state;
    bench_text_fini(&text);
    return 0;
}

static void hear(uint64_t number)
{
    bench_seen_count(&seen, number, &tally);
}

static void assert_tally(uint64_t received, uint64_t late, uint64_t doubled)
{
    assert_int_equal(tally.received, received);
    assert_int_equal(tally.late, late);
    assert_int_equal(tally.doubled, doubled);
}

static void what_comes_once_and_in_order_is_good(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 1000; n++)
        hear(n);
    assert_tally(1000, 0, 0);
}

static void what_is_jumped_over_is_not_received(void **state)
{
    (void)state;
    hear(1);
    hear(4);
    hear(200);
    assert_tally(3, 0, 0);
}

static void what_comes_again_is_double(void **state)
{
    (void)state;
    hear(1);
    hear(2);
    hear(2);
    hear(1);
    assert_tally(2, 0, 2);
}

static void what_comes_after_a_greater_number_is_late(void **state)
{
    (void)state;
    hear(2);
    hear(1);
    assert_tally(2, 1, 0);
    hear(66); /* 64 numbers are remembered, from 3 on */
    hear(3);
    assert_tally(4, 2, 0);
    hear(3);
    hear(2);
    assert_tally(4, 2, 2);
}

static void a_message_is_read_as_it_was_written(void **state)
{
    struct bench_message in = {0xfedc, 0xffffffffffu, 0xfedcba98765432u}, out;
    uint32_t sizes[] = {BENCH_MESSAGE_MIN, 64, 1000, BENCH_MESSAGE_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bench_text_fini(&text);
        bench_text_init(&text, sizes[i]);
        struct pl_span s = bench_text_write(&text, channel, &in);
        assert_int_equal(s.len, sizes[i]);
        assert_memory_equal(s.at + s.len - 2, "\"}", 2);
        assert_true(bench_text_read(&text, channel, s, &out));
        assert_int_equal(out.source, in.source);
        assert_int_equal(out.number, in.number);
        assert_true(out.due_ns == in.due_ns);
    }
}

static void each_changed_byte_is_damage(void **state)
{
    struct bench_message m = {1, 2, 3}, out;
    struct pl_span good = bench_text_write(&text, channel, &m);
    char bad[200];

    (void)state;
    for (size_t i = 0; i < good.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, good.at, good.len);
            bad[i] ^= (char)(1u << bit);
            struct pl_span s = {bad, good.len};
            assert_false(bench_text_read(&text, channel, s, &out));
        }
    }
    good.len--;
    assert_false(bench_text_read(&text, channel, good, &out));
}

static void a_message_of_another_channel_is_damage(void **state)
{
    struct bench_message m = {1, 2, 3}, out;
    struct pl_span s = bench_text_write(&text, channel, &m);

    (void)state;
    assert_false(bench_text_read(&text, bench_text_seed("bench-1-1"), s, &out));
    assert_true(bench_text_read(&text, channel, s, &out));
}

static void a_process_has_whole_groups(void **state)
{
    struct bench_plan plan = {.clients = 95, .share = 10, .processes = 4};

    (void)state;
    assert_int_equal(bench_plan_first(&plan, 0), 0);
    for (unsigned p = 1; p < 4; p++)
        assert_int_equal(bench_plan_first(&plan, p) % 10, 0);
    assert_int_equal(bench_plan_first(&plan, 4), 95);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_once_and_in_order_is_good),
        TEST(what_is_jumped_over_is_not_received),
        TEST(what_comes_again_is_double),
        TEST(what_comes_after_a_greater_number_is_late),
        TEST(a_message_is_read_as_it_was_written),
        TEST(each_changed_byte_is_damage),
        TEST(a_message_of_another_channel_is_damage),
        TEST(a_process_has_whole_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
