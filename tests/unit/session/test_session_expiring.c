/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_expiring.c - subscriptions that expire, and their refresh. */
#include "court.h"

#include <stdio.h>
#include <string.h>

enum { REFRESHES = 1 << PL_ASKS_SUB_REFRESH, GRACE_MS = 25000 };

static const char *const quiet[] = {"ping.interval=1h", "handlers.timeout=1h",
                                    "channels.history_size=0"};

static struct rig *set_up(const char *test, struct court *t)
{
    *t = (struct court){.count = 0};
    return court_open(test, t, SUBSCRIBES | REFRESHES, quiet, 3);
}

static int64_t now_s(struct rig *r)
{
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(r->sim));

    return (int64_t)(clock->wall(clock) / 1000);
}

/* Answer the newest question: yes, for `ttl_s` seconds; 0: for ever. */
static void grant(struct court *t, unsigned ttl_s)
{
    struct pl_call_terms terms = {.expires_at_s =
                                      ttl_s == 0 ? 0 : now_s(t->rig) + ttl_s};

    assert_int_equal(pl_call_grant(t->calls[t->count - 1], &terms), PL_OK);
    rig_run(t->rig, 0);
}

/* Subscribe to a channel of the judge for `ttl_s` seconds. */
static void take(struct client *c, struct court *t, unsigned id,
                 const char *channel, unsigned ttl_s)
{
    char reply[100];

    court_ask(c, id, channel);
    grant(t, ttl_s);
    snprintf(reply, sizeof reply,
             "{\"id\":%u,\"subscribe\":{\"expires\":true,\"ttl\":%u}}", id,
             ttl_s);
    client_expect(c, reply);
}

static void ask_more(struct client *c, unsigned id, const char *channel,
                     const char *token)
{
    client_sayf(
        c, "{\"id\":%u,\"sub_refresh\":{\"channel\":\"%s\",\"token\":\"%s\"}}",
        id, channel, token);
    rig_run(c->rig, 0);
}

static void expect_end(struct client *c, const char *channel)
{
    char push[120];

    snprintf(push, sizeof push,
             "{\"push\":{\"channel\":\"%s\",\"unsubscribe\":{\"code\":2501,"
             "\"reason\":\"subscription expired\"}}}",
             channel);
    client_expect(c, push);
}

/* --- The end --- */

static void a_subscription_ends_25_seconds_after_its_time(void **state)
{
    struct court t;
    struct rig *r = set_up("end", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 60);
    rig_run(r, 60000 + GRACE_MS - 1);
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"l\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"pub\":{\"data\":1*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    rig_run(r, 1);
    expect_end(c, "l");
    client_say(c, "{\"id\":4,\"publish\":{\"channel\":\"l\",\"data\":2}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"publish\":{}}"); /* without a copy */
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBS_EXPIRED), 1);
    take(c, &t, 5, "l", 60); /* as SDKs do */
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void each_subscription_ends_at_its_own_time(void **state)
{
    static const struct {
        const char *name;
        unsigned ttl_s;
    } subs[] = {{"l20", 20}, {"l10", 10}, {"l30", 30}, {"l15", 15}};
    static const unsigned in_turn[] = {1, 3, 0, 2};
    struct court t;
    struct rig *r = set_up("each", &t);
    struct client *c = client_join(r, 0);
    unsigned passed_s = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        take(c, &t, 2 + i, subs[i].name, subs[i].ttl_s);
    rig_run(r, GRACE_MS);
    client_expect_silence(c);
    for (unsigned i = 0; i < 4; i++) {
        unsigned ttl_s = subs[in_turn[i]].ttl_s;

        rig_run(r, (uint64_t)(ttl_s - passed_s) * 1000 - 1);
        client_expect_silence(c);
        rig_run(r, 1);
        expect_end(c, subs[in_turn[i]].name);
        passed_s = ttl_s;
    }
    rig_destroy(r);
}

