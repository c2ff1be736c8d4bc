/* SPDX-License-Identifier: Apache-2.0 */
/* test_session_commands.c - every command of a connected client, its answers,
 * its errors, and what closes the connection. */
#include "rig.h"
#include "session_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig *with(const char *test, const char *a, const char *b)
{
    const char *sets[] = {a, b};
    struct rig_options o = {.sets = sets,
                            .set_count = a == NULL   ? 0
                                         : b == NULL ? 1
                                                     : 2};

    return rig_start(test, &o);
}

/* --- Subscribe and unsubscribe --- */

static void subscribing_twice_is_error_105(void **state)
{
    struct rig *r = with("twice", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":3,\"subscribe\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":105,\"message\":"
                     "\"already subscribed\"}}");
    client_expect(c, "{\"id\":2,\"subscribe\":{\"recoverable\":true,"
                     "\"epoch\":\"*\",\"positioned\":true}}");
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    rig_destroy(r);
}

static void without_history_a_subscription_has_no_position(void **state)
{
    struct rig *r = with("no history", "channels.history_size=0", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\","
                  "\"recoverable\":true}}");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    client_say(c, "{\"id\":4,\"history\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"error\":{\"code\":108,*");
    client_expect(c, "{\"id\":2,\"subscribe\":{}}");
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":1,"
                     "\"info\":{\"user\":\"\",\"client\":\"*\"}}}}");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    rig_destroy(r);
}

static void unsubscribing_always_succeeds(void **state)
{
    struct rig *r = with("unsubscribe", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"unsubscribe\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"unsubscribe\":{}}");
    client_subscribe(c, 3, "c");
    client_say(c, "{\"id\":4,\"unsubscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":5,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"unsubscribe\":{}}");
    client_expect(c, "{\"id\":5,\"publish\":{}}");
    client_expect_silence(c);
    rig_destroy(r);
}

/* All in one message: what was published while subscribed is seen, and before
 * its reply, though the subscription is a new one by then. */
static void a_pipeline_is_answered_in_the_order_of_its_channel(void **state)
{
    struct rig *r = with("pipeline", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "c");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}\n"
                  "{\"id\":4,\"unsubscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":5,\"subscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":6,\"publish\":{\"channel\":\"c\",\"data\":2}}\n"
                  "{\"id\":7,\"unsubscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":8,\"publish\":{\"channel\":\"c\",\"data\":3}}");
    rig_run(r, 0);
    client_expect(c, "{\"push\":*\"data\":1,*\"offset\":1}}}");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    client_expect(c, "{\"id\":4,\"unsubscribe\":{}}");
    client_expect(c, "{\"id\":5,\"subscribe\":{*\"offset\":1,*");
    client_expect(c, "{\"push\":*\"data\":2,*\"offset\":2}}}");
    client_expect(c, "{\"id\":6,\"publish\":{}}");
    client_expect(c, "{\"id\":7,\"unsubscribe\":{}}");
    client_expect(c, "{\"id\":8,\"publish\":{}}");
    client_expect_silence(c);
    rig_destroy(r);
}

/* A JavaScript SDK does this in one pipeline. */
/* At any moment of a subscribe, whose answer comes late. */
static void a_servers_unsubscribe_during_a_subscribe_is_not_lost(void **state)
{
    unsigned early = 0;

    (void)state;
    for (unsigned ms = 0; ms < 60; ms++) {
        struct pl_late_options late = {.seed = 5 + ms, .delay_ms = 50};
        struct rig_options o = {.late = &late};
        struct rig *r = rig_start("kick", &o);
        struct client *c = client_join(r, 0);
        struct pl_kick_mail *k = pl_kick_mail_create();

        client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}");
        rig_run(r, ms);
        early += c->read == c->said_count;
        k->code = PL_UNSUBSCRIBE_SERVER;
        k->channel = pl_blob_create(PL_SPAN("c"));
        rig_mail(c, &k->msg);
        rig_run(r, 200);
        client_expect(c, "{\"id\":2,\"subscribe\":{*");
        client_expect(c, "{\"push\":{\"channel\":\"c\",\"unsubscribe\":{"
                         "\"code\":2000,*");
        client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}");
        rig_run(r, 200);
        client_expect(c, "{\"id\":3,\"publish\":{}}"); /* and no push */
        assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 0);
        rig_destroy(r);
    }
    assert_in_range(early, 10, 60);
}

