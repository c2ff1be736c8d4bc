/* SPDX-License-Identifier: Apache-2.0 */
/* test_inbox.c - order and bounds of the inbox, and every interleaving of its
 * wake protocol in a model of the four steps that inbox.c proves right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "inbox.h"

static struct pl_msg m[8];

static int fresh(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        m[i] = (struct pl_msg){0};
    return 0;
}

/* Push m[from] to m[to - 1] in one batch; what was refused is counted. */
static bool push(struct pl_inbox *in, unsigned from, unsigned to,
                 unsigned *refused)
{
    struct pl_batch b = {0};
    struct pl_msg *out;

    for (unsigned i = from; i < to; i++)
        pl_batch_add(&b, &m[i]);
    bool wake = pl_inbox_push(in, &b, &out);
    assert_null(b.newest);
    assert_null(b.oldest);
    for (*refused = 0; out != NULL; out = out->next)
        ++*refused;
    return wake;
}

static void batches_come_out_in_the_order_they_went_in(void **state)
{
    struct pl_inbox in;
    unsigned refused;

    (void)state;
    pl_inbox_init(&in, 100);
    assert_null(pl_inbox_take(&in));
    push(&in, 0, 3, &refused);
    push(&in, 3, 4, &refused);
    push(&in, 4, 8, &refused);
    assert_int_equal(refused, 0);
    struct pl_msg *msg = pl_inbox_take(&in);
    for (unsigned i = 0; i < 8; i++, msg = msg->next)
        assert_ptr_equal(msg, &m[i]);
    assert_null(msg);
    assert_true(pl_inbox_is_empty(&in));
}

static void over_the_limit_the_newest_are_refused(void **state)
{
    struct pl_inbox in;
    unsigned refused;

    (void)state;
    pl_inbox_init(&in, 3);
    m[4].flags = PL_MSG_RESERVED;
    push(&in, 0, 2, &refused);
    assert_int_equal(refused, 0);
    push(&in, 2, 5, &refused);
    assert_int_equal(refused, 2); /* m[3] and m[2]; m[4] is reserved */
    push(&in, 5, 8, &refused);
    assert_int_equal(refused, 3);
    struct pl_msg *msg = pl_inbox_take(&in);
    assert_ptr_equal(msg, &m[0]);
    assert_ptr_equal(msg->next, &m[1]);
    assert_ptr_equal(msg->next->next, &m[4]);
    assert_null(msg->next->next->next);
    pl_inbox_taken(&in, 3);
    assert_int_equal(atomic_load(&in.count), 0);
    push(&in, 5, 8, &refused);
    assert_int_equal(refused, 0);
}

static void a_push_that_is_refused_wakes_nobody(void **state)
{
    struct pl_inbox in;
    unsigned refused;

    (void)state;
    pl_inbox_init(&in, 1);
    assert_true(pl_inbox_sleep(&in));
    atomic_store(&in.count, 1); /* another push is on its way */
    assert_false(push(&in, 0, 1, &refused));
    assert_int_equal(refused, 1);
    atomic_store(&in.count, 0);
    assert_true(push(&in, 0, 1, &refused));
}

static void one_push_of_several_wakes_the_sleeper(void **state)
{
    struct pl_inbox in;
    unsigned refused;

    (void)state;
    pl_inbox_init(&in, 100);
    assert_false(push(&in, 0, 1, &refused));
    assert_false(pl_inbox_sleep(&in)); /* there is mail */
    assert_false(push(&in, 1, 2, &refused));
    assert_non_null(pl_inbox_take(&in));
    assert_true(pl_inbox_sleep(&in));
    assert_true(push(&in, 2, 4, &refused));
    assert_false(push(&in, 4, 5, &refused));
    pl_inbox_awake(&in);
    assert_false(pl_inbox_sleep(&in));
}

/* --- The model --- */

enum { SENDERS = 3 };

