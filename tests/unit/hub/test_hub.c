/* SPDX-License-Identifier: Apache-2.0 */
/* test_hub.c - who is told what, in which order, and exactly once. */
#include <stdlib.h>

#include "hub_channel.h"
#include "rig.h"

/* --- Deliveries --- */

static void a_turn_is_one_segment_that_all_share(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON),
                    *p = listen_as(r, PL_ENCODING_PROTOBUF);
    static const char *const parts[] = {"\"n1\"", "\"n2\"", "\"n3\""};

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    subscribe(r, p, "c", 0, 0);
    owner_publishes(r, "c", "\"n1\"", 1);
    owner_publishes(r, "c", "\"n2\"", 2);
    owner_publishes(r, "c", "\"n3\"", 3);
    turn(r);
    assert_int_equal(a->count, 1);
    assert_int_equal(b->count, 1);
    assert_int_equal(p->count, 1);
    assert_ptr_equal(a->notes[0].segment, b->notes[0].segment);
    assert_int_equal(a->notes[0].from, 0);
    assert_int_equal(a->notes[0].to, b->notes[0].to);
    assert_ptr_not_equal(a->notes[0].segment, p->notes[0].segment);
    expect_frames(a, 3, parts);
    expect_frames(b, 3, parts);
    expect_frames(p, 3, parts);
    owner_publishes(r, "c", "\"n4\"", 4);
    turn(r);
    expect_frame(a, "\"n4\"");
    rig_destroy(r);
}

static void channels_do_not_mix(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "a", 0, 0);
    subscribe(r, b, "b", 0, 0);
    owner_publishes(r, "a", "\"for a\"", 1);
    owner_publishes(r, "b", "\"for b\"", 1);
    owner_publishes(r, "nobody", "\"lost\"", 1);
    turn(r);
    expect_frame(a, "\"for a\"");
    expect_frame(b, "\"for b\"");
    assert_int_equal(a->count + b->count, 0);
    rig_destroy(r);
}

static struct pl_client *shown(struct rig *r, const struct listener *l,
                               const char *channel)
{
    struct pl_span name = pl_span_of(channel);

    return pl_hub_shown(
        r->hub, &l->subscriber,
        pl_hub_find(r->hub, &l->subscriber, name, pl_hub_hash(r->hub, name)));
}

static enum pl_err publish(struct rig *r, struct listener *l,
                           const char *channel)
{
    struct pl_span name = pl_span_of(channel);
    struct pl_publish_ask ask = {.channel = name,
                                 .hash = pl_hub_hash(r->hub, name),
                                 .data = PL_SPAN("\"mine\""),
                                 .is_json = true,
                                 .command = 9};

    return pl_hub_publish(r->hub, &l->subscriber, shown(r, l, channel), &ask);
}

static void owner_answers_publish(struct rig *r, uint64_t offset)
{
    struct pl_publish_mail *m = owner_take(r, PL_MAIL_PUBLISH);

    assert_non_null(m);
    m->pub->offset = offset;
    memcpy(m->pub->epoch, offset == 0 ? "\0\0\0\0\0" : "epoch", 5);
    m->fan_out = true;
    pl_mail_answer(&r->owner->actor, &m->msg);
}

static void subscribe_with_info(struct rig *r, struct listener *l)
{
    struct pl_subscribe_ask ask = {.channel = PL_SPAN("c"),
                                   .hash = pl_hub_hash(r->hub, PL_SPAN("c")),
                                   .rules = pl_rulebook_default(r->book),
                                   .info = PL_SPAN("[7]")};

    assert_int_equal(pl_hub_subscribe(r->hub, &l->subscriber, &ask), PL_OK);
    run(r);
}

static void what_is_published_has_the_info_of_the_subscription(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON),
                    *p = listen_as(r, PL_ENCODING_PROTOBUF);

    (void)state;
    subscribe(r, b, "c", 0, 0);
    subscribe(r, p, "c", 0, 0);
    subscribe_with_info(r, a);
    assert_ptr_equal(shown(r, a, "c"), a->subscriber.client); /* no result */
    owner_attaches(r, 0, true, 0);
    run(r);
    assert_ptr_not_equal(shown(r, a, "c"), a->subscriber.client);
    assert_ptr_equal(shown(r, a, "d"), a->subscriber.client);
    assert_ptr_equal(shown(r, b, "c"), b->subscriber.client);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    run(r);
    owner_answers_publish(r, 1);
    turn(r);
    expect_frame(b, "\"chan_info\":[7]");
    expect_frame(p, "\".[7]"); /* field 4 of its ClientInfo */
    pl_hub_leave(r->hub, &a->subscriber);
    assert_ptr_equal(shown(r, a, "c"), a->subscriber.client);
    rig_destroy(r);
}

