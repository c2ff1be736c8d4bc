/* SPDX-License-Identifier: Apache-2.0 */
/* test_chat_log.c - what a room remembers: messages, moves, people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "people.h"

static struct pl_chat_log l;

static int tear_down(void **state)
{
    (void)state;
    pl_chat_log_fini(&l);
    return 0;
}

static struct pl_chat_entry *add(const char *id, uint64_t order)
{
    return pl_chat_log_add(
        &l, &(struct pl_chat_entry){.id = (char *)id, .order = order});
}

static void expect_ids(const char *ids)
{
    char all[256] = "";

    for (size_t i = 0; i < l.count; i++)
        strcat(all, l.entries[i]->id);
    assert_string_equal(all, ids);
}

static void entries_stand_in_their_order_and_pending_ones_last(void **state)
{
    (void)state;
    add("p", PL_CHAT_ORDER_LAST);
    add("c", 3);
    add("a", 1);
    add("d", 3);
    add("b", 2);
    expect_ids("abcdp");
    pl_chat_log_move(&l, l.entries[4], 2);
    expect_ids("abpcd");
    assert_ptr_equal(pl_chat_log_find(&l, "p"), l.entries[2]);
    assert_null(pl_chat_log_find(&l, "x"));
    assert_null(pl_chat_log_find(&l, ""));
}

static void the_oldest_entries_leave_a_full_log(void **state)
{
    char id[16];

    (void)state;
    for (unsigned i = 0; i < PL_CHAT_LOG_MAX + 5; i++) {
        snprintf(id, sizeof id, "%u", i);
        assert_non_null(add(id, i));
    }
    assert_int_equal(l.count, PL_CHAT_LOG_MAX);
    assert_string_equal(l.entries[0]->id, "5");
    assert_null(pl_chat_log_find(&l, "4"));
}

static void pending_messages_are_found_in_the_order_typed(void **state)
{
    (void)state;
    add("a", 1);
    struct pl_chat_entry *first = add("b", PL_CHAT_ORDER_LAST);
    struct pl_chat_entry *second = add("c", PL_CHAT_ORDER_LAST);
    assert_null(pl_chat_log_pending(&l));
    second->state = PL_CHAT_PENDING;
    assert_ptr_equal(pl_chat_log_pending(&l), second);
    first->state = PL_CHAT_PENDING;
    assert_ptr_equal(pl_chat_log_pending(&l), first);
}

static void moves_join_the_last_line_of_moves_only(void **state)
{
    (void)state;
    assert_null(pl_chat_log_moves(&l));
    struct pl_chat_entry *e = add("m", 1);
    e->kind = PL_CHAT_MOVES;
    add("p", PL_CHAT_ORDER_LAST);
    assert_ptr_equal(pl_chat_log_moves(&l), e);
    add("x", 1);
    assert_null(pl_chat_log_moves(&l));
}

/* --- Moves --- */

static struct pl_chat_moves *moves;

static void expect_moves(const char *text)
{
    struct pl_buf b = {0};

    pl_chat_moves_put(moves, &b);
    pl_buf_put_byte(&b, '\0');
    assert_string_equal(b.data, text);
    pl_buf_fini(&b);
}

static void moves_are_one_line_for_each_thing_done(void **state)
{
    (void)state;
    assert_int_equal(pl_chat_moves_create(&moves), PL_OK);
    pl_chat_moves_add(moves, "1", "Ada", PL_CHAT_CAME);
    expect_moves("Ada came in");
    pl_chat_moves_add(moves, "2", "Bob", PL_CHAT_CAME);
    pl_chat_moves_add(moves, "3", "Eve", PL_CHAT_LEFT);
    expect_moves("Ada and Bob came in; Eve left");
    pl_chat_moves_add(moves, "2", "Bob", PL_CHAT_LEFT);
    pl_chat_moves_add(moves, "4", "eve", PL_CHAT_CAME);
    expect_moves("Ada came in; Bob came in and left; eve left and came back");
    pl_chat_moves_destroy(moves);
}

static void who_came_in_and_connects_again_came_in(void **state)
{
    (void)state;
    assert_int_equal(pl_chat_moves_create(&moves), PL_OK);
    pl_chat_moves_add(moves, "1", "Ada", PL_CHAT_CAME);
    pl_chat_moves_add(moves, "1", "Ada", PL_CHAT_IS_BACK);
    expect_moves("Ada came in");
    pl_chat_moves_destroy(moves);
}

