/* SPDX-License-Identifier: Apache-2.0 */
/* What parley-load says of messages that are missing, double or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "plan.h"
#include "talk.h"

static struct check_text text;
static struct check_tally tally;
static uint64_t next;

static int begin(void **state)
{
    (void)state;
    check_text_init(&text, 200);
    memset(&tally, 0, sizeof tally);
    next = 1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    check_text_fini(&text);
    return 0;
}

static void hear(uint64_t number)
{
    check_message(&text, &tally, &next, check_text_number(&text, number));
}

static void assert_tally(uint64_t received, uint64_t lost, uint64_t doubled,
                         uint64_t damaged)
{
    assert_int_equal(tally.received, received);
    assert_int_equal(tally.lost, lost);
    assert_int_equal(tally.doubled, doubled);
    assert_int_equal(tally.damaged, damaged);
}

static void what_comes_once_and_in_order_is_good(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 1000; n++)
        hear(n);
    assert_tally(1000, 0, 0, 0);
}

static void what_is_jumped_over_is_lost(void **state)
{
    (void)state;
    hear(1);
    hear(4);
    assert_tally(2, 2, 0, 0);
}

static void what_comes_again_is_double(void **state)
{
    (void)state;
    hear(1);
    hear(2);
    hear(2);
    hear(1);
    assert_tally(2, 0, 2, 0);
}

static void each_changed_byte_is_damage(void **state)
{
    struct pl_span good = check_text_number(&text, 1);
    char bad[200];

    (void)state;
    for (size_t i = 0; i < good.len; i++) {
        memcpy(bad, good.at, good.len);
        bad[i] ^= 0x40;
        check_message(&text, &tally, &next, (struct pl_span){bad, good.len});
    }
    assert_tally(0, 0, 0, good.len);
    check_message(&text, &tally, &next,
                  (struct pl_span){good.at, good.len - 1});
    assert_int_equal(tally.damaged, good.len + 1);
}

static void a_process_has_whole_groups(void **state)
{
    struct plan plan = {.clients = 95, .share = 10, .processes = 4};

    (void)state;
    assert_int_equal(plan_first(&plan, 0), 0);
    for (unsigned p = 1; p < 4; p++)
        assert_int_equal(plan_first(&plan, p) % 10, 0);
    assert_int_equal(plan_first(&plan, 4), 95);
}

static void a_truncated_reply_is_malformed(void **state)
{
    /* a publication "ab" with offset 7 in the channel "c" */
    static const char bytes[] = {0x0d, 0x22, 0x0b, 0x12, 0x01, 'c',  0x22,
                                 0x06, 0x22, 0x02, 'a',  'b',  0x30, 0x07};
    struct pl_span whole = {bytes, sizeof bytes};
    struct talk_heard h;

    (void)state;
    assert_true(talk_hear(&whole, &h));
    assert_int_equal(whole.len, 0);
    assert_int_equal(h.kind, TALK_PUBLICATION);
    assert_int_equal(h.offset, 7);
    assert_true(pl_span_equal(h.channel, PL_SPAN("c")));
    assert_true(pl_span_equal(h.data, PL_SPAN("ab")));
    for (size_t len = 0; len < sizeof bytes; len++) {
        struct pl_span cut = {bytes, len};

        assert_false(talk_hear(&cut, &h));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_comes_once_and_in_order_is_good,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_is_jumped_over_is_lost, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_comes_again_is_double, begin, end),
        cmocka_unit_test_setup_teardown(each_changed_byte_is_damage, begin,
                                        end),
        cmocka_unit_test(a_process_has_whole_groups),
        cmocka_unit_test(a_truncated_reply_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
