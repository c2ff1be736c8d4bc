/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_judge.c - a program's handlers and the connect handler, which
 * says who gets in; without it, or without its word, no client does. */
#include "handlers_mail.h"
#include "rig.h"
#include "session_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The connect handler --- */

struct judge {
    enum { AT_ONCE, LATER, REFUSE, NEVER } how;
    struct pl_call *call;
    unsigned asked;
    unsigned released; /* the context, by judge_release() */
};

static void judge(struct pl_call *call, void *context)
{
    struct judge *j = context;

    j->asked++;
    assert_true(call->is_connect);
    if (j->how == AT_ONCE)
        pl_call_admit(call, PL_SPAN("hans"), PL_SPAN("{\"a\":1}"));
    else if (j->how == REFUSE)
        pl_call_refuse(call, 403, PL_SPAN("not you"));
    else
        j->call = call;
}

static struct rig *with_judge(const char *test, struct judge *j)
{
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.loops = 1};

    assert_int_equal(pl_handlers_with(none, "connect", judge, j, &table),
                     PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    return rig_start(test, &o);
}

static void a_handler_may_let_in_at_once_or_later(void **state)
{
    (void)state;
    for (int how = AT_ONCE; how <= LATER; how++) {
        struct judge j = {.how = how};
        struct rig *r = with_judge("judge", &j);
        struct client *c = client_open(r, 0);

        client_say(c, "{\"id\":1,\"connect\":{\"data\":{\"x\":1}}}\n"
                      "{\"id\":2,\"rpc\":{\"method\":\"sys.whoami\"}}");
        rig_run(r, 100);
        if (how == LATER) {
            client_expect_silence(c);
            assert_string_equal(j.call->data.at, "{\"x\":1}");
            pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
            rig_run(r, 0);
        }
        assert_int_equal(j.asked, 1);
        client_expect(c, "{\"id\":1,\"connect\":{*\"#hans\"*");
        client_expect(c, "{\"id\":2,\"rpc\":{\"data\":{\"user\":\"hans\",*"
                         "\"connections\":1,\"permissions\":[\"subscribe\","
                         "\"publish\",\"presence\",\"history\",\"send\"]}}}");
        rig_destroy(r);
    }
}

static void a_handler_may_refuse_with_its_own_words(void **state)
{
    struct judge j = {.how = REFUSE};
    struct rig *r = with_judge("refuse", &j);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":403,\"message\":"
                     "\"not you\"}}");
    assert_int_equal(r->boss->registered, 0);
    rig_destroy(r);
}

static void an_answer_for_one_who_has_gone_is_dropped(void **state)
{
    struct judge j = {.how = NEVER};
    struct rig *r = with_judge("gone", &j);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    client_vanish(c);
    rig_run(r, 0);
    pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
    rig_run(r, 0);
    assert_int_equal(r->boss->registered, 0);
    rig_destroy(r);
}

/* SDKs try again after a temporary error; 3502 would be final. */
static void a_verdict_that_is_late_is_a_temporary_error(void **state)
{
    (void)state;
    for (int admits = 0; admits < 2; admits++) {
        struct judge j = {.how = NEVER};
        struct rig *r = with_judge("late", &j);
        struct client *c = client_open(r, 0);

        client_say(c, "{\"id\":1,\"connect\":{}}");
        rig_run(r, 9990);
        client_expect_silence(c);
        rig_run(r, 14);
        client_expect(c, "{\"id\":1,\"error\":{\"code\":100,\"message\":"
                         "\"the login took too long\",\"temporary\":true}}");
        assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_TIMEOUT), 1);
        if (admits)
            pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
        else
            pl_call_refuse(j.call, 403, PL_SPAN("too late"));
        rig_run(r, 0);
        client_expect_silence(c);
        assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), 1);
        assert_int_equal(r->boss->registered, 0);
        rig_run(r, 10004); /* one that stays all the same */
        client_expect_close(c, 3502);
        rig_check_ledgers(r);
        rig_destroy(r);
    }
}

/* --- Without a judge every login is rejected --- */

static void a_connect_is_answered_by_a_user_or_an_error_only(void **state)
{
    struct judge j = {.how = NEVER};
    struct rig *r = with_judge("reply", &j);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    assert_int_equal(pl_call_answer(j.call, PL_SPAN("{\"a\":1}")), PL_EINVAL);
    assert_int_equal(pl_call_answer(j.call, PL_SPAN("{")), PL_EINVAL);
    assert_int_equal(pl_call_answer(j.call, (struct pl_span){0}), PL_EINVAL);
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(pl_call_admit(j.call, PL_SPAN(""), PL_SPAN("{}")), PL_OK);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_destroy(r);
}

/* What the handlers' module would not send, should it come from elsewhere. */
static void an_answer_without_a_user_refuses(void **state)
{
    struct judge j = {.how = NEVER};
    struct rig *r = with_judge("no user", &j);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}");
    rig_run(r, 0);
    struct pl_answer_mail *m = pl_answer_mail_create();
    assert_non_null(m);
    m->is_connect = true;
    m->call = j.call->number;
    pl_actor_send(&r->boss->actor, j.call->session, &m->msg);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":100,*");
    assert_int_equal(r->boss->registered, 0);
    pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
    rig_run(r, 0);
    client_expect_silence(c);
    assert_int_equal(r->boss->registered, 0);
    rig_destroy(r);
}

