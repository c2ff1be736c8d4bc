/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_refusals.c - what parley does not support is refused by name,
 * in both encodings, and never ignored. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fields_that_are_not_supported_are_refused_by_name(void **state)
{
    static const struct {
        const char *request, *field;
        unsigned code;
    } rows[] = {
        {"\"subscribe\":{\"channel\":\"c\",\"tf\":{\"key\":\"k\"}}", "tf", 107},
        {"\"subscribe\":{\"channel\":\"c\",\"type\":1}", "type", 108},
        {"\"subscribe\":{\"channel\":\"c\",\"phase\":2}", "phase", 108},
        {"\"subscribe\":{\"channel\":\"c\",\"cursor\":\"x\"}", "cursor", 108},
        {"\"subscribe\":{\"channel\":\"c\",\"limit\":5}", "limit", 108},
        {"\"subscribe\":{\"channel\":\"c\",\"asc\":true}", "asc", 108},
        {"\"publish\":{\"channel\":\"c\",\"data\":1,\"type\":1}", "type", 108},
        {"\"publish\":{\"channel\":\"c\",\"data\":1,\"key\":\"k\"}", "key",
         108},
        {"\"publish\":{\"channel\":\"c\",\"key\":\"k\",\"removed\":true}",
         "removed", 108},
    };
    struct rig *r = rig_start("fields", NULL);
    struct client *c = client_join(r, 0);
    char pattern[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client_sayf(c, "{\"id\":2,%s}", rows[i].request);
        rig_run(r, 0);
        snprintf(pattern, sizeof pattern,
                 "{\"id\":2,\"error\":{\"code\":%u,\"message\":"
                 "\"%s is not supported\"}}",
                 rows[i].code, rows[i].field);
        client_expect(c, pattern);
        client_expect_silence(c);
    }
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static struct client *join_by_protobuf(struct rig *r)
{
    static const char request[] =
        "GET /connection/websocket?format=protobuf HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    struct client *c = client_create(r, 0);
    struct pl_buf b = {0};

    pl_buf_put(&b, request, strlen(request));
    client_frame(&b, 0x82, "\x04\x08\x01\x22\x00", 5);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(r, 0);
    assert_int_equal(c->said_count, 1);
    c->read = 1;
    return c;
}

static void expect_text(struct client *c, const char *command, size_t len,
                        const char *text)
{
    struct pl_buf b = {0};

    client_frame(&b, 0x82, command, len);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(c->rig, 0);
    assert_int_equal(c->said_count, c->read + 1);
    assert_non_null(strstr(c->said[c->read], text));
    c->read++;
}

static void they_are_refused_in_protobuf_too(void **state)
{
    if (rig_has_memory_links())
        skip(); /* its link has lines of text only */
    struct rig *r = rig_start("protobuf", NULL);
    struct client *c = join_by_protobuf(r);

    (void)state;
    expect_text(c,
                "\x0a\x08\x02\x2a\x06\x0a\x01"
                "c\x6a\x01"
                "f",
                11, "tf is not supported");
    expect_text(c,
                "\x09\x08\x02\x2a\x05\x0a\x01"
                "c\x78\x01",
                10, "type is not supported");
    expect_text(c,
                "\x0c\x08\x02\x3a\x08\x0a\x01"
                "c\x12\x01"
                "1\x18\x01",
                13, "type is not supported");
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
    rig_destroy(r);
}

static void a_connect_is_refused_by_the_field_of_a_subscription(void **state)
{
    static const struct {
        const char *sub, *field;
        unsigned code;
    } rows[] = {
        {"\"tf\":{\"key\":\"k\"}", "tf", 107},
        {"\"type\":1", "type", 108},
        {"\"phase\":2", "phase", 108},
        {"\"cursor\":\"x\"", "cursor", 108},
        {"\"limit\":5", "limit", 108},
        {"\"asc\":true", "asc", 108},
        {"\"token\":\"t\"", "token", 108},
        {"\"recover\":true,\"flag\":3", "flag", 108},
    };
    char pattern[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig *r = rig_start("subs", NULL);
        struct client *c = client_open(r, 0);

        client_sayf(c,
                    "{\"id\":1,\"connect\":{\"subs\":{\"a\":{\"recover\":"
                    "true},\"b\":{%s}}}}",
                    rows[i].sub);
        rig_run(r, 0);
        snprintf(pattern, sizeof pattern,
                 "{\"id\":1,\"error\":{\"code\":%u,\"message\":"
                 "\"%s is not supported\"}}",
                 rows[i].code, rows[i].field);
        client_expect(c, pattern);
        client_expect_silence(c);
        assert_int_equal(r->boss->registered, 0);
        rig_check_ledgers(r);
        rig_destroy(r);
    }
}

static void a_connect_takes_what_asks_for_nothing_more(void **state)
{
    struct rig *r = rig_start("subs taken", NULL);
    struct client *c = client_open(r, 0);

    (void)state;
    client_say(c,
               "{\"id\":1,\"connect\":{\"subs\":{\"a\":{\"recover\":true,"
               "\"epoch\":\"x\",\"offset\":1,\"flag\":1,\"delta\":\"fossil\","
               "\"tf\":null,\"type\":0,\"phase\":0,\"cursor\":\"\","
               "\"limit\":0,\"asc\":false,\"token\":\"\","
               "\"join_leave\":true,\"new\":{}}}}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":1,\"connect\":{*");
    rig_destroy(r);
}

/* SDKs write some of these always; "delta" is negotiated and not granted. */
static void fields_that_ask_for_nothing_more_are_taken(void **state)
{
    struct rig *r = rig_start("taken", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\",\"flag\":1,"
                  "\"delta\":\"fossil\",\"tf\":null,\"type\":0,\"phase\":0,"
                  "\"cursor\":\"\",\"limit\":0,\"asc\":false,\"new\":{}}}\n"
                  "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1,"
                  "\"type\":0,\"key\":\"\",\"removed\":false}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"subscribe\":{*");
    assert_null(strstr(c->said[c->said_count - 3], "delta"));
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":1,*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    rig_destroy(r);
}

static void
names_that_list_users_are_closed_unless_the_rules_say_so(void **state)
{
    static const char *const verbs[] = {"subscribe", "presence",
                                        "presence_stats", "history"};
    static const char *const names[] = {"room#42", "room#1,2"};
    static const char *const sets[] = {"channels.user_lists=closed"};
    const struct rig_options o = {.sets = sets, .set_count = 1};
    struct rig *r = rig_start("names", &o);
    struct client *c = client_join(r, 0);

    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        for (size_t v = 0; v < sizeof verbs / sizeof *verbs; v++) {
            client_sayf(c, "{\"id\":2,\"%s\":{\"channel\":\"%s\"}}", verbs[v],
                        names[n]);
            rig_run(r, 0);
            client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
        }
        client_sayf(c,
                    "{\"id\":3,\"publish\":{\"channel\":\"%s\",\"data\":1}}\n"
                    "{\"id\":4,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                    "\"to\":\"channel/%s\"}}}\n"
                    "{\"id\":5,\"unsubscribe\":{\"channel\":\"%s\"}}",
                    names[n], names[n], names[n]);
        rig_run(r, 0);
        client_expect(c, "{\"id\":3,\"error\":{\"code\":103,*");
        client_expect(c, "{\"id\":4,\"error\":{\"code\":103,*");
        client_expect(c, "{\"id\":5,\"unsubscribe\":{}}");
    }
    assert_int_equal(rig_metric(r, PL_METRIC_CHANNELS), 0);
    client_subscribe(c, 6, "a$b");
    rig_destroy(r);
}

