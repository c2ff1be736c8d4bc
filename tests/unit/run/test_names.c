/* SPDX-License-Identifier: Apache-2.0 */
/* test_names.c - the promises of names.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "names.h"

enum { THREADS = 4, ROUNDS = 3000, MANY = 500 };

static const struct pl_address first = {0, 1, 2, 3};
static const struct pl_address second = {0, 1, 2, 4};

static int setup(void **state)
{
    struct pl_names *n = NULL;

    if (pl_names_create(&n) != PL_OK)
        return -1;
    *state = n;
    return 0;
}

static int teardown(void **state)
{
    pl_names_destroy(*state);
    return 0;
}

static void a_registered_name_is_found(void **state)
{
    struct pl_address found = {0};

    assert_int_equal(pl_names_register(*state, PL_SPAN("hub"), first), PL_OK);
    assert_int_equal(pl_names_find(*state, PL_SPAN("hub"), &found), PL_OK);
    assert_true(pl_address_equal(found, first));
}

static void an_unknown_name_is_not_found_and_leaves_the_result(void **state)
{
    struct pl_address found = second;

    assert_int_equal(pl_names_register(*state, PL_SPAN("hub"), first), PL_OK);
    assert_int_equal(pl_names_find(*state, PL_SPAN("hu"), &found), PL_ENOENT);
    assert_int_equal(pl_names_find(*state, PL_SPAN("hub\0"), &found),
                     PL_ENOENT);
    assert_int_equal(pl_names_find(*state, PL_SPAN(""), &found), PL_ENOENT);
    assert_true(pl_address_equal(found, second));
}

static void a_name_has_one_actor(void **state)
{
    struct pl_address found;

    assert_int_equal(pl_names_register(*state, PL_SPAN("x"), first), PL_OK);
    assert_int_equal(pl_names_register(*state, PL_SPAN("x"), second),
                     PL_EEXIST);
    assert_int_equal(pl_names_find(*state, PL_SPAN("x"), &found), PL_OK);
    assert_true(pl_address_equal(found, first));
}

static void only_who_has_a_name_gives_it_up(void **state)
{
    struct pl_address found;

    assert_int_equal(pl_names_register(*state, PL_SPAN("x"), first), PL_OK);
    pl_names_unregister(*state, PL_SPAN("x"), second);
    pl_names_unregister(*state, PL_SPAN("y"), first);
    assert_int_equal(pl_names_find(*state, PL_SPAN("x"), &found), PL_OK);
    pl_names_unregister(*state, PL_SPAN("x"), first);
    assert_int_equal(pl_names_find(*state, PL_SPAN("x"), &found), PL_ENOENT);
    assert_int_equal(pl_names_register(*state, PL_SPAN("x"), second), PL_OK);
}

static void the_text_of_a_name_is_copied(void **state)
{
    char name[16];
    struct pl_address found;

    for (uint32_t i = 0; i < MANY; i++) {
        int len = snprintf(name, sizeof name, "name %u", (unsigned)i);

        assert_int_equal(pl_names_register(*state,
                                           (struct pl_span){name, (size_t)len},
                                           (struct pl_address){0, 0, i, 1}),
                         PL_OK);
    }
    assert_int_equal(pl_names_find(*state, PL_SPAN("name 123"), &found), PL_OK);
    assert_int_equal(found.slot, 123);
}

struct worker {
    struct pl_names *names;
    pthread_barrier_t *round;
    struct pl_address address;
    int won;
    int wrong;
};

static void *compete(void *arg)
{
    struct worker *w = arg;
    struct pl_address found;

    for (int i = 0; i < ROUNDS; i++) {
        int won =
            pl_names_register(w->names, PL_SPAN("prize"), w->address) == PL_OK;
        w->won += won;
        w->wrong +=
            pl_names_find(w->names, PL_SPAN("prize"), &found) != PL_OK ||
            pl_address_equal(found, w->address) != won;
        pthread_barrier_wait(w->round);
        pl_names_unregister(w->names, PL_SPAN("prize"), w->address);
        pthread_barrier_wait(w->round);
    }
    return NULL;
}

static void of_many_threads_one_gets_the_name(void **state)
{
    struct worker worker[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t round;
    int won = 0;

    pthread_barrier_init(&round, NULL, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){
            .names = *state, .round = &round, .address = {0, 0, i, 1}};
        assert_int_equal(pthread_create(&thread[i], NULL, compete, &worker[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        won += worker[i].won;
        assert_int_equal(worker[i].wrong, 0);
    }
    assert_int_equal(won, ROUNDS);
    pthread_barrier_destroy(&round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_registered_name_is_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            an_unknown_name_is_not_found_and_leaves_the_result, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_name_has_one_actor, setup, teardown),
        cmocka_unit_test_setup_teardown(only_who_has_a_name_gives_it_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_text_of_a_name_is_copied, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_many_threads_one_gets_the_name,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