static void a_publisher_gets_its_push_before_its_reply(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);
    static const char *const all[] = {"\"other\"", "\"mine\"", "\"after\""};

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    run(r);
    owner_publishes(r, "c", "\"other\"", 1);
    owner_answers_publish(r, 2);
    owner_publishes(r, "c", "\"after\"", 3);
    turn(r);
    expect_frames(a, 3, all); /* the whole turn in one piece */
    expect_told(a, PUBLISHED, 0);
    expect_frames(b, 3, all);
    assert_int_equal(a->count + b->count, 0);
    check_ledger(r);
    rig_destroy(r);
}

static void an_answer_of_another_kind_comes_after_the_reply(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);
    static const char *const early[] = {"\"other\"", "\"mine\""};
    static const char *const all[] = {"\"other\"", "\"mine\"", "\"after\""};

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    ask_query(r, a);
    run(r);
    owner_publishes(r, "c", "\"other\"", 1);
    owner_answers_publish(r, 2);
    owner_answers_query(r);
    owner_publishes(r, "c", "\"after\"", 3);
    turn(r);
    expect_frames(a, 2, early); /* cut: what it has had ... */
    expect_told(a, PUBLISHED, 0);
    expect_told(a, QUERIED, 0);
    expect_frame(a, "\"after\""); /* ... does not come again */
    expect_frames(b, 3, all);
    assert_int_equal(a->count + b->count, 0);
    check_ledger(r);
    rig_destroy(r);
}

static void who_joins_after_a_publish_gets_its_next_push_first(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "x", 0, 0);
    subscribe(r, a, "y", 0, 0);
    subscribe(r, b, "c", 0, 0);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    run(r);
    owner_answers_publish(r, 1);
    turn(r);
    expect_told(a, PUBLISHED, 0);
    expect_frame(b, "\"mine\"");
    subscribe(r, a, "c", 0, 1);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    run(r);
    owner_answers_publish(r, 2);
    turn(r);
    expect_frame(a, "\"mine\"");
    expect_told(a, PUBLISHED, 0);
    expect_frame(b, "\"mine\"");
    assert_int_equal(a->count + b->count, 0);
    check_ledger(r);
    rig_destroy(r);
}

static void who_joins_amid_a_turn_gets_what_follows(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);
    static const char *const all[] = {"\"n1\"", "\"n2\""};

    (void)state;
    subscribe(r, a, "c", 0, 0);
    begin_subscribe(r, b, "c", 0);
    run(r);
    owner_publishes(r, "c", "\"n1\"", 1);
    owner_attaches(r, 0, true, 1);
    owner_publishes(r, "c", "\"n2\"", 2);
    turn(r);
    expect_frames(a, 2, all);
    expect_told(b, ATTACHED, 0);
    expect_frame(b, "\"n2\"");
    assert_int_equal(a->count + b->count, 0);
    /* 2^32 turns later the number of that turn comes again */
    struct pl_hub_channel *c = a->subscriber.subs->channel;
    uint32_t amid = c->serial - 1;
    c->serial = UINT32_MAX;
    owner_publishes(r, "c", "\"n3\"", 3);
    turn(r);
    c->serial += amid;
    owner_publishes(r, "c", "\"n4\"", 4);
    turn(r);
    expect_frame(b, "\"n3\"");
    expect_frame(b, "\"n4\"");
    rig_destroy(r);
}

static void who_leaves_amid_a_turn_gets_what_came_before(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    assert_int_equal(pl_hub_unsubscribe_ask(r->hub, find_sub(r, a), 5), PL_OK);
    assert_null(find_sub(r, a));
    run(r);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
    struct pl_msg *barrier = owner_take(r, PL_MAIL_QUERY);
    owner_publishes(r, "c", "\"n1\"", 1);
    pl_mail_answer(&r->owner->actor, barrier);
    owner_publishes(r, "c", "\"n2\"", 2);
    turn(r);
    expect_frame(a, "\"n1\"");
    expect_told(a, UNSUBSCRIBED, 5);
    assert_int_equal(a->count, 0);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
    rig_destroy(r);
}

