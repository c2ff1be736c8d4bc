/* SPDX-License-Identifier: Apache-2.0 */
/* test_hub_memory.c - when allocations fail: nothing is lost silently, nothing
 * leaks, and a detach comes for each attach.  And when publications are lost.
 */
#include "failing_alloc.h"

#define RIG_CALLOC __real_calloc
#include "rig.h"

enum { TRIES = 12 };

/* What it got, up to `offset`: each publication, or it was told to recover. */
static void expect_all_or_dropped(struct listener *l, unsigned offset)
{
    unsigned got = 0;
    bool is_dropped = false;

    for (struct note n; (n = next_note(l)).what != 0;) {
        assert_false(is_dropped);
        if (n.what == DROPPED) {
            assert_int_equal(n.code, PL_UNSUBSCRIBE_INSUFFICIENT);
            is_dropped = true;
        } else {
            assert_int_equal(n.what, DELIVERED);
            got += n.frames;
        }
        free(n.bytes);
    }
    assert_true(is_dropped || got == offset);
}

static void a_jump_from_the_very_beginning_is_a_gap(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    owner_publishes(r, "c", "\"n2\"", 2);
    turn(r);
    expect_told(a, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    subscribe(r, a, "d", 0, 0);
    subscribe(r, listen_as(r, PL_ENCODING_JSON), "d", 0, 1);
    expect_told(a, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    rig_destroy(r);
}

static void a_publication_that_found_no_memory_is_a_gap(void **state)
{
    uint64_t lost = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *json = listen_as(r, PL_ENCODING_JSON),
                        *protobuf = listen_as(r, PL_ENCODING_PROTOBUF);

        subscribe(r, json, "c", 0, 0);
        subscribe(r, protobuf, "c", 0, 0);
        for (unsigned i = 1; i <= 3; i++)
            owner_publishes(r, "c", "{\"n\":\n1}", i);
        pl_loop_turn(rig_loop(r, 1));
        alloc_fails_at = n;
        turn(r);
        alloc_fails_at = 0;
        owner_publishes(r, "c", "{\"n\":\n1}", 4);
        turn(r);
        expect_all_or_dropped(json, 4);
        expect_all_or_dropped(protobuf, 4);
        check_ledger(r);
        lost += r->metrics.value[PL_METRIC_FRAMES_DROPPED_MEMORY];
        rig_destroy(r);
    }
    assert_true(lost > 0);
}

/* How many the listener was told. */
static unsigned told(struct listener *l)
{
    unsigned count = 0;

    for (struct note n; (n = next_note(l)).what != 0; free(n.bytes)) {
        assert_int_equal(n.what, DELIVERED);
        count += n.frames;
    }
    return count;
}

static void a_join_that_found_no_memory_is_counted(void **state)
{
    uint64_t lost = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *json = listen_as(r, PL_ENCODING_JSON),
                        *protobuf = listen_as(r, PL_ENCODING_PROTOBUF);

        subscribe(r, json, "c", PL_SUB_JOIN_LEAVE, 0);
        subscribe(r, protobuf, "c", PL_SUB_JOIN_LEAVE, 0);
        subscribe(r, listen_as(r, PL_ENCODING_JSON), "c", 0, 0);
        owner_tells(r, "c", json->subscriber.client, true);
        pl_loop_turn(rig_loop(r, 1));
        alloc_fails_at = n;
        turn(r);
        alloc_fails_at = 0;
        uint64_t dropped = r->metrics.value[PL_METRIC_FRAMES_DROPPED_MEMORY];
        assert_int_equal(told(json) + told(protobuf) + dropped, 2);
        check_ledger(r);
        lost += dropped;
        rig_destroy(r);
    }
    assert_true(lost > 0);
}

static void a_subscribe_that_finds_no_memory_leaves_nothing(void **state)
{
    unsigned failed = 0;

    (void)state;
    for (unsigned n = 1; n < TRIES; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_as(r, PL_ENCODING_JSON);

        alloc_fails_at = n;
        enum pl_err rc = try_subscribe(r, a, "c", 0);
        alloc_fails_at = 0;
        run(r);
        assert_int_equal(owner_has(r, PL_MAIL_ATTACH), rc == PL_OK);
        if (rc != PL_OK) {
            failed++;
            assert_int_equal(rc, PL_ENOMEM);
            assert_null(a->subscriber.subs);
            assert_int_equal(r->metrics.value[PL_METRIC_HUB_CHANNELS], 0);
        }
        rig_destroy(r);
    }
    assert_in_range(failed, 3, TRIES - 2);
}

static void a_publish_or_query_without_memory_is_refused(void **state)
{
    unsigned failed = 0;
    struct pl_publish_ask ask = {.channel = PL_SPAN("c"), .data = PL_SPAN("1")};

    (void)state;
    for (unsigned n = 1; n < 5; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_as(r, PL_ENCODING_JSON);
        struct pl_query_mail *q = query_create(r);

        ask.hash = pl_hub_hash(r->hub, ask.channel);
        alloc_fails_at = n;
        enum pl_err rc =
            pl_hub_publish(r->hub, &a->subscriber, a->subscriber.client, &ask);
        alloc_fails_at = n;
        enum pl_err rc2 =
            pl_hub_query(r->hub, &a->subscriber, q, PL_SPAN("c"), 1, 1);
        alloc_fails_at = 0;
        run(r);
        assert_int_equal(owner_has(r, PL_MAIL_PUBLISH), rc == PL_OK);
        assert_int_equal(owner_has(r, PL_MAIL_QUERY), rc2 == PL_OK);
        failed += (rc == PL_ENOMEM) + (rc2 == PL_ENOMEM);
        rig_destroy(r);
    }
    assert_in_range(failed, 2, 6);
}

/* The detach waits for memory, whatever state the subscription is in. */
static void a_detach_is_sent_when_there_is_memory_again(void **state)
{
    (void)state;
    for (int is_live = 0; is_live < 2; is_live++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_as(r, PL_ENCODING_JSON);

        begin_subscribe(r, a, "c", 0);
        begin_subscribe(r, a, "d", 0);
        run(r);
        if (is_live) {
            owner_attaches(r, 0, true, 0);
            owner_attaches(r, 0, true, 0);
            run(r);
        }
        alloc_fails_at = 1;
        pl_hub_leave(r->hub, &a->subscriber);
        alloc_fails_at = 0;
        run(r);
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
        assert_int_equal(r->metrics.value[PL_METRIC_SUBSCRIPTIONS], 0);
        pl_sim_advance(r->sim, 60);
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 2);
        rig_destroy(r);
    }
}

static void an_ordered_end_without_memory_changes_nothing(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_as(r, PL_ENCODING_JSON);

        subscribe(r, a, "c", 0, 0);
        alloc_fails_at = n;
        assert_int_equal(pl_hub_unsubscribe_ask(r->hub, a->subscriber.subs, 5),
                         PL_ENOMEM);
        alloc_fails_at = 0;
        owner_publishes(r, "c", "1", 1);
        turn(r);
        expect_frame(a, "\"data\":1");
        assert_non_null(find_sub(r, a));
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 0);
        rig_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jump_from_the_very_beginning_is_a_gap),
        cmocka_unit_test(a_publication_that_found_no_memory_is_a_gap),
        cmocka_unit_test(a_join_that_found_no_memory_is_counted),
        cmocka_unit_test(a_subscribe_that_finds_no_memory_leaves_nothing),
        cmocka_unit_test(a_publish_or_query_without_memory_is_refused),
        cmocka_unit_test(a_detach_is_sent_when_there_is_memory_again),
        cmocka_unit_test(an_ordered_end_without_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