static void ten_times_in_a_row_leave_nobody(void **state)
{
    struct rig *r = with("ten times", NULL, NULL);
    struct client *c = client_join(r, 0);
    unsigned id = 2, unsubscribed = 0;
    const char *text;

    (void)state;
    for (int i = 0; i < 10; i++) {
        client_sayf(c, "{\"id\":%u,\"subscribe\":{\"channel\":\"c\"}}", id++);
        client_sayf(c, "{\"id\":%u,\"unsubscribe\":{\"channel\":\"c\"}}", id++);
    }
    rig_run(r, 0);
    while ((text = client_next(c)) != NULL) {
        assert_null(strstr(text, "error"));
        unsubscribed += strstr(text, "\"unsubscribe\"") != NULL;
    }
    assert_int_equal(unsubscribed, 10);
    client_say(c, "{\"id\":50,\"presence_stats\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":50,\"presence_stats\":{\"num_clients\":0,"
                     "\"num_users\":0}}");
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void too_many_channels_are_error_106(void **state)
{
    struct rig *r = with("106", "limits.connection_channels=2", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "a");
    client_subscribe(c, 3, "b");
    client_say(c, "{\"id\":4,\"subscribe\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":4,\"error\":{\"code\":106,"
                     "\"message\":\"limit exceeded\"}}");
    client_say(c, "{\"id\":5,\"subscribe\":{\"channel\":\"a\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":5,\"error\":{\"code\":105,*");
    rig_destroy(r);
}

static void too_many_streams_are_error_106(void **state)
{
    struct rig *r = with("streams", "limits.channels=1", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "a");
    client_say(c, "{\"id\":3,\"subscribe\":{\"channel\":\"b\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":3,\"error\":{\"code\":106,*");
    assert_int_equal(rig_metric(r, PL_METRIC_SUBSCRIPTIONS), 1);
    rig_destroy(r);
}

static void names_are_judged_before_they_are_used(void **state)
{
    struct rig *r = with("names", NULL, NULL);
    struct client *c = client_join(r, 0);
    char name[257];
    static const char *const verbs[] = {"subscribe", "presence",
                                        "presence_stats", "history"};

    (void)state;
    memset(name, 'n', 256);
    name[256] = '\0';
    for (int i = 0; i < 4; i++) {
        client_sayf(c, "{\"id\":2,\"%s\":{\"channel\":\"%s\"}}", verbs[i],
                    name);
        client_sayf(c, "{\"id\":3,\"%s\":{\"channel\":\"#someone\"}}",
                    verbs[i]);
        client_sayf(c, "{\"id\":4,\"%s\":{\"channel\":\"@%s\"}}", verbs[i],
                    c->id);
        rig_run(r, 0);
        client_expect(c, "{\"id\":2,\"error\":{\"code\":107,*");
        client_expect(c, "{\"id\":3,\"error\":{\"code\":103,*");
        client_expect(c, "{\"id\":4,\"error\":{\"code\":103,*");
    }
    client_say(c, "{\"id\":5,\"publish\":{\"channel\":\"#a\",\"data\":1}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":5,\"error\":{\"code\":103,*");
    name[255] = '\0';
    client_subscribe(c, 6, name);
    rig_destroy(r);
}

static void nothing_is_allowed_that_was_not_granted(void **state)
{
    static const char *const sets[] = {"auth.anonymous=true",
                                       "channels.presence=true",
                                       "channels.history_size=1"};
    struct rig_options o = {.sets = sets, .set_count = 3, .is_secure = true};
    struct rig *r = rig_start("grants", &o);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}}\n"
                  "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}\n"
                  "{\"id\":4,\"presence\":{\"channel\":\"c\"}}\n"
                  "{\"id\":5,\"presence_stats\":{\"channel\":\"c\"}}\n"
                  "{\"id\":6,\"history\":{\"channel\":\"c\"}}\n"
                  "{\"id\":7,\"rpc\":{\"method\":\"actor.send\",\"data\":"
                  "{\"to\":\"user/x\"}}}");
    rig_run(r, 0);
    for (unsigned id = 2; id <= 7; id++) {
        char pattern[64];

        snprintf(pattern, sizeof pattern,
                 "{\"id\":%u,\"error\":{\"code\":103,*", id);
        client_expect(c, pattern);
    }
    client_say(c, "{\"id\":8,\"subscribe\":{\"channel\":\"c\","
                  "\"token\":\"x\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":8,\"error\":{\"code\":103,*");
    rig_destroy(r);
}