static void who_closes_is_owed_nothing_more(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON),
                    *b = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    ask_query(r, a);
    run(r);
    b->sends_away = a;
    owner_publishes(r, "c", "\"n1\"", 1); /* a has had this one ... */
    owner_answers_query(r);
    owner_publishes(r, "c", "\"n2\"", 2); /* ... and these not yet */
    owner_publishes(r, "c", "\"n3\"", 3);
    pl_actor_send(&r->owner->actor, pl_actor_address(&b->actor),
                  &pl_gap_mail_create()->msg);
    turn(r);
    expect_frame(a, "\"n1\"");
    expect_told(a, QUERIED, 0);
    assert_int_equal(a->count, 0);
    assert_int_equal(b->count, 1);
    assert_int_equal(b->notes[0].frames, 3);
    assert_int_equal(r->metrics.value[PL_METRIC_FRAMES_CANCELLED], 2);
    check_ledger(r);
    rig_destroy(r);
}

/* --- Joins and leaves --- */

static void joins_go_to_their_subscribers_after_what_came_before(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *taker = listen_as(r, PL_ENCODING_JSON),
                    *other = listen_as(r, PL_ENCODING_JSON),
                    *binary = listen_as(r, PL_ENCODING_PROTOBUF);
    static const char *const all[] = {"\"n1\"", "\"n2\""};

    (void)state;
    subscribe(r, taker, "c", PL_SUB_JOIN_LEAVE, 0);
    subscribe(r, other, "c", 0, 0);
    subscribe(r, binary, "c", PL_SUB_JOIN_LEAVE, 0);
    owner_publishes(r, "c", "\"n1\"", 1);
    owner_tells(r, "c", other->subscriber.client, true);
    owner_tells(r, "c", other->subscriber.client, false);
    owner_publishes(r, "c", "\"n2\"", 2);
    owner_tells(r, "elsewhere", other->subscriber.client, true);
    turn(r);
    expect_frame(taker, "\"n1\"");
    expect_frame(taker, "\"join\"");
    expect_frame(taker, "\"leave\"");
    expect_frame(taker, "\"n2\"");
    expect_frames(other, 2, all);
    assert_int_equal(binary->count, 4);
    assert_int_equal(taker->count + other->count, 0);
    check_ledger(r);
    rig_destroy(r);
}

/* --- Attaching --- */

static void a_channel_is_subscribed_to_once(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    begin_subscribe(r, a, "c", 0);
    assert_int_equal(try_subscribe(r, a, "c", 0), PL_EEXIST);
    run(r);
    owner_attaches(r, 0, true, 0);
    run(r);
    assert_int_equal(try_subscribe(r, a, "c", 0), PL_EEXIST);
    assert_int_equal(a->subscriber.sub_count, 1);
    rig_destroy(r);
}

static void the_attach_says_what_was_asked(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);
    struct pl_subscribe_ask ask = {.channel = PL_SPAN("c"),
                                   .hash = pl_hub_hash(r->hub, PL_SPAN("c")),
                                   .rules = pl_rulebook_default(r->book),
                                   .flags = PL_SUB_RECOVER | PL_SUB_JOIN_LEAVE |
                                            PL_SUB_HIDDEN | PL_SUB_REJECT |
                                            PL_SUB_SERVER_SIDE,
                                   .epoch = PL_SPAN("toolongtobeours"),
                                   .offset = 42,
                                   .command = 7,
                                   .kind = 3};

    (void)state;
    assert_int_equal(pl_hub_subscribe(r->hub, &a->subscriber, &ask), PL_OK);
    run(r);
    struct pl_attach_mail *m = owner_take(r, PL_MAIL_ATTACH);
    assert_int_equal(m->flags, PL_ATTACH_RECOVER | PL_ATTACH_JOIN_LEAVE |
                                   PL_ATTACH_HIDDEN | PL_ATTACH_REJECT |
                                   PL_ATTACH_SERVER_SIDE);
    assert_string_equal(m->epoch, "--------");
    assert_int_equal(m->offset, 42);
    assert_int_equal(m->origin.command, 7);
    assert_int_equal(m->origin.kind, 3);
    assert_int_equal(m->hash, pl_hub_hash(r->hub, PL_SPAN("c")));
    assert_ptr_equal(m->client, a->subscriber.client);
    pl_mail_answer(&r->owner->actor, &m->msg);
    rig_destroy(r);
}

