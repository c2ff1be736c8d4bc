/* SPDX-License-Identifier: Apache-2.0 */
/* test_outlet.c - mail for a thread without a loop: its order, and when the
 * descriptor is readable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "outlet.h"

enum { SENDERS = 4, NOTES = 20000, BYTES = 1000000 };

struct note {
    struct pl_msg msg; /* first */
    unsigned sender, number;
};

static struct pl_outlet *outlet;
static atomic_uint destroyed;

static void note_destroy(struct pl_msg *msg)
{
    atomic_fetch_add(&destroyed, 1);
    free(msg);
}

static void put(unsigned sender, unsigned number)
{
    struct note *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->msg.destroy = note_destroy;
    n->sender = sender;
    n->number = number;
    pl_outlet_put(outlet, &n->msg);
}

static bool is_readable(int wait_ms)
{
    struct pollfd p = {.fd = pl_outlet_fd(outlet), .events = POLLIN};

    return poll(&p, 1, wait_ms) == 1;
}

static struct note *take(void)
{
    bool has_space;
    struct pl_msg *msg = pl_outlet_take(outlet, &has_space);

    assert_false(has_space);
    return (struct note *)msg;
}

static void expect_note(unsigned number)
{
    struct note *n = take();

    assert_non_null(n);
    assert_int_equal(n->number, number);
    assert_null(n->msg.next);
    free(n);
}

static size_t size_of(const struct pl_msg *msg)
{
    return ((const struct note *)msg)->number * 100;
}

static int setup(void **state)
{
    (void)state;
    atomic_store(&destroyed, 0);
    return pl_outlet_create(&outlet, size_of) == PL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pl_outlet_destroy(outlet);
    return 0;
}

static void mail_is_taken_in_its_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        put(0, i);
    assert_int_equal(pl_outlet_count(outlet), 3);
    for (unsigned i = 0; i < 3; i++)
        expect_note(i);
    assert_null(take());
    assert_int_equal(pl_outlet_count(outlet), 0);
}

static void the_descriptor_is_readable_while_there_is_mail(void **state)
{
    (void)state;
    assert_false(is_readable(0));
    put(0, 1);
    put(0, 2);
    assert_true(is_readable(0));
    expect_note(1);
    assert_true(is_readable(0));
    expect_note(2);
    assert_false(is_readable(0));
    put(0, 3);
    assert_true(is_readable(0));
    expect_note(3);
    assert_false(is_readable(0));
}

/* Take one; return whether it said that there is space. */
static bool take_for_space(void)
{
    bool has_space;
    struct pl_msg *msg = pl_outlet_take(outlet, &has_space);

    assert_non_null(msg);
    free(msg);
    return has_space;
}

static void a_full_outlet_says_once_that_it_is_half_empty(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        put(0, i);
    assert_false(pl_outlet_is_full(outlet, 4, BYTES));
    put(0, 3);
    assert_true(pl_outlet_is_full(outlet, 4, BYTES));
    assert_true(pl_outlet_is_full(outlet, 4, BYTES));
    assert_false(take_for_space());
    assert_true(take_for_space());
    assert_false(take_for_space());
    put(0, 4);
    assert_false(take_for_space());
    assert_false(take_for_space());
    assert_null(take());
}

static void a_full_outlet_counts_bytes_too(void **state)
{
    (void)state;
    put(0, 1);
    put(0, 5);
    assert_false(pl_outlet_is_full(outlet, 100, 1000));
    put(0, 4);
    put(0, 1);
    assert_true(pl_outlet_is_full(outlet, 100, 1000));
    assert_false(take_for_space()); /* 1,000 bytes are left */
    assert_true(take_for_space());  /* 500 */
    assert_false(take_for_space());
    assert_false(take_for_space());
    put(0, 10); /* more than a whole limit */
    assert_true(pl_outlet_is_full(outlet, 100, 1000));
    assert_true(take_for_space());
}

static void an_outlet_for_one_has_room_when_it_is_empty(void **state)
{
    (void)state;
    put(0, 0);
    assert_true(pl_outlet_is_full(outlet, 1, BYTES));
    assert_true(take_for_space());
    assert_false(pl_outlet_is_full(outlet, 1, BYTES));
}

static void mail_that_nobody_took_is_destroyed(void **state)
{
    (void)state;
    put(0, 1);
    put(0, 2);
    pl_outlet_destroy(outlet);
    assert_int_equal(atomic_load(&destroyed), 2);
    assert_int_equal(pl_outlet_create(&outlet, size_of), PL_OK);
}

static void *send_many(void *arg)
{
    for (unsigned i = 0; i < NOTES; i++)
        put(*(unsigned *)arg, i);
    return NULL;
}

static void each_sender_keeps_its_order_among_threads(void **state)
{
    pthread_t thread[SENDERS];
    unsigned id[SENDERS], next[SENDERS] = {0};

    (void)state;
    for (unsigned i = 0; i < SENDERS; i++) {
        id[i] = i;
        pthread_create(&thread[i], NULL, send_many, &id[i]);
    }
    for (unsigned left = SENDERS * NOTES; left > 0;) {
        struct note *n;

        assert_true(is_readable(60000));
        while ((n = take()) != NULL) {
            assert_int_equal(n->number, next[n->sender]++);
            free(n);
            left--;
        }
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(thread[i], NULL);
    assert_false(is_readable(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mail_is_taken_in_its_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            the_descriptor_is_readable_while_there_is_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_full_outlet_says_once_that_it_is_half_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_outlet_counts_bytes_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            an_outlet_for_one_has_room_when_it_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(mail_that_nobody_took_is_destroyed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            each_sender_keeps_its_order_among_threads, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
