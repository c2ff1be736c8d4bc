/* SPDX-License-Identifier: Apache-2.0 */
/* test_user_table.c - who is connected how often, across churn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "user_states.h"
#include "user_table.h"

static const struct pl_hash_key hash_key = {1, 2};

static int begin(void **state)
{
    struct pl_user_table *t;

    assert_int_equal(pl_user_table_create(&t, &hash_key), PL_OK);
    *state = t;
    return 0;
}

static int end(void **state)
{
    pl_user_table_destroy(*state);
    return 0;
}

static struct pl_address address_of(uint32_t n)
{
    return (struct pl_address){1, 2, n, n + 1};
}

static uint32_t add(struct pl_user_table *t, const char *user, uint32_t n)
{
    uint32_t handle;

    assert_int_equal(
        pl_user_table_register(t, pl_span_of(user), address_of(n), &handle),
        PL_OK);
    return handle;
}

static void assert_counts(const struct pl_user_table *t, size_t connections,
                          size_t one, size_t several)
{
    struct pl_user_counts c = pl_user_table_counts(t);

    assert_int_equal(c.connections, connections);
    assert_int_equal(c.users, one + several);
    assert_int_equal(c.users_with_one, one);
    assert_int_equal(c.users_with_several, several);
}

static void a16_a_user_is_gone_with_the_last_connection(void **state)
{
    struct pl_user_table *t = *state;
    uint32_t a = add(t, "ann", 1), b = add(t, "ann", 2), c = add(t, "bob", 3);

    assert_counts(t, 3, 1, 1);
    pl_user_table_unregister(t, a);
    assert_counts(t, 2, 2, 0);
    assert_int_equal(pl_user_table_count(t, PL_SPAN("ann")), 1);
    pl_user_table_unregister(t, b);
    assert_counts(t, 1, 1, 0);
    assert_int_equal(pl_user_table_count(t, PL_SPAN("ann")), 0);
    pl_user_table_unregister(t, c);
    assert_counts(t, 0, 0, 0);
}

static void names_are_bytes_and_the_empty_one_is_a_user_too(void **state)
{
    struct pl_user_table *t = *state;
    uint32_t handle;

    add(t, "", 1);
    add(t, "", 2);
    assert_int_equal(pl_user_table_register(t, (struct pl_span){"a\0b", 3},
                                            address_of(3), &handle),
                     PL_OK);
    add(t, "a", 4);
    assert_counts(t, 4, 2, 1);
    assert_int_equal(pl_user_table_count(t, (struct pl_span){NULL, 0}), 2);
    assert_int_equal(pl_user_table_count(t, (struct pl_span){"a\0b", 3}), 1);
    assert_int_equal(pl_user_table_count(t, (struct pl_span){"a\0c", 3}), 0);
}

struct seen {
    uint32_t slot[8];
    size_t count;
    struct pl_user_table *unregister_from; /* NULL: leave them in */
};

static void see(void *arg, uint32_t handle, struct pl_address address)
{
    struct seen *s = arg;

    assert_int_equal(address.generation, address.slot + 1);
    s->slot[s->count++] = address.slot;
    if (s->unregister_from != NULL)
        pl_user_table_unregister(s->unregister_from, handle);
}

static void each_visits_the_connections_of_one_user_newest_first(void **state)
{
    struct pl_user_table *t = *state;
    struct seen s = {.count = 0};
    uint32_t middle;

    add(t, "ann", 1);
    add(t, "bob", 2);
    middle = add(t, "ann", 3);
    add(t, "ann", 4);
    pl_user_table_each(t, PL_SPAN("ann"), see, &s);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.slot[0], 4);
    assert_int_equal(s.slot[1], 3);
    assert_int_equal(s.slot[2], 1);
    pl_user_table_unregister(t, middle);
    s.count = 0;
    pl_user_table_each(t, PL_SPAN("ann"), see, &s);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.slot[0], 4);
    assert_int_equal(s.slot[1], 1);
    s.count = 0;
    pl_user_table_each(t, PL_SPAN("eve"), see, &s);
    assert_int_equal(s.count, 0);
}

static void a_visit_may_unregister_what_it_is_given(void **state)
{
    struct pl_user_table *t = *state;
    struct seen s = {.unregister_from = t};

    for (uint32_t i = 0; i < 5; i++)
        add(t, "ann", i);
    add(t, "bob", 9);
    pl_user_table_each(t, PL_SPAN("ann"), see, &s);
    assert_int_equal(s.count, 5);
    assert_counts(t, 1, 1, 0);
}

