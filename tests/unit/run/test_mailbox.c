/* SPDX-License-Identifier: Apache-2.0 */
/* test_mailbox.c - the order of a mailbox, and its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mailbox.h"

static struct pl_msg m[8];

enum { LIMIT = 3 };

static int fresh(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        m[i] = (struct pl_msg){.type = (uint16_t)i};
    return 0;
}

static void fill(struct pl_mailbox *mb)
{
    for (unsigned i = 0; i < LIMIT; i++)
        assert_true(pl_mailbox_push(mb, LIMIT, &m[i]));
    assert_int_equal(mb->count, LIMIT);
}

/* Everything in the box, in this order, and nothing more. */
static void holds(struct pl_mailbox *mb, unsigned count, const int *index)
{
    assert_int_equal(mb->count, count);
    for (unsigned i = 0; i < count; i++)
        assert_ptr_equal(pl_mailbox_pop(mb), &m[index[i]]);
    assert_null(pl_mailbox_pop(mb));
    assert_null(mb->last);
    assert_int_equal(mb->count, 0);
}

#define HOLDS(mb, ...)                                                         \
    holds(mb, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void mail_comes_out_in_the_order_it_went_in(void **state)
{
    struct pl_mailbox mb = {0};

    (void)state;
    fill(&mb);
    HOLDS(&mb, 0, 1, 2);
    fill(&mb);
    HOLDS(&mb, 0, 1, 2);
}

static void a_full_mailbox_leaves_the_message_with_its_sender(void **state)
{
    struct pl_mailbox mb = {0};

    (void)state;
    fill(&mb);
    assert_false(pl_mailbox_push(&mb, LIMIT, &m[3]));
    HOLDS(&mb, 0, 1, 2);
}

static void there_is_space_again_when_one_was_taken(void **state)
{
    struct pl_mailbox mb = {0};

    (void)state;
    fill(&mb);
    assert_ptr_equal(pl_mailbox_pop(&mb), &m[0]);
    assert_null(m[0].next);
    assert_true(pl_mailbox_push(&mb, LIMIT, &m[3]));
    assert_false(pl_mailbox_push(&mb, LIMIT, &m[4]));
    HOLDS(&mb, 1, 2, 3);
}

static void reserved_mail_is_taken_above_the_bound(void **state)
{
    struct pl_mailbox mb = {0};

    (void)state;
    fill(&mb);
    m[3].flags = PL_MSG_RESERVED;
    assert_true(pl_mailbox_push(&mb, LIMIT, &m[3]));
    assert_false(pl_mailbox_push(&mb, LIMIT, &m[4]));
    HOLDS(&mb, 0, 1, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mail_comes_out_in_the_order_it_went_in, fresh),
        cmocka_unit_test_setup(
            a_full_mailbox_leaves_the_message_with_its_sender, fresh),
        cmocka_unit_test_setup(there_is_space_again_when_one_was_taken, fresh),
        cmocka_unit_test_setup(reserved_mail_is_taken_above_the_bound, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