static void an_attach_that_fails_is_told_and_detached(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    begin_subscribe(r, a, "c", 0);
    run(r);
    owner_attaches(r, PL_ERROR_LIMIT_EXCEEDED, false, 0);
    run(r);
    expect_told(a, ATTACHED, PL_ERROR_LIMIT_EXCEEDED);
    assert_null(a->subscriber.subs);
    struct pl_detach_mail *m = owner_take(r, PL_MAIL_DETACH);
    assert_non_null(m);
    pl_mail_destroy(&m->msg);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 0);
    rig_destroy(r);
}

static void an_attach_that_nobody_takes_is_error_503(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    pl_actor_exit(&r->owner->actor, "gone");
    pl_loop_turn(rig_loop(r, 1));
    begin_subscribe(r, a, "c", 0);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    run(r);
    expect_told(a, ATTACHED, PL_ERROR_STOPPING);
    expect_told(a, PUBLISHED, PL_ERROR_STOPPING);
    assert_null(a->subscriber.subs);
    assert_int_equal(r->metrics.value[PL_METRIC_HUB_CHANNELS], 0);
    pl_sim_destroy(r->sim);
    pl_rulebook_release(r->book);
    free(r);
}

/* However an attach and an end meet, each attach has one detach. */
static void an_end_while_attaching_is_one_detach(void **state)
{
    (void)state;
    for (int error = 0; error <= PL_ERROR_INTERNAL;
         error += PL_ERROR_INTERNAL) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_as(r, PL_ENCODING_JSON);

        begin_subscribe(r, a, "c", 0);
        pl_hub_leave(r->hub, &a->subscriber);
        begin_subscribe(r, a, "c", 0); /* again, at once */
        run(r);
        assert_int_equal(owner_has(r, PL_MAIL_ATTACH), 2);
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
        owner_attaches(r, (uint32_t)error, true, 0);
        run(r);
        assert_int_equal(a->count, 0); /* nobody is told of the first */
        owner_attaches(r, 0, true, 0);
        run(r);
        expect_told(a, ATTACHED, 0);
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
        pl_hub_leave(r->hub, &a->subscriber);
        run(r);
        assert_int_equal(owner_has(r, PL_MAIL_DETACH), 2);
        rig_destroy(r);
    }
}

static void an_ordered_end_waits_for_the_attach(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    begin_subscribe(r, a, "c", 0);
    assert_int_equal(pl_hub_unsubscribe_ask(r->hub, a->subscriber.subs, 8),
                     PL_OK);
    run(r);
    struct pl_msg *barrier = owner_take(r, PL_MAIL_QUERY);
    pl_mail_answer(&r->owner->actor, barrier); /* a late store: first */
    run(r);
    assert_int_equal(a->count, 0);
    owner_attaches(r, 0, true, 0);
    run(r);
    expect_told(a, ATTACHED, 0);
    expect_told(a, UNSUBSCRIBED, 8);
    assert_null(a->subscriber.subs);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
    rig_destroy(r);
}

static void a_session_that_goes_while_leaving_detaches_once(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    assert_int_equal(pl_hub_unsubscribe_ask(r->hub, a->subscriber.subs, 8),
                     PL_OK);
    pl_hub_leave(r->hub, &a->subscriber);
    run(r);
    assert_int_equal(owner_has(r, PL_MAIL_DETACH), 1);
    assert_int_equal(r->metrics.value[PL_METRIC_SUBSCRIPTIONS], 0);
    rig_destroy(r);
}

