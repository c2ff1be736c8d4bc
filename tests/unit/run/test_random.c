/* SPDX-License-Identifier: Apache-2.0 */
/* test_random.c - the published numbers, repeatable and unguessable streams,
 * and the clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "random.h"

/* The first numbers of xoshiro256** from the state 1, 2, 3, 4, worked out from
 * the paper's definition. */
static void the_generator_is_the_published_one(void **state)
{
    struct pl_random r = {.state = {1, 2, 3, 4}, .is_seeded = 1};

    (void)state;
    assert_int_equal(pl_random_u64(&r), 11520);
    assert_int_equal(pl_random_u64(&r), 0);
    assert_int_equal(pl_random_u64(&r), 1509978240);
    assert_int_equal(pl_random_u64(&r), UINT64_C(1215971899390074240));
}

/* splitmix64 from 0 gives this first. */
static void the_seed_is_spread_by_splitmix(void **state)
{
    struct pl_random r;

    (void)state;
    pl_random_init_seeded(&r, 0);
    assert_int_equal(r.state[0], UINT64_C(0xe220a8397b1dcdaf));
    assert_int_equal(r.state[1], UINT64_C(0x6e789e6aa1b965f4));
}

static void the_same_seed_repeats_the_stream(void **state)
{
    struct pl_random a, b, c;
    char x[100], y[100], z[100];

    (void)state;
    pl_random_init_seeded(&a, 42);
    pl_random_init_seeded(&b, 42);
    pl_random_init_seeded(&c, 43);
    pl_random_bytes(&a, x, sizeof x);
    pl_random_bytes(&b, y, sizeof y);
    pl_random_bytes(&c, z, sizeof z);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, z, sizeof x);
}

static void kernel_numbers_do_not_repeat_across_the_pool(void **state)
{
    struct pl_random r;
    uint64_t seen[1000];
    char large[1000] = {0}, zero[1000] = {0};

    (void)state;
    pl_random_init(&r);
    for (unsigned i = 0; i < 1000; i++) {
        seen[i] = pl_random_u64(&r);
        for (unsigned k = 0; k < i; k++)
            assert_true(seen[k] != seen[i]);
    }
    pl_random_bytes(&r, large, sizeof large);
    assert_memory_not_equal(large, zero, sizeof large);
    pl_random_bytes(&r, large, 0);
}

static void bytes_once_given_are_wiped_from_the_pool(void **state)
{
    struct pl_random r;
    char out[256], zero[256] = {0};

    (void)state;
    pl_random_init(&r);
    pl_random_bytes(&r, out, sizeof out);
    assert_int_equal(r.left, 0);
    assert_memory_equal(r.pool, zero, sizeof zero);
}

static void a_bound_is_kept_and_each_number_comes(void **state)
{
    struct pl_random r;
    unsigned seen[7] = {0};

    (void)state;
    pl_random_init_seeded(&r, 1);
    for (unsigned i = 0; i < 7000; i++) {
        uint64_t x = pl_random_below(&r, 7);
        assert_true(x < 7);
        seen[x]++;
    }
    for (unsigned i = 0; i < 7; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(pl_random_below(&r, 1), 0);
    assert_true(pl_random_below(&r, UINT64_MAX) < UINT64_MAX);
}

static void a_driven_clock_stands_still_between_drives(void **state)
{
    struct pl_clock_driven d;

    (void)state;
    pl_clock_driven_init(&d);
    d.wall_ms = 5000;
    assert_int_equal(d.clock.monotonic(&d.clock), 0);
    for (unsigned i = 0; i < 10; i++)
        pl_clock_driven_advance(&d, 250000);
    assert_int_equal(d.clock.monotonic(&d.clock), 2500000);
    assert_int_equal(d.clock.wall(&d.clock), 5002);
}

static void the_machines_clock_never_goes_back(void **state)
{
    const struct pl_clock *c = &pl_clock_system;
    uint64_t before = c->monotonic(c);

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = c->monotonic(c);
        assert_true(now >= before);
        before = now;
    }
    assert_true(c->wall(c) > UINT64_C(1600000000000)); /* after 2020 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_the_published_one),
        cmocka_unit_test(the_seed_is_spread_by_splitmix),
        cmocka_unit_test(the_same_seed_repeats_the_stream),
        cmocka_unit_test(kernel_numbers_do_not_repeat_across_the_pool),
        cmocka_unit_test(bytes_once_given_are_wiped_from_the_pool),
        cmocka_unit_test(a_bound_is_kept_and_each_number_comes),
        cmocka_unit_test(a_driven_clock_stands_still_between_drives),
        cmocka_unit_test(the_machines_clock_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
