/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_tokens.c - subscription tokens, and what connection tokens say
 * beside the user. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jws.h"

static const char *const sets[] = {("auth.hmac_secret=" RIG_SECRET),
                                   "ping.interval=0",
                                   "channels.allow_subscribe=none"};

static struct rig *set_up(const char *test)
{
    struct rig_options o = {.sets = sets, .set_count = 3};
    struct rig *r = rig_start(test, &o);

    rig_run(r, 3600 * 1000); /* so that there is a past */
    return r;
}

static long long now_s(const struct rig *r)
{
    const struct pl_clock *clock = pl_system_clock(pl_sim_system(r->sim));

    return (long long)(clock->wall(clock) / 1000);
}

static struct pl_buf token; /* freed with the rig */

/* A token with `payload`, in which a %lld is the time in `in_s` seconds; valid
 * until the next call. */
static const char *sign(const struct rig *r, const char *payload,
                        long long in_s)
{
    struct pl_jws_key *key;
    char text[512];

    pl_buf_fini(&token);
    snprintf(text, sizeof text, payload, now_s(r) + in_s);
    assert_int_equal(pl_jws_key_of_secret(&key, PL_SPAN(RIG_SECRET)), PL_OK);
    assert_int_equal(pl_jws_write(key, PL_JWS_HS256, pl_span_of(text), &token),
                     PL_OK);
    pl_buf_put_byte(&token, '\0');
    pl_jws_key_release(key);
    return token.data;
}

static void end(struct rig *r)
{
    pl_buf_fini(&token);
    rig_destroy(r);
}

static struct client *enter(struct rig *r, const char *payload, long long in_s)
{
    struct client *c = client_open(r, 0);

    client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}",
                sign(r, payload, in_s));
    rig_run(r, 0);
    return c;
}

static struct client *enter_as_ann(struct rig *r)
{
    struct client *c = enter(r, "{\"sub\":\"ann\"}", 0);

    client_expect(c, "{\"id\":1,\"connect\":{*");
    return c;
}

static void say_with_token(struct client *c, const char *verb,
                           const char *channel, const char *payload,
                           long long in_s)
{
    client_sayf(c, "{\"id\":2,\"%s\":{\"channel\":\"%s\",\"token\":\"%s\"}}",
                verb, channel, sign(c->rig, payload, in_s));
    rig_run(c->rig, 0);
}

#define ROOM "{\"sub\":\"ann\",\"channel\":\"room\""

static void a_token_opens_a_channel_that_nothing_else_opens(void **state)
{
    struct rig *r = set_up("open");
    struct client *c = enter_as_ann(r);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"room\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    say_with_token(c, "subscribe", "room", ROOM ",\"data\":{\"d\":1}}", 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*\"data\":{\"d\":1}*");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"room\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"push\":{\"channel\":\"room\",\"pub\":{*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    say_with_token(c, "subscribe", "room", ROOM "}", 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":105,*");
    end(r);
}