enum owner { STORE, CHECK, ASLEEP, AWAKE, TAKE };

struct world {
    enum owner owner;
    bool sleeping;
    unsigned mail;
    unsigned wakes;           /* written, not yet seen by the owner */
    unsigned sender[SENDERS]; /* steps done: push, read, swap, wake */
};

static bool checks_first; /* the wrong protocol: look, then say "asleep" */
static unsigned stranded; /* ends with mail and nobody to wake the owner */
static unsigned states;
static unsigned most_wakes;

static bool owner_step(struct world *w)
{
    switch (w->owner) {
    case STORE:
        if (checks_first) {
            w->owner = w->mail > 0 ? TAKE : CHECK;
        } else {
            w->sleeping = true;
            w->owner = CHECK;
        }
        return true;
    case CHECK:
        if (checks_first) {
            w->sleeping = true;
            w->owner = ASLEEP;
        } else {
            w->owner = w->mail > 0 ? AWAKE : ASLEEP;
        }
        return true;
    case ASLEEP:
        if (w->wakes == 0)
            return false;
        w->wakes--;
        w->owner = AWAKE;
        return true;
    case AWAKE:
        w->sleeping = false;
        w->owner = TAKE;
        return true;
    case TAKE:
        w->mail = 0;
        w->owner = STORE;
        return true;
    }
    return false;
}

static bool sender_step(struct world *w, unsigned *step)
{
    switch (*step) {
    case 0:
        w->mail++;
        *step = 1;
        return true;
    case 1:
        *step = w->sleeping ? 2 : 4;
        return true;
    case 2:
        *step = w->sleeping ? 3 : 4;
        w->sleeping = false;
        return true;
    case 3:
        w->wakes++;
        if (w->wakes > most_wakes)
            most_wakes = w->wakes;
        *step = 4;
        return true;
    }
    return false;
}

/* All that decides what can still happen, as one number. */
static unsigned number_of(const struct world *w)
{
    unsigned n = (unsigned)w->owner * 2 + w->sleeping;

    n = n * (SENDERS + 1) + w->mail;
    n = n * (SENDERS + 1) + w->wakes;
    for (unsigned i = 0; i < SENDERS; i++)
        n = n * 5 + w->sender[i];
    return n;
}

static bool seen[5 * 2 * (SENDERS + 1) * (SENDERS + 1) * 5 * 5 * 5];

static void explore(struct world w)
{
    struct world next = w;
    bool moved = false;

    if (seen[number_of(&w)])
        return;
    seen[number_of(&w)] = true;
    states++;
    if (owner_step(&next)) {
        moved = true;
        explore(next);
    }
    for (unsigned i = 0; i < SENDERS; i++) {
        next = w;
        if (sender_step(&next, &next.sender[i])) {
            moved = true;
            explore(next);
        }
    }
    if (!moved && w.mail > 0)
        stranded++;
}

static void no_interleaving_loses_a_wake_up(void **state)
{
    (void)state;
    checks_first = false;
    states = stranded = most_wakes = 0;
    memset(seen, 0, sizeof seen);
    explore((struct world){.owner = STORE});
    assert_true(states > 1000);
    assert_int_equal(stranded, 0);
    assert_in_range(most_wakes, 1, SENDERS);
}

/* The model can tell: with the two steps exchanged mail is stranded. */
static void looking_before_saying_so_would_lose_one(void **state)
{
    (void)state;
    checks_first = true;
    stranded = 0;
    memset(seen, 0, sizeof seen);
    explore((struct world){.owner = STORE});
    assert_true(stranded > 0);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_come_out_in_the_order_they_went_in),
        TEST(over_the_limit_the_newest_are_refused),
        TEST(a_push_that_is_refused_wakes_nobody),
        TEST(one_push_of_several_wakes_the_sleeper),
        TEST(no_interleaving_loses_a_wake_up),
        TEST(looking_before_saying_so_would_lose_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