static void handles_are_reused_after_they_were_given_back(void **state)
{
    struct pl_user_table *t = *state;
    uint32_t a = add(t, "ann", 1), most = a;

    pl_user_table_unregister(t, a);
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t handle = add(t, "ann", i);

        most = handle > most ? handle : most;
        pl_user_table_unregister(t, handle);
    }
    assert_int_equal(most, a);
    assert_counts(t, 0, 0, 0);
}

static void counts_stay_exact_through_random_churn(void **state)
{
    enum { USERS = 40, STEPS = 50000, MOST = 3000 };
    struct pl_user_table *t = *state;
    static uint32_t handle[MOST], owner[MOST];
    size_t per_user[USERS] = {0}, n = 0;
    uint64_t random = 88172645463325252u; /* xorshift64, fixed */

    for (uint32_t i = 0; i < STEPS; i++) {
        char name[16];
        size_t one = 0, several = 0, at;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (n < MOST && (n == 0 || random % 100 < 51)) {
            owner[n] = (uint32_t)(random >> 32) % USERS;
            snprintf(name, sizeof(name), "u%u", owner[n]);
            handle[n] = add(t, name, i);
            per_user[owner[n++]]++;
        } else {
            at = (random >> 16) % n;
            pl_user_table_unregister(t, handle[at]);
            per_user[owner[at]]--;
            n--;
            handle[at] = handle[n];
            owner[at] = owner[n];
        }
        for (size_t u = 0; u < USERS; u++) {
            one += per_user[u] == 1;
            several += per_user[u] > 1;
        }
        assert_counts(t, n, one, several);
    }
}

/* A step that walked through the connections of its user would need 10^10
 * steps here and run into the test's time limit. */
static void a_hundred_thousand_anonymous_connections_come_and_go(void **state)
{
    enum { N = 100000 };
    struct pl_user_table *t = *state;
    uint32_t *handle = malloc(N * sizeof(*handle));

    assert_non_null(handle);
    for (uint32_t i = 0; i < N; i++)
        handle[i] = add(t, "", i);
    assert_counts(t, N, 0, 1);
    for (uint32_t i = 0; i < N; i++) /* spread: 7919 is prime to N */
        pl_user_table_unregister(t, handle[(uint64_t)i * 7919 % N]);
    assert_counts(t, 0, 0, 0);
    free(handle);
}

struct sighting {
    unsigned stayed[1000]; /* how often each was seen */
    unsigned calls;
};

static void see_user(void *arg, struct pl_span user, size_t connections)
{
    struct sighting *s = arg;
    unsigned number;
    char name[16];

    snprintf(name, sizeof name, "%.*s", (int)user.len, user.at);
    if (sscanf(name, "stay-%u", &number) != 1)
        return;
    s->stayed[number]++;
    assert_int_equal(connections, 1);
}

static void a_scan_sees_each_user_that_stays_once_during_churn(void **state)
{
    enum { STAY = 1000, OTHERS = 3000 };
    struct pl_user_table *t = *state;
    struct sighting s = {.calls = 0};
    uint32_t handle[OTHERS];
    char name[16];
    uint64_t at = 0;
    unsigned n = OTHERS;

    for (unsigned i = 0; i < OTHERS; i++) {
        snprintf(name, sizeof name, "other-%u", i);
        handle[i] = add(t, name, i);
        if (i < STAY) {
            snprintf(name, sizeof name, "stay-%u", i);
            add(t, name, OTHERS + i);
        }
    }
    while (pl_user_table_scan(t, &at, see_user, &s)) {
        for (int i = 0; i < 10 && n > 0; i++)
            pl_user_table_unregister(t, handle[--n]);
        s.calls++;
    }
    assert_true(s.calls > 100);
    for (unsigned i = 0; i < STAY; i++)
        assert_int_equal(s.stayed[i], 1);
}

