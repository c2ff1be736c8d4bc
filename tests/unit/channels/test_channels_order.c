/* SPDX-License-Identifier: Apache-2.0 */
/* The order of publications of several owners, see order.c: another owner
 * appends to the same stream and sends on the same bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "channel.h"
#include "channels_private.h"
#include "hand_bus.h"
#include "monitor.h"
#include "pending_request.h"
#include "rig.h"

static const struct rig_options usual = {.rules.history_size = 100,
                                         .rules.history_ttl_ms = 100000,
                                         .rules.meta_ttl_ms = 600000};

/* With client 1 in the channel. */
static struct rig *make(struct hand_bus *h, uint32_t in_flight_limit)
{
    struct rig_options o = usual;

    *h = (struct hand_bus){.bus = {&hand_bus_ops}};
    o.owner.bus = &h->bus;
    o.owner.in_flight_limit = in_flight_limit;
    struct rig *r = rig_create(7, &o, NULL);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    return r;
}

static void publish(struct rig *r)
{
    rig_publish(r, 0, "a", "own");
    rig_run(r, 0);
}

/* Another owner has appended this. */
static struct pl_pub *append(struct rig *r)
{
    struct pl_stream *s = r->channels->stream;
    struct pl_stream_append a = {
        .op = {.channel = PL_SPAN("a"), .hash = rig_hash("a")},
        .rules = pl_rulebook_default(r->book)};

    a.pub = pl_pub_create(a.op.channel, a.op.hash, PL_SPAN("other"), NULL);
    assert_int_equal(s->ops->append(s, &a), PL_STORE_DONE);
    assert_int_equal(a.op.error, PL_OK);
    return a.pub;
}

static void bring(struct rig *r, struct hand_bus *h, struct pl_pub *pub)
{
    h->events->publication(h->owner, pub, NULL);
    rig_run(r, 0);
}

/* Hub 1 has got the offsets from 1 to `count`, each once. */
static void check(struct rig *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct pl_publication_mail *m = rig_mail(r, 1, PL_MAIL_PUBLICATION, i);

        assert_non_null(m);
        assert_int_equal(m->pub->offset, i + 1);
    }
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, count));
    assert_null(rig_mail(r, 1, PL_MAIL_GAP, 0));
}

static void what_another_owner_sent_waits_for_earlier_results(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    struct pl_pub *other = append(r);
    bring(r, &bus, other);
    check(r, 0);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check(r, 2);
    assert_int_equal(r->metrics.value[PL_METRIC_STORE_REQUESTS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_STORE_REQUEST_BYTES], 0);
    pl_pub_release(other);
    rig_destroy(r);
}

static void it_passes_later_results_and_positions(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    struct pl_pub *other = append(r);
    rig_attach(r, 4, "a", 0);
    rig_run(r, 0);
    publish(r);
    bring(r, &bus, other);
    check(r, 0);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check(r, 2);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check(r, 3);
    struct rig_hub *h = r->hub[1]; /* attach, 1, 2, attach, 3 */
    assert_int_equal(h->count, 5);
    assert_int_equal(h->mail[3]->type, PL_MAIL_ATTACH);
    assert_int_equal(((struct pl_attach_mail *)h->mail[3])->offset, 2);
    pl_pub_release(other);
    rig_destroy(r);
}

static void what_was_seen_is_dropped(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    struct pl_pub *other = append(r);
    bring(r, &bus, other);
    bring(r, &bus, other);
    publish(r);
    struct pl_pub *own = pl_pub_hold(bus.held[0]->pub);
    hand_bus_answer(&bus, PL_OK);
    bring(r, &bus, own);
    bring(r, &bus, other);
    check(r, 2);
    assert_int_equal(r->metrics.value[PL_METRIC_PUBLICATIONS_REPEATED], 3);
    pl_pub_release(own);
    pl_pub_release(other);
    rig_destroy(r);
}

/* What is at or below the position of the first subscriber is seen. */
static void what_was_there_before_the_first_subscriber_is_seen(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    rig_detach(r, 1, "a", 0);
    rig_run(r, 0);
    struct pl_pub *other = append(r);
    rig_attach(r, 1, "a", 0);
    rig_run(r, 0);
    bring(r, &bus, other);
    check(r, 0);
    pl_pub_release(other);
    rig_destroy(r);
}

static void an_own_one_that_the_bus_brings_unnamed_is_its_event(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    publish(r);
    bring(r, &bus, bus.held[0]->pub);
    check(r, 1);
    assert_non_null(rig_mail(r, 0, PL_MAIL_PUBLISH, 0));
    hand_bus_answer(&bus, PL_EIO); /* it was heard all the same */
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check(r, 2);
    assert_int_equal(
        ((struct pl_publish_mail *)rig_mail(r, 0, PL_MAIL_PUBLISH, 0))->error,
        0);
    rig_destroy(r);
}

static void another_epoch_starts_anew(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    hand_bus_answer(&bus, PL_OK);
    struct pl_pub *other =
        pl_pub_create(PL_SPAN("a"), rig_hash("a"), PL_SPAN("x"), NULL);
    other->offset = 1;
    memcpy(other->epoch, "another!", sizeof other->epoch);
    bring(r, &bus, other);
    assert_non_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 1));
    bring(r, &bus, other);
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 2));
    pl_pub_release(other);
    rig_destroy(r);
}

static void what_has_no_place_while_it_waits_is_a_gap(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 2);

    (void)state;
    publish(r);
    for (unsigned i = 0; i < 2; i++) {
        struct pl_pub *other = append(r);

        assert_null(rig_mail(r, 1, PL_MAIL_GAP, 0));
        bring(r, &bus, other);
        pl_pub_release(other);
    }
    assert_non_null(rig_mail(r, 1, PL_MAIL_GAP, 0));
    assert_int_equal(r->metrics.value[PL_METRIC_EVENTS_LOST], 1);
    rig_destroy(r);
}

