/* SPDX-License-Identifier: Apache-2.0 */
/* test_hub_gaps.c - publications that do not follow what a channel had: missing
 * ones, those that come again, and those of another epoch. */
#include "rig.h"

static void a_gap_drops_those_with_positions(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);
    struct pl_gap_mail *m = pl_gap_mail_create();

    (void)state;
    subscribe(r, a, "c", 0, 0);
    begin_subscribe(r, b, "c", 0);
    run(r);
    owner_attaches(r, 0, false, 0); /* without a position */
    run(r);
    next_note(b);
    owner_publishes(r, "c", "\"n1\"", 0);
    m->channel = pl_blob_create(PL_SPAN("c"));
    m->hash = pl_hub_hash(r->hub, PL_SPAN("c"));
    owner_send(r, &m->msg);
    turn(r);
    expect_frame(a, "\"n1\"");
    expect_told(a, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    assert_null(a->subscriber.subs);
    expect_frame(b, "\"n1\"");
    assert_int_equal(b->count, 0);
    run(r);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
    rig_destroy(r);
}

static void a_jump_in_the_offsets_is_a_gap(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    owner_publishes(r, "c", "\"n1\"", 1);
    owner_publishes(r, "c", "\"n3\"", 3);
    turn(r);
    for (int i = 0; i < 2; i++) {
        struct listener *l = i == 0 ? a : b;
        expect_frame(l, "\"n1\"");
        expect_told(l, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
        assert_int_equal(l->count, 0);
    }
    assert_int_equal(r->metrics.value[PL_METRIC_HUB_CHANNELS], 0);
    subscribe(r, a, "c", 0, 3);
    owner_publishes(r, "c", "\"n4\"", 4);
    turn(r);
    expect_frame(a, "\"n4\"");
    rig_destroy(r);
}

static void owner_publishes_of(struct rig *r, const char *epoch,
                               const char *data, uint64_t offset)
{
    struct pl_publication_mail *m = pl_publication_mail_create();

    assert_non_null(m);
    m->pub = make_pub(r, "c", pl_span_of(data), offset);
    memcpy(m->pub->epoch, epoch, 5);
    owner_send(r, &m->msg);
}

static void a_publication_that_comes_again_is_dropped(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_PROTOBUF);
    const char *const news[] = {"\"n4\"", "\"n5\""};

    (void)state;
    subscribe(r, a, "c", 0, 3);
    subscribe(r, b, "c", 0, 3);
    owner_publishes(r, "c", "\"n4\"", 4);
    owner_publishes(r, "c", "\"n4\"", 4);
    owner_publishes(r, "c", "\"n1\"", 1);
    owner_publishes(r, "c", "\"n5\"", 5);
    turn(r);
    for (int i = 0; i < 2; i++) {
        struct listener *l = i == 0 ? a : b;
        expect_frames(l, 2, news);
        assert_int_equal(l->count, 0);
    }
    assert_int_equal(r->metrics.value[PL_METRIC_FRAMES_DROPPED_DUPLICATE], 4);
    check_ledger(r);
    rig_destroy(r);
}

static void a_publication_of_another_epoch_is_a_gap(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 3);
    owner_publishes_of(r, "other", "\"fits\"", 4);
    turn(r);
    expect_told(a, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    assert_int_equal(a->count, 0);
    subscribe(r, b, "c", 0, 3);
    owner_publishes_of(r, "other", "\"old\"", 2);
    turn(r);
    expect_told(b, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    assert_int_equal(b->count, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_FRAMES_DROPPED_DUPLICATE], 0);
    rig_destroy(r);
}

/* A late one of the old epoch must not decide for who comes behind it. */
static void
a_subscriber_attached_after_another_epoch_follows_its_own(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    begin_subscribe(r, a, "c", 0);
    run(r);
    owner_publishes_of(r, "other", "\"n9\"", 9);
    owner_attaches(r, 0, true, 3);
    owner_publishes(r, "c", "\"n4\"", 4);
    turn(r);
    expect_told(a, ATTACHED, 0);
    expect_frame(a, "\"n4\"");
    assert_int_equal(a->count, 0);
    rig_destroy(r);
}

/* The bus was ahead of the store: what it brought before the answer went to the
 * others alone. */
static void an_attach_older_than_what_was_seen_recovers(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);
    const char *const news[] = {"\"n2\"", "\"n3\""};

    (void)state;
    subscribe(r, a, "c", 0, 1);
    begin_subscribe(r, b, "c", 0);
    run(r);
    owner_publishes(r, "c", "\"n2\"", 2);
    owner_attaches(r, 0, true, 1);
    owner_publishes(r, "c", "\"n3\"", 3);
    turn(r);
    expect_frames(a, 2, news);
    assert_int_equal(a->count, 0);
    expect_told(b, ATTACHED, 0);
    expect_told(b, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    assert_int_equal(b->count, 0);
    rig_destroy(r);
}

static void an_attach_beyond_what_was_seen_is_a_gap_for_the_others(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 1);
    begin_subscribe(r, b, "c", 0);
    run(r);
    owner_publishes(r, "c", "\"n2\"", 2);
    owner_attaches(r, 0, true, 3);
    owner_publishes(r, "c", "\"n4\"", 4);
    turn(r);
    expect_frame(a, "\"n2\"");
    expect_told(a, DROPPED, PL_UNSUBSCRIBE_INSUFFICIENT);
    assert_int_equal(a->count, 0);
    expect_told(b, ATTACHED, 0);
    expect_frame(b, "\"n4\"");
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_drops_those_with_positions),
        cmocka_unit_test(a_jump_in_the_offsets_is_a_gap),
        cmocka_unit_test(a_publication_that_comes_again_is_dropped),
        cmocka_unit_test(a_publication_of_another_epoch_is_a_gap),
        cmocka_unit_test(
            a_subscriber_attached_after_another_epoch_follows_its_own),
        cmocka_unit_test(an_attach_older_than_what_was_seen_recovers),
        cmocka_unit_test(
            an_attach_beyond_what_was_seen_is_a_gap_for_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
