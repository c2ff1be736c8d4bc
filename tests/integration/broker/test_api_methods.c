/* SPDX-License-Identifier: Apache-2.0 */
/* test_api_methods.c - what the methods of the server API do to clients, and
 * what they answer: one broker for all tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_line.h"
#include "box.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

static struct box box;

/* --- What a publication may have --- */

/* Read the next publication of each client; its whole push. */
static void hear_tags(struct peer *p, const char *text)
{
    struct peer_reply r;

    peer_await_push(p, PEER_PUBLICATION, &r);
    if (memmem(r.body.at, r.body.len, text, strlen(text)) == NULL)
        fail_msg("%.*s", (int)r.body.len, r.body.at);
}

static void tags_are_shown_in_pushes_and_in_the_history(void **st)
{
    static const char body[] = "{\"channel\":\"kept\",\"data\":1,"
                               "\"tags\":{\"color\":\"red\"}}";
    struct peer json, protobuf;

    (void)st;
    peer_enter(&json, box.port, PEER_JSON, NULL, NULL);
    peer_enter(&protobuf, box.port, PEER_PROTOBUF, NULL, NULL);
    peer_join(&json, "kept");
    peer_join(&protobuf, "kept");
    line_call(box.port, "publish", body);
    hear_tags(&json, "\"tags\":{\"color\":\"red\"}");
    hear_tags(&protobuf, "\x3a\x0c\x0a\x05"
                         "color\x12\x03red");
    assert_non_null(strstr(
        line_call(box.port, "history", "{\"channel\":\"kept\",\"limit\":-1}"),
        "{\"data\":1,\"tags\":{\"color\":\"red\"},"
        "\"offset\":1}"));
    peer_fini(&json);
    peer_fini(&protobuf);
}

static void what_is_sent_again_or_is_stale_is_not_delivered(void **st)
{
    static const char first[] = "{\"channel\":\"once\",\"data\":1,"
                                "\"idempotency_key\":\"k\",\"version\":7}";
    static const char stale[] =
        "{\"channel\":\"once\",\"data\":2,\"version\":7}";
    static const char beside[] =
        "{\"channel\":\"once\",\"data\":3,\"skip_history\":true}";
    static const char last[] = "{\"channel\":\"once\",\"data\":4}";
    struct peer_reply r;
    struct peer p;

    (void)st;
    peer_enter(&p, box.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "once");
    assert_non_null(
        strstr(line_call(box.port, "publish", first), "\"offset\":1,"));
    assert_non_null(
        strstr(line_call(box.port, "publish", first), "\"offset\":1,"));
    assert_non_null(
        strstr(line_call(box.port, "publish", stale), "\"offset\":1,"));
    assert_string_equal(line_call(box.port, "publish", beside),
                        "{\"result\":{}}");
    assert_non_null(
        strstr(line_call(box.port, "publish", last), "\"offset\":2,"));
    static const char *const heard[] = {"1", "3", "4"};
    for (int i = 0; i < 3; i++) {
        peer_await_push(&p, PEER_PUBLICATION, &r);
        assert_true(pl_span_equal(r.data, pl_span_of(heard[i])));
    }
    assert_non_null(strstr(
        line_call(box.port, "history", "{\"channel\":\"once\",\"limit\":-1}"),
        "[{\"data\":1,\"offset\":1},{\"data\":4,"
        "\"offset\":2}]"));
    peer_fini(&p);
}

/* --- Which connections of a user --- */

static void session_and_whitelist_narrow_a_disconnect(void **st)
{
    char id[3][64], body[400];
    struct peer p[3];

    (void)st;
    for (int i = 0; i < 3; i++)
        peer_enter(&p[i], box.port, PEER_JSON, NULL, id[i]);
    snprintf(body, sizeof body, "{\"user\":\"\",\"session\":\"unknown\"}");
    line_call(box.port, "disconnect", body);
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"client\":\"%s\",\"session\":\"%s\"}", id[0],
             id[1]);
    line_call(box.port, "disconnect", body);
    snprintf(body, sizeof body, "{\"user\":\"\",\"session\":\"%s\"}", id[2]);
    line_call(box.port, "disconnect", body);
    assert_int_equal(peer_await_end(&p[2]), 3503);
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"whitelist\":[\"x\",\"%s\",\"%s\"]}", id[0],
             id[1]);
    line_call(box.port, "disconnect", body);
    peer_join(&p[0], "narrow"); /* both are still there */
    peer_join(&p[1], "narrow");
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"whitelist\":[\"%s\"],\"disconnect\":"
             "{\"code\":4001,\"reason\":\"x\"}}",
             id[1]);
    line_call(box.port, "disconnect", body);
    assert_int_equal(peer_await_end(&p[0]), 4001);
    peer_join(&p[1], "still there");
    for (int i = 0; i < 3; i++)
        peer_fini(&p[i]);
}

