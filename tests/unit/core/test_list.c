/* SPDX-License-Identifier: Apache-2.0 */
/* test_list.c - the promises of list.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "list.h"

struct thing {
    int number;
    struct pl_list link;
};

static int pop_number(struct pl_list *head)
{
    struct pl_list *link = pl_list_pop(head);

    return link == NULL ? -1 : PL_CONTAINER(link, struct thing, link)->number;
}

static void what_is_appended_first_is_popped_first(void **state)
{
    struct pl_list head;
    struct thing t[3] = {{.number = 0}, {.number = 1}, {.number = 2}};

    (void)state;
    pl_list_init(&head);
    assert_true(pl_list_is_empty(&head));
    for (int i = 0; i < 3; i++)
        pl_list_append(&head, &t[i].link);
    assert_false(pl_list_is_empty(&head));
    for (int i = 0; i < 3; i++) {
        assert_true(pl_list_is_linked(&t[i].link));
        assert_int_equal(pop_number(&head), i);
        assert_false(pl_list_is_linked(&t[i].link));
    }
    assert_null(pl_list_pop(&head));
}

static void a_member_can_leave_from_anywhere(void **state)
{
    struct pl_list head;
    struct thing t[3] = {{.number = 0}, {.number = 1}, {.number = 2}};

    (void)state;
    for (int gone = 0; gone < 3; gone++) {
        pl_list_init(&head);
        for (int i = 0; i < 3; i++)
            pl_list_append(&head, &t[i].link);
        pl_list_remove(&t[gone].link);
        pl_list_remove(&t[gone].link); /* nothing happens */
        for (int i = 0; i < 3; i++) {
            if (i != gone)
                assert_int_equal(pop_number(&head), i);
        }
        assert_true(pl_list_is_empty(&head));
    }
}

static void a_zeroed_member_is_in_no_list(void **state)
{
    struct thing t = {0};

    (void)state;
    assert_false(pl_list_is_linked(&t.link));
    pl_list_remove(&t.link);
    assert_false(pl_list_is_linked(&t.link));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_first_is_popped_first),
        cmocka_unit_test(a_member_can_leave_from_anywhere),
        cmocka_unit_test(a_zeroed_member_is_in_no_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
