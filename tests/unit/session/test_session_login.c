/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_login.c - connect and refresh: tokens, handlers, inboxes, and
 * what waits behind the connect. */
#include "rig.h"
#include "session_mail.h"
#include "supervisor_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const secret[] = {"auth.hmac_secret=" RIG_SECRET,
                                     "ping.interval=0"};

static struct rig *with_tokens(const char *test,
                               const struct pl_late_options *late)
{
    struct rig_options o = {
        .loops = 2, .sets = secret, .set_count = 2, .late = late};

    struct rig *r = rig_start(test, &o);
    rig_run(r, 3600 * 1000); /* so that there is a past */
    return r;
}

static void connect_with(struct client *c, const char *token)
{
    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
}

static void a_user_gets_an_inbox_and_the_tokens_channels(void **state)
{
    struct rig *r = with_tokens("inbox", NULL);
    static const char *const channels[] = {"a", "b"};
    char *token = rig_token(r, "ann", 0, channels, 2);
    struct client *c = client_open(r, 0);

    (void)state;
    connect_with(c, token);
    free(token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{\"client\":\"*\","
                     "\"version\":\"test\",\"subs\":{"
                     "\"#ann\":{\"recoverable\":true,*},"
                     "\"a\":{\"recoverable\":true,*},"
                     "\"b\":{\"recoverable\":true,*}}}}");
    assert_int_equal(r->boss->registered, 1);
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}\n"
                  "{\"id\":3,\"unsubscribe\":{\"channel\":\"a\"}}\n"
                  "{\"id\":4,\"publish\":{\"channel\":\"b\",\"data\":1}}\n"
                  "{\"id\":5,\"presence_stats\":{\"channel\":\"b\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":105,*");
    client_expect(c, "{\"id\":3,\"error\":{\"code\":103,*");
    client_expect(c, "{\"push\":{\"channel\":\"b\",*");
    client_expect(c, "{\"id\":4,\"publish\":{}}");
    client_expect(c, "{\"id\":5,\"presence_stats\":{\"num_clients\":1,"
                     "\"num_users\":1}}");
    rig_destroy(r);
}

static void a_bad_token_closes_with_3500(void **state)
{
    struct rig *r = with_tokens("3500", NULL);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{\"token\":\"no token\"}}\n"
                  "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}");
    client_expect_close(c, 3500);
    assert_string_equal(c->reason, "invalid token");
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_ATTEMPTS), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_TOKENS_REJECTED), 1);
    assert_int_equal(r->boss->registered, 0);
    rig_destroy(r);
}

static void a_token_with_a_channel_of_nobodys_is_error_103(void **state)
{
    /* For "ann" with one channel, signed with RIG_SECRET elsewhere, since
     * pl_token_create() refuses to. */
    static const char *const tokens[] = {
        /* #other */
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJjaGF"
        "ubmVscyI6WyIjb3RoZXIiXX0.iZASuHBQNV-MiJczXPI_RTAD6YbhSakwtQF"
        "c1e5QQEo",
        /* @a */
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJjaGF"
        "ubmVscyI6WyJAYSJdfQ.sRJEGpl_pVk-Mj0r6zmJOCMD5yAtrETgyxi5OdBr"
        "LP0"};

    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct rig *r = with_tokens("103", NULL);
        struct client *c = client_open(r, 0);
        const char *token = tokens[i];

        connect_with(c, token);
        rig_run(r, 0);
        client_expect(c, "{\"id\":1,\"error\":{\"code\":103,\"message\":"
                         "\"channels: a reserved name\"}}");
        assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 1);
        assert_int_equal(r->boss->registered, 0);
        char *good = rig_token(r, "ann", 0, NULL, 0);
        struct client *d = client_open(r, 0);
        connect_with(d, good);
        rig_run(r, 0);
        client_expect(d, "{\"id\":1,\"connect\":{*");
        client_sayf(d, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", token);
        rig_run(r, 0);
        client_expect(d, "{\"id\":2,\"error\":{\"code\":103,*");
        free(good);
        rig_destroy(r);
    }
}