static void a_subscription_without_an_expiry_does_not_end(void **state)
{
    struct court t;
    struct rig *r = set_up("never", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    grant(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{}}");
    rig_run(r, 600000);
    client_expect_silence(c);
    rig_destroy(r);
}

/* What ended for another reason does not end a new subscription. */
static void the_time_ends_with_the_subscription(void **state)
{
    struct court t;
    struct rig *r = set_up("ends", &t);
    struct client *c = client_join(r, 0);
    struct pl_kick_mail *m;

    (void)state;
    take(c, &t, 2, "l1", 10);
    take(c, &t, 3, "l2", 10);
    client_say(c, "{\"id\":4,\"unsubscribe\":{\"channel\":\"l1\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"unsubscribe\":{}}");
    m = pl_kick_mail_create();
    m->code = PL_UNSUBSCRIBE_SERVER;
    m->channel = pl_blob_create(PL_SPAN("l2"));
    rig_mail(c, &m->msg);
    rig_run(r, 0);
    client_expect(c, "{\"push\":{\"channel\":\"l2\",\"unsubscribe\":*2000*");
    for (unsigned id = 5; id < 7; id++) {
        court_ask(c, id, id == 5 ? "l1" : "l2");
        grant(&t, 0);
        client_next(c);
    }
    rig_run(r, 600000);
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBS_EXPIRED), 0);
    rig_destroy(r);
}

static void
a_client_that_leaves_while_it_attaches_is_told_its_time(void **state)
{
    struct court t;
    struct rig *r = set_up("attach", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":3,\"unsubscribe\":{\"channel\":\"l\"}}");
    rig_run(r, 0);
    grant(&t, 10);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"id\":3,\"unsubscribe\":{}}");
    rig_run(r, 600000);
    client_expect_silence(c);
    rig_destroy(r);
}

static void a_connection_that_ends_forgets_what_expires(void **state)
{
    struct court t;
    struct rig *r = set_up("gone", &t);
    struct client *c = client_join(r, 0), *other;

    (void)state;
    take(c, &t, 2, "l1", 10);
    take(c, &t, 3, "l2", 20);
    client_vanish(c);
    rig_run(r, 0);
    other = client_join(r, 0); /* in the same slot */
    court_ask(other, 2, "l1");
    grant(&t, 0);
    client_expect(other, "{\"id\":2,\"subscribe\":{}}");
    rig_run(r, 600000);
    client_expect_silence(other);
    rig_destroy(r);
}

/* --- The refresh --- */

/* --- What a backend says --- */

/* `expires_at_s` 0: never. */
static void order(struct client *c, const char *channel, int64_t expires_at_s)
{
    struct pl_kick_mail *m = pl_kick_mail_create();

    assert_non_null(m);
    m->subscribes = channel != NULL;
    m->refreshes = channel == NULL;
    m->terms.expires_at_s = expires_at_s;
    if (channel != NULL)
        m->channel = pl_blob_create(pl_span_of(channel));
    rig_mail(c, &m->msg);
    rig_run(c->rig, 0);
}

static void a_subscription_of_a_backend_closes_after_its_expire_at(void **state)
{
    struct court t;
    struct rig *r = set_up("backend", &t);
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    order(c, "l", now_s(r) + 60);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"subscribe\":{*");
    order(other, "m", 0);
    client_expect(other, "{\"push\":{\"channel\":\"m\",\"subscribe\":{*");
    rig_run(r, 60000 + GRACE_MS - 1);
    client_expect_silence(c);
    rig_run(r, 1);
    client_expect_close(c, 3006);
    rig_run(r, 600000);
    client_expect_silence(other);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBS_EXPIRED), 1);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void an_expire_at_that_has_passed_ends_after_its_grace(void **state)
{
    struct court t;
    struct rig *r = set_up("passed", &t);
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    rig_run(r, 10000);
    order(c, "l", 1);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"subscribe\":{*");
    order(other, NULL, 1);
    rig_run(r, 1000 + GRACE_MS - 1); /* a time to live is at least a second */
    client_expect_silence(c);
    client_expect_silence(other);
    rig_run(r, 1);
    client_expect_close(c, 3006);
    client_expect_close(other, 3005);
    rig_destroy(r);
}

static void a_backend_moves_the_end_of_a_connection(void **state)
{
    struct court t;
    struct rig *r = set_up("moves", &t);
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    order(c, NULL, now_s(r) + 60);
    order(other, NULL, now_s(r) + 60);
    rig_run(r, 50000);
    order(c, NULL, now_s(r) + 100);
    order(other, NULL, 0);
    rig_run(r, 100000 + GRACE_MS - 1);
    client_expect_silence(c);
    rig_run(r, 1);
    client_expect_close(c, 3005);
    rig_run(r, 600000);
    client_expect_silence(other);
    rig_destroy(r);
}

