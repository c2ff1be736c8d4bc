/* SPDX-License-Identifier: Apache-2.0 */
/* test_map.c - the promises of map.h, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "list.h"
#include "map.h"

enum { MANY = 20000 };

struct thing {
    struct pl_map_node node;
    unsigned key;
    bool is_in;
    unsigned visits;
};

static struct thing things[MANY];

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool out_of_memory;

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory ? NULL : __real_calloc(count, size);
}

static uint64_t hash_of(unsigned key)
{
    return key * 0x9e3779b97f4a7c15u >> 20;
}

static bool has_key(const struct pl_map_node *n, const void *key)
{
    return PL_CONTAINER(n, struct thing, node)->key == *(const unsigned *)key;
}

static struct thing *find(const struct pl_map *m, unsigned key)
{
    struct pl_map_node *n = pl_map_find(m, hash_of(key), has_key, &key);

    return n == NULL ? NULL : PL_CONTAINER(n, struct thing, node);
}

static void add(struct pl_map *m, unsigned key)
{
    things[key] = (struct thing){.key = key, .is_in = true};
    assert_int_equal(pl_map_add(m, &things[key].node, hash_of(key)), PL_OK);
}

static void take(struct pl_map *m, unsigned key)
{
    pl_map_remove(m, &things[key].node);
    things[key].is_in = false;
}

static void check_all(const struct pl_map *m)
{
    size_t count = 0;

    for (unsigned i = 0; i < MANY; i++) {
        assert_ptr_equal(find(m, i), things[i].is_in ? &things[i] : NULL);
        count += things[i].is_in;
    }
    assert_int_equal(m->count, count);
}

static int forget(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        things[i] = (struct thing){.key = i};
    return 0;
}

static void an_empty_map_owns_and_finds_nothing(void **state)
{
    struct pl_map m = {0};

    (void)state;
    assert_null(find(&m, 1));
    assert_null(m.chain[0]);
    pl_map_fini(&m);
}

static void what_was_added_is_found_at_every_size(void **state)
{
    struct pl_map m = {0};

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        add(&m, i);
        assert_ptr_equal(find(&m, i), &things[i]);
        assert_ptr_equal(find(&m, i / 2), &things[i / 2]);
        assert_null(find(&m, i + 1));
    }
    check_all(&m);
    pl_map_fini(&m);
}

static void a_random_walk_of_changes_keeps_the_map_right(void **state)
{
    struct pl_map m = {0};
    unsigned random = 12345;

    (void)state;
    for (int phase = 0; phase < 6; phase++) {
        for (int i = 0; i < MANY; i++) {
            random = random * 1103515245 + 12345;
            unsigned key = (random >> 8) % MANY;
            bool grow = phase % 2 == 0 ? (random >> 4) % 8 != 0
                                       : (random >> 4) % 8 == 0;

            if (things[key].is_in && !grow)
                take(&m, key);
            else if (!things[key].is_in && grow)
                add(&m, key);
        }
        check_all(&m);
    }
    pl_map_fini(&m);
}

/* However large the table, one change moves at most a few chains. */
static void no_single_change_moves_many(void **state)
{
    struct pl_map m = {0};

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        bool was_moving = m.chain[1] != NULL;
        size_t before = m.moved;

        add(&m, i);
        if (was_moving && m.chain[1] != NULL)
            assert_true(m.moved - before <= 8);
        assert_true(m.count <= (m.mask[0] + 1) * 2);
    }
    pl_map_fini(&m);
}

static void a_table_shrinks_with_its_content(void **state)
{
    struct pl_map m = {0};

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        add(&m, i);
    for (unsigned i = 100; i < MANY; i++)
        take(&m, i);
    check_all(&m);
    assert_true(m.mask[0] < 1024);
    for (unsigned i = 0; i < 100; i++)
        take(&m, i);
    assert_int_equal(m.count, 0);
    assert_null(m.chain[1]);
    assert_true(m.mask[0] < 32);
    pl_map_fini(&m);
}

static void things_with_one_hash_are_told_apart(void **state)
{
    struct pl_map m = {0};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        things[i] = (struct thing){.key = i};
        assert_int_equal(pl_map_add(&m, &things[i].node, 7), PL_OK);
    }
    for (unsigned i = 0; i < 100; i += 2)
        pl_map_remove(&m, &things[i].node);
    for (unsigned i = 0; i < 100; i++) {
        struct pl_map_node *n = pl_map_find(&m, 7, has_key, &i);

        assert_ptr_equal(n, i % 2 == 0 ? NULL : &things[i].node);
    }
    pl_map_fini(&m);
}

static void visit(struct pl_map_node *n, void *arg)
{
    struct thing *t = PL_CONTAINER(n, struct thing, node);

    t->visits++;
    if (arg != NULL && t->key % 16 != 3)
        take(arg, t->key);
}