static void a_token_is_bad_where_there_is_no_secret(void **state)
{
    struct rig *r = rig_start("no secret", NULL);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{\"token\":\"x\"}}");
    client_expect_close(c, 3500);
    rig_destroy(r);
}

static void after_a_failed_connect_the_next_command_closes(void **state)
{
    struct rig *r = with_tokens("109", NULL);
    char *token = rig_token(r, "ann", -60, NULL, 0);
    struct client *c = client_open(r, 0), *patient = client_open(r, 0);

    (void)state;
    connect_with(c, token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":109,\"message\":"
                     "\"token expired\"}}");
    client_expect_silence(c);
    assert_int_equal(c->closed, 0);
    client_say(c, "{\"id\":2,\"connect\":{}}");
    client_expect_close(c, 3501);
    connect_with(patient, token);
    free(token);
    rig_run(r, 0);
    client_expect(patient, "{\"id\":1,\"error\":{\"code\":109,*");
    rig_run(r, 9000);
    assert_int_equal(patient->closed, 0);
    rig_run(r, 1010);
    client_expect_close(patient, 3502);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_FAILED), 2);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_PASSED), 0);
    rig_destroy(r);
}

static void without_a_token_only_the_permitted_get_in(void **state)
{
    static const char *const sets[] = {"auth.hmac_secret=" RIG_SECRET};
    struct rig_options o = {.sets = sets, .set_count = 1, .is_secure = true};
    struct rig *r = rig_start("101", &o);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c, "{\"id\":1,\"connect\":{}}\n"
                  "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":101,*");
    client_expect_close(c, 3501);
    assert_int_equal(rig_metric(r, PL_METRIC_PUBLICATIONS), 0);
    rig_destroy(r);
}

