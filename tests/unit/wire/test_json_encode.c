/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_encode.c - replies and pushes to JSON, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec.h"

static void check(struct pl_buf *b, const char *text)
{
    pl_buf_put_byte(b, '\0');
    assert_false(b->failed);
    assert_string_equal(b->data, text);
    b->len--;
    assert_true(pl_json_accepts(pl_buf_span(b)));
    pl_buf_fini(b);
}

static void reply_is(const struct pl_reply *reply, const char *text)
{
    struct pl_buf b = {0};

    pl_reply_encode(PL_ENCODING_JSON, &b, reply);
    check(&b, text);
}

static void push_is(const struct pl_push *push, const char *text)
{
    struct pl_buf b = {0};

    pl_push_encode(PL_ENCODING_JSON, &b, push);
    check(&b, text);
}

#define T(text) PL_SPAN(text)

static void a_ping_is_an_empty_object(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ping_encode(PL_ENCODING_JSON, &b);
    check(&b, "{}");
}

static void the_connect_reply_is_as_recorded(void **state)
{
    struct pl_connect_sub sub = {T("#42"),
                                 {.recoverable = true,
                                  .epoch = T("kQwe"),
                                  .offset = 7,
                                  .positioned = true}};
    struct pl_reply r = {.id = 1,
                         .kind = PL_REPLY_CONNECT,
                         .connect = {.client = T("9ac9..."),
                                     .version = T("parley 1.0"),
                                     .ping = 25,
                                     .pong = true}};

    (void)state;
    reply_is(&r, "{\"id\":1,\"connect\":{\"client\":\"9ac9...\",\"version\":"
                 "\"parley 1.0\",\"ping\":25,\"pong\":true}}");
    r.connect.subs = &sub;
    r.connect.sub_count = 1;
    reply_is(&r, "{\"id\":1,\"connect\":{\"client\":\"9ac9...\",\"version\":"
                 "\"parley 1.0\",\"ping\":25,\"pong\":true,\"subs\":{\"#42\":{"
                 "\"recoverable\":true,\"epoch\":\"kQwe\",\"offset\":7,"
                 "\"positioned\":true}}}}");
    r.connect = (struct pl_connect_result){
        .expires = true, .ttl = 60, .data = T("[1]")};
    reply_is(&r, "{\"id\":1,\"connect\":{\"expires\":true,\"ttl\":60,\"data\":"
                 "[1]}}");
}

static void the_subscribe_replies_are_as_recorded(void **state)
{
    struct pl_publication missed = {.data = T("{\"t\":\"b\"}"), .offset = 43};
    struct pl_reply r = {.id = 2,
                         .kind = PL_REPLY_SUBSCRIBE,
                         .subscribe = {.recoverable = true,
                                       .epoch = T("Xabc"),
                                       .offset = 41,
                                       .positioned = true}};

    (void)state;
    reply_is(&r, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                 "\"Xabc\",\"offset\":41,\"positioned\":true}}");
    r.subscribe.offset = 0;
    reply_is(&r, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                 "\"Xabc\",\"positioned\":true}}");
    r.subscribe.offset = 42;
    r.subscribe.was_recovering = r.subscribe.recovered = true;
    r.subscribe.publications = &missed;
    r.subscribe.publication_count = 1;
    reply_is(&r, "{\"id\":2,\"subscribe\":{\"recoverable\":true,\"epoch\":"
                 "\"Xabc\",\"offset\":42,\"positioned\":true,"
                 "\"was_recovering\":true,\"recovered\":true,\"publications\":"
                 "[{\"data\":{\"t\":\"b\"},\"offset\":43}]}}");
    r.subscribe = (struct pl_subscribe_result){0};
    reply_is(&r, "{\"id\":2,\"subscribe\":{}}");
    r.subscribe =
        (struct pl_subscribe_result){.expires = true, .ttl = 5, .data = T("0")};
    reply_is(&r, "{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":5,"
                 "\"data\":0}}");
}

static void an_empty_result_is_there_all_the_same(void **state)
{
    struct pl_reply r = {.id = 3, .kind = PL_REPLY_PUBLISH};

    (void)state;
    reply_is(&r, "{\"id\":3,\"publish\":{}}");
    r.kind = PL_REPLY_UNSUBSCRIBE;
    reply_is(&r, "{\"id\":3,\"unsubscribe\":{}}");
    r.kind = PL_REPLY_RPC;
    reply_is(&r, "{\"id\":3,\"rpc\":{}}");
    r.kind = PL_REPLY_REFRESH;
    reply_is(&r, "{\"id\":3,\"refresh\":{}}");
    r.kind = PL_REPLY_SUB_REFRESH;
    reply_is(&r, "{\"id\":3,\"sub_refresh\":{}}");
}