/* --- Subscriptions that a backend makes --- */

static void a_backend_subscribes_connections_with_terms(void **st)
{
    char id[64], body[400];
    struct peer_reply r;
    struct peer p, other;

    (void)st;
    line_call(box.port, "publish", "{\"channel\":\"mine\",\"data\":1}");
    const char *position =
        line_call(box.port, "history", "{\"channel\":\"mine\"}");
    char epoch[16];
    assert_int_equal(sscanf(strstr(position, "\"epoch\":\"") + 9, "%8s", epoch),
                     1);
    line_call(box.port, "publish", "{\"channel\":\"mine\",\"data\":2}");
    peer_enter(&other, box.port, PEER_JSON, NULL, NULL);
    peer_enter(&p, box.port, PEER_JSON, NULL, id);
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"client\":\"%s\",\"channel\":\"mine\","
             "\"info\":{\"role\":\"x\"},\"b64data\":\"eyJhIjoxfQ==\","
             "\"recover_since\":{\"offset\":1,\"epoch\":\"%s\"}}",
             id, epoch);
    assert_string_equal(line_call(box.port, "subscribe", body),
                        "{\"result\":{}}");
    peer_await_push(&p, PEER_SUBSCRIBED, &r);
    assert_non_null(memmem(r.body.at, r.body.len, "\"data\":{\"a\":1}", 14));
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("2")));
    assert_non_null(
        strstr(line_call(box.port, "presence", "{\"channel\":\"mine\"}"),
               "\"chan_info\":{\"role\":\"x\"}"));
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"session\":\"%s\",\"channel\":\"mine\"}", id);
    line_call(box.port, "unsubscribe", body);
    peer_await_push(&p, PEER_UNSUBSCRIBED, &r);
    assert_string_equal(
        line_call(box.port, "presence_stats", "{\"channel\":\"mine\"}"),
        "{\"result\":{\"num_clients\":0,\"num_users\":0}}");
    peer_fini(&other);
    peer_fini(&p);
}

static void a_subscription_may_hide_its_client(void **st)
{
    char id[64], body[200];
    struct peer_reply r;
    struct peer p;

    (void)st;
    peer_enter(&p, box.port, PEER_JSON, NULL, id);
    snprintf(body, sizeof body,
             "{\"client\":\"%s\",\"channel\":\"hidden\",\"override\":"
             "{\"presence\":{\"value\":false}}}",
             id);
    line_call(box.port, "subscribe", body);
    peer_await_push(&p, PEER_SUBSCRIBED, &r);
    assert_string_equal(
        line_call(box.port, "presence_stats", "{\"channel\":\"hidden\"}"),
        "{\"result\":{\"num_clients\":0,\"num_users\":0}}");
    assert_non_null(
        strstr(line_call(box.port, "channels", "{\"pattern\":\"{hid*,x}den\"}"),
               "{\"hidden\":{\"num_clients\":1}}"));
    peer_fini(&p);
}

static void a_refresh_that_has_expired_closes(void **st)
{
    char id[64], body[200];
    struct peer p, q;

    (void)st;
    peer_enter(&p, box.port, PEER_JSON, NULL, id);
    peer_enter(&q, box.port, PEER_JSON, NULL, NULL);
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"client\":\"%s\",\"expire_at\":4102444800}", id);
    assert_string_equal(line_call(box.port, "refresh", body),
                        "{\"result\":{}}");
    peer_join(&p, "still");
    snprintf(body, sizeof body,
             "{\"user\":\"\",\"client\":\"%s\",\"expired\":true}", id);
    line_call(box.port, "refresh", body);
    assert_int_equal(peer_await_end(&p), 3005);
    peer_join(&q, "still");
    peer_fini(&p);
    peer_fini(&q);
}