/* --- Publish --- */

static void a_publisher_gets_its_push_before_its_reply(void **state)
{
    struct rig_options o = {.loops = 3};
    struct rig *r = rig_start("push first", &o);
    struct client *c = client_join(r, 0);
    char name[16], pattern[160];

    (void)state;
    for (unsigned i = 0; i < 20; i++) { /* owners on all loops */
        snprintf(name, sizeof name, "c%u", i);
        client_subscribe(c, 100 + i, name);
    }
    for (unsigned i = 0; i < 20; i++) {
        client_sayf(c,
                    "{\"id\":%u,\"publish\":{\"channel\":\"c%u\","
                    "\"data\":{\"n\":%u}}}",
                    200 + i, i, i);
        rig_run(r, 0);
        snprintf(pattern, sizeof pattern,
                 "{\"push\":{\"channel\":\"c%u\",\"pub\":{\"data\":{\"n\":%u},"
                 "\"info\":{*},\"offset\":1}}}",
                 i, i);
        client_expect(c, pattern);
        snprintf(pattern, sizeof pattern, "{\"id\":%u,\"publish\":{}}",
                 200 + i);
        client_expect(c, pattern);
    }
    rig_destroy(r);
}

static void a_payload_travels_byte_for_byte(void **state)
{
    struct rig *r = with("payload", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_subscribe(c, 2, "c");
    client_say(c, "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\": "
                  "{ \"b\" :1.50,\"\\u00e9\":[ ] } }}");
    rig_run(r, 0);
    client_expect(c, "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":"
                     "{ \"b\" :1.50,\"\\u00e9\":[ ] },*");
    client_expect(c, "{\"id\":3,\"publish\":{}}");
    rig_destroy(r);
}

/* --- Queries --- */

static void presence_names_who_is_there(void **state)
{
    struct rig_options o = {.loops = 2};
    struct rig *r = rig_start("presence", &o);
    struct client *a = client_join(r, 0), *b = client_join(r, 1);
    char pattern[256];

    (void)state;
    client_subscribe(a, 2, "c");
    client_say(b, "{\"id\":2,\"presence\":{\"channel\":\"c\"}}");
    client_say(b, "{\"id\":3,\"presence_stats\":{\"channel\":\"c\"}}");
    client_say(b, "{\"id\":4,\"presence\":{\"channel\":\"empty\"}}");
    rig_run(r, 0);
    snprintf(pattern, sizeof pattern,
             "{\"id\":2,\"presence\":{\"presence\":{\"%s\":{\"user\":\"\","
             "\"client\":\"%s\"}}}}",
             a->id, a->id);
    client_expect(b, pattern);
    client_expect(b, "{\"id\":3,\"presence_stats\":{\"num_clients\":1,"
                     "\"num_users\":1}}");
    client_expect(b, "{\"id\":4,\"presence\":{\"presence\":{}}}");
    rig_destroy(r);
}

static void presence_that_is_off_is_error_108(void **state)
{
    struct rig *r = with("no presence", "channels.presence=false", NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"presence\":{\"channel\":\"c\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":108,\"message\":"
                     "\"not available\"}}");
    rig_destroy(r);
}

static void history_is_told_in_pages(void **state)
{
    struct rig *r = with("history", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    for (int i = 1; i <= 4; i++)
        client_sayf(c,
                    "{\"id\":%d,\"publish\":{\"channel\":\"c\",\"data\":%d}}",
                    i + 1, i);
    rig_run(r, 0);
    c->read = c->said_count;
    client_say(c, "{\"id\":10,\"history\":{\"channel\":\"c\"}}\n"
                  "{\"id\":11,\"history\":{\"channel\":\"c\",\"limit\":2}}\n"
                  "{\"id\":12,\"history\":{\"channel\":\"c\",\"limit\":-1,"
                  "\"since\":{\"offset\":3}}}\n"
                  "{\"id\":13,\"history\":{\"channel\":\"c\",\"limit\":1,"
                  "\"reverse\":true}}\n"
                  "{\"id\":14,\"history\":{\"channel\":\"c\",\"limit\":1,"
                  "\"since\":{\"offset\":3,\"epoch\":\"wrong\"}}}\n"
                  "{\"id\":15,\"history\":{\"channel\":\"c\",\"limit\":1,"
                  "\"reverse\":true,\"since\":{\"offset\":0}}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":10,\"history\":{\"publications\":[],"
                     "\"epoch\":\"*\",\"offset\":4}}");
    client_expect(c, "{\"id\":11,\"history\":{\"publications\":[{\"data\":1,*,"
                     "\"offset\":1},{\"data\":2,*\"offset\":2}],*");
    client_expect(c, "{\"id\":12,\"history\":{\"publications\":[{\"data\":4,*"
                     "\"offset\":4}],*");
    client_expect(c, "{\"id\":13,\"history\":{\"publications\":[{\"data\":4,*"
                     "\"offset\":4}],*");
    client_expect(c, "{\"id\":14,\"error\":{\"code\":112,*");
    client_expect(c, "{\"id\":15,\"error\":{\"code\":107,*");
    client_expect_silence(c);
    rig_destroy(r);
}

/* --- Recovery --- */

static void publish_some(struct client *c, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to; i++)
        client_sayf(c,
                    "{\"id\":%u,\"publish\":{\"channel\":\"c\",\"data\":%u}}",
                    1000 + i, i);
    rig_run(c->rig, 0);
    c->read = c->said_count;
}

static void what_was_missed_is_recovered(void **state)
{
    struct rig *r = with("recover", NULL, NULL);
    struct client *a = client_join(r, 0), *b = client_join(r, 0);
    char epoch[16];

    (void)state;
    client_subscribe(b, 2, "c");
    const char *at = strstr(b->said[b->read - 1], "\"epoch\":\"");
    snprintf(epoch, sizeof epoch, "%.8s", at + 9);
    publish_some(a, 1, 5);
    b->read = b->said_count;
    client_say(b, "{\"id\":3,\"unsubscribe\":{\"channel\":\"c\"}}");
    client_sayf(b,
                "{\"id\":4,\"subscribe\":{\"channel\":\"c\",\"recover\":true,"
                "\"offset\":3,\"epoch\":\"%s\"}}",
                epoch);
    rig_run(r, 0);
    client_expect(b, "{\"id\":3,\"unsubscribe\":{}}");
    client_expect(b,
                  "{\"id\":4,\"subscribe\":{\"recoverable\":true,*\"offset\":3,"
                  "\"positioned\":true,\"was_recovering\":true,"
                  "\"recovered\":true,\"publications\":["
                  "{\"data\":4,*\"offset\":4},"
                  "{\"data\":5,*\"offset\":5}]}}");
    client_say(b, "{\"id\":5,\"unsubscribe\":{\"channel\":\"c\"}}");
    client_say(b, "{\"id\":6,\"subscribe\":{\"channel\":\"c\",\"recover\":true,"
                  "\"offset\":3,\"epoch\":\"wrong\"}}");
    client_say(b, "{\"id\":7,\"unsubscribe\":{\"channel\":\"c\"}}");
    client_say(b, "{\"id\":8,\"subscribe\":{\"channel\":\"c\",\"recover\":true,"
                  "\"offset\":3,\"epoch\":\"wrong\",\"flag\":2}}");
    client_say(b, "{\"id\":9,\"subscribe\":{\"channel\":\"c\",\"recover\":true,"
                  "\"offset\":0,\"epoch\":\"\"}}");
    rig_run(r, 0);
    client_expect(b, "{\"id\":9,\"error\":{\"code\":105,*");
    client_expect(b, "{\"id\":5,\"unsubscribe\":{}}");
    client_expect(b, "{\"id\":6,\"subscribe\":{\"recoverable\":true,*"
                     "\"offset\":5,\"positioned\":true,"
                     "\"was_recovering\":true}}");
    client_expect(b, "{\"id\":7,\"unsubscribe\":{}}");
    client_expect(b, "{\"id\":8,\"error\":{\"code\":112,*");
    client_expect_silence(b);
    client_say(b,
               "{\"id\":10,\"subscribe\":{\"channel\":\"c\",\"recover\":true,"
               "\"offset\":3,\"epoch\":\"wrong\"}}");
    rig_run(r, 0);
    client_expect(b, "{\"id\":10,\"subscribe\":{\"recoverable\":true,"
                     "\"epoch\":\"*\",\"offset\":5,\"positioned\":true,"
                     "\"was_recovering\":true}}");
    rig_destroy(r);
}

/* --- Joins and leaves --- */

static void joins_and_leaves_go_to_those_that_ask(void **state)
{
    struct rig_options o = {.loops = 2};
    struct rig *r = rig_start("joins", &o);
    struct client *taker = client_join(r, 0), *other = client_join(r, 0),
                  *mover = client_join(r, 1);
    char join[256], leave[256];

    (void)state;
    client_say(taker, "{\"id\":2,\"subscribe\":{\"channel\":\"c\","
                      "\"join_leave\":true}}");
    rig_run(r, 0);
    client_expect(taker, "{\"id\":2,\"subscribe\":*");
    client_expect(taker, "{\"push\":{\"channel\":\"c\",\"join\":*"); /* own */
    client_subscribe(other, 2, "c");
    client_expect(taker, "{\"push\":{\"channel\":\"c\",\"join\":*");
    client_subscribe(mover, 2, "c");
    snprintf(join, sizeof join,
             "{\"push\":{\"channel\":\"c\",\"join\":{\"info\":{\"user\":\"\","
             "\"client\":\"%s\"}}}}",
             mover->id);
    client_expect(taker, join);
    client_vanish(mover);
    rig_run(r, 0);
    snprintf(leave, sizeof leave,
             "{\"push\":{\"channel\":\"c\",\"leave\":{\"info\":{\"user\":\"\","
             "\"client\":\"%s\"}}}}",
             mover->id);
    client_expect(taker, leave);
    client_expect_silence(taker);
    client_expect_silence(other);
    rig_destroy(r);
}

/* --- What closes the connection --- */

static void a_bad_request_closes_with_3501(void **state)
{
    static const char *const first[] = {
        "{\"id\":1,\"subscribe\":{\"channel\":\"c\"}}",
        "{}",
        "null",
        "[]",
        "",
        "{\"id\":1,\"connect\":{}",
        "{\"id\":1}",
        "{\"connect\":{}}",
        "\n",
        "garbage",
    };
    static const char *const later[] = {
        "{\"id\":2,\"connect\":{}}",
        "{}",
        "{\"id\":2}",
        "{\"id\":2,\"unknown\":{}}",
        "{\"subscribe\":{\"channel\":\"c\"}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"\"}}",
        "{\"id\":2,\"subscribe\":{}}",
        "{\"id\":2,\"unsubscribe\":{}}",
        "{\"id\":2,\"publish\":{\"data\":1}}",
        "{\"id\":2,\"presence\":{}}",
        "{\"id\":2,\"history\":{}}",
        "{\"id\":2,\"refresh\":{\"token\":\"\"}}",
        "{\"id\":2,\"subscribe\":{\"channel\":\"c\"}",
        "\"text\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct rig *r = rig_create(1, NULL);
        struct client *c = client_open(r, 0);

        client_say(c, first[i]);
        client_expect_close(c, 3501);
        assert_string_equal(c->reason, "bad request");
        rig_check_ledgers(r);
        rig_destroy(r);
    }
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        struct rig *r = rig_create(1, NULL);
        struct client *c = client_join(r, 0);

        client_say(c, later[i]);
        client_expect_close(c, 3501);
        rig_check_ledgers(r);
        rig_destroy(r);
    }
}