static void a_refresh_prolongs(void **state)
{
    struct court t;
    struct rig *r = set_up("more", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 10);
    rig_run(r, 10000);
    ask_more(c, 3, "l", "t2");
    assert_string_equal(t.calls[1]->token.at, "t2");
    assert_string_equal(t.calls[1]->channel.at, "l");
    assert_int_equal(t.calls[1]->asks, PL_ASKS_SUB_REFRESH);
    grant(&t, 30);
    client_expect(c,
                  "{\"id\":3,\"sub_refresh\":{\"expires\":true,\"ttl\":30}}");
    rig_run(r, 30000 + GRACE_MS - 1);
    client_expect_silence(c);
    rig_run(r, 1);
    expect_end(c, "l");
    rig_destroy(r);
}

static void a_refresh_may_shorten(void **state)
{
    struct court t;
    struct rig *r = set_up("less", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l1", 100);
    take(c, &t, 3, "l2", 50);
    ask_more(c, 4, "l1", "t");
    grant(&t, 5);
    client_expect(c, "{\"id\":4,\"sub_refresh\":{\"expires\":true,\"ttl\":5}}");
    rig_run(r, 5000 + GRACE_MS);
    expect_end(c, "l1");
    rig_run(r, 45000);
    expect_end(c, "l2");
    rig_destroy(r);
}

static void a_refresh_without_an_expiry_is_for_good(void **state)
{
    struct court t;
    struct rig *r = set_up("good", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 10);
    ask_more(c, 3, "l", "t");
    grant(&t, 0);
    client_expect(c, "{\"id\":3,\"sub_refresh\":{}}");
    rig_run(r, 600000);
    client_expect_silence(c);
    ask_more(c, 4, "l", "t"); /* there is nothing to refresh any more */
    court_expect_error(c, 4, 107, "bad request", false);
    assert_int_equal(t.count, 2);
    rig_destroy(r);
}

static void a_refused_refresh_changes_nothing(void **state)
{
    struct court t;
    struct rig *r = set_up("no", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 10);
    ask_more(c, 3, "l", "t");
    assert_int_equal(pl_call_refuse(t.calls[1], 109, PL_SPAN("old")), PL_OK);
    rig_run(r, 0);
    court_expect_error(c, 3, 109, "old", false);
    ask_more(c, 4, "l", "t");
    assert_int_equal(pl_call_refuse_for_now(t.calls[2], 100, PL_SPAN("soon")),
                     PL_OK);
    rig_run(r, 0);
    court_expect_error(c, 4, 100, "soon", true);
    rig_run(r, 10000 + GRACE_MS - 1);
    client_expect_silence(c);
    rig_run(r, 1);
    expect_end(c, "l");
    rig_destroy(r);
}

static void a_refresh_may_close_the_connection(void **state)
{
    struct court t;
    struct rig *r = set_up("close", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 10);
    ask_more(c, 3, "l", "t");
    assert_int_equal(pl_call_refuse(t.calls[1], 4001, PL_SPAN("out")), PL_OK);
    rig_run(r, 0);
    client_expect_close(c, 4001);
    rig_destroy(r);
}

/* The subscription is over; what the client says of the channel meanwhile has
 * waited, and gets its own verdict. */
static void a_yes_after_the_end_is_too_late(void **state)
{
    struct court t;
    struct rig *r = set_up("late", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    take(c, &t, 2, "l", 10);
    ask_more(c, 3, "l", "t");
    rig_run(r, 10000 + GRACE_MS);
    expect_end(c, "l");
    court_ask(c, 4, "l");
    client_expect_silence(c);
    grant(&t, 60);
    court_expect_error(c, 3, 103, "permission denied", false);
    assert_int_equal(t.count, 3);
    assert_int_equal(t.calls[2]->asks, PL_ASKS_SUBSCRIBE);
    grant(&t, 60);
    client_expect(c, "{\"id\":4,\"subscribe\":{\"expires\":true,\"ttl\":60}}");
    rig_destroy(r);
}

static void a_judge_that_does_not_answer_is_a_temporary_error(void **state)
{
    static const char *const sets[] = {"ping.interval=1h",
                                       "handlers.timeout=5s"};
    struct court t = {.count = 0};
    struct rig *r = court_open("overdue", &t, SUBSCRIBES | REFRESHES, sets, 2);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    grant(&t, 10);
    client_next(c);
    ask_more(c, 3, "l", "t");
    rig_run(r, 5000);
    court_expect_error(c, 3, 408, "timed out", true);
    grant(&t, 60); /* too late */
    client_expect_silence(c);
    rig_run(r, 5000 + GRACE_MS);
    expect_end(c, "l");
    rig_destroy(r);
}

static void refreshes_that_nobody_is_asked_about(void **state)
{
    struct court t;
    struct rig *r = set_up("107", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    ask_more(c, 2, "l", "t"); /* not subscribed */
    court_expect_error(c, 2, 103, "permission denied", false);
    court_ask(c, 3, "yes");
    client_next(c);
    ask_more(c, 4, "yes", "t"); /* does not expire */
    court_expect_error(c, 4, 107, "bad request", false);
    take(c, &t, 5, "l", 10);
    ask_more(c, 6, "l", ""); /* no token */
    court_expect_error(c, 6, 107, "bad request", false);
    assert_int_equal(t.count, 1);
    ask_more(c, 7, "", "t");
    client_expect_close(c, 3501);
    rig_destroy(r);
}

static void before_the_subscribe_reply_there_is_nothing_to_refresh(void **state)
{
    struct court t;
    struct rig *r = set_up("early", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"yes\"}}\n"
                  "{\"id\":3,\"sub_refresh\":{\"channel\":\"yes\","
                  "\"token\":\"t\"}}");
    rig_run(r, 0);
    court_expect_error(c, 3, 103, "permission denied", false);
    client_expect(c, "{\"id\":2,\"subscribe\":{}}");
    rig_destroy(r);
}

static void the_judge_gets_the_token_of_a_subscribe(void **state)
{
    struct court t;
    struct rig *r = set_up("token", &t);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"l\","
                  "\"token\":\"mine\"}}");
    rig_run(r, 0);
    assert_int_equal(t.count, 1);
    assert_string_equal(t.calls[0]->token.at, "mine");
    grant(&t, 10);
    client_expect(c, "{\"id\":2,\"subscribe\":{\"expires\":true,*");
    rig_destroy(r);
}

static void a_refresh_has_no_other_terms_than_its_time(void **state)
{
    struct court t;
    struct rig *r = set_up("terms", &t);
    struct client *c = client_join(r, 0);
    struct pl_call_terms data = {.data = PL_SPAN("1")};
    struct pl_call_terms info = {.info = PL_SPAN("1")};

    (void)state;
    take(c, &t, 2, "l", 10);
    ask_more(c, 3, "l", "t");
    assert_int_equal(pl_call_grant(t.calls[1], &data), PL_EINVAL);
    assert_int_equal(pl_call_grant(t.calls[1], &info), PL_EINVAL);
    grant(&t, 10);
    client_expect(c, "{\"id\":3,\"sub_refresh\":{*");
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscription_ends_25_seconds_after_its_time),
        cmocka_unit_test(each_subscription_ends_at_its_own_time),
        cmocka_unit_test(a_subscription_without_an_expiry_does_not_end),
        cmocka_unit_test(the_time_ends_with_the_subscription),
        cmocka_unit_test(
            a_client_that_leaves_while_it_attaches_is_told_its_time),
        cmocka_unit_test(a_connection_that_ends_forgets_what_expires),
        cmocka_unit_test(
            a_subscription_of_a_backend_closes_after_its_expire_at),
        cmocka_unit_test(an_expire_at_that_has_passed_ends_after_its_grace),
        cmocka_unit_test(a_backend_moves_the_end_of_a_connection),
        cmocka_unit_test(a_refresh_prolongs),
        cmocka_unit_test(a_refresh_may_shorten),
        cmocka_unit_test(a_refresh_without_an_expiry_is_for_good),
        cmocka_unit_test(a_refused_refresh_changes_nothing),
        cmocka_unit_test(a_refresh_may_close_the_connection),
        cmocka_unit_test(a_yes_after_the_end_is_too_late),
        cmocka_unit_test(a_judge_that_does_not_answer_is_a_temporary_error),
        cmocka_unit_test(refreshes_that_nobody_is_asked_about),
        cmocka_unit_test(
            before_the_subscribe_reply_there_is_nothing_to_refresh),
        cmocka_unit_test(the_judge_gets_the_token_of_a_subscribe),
        cmocka_unit_test(a_refresh_has_no_other_terms_than_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
