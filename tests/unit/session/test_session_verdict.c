/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_verdict.c - judges: may this client do that?  Yes, no, or later.
 */
#include "court.h"

#include <string.h>

/* --- Yes, no --- */

static void a_judge_may_decide_at_once(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("once", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"yes\",\"data\":{"
                  "\"a\":1}}}");
    rig_run(r, 0);
    assert_string_equal(t.data, "{\"a\":1}");
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    court_ask(c, 3, "no");
    court_expect_error(c, 3, 403, "not you", false);
    court_ask(c, 4, "for now");
    court_expect_error(c, 4, 1001, "unknown code", true);
    assert_int_equal(t.asked, 3);
    court_ask(c, 5, "yes"); /* what is there is no question */
    court_expect_error(c, 5, 105, "already subscribed", false);
    court_ask(c, 6, "#inbox"); /* the broker's own rules come first */
    court_expect_error(c, 6, 103, "permission denied", false);
    assert_int_equal(t.asked, 3);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    rig_destroy(r);
}

static void a_no_from_3000_on_closes_with_its_reason(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("close", &t, SUBSCRIBES, NULL, 0);
    struct client *now = client_join(r, 0), *later = client_join(r, 0);

    (void)state;
    court_ask(now, 2, "x");
    client_expect_close(now, 4500);
    assert_string_equal(now->reason, "begone");
    court_ask(later, 2, "l");
    assert_int_equal(pl_call_refuse(t.calls[0], 5000, PL_SPAN("")), PL_EINVAL);
    assert_int_equal(pl_call_refuse(t.calls[0], 3503, PL_SPAN("out")), PL_OK);
    client_expect_close(later, 3503);
    assert_string_equal(later->reason, "out");
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- Later --- */

static void a_verdict_after_a_second_while_other_channels_go_on(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("second", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"late\"}}\n"
                  "{\"id\":3,\"publish\":{\"channel\":\"late\",\"data\":1}}\n"
                  "{\"id\":4,\"presence_stats\":{\"channel\":\"late\"}}");
    client_say(c, "{\"id\":5,\"subscribe\":{\"channel\":\"yes\"}}\n"
                  "{\"id\":6,\"publish\":{\"channel\":\"yes\",\"data\":2}}\n"
                  "{\"id\":7,\"rpc\":{\"method\":\"sys.whoami\"}}");
    rig_run(r, 500);
    client_expect(c, "{\"id\":5,\"subscribe\":{*");
    client_expect(c, "{\"push\":{\"channel\":\"yes\",\"pub\":{\"data\":2*");
    client_expect(c, "{\"id\":6,\"publish\":{}}");
    client_expect(c, "{\"id\":7,\"rpc\":{*");
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 3);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_PENDING), 3);
    rig_run(r, 500);
    client_expect_silence(c);
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"push\":{\"channel\":\"late\",\"pub\":{\"data\":1*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    client_expect(c, "{\"id\":4,\"presence_stats\":{\"num_clients\":1,*");
    assert_int_equal(t.asked, 2);
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS), 7);
    rig_destroy(r);
}

static void what_waits_for_a_channel_keeps_its_order(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("order", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":3,\"unsubscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":4,\"subscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":5,\"history\":{\"channel\":\"l\",\"limit\":1}}");
    rig_run(r, 100);
    assert_int_equal(t.count, 1);
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_expect(c, "{\"id\":3,\"unsubscribe\":{}}");
    client_expect_silence(c); /* the second asks for itself */
    assert_int_equal(t.count, 2);
    client_say(c, "{\"id\":6,\"publish\":{\"channel\":\"l\",\"data\":1}}");
    rig_run(r, 0);
    client_expect_silence(c);
    pl_call_refuse(t.calls[1], 403, PL_SPAN("not again"));
    rig_run(r, 0);
    court_expect_error(c, 4, 403, "not again", false);
    client_expect(c, "{\"id\":5,*");
    client_expect(c, "{\"id\":6,\"publish\":{}}");
    client_say(c, "{\"id\":7,\"publish\":{\"channel\":\"l\",\"data\":2}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":7,\"publish\":{}}"); /* nothing waits */
    assert_int_equal(rig_metric(r, PL_METRIC_COMMANDS_WAITING), 0);
    rig_destroy(r);
}

