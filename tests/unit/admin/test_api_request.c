/* SPDX-License-Identifier: Apache-2.0 */
/* test_api_request.c - bodies of the server API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "api_command.h"
#include "api_request.h"
#include "code.h"
#include "tags.h"

struct fixture {
    struct pl_arena arena;
    char text[4096];
    struct pl_api_request r;
    struct pl_api_fault fault;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    pl_arena_fini(&((struct fixture *)*state)->arena);
    return 0;
}

/* Reading may change the text, so it gets a copy. */
static struct pl_span copy(struct fixture *f, const char *text)
{
    snprintf(f->text, sizeof f->text, "%s", text);
    return pl_span_of(f->text);
}

static uint32_t read_as(struct fixture *f, enum pl_api_method method,
                        const char *text)
{
    return pl_api_request_read(&f->r, method, copy(f, text), false, &f->arena,
                               &f->fault);
}

static void assert_span(struct pl_span s, const char *text)
{
    assert_non_null(s.at);
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.at, text, s.len);
}

static void bits_after_the_last_byte_of_base64_must_be_zero(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        pl_api_request_read(&f->r, PL_API_PUBLISH,
                            copy(f, "{\"channel\":\"c\",\"b64data\":\"QQ==\"}"),
                            true, &f->arena, &f->fault),
        0);
    assert_span(f->r.data, "A");
    assert_int_equal(
        pl_api_request_read(&f->r, PL_API_PUBLISH,
                            copy(f, "{\"channel\":\"c\",\"b64data\":\"QR==\"}"),
                            true, &f->arena, &f->fault),
        PL_ERROR_BAD_REQUEST);
}

static void a_list_named_again_takes_no_more_memory(void **state)
{
    struct fixture *f = *state;
    char body[2048] = "{\"data\":1";

    for (size_t len = strlen(body); len < sizeof body - 32; len = strlen(body))
        strcpy(body + len, ",\"channels\":[\"a\"]");
    strcat(body, "}");
    assert_int_equal(read_as(f, PL_API_BROADCAST, body), 0);
    assert_int_equal(f->r.channel_count, 1);
    assert_true(f->arena.used <= PL_API_CHANNELS_MAX * sizeof(struct pl_span));
}

static void an_idempotency_key_is_read(void **state)
{
    struct fixture *f = *state;
    char body[512];

    assert_int_equal(
        read_as(f, PL_API_PUBLISH,
                "{\"channel\":\"c\",\"data\":1,\"idempotency_key\":\"k\"}"),
        0);
    assert_span(f->r.terms.id, "k");
    for (int len = 255; len <= 256; len++) {
        snprintf(body, sizeof body,
                 "{\"channels\":[\"c\"],\"data\":1,"
                 "\"idempotency_key\":\"%0*d\"}",
                 len, 0);
        assert_int_equal(read_as(f, PL_API_BROADCAST, body),
                         len == 255 ? 0 : PL_ERROR_BAD_REQUEST);
    }
    assert_int_equal(read_as(f, PL_API_HISTORY,
                             "{\"channel\":\"c\",\"idempotency_key\":\"k\"}"),
                     PL_ERROR_NOT_AVAILABLE);
}

static void data_is_taken_byte_for_byte(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_as(f, PL_API_PUBLISH,
                             "{\"channel\":\"c\", \"data\": { \"a\" : 1.50, "
                             "\"b\":\"\\u00e4\"}, \"x\":[1]}"),
                     0);
    assert_span(f->r.channel, "c");
    assert_span(f->r.data, "{ \"a\" : 1.50, \"b\":\"\\u00e4\"}");
    assert_true(f->r.is_json);
}

static void what_is_missing_or_of_another_type_is_107(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum pl_api_method method;
        const char *text;
    } bad[] = {
        {PL_API_PUBLISH, ""},
        {PL_API_PUBLISH, "{}"},
        {PL_API_PUBLISH, "[]"},
        {PL_API_PUBLISH, "{\"data\":1}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\"}"},
        {PL_API_PUBLISH, "{\"channel\":\"\",\"data\":1}"},
        {PL_API_PUBLISH, "{\"channel\":7,\"data\":1}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1} x"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1"},
        {PL_API_PUBLISH, "{\"channel\":\"c\\u0000\",\"data\":1}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"b64data\":\"a\"}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"b64data\":\"a*==\"}"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"b64data\":\"//8=\"}"},
        {PL_API_BROADCAST, "{\"data\":1}"},
        {PL_API_BROADCAST, "{\"channels\":[],\"data\":1}"},
        {PL_API_BROADCAST, "{\"channels\":[\"a\",1],\"data\":1}"},
        {PL_API_BROADCAST, "{\"channels\":\"a\",\"data\":1}"},
        {PL_API_PRESENCE, "{}"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"limit\":1.5}"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"limit\":-2}"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"since\":3}"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"reverse\":1}"},
        {PL_API_DISCONNECT, "{}"},
        {PL_API_DISCONNECT, "{\"user\":\"u\",\"disconnect\":{\"code\":12}}"},
        {PL_API_UNSUBSCRIBE, "{\"user\":\"u\"}"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_as(f, bad[i].method, bad[i].text),
                         PL_ERROR_BAD_REQUEST);
}

static void inboxes_are_channels_for_a_backend(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        read_as(f, PL_API_PUBLISH, "{\"channel\":\"#ada\",\"data\":1}"), 0);
}

