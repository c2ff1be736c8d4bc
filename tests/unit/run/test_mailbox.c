/* SPDX-License-Identifier: Apache-2.0 */
/* test_mailbox.c - what a mailbox does when it is full, policy by policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mailbox.h"

static struct pl_msg m[8];

static const struct pl_mail_policy refuse = {3, PL_FULL_REFUSE};
static const struct pl_mail_policy oldest = {3, PL_FULL_DROP_OLDEST};
static const struct pl_mail_policy latest = {3, PL_FULL_KEEP_LATEST};
static const struct pl_mail_policy closes = {3, PL_FULL_CLOSE};

static int fresh(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        m[i] = (struct pl_msg){.type = (uint16_t)i};
    return 0;
}

static void fill(struct pl_mailbox *mb, struct pl_mail_policy policy)
{
    struct pl_msg *out = NULL;

    for (unsigned i = 0; i < policy.limit; i++)
        assert_int_equal(pl_mailbox_push(mb, policy, &m[i], &out),
                         PL_MAILBOX_TAKEN);
    assert_null(out);
    assert_int_equal(mb->count, policy.limit);
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
    fill(&mb, refuse);
    HOLDS(&mb, 0, 1, 2);
    fill(&mb, refuse);
    HOLDS(&mb, 0, 1, 2);
}

static void a_full_mailbox_leaves_the_message_with_its_sender(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    fill(&mb, refuse);
    assert_int_equal(pl_mailbox_push(&mb, refuse, &m[3], &out),
                     PL_MAILBOX_REFUSED);
    assert_null(out);
    HOLDS(&mb, 0, 1, 2);
}

static void closing_when_full_leaves_the_message_too(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    fill(&mb, closes);
    assert_int_equal(pl_mailbox_push(&mb, closes, &m[3], &out),
                     PL_MAILBOX_REFUSED);
    HOLDS(&mb, 0, 1, 2);
}

static void reserved_mail_is_taken_above_the_bound(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    fill(&mb, refuse);
    m[3].flags = PL_MSG_RESERVED;
    assert_int_equal(pl_mailbox_push(&mb, refuse, &m[3], &out),
                     PL_MAILBOX_TAKEN);
    HOLDS(&mb, 0, 1, 2, 3);
}

static void the_oldest_makes_room(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    fill(&mb, oldest);
    assert_int_equal(pl_mailbox_push(&mb, oldest, &m[3], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[0]);
    assert_null(out->next);
    HOLDS(&mb, 1, 2, 3);
}

static void reserved_mail_never_makes_room(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    m[0].flags = m[1].flags = PL_MSG_RESERVED;
    fill(&mb, oldest);
    assert_int_equal(pl_mailbox_push(&mb, oldest, &m[3], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[2]); /* the last: `last` must move */
    HOLDS(&mb, 0, 1, 3);
}

static void a_box_of_reserved_mail_refuses_whatever_its_policy(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    m[0].flags = m[1].flags = m[2].flags = PL_MSG_RESERVED;
    fill(&mb, oldest);
    assert_int_equal(pl_mailbox_push(&mb, oldest, &m[3], &out),
                     PL_MAILBOX_REFUSED);
    assert_int_equal(pl_mailbox_push(&mb, latest, &m[3], &out),
                     PL_MAILBOX_REFUSED);
    assert_null(out);
    HOLDS(&mb, 0, 1, 2);
}

static void the_latest_takes_the_place_of_the_newest_of_its_kind(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    m[0].type = m[1].type = m[3].type = m[4].type = 9;
    fill(&mb, latest);
    assert_int_equal(pl_mailbox_push(&mb, latest, &m[3], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[1]);
    m[2].type = 9; /* now the last one is the newest of the kind */
    assert_int_equal(pl_mailbox_push(&mb, latest, &m[4], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[2]);
    HOLDS(&mb, 0, 3, 4);
}

static void another_sender_is_another_kind(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    m[1].type = m[3].type = 9;
    m[3].from.generation = 1;
    fill(&mb, latest);
    assert_int_equal(pl_mailbox_push(&mb, latest, &m[3], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[0]); /* none of its kind: the oldest */
    HOLDS(&mb, 1, 2, 3);
}

static void a_reserved_message_is_not_replaced(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    m[2].type = m[3].type = 9;
    m[2].flags = PL_MSG_RESERVED;
    fill(&mb, latest);
    assert_int_equal(pl_mailbox_push(&mb, latest, &m[3], &out),
                     PL_MAILBOX_DISPLACED);
    assert_ptr_equal(out, &m[0]);
    HOLDS(&mb, 1, 2, 3);
}

static void there_is_no_replacing_while_there_is_room(void **state)
{
    struct pl_mailbox mb = {0};
    struct pl_msg *out = NULL;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        m[i].type = 9;
    fill(&mb, latest);
    HOLDS(&mb, 0, 1, 2);
    assert_null(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mail_comes_out_in_the_order_it_went_in, fresh),
        cmocka_unit_test_setup(
            a_full_mailbox_leaves_the_message_with_its_sender, fresh),
        cmocka_unit_test_setup(closing_when_full_leaves_the_message_too, fresh),
        cmocka_unit_test_setup(reserved_mail_is_taken_above_the_bound, fresh),
        cmocka_unit_test_setup(the_oldest_makes_room, fresh),
        cmocka_unit_test_setup(reserved_mail_never_makes_room, fresh),
        cmocka_unit_test_setup(
            a_box_of_reserved_mail_refuses_whatever_its_policy, fresh),
        cmocka_unit_test_setup(
            the_latest_takes_the_place_of_the_newest_of_its_kind, fresh),
        cmocka_unit_test_setup(another_sender_is_another_kind, fresh),
        cmocka_unit_test_setup(a_reserved_message_is_not_replaced, fresh),
        cmocka_unit_test_setup(there_is_no_replacing_while_there_is_room,
                               fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