static void commands_after_a_bad_one_are_not_run(void **state)
{
    struct rig *r = with("behind", NULL, NULL);
    struct client *c = client_join(r, 0), *other = client_join(r, 0);

    (void)state;
    client_subscribe(other, 2, "c");
    client_say(c, "{\"id\":2}\n"
                  "{\"id\":3,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    client_say(c, "{\"id\":4,\"publish\":{\"channel\":\"c\",\"data\":1}}");
    client_expect_close(c, 3501);
    client_expect_silence(other);
    rig_destroy(r);
}

static void ping_and_sub_refresh_are_error_108(void **state)
{
    struct rig *r = with("108", NULL, NULL);
    struct client *c = client_join(r, 0);

    (void)state;
    client_say(c, "{\"id\":2,\"ping\":{}}\n"
                  "{\"id\":3,\"sub_refresh\":{\"channel\":\"c\","
                  "\"token\":\"t\"}}");
    rig_run(r, 0);
    client_expect(c, "{\"id\":2,\"error\":{\"code\":108,*");
    client_expect(c, "{\"id\":3,\"error\":{\"code\":108,*");
    rig_destroy(r);
}

/* --- Encodings --- */

static struct client *join_protobuf(struct rig *r)
{
    struct client *c = client_create(r, 0);
    static const char connect[] = {4, 8, 1, 0x22, 0};
    struct pl_buf b = {0};

    pl_buf_put(&b, client_request, strlen(client_request) - 2);
    pl_buf_printf(&b, "Sec-WebSocket-Protocol: centrifuge-protobuf\r\n\r\n");
    client_frame(&b, 0x82, connect, sizeof connect);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(r, 0);
    assert_int_equal(c->said_count, 1);
    c->read = 1;
    return c;
}

static void say_bytes(struct client *c, const char *bytes, size_t len)
{
    struct pl_buf b = {0};

    client_frame(&b, 0x82, bytes, len);
    client_feed(c, b.data, b.len);
    pl_buf_fini(&b);
    rig_run(c->rig, 0);
}

static const char publish_binary[] = {11, 8,   2,    0x3a, 7,    0x0a,
                                      1,  'c', 0x12, 2,    '\0', '\xff'};

static void binary_data_closes_json_subscribers_with_3506(void **state)
{
    if (rig_has_memory_links())
        skip(); /* its link has lines of text only */
    struct rig *r = with("3506", NULL, NULL);
    struct client *json = client_join(r, 0);
    struct client *protobuf = join_protobuf(r);
    static const char subscribe[] = {7, 8, 3, 0x2a, 3, 0x0a, 1, 'c'};

    (void)state;
    client_subscribe(json, 2, "c");
    say_bytes(protobuf, subscribe, sizeof subscribe);
    assert_int_equal(protobuf->said_count, 2);
    say_bytes(protobuf, publish_binary, sizeof publish_binary);
    assert_int_equal(protobuf->said_count, 4); /* its push, its reply */
    client_expect_close(json, 3506);
    struct client *late = client_join(r, 0);
    client_say(late, "{\"id\":2,\"history\":{\"channel\":\"c\",\"limit\":5}}");
    client_expect_close(late, 3506);
    struct client *recovering = client_join(r, 0);
    client_say(recovering, "{\"id\":2,\"subscribe\":{\"channel\":\"c\","
                           "\"recover\":true}}");
    client_expect_close(recovering, 3506);
    rig_check_ledgers(r);
    rig_destroy(r);
}

static void binary_data_is_refused_where_json_is_wanted(void **state)
{
    if (rig_has_memory_links())
        skip(); /* its link has lines of text only */
    struct rig *r = with("107", "channels.data=json", NULL);
    struct client *json = client_join(r, 0);
    struct client *protobuf = join_protobuf(r);

    (void)state;
    client_subscribe(json, 2, "c");
    say_bytes(protobuf, publish_binary, sizeof publish_binary);
    assert_int_equal(protobuf->said_count, 2);
    assert_non_null(strstr(protobuf->said[1] + 6, "bad request"));
    rig_run(r, 0);
    client_expect_silence(json);
    assert_int_equal(json->closed, 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribing_twice_is_error_105),
        cmocka_unit_test(without_history_a_subscription_has_no_position),
        cmocka_unit_test(unsubscribing_always_succeeds),
        cmocka_unit_test(a_pipeline_is_answered_in_the_order_of_its_channel),
        cmocka_unit_test(a_servers_unsubscribe_during_a_subscribe_is_not_lost),
        cmocka_unit_test(ten_times_in_a_row_leave_nobody),
        cmocka_unit_test(too_many_channels_are_error_106),
        cmocka_unit_test(too_many_streams_are_error_106),
        cmocka_unit_test(names_are_judged_before_they_are_used),
        cmocka_unit_test(nothing_is_allowed_that_was_not_granted),
        cmocka_unit_test(a_publisher_gets_its_push_before_its_reply),
        cmocka_unit_test(a_payload_travels_byte_for_byte),
        cmocka_unit_test(presence_names_who_is_there),
        cmocka_unit_test(presence_that_is_off_is_error_108),
        cmocka_unit_test(history_is_told_in_pages),
        cmocka_unit_test(what_was_missed_is_recovered),
        cmocka_unit_test(joins_and_leaves_go_to_those_that_ask),
        cmocka_unit_test(a_bad_request_closes_with_3501),
        cmocka_unit_test(commands_after_a_bad_one_are_not_run),
        cmocka_unit_test(ping_and_sub_refresh_are_error_108),
        cmocka_unit_test(binary_data_closes_json_subscribers_with_3506),
        cmocka_unit_test(binary_data_is_refused_where_json_is_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
