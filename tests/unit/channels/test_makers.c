/* SPDX-License-Identifier: Apache-2.0 */
/* test_makers.c - how many new channels each client may make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "makers.h"
#include "publish_rate.h"

enum { MINUTE = 60000 };

static struct pl_random random_numbers;

static struct pl_client *make(const char *user, const char *place)
{
    const struct pl_client_fields f = {.user = pl_span_of(user),
                                       .place = pl_span_of(place)};
    struct pl_client *c;

    assert_int_equal(
        pl_client_create_with(&c, (struct pl_address){0}, &random_numbers, &f),
        PL_OK);
    return c;
}

static void init(struct pl_makers *m, uint32_t per_minute, uint32_t burst)
{
    pl_random_init_seeded(&random_numbers, 7);
    pl_makers_init(m, per_minute, burst, &random_numbers);
}

static unsigned take_all(struct pl_makers *m, struct pl_client *c, uint64_t ms)
{
    unsigned count = 0;

    while (count < 1000 && pl_makers_take(m, c, ms))
        count++;
    return count;
}

static void a_burst_passes_and_then_the_rate(void **state)
{
    struct pl_makers m;
    struct pl_client *c = make("ann", "");

    (void)state;
    init(&m, 60, 10);
    assert_int_equal(take_all(&m, c, 1), 10);
    assert_int_equal(take_all(&m, c, 999), 0);
    assert_int_equal(take_all(&m, c, 1001), 1);
    assert_int_equal(take_all(&m, c, 4001), 3);
    assert_int_equal(take_all(&m, c, MINUTE), 10);
    pl_client_release(c);
    pl_makers_fini(&m);
}

static void without_a_limit_nothing_is_kept(void **state)
{
    struct pl_makers m;
    struct pl_client *c = make("ann", "");

    (void)state;
    init(&m, 0, 0);
    assert_int_equal(take_all(&m, c, 1), 1000);
    assert_int_equal(m.map.count, 0);
    pl_client_release(c);
    pl_makers_fini(&m);
}

/* Each line: two clients, and whether they share a rate. */
static void a_user_or_else_an_address_has_one_rate(void **state)
{
    static const struct {
        const char *user[2], *place[2];
        bool is_one;
    } rows[] = {
        {{"ann", "ann"}, {"", ""}, true},
        {{"ann", "bob"}, {"", ""}, false},
        {{"ann", "ann"}, {"0123456789abcdef", "fedcba9876543210"}, true},
        {{"ann", "bob"}, {"0123456789abcdef", "0123456789abcdef"}, false},
        {{"", ""}, {"0123456789abcdef", "0123456789abcdef"}, true},
        {{"", ""}, {"0123456789abcdef", "fedcba9876543210"}, false},
        {{"", "0123456789abcdef"}, {"0123456789abcdef", ""}, false},
        {{"", ""}, {"", ""}, false}, /* two connections */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_makers m;

        init(&m, 5, 5);
        struct pl_client *a = make(rows[i].user[0], rows[i].place[0]);
        struct pl_client *b = make(rows[i].user[1], rows[i].place[1]);
        assert_int_equal(take_all(&m, a, 1), 5);
        assert_int_equal(take_all(&m, b, 1), rows[i].is_one ? 0 : 5);
        pl_client_release(a);
        pl_client_release(b);
        pl_makers_fini(&m);
    }
}

static void entries_expire(void **state)
{
    struct pl_makers m;
    char name[8];

    (void)state;
    init(&m, 60, 60);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "u%u", i);
        struct pl_client *c = make(name, "");
        assert_true(pl_makers_take(&m, c, 1));
        pl_client_release(c);
    }
    assert_int_equal(m.map.count, 100);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "v%u", i);
        struct pl_client *c = make(name, "");
        assert_true(pl_makers_take(&m, c, 2 * MINUTE));
        pl_client_release(c);
    }
    assert_int_equal(m.map.count, 30);
    pl_makers_fini(&m);
}

/* Who makes many is never the oldest. */
static void a_full_table_gives_up_the_oldest(void **state)
{
    struct pl_makers m;
    struct pl_client *busy = make("busy", "");
    char name[8];

    (void)state;
    init(&m, 60, 60);
    m.entries_max = 8;
    assert_int_equal(take_all(&m, busy, 1), 60);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "u%u", i);
        struct pl_client *c = make(name, "");
        assert_true(pl_makers_take(&m, c, 1));
        assert_false(pl_makers_take(&m, busy, 1));
        assert_true(m.map.count <= 8);
        pl_client_release(c);
    }
    pl_client_release(busy);
    pl_makers_fini(&m);
}

/* More channels than places: each new one is in its right. */
static void channels_beyond_the_table_have_their_rate_at_least(void **state)
{
    const struct pl_rules r = {.publish_rate = 1, .publish_burst = 2};
    struct pl_publish_rate p = {NULL};

    (void)state;
    for (uint64_t i = 1; i <= 2 * PL_PUBLISH_RATE_CHANNELS; i++)
        assert_true(pl_publish_rate_allows(&p, &r, i, 1000));
    /* of few channels each has its own place, and no more than its rate */
    for (uint64_t i = 0; i < 8; i++) {
        assert_true(pl_publish_rate_allows(&p, &r, 8 * i + 100000000, 9000000));
        assert_true(pl_publish_rate_allows(&p, &r, 8 * i + 100000000, 9000000));
    }
    for (uint64_t i = 0; i < 8; i++)
        assert_false(
            pl_publish_rate_allows(&p, &r, 8 * i + 100000000, 9000999));
    assert_true(pl_publish_rate_allows(&p, &r, 100000000, 9001000));
    pl_publish_rate_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_beyond_the_table_have_their_rate_at_least),
        cmocka_unit_test(a_burst_passes_and_then_the_rate),
        cmocka_unit_test(without_a_limit_nothing_is_kept),
        cmocka_unit_test(a_user_or_else_an_address_has_one_rate),
        cmocka_unit_test(entries_expire),
        cmocka_unit_test(a_full_table_gives_up_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