/* The command runs again from its start, so all that is asked before the judge
 * is asked anew. */
static void a_yes_finds_the_limits_as_they_are_then(void **state)
{
    static const char *const sets[] = {"limits.connection_channels=1"};
    struct court t = {.count = 0};
    struct rig *r = court_open("limits", &t, SUBSCRIBES, sets, 1);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l1");
    court_ask(c, 3, "l2");
    court_allow(&t, 1);
    client_expect(c, "{\"id\":3,\"subscribe\":{*");
    court_allow(&t, 0);
    court_expect_error(c, 2, 106, "limit exceeded", false);
    rig_destroy(r);
}

static void a_late_judge_keeps_other_clients_waiting_for_nothing(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("others", &t, SUBSCRIBES | PUBLISHES, NULL, 0);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);

    (void)state;
    court_ask(a, 2, "late");
    court_ask(b, 2, "late");
    court_allow(&t, 1);
    client_expect(b, "{\"id\":2,\"subscribe\":{*");
    client_expect_silence(a);
    court_allow(&t, 0);
    client_expect(a, "{\"id\":2,\"subscribe\":{*");
    rig_destroy(r);
}

/* --- Publications --- */

static void publications_are_judged_in_their_order(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("publish", &t, PUBLISHES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "l");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"l\",\"data\":1}}\n"
                  "{\"id\":4,\"publish\":{\"channel\":\"l\",\"data\":2}}\n"
                  "{\"id\":5,\"publish\":{\"channel\":\"no\",\"data\":3}}");
    rig_run(r, 100);
    court_expect_error(c, 5, 403, "not you", false);
    assert_int_equal(t.count, 1);
    court_allow(&t, 0);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"pub\":{\"data\":1*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    client_expect_silence(c);
    pl_call_refuse_for_now(t.calls[1], 1001, PL_SPAN("busy"));
    rig_run(r, 0);
    court_expect_error(c, 4, 1001, "busy", true);
    rig_destroy(r);
}

/* Otherwise a message to a channel would pass where a publication does not. */
static void messages_to_channels_are_judged_as_publications(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("message", &t, PUBLISHES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "l");
    client_say(c, "{\"id\":3,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"channel/no\",\"body\":1}}}");
    rig_run(r, 0);
    court_expect_error(c, 3, 403, "not you", false);
    client_say(c, "{\"send\":{\"data\":{\"to\":\"channel/no\",\"body\":1}}}\n"
                  "{\"send\":{\"data\":{\"to\":\"channel/l\",\"body\":2}}}\n"
                  "{\"id\":4,\"publish\":{\"channel\":\"l\",\"data\":3}}\n"
                  "{\"id\":5,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                  "\"to\":\"channel/l\",\"body\":4}}}");
    rig_run(r, 0);
    assert_string_equal(t.data, "2");
    client_expect_silence(c);
    court_allow(&t, 0);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"pub\":*\"body\":2*");
    court_allow(&t, 1);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"pub\":{\"data\":3*");
    client_expect(c, "{\"id\":4,\"publish\":{}}");
    court_allow(&t, 2);
    client_expect(c, "{\"push\":{\"channel\":\"l\",\"pub\":*\"body\":4*");
    client_expect(c, "{\"id\":5,\"rpc\":{*");
    rig_check_ledgers(r);
    rig_destroy(r);
}

/* --- No verdict --- */

