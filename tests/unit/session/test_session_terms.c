/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_terms.c - what a judge grants with its yes. */
#include "court.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel_name.h"

static void take(struct pl_call *call, void *context)
{
    struct court *t = context;

    assert_true(t->count < COURT_CALLS_MAX);
    t->calls[t->count++] = call;
}

/* Connects wait for the test, with a verified token too. */
static struct rig *set_up(const char *test, struct court *t,
                          const char *const *sets, size_t set_count)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {
        .sets = sets, .set_count = set_count, .is_secure = true};

    *t = (struct court){.count = 0};
    assert_int_equal(pl_handlers_with(none, "connect", take, t, &table), PL_OK);
    pl_handlers_release(none);
    pl_handlers_set_tokens_judged(table);
    o.handlers = table;
    t->rig = rig_start(test, &o);
    return t->rig;
}

static struct client *ask_in(struct rig *r, const char *token)
{
    struct client *c = client_open(r, 0);

    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
    rig_run(r, 0);
    return c;
}

static void grant(struct court *t, const struct pl_call_terms *terms)
{
    assert_int_equal(pl_call_grant(t->calls[t->count - 1], terms), PL_OK);
    rig_run(t->rig, 0);
}

static const char *const secret[] = {("auth.hmac_secret=" RIG_SECRET),
                                     "channels.allow_subscribe=authenticated",
                                     "limits.connection_channels=2"};

static void a_connect_is_granted_with_data_and_channels(void **state)
{
    static const char *const channels[] = {"room", "news", "room"};
    const struct pl_call_terms terms = {.user = PL_SPAN("ann"),
                                        .info = PL_SPAN("{\"a\":1}"),
                                        .data = PL_SPAN("{\"hi\":\n2}"),
                                        .channels = channels,
                                        .channel_count = 2};
    struct court t;
    struct rig *r = set_up("grant", &t, secret, 3);
    struct client *c = ask_in(r, "");

    (void)state;
    grant(&t, &terms);
    const char *reply = client_next(c);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"data\":{\"hi\": 2}"));
    assert_non_null(strstr(reply, "\"room\":{"));
    assert_non_null(strstr(reply, "\"news\":{"));
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 3); /* an inbox */
    rig_destroy(r);
}

static void a_channel_that_is_named_twice_is_subscribed_once(void **state)
{
    static const char *const channels[] = {"room", "room"};
    const struct pl_call_terms terms = {.channels = channels,
                                        .channel_count = 2};
    struct court t;
    struct rig *r = set_up("twice", &t, secret, 3);
    struct client *c = ask_in(r, "");

    (void)state;
    grant(&t, &terms);
    client_expect(c, "{\"id\":1,\"connect\":{*\"subs\":{\"room\":{*");
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    rig_destroy(r);
}

static void channels_of_the_judge_replace_those_of_the_token(void **state)
{
    static const char *const mine[] = {"mine"}, *const given[] = {"given"};
    const struct pl_call_terms bare = {.user = PL_SPAN("ann")};
    struct pl_call_terms other = bare;
    struct court t;
    struct rig *r = set_up("replace", &t, secret, 3);
    char *token = rig_token(r, "ann", 60, mine, 1);

    (void)state;
    struct client *c = ask_in(r, token);
    grant(&t, &bare);
    client_expect(c, "{\"id\":1,\"connect\":{*\"mine\":{*");
    c = ask_in(r, token);
    other.channels = given;
    other.channel_count = 1;
    grant(&t, &other);
    const char *reply = client_next(c);
    assert_non_null(strstr(reply, "\"given\":{"));
    assert_null(strstr(reply, "\"mine\""));
    free(token);
    rig_destroy(r);
}

static void more_channels_than_a_connection_may_have_are_error_106(void **state)
{
    static const char *const channels[] = {"a", "b", "c"};
    const struct pl_call_terms terms = {.channels = channels,
                                        .channel_count = 3};
    struct court t;
    struct rig *r = set_up("106", &t, secret, 3);
    struct client *c = ask_in(r, "");

    (void)state;
    grant(&t, &terms);
    court_expect_error(c, 1, 106, "limit exceeded", false);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    rig_destroy(r);
}