static void a_token_expires_unless_it_is_refreshed(void **state)
{
    struct rig *r = with_tokens("3005", NULL);
    char *token = rig_token(r, "ann", 60, NULL, 0);
    struct client *c = client_open(r, 0), *other = client_open(r, 1);

    (void)state;
    connect_with(c, token);
    connect_with(other, token);
    free(token);
    rig_run(r, 0);
    client_expect(c, "*\"expires\":true,\"ttl\":60*");
    rig_run(r, 50 * 1000);
    token = rig_token(r, "ann", 100, NULL, 0);
    client_sayf(c, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", token);
    free(token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"refresh\":{\"client\":\"*\",\"version\":"
                     "\"test\",\"expires\":true,\"ttl\":100}}");
    rig_run(r, 34 * 1000); /* 60 and 25 have not passed yet */
    assert_int_equal(other->closed, 0);
    rig_run(r, 2 * 1000);
    assert_int_equal(other->closed, 3005);
    assert_string_equal(other->reason, "connection expired");
    assert_int_equal(c->closed, 0);
    rig_run(r, 88 * 1000);
    assert_int_equal(c->closed, 0);
    rig_run(r, 2 * 1000);
    assert_int_equal(c->closed, 3005);
    rig_destroy(r);
}

static void a_refresh_may_fail_in_three_ways(void **state)
{
    struct rig *r = with_tokens("refresh", NULL);
    char *mine = rig_token(r, "ann", 0, NULL, 0);
    char *over = rig_token(r, "ann", -5, NULL, 0);
    char *other = rig_token(r, "bob", 0, NULL, 0);
    struct client *a = client_open(r, 0), *b = client_open(r, 0);

    (void)state;
    connect_with(a, mine);
    connect_with(b, mine);
    client_sayf(a, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}", over);
    rig_run(r, 0);
    client_expect(a, "{\"id\":1,*");
    client_expect(a, "{\"id\":2,\"error\":{\"code\":109,*");
    client_sayf(a, "{\"id\":3,\"refresh\":{\"token\":\"%s\"}}", other);
    client_expect_close(a, 3500);
    client_expect(b, "{\"id\":1,*");
    client_say(b, "{\"id\":3,\"refresh\":{\"token\":\"nonsense\"}}");
    client_expect_close(b, 3500);
    free(mine);
    free(over);
    free(other);
    rig_destroy(r);
}

/* --- The barrier --- */

/* What the channels deliver before the connect is answered comes behind it. */
static void nothing_of_a_channel_precedes_the_connect_reply(void **state)
{
    static const char *const channels[] = {"a", "b", "c", "d"};
    uint64_t seed = pl_sim_test_seed("barrier");
    unsigned deferred = 0;

    (void)state;
    for (unsigned round = 0; round < 30; round++) {
        struct pl_late_options late = {.seed = seed + round, .delay_ms = 40};
        struct rig_options o = {
            .loops = 2, .sets = secret, .set_count = 2, .late = &late};
        struct rig *r = rig_create(seed + round, &o);
        struct client *writer = client_join(r, 1), *c = client_open(r, 0);
        char *token = rig_token(r, "ann", 0, channels, 4);
        unsigned id = 2, last[4] = {0};
        const char *text;

        connect_with(c, token);
        client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"a\",\"data\":0}}");
        free(token);
        for (unsigned i = 0; i < 30; i++) {
            for (unsigned n = 0; n < 4; n++)
                client_sayf(writer,
                            "{\"id\":%u,\"publish\":{\"channel\":\"%s\","
                            "\"data\":1}}",
                            id++, channels[n]);
            rig_run(r, 4);
        }
        rig_run(r, 4000);
        text = client_next(c);
        assert_true(rig_matches(text, "{\"id\":1,\"connect\":{*"));
        for (unsigned n = 0; n < 4; n++) {
            char mark[16];
            snprintf(mark, sizeof mark, "\"%s\":{", channels[n]);
            const char *at = strstr(text, mark);
            assert_non_null(at);
            const char *offset = strstr(at, "\"offset\":");
            const char *end = strchr(at, '}');
            if (offset != NULL && offset < end)
                last[n] = (unsigned)atoi(offset + 9);
        }
        while ((text = client_next(c)) != NULL) {
            const char *at = strstr(text, "{\"push\":{\"channel\":\"");
            if (at == NULL)
                continue;
            unsigned n = (unsigned)(at[20] - 'a');
            unsigned offset = (unsigned)atoi(strstr(text, "\"offset\":") + 9);
            assert_int_equal(offset, last[n] + 1);
            last[n] = offset;
            deferred++;
        }
        rig_destroy(r);
    }
    assert_true(deferred > 0);
}

/* A login that waits must not pile up what a busy channel sends meanwhile. */
static void a_waiting_login_queues_no_more_than_the_limit(void **state)
{
    static const char *const sets[] = {"auth.hmac_secret=" RIG_SECRET,
                                       "limits.outgoing_queue=4KiB"};
    static const char *const channels[] = {"a", "b", "c", "d",
                                           "e", "f", "g", "h"};
    uint64_t seed = pl_sim_test_seed("waiting login");
    unsigned slow = 0;
    char filler[1501];

    (void)state;
    memset(filler, 'x', 1500);
    filler[1500] = '\0';
    for (unsigned round = 0; round < 60 && slow == 0; round++) {
        struct pl_late_options late = {.seed = seed + round, .delay_ms = 1000};
        struct rig_options o = {
            .loops = 1, .sets = sets, .set_count = 2, .late = &late};
        struct rig *r = rig_create(seed + round, &o);
        struct client *writer = client_join(r, 0), *c = client_open(r, 0);
        char *token = rig_token(r, "ann", 0, channels, 8);

        connect_with(c, token);
        free(token);
        for (unsigned i = 0; i < 40; i++) {
            client_sayf(writer,
                        "{\"id\":%u,\"publish\":{\"channel\":\"a\","
                        "\"data\":\"%s\"}}",
                        i + 2, filler);
            rig_run(r, 50);
            assert_in_range(rig_metric(r, PL_METRIC_QUEUE_BYTES), 0, 5000);
        }
        rig_run(r, 60 * 1000);
        slow += c->closed == 3008;
        rig_destroy(r);
    }
    assert_int_equal(slow, 1);
}

