/* SPDX-License-Identifier: Apache-2.0 */
/* What channels.h promises when stores answer late, fail or are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "bus_memory.h"
#include "code.h"
#include "hand_bus.h"
#include "hub_mail.h"
#include "mail.h"
#include "monitor.h"
#include "rig.h"

static const struct rig_options usual = {.rules.history_size = 100,
                                         .rules.history_ttl_ms = 100000,
                                         .rules.meta_ttl_ms = 600000,
                                         .rules.sub.flags = PL_RULE_PRESENCE |
                                                            PL_RULE_JOIN_LEAVE};

static struct rig *make(struct pl_late_options late)
{
    late.seed = 4;
    return rig_create(7, &usual, &late);
}

static void a_detach_while_attaching_makes_no_join_and_no_leave(void **state)
{
    struct rig *r = make((struct pl_late_options){.delay_ms = 50});

    (void)state;
    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 500);
    rig_forget(r);
    rig_attach(r, 1, "a", 0);
    rig_detach(r, 1, "a", 0);
    rig_run(r, 500);
    assert_non_null(rig_mail(r, 1, PL_MAIL_ATTACH, 0));
    assert_null(rig_mail(r, 0, PL_MAIL_PRESENCE_EVENT, 0));
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"));
    rig_run(r, 500);
    assert_int_equal(q->count, 1);
    rig_destroy(r);
}

static void who_comes_back_while_leaving_is_present(void **state)
{
    struct rig *r =
        make((struct pl_late_options){.delay_ms = 50, .fail_permille = 300});

    (void)state;
    for (int i = 0; i < 20; i++) {
        rig_forget(r);
        do { /* until it has worked */
            rig_detach(r, 1, "a", 0);
            rig_attach(r, 1, "a", 0);
            rig_run(r, 500);
        } while (
            ((struct pl_attach_mail *)r->hub[1]->mail[r->hub[1]->count - 1])
                ->error != 0);
        rig_run(r, 5000);
        struct pl_query_mail *q;
        do {
            q = rig_ask(r, rig_query_mail(PL_QUERY_PRESENCE_STATS, "a"));
            rig_run(r, 500);
        } while (q->error != 0);
        assert_int_equal(q->count, 1);
    }
    rig_destroy(r);
}

static void a_stop_answers_what_is_in_flight_with_503(void **state)
{
    struct rig *r = make((struct pl_late_options){.delay_ms = 50});

    (void)state;
    rig_attach(r, 0, "a", 0);
    rig_run(r, 500);
    rig_forget(r);
    rig_attach(r, 1, "a", 0);
    rig_publish(r, 1, "a", "x");
    rig_publish(r, 1, "b", "x");
    rig_send(r, 1, &rig_query_mail(PL_QUERY_HISTORY, "a")->msg);
    rig_send(r, 1, &rig_query_mail(PL_QUERY_PRESENCE, "a")->msg);
    rig_detach(r, 0, "a", 0);
    assert_int_equal(pl_stop_send(&r->hub[1]->actor, r->owner), PL_OK);
    rig_run(r, 500);
    struct pl_attach_mail *a = rig_mail(r, 1, PL_MAIL_ATTACH, 0);
    assert_int_equal(a->error, PL_ERROR_STOPPING);
    for (unsigned i = 0; i < 2; i++) {
        struct pl_publish_mail *p = rig_mail(r, 1, PL_MAIL_PUBLISH, i);
        struct pl_query_mail *q = rig_mail(r, 1, PL_MAIL_QUERY, i);

        assert_int_equal(p->error, PL_ERROR_STOPPING);
        assert_int_equal(q->error, PL_ERROR_STOPPING);
    }
    assert_int_equal(r->metrics.value[PL_METRIC_CHANNELS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_STREAMS], 0);
    assert_int_equal(
        pl_loop_stats(pl_system_loop(pl_sim_system(r->sim), 0))->timers, 0);
    rig_destroy(r);
}

static void a_full_store_is_111(void **state)
{
    struct rig *r = make((struct pl_late_options){.delay_ms = 50, .limit = 3});
    unsigned refused = 0;

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        rig_publish(r, 0, "a", "x");
    rig_run(r, 1000);
    for (unsigned i = 0; i < 10; i++) {
        struct pl_publish_mail *p = rig_mail(r, 0, PL_MAIL_PUBLISH, i);

        assert_true(p->error == 0 || p->error == PL_ERROR_TOO_MANY_REQUESTS);
        refused += p->error != 0;
    }
    assert_in_range(refused, 1, 9);
    rig_destroy(r);
}