static void an_overdue_verdict_is_a_temporary_error(void **state)
{
    static const char *const sets[] = {"handlers.timeout=2s"};
    struct court t = {.count = 0};
    struct rig *r = court_open("overdue", &t, SUBSCRIBES, sets, 1);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"l\"}}\n"
                  "{\"id\":3,\"subscribe\":{\"channel\":\"l\"}}");
    rig_run(r, 1990);
    client_expect_silence(c);
    rig_run(r, 20);
    court_expect_error(c, 2, 408, "timed out", true);
    assert_int_equal(t.count, 2); /* the next one asks for itself */
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 1);
    court_allow(&t, 0);
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    court_allow(&t, 1);
    client_expect(c, "{\"id\":3,\"subscribe\":{*");
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_judge_that_keeps_nothing_allows_nothing(void **state)
{
    struct court t = {.is_careless = true};
    struct rig *r = court_open("careless", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "yes");
    court_expect_error(c, 2, 100, "internal server error", true);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    rig_destroy(r);
}

static void what_is_decided_and_kept_is_decided(void **state)
{
    struct court t = {.is_twofold = true};
    struct rig *r = court_open("twofold", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "no");
    court_expect_error(c, 2, 403, "not you", false);
    court_allow(&t, 0);
    client_expect_silence(c);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
    rig_destroy(r);
}

static void an_answer_must_fit_its_question(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = court_open("fit", &t, SUBSCRIBES, NULL, 0);
    struct client *c = client_join(r, 0);

    (void)state;
    court_ask(c, 2, "l");
    assert_string_equal(t.calls[0]->channel.at, "l");
    assert_string_equal(t.calls[0]->type.at, "subscribe");
    assert_string_equal(t.calls[0]->client.at, c->id);
    assert_int_equal(pl_call_answer(t.calls[0], PL_SPAN("1")), PL_EINVAL);
    assert_int_equal(pl_call_admit(t.calls[0], PL_SPAN("u"), PL_SPAN("")),
                     PL_EINVAL);
    assert_int_equal(pl_call_refuse(t.calls[0], 400, PL_SPAN("\xff")),
                     PL_EINVAL);
    rig_run(r, 0);
    client_expect_silence(c);
    court_allow(&t, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    rig_destroy(r);
}

/* --- Refresh, connect, rpc --- */

static void keep_call(struct pl_call *call, void *context)
{
    struct court *t = context;

    t->calls[t->count++] = call;
}

static enum pl_verdict_kind keep_refresh(struct pl_question *q, void *context,
                                         struct pl_verdict *out)
{
    (void)out;
    return court_keep(context, q);
}

static struct rig *with_handlers(const char *test, struct court *t)
{
    struct pl_handlers *none = pl_handlers_create(), *one, *two, *all;
    struct rig_options o = {.loops = 1};

    assert_int_equal(pl_handlers_with(none, "connect", keep_call, t, &one),
                     PL_OK);
    assert_int_equal(
        pl_handlers_with_judge(one, PL_ASKS_REFRESH, keep_refresh, t, &two),
        PL_OK);
    assert_int_equal(pl_handlers_with(two, "act", keep_call, t, &all), PL_OK);
    pl_handlers_release(none);
    pl_handlers_release(one);
    pl_handlers_release(two);
    o.handlers = all;
    t->rig = rig_start(test, &o);
    return t->rig;
}

static int64_t now_s(struct rig *r)
{
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(r->sim));

    return (int64_t)(clock->wall(clock) / 1000);
}

static struct client *ask_in(struct rig *r)
{
    struct client *c = client_open(r, 0);

    client_say(c, "{\"id\":1,\"connect\":{\"token\":\"mine\"}}");
    rig_run(r, 0);
    return c;
}