static void commands_after_a_connect_wait_for_its_verdict(void **state)
{
    struct pl_late_options late = {.seed = 7, .delay_ms = 50};
    struct rig *r = with_tokens("behind connect", &late);
    static const char *const channels[] = {"a"};
    char *token = rig_token(r, "ann", 0, channels, 1);
    struct client *c = client_open(r, 0);

    (void)state;
    connect_with(c, token);
    free(token);
    for (int i = 2; i < 12; i++)
        client_sayf(c, "{\"id\":%d,\"unsubscribe\":{\"channel\":\"x\"}}", i);
    assert_true(c->is_paused);
    rig_run(r, 4000);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    for (int i = 2; i < 12; i++) {
        char pattern[64];
        snprintf(pattern, sizeof pattern, "{\"id\":%d,\"unsubscribe\":{}}", i);
        client_expect(c, pattern);
    }
    assert_false(c->is_paused);
    rig_destroy(r);
}

static void one_who_leaves_while_logging_in_leaves_nothing(void **state)
{
    uint64_t seed = pl_sim_test_seed("leaves");
    static const char *const channels[] = {"a", "b", "c"};

    (void)state;
    for (unsigned ms = 0; ms < 60; ms += 4) {
        struct pl_late_options late = {.seed = seed + ms, .delay_ms = 50};
        struct rig_options o = {
            .loops = 2, .sets = secret, .set_count = 2, .late = &late};
        struct rig *r = rig_create(seed + ms, &o);
        char *token = rig_token(r, "ann", 0, channels, 3);
        struct client *c = client_open(r, ms % 2);

        connect_with(c, token);
        free(token);
        rig_run(r, ms);
        client_vanish(c);
        rig_destroy(r); /* checks the gauges */
    }
}

/* SDKs try again after a temporary error; 3502 would be final. */
static void a_login_that_takes_too_long_fails_for_now(void **state)
{
    struct pl_late_options late = {.seed = 3, .delay_ms = 60 * 1000};
    uint64_t failed = 0;
    static const char *const channels[] = {"a", "b", "c", "d", "e"};

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        late.seed = i;
        struct rig *r = with_tokens("stale login", &late);
        char *token = rig_token(r, "ann", 0, channels, 5);
        struct client *c = client_open(r, 0);

        connect_with(c, token);
        free(token);
        rig_run(r, 11 * 1000);
        const char *text = client_next(c);
        assert_non_null(text);
        if (rig_matches(text, "{\"id\":1,\"error\":{\"code\":100,*"
                              "\"temporary\":true}}"))
            failed++;
        else
            assert_true(rig_matches(text, "{\"id\":1,\"connect\":{*"));
        rig_run(r, 400 * 1000);
        rig_destroy(r);
    }
    assert_true(failed > 0);
}

static void a_missed_message_to_a_user_is_recovered_at_connect(void **state)
{
    struct rig *r = with_tokens("inbox recovery", NULL);
    char *token = rig_token(r, "ann", 0, NULL, 0);
    struct client *c = client_open(r, 0), *sender = client_join(r, 1);
    char epoch[16];

    (void)state;
    connect_with(c, token);
    rig_run(r, 0);
    const char *at = strstr(client_next(c), "\"epoch\":\"");
    snprintf(epoch, sizeof epoch, "%.8s", at + 9);
    client_vanish(c);
    client_say(sender, "{\"id\":2,\"rpc\":{\"method\":\"actor.send\",\"data\":"
                       "{\"to\":\"user/ann\",\"type\":\"t\",\"body\":[1]}}}");
    rig_run(r, 0);
    client_expect(sender, "{\"id\":2,\"rpc\":{\"data\":{\"accepted\":0,"
                          "\"stored\":true}}}");
    c = client_open(r, 0);
    client_sayf(c,
                "{\"id\":1,\"connect\":{\"token\":\"%s\",\"subs\":{\"#ann\":"
                "{\"recover\":true,\"offset\":0,\"epoch\":\"%s\"}}}}",
                token, epoch);
    free(token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*\"#ann\":{\"recoverable\":true,*"
                     "\"recovered\":true,\"publications\":[{\"data\":{"
                     "\"from\":{\"user\":\"\",*},\"to\":\"user/ann\","
                     "\"type\":\"t\",\"body\":[1],*\"offset\":1}]}}}}");
    rig_destroy(r);
}