static void the_info_of_a_token_is_shown_in_its_channel(void **state)
{
    struct rig *r = set_up("info");
    struct client *c = enter_as_ann(r);

    (void)state;
    say_with_token(c, "subscribe", "room", ROOM ",\"info\":{\"i\":7}}", 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    client_say(c, "{\"id\":3,\"presence\":{\"channel\":\"room\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"presence\":*\"chan_info\":{\"i\":7}*");
    end(r);
}

static void a_token_overrides_the_rules_of_its_channel(void **state)
{
    struct rig *r = set_up("override");
    struct client *c = enter_as_ann(r);

    (void)state;
    say_with_token(c, "subscribe", "room",
                   ROOM ",\"override\":{\"presence\":{\"value\":false},"
                        "\"force_recovery\":{\"value\":false},"
                        "\"force_positioning\":{\"value\":false}}}",
                   0);
    client_expect(c, "{\"id\":2,\"subscribe\":{}}");
    say_with_token(c, "subscribe", "other",
                   "{\"sub\":\"ann\",\"channel\":\"other\"}", 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{\"recoverable\":true*");
    client_say(c, "{\"id\":3,\"presence_stats\":{\"channel\":\"room\"}}\n"
                  "{\"id\":4,\"presence_stats\":{\"channel\":\"other\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"presence_stats\":{*\"num_clients\":0*");
    client_expect(c, "{\"id\":4,\"presence_stats\":{\"num_clients\":1*");
    end(r);
}

static void a_private_channel_opens_with_a_token(void **state)
{
    struct rig *r = set_up("private");
    struct client *c = enter_as_ann(r);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"$room\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    say_with_token(c, "subscribe", "$room",
                   "{\"sub\":\"ann\",\"channel\":\"$room\"}", 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    say_with_token(c, "subscribe", "@id",
                   "{\"sub\":\"ann\",\"channel\":\"@id\"}", 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    end(r);
}

static void a_bad_token_ends_in_an_error_or_a_close(void **state)
{
    static const struct {
        const char *payload;
        unsigned error, close;
    } rows[] = {
        {ROOM ",\"exp\":1}", 109, 0},
        {ROOM ",\"nbf\":99999999999}", 109, 0},
        {ROOM ",\"expire_at\":1}", 110, 0},
        {"{\"sub\":\"ann\"}", 103, 0},
        {ROOM ",\"aud\":\"x\"}", 103, 0},
        {ROOM ",\"allow\":[\"pub\"]}", 103, 0},
        {"{\"sub\":\"ann\",\"channel\":\"other\"}", 0, 3500},
        {"{\"sub\":\"bob\",\"channel\":\"room\"}", 0, 3500},
        {"{\"channel\":\"room\"}", 0, 3500},
        {ROOM ",\"client\":\"me\"}", 0, 3500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = set_up("bad");
        struct client *c = enter_as_ann(r);
        char reply[64];

        say_with_token(c, "subscribe", "room", rows[i].payload, 0);
        if (rows[i].close != 0) {
            client_expect_close(c, rows[i].close);
        } else {
            snprintf(reply, sizeof reply, "{\"id\":2,\"error\":{\"code\":%u,*",
                     rows[i].error);
            client_expect(c, reply);
            client_say(c, "{\"id\":3,\"subscribe\":{\"channel\":\"room\","
                          "\"token\":\"no.to.ken\"}}");
            rig_run(r, 0);
            client_expect(c, "{\"id\":3,\"error\":{\"code\":103,*");
        }
        end(r);
    }
}

static void a_token_may_be_for_one_client(void **state)
{
    struct rig *r = set_up("client");
    struct client *c = enter_as_ann(r);
    char payload[200];

    (void)state;
    snprintf(payload, sizeof payload, ROOM ",\"client\":\"%s\"}", c->id);
    say_with_token(c, "subscribe", "room", payload, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    end(r);
}

static void a_subscription_ends_with_its_token_unless_it_is_refreshed(void **st)
{
    struct rig *r = set_up("refresh");
    struct client *c = enter_as_ann(r);

    (void)st;
    say_with_token(c, "subscribe", "room", ROOM ",\"exp\":%lld}", 60);
    client_expect(c, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":60*");
    rig_run(r, 50 * 1000);
    say_with_token(c, "sub_refresh", "room", ROOM ",\"exp\":%lld}", 60);
    client_expect(c,
                  "{\"id\":2,\"sub_refresh\":{\"expires\":true,\"ttl\":60}}");
    rig_run(r, 80 * 1000);
    client_expect_silence(c);
    rig_run(r, 6 * 1000);
    client_expect(c, "{\"push\":{\"channel\":\"room\",\"unsubscribe\":{"
                     "\"code\":2501,*");
    end(r);
}

static void a_bad_token_refreshes_nothing(void **state)
{
    static const struct {
        const char *payload;
        unsigned error, close;
    } rows[] = {
        {ROOM ",\"exp\":1}", 109, 0},
        {ROOM ",\"expire_at\":1}", 110, 0},
        {"{\"sub\":\"ann\"}", 0, 3500},
        {"{\"sub\":\"bob\",\"channel\":\"room\"}", 0, 3500},
        {"{\"sub\":\"ann\",\"channel\":\"other\"}", 0, 3500},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = set_up("bad refresh");
        struct client *c = enter_as_ann(r);
        char reply[64];

        say_with_token(c, "sub_refresh", "room", ROOM "}", 0);
        client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
        say_with_token(c, "subscribe", "room", ROOM ",\"exp\":%lld}", 60);
        client_expect(c, "{\"id\":2,\"subscribe\":{*");
        client_say(c, "{\"id\":3,\"sub_refresh\":{\"channel\":\"room\"}}");
        rig_run(r, 0);
        client_expect(c, "{\"id\":3,\"error\":{\"code\":107,*");
        say_with_token(c, "sub_refresh", "room", rows[i].payload, 0);
        snprintf(reply, sizeof reply, "{\"id\":2,\"error\":{\"code\":%u,*",
                 rows[i].error);
        if (rows[i].close != 0)
            client_expect_close(c, rows[i].close);
        else
            client_expect(c, reply);
        end(r);
    }
}

static void a_connection_token_gives_its_channels_data_and_info(void **state)
{
    struct rig *r = set_up("subs");
    struct client *c =
        enter(r,
              "{\"sub\":\"ann\",\"subs\":{\"room\":{\"data\":{\"d\":1},"
              "\"info\":{\"i\":7},\"expire_at\":%lld}}}",
              60);

    (void)state;
    client_expect(c, "{\"id\":1,\"connect\":{*\"room\":{\"expires\":true,"
                     "\"ttl\":60*\"data\":{\"d\":1}*");
    client_say(c, "{\"id\":3,\"presence\":{\"channel\":\"room\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"presence\":*\"chan_info\":{\"i\":7}*");
    rig_run(r, 80 * 1000);
    assert_int_equal(c->closed, 0);
    rig_run(r, 6 * 1000);
    client_expect_close(c, 3006);
    end(r);
}

static void what_has_ended_already_is_error_110(void **state)
{
    struct rig *r = set_up("110");
    struct client *c = enter(r, "{\"sub\":\"ann\",\"expire_at\":1}", 0);

    (void)state;
    client_expect(c, "{\"id\":1,\"error\":{\"code\":110,*");
    c = enter(r, "{\"sub\":\"ann\",\"subs\":{\"a\":{\"expire_at\":1}}}", 0);
    client_expect(c, "{\"id\":1,\"error\":{\"code\":110,*");
    c = enter_as_ann(r);
    client_sayf(c, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}",
                sign(r, "{\"sub\":\"ann\",\"expire_at\":1}", 0));
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":110,*");
    end(r);
}

static void a_connection_lasts_as_long_as_expire_at_says(void **state)
{
    struct rig *r = set_up("expire_at");
    struct client *c = enter(
        r, "{\"sub\":\"ann\",\"exp\":99999999999,\"expire_at\":%lld}", 60);
    struct client *d =
        enter(r, "{\"sub\":\"ann\",\"exp\":%lld,\"expire_at\":0}", 60);

    (void)state;
    client_expect(c, "{\"id\":1,\"connect\":{*\"expires\":true,\"ttl\":60*");
    client_expect(d, "{\"id\":1,\"connect\":{*");
    rig_run(r, 86 * 1000);
    client_expect_close(c, 3005);
    rig_run(r, 3600 * 1000);
    assert_int_equal(d->closed, 0);
    end(r);
}

static void a_refresh_with_other_channels_closes_with_3010(void **state)
{
    static const struct {
        const char *before, *after;
        bool is_same;
    } rows[] = {
        {"\"channels\":[\"a\",\"b\"]", "\"subs\":{\"b\":{},\"a\":{}}", true},
        {"\"channels\":[]", "\"iat\":1", true},
        {"\"channels\":[\"a\",\"b\"]", "\"channels\":[\"a\"]", false},
        {"\"channels\":[\"a\"]", "\"iat\":1", false},
        {"\"iat\":1", "\"channels\":[\"a\"]", false},
        {"\"channels\":[\"a\",\"b\"]", "\"channels\":[\"a\",\"c\"]", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *r = set_up("3010");
        char payload[200];

        snprintf(payload, sizeof payload, "{\"sub\":\"ann\",%s}",
                 rows[i].before);
        struct client *c = enter(r, payload, 0);
        client_expect(c, "{\"id\":1,\"connect\":{*");
        snprintf(payload, sizeof payload, "{\"sub\":\"ann\",%s}",
                 rows[i].after);
        client_sayf(c, "{\"id\":2,\"refresh\":{\"token\":\"%s\"}}",
                    sign(r, payload, 0));
        if (rows[i].is_same) {
            rig_run(r, 0);
            client_expect(c, "{\"id\":2,\"refresh\":{*");
        } else {
            client_expect_close(c, 3010);
        }
        end(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_opens_a_channel_that_nothing_else_opens),
        cmocka_unit_test(the_info_of_a_token_is_shown_in_its_channel),
        cmocka_unit_test(a_token_overrides_the_rules_of_its_channel),
        cmocka_unit_test(a_private_channel_opens_with_a_token),
        cmocka_unit_test(a_bad_token_ends_in_an_error_or_a_close),
        cmocka_unit_test(a_token_may_be_for_one_client),
        cmocka_unit_test(
            a_subscription_ends_with_its_token_unless_it_is_refreshed),
        cmocka_unit_test(a_bad_token_refreshes_nothing),
        cmocka_unit_test(a_connection_token_gives_its_channels_data_and_info),
        cmocka_unit_test(what_has_ended_already_is_error_110),
        cmocka_unit_test(a_connection_lasts_as_long_as_expire_at_says),
        cmocka_unit_test(a_refresh_with_other_channels_closes_with_3010),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