static void act(struct pl_call *call, void *context)
{
    struct judge *j = context;

    j->asked++;
    j->call = call;
}

static void only_a_connect_is_answered_by_a_user(void **state)
{
    struct judge j = {.how = NEVER};
    struct pl_handlers *none = pl_handlers_create(), *table;
    struct rig_options o = {.loops = 1};

    (void)state;
    assert_int_equal(pl_handlers_with(none, "act", act, &j, &table), PL_OK);
    pl_handlers_release(none);
    o.handlers = table;
    struct rig *r = rig_start("rpc", &o);
    struct client *c = client_join(r, 0);
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"act\"}}");
    rig_run(r, 0);
    assert_int_equal(pl_call_admit(j.call, PL_SPAN("u"), PL_SPAN("{}")),
                     PL_EINVAL);
    assert_int_equal(pl_call_answer(j.call, PL_SPAN("2")), PL_OK);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"rpc\":{\"data\":2}}");
    rig_destroy(r);
}

/* Give the session managers another table. */
static void take_over(struct rig *r, struct pl_handlers *table)
{
    for (unsigned i = 0; i < r->loops; i++) {
        struct pl_handlers_mail *m = pl_handlers_mail_create();

        assert_non_null(m);
        m->handlers = pl_handlers_hold(table);
        m->release = pl_handlers_release;
        pl_actor_send(&r->boss->actor,
                      pl_session_manager_address(r->at[i].manager), &m->msg);
    }
    rig_run(r, 0);
}

static void expect_refused_for_now(struct rig *r, const char *connect)
{
    struct client *c = client_open(r, 0);

    client_say(c, connect);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":100,\"message\":"
                     "\"no connect handler is registered\","
                     "\"temporary\":true}}");
    client_expect_silence(c);
    client_vanish(c);
}

static const char plain[] = "{\"id\":1,\"connect\":{}}";
static const char with_token[] = "{\"id\":1,\"connect\":{\"token\":\"any\"}}";

/* Anonymous clients may do everything here, but a handler is to judge. */
static void before_and_after_the_judge_no_client_gets_in(void **state)
{
    struct judge j = {.how = AT_ONCE};
    struct pl_handlers *none = pl_handlers_create(), *one, *gone;
    struct rig_options o = {.loops = 1, .handlers = none};

    (void)state;
    pl_handlers_set_judge(none);
    struct rig *r = rig_start("no judge", &o);
    expect_refused_for_now(r, plain);
    expect_refused_for_now(r, with_token);
    assert_int_equal(pl_handlers_with(none, "connect", judge, &j, &one), PL_OK);
    expect_refused_for_now(r, plain); /* this loop does not have it yet */
    take_over(r, one);
    struct client *c = client_open(r, 0);
    client_say(c, plain);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*\"#hans\"*");
    assert_int_equal(pl_handlers_without(one, "connect", &gone), PL_OK);
    take_over(r, gone);
    expect_refused_for_now(r, plain);
    expect_refused_for_now(r, with_token);
    assert_int_equal(j.asked, 1);
    assert_int_equal(r->boss->registered, 1);
    rig_check_ledgers(r);
    pl_handlers_release(one);
    pl_handlers_release(gone);
    rig_destroy(r);
}

/* Also when the program did not say before that it would judge. */
static void who_once_judged_is_awaited_again(void **state)
{
    struct judge j = {.how = AT_ONCE};
    struct rig *r = with_judge("once", &j);
    struct pl_handlers *gone, *other;

    (void)state;
    assert_int_equal(pl_handlers_without(r->handlers, "connect", &gone), PL_OK);
    assert_int_equal(pl_handlers_with(gone, "act", act, &j, &other), PL_OK);
    take_over(r, other);
    expect_refused_for_now(r, plain);
    pl_handlers_release(gone);
    pl_handlers_release(other);
    rig_destroy(r);
}

/* A good token is not enough where the handler judges those, too. */
static void without_the_judge_a_good_token_is_refused_for_now(void **state)
{
    const char *sets[] = {"auth.hmac_secret=" RIG_SECRET};
    struct judge j = {.how = AT_ONCE};
    struct pl_handlers *none = pl_handlers_create(), *one, *gone;
    struct rig_options o = {.loops = 1, .sets = sets, .set_count = 1};
    char text[1024];

    (void)state;
    assert_int_equal(pl_handlers_with(none, "connect", judge, &j, &one), PL_OK);
    pl_handlers_release(none);
    pl_handlers_set_tokens_judged(one);
    assert_int_equal(pl_handlers_without(one, "connect", &gone), PL_OK);
    pl_handlers_release(one);
    o.handlers = gone;
    struct rig *r = rig_start("good token", &o);
    char *token = rig_token(r, "ann", 0, NULL, 0);
    snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
             token);
    expect_refused_for_now(r, text);
    assert_int_equal(r->boss->registered, 0);
    rig_check_ledgers(r);
    free(token);
    rig_destroy(r);
}