static void base64_may_carry_bytes_only_where_they_are_allowed(void **state)
{
    struct fixture *f = *state;
    static const char bytes[] = "{\"channel\":\"c\",\"b64data\":\"//8A\"}";

    assert_int_equal(read_as(f, PL_API_PUBLISH, bytes), PL_ERROR_BAD_REQUEST);
    assert_int_equal(pl_api_request_read(&f->r, PL_API_PUBLISH, copy(f, bytes),
                                         true, &f->arena, &f->fault),
                     0);
    assert_int_equal(f->r.data.len, 3);
    assert_memory_equal(f->r.data.at, "\xff\xff\0", 3);
    assert_false(f->r.is_json);
    /* JSON in base64 is JSON. */
    assert_int_equal(
        read_as(f, PL_API_PUBLISH,
                "{\"channel\":\"c\",\"b64data\":\"eyJhIjoxfQ==\"}"),
        0);
    assert_span(f->r.data, "{\"a\":1}");
    assert_true(f->r.is_json);
}

static void what_parley_does_not_do_is_108_and_not_ignored(void **state)
{
    struct fixture *f = *state;
    static const char *const asks[] = {"\"delta\":true", "\"session\":\"s\"",
                                       "\"user\":\"u\"", "\"tf\":[\"a\"]"};
    static const char *const harmless[] = {
        "\"skip_history\":false", "\"tags\":{}",
        "\"tags\":null",          "\"idempotency_key\":\"\"",
        "\"version\":0",          "\"tags\":{ }",
        "\"session\":\"\"",       "\"user\":\"\"",
        "\"whitelist\":[]",       "\"later\":[1]"};
    char text[256];

    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        snprintf(text, sizeof text, "{\"channel\":\"c\",\"data\":1,%s}",
                 asks[i]);
        assert_int_equal(read_as(f, PL_API_PUBLISH, text),
                         PL_ERROR_NOT_AVAILABLE);
    }
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        snprintf(text, sizeof text, "{\"channel\":\"c\",\"data\":1,%s}",
                 harmless[i]);
        assert_int_equal(read_as(f, PL_API_PUBLISH, text), 0);
    }
}

static void a_publication_may_have_terms_and_tags(void **state)
{
    struct fixture *f = *state;
    struct pl_span key = {0}, value = {0};

    assert_int_equal(
        read_as(f, PL_API_PUBLISH,
                "{\"channel\":\"c\",\"data\":1,\"skip_history\":true,"
                "\"version\":18446744073709551615,\"version_epoch\":\"e\","
                "\"tags\":{ \"a\" : \"\\u00e4\" ,\"\":\"\"}}"),
        0);
    assert_true(f->r.terms.skips_history);
    assert_true(f->r.terms.version == UINT64_MAX);
    assert_span(f->r.terms.version_epoch, "e");
    struct pl_span tags = f->r.tags;
    assert_true(pl_tags_next(&tags, &key, &value));
    assert_span(key, "a");
    assert_span(value, "\xc3\xa4");
    assert_true(pl_tags_next(&tags, &key, &value));
    assert_int_equal(key.len + value.len, 0);
    assert_false(pl_tags_next(&tags, &key, &value));
    assert_int_equal(
        read_as(f, PL_API_BROADCAST,
                "{\"channels\":[\"c\"],\"data\":1,\"tags\":{\"a\":\"b\"}}"),
        0);
    assert_int_equal(f->r.tags.len, 10);
}

static void tags_are_texts_by_name(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"[]",
                                      "\"a\"",
                                      "7",
                                      "{\"a\":1}",
                                      "{\"a\":null}",
                                      "{\"a\":{}}",
                                      "{\"a\":\"b\",\"a\":\"c\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\"}"};
    char text[4000];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text,
                 "{\"channel\":\"c\",\"data\":1,\"tags\":%s}", bad[i]);
        assert_int_equal(read_as(f, PL_API_PUBLISH, text),
                         PL_ERROR_BAD_REQUEST);
        assert_true(f->fault.is_malformed);
    }
    for (int count = 256; count <= 257; count++) {
        size_t len = (size_t)snprintf(
            text, sizeof text, "{\"channel\":\"c\",\"data\":1,\"tags\":{");
        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len,
                                    "%s\"%03d\":\"\"", i > 0 ? "," : "", i);
        snprintf(text + len, sizeof text - len, "}}");
        assert_int_equal(read_as(f, PL_API_PUBLISH, text),
                         count == 256 ? 0 : PL_ERROR_BAD_REQUEST);
    }
}

