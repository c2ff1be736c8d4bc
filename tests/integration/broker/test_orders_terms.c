/* SPDX-License-Identifier: Apache-2.0 */
/* test_orders_terms.c - what a program orders of subscriptions and of the end
 * of connections. */
#include "orders_rig.h"

static void a_user_is_subscribed_on_terms(void **st)
{
    const struct pl_subscription terms = {
        .size = sizeof terms,
        .info = "{\"role\":\n\"x\"}",
        .data = "{\"hi\":1}",
        .expires_at_s = 4102444800,
    };
    struct pl_subscription more = {.size = sizeof more};
    struct answer a = ANSWER;
    struct peer_reply r;
    struct peer p, q;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", NULL);
    enter_as(&q, &b, "bob", NULL);
    expect(&a, pl_broker_post(b.broker, "room", "1", 1, NULL, note, &a), PL_OK);
    char epoch[16];
    snprintf(epoch, sizeof epoch, "%s", a.epoch);
    more.epoch = epoch;
    more.offset = a.offset;
    expect(&a, pl_broker_post(b.broker, "room", "2", 1, NULL, note, &a), PL_OK);
    expect(
        &a,
        pl_broker_subscribe_as(b.broker, "user/ann", "room", &terms, note, &a),
        PL_OK);
    assert_int_equal(a.count, 1);
    peer_await_push(&p, PEER_SUBSCRIBED, &r);
    assert_non_null(memmem(r.body.at, r.body.len, "\"data\":{\"hi\":1}", 15));
    expect(
        &a,
        pl_broker_subscribe_as(b.broker, "user/bob", "room", &more, note, &a),
        PL_OK);
    peer_await_push(&q, PEER_SUBSCRIBED, &r);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("2")));
    expect(&a, pl_broker_refresh(b.broker, "user/ann", 4102444800, note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    expect(&a, pl_broker_refresh(b.broker, "user/nobody", 0, note, &a), PL_OK);
    assert_int_equal(a.count, 0);
    peer_fini(&p);
    peer_fini(&q);
    box_destroy(&b);
}

static void terms_that_no_client_can_have_are_refused(void **st)
{
    static const struct pl_subscription bad[] = {
        {.size = 1},
        {.size = sizeof *bad, .with = 4},
        {.size = sizeof *bad, .info = "{"},
        {.size = sizeof *bad, .data = "nonsense"},
        {.size = sizeof *bad, .epoch = ""},
        {.size = sizeof *bad, .expires_at_s = -1},
    };
    const struct pl_subscription good = {.size = sizeof good};
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(pl_broker_subscribe_as(b.broker, "user/ann", "room",
                                                &bad[i], NULL, NULL),
                         PL_EINVAL);
    assert_int_equal(
        pl_broker_subscribe_as(b.broker, "user/ann", "room", NULL, NULL, NULL),
        PL_EINVAL);
    assert_int_equal(
        pl_broker_subscribe_as(b.broker, "user/ann", "#ann", &good, NULL, NULL),
        PL_EINVAL);
    assert_int_equal(
        pl_broker_subscribe_as(b.broker, "ann", "room", &good, NULL, NULL),
        PL_EINVAL);
    assert_int_equal(
        pl_broker_subscribe_as(b.broker, "user/ann", NULL, &good, NULL, NULL),
        PL_EINVAL);
    assert_int_equal(pl_broker_refresh(b.broker, "user/ann", -1, NULL, NULL),
                     PL_EINVAL);
    assert_int_equal(pl_broker_refresh(b.broker, NULL, 0, NULL, NULL),
                     PL_EINVAL);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_subscribed_on_terms),
        cmocka_unit_test(terms_that_no_client_can_have_are_refused),
    };

    return cmocka_run_group_tests_name("broker_orders_terms", tests, NULL,
                                       NULL);
}