static void
a_gap_of_the_bus_is_told_to_every_loop_with_subscribers(void **state)
{
    struct rig *r = make((struct pl_late_options){.delay_ms = 5});

    (void)state;
    pl_late_bus_gap(r->bus, PL_SPAN("a"), rig_hash("a")); /* nobody there */
    rig_attach(r, 1, "a", 0);
    rig_run(r, 500);
    pl_late_bus_gap(r->bus, PL_SPAN("a"), rig_hash("a"));
    rig_run(r, 10);
    struct pl_gap_mail *g = rig_mail(r, 1, PL_MAIL_GAP, 0);
    assert_non_null(g);
    assert_true(pl_span_equal(pl_blob_span(g->channel), PL_SPAN("a")));
    assert_null(rig_mail(r, 1, PL_MAIL_GAP, 1));
    assert_null(rig_mail(r, 2, PL_MAIL_GAP, 0));
    rig_destroy(r);
}

/* --- A bus whose answers the test gives --- */

static struct rig *make_with(struct hand_bus *h, bool history)
{
    struct rig_options o = usual;

    *h = (struct hand_bus){.bus = {&hand_bus_ops}};
    o.owner.bus = &h->bus;
    o.rules.sub.flags &= ~PL_RULE_JOIN_LEAVE;
    if (!history)
        o.rules.history_size = 0;
    return rig_create(7, &o, NULL);
}

/* The second is refused while the first is on the bus: not out of turn. */
static void
what_is_stored_is_fanned_out_in_order_though_the_bus_fails(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, true);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_publish(r, 0, "a", "x");
    rig_run(r, 0);
    bus.refuses = true;
    rig_publish(r, 0, "a", "y");
    rig_attach(r, 4, "a", 0);
    rig_run(r, 0);
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 0));
    assert_null(rig_mail(r, 1, PL_MAIL_ATTACH, 1)); /* its top is not out yet */
    hand_bus_answer(&bus, PL_EIO);
    rig_run(r, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct pl_publication_mail *m = rig_mail(r, 1, PL_MAIL_PUBLICATION, i);
        struct pl_publish_mail *p = rig_mail(r, 0, PL_MAIL_PUBLISH, i);

        assert_int_equal(m->pub->offset, i + 1);
        assert_int_equal(p->error, 0);
        assert_true(p->stored);
    }
    struct pl_msg *last = r->hub[1]->mail[r->hub[1]->count - 1];
    assert_int_equal(last->type, PL_MAIL_ATTACH);
    assert_int_equal(((struct pl_attach_mail *)last)->offset, 2);
    rig_destroy(r);
}

static void check_offsets(struct rig *r, unsigned h, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pl_publication_mail *m = rig_mail(r, h, PL_MAIL_PUBLICATION, i);

        assert_non_null(m);
        assert_int_equal(m->pub->offset, i + 1);
    }
    assert_null(rig_mail(r, h, PL_MAIL_PUBLICATION, count));
}

static void an_event_that_never_comes_lets_no_later_one_pass(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, true);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_publish(r, 0, "a", "x");
    rig_publish(r, 0, "a", "y");
    rig_run(r, 0);
    hand_bus_event(&bus, 1);
    rig_run(r, 0);
    check_offsets(r, 1, 0);
    hand_bus_answer(&bus, PL_ETIMEDOUT);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check_offsets(r, 1, 2);
    rig_destroy(r);
}

/* The second is refused; the events come up before the bus has answered. */
static void an_event_that_comes_early_passes_no_refused_one(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, true);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_publish(r, 0, "a", "x");
    rig_run(r, 0);
    bus.refuses = true;
    rig_publish(r, 0, "a", "y");
    rig_run(r, 0);
    bus.refuses = false;
    rig_publish(r, 0, "a", "z");
    rig_run(r, 0);
    rig_attach(r, 4, "a", 0);
    rig_run(r, 0);
    hand_bus_event(&bus, 0);
    hand_bus_event(&bus, 1);
    rig_run(r, 0);
    check_offsets(r, 1, 3);
    assert_non_null(rig_mail(r, 1, PL_MAIL_ATTACH, 1));
    hand_bus_answer(&bus, PL_OK);
    hand_bus_answer(&bus, PL_EIO);
    rig_run(r, 0);
    check_offsets(r, 1, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(
            ((struct pl_publish_mail *)rig_mail(r, 0, PL_MAIL_PUBLISH, i))
                ->error,
            0);
    rig_destroy(r);
}

static void without_history_a_failed_bus_is_an_error(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, false);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_publish(r, 0, "a", "x");
    rig_run(r, 0);
    hand_bus_answer(&bus, PL_EIO);
    rig_run(r, 0);
    struct pl_publish_mail *p = rig_mail(r, 0, PL_MAIL_PUBLISH, 0);
    assert_int_equal(p->error, PL_ERROR_INTERNAL);
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 0));
    rig_destroy(r);
}