/* What narrows a request would widen it if it were ignored. */
static void a_member_that_narrows_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum pl_api_method method;
        const char *text, *member;
    } narrow[] = {
        {PL_API_DISCONNECT, "{\"user\":\"u\",\"channel\":\"c\"}", "channel"},
        {PL_API_DISCONNECT, "{\"user\":\"u\",\"label_filter\":{\"a\":\"b\"}}",
         "label_filter"},
        {PL_API_UNSUBSCRIBE,
         "{\"user\":\"u\",\"channel\":\"c\",\"whitelist\":[\"a\"]}",
         "whitelist"},
        {PL_API_HISTORY_REMOVE, "{\"channel\":\"c\",\"since\":{\"offset\":3}}",
         "since"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"version\":3}", "version"},
    };

    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        assert_int_equal(read_as(f, narrow[i].method, narrow[i].text),
                         PL_ERROR_NOT_AVAILABLE);
        assert_string_equal(f->fault.member, narrow[i].member);
        assert_false(f->fault.is_malformed);
    }
}

static void assert_says(const struct fixture *f, const char *text)
{
    struct pl_buf b = {0};

    pl_api_fault_write(&b, &f->fault);
    assert_span(pl_buf_span(&b), text);
    pl_buf_fini(&b);
}

static void an_error_says_which_member_why_and_where(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum pl_api_method method;
        const char *text, *message;
    } bad[] = {
        {PL_API_PUBLISH, "{\"data\":1}", "bad request: channel: it is missing"},
        {PL_API_PUBLISH, "{\"channel\":7,\"data\":1}",
         "bad request: channel: a string is expected at byte 11"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":{\"a\":}}",
         "bad request: data: not a JSON value at byte 27"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1} x",
         "bad request: something follows at byte 25"},
        {PL_API_HISTORY, "{\"channel\":\"c\",\"limit\":1.5}",
         "bad request: limit: an integer is expected at byte 24"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1,\"tags\":{\"a\":true}}",
         "bad request: tags: a string is expected at byte 36"},
        {PL_API_PUBLISH, "{\"channel\":\"c\",\"data\":1,\"delta\":true}",
         "not available: delta: not supported"},
        {PL_API_INFO, "[1]", "bad request: an object is expected at byte 0"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_not_equal(read_as(f, bad[i].method, bad[i].text), 0);
        assert_says(f, bad[i].message);
    }
}

static void text_that_is_not_json_is_malformed_and_not_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        read_as(f, PL_API_DISCONNECT, "{\"session\":\"s\",\"user\":\"u\""),
        PL_ERROR_BAD_REQUEST);
    assert_true(f->fault.is_malformed);
    assert_null(f->fault.member);
    assert_int_equal(read_as(f, PL_API_DISCONNECT, "{}"), PL_ERROR_BAD_REQUEST);
    assert_false(f->fault.is_malformed);
}

static void more_channels_than_fit_are_refused_without_being_kept(void **state)
{
    struct fixture *f = *state;
    static char body[PL_API_CHANNELS_MAX * 4 + 64];
    size_t len = (size_t)sprintf(body, "{\"data\":1,\"channels\":[");

    for (int i = 0; i <= PL_API_CHANNELS_MAX; i++)
        len += (size_t)sprintf(body + len, "%s\"a\"", i == 0 ? "" : ",");
    sprintf(body + len, "]}");
    assert_int_equal(pl_api_request_read(&f->r, PL_API_BROADCAST,
                                         pl_span_of(body), false, &f->arena,
                                         &f->fault),
                     PL_ERROR_BAD_REQUEST);
    assert_false(f->fault.is_malformed);
    assert_string_equal(f->fault.member, "channels");
}

static void of_data_and_b64data_the_second_counts_in_any_order(void **state)
{
    struct fixture *f = *state;
    static const char *const both[] = {
        "{\"channel\":\"c\",\"b64data\":\"MQ==\",\"data\":2}",
        "{\"channel\":\"c\",\"data\":2,\"b64data\":\"MQ==\"}"};

    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_as(f, PL_API_PUBLISH, both[i]), 0);
        assert_span(f->r.data, "1");
        assert_true(f->r.is_json);
    }
}