static void each_thing_is_visited_once_also_when_it_is_removed(void **state)
{
    (void)state;
    for (unsigned size = 1; size < MANY; size = size * 5 / 4 + 1) {
        struct pl_map m = {0};

        forget(NULL);
        for (unsigned i = 0; i < size; i++)
            add(&m, i);
        pl_map_each(&m, visit, NULL);
        pl_map_each(&m, visit, &m);
        for (unsigned i = 0; i < MANY; i++)
            assert_int_equal(things[i].visits, i < size ? 2 : 0);
        check_all(&m);
        for (unsigned i = 3; i < size; i += 16)
            take(&m, i);
        assert_int_equal(m.count, 0);
        pl_map_fini(&m);
    }
}

static void take_all(struct pl_map_node *n, void *arg)
{
    take(arg, PL_CONTAINER(n, struct thing, node)->key);
}

static void a_walk_may_empty_the_map(void **state)
{
    struct pl_map m = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        add(&m, i);
    pl_map_each(&m, take_all, &m);
    assert_int_equal(m.count, 0);
    pl_map_each(&m, take_all, &m);
    add(&m, 5);
    check_all(&m);
    pl_map_fini(&m);
}

static void without_memory_the_first_fails_and_later_ones_do_not(void **state)
{
    struct pl_map m = {0};

    (void)state;
    out_of_memory = true;
    assert_int_equal(pl_map_add(&m, &things[0].node, 1), PL_ENOMEM);
    assert_int_equal(m.count, 0);
    out_of_memory = false;
    add(&m, 0);
    out_of_memory = true;
    for (unsigned i = 1; i < 1000; i++)
        add(&m, i);
    out_of_memory = false;
    check_all(&m);
    pl_map_fini(&m);
}

static void count_visit(struct pl_map_node *n, void *arg)
{
    (void)arg;
    PL_CONTAINER(n, struct thing, node)->visits++;
}

/* Things from MANY / 2 on stay; the others come or go, by `grows`. */
static void churn(struct pl_map *m, unsigned *random, bool grows)
{
    for (int i = 0; i < 40; i++) {
        *random = *random * 1103515245 + 12345;
        unsigned key = (*random >> 8) % (MANY / 2);

        if (things[key].is_in && !grows)
            take(m, key);
        else if (!things[key].is_in && grows)
            add(m, key);
    }
}

/* `stay`: so few that the others decide the size of the table. */
static void scan_during_churn(unsigned stay, bool grows)
{
    struct pl_map m = {0};
    unsigned random = 99, steps = 0;
    uint64_t at = 0;

    for (unsigned i = 0; i < MANY / 2 && !grows; i++)
        add(&m, i);
    for (unsigned i = 0; i < stay; i++)
        add(&m, MANY / 2 + i);
    size_t mask = m.mask[0];
    while (pl_map_scan(&m, &at, count_visit, NULL)) {
        churn(&m, &random, grows);
        steps++;
    }
    assert_int_not_equal(m.mask[0], mask);
    assert_true(steps >= 15);
    for (unsigned i = 0; i < stay; i++)
        assert_int_equal(things[MANY / 2 + i].visits, 1);
    pl_map_fini(&m);
}

static void a_scan_visits_what_stays_once_while_the_table_grows(void **state)
{
    (void)state;
    scan_during_churn(50, true);
}

static void a_scan_visits_what_stays_once_while_the_table_shrinks(void **state)
{
    (void)state;
    scan_during_churn(50, false);
}

static void a_scan_of_an_empty_map_ends_at_once(void **state)
{
    struct pl_map m = {0};
    uint64_t at = 0;

    (void)state;
    assert_false(pl_map_scan(&m, &at, count_visit, NULL));
    add(&m, 1);
    while (pl_map_scan(&m, &at, count_visit, NULL))
        ;
    assert_int_equal(things[1].visits, 1);
    pl_map_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_map_owns_and_finds_nothing, forget),
        cmocka_unit_test_setup(what_was_added_is_found_at_every_size, forget),
        cmocka_unit_test_setup(a_random_walk_of_changes_keeps_the_map_right,
                               forget),
        cmocka_unit_test_setup(no_single_change_moves_many, forget),
        cmocka_unit_test_setup(a_table_shrinks_with_its_content, forget),
        cmocka_unit_test_setup(things_with_one_hash_are_told_apart, forget),
        cmocka_unit_test_setup(
            each_thing_is_visited_once_also_when_it_is_removed, forget),
        cmocka_unit_test_setup(a_walk_may_empty_the_map, forget),
        cmocka_unit_test_setup(
            a_scan_visits_what_stays_once_while_the_table_grows, forget),
        cmocka_unit_test_setup(
            a_scan_visits_what_stays_once_while_the_table_shrinks, forget),
        cmocka_unit_test_setup(a_scan_of_an_empty_map_ends_at_once, forget),
        cmocka_unit_test_setup(
            without_memory_the_first_fails_and_later_ones_do_not, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