/* --- The status of users --- */

static long number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    assert_non_null(at);
    return strtol(at + strlen(name), NULL, 10);
}

static void a_status_tells_when_a_user_was_active_and_online(void **st)
{
    static const char both[] = "{\"users\":[\"\\u0061nn\",\"bob\"]}";
    char *token = box_token(SECRET, "ann", NULL);
    struct peer p;

    (void)st;
    assert_string_equal(
        line_call(box.port, "get_user_status", "{\"users\":[\"ann\"]}"),
        "{\"result\":{\"statuses\":[{\"user\":\"ann\",\"active\":0,"
        "\"online\":0,\"state\":\"\"}]}}");
    assert_string_equal(line_call(box.port, "update_user_status",
                                  "{\"users\":[\"ann\"],\"state\":\"a\\nb\"}"),
                        "{\"result\":{}}");
    peer_enter(&p, box.port, PEER_JSON, token, NULL);
    free(token);
    const char *now = line_call(box.port, "get_user_status", both);
    assert_true(number_after(now, "\"active\":") > 0);
    assert_true(number_after(now, "\"online\":") > 0);
    assert_non_null(strstr(now, "\"state\":\"a\\nb\"},{\"user\":\"bob\","
                                "\"active\":0,\"online\":0,"));
    peer_fini(&p);
    assert_string_equal(line_call(box.port, "delete_user_status", both),
                        "{\"result\":{}}");
    now = line_call(box.port, "get_user_status", both);
    assert_int_equal(number_after(now, "\"active\":"), 0);
}

/* --- Revoked tokens and blocked users --- */

/* Connect with the token, which is admitted (0), or closed with this code. */
static void expect_connect(const char *token, uint32_t code)
{
    struct peer p;

    if (code == 0) {
        peer_enter(&p, box.port, PEER_JSON, token, NULL);
    } else {
        peer_begin(&p, box.port, PEER_JSON, NULL);
        assert_int_equal(peer_await_open(&p), 101);
        peer_connect(&p, token);
        assert_int_equal(peer_await_end(&p), code);
    }
    peer_fini(&p);
}

static void a_backend_revokes_tokens_and_blocks_users(void **st)
{
    static const struct {
        const char *claims, *method, *body, *undo;
        uint32_t code;
    } rows[] = {
        {"\"jti\":\"one\"", "revoke_token", "{\"uid\":\"one\"}", NULL, 3500},
        {"\"iat\":1000", "invalidate_user_tokens",
         "{\"user\":\"eve\",\"issued_before\":2000,"
         "\"expire_at\":4102444800}",
         NULL, 3500},
        {"\"iat\":3000", "block_user", "{\"user\":\"eve\"}", "unblock_user",
         3503},
    };

    (void)st;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *token = box_token(SECRET, "eve", rows[i].claims);
        struct peer p;

        peer_enter(&p, box.port, PEER_JSON, token, NULL);
        assert_string_equal(line_call(box.port, rows[i].method, rows[i].body),
                            "{\"result\":{}}");
        assert_int_equal(peer_await_end(&p), rows[i].code);
        peer_fini(&p);
        expect_connect(token, rows[i].code);
        if (rows[i].undo != NULL) {
            assert_string_equal(
                line_call(box.port, rows[i].undo, "{\"user\":\"eve\"}"),
                "{\"result\":{}}");
            expect_connect(token, 0);
        }
        free(token);
    }
    assert_string_equal(
        line_call(box.port, "unblock_user", "{\"user\":\"nobody\"}"),
        "{\"result\":{}}");
}

/* --- Calls, good, bad and hostile --- */

#define B64 "eyJhIjoxfQ=="

/* What the official clients of Centrifugo's API send, in their own shapes. */
static const char header[] = "Content-Type: application/json\r\n"
                             "X-API-Key: " API_KEY "\r\n";
static const char transport[] =
    "Content-Type: application/json\r\nX-API-Key: " API_KEY
    "\r\nX-Centrifugo-Error-Mode: transport\r\n";
static const char old[] = "Content-Type: application/json\r\n"
                          "Authorization: apikey " API_KEY "\r\n";