static void a_judge_says_how_long_a_client_may_stay(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = with_handlers("refresh", &t);
    struct client *c = ask_in(r);

    (void)state;
    const struct pl_call_terms terms = {.user = PL_SPAN("ann"),
                                        .expires_at_s = now_s(r) + 10};
    assert_int_equal(pl_call_grant(t.calls[0], &terms), PL_OK);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*\"expires\":true,\"ttl\":10*");
    client_say(c, "{\"id\":2,\"refresh\":{\"token\":\"again\"}}\n"
                  "{\"id\":3,\"refresh\":{\"token\":\"and again\"}}\n"
                  "{\"id\":4,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"publish\":{}}");
    assert_string_equal(t.calls[1]->token.at, "again");
    assert_int_equal(t.count, 2);
    assert_int_equal(pl_call_allow(t.calls[1], now_s(r) + 100), PL_OK);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"refresh\":{*\"expires\":true,\"ttl\":100*");
    pl_call_refuse(t.calls[2], PL_ERROR_TOKEN_EXPIRED, (struct pl_span){0});
    rig_run(r, 0);
    court_expect_error(c, 3, 109, "token expired", false);
    rig_destroy(r);
}

/* SDKs come back after a temporary error, and never after 3500 to 3999. */
static void a_handler_may_say_not_now(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = with_handlers("not now", &t);
    struct client *out = ask_in(r), *in = ask_in(r), *closed = ask_in(r);

    (void)state;
    pl_call_refuse_for_now(t.calls[0], 1002, PL_SPAN("come back"));
    pl_call_admit(t.calls[1], PL_SPAN("ann"), (struct pl_span){0});
    pl_call_refuse(t.calls[2], 4001, PL_SPAN("never"));
    rig_run(r, 0);
    court_expect_error(out, 1, 1002, "come back", true);
    client_expect(in, "{\"id\":1,\"connect\":{*");
    client_expect_close(closed, 4001);
    assert_string_equal(closed->reason, "never");
    client_say(in, "{\"id\":2,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    assert_int_equal(pl_call_refuse(t.calls[3], 3000, PL_SPAN("")), PL_EINVAL);
    assert_int_equal(pl_call_allow(t.calls[3], 0), PL_EINVAL);
    pl_call_refuse_for_now(t.calls[3], 1003, (struct pl_span){0});
    rig_run(r, 0);
    court_expect_error(in, 2, 1003, "unknown code", true);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 2);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void a_verdict_about_another_connect_is_late(void **state)
{
    struct court t = {.count = 0};
    struct rig *r = with_handlers("number", &t);
    struct client *c = ask_in(r);

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pl_answer_mail *m = pl_answer_mail_create();

        assert_non_null(m);
        m->is_connect = true;
        m->call = t.calls[0]->number + (i == 0 ? 1 : 0);
        m->user = pl_blob_create(PL_SPAN("eve"));
        pl_actor_send(&r->boss->actor, t.calls[0]->session, &m->msg);
        rig_run(r, 0);
        assert_int_equal(rig_metric(r, PL_METRIC_CLIENTS), i);
    }
    client_expect(c, "{\"id\":1,\"connect\":{*");
    pl_call_admit(t.calls[0], PL_SPAN("ann"), (struct pl_span){0});
    rig_run(r, 0);
    assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 2);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_judge_may_decide_at_once),
        cmocka_unit_test(a_no_from_3000_on_closes_with_its_reason),
        cmocka_unit_test(a_verdict_after_a_second_while_other_channels_go_on),
        cmocka_unit_test(what_waits_for_a_channel_keeps_its_order),
        cmocka_unit_test(a_yes_finds_the_limits_as_they_are_then),
        cmocka_unit_test(a_late_judge_keeps_other_clients_waiting_for_nothing),
        cmocka_unit_test(publications_are_judged_in_their_order),
        cmocka_unit_test(messages_to_channels_are_judged_as_publications),
        cmocka_unit_test(an_overdue_verdict_is_a_temporary_error),
        cmocka_unit_test(a_judge_that_keeps_nothing_allows_nothing),
        cmocka_unit_test(what_is_decided_and_kept_is_decided),
        cmocka_unit_test(an_answer_must_fit_its_question),
        cmocka_unit_test(a_judge_says_how_long_a_client_may_stay),
        cmocka_unit_test(a_handler_may_say_not_now),
        cmocka_unit_test(a_verdict_about_another_connect_is_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