static void a_publication_of_another_node_reaches_the_hubs(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, false);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    struct pl_publish_mail *m = rig_publish_mail("a", "x", NULL);
    bus.events->publication(bus.owner, m->pub, NULL);
    rig_run(r, 0);
    assert_non_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 0));
    assert_null(rig_mail(r, 0, PL_MAIL_PUBLICATION, 0));
    pl_mail_destroy(&m->msg);
    rig_destroy(r);
}

static void the_bus_is_attached_while_there_are_subscribers(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_with(&bus, false);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_attach(r, 2, "a", 0);
    rig_run(r, 0);
    assert_int_equal(bus.attached, 1);
    rig_detach(r, 1, "a", 0);
    rig_run(r, 0);
    assert_int_equal(bus.detached, 0);
    rig_publish(r, 0, "a", "x"); /* in flight: the channel stays */
    rig_detach(r, 2, "a", 0);
    rig_run(r, 0);
    assert_int_equal(bus.detached, 0);
    hand_bus_answer(&bus, PL_OK);
    assert_int_equal(bus.detached, 1);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    assert_int_equal(bus.attached, 2);
    rig_destroy(r);
}

/* --- Joins and leaves that are still on the bus --- */

/* The oldest comes up as an event, and is answered. */
static void bring_up(struct hand_bus *h)
{
    const struct pl_bus_publish *b = h->held[0];
    const struct pl_store_op *op = &b->op;

    (b->kind == PL_BUS_JOIN ? h->events->join : h->events->leave)(
        h->owner, op->channel, op->hash, b->client);
    hand_bus_answer(h, PL_OK);
}

static void bring_all_up(struct rig *r, struct hand_bus *h)
{
    while (h->count > 0)
        bring_up(h);
    rig_run(r, 0);
}

/* A taker, client 0, and client 1 have come; `waits`: the latter's join is on
 * the bus. */
static struct rig *make_two(struct hand_bus *h, bool waits)
{
    struct rig_options o = usual;

    *h = (struct hand_bus){.bus = {&hand_bus_ops}};
    o.owner.bus = &h->bus;
    o.rules.history_size = 0;
    struct rig *r = rig_create(7, &o, NULL);
    rig_attach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    bring_all_up(r, h);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    if (!waits)
        bring_all_up(r, h);
    return r;
}

/* What hub 2 was told of client 1: a letter for each join and leave. */
static void check_told(struct rig *r, const char *expected)
{
    struct pl_presence_event_mail *e;
    char told[9] = "";
    size_t len = 0;

    for (unsigned i = 0;
         (e = rig_mail(r, 2, PL_MAIL_PRESENCE_EVENT, i)) != NULL; i++)
        if (e->client == r->client[1] && len < sizeof told - 1)
            told[len++] = e->is_join ? 'j' : 'l';
    assert_string_equal(told, expected);
}

static void who_hears_a_late_join_hears_the_leave_too(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_two(&bus, true);

    (void)state;
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    rig_detach(r, 1, "a", 0); /* no taker is there just now */
    rig_run(r, 0);
    rig_attach(r, 2, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    bring_all_up(r, &bus);
    check_told(r, "jlj");
    rig_destroy(r);
}

static void who_hears_a_late_leave_hears_the_next_join_too(void **state)
{
    struct hand_bus bus;
    struct rig *r = make_two(&bus, false);

    (void)state;
    rig_detach(r, 1, "a", 0);
    rig_run(r, 0);
    rig_detach(r, 0, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    rig_attach(r, 1, "a", 0); /* no taker is there just now */
    rig_run(r, 0);
    rig_attach(r, 2, "a", PL_ATTACH_JOIN_LEAVE);
    rig_run(r, 0);
    bring_all_up(r, &bus);
    check_told(r, "lj");
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detach_while_attaching_makes_no_join_and_no_leave),
        cmocka_unit_test(who_comes_back_while_leaving_is_present),
        cmocka_unit_test(a_stop_answers_what_is_in_flight_with_503),
        cmocka_unit_test(a_full_store_is_111),
        cmocka_unit_test(
            a_gap_of_the_bus_is_told_to_every_loop_with_subscribers),
        cmocka_unit_test(
            what_is_stored_is_fanned_out_in_order_though_the_bus_fails),
        cmocka_unit_test(an_event_that_never_comes_lets_no_later_one_pass),
        cmocka_unit_test(an_event_that_comes_early_passes_no_refused_one),
        cmocka_unit_test(without_history_a_failed_bus_is_an_error),
        cmocka_unit_test(a_publication_of_another_node_reaches_the_hubs),
        cmocka_unit_test(the_bus_is_attached_while_there_are_subscribers),
        cmocka_unit_test(who_hears_a_late_join_hears_the_leave_too),
        cmocka_unit_test(who_hears_a_late_leave_hears_the_next_join_too),
    };

    return cmocka_run_group_tests_name("channels_late", tests, NULL, NULL);
}