static const struct {
    const char *target, *fields, *body, *answer;
} payloads[] = {
    /* cent */
    {"/api/publish", transport,
     "{\"channel\":\"a\",\"data\":{\"x\":1},\"tags\":{\"k\":\"v\"},"
     "\"skip_history\":true,\"idempotency_key\":\"cent1\"}",
     "{\"result\":{}}"},
    {"/api/broadcast", transport, "{\"channels\":[\"a\",\"b\"],\"data\":{}}",
     "{\"responses\":[{"},
    {"/api/subscribe", transport, "{\"user\":\"u\",\"channel\":\"a\"}",
     "{\"result\":{}}"},
    {"/api/unsubscribe", transport, "{\"user\":\"u\",\"channel\":\"a\"}",
     "{\"result\":{}}"},
    {"/api/disconnect", transport, "{\"user\":\"u\"}", "{\"result\":{}}"},
    {"/api/refresh", transport,
     "{\"user\":\"u\",\"expired\":false,\"expire_at\":4102444800}",
     "{\"result\":{}}"},
    {"/api/info", transport, "{}", "{\"nodes\":[{"},
    {"/api/channels", transport, "{}", "{\"channels\":{"},
    {"/api/batch", transport,
     "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":{}}},"
     "{\"presence_stats\":{\"channel\":\"a\"}}],\"parallel\":true}",
     "{\"replies\":[{\"publish\":{"},
    /* phpcent: empty members are always there */
    {"/api/publish", header,
     "{\"channel\":\"a\",\"data\":[],\"skip_history\":false}", "{\"result\":{"},
    {"/api/broadcast", header,
     "{\"channels\":[\"a\"],\"data\":{},\"skip_history\":false}",
     "{\"responses\":[{"},
    {"/api/subscribe", header,
     "{\"channel\":\"a\",\"user\":\"u\",\"client\":\"\"}", "{\"result\":{}}"},
    {"/api/unsubscribe", header,
     "{\"channel\":\"a\",\"user\":\"u\",\"client\":\"\"}", "{\"result\":{}}"},
    {"/api/disconnect", header, "{\"user\":\"u\",\"client\":\"\"}",
     "{\"result\":{}}"},
    {"/api/history", header,
     "{\"channel\":\"a\",\"limit\":0,\"reverse\":false}",
     "\"publications\":[]"},
    {"/api/channels", header, "{\"pattern\":\"\"}", "{\"channels\":{"},
    {"/api/info", header, "{}", "{\"nodes\":[{"},
    /* rubycent */
    {"/api/publish", header,
     "{\"channel\":\"a\",\"data\":{},\"b64data\":\"" B64 "\","
     "\"version\":1,\"version_epoch\":\"e\",\"delta\":false}",
     "{\"result\":{"},
    {"/api/subscribe", header,
     "{\"user\":\"u\",\"channel\":\"a\",\"b64info\":\"" B64 "\","
     "\"b64data\":\"" B64 "\",\"recover_since\":{\"offset\":0,"
     "\"epoch\":\"e\"},\"override\":{\"presence\":{\"value\":true}}}",
     "{\"result\":{}}"},
    {"/api/disconnect", header,
     "{\"user\":\"u\",\"client\":\"c\",\"session\":\"s\","
     "\"whitelist\":[\"x\"],\"disconnect\":{\"code\":4000,"
     "\"reason\":\"r\"}}",
     "{\"result\":{}}"},
    /* gocent: the older form, and several in one body */
    {"/api", old,
     "{\"method\":\"publish\",\"params\":{\"channel\":\"a\",\"data\":{}}}"
     "\n{\"method\":\"info\",\"params\":{}}\n",
     "}}\n{\"result\":{\"nodes\":"},
    /* phpcent before 4: no parameters are an empty array */
    {"/api", old, "{\"method\":\"info\",\"params\":[]}",
     "{\"result\":{\"nodes\":"},
    {"/api", old, "{\"method\":\"channels\",\"params\":[]}",
     "{\"result\":{\"channels\":"},
    {"/api", old,
     "{\"method\":\"broadcast\",\"params\":{\"channels\":[\"a\",\"b\"],"
     "\"data\":{}}}",
     "{\"result\":{\"responses\":[{\"result\":{"},
    {"/api/batch", header,
     "{\"commands\":[{\"publish\":{\"channel\":\"a\",\"data\":[]}},"
     "{\"info\":[]}]}",
     "},{\"info\":{\"nodes\":"},
    {"/api", old, "{\"method\":\"disconnect\",\"params\":{\"user\":\"u\"}}",
     "{\"result\":{}}"},
    {"/api/history_remove", header, "{\"channel\":\"a\"}", "{\"result\":{}}"},
    {"/api/presence", header, "{\"channel\":\"a\"}",
     "{\"result\":{\"presence\":{}}}"},
};