static void judge_release(void *context)
{
    ((struct judge *)context)->released++;
}

/* Let a client ask `j`, which keeps the call; then drop the method. */
static struct rig *asked_then_dropped(struct judge *j, struct client **c)
{
    struct pl_handlers *none = pl_handlers_create(), *one, *gone;
    struct rig_options o = {.loops = 1};

    assert_int_equal(pl_handlers_with_release(none, "connect", judge, j,
                                              judge_release, &one),
                     PL_OK);
    pl_handlers_release(none);
    o.handlers = one;
    struct rig *r = rig_start("dropped", &o);
    *c = client_open(r, 0);
    client_say(*c, plain);
    rig_run(r, 0);
    assert_non_null(j->call);
    assert_int_equal(pl_handlers_without(one, "connect", &gone), PL_OK);
    take_over(r, gone);
    pl_handlers_release(r->handlers);
    r->handlers = gone;
    return r;
}

static void a_judge_is_released_when_the_client_it_keeps_has_a_reply(void **st)
{
    static const char *const replies[] = {
        "{\"id\":1,\"connect\":{*\"#hans\"*",
        "{\"id\":1,\"error\":{\"code\":403,*"};

    (void)st;
    for (unsigned i = 0; i < 2; i++) {
        struct judge j = {.how = LATER};
        struct client *c;
        struct rig *r = asked_then_dropped(&j, &c);

        assert_int_equal(j.released, 0);
        if (i == 0)
            pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
        else
            pl_call_refuse(j.call, 403, PL_SPAN("not you"));
        rig_run(r, 0);
        client_expect(c, replies[i]);
        assert_int_equal(j.released, 1);
        rig_destroy(r);
        assert_int_equal(j.released, 1);
    }
}

/* The client leaves, or connect.timeout passes.  The program still has the
 * call. */
static void a_judge_is_released_when_the_client_it_keeps_gives_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct judge j = {.how = LATER};
        struct client *c;
        struct rig *r = asked_then_dropped(&j, &c);

        assert_int_equal(j.released, 0);
        if (i == 0)
            client_vanish(c);
        rig_run(r, i == 0 ? 0 : 11 * 1000); /* beyond connect.timeout */
        assert_int_equal(j.released, 1);
        pl_call_admit(j.call, PL_SPAN("hans"), (struct pl_span){0});
        rig_run(r, 0);
        assert_int_equal(rig_metric(r, PL_METRIC_HANDLER_LATE), i);
        rig_destroy(r);
        assert_int_equal(j.released, 1);
    }
}

static void a_message_of_type_connect_does_not_run_the_judge(void **state)
{
    struct judge j = {.how = AT_ONCE};
    struct rig *r = with_judge("type", &j);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, plain);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    client_say(c, "{\"id\":2,\"rpc\":{\"method\":\"connect\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":104,*");
    client_say(c, "{\"send\":{\"data\":{\"type\":\"connect\"}}}");
    client_expect_close(c, 3508);
    assert_int_equal(j.asked, 1);
    rig_destroy(r);
}

static void a_type_that_no_message_brings_is_not_registered(void **state)
{
    static const char *const types[] = {"",        "actor.send", "actor.",
                                        "actor.x", "sys.whoami", "sys.",
                                        "\xff",    NULL};
    struct pl_handlers *none = pl_handlers_create(), *table = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        assert_int_equal(pl_handlers_with(none, types[i], act, NULL, &table),
                         PL_EINVAL);
    assert_int_equal(pl_handlers_with(none, "act", NULL, NULL, &table),
                     PL_EINVAL);
    assert_null(table);
    assert_int_equal(pl_handlers_with(none, "actor", act, NULL, &table), PL_OK);
    pl_handlers_release(table);
    assert_int_equal(pl_handlers_with(none, "system", act, NULL, &table),
                     PL_OK);
    pl_handlers_release(table);
    pl_handlers_release(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_may_let_in_at_once_or_later),
        cmocka_unit_test(a_handler_may_refuse_with_its_own_words),
        cmocka_unit_test(an_answer_for_one_who_has_gone_is_dropped),
        cmocka_unit_test(a_verdict_that_is_late_is_a_temporary_error),
        cmocka_unit_test(a_connect_is_answered_by_a_user_or_an_error_only),
        cmocka_unit_test(an_answer_without_a_user_refuses),
        cmocka_unit_test(only_a_connect_is_answered_by_a_user),
        cmocka_unit_test(before_and_after_the_judge_no_client_gets_in),
        cmocka_unit_test(who_once_judged_is_awaited_again),
        cmocka_unit_test(without_the_judge_a_good_token_is_refused_for_now),
        cmocka_unit_test(
            a_judge_is_released_when_the_client_it_keeps_has_a_reply),
        cmocka_unit_test(a_judge_is_released_when_the_client_it_keeps_gives_up),
        cmocka_unit_test(a_message_of_type_connect_does_not_run_the_judge),
        cmocka_unit_test(a_type_that_no_message_brings_is_not_registered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