static void kick_from(struct client *c, const char *channel)
{
    struct pl_kick_mail *k = pl_kick_mail_create();

    assert_non_null(k);
    k->code = PL_UNSUBSCRIBE_SERVER;
    k->channel = pl_blob_create(pl_span_of(channel));
    pl_actor_send(&c->rig->boss->actor,
                  pl_actor_address(pl_session_actor(c->session)), &k->msg);
}

/* At any moment of a login, whose channels are attached one after the other. */
static void an_unsubscribe_during_a_login_comes_after_its_reply(void **state)
{
    static const char *const channels[] = {"a", "b"};
    unsigned told = 0;

    (void)state;
    for (unsigned ms = 0; ms < 60; ms++) {
        struct pl_late_options late = {.seed = 5 + ms, .delay_ms = 50};
        struct rig *r = with_tokens("kick", &late);
        struct client *c = client_open(r, 0);
        char *token = rig_token(r, "ann", 0, channels, 2);

        connect_with(c, token);
        free(token);
        rig_run(r, ms);
        bool is_in = c->said_count > 0;
        kick_from(c, "a");
        rig_run(r, 200);
        client_expect(c, "{\"id\":1,\"connect\":{*\"a\":{*");
        client_expect(c, "{\"push\":{\"channel\":\"a\",\"unsubscribe\":{"
                         "\"code\":2000,*");
        told += !is_in;
        client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"a\",\"data\":1}}");
        rig_run(r, 200);
        client_expect(c, "{\"id\":2,\"publish\":{}}"); /* and no push */
        assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 2);
        rig_destroy(r);
    }
    assert_in_range(told, 10, 60);
}

static void subscribe_to(struct client *c, const char *channel)
{
    struct pl_kick_mail *k = pl_kick_mail_create();

    assert_non_null(k);
    k->subscribes = true;
    k->channel = pl_blob_create(pl_span_of(channel));
    pl_actor_send(&c->rig->boss->actor,
                  pl_actor_address(pl_session_actor(c->session)), &k->msg);
}

/* The program subscribes to "x" twice, and to a channel of the token; between
 * the two it unsubscribes if `is_split`.  Return true if the connect reply has
 * "x". */
static bool check_orders(unsigned ms, bool is_split)
{
    static const char *const channels[] = {"a", "b"};
    struct pl_late_options late = {.seed = 5 + ms, .delay_ms = 50};
    struct rig *r = with_tokens("subscribe", &late);
    struct client *c = client_open(r, 0);
    char *token = rig_token(r, "ann", 0, channels, 2);

    connect_with(c, token);
    free(token);
    rig_run(r, ms);
    subscribe_to(c, "x");
    if (is_split)
        kick_from(c, "x");
    subscribe_to(c, "x");
    subscribe_to(c, "a");
    rig_run(r, 200);
    const char *reply = client_next(c);
    assert_non_null(strstr(reply, "{\"id\":1,\"connect\":{"));
    bool is_in_reply = strstr(reply, "\"x\":{") != NULL;
    if (!is_in_reply)
        client_expect(c, "{\"push\":{\"channel\":\"x\",\"subscribe\":{*");
    client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"x\",\"data\":1}}");
    rig_run(r, 200);
    client_expect(c, "{\"push\":{\"channel\":\"x\",\"pub\":{*");
    client_expect(c, "{\"id\":2,\"publish\":{}}");
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 4);
    rig_destroy(r);
    return is_in_reply;
}

