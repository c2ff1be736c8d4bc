/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "client_table.h"

enum { MANY = 20000 };

/* The table never looks behind a pointer. */
static struct pl_client *client(unsigned i)
{
    return (struct pl_client *)((uintptr_t)0x10000 + (uintptr_t)i * 16);
}

static void a_client_is_in_once_until_it_is_removed(void **state)
{
    struct pl_client_table t = {0};
    unsigned marks;

    (void)state;
    assert_false(pl_client_table_has(&t, client(1)));
    assert_false(pl_client_table_remove(&t, client(1), &marks));
    assert_int_equal(pl_client_table_add(&t, client(1)), PL_OK);
    assert_int_equal(pl_client_table_add(&t, client(1)), PL_EEXIST);
    assert_int_equal(t.count, 1);
    assert_true(pl_client_table_has(&t, client(1)));
    assert_true(pl_client_table_remove(&t, client(1), &marks));
    assert_int_equal(marks, 0);
    assert_false(pl_client_table_has(&t, client(1)));
    assert_null(t.slot);
}

static void marks_stay_with_their_client(void **state)
{
    struct pl_client_table t = {0};
    unsigned marks;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(pl_client_table_add(&t, client(i)), PL_OK);
        pl_client_table_mark(&t, client(i), i % 4);
    }
    for (unsigned i = 0; i < 100; i++) {
        assert_true(pl_client_table_remove(&t, client(i), &marks));
        assert_int_equal(marks, i % 4);
    }
    assert_null(t.slot);
}

static void many_come_and_go_and_nobody_is_lost(void **state)
{
    static bool is_in[2000];
    struct pl_client_table t = {0};
    uint32_t count = 0;
    uint64_t x = 88172645463325252u;
    unsigned marks;

    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        /* the bound moves, so the table grows and shrinks */
        unsigned n = (unsigned)(x % (i / 50000 % 2 == 0 ? 2000 : 40));

        assert_int_equal(pl_client_table_has(&t, client(n)), is_in[n]);
        if (is_in[n] || i / 50000 % 2 == 1) {
            unsigned gone = is_in[n] ? n : (unsigned)(x >> 32) % 2000;

            assert_int_equal(pl_client_table_remove(&t, client(gone), &marks),
                             is_in[gone]);
            count -= is_in[gone];
            is_in[gone] = false;
        } else {
            assert_int_equal(pl_client_table_add(&t, client(n)), PL_OK);
            is_in[n] = true;
            count++;
        }
        assert_int_equal(t.count, count);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < t.cap; i++)
        seen += pl_client_table_at(&t, i) != NULL;
    assert_int_equal(seen, count);
    pl_client_table_fini(&t);
}

static void an_entry_takes_at_most_13_bytes(void **state)
{
    struct pl_client_table t = {0};
    unsigned marks;

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(pl_client_table_add(&t, client(i)), PL_OK);
        if (t.count >= 100)
            assert_in_range(t.cap * sizeof *t.slot / t.count, 10, 13);
    }
    for (unsigned i = 0; i < MANY - 100; i++)
        assert_true(pl_client_table_remove(&t, client(i), &marks));
    assert_in_range(t.cap * sizeof *t.slot / t.count, 10, 21);
    pl_client_table_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_in_once_until_it_is_removed),
        cmocka_unit_test(marks_stay_with_their_client),
        cmocka_unit_test(many_come_and_go_and_nobody_is_lost),
        cmocka_unit_test(an_entry_takes_at_most_13_bytes),
    };

    return cmocka_run_group_tests_name("client_table", tests, NULL, NULL);
}