static void
a_client_may_be_admitted_with_the_rights_of_anonymous_ones(void **state)
{
    (void)state;
    for (int is_anonymous = 0; is_anonymous < 2; is_anonymous++) {
        const struct pl_call_terms terms = {.user = PL_SPAN("ann"),
                                            .is_anonymous = is_anonymous};
        struct court t;
        struct rig *r = set_up("rights", &t, secret, 3);
        struct client *c = ask_in(r, "");

        grant(&t, &terms);
        client_expect(c, "{\"id\":1,\"connect\":{*");
        court_ask(c, 2, "room");
        if (is_anonymous)
            court_expect_error(c, 2, 103, "permission denied", false);
        else
            client_expect(c, "{\"id\":2,\"subscribe\":{*");
        rig_destroy(r);
    }
}

static void expect_misfit(struct pl_call *call, struct pl_call_terms terms)
{
    assert_int_equal(pl_call_grant(call, &terms), PL_EINVAL);
}

static void terms_that_no_client_can_have_are_refused(void **state)
{
    static const char *const bad[] = {"", "#ann", "@me", "\xff"};
    char longest[PL_CHANNEL_NAME_MAX + 2];
    const char *const too_long[] = {longest};
    struct court t;
    struct rig *r = set_up("misfit", &t, secret, 3);
    struct client *c = ask_in(r, "");
    struct pl_call *call = t.calls[0];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_misfit(call, (struct pl_call_terms){.channels = &bad[i],
                                                   .channel_count = 1});
    expect_misfit(
        call, (struct pl_call_terms){.channels = too_long, .channel_count = 1});
    expect_misfit(call, (struct pl_call_terms){.data = PL_SPAN("{")});
    expect_misfit(call, (struct pl_call_terms){.data = PL_SPAN("")});
    expect_misfit(call, (struct pl_call_terms){.info = PL_SPAN("no")});
    expect_misfit(call, (struct pl_call_terms){.user = PL_SPAN("\xff")});
    grant(&t, &(struct pl_call_terms){.data = PL_SPAN("1")});
    client_expect(c, "{\"id\":1,\"connect\":{*\"data\":1*");
    rig_destroy(r);
}