static void an_error_tells_code_message_and_whether_to_try_again(void **state)
{
    struct pl_reply r = {.id = 9,
                         .kind = PL_REPLY_ERROR,
                         .error = {.code = 109, .message = T("token expired")}};

    (void)state;
    reply_is(&r, "{\"id\":9,\"error\":{\"code\":109,\"message\":"
                 "\"token expired\"}}");
    r.error.code = 100;
    r.error.message = T("internal server error");
    r.error.temporary = true;
    reply_is(&r, "{\"id\":9,\"error\":{\"code\":100,\"message\":"
                 "\"internal server error\",\"temporary\":true}}");
}

static void rpc_carries_the_payload_as_it_is(void **state)
{
    struct pl_reply r = {
        .id = 3, .kind = PL_REPLY_RPC, .rpc = T("{\"user\":\"42\"}")};

    (void)state;
    reply_is(&r, "{\"id\":3,\"rpc\":{\"data\":{\"user\":\"42\"}}}");
}

static void what_sdks_read_unasked_is_written_even_when_zero(void **state)
{
    struct pl_reply r = {.id = 4, .kind = PL_REPLY_PRESENCE};

    (void)state;
    reply_is(&r, "{\"id\":4,\"presence\":{\"presence\":{}}}");
    r.kind = PL_REPLY_PRESENCE_STATS;
    reply_is(&r, "{\"id\":4,\"presence_stats\":{\"num_clients\":0,"
                 "\"num_users\":0}}");
    r.kind = PL_REPLY_HISTORY;
    reply_is(&r, "{\"id\":4,\"history\":{\"publications\":[],\"epoch\":\"\","
                 "\"offset\":0}}");
}

static void presence_and_history_are_as_recorded(void **state)
{
    struct pl_client_info clients[] = {{.client = T("u1")},
                                       {.client = T("u2"),
                                        .user = T("7"),
                                        .conn_info = T("{\"n\":1}"),
                                        .chan_info = T("[]")}};
    struct pl_publication pubs[] = {
        {.data = T("1"), .info = &clients[0], .offset = 1},
        {.data = T("2"),
         .offset = 2,
         .tags = T("\1\0\0\0\2\0\0\0"
                   "k"
                   "\"v"
                   "\1\0\0\0\0\0\0\0"
                   "e")}};
    struct pl_reply r = {
        .id = 4, .kind = PL_REPLY_PRESENCE, .presence = {clients, 2}};

    (void)state;
    reply_is(&r, "{\"id\":4,\"presence\":{\"presence\":{\"u1\":{\"user\":\"\","
                 "\"client\":\"u1\"},\"u2\":{\"user\":\"7\",\"client\":\"u2\","
                 "\"conn_info\":{\"n\":1},\"chan_info\":[]}}}}");
    r.kind = PL_REPLY_PRESENCE_STATS;
    r.presence_stats.clients = 1;
    r.presence_stats.users = 1;
    reply_is(&r, "{\"id\":4,\"presence_stats\":{\"num_clients\":1,"
                 "\"num_users\":1}}");
    r.kind = PL_REPLY_HISTORY;
    r.history = (struct pl_history_result){pubs, 2, T("eUvt"), 2};
    reply_is(&r,
             "{\"id\":4,\"history\":{\"publications\":[{\"data\":1,"
             "\"info\":{\"user\":\"\",\"client\":\"u1\"},\"offset\":1},"
             "{\"data\":2,\"tags\":{\"k\":\"\\\"v\",\"e\":\"\"},\"offset\":2}],"
             "\"epoch\":\"eUvt\",\"offset\":2}}");
}

static void refresh_results_tell_when_to_come_again(void **state)
{
    struct pl_reply r = {
        .id = 5,
        .kind = PL_REPLY_REFRESH,
        .refresh = {
            .client = T("c"), .version = T("v"), .expires = true, .ttl = 60}};

    (void)state;
    reply_is(&r, "{\"id\":5,\"refresh\":{\"client\":\"c\",\"version\":\"v\","
                 "\"expires\":true,\"ttl\":60}}");
    r.kind = PL_REPLY_SUB_REFRESH;
    r.sub_refresh.expires = true;
    r.sub_refresh.ttl = 61;
    reply_is(&r, "{\"id\":5,\"sub_refresh\":{\"expires\":true,\"ttl\":61}}");
}