static void the_payloads_of_the_official_clients_work(void **st)
{
    static struct line l;

    (void)st;
    line_dial(&l, box.port, NULL, 0);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        if (line_ask(&l, payloads[i].target, payloads[i].fields,
                     payloads[i].body) != 200 ||
            strstr(l.in, payloads[i].answer) == NULL)
            fail_msg("%s %s: %s", payloads[i].target, payloads[i].body, l.in);
    line_hang_up(&l);
}

/* Method, input, status and error code (0: a result) in transport mode. */
static const struct {
    const char *method, *body;
    int status;
    uint32_t code;
} inputs[] = {
    {"publish", "{\"channel\":\"a\",\"data\":1}", 200, 0},
    {"publish", "{\"channel\":\"a\"}", 400, 107},
    {"publish", "{\"channel\":\"a\",\"data\":1,\"delta\":true}", 400, 108},
    {"publish", "{\"channel\":\"a\",\"data\":1,\"tags\":[]}", 400, 107},
    {"publish", "{\"channel\":\"a\",\"data\":1,\"version\":-1}", 400, 107},
    {"publish", "[[[[", 400, 107},
    {"broadcast", "{\"channels\":[],\"data\":1}", 400, 107},
    {"broadcast", "{\"channels\":\"a\",\"data\":1}", 400, 107},
    {"subscribe", "{\"user\":\"u\",\"channel\":\"a\"}", 200, 0},
    {"subscribe", "{\"channel\":\"a\"}", 400, 107},
    {"subscribe", "{\"user\":\"u\",\"channel\":\"#u\"}", 400, 107},
    {"subscribe", "{\"user\":\"u\",\"channel\":\"a\",\"b64info\":\"AA==\"}",
     400, 107},
    {"subscribe",
     "{\"user\":\"u\",\"channel\":\"a\",\"recover_since\":{\"offset\":1}}", 400,
     107},
    {"subscribe",
     "{\"user\":\"u\",\"channel\":\"a\",\"override\":"
     "{\"join_leave\":{\"value\":true}}}",
     400, 107},
    {"subscribe", "{\"user\":\"u\",\"channel\":\"a\",\"expire_at\":-1}", 400,
     107},
    {"unsubscribe", "{\"user\":\"u\"}", 400, 107},
    {"disconnect", "{}", 400, 107},
    {"disconnect", "{\"user\":\"u\",\"disconnect\":{\"code\":1000}}", 400, 107},
    {"refresh", "{\"user\":\"u\"}", 200, 0},
    {"refresh", "{\"expired\":true}", 400, 107},
    {"refresh", "{\"user\":\"u\",\"info\":{}}", 200, 0},
    {"refresh", "{\"user\":\"u\",\"info\":{\"a\":1}}", 400, 108},
    {"refresh", "{\"user\":\"u\",\"channel\":\"a\"}", 400, 108},
    {"presence", "{\"channel\":\"\"}", 400, 107},
    {"history", "{\"channel\":\"a\",\"limit\":-1,\"reverse\":true}", 200, 0},
    {"history", "{\"channel\":\"a\",\"limit\":-2}", 400, 107},
    {"history",
     "{\"channel\":\"a\",\"limit\":1,\"since\":{\"offset\":1,"
     "\"epoch\":\"other\"}}",
     416, 112},
    {"channels", "{\"pattern\":\"[\"}", 400, 107},
    {"channels", "{\"pattern\":\"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}\"}", 400,
     107},
    {"rpc", "{\"method\":\"x\",\"params\":{}}", 404, 104},
    {"update_user_status", "{\"users\":[\"u\"],\"state\":\"\"}", 200, 0},
    {"update_user_status", "{\"users\":[]}", 400, 107},
    {"update_user_status", "{\"users\":[\"\"]}", 400, 107},
    {"update_user_status", "{\"users\":[\"a\\u0000b\"]}", 400, 107},
    {"update_user_status", "{\"users\":\"u\"}", 400, 107},
    {"get_user_status", "{\"users\":[\"u\"]}", 200, 0},
    {"get_user_status", "{\"users\":[\"u\"],\"state\":\"x\"}", 400, 108},
    {"get_user_status", "{\"user\":\"u\"}", 400, 108},
    {"delete_user_status", "{\"users\":[\"u\"]}", 200, 0},
    {"delete_user_status", "{}", 400, 107},
    {"revoke_token", "{\"uid\":\"x\",\"expire_at\":4102444800}", 200, 0},
    {"revoke_token", "{\"uid\":\"x\",\"expire_at\":1}", 400, 107},
    {"revoke_token", "{\"uid\":\"\"}", 400, 107},
    {"revoke_token", "{\"uid\":7}", 400, 107},
    {"revoke_token", "{\"uid\":\"x\",\"user\":\"u\"}", 400, 108},
    {"invalidate_user_tokens",
     "{\"user\":\"u\",\"channel\":\"a\",\"issued_before\":5}", 200, 0},
    {"invalidate_user_tokens", "{\"user\":\"\"}", 400, 107},
    {"invalidate_user_tokens", "{\"user\":\"u\",\"issued_before\":-1}", 400,
     107},
    {"block_user", "{\"user\":\"blocked\"}", 200, 0},
    {"block_user", "{}", 400, 107},
    {"block_user", "{\"user\":\"u\",\"all_users\":true}", 400, 108},
    {"unblock_user", "{\"user\":\"blocked\"}", 200, 0},
    {"unblock_user", "{\"user\":\"u\",\"expire_at\":5}", 400, 108},
    {"connections", "{\"expression\":\"true\"}", 400, 108},
    {"connections", "{\"label_filter\":{\"a\":\"b\"}}", 400, 108},
    {"batch", "{\"commands\":[]}", 200, 0},
    {"batch", "{\"commands\":{}}", 400, 0},
};