static void history_and_disconnect_have_their_details(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        read_as(f, PL_API_HISTORY,
                "{\"channel\":\"c\",\"limit\":-1,\"reverse\":true,\"since\":"
                "{\"offset\":18446744073709551615,\"epoch\":\"e\"}}"),
        0);
    assert_int_equal(f->r.limit, -1);
    assert_true(f->r.has_since && f->r.reverse);
    assert_true(f->r.offset == UINT64_MAX);
    assert_span(f->r.epoch, "e");
    assert_int_equal(
        read_as(f, PL_API_DISCONNECT,
                "{\"user\":\"\",\"client\":\"id\",\"whitelist\":[\"me\","
                "\"you\"],\"session\":\"s\","
                "\"disconnect\":{\"code\":3456,\"reason\":\"bye\"}}"),
        0);
    assert_int_equal(f->r.code, 3456);
    assert_span(f->r.reason, "bye");
    assert_int_equal(f->r.except.len, 7);
    assert_memory_equal(f->r.except.at, "me\0you", 7);
    assert_span(f->r.session, "s");
    assert_non_null(f->r.user.at); /* "" is the anonymous user */
}

static void users_of_a_status_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct pl_buf body = {0};

    for (unsigned n = PL_API_USERS_MAX; n <= PL_API_USERS_MAX + 1; n++) {
        body.len = 0;
        pl_buf_printf(&body, "{\"users\":[\"u\"");
        for (unsigned i = 1; i < n; i++)
            pl_buf_printf(&body, ",\"u\"");
        pl_buf_printf(&body, "]}%c", 0);
        assert_int_equal(
            pl_api_request_read(&f->r, PL_API_GET_USER_STATUS,
                                (struct pl_span){body.data, body.len - 1},
                                false, &f->arena, &f->fault),
            n == PL_API_USERS_MAX ? 0 : PL_ERROR_BAD_REQUEST);
    }
    pl_buf_fini(&body);
}

static void commands_come_after_one_another_or_in_a_batch(void **state)
{
    struct fixture *f = *state;
    struct pl_api_command *c;
    size_t count;
    bool parallel = false;

    assert_int_equal(
        pl_api_commands_read(
            &c, &count, &parallel, false,
            copy(f, "{\"method\":\"info\",\"id\":7}\n{\"params\":{\"a"
                    "\":[]},\"method\":\"nothing\"}"),
            &f->arena, &f->fault),
        0);
    assert_int_equal(count, 2);
    assert_int_equal(c[0].method, PL_API_INFO);
    assert_null(c[0].params.at);
    assert_int_equal(c[0].id, 7);
    assert_int_equal(c[1].method, PL_API_METHOD_COUNT);
    assert_span(c[1].params, "{\"a\":[]}");
    assert_int_equal(
        pl_api_commands_read(
            &c, &count, &parallel, true,
            copy(f, "{\"parallel\":true,\"commands\":[{\"publish\":{}}]}"),
            &f->arena, &f->fault),
        0);
    assert_int_equal(count, 1);
    assert_true(parallel);
    assert_int_equal(c[0].method, PL_API_PUBLISH);
    assert_int_equal(pl_api_commands_read(&c, &count, &parallel, true,
                                          copy(f, "{\"commands\":[]}"),
                                          &f->arena, &f->fault),
                     PL_ERROR_BAD_REQUEST);
    assert_int_equal(pl_api_commands_read(&c, &count, &parallel, false,
                                          copy(f, "  "), &f->arena, &f->fault),
                     PL_ERROR_BAD_REQUEST);
}

#define WITH_FIXTURE(test)                                                     \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(an_idempotency_key_is_read),
        WITH_FIXTURE(data_is_taken_byte_for_byte),
        WITH_FIXTURE(bits_after_the_last_byte_of_base64_must_be_zero),
        WITH_FIXTURE(a_list_named_again_takes_no_more_memory),
        WITH_FIXTURE(what_is_missing_or_of_another_type_is_107),
        WITH_FIXTURE(inboxes_are_channels_for_a_backend),
        WITH_FIXTURE(base64_may_carry_bytes_only_where_they_are_allowed),
        WITH_FIXTURE(a_publication_may_have_terms_and_tags),
        WITH_FIXTURE(tags_are_texts_by_name),
        WITH_FIXTURE(what_parley_does_not_do_is_108_and_not_ignored),
        WITH_FIXTURE(a_member_that_narrows_is_refused_by_name),
        WITH_FIXTURE(an_error_says_which_member_why_and_where),
        WITH_FIXTURE(text_that_is_not_json_is_malformed_and_not_refused),
        WITH_FIXTURE(more_channels_than_fit_are_refused_without_being_kept),
        WITH_FIXTURE(of_data_and_b64data_the_second_counts_in_any_order),
        WITH_FIXTURE(history_and_disconnect_have_their_details),
        WITH_FIXTURE(users_of_a_status_are_bounded),
        WITH_FIXTURE(commands_come_after_one_another_or_in_a_batch),
    };

    return cmocka_run_group_tests_name("api_request", tests, NULL, NULL);
}