static void answers_for_a_session_that_has_gone_end_here(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);
    struct pl_query_mail *q = query_create(r);

    (void)state;
    assert_int_equal(publish(r, a, "c"), PL_OK);
    assert_int_equal(
        pl_hub_query(r->hub, &a->subscriber, q, PL_SPAN("c"), 1, 1), PL_OK);
    begin_subscribe(r, a, "c", 0);
    run(r);
    pl_hub_leave(r->hub, &a->subscriber);
    pl_actor_exit(&a->actor, "gone");
    r->listener_count = 0;
    run(r);
    owner_answers_publish(r, 1);
    struct pl_msg *answer = owner_take(r, PL_MAIL_QUERY);
    pl_mail_answer(&r->owner->actor, answer);
    owner_attaches(r, 0, true, 0);
    run(r);
    rig_destroy(r);
}

/* --- Encodings --- */

static void json_cannot_carry_binary_data(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *json = listen_as(r, PL_ENCODING_JSON),
                    *protobuf = listen_as(r, PL_ENCODING_PROTOBUF);

    (void)state;
    subscribe(r, json, "c", 0, 0);
    subscribe(r, protobuf, "c", 0, 0);
    owner_publishes(r, "c", "text", 1);
    owner_publishes(r, "c", "{\"a\":\n1}", 2); /* mended for JSON */
    turn(r);
    expect_told(json, CANNOT_ENCODE, 0);
    expect_frame(json, "{\"a\": 1}");
    assert_int_equal(protobuf->count, 1);
    assert_int_equal(protobuf->notes[0].frames, 2);
    check_ledger(r);
    rig_destroy(r);
}

/* --- Bounds --- */

static void an_owner_that_is_backlogged_takes_no_more(void **state)
{
    struct rig *r = rig_create(2);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(publish(r, a, "c"), PL_OK);
        pl_loop_turn(rig_loop(r, 0)); /* posts go out, nobody takes them */
    }
    assert_int_equal(publish(r, a, "c"), PL_EFULL);
    assert_int_equal(try_subscribe(r, a, "c", 0), PL_EFULL);
    assert_int_equal(pl_hub_query(r->hub, &a->subscriber, query_create(r),
                                  PL_SPAN("c"), 1, 1),
                     PL_EFULL);
    run(r);
    assert_int_equal(publish(r, a, "c"), PL_OK);
    rig_destroy(r);
}

static void a_hub_that_stops_frees_what_waits_for_answers(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_as(r, PL_ENCODING_JSON);

    (void)state;
    begin_subscribe(r, a, "c", 0);
    run(r);
    pl_hub_leave(r->hub, &a->subscriber);
    assert_int_equal(pl_stop_send(&r->owner->actor, pl_hub_address(r->hub)),
                     PL_OK);
    run(r);
    assert_int_equal(r->metrics.value[PL_METRIC_HUB_CHANNELS], 0);
    pl_sim_destroy(r->sim);
    pl_rulebook_release(r->book);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_one_segment_that_all_share),
        cmocka_unit_test(channels_do_not_mix),
        cmocka_unit_test(what_is_published_has_the_info_of_the_subscription),
        cmocka_unit_test(a_publisher_gets_its_push_before_its_reply),
        cmocka_unit_test(an_answer_of_another_kind_comes_after_the_reply),
        cmocka_unit_test(who_joins_after_a_publish_gets_its_next_push_first),
        cmocka_unit_test(who_joins_amid_a_turn_gets_what_follows),
        cmocka_unit_test(who_leaves_amid_a_turn_gets_what_came_before),
        cmocka_unit_test(who_closes_is_owed_nothing_more),
        cmocka_unit_test(joins_go_to_their_subscribers_after_what_came_before),
        cmocka_unit_test(a_channel_is_subscribed_to_once),
        cmocka_unit_test(the_attach_says_what_was_asked),
        cmocka_unit_test(an_attach_that_fails_is_told_and_detached),
        cmocka_unit_test(an_attach_that_nobody_takes_is_error_503),
        cmocka_unit_test(an_end_while_attaching_is_one_detach),
        cmocka_unit_test(an_ordered_end_waits_for_the_attach),
        cmocka_unit_test(a_session_that_goes_while_leaving_detaches_once),
        cmocka_unit_test(answers_for_a_session_that_has_gone_end_here),
        cmocka_unit_test(json_cannot_carry_binary_data),
        cmocka_unit_test(an_owner_that_is_backlogged_takes_no_more),
        cmocka_unit_test(a_hub_that_stops_frees_what_waits_for_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