static void destroy_takes_null_and_a_full_table(void **state)
{
    pl_user_table_destroy(NULL);
    for (uint32_t i = 0; i < 3000; i++)
        add(*state, i % 2 == 0 ? "ann" : "bob", i);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

/* --- States --- */

enum { NOW_S = 1000000 };

struct states {
    struct pl_user_states *table;
    const char *online; /* the only user that is connected; NULL: nobody */
};

static bool is_online(void *arg, struct pl_span user)
{
    const struct states *s = arg;

    return s->online != NULL && pl_span_equal(user, pl_span_of(s->online));
}

static int begin_states(void **state)
{
    struct states *s = calloc(1, sizeof *s);

    assert_non_null(s);
    assert_int_equal(pl_user_states_create(&s->table, &hash_key, is_online, s),
                     PL_OK);
    *state = s;
    return 0;
}

static int end_states(void **state)
{
    struct states *s = *state;

    pl_user_states_destroy(s->table);
    free(s);
    return 0;
}

static void put(struct states *s, const char *user, const char *text,
                int64_t now_s)
{
    assert_int_equal(
        pl_user_states_put(s->table, pl_span_of(user), pl_span_of(text), now_s),
        PL_OK);
}

static bool find(struct states *s, const char *user, int64_t now_s,
                 struct pl_user_state *out)
{
    return pl_user_states_find(s->table, pl_span_of(user), now_s, out);
}

static void a_state_is_the_newest_and_may_be_removed(void **state)
{
    struct states *s = *state;
    struct pl_user_state got;

    put(s, "ann", "here", NOW_S);
    pl_user_states_leave(s->table, PL_SPAN("ann"), NOW_S + 1);
    pl_user_states_leave(s->table, PL_SPAN("bob"), NOW_S + 1);
    put(s, "ann", "away for long", NOW_S + 2);
    assert_int_equal(pl_user_states_count(s->table), 1);
    assert_true(find(s, "ann", NOW_S + 2, &got));
    assert_int_equal(got.active_s, NOW_S + 2);
    assert_int_equal(got.online_s, NOW_S + 1);
    assert_true(pl_span_equal(got.text, PL_SPAN("away for long")));
    assert_false(find(s, "bob", NOW_S + 2, &got));
    pl_user_states_remove(s->table, PL_SPAN("ann"));
    pl_user_states_remove(s->table, PL_SPAN("ann"));
    assert_false(find(s, "ann", NOW_S + 2, &got));
    assert_int_equal(pl_user_states_count(s->table), 0);
}

static void a_state_expires_unless_its_user_is_connected(void **state)
{
    struct states *s = *state;
    struct pl_user_state got;
    int64_t end_s = NOW_S + PL_USER_STATE_TTL_S;

    put(s, "ann", "", NOW_S);
    put(s, "bob", "", NOW_S);
    assert_true(find(s, "ann", end_s - 1, &got));
    s->online = "bob";
    put(s, "eve", "", end_s); /* the others are looked at */
    assert_int_equal(pl_user_states_count(s->table), 2);
    assert_false(find(s, "ann", end_s, &got));
    assert_true(find(s, "bob", end_s, &got));
    assert_int_equal(got.active_s, NOW_S);
}

static void beyond_their_bounds_the_oldest_states_are_forgotten(void **state)
{
    enum { LONG = PL_USER_STATES_BYTES_MAX / 4 };
    struct states *s = *state;
    struct pl_user_state got;
    char user[16], *text = calloc(1, LONG + 1);

    assert_non_null(text);
    for (int i = 0; i < PL_USER_STATES_MAX + 2; i++) {
        snprintf(user, sizeof user, "%d", i);
        put(s, user, "", NOW_S);
        if (i == 100)
            put(s, "0", "", NOW_S); /* it is renewed */
    }
    assert_int_equal(pl_user_states_count(s->table), PL_USER_STATES_MAX);
    assert_true(find(s, "0", NOW_S, &got));
    assert_false(find(s, "1", NOW_S, &got));
    assert_false(find(s, "2", NOW_S, &got));
    assert_true(find(s, "3", NOW_S, &got));
    memset(text, 'x', LONG);
    for (int i = 0; i < 6; i++) {
        snprintf(user, sizeof user, "long-%d", i);
        put(s, user, text, NOW_S);
    }
    assert_int_equal(pl_user_states_count(s->table), 3); /* and their names */
    assert_true(find(s, "long-5", NOW_S, &got));
    assert_false(find(s, "0", NOW_S, &got));
    free(text);
    text = calloc(1, PL_USER_STATES_BYTES_MAX + 1);
    assert_non_null(text);
    assert_int_equal(
        pl_user_states_put(s->table, PL_SPAN("x"),
                           (struct pl_span){text, PL_USER_STATES_BYTES_MAX},
                           NOW_S),
        PL_ETOOBIG);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a16_a_user_is_gone_with_the_last_connection),
        TEST(names_are_bytes_and_the_empty_one_is_a_user_too),
        TEST(each_visits_the_connections_of_one_user_newest_first),
        TEST(a_visit_may_unregister_what_it_is_given),
        TEST(handles_are_reused_after_they_were_given_back),
        TEST(counts_stay_exact_through_random_churn),
        TEST(a_hundred_thousand_anonymous_connections_come_and_go),
        TEST(a_scan_sees_each_user_that_stays_once_during_churn),
        TEST(destroy_takes_null_and_a_full_table),
        cmocka_unit_test_setup_teardown(
            a_state_is_the_newest_and_may_be_removed, begin_states, end_states),
        cmocka_unit_test_setup_teardown(
            a_state_expires_unless_its_user_is_connected, begin_states,
            end_states),
        cmocka_unit_test_setup_teardown(
            beyond_their_bounds_the_oldest_states_are_forgotten, begin_states,
            end_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