static void the_reply_to_a_subscribe_has_the_data_of_the_judge(void **state)
{
    static const char *const channels[] = {"other"};
    struct court t = {.count = 0};
    struct rig *r = court_open("data", &t, SUBSCRIBES | PUBLISHES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    client_say(c, "{\"id\":3,\"subscribe\":{\"channel\":\"l\"}}");
    rig_run(r, 0);
    expect_misfit(t.calls[0], (struct pl_call_terms){.data = PL_SPAN("{")});
    expect_misfit(t.calls[0], (struct pl_call_terms){.info = PL_SPAN("{")});
    expect_misfit(t.calls[0], (struct pl_call_terms){.is_anonymous = true});
    expect_misfit(t.calls[0], (struct pl_call_terms){.channels = channels,
                                                     .channel_count = 1});
    grant(&t, &(struct pl_call_terms){.data = PL_SPAN("{\"seat\":7}")});
    court_expect_error(c, 3, 105, "already subscribed", false);
    client_expect(c, "{\"id\":2,\"subscribe\":{*\"data\":{\"seat\":7}*");
    court_ask(c, 4, "yes"); /* at once, without data */
    const char *reply = client_next(c);
    assert_non_null(reply);
    assert_null(strstr(reply, "data"));
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- An info in one channel --- */

static const char *const noisy[] = {"channels.join_leave=true",
                                    "channels.presence=true",
                                    "channels.history_size=10"};

static void enter(struct court *t, struct client *c, unsigned id,
                  const char *info)
{
    court_ask(c, id, "l");
    grant(t, &(struct pl_call_terms){.info = pl_span_of(info)});
}

static void others_see_the_info_of_a_subscription(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("info", &t, SUBSCRIBES, noisy, 3);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);
    char info[160];

    (void)state;
    snprintf(info, sizeof info, "\"client\":\"%s\",\"chan_info\":{\"a\": 1}",
             a->id);
    client_say(b, "{\"id\":2,\"subscribe\":{\"channel\":\"l\","
                  "\"join_leave\":true}}");
    rig_run(r, 0);
    grant(&t, &(struct pl_call_terms){.info = PL_SPAN("")});
    client_expect(b, "{\"id\":2,\"subscribe\":{*");
    const char *own = client_next(b);
    assert_non_null(strstr(own, "\"join\""));
    assert_null(strstr(own, "chan_info"));
    enter(&t, a, 2, "{\"a\":\n1}");
    client_expect(a, "{\"id\":2,\"subscribe\":{*");
    const char *join = client_next(b);
    assert_non_null(strstr(join, "\"join\""));
    assert_non_null(strstr(join, info));
    client_say(b, "{\"id\":3,\"presence\":{\"channel\":\"l\"}}");
    rig_run(r, 0);
    const char *presence = client_next(b);
    assert_non_null(strstr(presence, info));
    assert_non_null(strstr(presence, b->id));
    client_say(a, "{\"id\":3,\"publish\":{\"channel\":\"l\",\"data\":1}}");
    rig_run(r, 0);
    const char *publication = client_next(b);
    assert_non_null(strstr(publication, "\"pub\""));
    assert_non_null(strstr(publication, info));
    client_say(b, "{\"id\":4,\"publish\":{\"channel\":\"l\",\"data\":2}}");
    rig_run(r, 0);
    assert_null(strstr(client_next(b), "chan_info"));
    client_next(b); /* the reply */
    client_say(b, "{\"id\":5,\"history\":{\"channel\":\"l\",\"limit\":1}}");
    rig_run(r, 0);
    const char *history = client_next(b);
    assert_non_null(strstr(history, "\"publications\""));
    assert_non_null(strstr(history, info));
    client_vanish(a);
    rig_run(r, 0);
    const char *leave = client_next(b);
    assert_non_null(strstr(leave, "\"leave\""));
    assert_non_null(strstr(leave, info));
    rig_destroy(r);
}

static void publish_in(struct client *c, unsigned id, const char *channel)
{
    client_sayf(c, "{\"id\":%u,\"publish\":{\"channel\":\"%s\",\"data\":1}}",
                id, channel);
    rig_run(c->rig, 0);
}

static void
publications_have_the_info_while_the_subscription_lasts(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("while", &t, SUBSCRIBES, noisy, 0);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    court_ask(b, 2, "yes");
    client_expect(b, "{\"id\":2,\"subscribe\":{*");
    court_ask(b, 3, "l");
    grant(&t, &(struct pl_call_terms){.info = PL_SPAN("")});
    client_expect(b, "{\"id\":3,\"subscribe\":{*");
    enter(&t, a, 2, "[1]");
    publish_in(a, 3, "yes");
    assert_null(strstr(client_next(b), "chan_info")); /* another channel */
    publish_in(a, 4, "l");
    assert_non_null(strstr(client_next(b), "\"chan_info\":[1]"));
    client_say(a, "{\"id\":5,\"unsubscribe\":{\"channel\":\"l\"}}");
    rig_run(r, 0);
    publish_in(a, 6, "l");
    assert_null(strstr(client_next(b), "chan_info"));
    rig_destroy(r);
}

static void another_subscription_has_another_info(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("other", &t, SUBSCRIBES, noisy, 2);
    struct client *c = client_join(r, 0);
    static const char *const infos[] = {"\"one\"", "\"two\"", ""};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        enter(&t, c, 10 * i + 2, infos[i]);
        client_next(c);
        client_sayf(c, "{\"id\":%u,\"presence\":{\"channel\":\"l\"}}",
                    10 * i + 3);
        rig_run(r, 0);
        const char *presence = client_next(c);
        assert_int_equal(strstr(presence, "one") != NULL, i == 0);
        assert_int_equal(strstr(presence, "two") != NULL, i == 1);
        client_sayf(c, "{\"id\":%u,\"unsubscribe\":{\"channel\":\"l\"}}",
                    10 * i + 4);
        rig_run(r, 0);
        client_next(c);
    }
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_is_granted_with_data_and_channels),
        cmocka_unit_test(a_channel_that_is_named_twice_is_subscribed_once),
        cmocka_unit_test(channels_of_the_judge_replace_those_of_the_token),
        cmocka_unit_test(
            more_channels_than_a_connection_may_have_are_error_106),
        cmocka_unit_test(
            a_client_may_be_admitted_with_the_rights_of_anonymous_ones),
        cmocka_unit_test(terms_that_no_client_can_have_are_refused),
        cmocka_unit_test(the_reply_to_a_subscribe_has_the_data_of_the_judge),
        cmocka_unit_test(others_see_the_info_of_a_subscription),
        cmocka_unit_test(
            publications_have_the_info_while_the_subscription_lasts),
        cmocka_unit_test(another_subscription_has_another_info),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