/* At any moment of a login. */
static void a_subscription_by_the_program_is_in_the_reply_or_after_it(void **st)
{
    unsigned in_reply = 0;

    (void)st;
    for (unsigned ms = 0; ms < 60; ms++)
        in_reply += check_orders(ms, false);
    assert_in_range(in_reply, 10, 59);
}

/* Also while the attach of the first order is in transit. */
static void the_last_subscribe_order_wins_over_an_unsubscribe(void **state)
{
    unsigned in_reply = 0;

    (void)state;
    for (unsigned ms = 0; ms < 60; ms++)
        in_reply += check_orders(ms, true);
    assert_in_range(in_reply, 10, 59);
}

/* Two channels are there and used; the token wants two others. */
static void check_at_the_limit(const char *history)
{
    static const char *const channels[] = {"b"};
    const char *sets[] = {"auth.hmac_secret=" RIG_SECRET, "ping.interval=0",
                          "limits.channels=2", history};
    struct rig_options o = {.loops = 1, .sets = sets, .set_count = 4};
    struct rig *r = rig_start("at the limit", &o);
    struct client *holder = client_join(r, 0), *c = client_open(r, 0);
    char *token = rig_token(r, "ann", 0, channels, 1);

    client_subscribe(holder, 2, "x");
    client_subscribe(holder, 3, "y");
    connect_with(c, token);
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{\"client\":\"*\","
                     "\"version\":\"test\"}}");
    assert_int_equal(rig_metric(r, PL_METRIC_LOGINS_INCOMPLETE), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_AUTH_PASSED), 2);
    rig_run(r, 60 * 1000);
    assert_null(client_next(c));
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 2);
    client_vanish(holder);
    rig_run(r, 11 * 1000);
    client_expect(c, "{\"push\":{\"channel\":\"#ann\",\"subscribe\":{*");
    client_expect(c, "{\"push\":{\"channel\":\"b\",\"subscribe\":{*");
    client_say(c, "{\"id\":2,\"publish\":{\"channel\":\"b\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"push\":{\"channel\":\"b\",\"pub\":{*");
    client_expect(c, "{\"id\":2,\"publish\":{}}");
    client_say(c, "{\"id\":3,\"unsubscribe\":{\"channel\":\"b\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":103,*");
    rig_run(r, 60 * 1000);
    assert_null(client_next(c));
    free(token);
    rig_destroy(r);
}

static void at_the_limit_of_channels_a_login_gets_in(void **state)
{
    (void)state;
    check_at_the_limit("channels.history_size=10");
    check_at_the_limit("channels.history_size=0");
}

/* Otherwise the next try would undo the order of the operator. */
static void a_channel_that_is_missing_may_be_unsubscribed(void **state)
{
    static const char *const channels[] = {"a", "b"};
    static const char with_secret[] = "auth.hmac_secret=" RIG_SECRET;
    const char *sets[] = {with_secret, "ping.interval=0", "limits.channels=1",
                          "channels.history_size=0"};
    struct rig_options o = {.loops = 1, .sets = sets, .set_count = 4};
    struct rig *r = rig_start("unsubscribed", &o);
    struct client *holder = client_join(r, 0), *c[2];
    char *token = rig_token(r, "ann", 0, channels, 2);

    (void)state;
    client_subscribe(holder, 2, "x");
    for (unsigned i = 0; i < 2; i++) {
        c[i] = client_open(r, 0);
        connect_with(c[i], token);
        rig_run(r, 0);
        client_expect(c[i], "{\"id\":1,\"connect\":{*");
        kick_from(c[i], "b");
    }
    kick_from(c[1], "a");
    kick_from(c[1], "#ann");
    client_vanish(holder);
    rig_run(r, 40 * 1000); /* one channel has a place */
    client_expect(c[0], "{\"push\":{\"channel\":\"#ann\",\"subscribe\":{*");
    client_expect_silence(c[0]);
    client_expect_silence(c[1]);
    kick_from(c[0], "#ann");
    rig_run(r, 11 * 1000);
    client_expect(c[0], "{\"push\":{\"channel\":\"#ann\",\"unsubscribe\":{*");
    client_expect(c[0], "{\"push\":{\"channel\":\"a\",\"subscribe\":{*");
    client_expect_silence(c[0]);
    client_expect_silence(c[1]);
    free(token);
    rig_destroy(r);
}

