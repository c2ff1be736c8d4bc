/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "presence_memory.h"
#include "random.h"

enum { CLIENTS = 1000 };

static struct pl_client *clients[CLIENTS];
static struct pl_presence *store;

static int setup(void **state)
{
    struct pl_random random;

    (void)state;
    pl_random_init_seeded(&random, 3);
    for (unsigned i = 0; i < CLIENTS; i++) {
        char user[16]; /* three connections a user; the first is anonymous */
        int len = i < 3 ? 0 : snprintf(user, sizeof user, "%u", i / 3);

        if (pl_client_create(&clients[i], (struct pl_address){0, 0, 1, 1},
                             &random, (struct pl_span){user, (size_t)len},
                             (struct pl_span){NULL, 0}) != PL_OK)
            return -1;
    }
    return pl_presence_memory_create(&store, &random) == PL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store->ops->destroy(store);
    for (unsigned i = 0; i < CLIENTS; i++)
        pl_client_release(clients[i]);
    return 0;
}

static void change(unsigned i, const char *channel, bool add)
{
    struct pl_presence_change r = {
        .op = {.channel = pl_span_of(channel), .hash = (uint64_t)channel[0]},
        .client = clients[i]};

    assert_int_equal(add ? store->ops->add(store, &r)
                         : store->ops->remove(store, &r),
                     PL_STORE_DONE);
    assert_int_equal(r.op.error, PL_OK);
}

static void expect_stats(const char *channel, uint32_t n, uint32_t users)
{
    struct pl_presence_stats r = {
        .op = {.channel = pl_span_of(channel), .hash = (uint64_t)channel[0]}};

    assert_int_equal(store->ops->stats(store, &r), PL_STORE_DONE);
    assert_int_equal(r.op.error, PL_OK);
    assert_int_equal(r.clients, n);
    assert_int_equal(r.users, users);
}

static void stats_count_different_users_after_every_change(void **state)
{
    (void)state;
    expect_stats("a", 0, 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        change(i, "a", true);
        expect_stats("a", i + 1, i / 3 + 1);
    }
    for (unsigned i = CLIENTS; i-- > 0;) {
        change(i, "a", false);
        expect_stats("a", i, (i + 2) / 3);
    }
}

static void adding_and_removing_twice_changes_nothing(void **state)
{
    (void)state;
    change(1, "a", true);
    change(1, "a", true);
    expect_stats("a", 1, 1);
    change(1, "a", false);
    change(1, "a", false);
    expect_stats("a", 0, 0);
}

static void channels_are_apart_even_with_one_hash(void **state)
{
    (void)state;
    change(1, "a", true);
    change(2, "ab", true);
    expect_stats("a", 1, 1);
    expect_stats("ab", 1, 1);
    change(2, "a", false);
    expect_stats("ab", 1, 1);
    change(1, "a", false);
    change(2, "ab", false);
}

static void get_gives_every_client_held(void **state)
{
    struct pl_presence_get r = {.op = {.channel = PL_SPAN("a"), .hash = 'a'}};

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        change(i, "a", true);
    assert_int_equal(store->ops->get(store, &r), PL_STORE_DONE);
    assert_int_equal(r.count, 10);
    for (unsigned i = 0; i < 10; i++)
        change(i, "a", false);
    for (unsigned i = 0; i < 10; i++) {
        unsigned found = 0;

        for (unsigned k = 0; k < 10; k++)
            found += r.clients[k] == clients[i];
        assert_int_equal(found, 1);
    }
    for (unsigned k = 0; k < 10; k++)
        pl_client_release(r.clients[k]);
    free(r.clients);
}

static void show(unsigned i, const char *channel, struct pl_client *as)
{
    struct pl_presence_change r = {
        .op = {.channel = pl_span_of(channel), .hash = (uint64_t)channel[0]},
        .client = clients[i],
        .shown = as};

    store->ops->add(store, &r);
    assert_int_equal(r.op.error, PL_OK);
}

/* Get the only client of a channel, without a reference. */
static struct pl_client *only(const char *channel)
{
    struct pl_presence_get r = {
        .op = {.channel = pl_span_of(channel), .hash = (uint64_t)channel[0]}};

    store->ops->get(store, &r);
    assert_int_equal(r.count, 1);
    struct pl_client *c = r.clients[0];
    pl_client_release(c);
    free(r.clients);
    return c;
}

static void a_client_is_shown_as_it_was_added_last(void **state)
{
    struct pl_client *one, *two;

    (void)state;
    assert_int_equal(
        pl_client_create_shown(&one, clients[1], PL_SPAN("{\"a\":1}")), PL_OK);
    assert_int_equal(pl_client_create_shown(&two, clients[1], PL_SPAN("2")),
                     PL_OK);
    show(1, "a", one);
    show(1, "b", two);
    assert_ptr_equal(only("a"), one);
    assert_ptr_equal(only("b"), two);
    show(1, "a", two);
    assert_ptr_equal(only("a"), two);
    show(1, "a", NULL);
    assert_ptr_equal(only("a"), clients[1]);
    show(1, "a", one);
    change(1, "a", false);
    change(1, "a", true);
    assert_ptr_equal(only("a"), clients[1]);
    expect_stats("a", 1, 1);
    change(1, "a", false);
    assert_ptr_equal(only("b"), two); /* until the store is destroyed */
    pl_client_release(one);
    pl_client_release(two);
}

static void destroy_releases_who_is_left(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; i++)
        change(i, i % 2 == 0 ? "a" : "b", true);
    /* teardown destroys; the leak checker decides */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_count_different_users_after_every_change),
        cmocka_unit_test(adding_and_removing_twice_changes_nothing),
        cmocka_unit_test(channels_are_apart_even_with_one_hash),
        cmocka_unit_test(get_gives_every_client_held),
        cmocka_unit_test(a_client_is_shown_as_it_was_added_last),
        cmocka_unit_test(destroy_releases_who_is_left),
    };

    return cmocka_run_group_tests_name("presence_memory", tests, setup,
                                       teardown);
}