static void a_private_channel_needs_a_token_whatever_the_rules_say(void **state)
{
    static const char *const names[] = {"$private", "$", "$a#1"};
    struct rig *r = rig_start("private", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        client_sayf(c, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}",
                    names[n]);
        rig_run(r, 0);
        client_expect(c, "{\"id\":2,\"error\":{\"code\":103,*");
    }
    assert_int_equal(rig_metric(r, PL_METRIC_CHANNELS), 0);
    rig_destroy(r);
}

/* The names that parley makes itself go on as they were, whatever is in them.
 */
static void a_users_inbox_may_have_any_users_name(void **state)
{
    static const char *const users[] = {"a#b", "$x", "#", "@c"};
    static const char *const sets[] = {"auth.hmac_secret=" RIG_SECRET,
                                       "channels.history_size=10"};
    struct rig_options o = {.sets = sets, .set_count = 2};

    (void)state;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        struct rig *r = rig_start("inbox", &o);
        char *token = rig_token(r, users[i], 0, NULL, 0);
        struct client *c = client_open(r, 0);
        char pattern[160];

        client_sayf(c, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", token);
        rig_run(r, 0);
        snprintf(pattern, sizeof pattern, "{\"id\":1,\"connect\":{*\"#%s\":{*",
                 users[i]);
        client_expect(c, pattern);
        client_sayf(c,
                    "{\"id\":2,\"rpc\":{\"method\":\"actor.send\",\"data\":{"
                    "\"to\":\"user/%s\",\"body\":1}}}\n"
                    "{\"id\":3,\"history\":{\"channel\":\"#%s\",\"limit\":1}}",
                    users[i], users[i]);
        rig_run(r, 0);
        snprintf(pattern, sizeof pattern,
                 "{\"push\":{\"channel\":\"#%s\",\"pub\":*", users[i]);
        client_expect(c, pattern);
        client_expect(c, "{\"id\":2,\"rpc\":{\"data\":{\"accepted\":1,*");
        client_expect(c, "{\"id\":3,\"history\":{\"publications\":[{*");
        free(token);
        rig_destroy(r);
    }
}