/* Those that leave or stop while something is missing leave nothing. */
static void who_leaves_with_channels_missing_leaves_nothing(void **state)
{
    const char *sets[] = {("auth.hmac_secret=" RIG_SECRET), "limits.channels=1",
                          "ping.interval=0"};
    struct rig_options o = {.loops = 1, .sets = sets, .set_count = 3};
    struct rig *r = rig_start("missing", &o);
    struct client *holder = client_join(r, 0);
    char *token = rig_token(r, "ann", 0, NULL, 0);

    (void)state;
    client_subscribe(holder, 2, "x");
    for (unsigned i = 0; i < 100; i++) {
        struct client *c = client_open(r, 0);

        connect_with(c, token);
        rig_run(r, 0);
        client_expect(c, "{\"id\":1,\"connect\":{*");
        if (i % 2 == 0)
            client_vanish(c);
        rig_run(r, i * 10);
    }
    assert_int_equal(rig_metric(r, PL_METRIC_LOGINS_INCOMPLETE), 100);
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    free(token);
    rig_destroy(r);
}

static void a_refusal_of_the_supervisor_closes_with_its_code(void **state)
{
    static const struct {
        enum pl_register_refusal refusal;
        uint16_t code;
    } cases[] = {{PL_REGISTER_STOPPING, 3001},
                 {PL_REGISTER_USER_LIMIT, 3504},
                 {PL_REGISTER_NO_MEMORY, 3004}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rig *r = rig_start("refused", NULL);
        struct client *c = client_join(r, 0);
        struct pl_register_mail *m = pl_register_mail_create(false);

        m->refusal = cases[i].refusal;
        rig_mail(c, &m->msg);
        rig_run(r, 0);
        client_expect_close(c, cases[i].code);
        rig_destroy(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_gets_an_inbox_and_the_tokens_channels),
        cmocka_unit_test(a_bad_token_closes_with_3500),
        cmocka_unit_test(a_token_with_a_channel_of_nobodys_is_error_103),
        cmocka_unit_test(a_token_is_bad_where_there_is_no_secret),
        cmocka_unit_test(after_a_failed_connect_the_next_command_closes),
        cmocka_unit_test(without_a_token_only_the_permitted_get_in),
        cmocka_unit_test(a_token_expires_unless_it_is_refreshed),
        cmocka_unit_test(a_refresh_may_fail_in_three_ways),
        cmocka_unit_test(nothing_of_a_channel_precedes_the_connect_reply),
        cmocka_unit_test(a_waiting_login_queues_no_more_than_the_limit),
        cmocka_unit_test(commands_after_a_connect_wait_for_its_verdict),
        cmocka_unit_test(one_who_leaves_while_logging_in_leaves_nothing),
        cmocka_unit_test(a_login_that_takes_too_long_fails_for_now),
        cmocka_unit_test(a_missed_message_to_a_user_is_recovered_at_connect),
        cmocka_unit_test(an_unsubscribe_during_a_login_comes_after_its_reply),
        cmocka_unit_test(
            a_subscription_by_the_program_is_in_the_reply_or_after_it),
        cmocka_unit_test(the_last_subscribe_order_wins_over_an_unsubscribe),
        cmocka_unit_test(at_the_limit_of_channels_a_login_gets_in),
        cmocka_unit_test(a_channel_that_is_missing_may_be_unsubscribed),
        cmocka_unit_test(who_leaves_with_channels_missing_leaves_nothing),
        cmocka_unit_test(a_refusal_of_the_supervisor_closes_with_its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