static void many_moves_are_counted_up_to_a_bound(void **state)
{
    char client[16];
    unsigned i;

    (void)state;
    assert_int_equal(pl_chat_moves_create(&moves), PL_OK);
    for (i = 0; i < 5; i++) {
        snprintf(client, sizeof client, "c%u", i);
        pl_chat_moves_add(moves, client, client, PL_CHAT_IS_BACK);
    }
    expect_moves("c0, c1, c2 and 2 others are back");
    for (; pl_chat_moves_add(moves, client, client, PL_CHAT_CAME); i++) {
        assert_true(i < 1000);
        snprintf(client, sizeof client, "c%u", i);
    }
    pl_chat_moves_destroy(moves);
}

/* --- People --- */

static void people_are_sorted_and_the_same_names_marked(void **state)
{
    struct pl_chat_people p = {0};

    (void)state;
    pl_chat_people_name(&p, "away", "Aaron");
    pl_chat_people_here(&p, "c3", false);
    pl_chat_people_here(&p, "c2", false);
    pl_chat_people_here(&p, "c1", true);
    pl_chat_people_here(&p, "c4", false);
    pl_chat_people_name(&p, "c1", "zoe");
    pl_chat_people_name(&p, "c3", "Bob");
    pl_chat_people_name(&p, "c2", "b OB");
    assert_int_equal(pl_chat_people_sort(&p), 4);
    assert_string_equal(p.all[0]->client, "c1");
    assert_string_equal(p.all[1]->client, "c2");
    assert_string_equal(p.all[2]->client, "c3");
    assert_string_equal(p.all[3]->client, "c4");
    assert_false(p.all[0]->is_ambiguous);
    assert_true(p.all[1]->is_ambiguous && p.all[2]->is_ambiguous);
    pl_chat_people_name(&p, "c2", "ZOE");
    pl_chat_people_sort(&p);
    assert_true(p.all[0]->is_ambiguous);
    pl_chat_people_begin(&p);
    assert_int_equal(pl_chat_people_sort(&p), 0);
    pl_chat_people_fini(&p);
}

static void people_beyond_the_bound_are_counted(void **state)
{
    struct pl_chat_people p = {0};
    char client[16];

    (void)state;
    for (unsigned i = 0; i < PL_CHAT_PEOPLE_MAX + 7; i++) {
        snprintf(client, sizeof client, "c%u", i);
        pl_chat_people_here(&p, client, false);
    }
    assert_int_equal(p.uncounted, 7);
    assert_int_equal(pl_chat_people_sort(&p), PL_CHAT_PEOPLE_MAX);
    pl_chat_people_gone(&p, "unknown");
    assert_int_equal(p.uncounted, 6);
    pl_chat_people_gone(&p, "c5");
    assert_int_equal(pl_chat_people_sort(&p), PL_CHAT_PEOPLE_MAX - 1);
    pl_chat_people_fini(&p);
}

static void expect_typing(struct pl_chat_people *p, int64_t now,
                          const char *text)
{
    struct pl_buf b = {0};

    pl_chat_people_put_typing(p, now, &b);
    pl_buf_put_byte(&b, '\0');
    assert_string_equal(b.data, text);
    pl_buf_fini(&b);
}

static void signs_of_typing_end(void **state)
{
    struct pl_chat_people p = {0};

    (void)state;
    pl_chat_people_name(&p, "c1", "Ada");
    pl_chat_people_name(&p, "c2", "Bob");
    pl_chat_people_name(&p, "c3", "Eve");
    for (size_t i = 0; i < 3; i++)
        p.all[i]->typing_until_ms = 10 * (int64_t)(i + 1);
    expect_typing(&p, 5, "Ada and 2 others are typing");
    assert_int_equal(pl_chat_people_due(&p, 5), 10);
    expect_typing(&p, 10, "Bob and Eve are typing");
    assert_int_equal(pl_chat_people_due(&p, 10), 20);
    expect_typing(&p, 25, "Eve is typing");
    expect_typing(&p, 30, "");
    assert_int_equal(pl_chat_people_due(&p, 30), 0);
    pl_chat_people_fini(&p);
}

#define TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_stand_in_their_order_and_pending_ones_last),
        TEST(the_oldest_entries_leave_a_full_log),
        TEST(pending_messages_are_found_in_the_order_typed),
        TEST(moves_join_the_last_line_of_moves_only),
        TEST(moves_are_one_line_for_each_thing_done),
        TEST(who_came_in_and_connects_again_came_in),
        TEST(many_moves_are_counted_up_to_a_bound),
        TEST(people_are_sorted_and_the_same_names_marked),
        TEST(people_beyond_the_bound_are_counted),
        TEST(signs_of_typing_end),
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