static void each_method_answers_bad_and_hostile_input(void **st)
{
    static struct line l;
    char target[40], code[40];

    (void)st;
    line_dial(&l, box.port, NULL, 0);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        snprintf(target, sizeof target, "/api/%s", inputs[i].method);
        int status = line_ask(&l, target,
                              "X-API-Key: " API_KEY "\r\n"
                              "X-Centrifugo-Error-Mode: transport\r\n",
                              inputs[i].body);
        snprintf(code, sizeof code, "\r\n\r\n{\"code\":%u,", inputs[i].code);
        if (status != inputs[i].status ||
            (inputs[i].code != 0 && strstr(l.in, code) == NULL))
            fail_msg("%s %s: %s", inputs[i].method, inputs[i].body, l.in);
    }
    line_hang_up(&l);
}

static int start(void **st)
{
    const char *sets[] = {"loops=3",
                          "api.public=true",
                          "api.key=" API_KEY,
                          "auth.hmac_secret=" SECRET,
                          "auth.anonymous=true",
                          "channels.allow_subscribe=all",
                          "channels.history_size=10",
                          "channels.presence=true",
                          NULL};

    (void)st;
    box_start(&box, sets);
    return 0;
}

static int stop(void **st)
{
    (void)st;
    box_destroy(&box);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_shown_in_pushes_and_in_the_history),
        cmocka_unit_test(what_is_sent_again_or_is_stale_is_not_delivered),
        cmocka_unit_test(session_and_whitelist_narrow_a_disconnect),
        cmocka_unit_test(a_backend_subscribes_connections_with_terms),
        cmocka_unit_test(a_subscription_may_hide_its_client),
        cmocka_unit_test(a_refresh_that_has_expired_closes),
        cmocka_unit_test(a_status_tells_when_a_user_was_active_and_online),
        cmocka_unit_test(a_backend_revokes_tokens_and_blocks_users),
        cmocka_unit_test(the_payloads_of_the_official_clients_work),
        cmocka_unit_test(each_method_answers_bad_and_hostile_input),
    };

    return cmocka_run_group_tests_name("broker_api_methods", tests, start,
                                       stop);
}
