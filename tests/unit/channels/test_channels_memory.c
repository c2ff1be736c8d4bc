/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the owner fails once: each request is still answered,
 * nothing leaks (the leak checker decides), and afterwards all is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "code.h"
#include "failing_alloc.h"
#include "hub_mail.h"
#include "mail.h"
#include "rig.h"

static const struct rig_options usual = {.rules.history_size = 4,
                                         .rules.history_ttl_ms = 10000,
                                         .rules.meta_ttl_ms = 60000,
                                         .rules.sub.flags = PL_RULE_PRESENCE |
                                                            PL_RULE_JOIN_LEAVE};

static const struct pl_late_options late = {.seed = 3, .delay_ms = 3};

/* Run with the nth allocation failing.  True when it came to that. */
static bool run(struct rig *r, unsigned nth)
{
    alloc_fails_at = nth;
    rig_run(r, 1000);
    bool has_failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    return has_failed;
}

static unsigned count(struct rig *r, unsigned type)
{
    unsigned n = 0;

    for (unsigned h = 0; h <= RIG_LOOPS; h++)
        for (unsigned i = 0; rig_mail(r, h, type, i) != NULL; i++)
            n++;
    return n;
}

static void send_all(struct rig *r)
{
    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_attach(r, 1, "a", 0);
    rig_publish(r, 0, "a", "x");
    rig_publish(r, 2, "b", "x");
    rig_send(r, 1, &rig_query_mail(PL_QUERY_PRESENCE, "a")->msg);
    rig_send(r, 1, &rig_query_mail(PL_QUERY_PRESENCE_STATS, "a")->msg);
    struct pl_query_mail *q = rig_query_mail(PL_QUERY_HISTORY, "a");
    q->limit = -1;
    rig_send(r, 1, &q->msg);
    struct pl_list_mail *l = pl_list_mail_create();
    assert_non_null(l);
    rig_send(r, 1, &l->msg);
}

static void expect_nothing_is_left(struct rig *r)
{
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"));

    rig_run(r, 100);
    assert_int_equal(q->error, 0);
    assert_int_equal(q->count, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 0);
    assert_true(r->metrics.value[PL_METRIC_STREAMS] <= 2);
}

/* True: allocation number `nth` was made, and failed. */
static bool fail_one(unsigned nth, const struct pl_late_options *options)
{
    struct rig *r = rig_create(nth, &usual, options);

    rig_run(r, 0);
    send_all(r);
    bool has_failed = run(r, nth);
    assert_int_equal(count(r, PL_MAIL_ATTACH), 2);
    assert_int_equal(count(r, PL_MAIL_PUBLISH), 2);
    assert_int_equal(count(r, PL_MAIL_QUERY), 3);
    assert_int_equal(count(r, PL_MAIL_LIST), 1);
    rig_forget(r);
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_detach(r, 1, "a", 0);
    rig_run(r, 1000);
    expect_nothing_is_left(r);
    rig_destroy(r);
    return has_failed;
}

static void a_request_without_memory_is_answered(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (fail_one(nth, NULL))
        nth++;
    assert_true(nth > 20);
    for (nth = 1; fail_one(nth, &late);)
        nth++;
    assert_true(nth > 40);
}

/* A leave without memory is tried again. */
static bool fail_leaving(unsigned nth, const struct pl_late_options *options)
{
    struct rig *r = rig_create(nth, &usual, options);

    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 100);
    rig_detach(r, 1, "a", 0);
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    bool has_failed = run(r, nth);
    expect_nothing_is_left(r);
    rig_destroy(r);
    return has_failed;
}

static void a_leave_without_memory_leaves_no_ghost(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (fail_leaving(nth, NULL))
        nth++;
    for (nth = 1; fail_leaving(nth, &late);)
        nth++;
    assert_true(nth > 5);
}

/* --- Joins and leaves --- */

/* What client 0, who stays, was told of client `who`, who did not. */
static void check_told(struct rig *r, unsigned who)
{
    const struct pl_presence_event_mail *e;
    char last = 'j';

    if (r->metrics.value[PL_METRIC_EVENTS_LOST] > 0)
        return;
    for (unsigned i = 0;
         (e = rig_mail(r, 0, PL_MAIL_PRESENCE_EVENT, i)) != NULL; i++) {
        char kind = e->is_join ? 'j' : 'l';

        assert_ptr_equal(e->client, r->client[who]);
        assert_int_not_equal(kind, last);
        last = kind;
    }
    assert_int_equal(last, 'l');
}