static void a_command_that_says_two_things_closes_with_3501(void **state)
{
    static const char *const commands[] = {
        "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1},"
        "\"subscribe\":{\"channel\":\"c\"}}",
        "{\"id\":2,\"publish\":{\"channel\":\"c\",\"data\":1},"
        "\"publish\":{\"channel\":\"d\",\"data\":2}}",
        "{\"id\":2,\"publish\":{\"channel\":\"c\",\"channel\":\"d\","
        "\"data\":1}}",
        "{\"id\":2,\"id\":3,\"ping\":{}}",
        "{\"send\":{\"data\":1},\"publish\":{\"channel\":\"c\",\"data\":1}}",
        "{\"publish\":{\"channel\":\"c\",\"data\":1}}", /* without an id */
        "{\"id\":2,\"unknown\":{}}",
        "{\"id\":2}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct rig *r = rig_start("two", NULL);
        struct client *c = client_join(r, 0), *other = client_join(r, 0);

        client_subscribe(other, 2, "c");
        client_subscribe(other, 3, "d");
        client_say(c, commands[i]);
        client_expect_close(c, 3501);
        client_expect_silence(other);
        rig_check_ledgers(r);
        rig_destroy(r);
    }
}

/* A ping was asked, so a pong is due; a request is none. */
static void a_request_without_an_id_is_no_pong(void **state)
{
    struct rig *r = rig_start("no pong", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    while (client_next(c) == NULL)
        rig_run(r, 1000);
    client_say(c, "{\"publish\":{\"channel\":\"c\",\"data\":1}}");
    client_expect_close(c, 3501);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_are_not_supported_are_refused_by_name),
        cmocka_unit_test(they_are_refused_in_protobuf_too),
        cmocka_unit_test(a_connect_is_refused_by_the_field_of_a_subscription),
        cmocka_unit_test(a_connect_takes_what_asks_for_nothing_more),
        cmocka_unit_test(fields_that_ask_for_nothing_more_are_taken),
        cmocka_unit_test(
            names_that_list_users_are_closed_unless_the_rules_say_so),
        cmocka_unit_test(
            a_private_channel_needs_a_token_whatever_the_rules_say),
        cmocka_unit_test(a_users_inbox_may_have_any_users_name),
        cmocka_unit_test(a_command_that_says_two_things_closes_with_3501),
        cmocka_unit_test(a_request_without_an_id_is_no_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