static void a_publication_push_is_as_recorded(void **state)
{
    struct pl_client_info info = {.client = T("9ac9")};
    struct pl_push p = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = T("test"),
        .publication = {.data = T("{\"a\":1}"), .info = &info, .offset = 1}};

    (void)state;
    push_is(&p, "{\"push\":{\"channel\":\"test\",\"pub\":{\"data\":{\"a\":1},"
                "\"info\":{\"user\":\"\",\"client\":\"9ac9\"},\"offset\":1}}}");
    p.publication.info = NULL;
    p.publication.offset = UINT64_MAX;
    push_is(&p, "{\"push\":{\"channel\":\"test\",\"pub\":{\"data\":{\"a\":1},"
                "\"offset\":18446744073709551615}}}");
    p.publication = (struct pl_publication){.data = T("0")};
    push_is(&p, "{\"push\":{\"channel\":\"test\",\"pub\":{\"data\":0}}}");
}

static void the_other_pushes_have_their_fields(void **state)
{
    struct pl_push p = {.kind = PL_PUSH_JOIN,
                        .channel = T("c"),
                        .client = {.user = T("7"), .client = T("x")}};

    (void)state;
    push_is(&p, "{\"push\":{\"channel\":\"c\",\"join\":{\"info\":{\"user\":"
                "\"7\",\"client\":\"x\"}}}}");
    p.kind = PL_PUSH_LEAVE;
    push_is(&p, "{\"push\":{\"channel\":\"c\",\"leave\":{\"info\":{\"user\":"
                "\"7\",\"client\":\"x\"}}}}");
    p.kind = PL_PUSH_UNSUBSCRIBE;
    p.unsubscribe.code = 2500;
    p.unsubscribe.reason = T("insufficient state");
    push_is(&p, "{\"push\":{\"channel\":\"c\",\"unsubscribe\":{\"code\":2500,"
                "\"reason\":\"insufficient state\"}}}");
    p.kind = PL_PUSH_SUBSCRIBE;
    p.subscribe = (struct pl_subscribe_result){.recoverable = true,
                                               .epoch = T("e"),
                                               .offset = 3,
                                               .positioned = true,
                                               .data = T("{}"),
                                               .recovered = true};
    push_is(&p, "{\"push\":{\"channel\":\"c\",\"subscribe\":{\"recoverable\":"
                "true,\"epoch\":\"e\",\"offset\":3,\"positioned\":true,"
                "\"data\":{}}}}");
    p = (struct pl_push){.kind = PL_PUSH_MESSAGE, .data = T("{\"m\":1}")};
    push_is(&p, "{\"push\":{\"message\":{\"data\":{\"m\":1}}}}");
}

static void names_are_escaped_wherever_they_stand(void **state)
{
    struct pl_client_info who = {.user = T("\\\xc3\xa9\x7f"),
                                 .client = T("a\"b")};
    struct pl_push p = {.kind = PL_PUSH_PUBLICATION,
                        .channel = T("\"\\/\n\r\t\b\x1f long enough \x01"),
                        .publication = {.info = &who}};
    struct pl_reply r = {
        .id = 1, .kind = PL_REPLY_PRESENCE, .presence = {&who, 1}};

    (void)state;
    push_is(&p, "{\"push\":{\"channel\":\"\\\"\\\\/\\n\\r\\t\\u0008\\u001f"
                " long enough \\u0001\",\"pub\":{\"info\":{\"user\":"
                "\"\\\\\xc3\xa9\x7f\",\"client\":\"a\\\"b\"}}}}");
    reply_is(&r, "{\"id\":1,\"presence\":{\"presence\":{\"a\\\"b\":{\"user\":"
                 "\"\\\\\xc3\xa9\x7f\",\"client\":\"a\\\"b\"}}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_an_empty_object),
        cmocka_unit_test(the_connect_reply_is_as_recorded),
        cmocka_unit_test(the_subscribe_replies_are_as_recorded),
        cmocka_unit_test(an_empty_result_is_there_all_the_same),
        cmocka_unit_test(an_error_tells_code_message_and_whether_to_try_again),
        cmocka_unit_test(rpc_carries_the_payload_as_it_is),
        cmocka_unit_test(what_sdks_read_unasked_is_written_even_when_zero),
        cmocka_unit_test(presence_and_history_are_as_recorded),
        cmocka_unit_test(refresh_results_tell_when_to_come_again),
        cmocka_unit_test(a_publication_push_is_as_recorded),
        cmocka_unit_test(the_other_pushes_have_their_fields),
        cmocka_unit_test(names_are_escaped_wherever_they_stand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