/* Client 2, of another user, leaves, comes back at once, and leaves. */
static bool fail_coming_back(unsigned nth, uint8_t flags,
                             const struct pl_late_options *options)
{
    enum { MANY = 100, WHO = 2 }; /* more requests than works are kept for */
    struct rig_options o = usual;

    o.rules.sub.flags |= flags;
    struct rig *r = rig_create(nth, &o, options);

    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_attach(r, WHO, "a", 0);
    rig_run(r, 100);
    rig_forget(r);
    for (unsigned i = 0; i < MANY; i++)
        rig_send(r, WHO % RIG_LOOPS,
                 &rig_query_mail(PL_QUERY_PRESENCE, "a")->msg);
    rig_detach(r, WHO, "a", 0);
    rig_attach(r, WHO, "a", 0);
    bool has_failed = run(r, nth);
    rig_detach(r, WHO, "a", 0);
    rig_run(r, 1000);
    check_told(r, WHO);
    rig_forget(r);
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 1000);
    expect_nothing_is_left(r);
    rig_destroy(r);
    return has_failed;
}

static void
joins_and_leaves_without_memory_take_turns_or_are_counted(void **state)
{
    static const uint8_t flags[] = {0, PL_RULE_JOINS_BY_USER};

    (void)state;
    for (size_t i = 0; i < sizeof flags; i++) {
        unsigned nth = 1;

        while (fail_coming_back(nth, flags[i], NULL))
            nth++;
        assert_true(nth > 2);
        for (nth = 1; fail_coming_back(nth, flags[i], &late);)
            nth++;
        assert_true(nth > 100);
    }
}

/* Client 1 leaves "a"; then client 4 comes there, and client 1 comes to "b",
 * whose name has the same length. */
static bool fail_beside_others(unsigned nth)
{
    struct rig *r = rig_create(nth, &usual, &late);

    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_attach(r, 0, "b", PL_ATTACH_JOIN_LEAVE);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 100);
    rig_forget(r);
    for (unsigned i = 0; i < 100; i++)
        rig_send(r, 1, &rig_query_mail(PL_QUERY_PRESENCE, "a")->msg);
    rig_detach(r, 1, "a", 0);
    rig_attach(r, 4, "a", 0); /* of the same loop, so it comes behind */
    rig_attach(r, 1, "b", 0);
    bool has_failed = run(r, nth);
    unsigned told = 0, refused = 0;
    while (rig_mail(r, 0, PL_MAIL_PRESENCE_EVENT, told) != NULL)
        told++;
    for (unsigned i = 0; i < 2; i++) {
        struct pl_attach_mail *m = rig_mail(r, 1, PL_MAIL_ATTACH, i);

        refused += m->error != 0;
    }
    if (r->metrics.value[PL_METRIC_EVENTS_LOST] == 0)
        assert_int_equal(told + refused, 3);
    rig_destroy(r);
    return has_failed;
}

static void a_leave_without_memory_is_the_clients_and_the_channels(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (fail_beside_others(nth))
        nth++;
    assert_true(nth > 100);
}

/* --- Gaps --- */

static bool fail_gap(unsigned nth)
{
    struct rig *r = rig_create(nth, &usual, &late);
    bool has_failed;

    for (unsigned i = 0; i < RIG_LOOPS; i++)
        rig_attach(r, i, "a", 0);
    rig_run(r, 100);
    alloc_fails_at = nth;
    pl_late_bus_gap(r->bus, PL_SPAN("a"), rig_hash("a"));
    has_failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    rig_run(r, 1000);
    for (unsigned i = 0; i < RIG_LOOPS; i++)
        assert_non_null(rig_mail(r, i, PL_MAIL_GAP, 0));
    rig_destroy(r);
    return has_failed;
}

static void a_gap_without_memory_is_told_later(void **state)
{
    unsigned nth = 1;

    (void)state;
    while (fail_gap(nth))
        nth++;
    assert_true(nth > RIG_LOOPS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_memory_is_answered),
        cmocka_unit_test(a_leave_without_memory_leaves_no_ghost),
        cmocka_unit_test(
            joins_and_leaves_without_memory_take_turns_or_are_counted),
        cmocka_unit_test(
            a_leave_without_memory_is_the_clients_and_the_channels),
        cmocka_unit_test(a_gap_without_memory_is_told_later),
    };

    return cmocka_run_group_tests_name("channels_memory", tests, NULL, NULL);
}