static void what_waits_at_a_stop_is_freed(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    struct pl_pub *other = append(r);
    bring(r, &bus, other);
    pl_pub_release(other);
    assert_int_equal(pl_stop_send(&r->hub[1]->actor, r->owner), PL_OK);
    rig_run(r, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_STORE_REQUESTS], 0);
    rig_destroy(r);
}

static void bring_offset(struct rig *r, const char *epoch, uint64_t offset)
{
    struct pl_pub *pub =
        pl_pub_create(PL_SPAN("a"), rig_hash("a"), PL_SPAN("z"), NULL);

    pub->offset = offset;
    memcpy(pub->epoch, epoch, sizeof pub->epoch);
    pl_late_bus_bring(r->bus, pub);
    pl_pub_release(pub);
    rig_run(r, 10);
}

/* Offset 3 comes up while the append of 2 is pending.  When nothing that could
 * fill a hole is pending, hubs hear of it. */
static void what_is_missing_may_be_a_pending_append(void **state)
{
    struct pl_late_options late = {.seed = 3, .latency_ms = 100};
    struct rig *r = rig_create(7, &usual, &late);

    (void)state;
    rig_attach(r, 1, "a", 0);
    rig_run(r, 1000);
    rig_publish(r, 0, "a", "x");
    rig_run(r, 1000);
    struct pl_publication_mail *m = rig_mail(r, 1, PL_MAIL_PUBLICATION, 0);
    assert_non_null(m);
    rig_publish(r, 0, "a", "y");
    rig_run(r, 50);
    bring_offset(r, m->pub->epoch, 3);
    check(r, 1);
    rig_run(r, 1000);
    check(r, 3);
    bring_offset(r, m->pub->epoch, 7);
    assert_non_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 3));
    rig_destroy(r);
}

/* --- A long outbox --- */

static uint64_t steps; /* of searches in it */

struct pl_place
__real_pl_pending_request_place(const struct pl_pending_request *rq);
struct pl_place
__wrap_pl_pending_request_place(const struct pl_pending_request *rq);

struct pl_place
__wrap_pl_pending_request_place(const struct pl_pending_request *rq)
{
    steps++;
    return __real_pl_pending_request_place(rq);
}

enum { LONG = 3000, STEPS = 5 /* of one search, at most */ };

static void bring_again(struct rig *r, struct hand_bus *h, struct pl_pub *pub)
{
    uint64_t before = steps;

    h->events->publication(h->owner, pub, NULL);
    assert_true(steps - before <= STEPS);
    assert_null(rig_mail(r, 1, PL_MAIL_PUBLICATION, 0));
}

/* An own one waits at the head, and `others` after it. */
static struct rig *fill(struct hand_bus *h, struct pl_pub *others[LONG])
{
    struct rig *r = make(h, 0);

    publish(r);
    for (unsigned i = 0; i < LONG; i++) {
        others[i] = append(r);
        h->events->publication(h->owner, others[i], NULL);
    }
    return r;
}

static void empty(struct rig *r, struct hand_bus *h,
                  struct pl_pub *others[LONG])
{
    hand_bus_answer(h, PL_OK);
    rig_run(r, 0);
    check(r, LONG + 1);
    for (unsigned i = 0; i < LONG; i++)
        pl_pub_release(others[i]);
    rig_destroy(r);
}

static void what_a_bus_repeats_is_found_in_few_steps(void **state)
{
    static struct pl_pub *others[LONG];
    struct hand_bus bus;
    struct rig *r = fill(&bus, others);

    (void)state;
    for (unsigned i = 0; i < LONG; i++)
        bring_again(r, &bus, others[i]);
    for (unsigned i = LONG; i-- > 0;)
        bring_again(r, &bus, others[i]);
    empty(r, &bus, others);
}

/* What a search found last has gone, and so has its memory. */
static void a_search_outlives_what_it_found(void **state)
{
    struct hand_bus bus;
    struct rig *r = make(&bus, 0);

    (void)state;
    publish(r);
    struct pl_pub *two = append(r), *three = append(r);
    bring(r, &bus, two);
    bring(r, &bus, three);
    bring(r, &bus, two); /* is found */
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    publish(r);
    struct pl_pub *five = append(r), *six = append(r);
    bring(r, &bus, five);
    bring(r, &bus, six);
    bring(r, &bus, five);
    hand_bus_answer(&bus, PL_OK);
    rig_run(r, 0);
    check(r, 6);
    pl_pub_release(two);
    pl_pub_release(three);
    pl_pub_release(five);
    pl_pub_release(six);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_owner_sent_waits_for_earlier_results),
        cmocka_unit_test(it_passes_later_results_and_positions),
        cmocka_unit_test(what_was_seen_is_dropped),
        cmocka_unit_test(what_was_there_before_the_first_subscriber_is_seen),
        cmocka_unit_test(an_own_one_that_the_bus_brings_unnamed_is_its_event),
        cmocka_unit_test(another_epoch_starts_anew),
        cmocka_unit_test(what_has_no_place_while_it_waits_is_a_gap),
        cmocka_unit_test(what_waits_at_a_stop_is_freed),
        cmocka_unit_test(what_is_missing_may_be_a_pending_append),
        cmocka_unit_test(what_a_bus_repeats_is_found_in_few_steps),
        cmocka_unit_test(a_search_outlives_what_it_found),
    };

    return cmocka_run_group_tests_name("channels_order", tests, NULL, NULL);
}
