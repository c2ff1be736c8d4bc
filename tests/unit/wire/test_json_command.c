/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_command.c - commands from JSON. */
#include "decoding.h"

#include <stdio.h>

/* The one command that `text` is; its spans live until the next call. */
static struct pl_command command(struct pl_span text)
{
    static struct decoding d;
    struct pl_command c;

    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_JSON, text);
    enum pl_err rc = decoding_next(&d, &c);
    if (rc != PL_OK)
        print_error("%.*s: %s at %zu\n", (int)text.len, text.at, d.why, d.at);
    assert_int_equal(rc, PL_OK);
    assert_int_equal(d.rest.len, 0);
    return c;
}
#define COMMAND(text) command(PL_SPAN(text))

/* What is wrong with the only or last command of `text`, and where. */
static void malformed(struct pl_span text, const char *why, size_t at)
{
    struct decoding d = decoding_of(PL_ENCODING_JSON, text);
    struct pl_command c;
    struct pl_span before;
    enum pl_err rc;

    do {
        before = d.rest;
        rc = decoding_next(&d, &c);
    } while (rc == PL_OK && d.rest.len > 0);
    if (rc == PL_OK)
        print_error("taken: %.*s\n", (int)text.len, text.at);
    assert_int_equal(rc, PL_EBADMSG);
    assert_string_equal(d.why, why);
    assert_int_equal(d.at, at);
    assert_int_equal(d.rest.len, before.len); /* nothing taken */
    decoding_fini(&d);
}
#define MALFORMED(text, why, at) malformed(PL_SPAN(text), why, at)

static void connect_carries_token_and_name(void **state)
{
    struct pl_command c =
        COMMAND("{\"id\":1,\"connect\":{\"token\":\"...\",\"name\":\"js\"}}");

    (void)state;
    assert_int_equal(c.id, 1);
    assert_int_equal(c.verb, PL_VERB_CONNECT);
    assert_span(c.connect.token, "...");
    assert_span(c.connect.name, "js");
    assert_null(c.connect.data.at);
    assert_int_equal(c.connect.sub_count, 0);
}

static void
connect_carries_the_positions_of_server_side_subscriptions(void **state)
{
    struct pl_command c = COMMAND(
        "{\"id\":1,\"connect\":{\"subs\":{\"b\":{\"recover\":true,\"offset\":7,"
        "\"epoch\":\"e\"},\"#42\":{},\"c\":null}}}");

    (void)state;
    assert_int_equal(c.connect.sub_count, 2);
    assert_span(c.connect.subs[0].channel, "b");
    assert_int_equal(c.connect.subs[0].offset, 7);
    assert_true(c.connect.subs[0].recover);
    assert_span(c.connect.subs[1].channel, "#42");
}

static void every_field_of_subscribe_is_read(void **state)
{
    struct pl_command c =
        COMMAND("{\"id\":2,\"subscribe\":{\"channel\":\"room:1\",\"token\":"
                "\"t\",\"recover\":true,\"epoch\":\"Xabc\",\"offset\":42,"
                "\"data\":[1],\"positioned\":true,\"recoverable\":true,"
                "\"join_leave\":true,\"flag\":-3}}");

    (void)state;
    assert_int_equal(c.verb, PL_VERB_SUBSCRIBE);
    assert_span(c.subscribe.channel, "room:1");
    assert_span(c.subscribe.token, "t");
    assert_span(c.subscribe.epoch, "Xabc");
    assert_span(c.subscribe.data, "[1]");
    assert_int_equal(c.subscribe.offset, 42);
    assert_true(c.subscribe.flag == -3);
    assert_true(c.subscribe.recover && c.subscribe.positioned);
    assert_true(c.subscribe.recoverable && c.subscribe.join_leave);
}

static void every_other_verb_is_read(void **state)
{
    struct pl_command c;

    (void)state;
    c = COMMAND("{\"id\":3,\"unsubscribe\":{\"channel\":\"u\"}}");
    assert_int_equal(c.verb, PL_VERB_UNSUBSCRIBE);
    assert_span(c.channel, "u");
    c = COMMAND("{\"id\":3,\"presence\":{\"channel\":\"p\"}}");
    assert_int_equal(c.verb, PL_VERB_PRESENCE);
    assert_span(c.channel, "p");
    c = COMMAND("{\"id\":3,\"presence_stats\":{\"channel\":\"s\"}}");
    assert_int_equal(c.verb, PL_VERB_PRESENCE_STATS);
    assert_span(c.channel, "s");
    c = COMMAND("{\"id\":3,\"publish\":{\"channel\":\"p\",\"data\":5}}");
    assert_int_equal(c.verb, PL_VERB_PUBLISH);
    assert_span(c.publish.data, "5");
    c = COMMAND("{\"id\":3,\"ping\":{}}");
    assert_int_equal(c.verb, PL_VERB_PING);
    c = COMMAND("{\"id\":3,\"rpc\":{\"method\":\"whoami\",\"data\":{}}}");
    assert_int_equal(c.verb, PL_VERB_RPC);
    assert_span(c.rpc.method, "whoami");
    assert_span(c.rpc.data, "{}");
    c = COMMAND("{\"id\":3,\"refresh\":{\"token\":\"r\"}}");
    assert_int_equal(c.verb, PL_VERB_REFRESH);
    assert_span(c.token, "r");
    c = COMMAND("{\"id\":3,\"sub_refresh\":{\"channel\":\"c\",\"token\":"
                "\"x\"}}");
    assert_int_equal(c.verb, PL_VERB_SUB_REFRESH);
    assert_span(c.sub_refresh.channel, "c");
    assert_span(c.sub_refresh.token, "x");
}

static void history_tells_whether_it_has_a_position(void **state)
{
    struct pl_command c;

    (void)state;
    c = COMMAND("{\"id\":3,\"history\":{\"channel\":\"h\",\"limit\":-1,"
                "\"reverse\":true}}");
    assert_int_equal(c.verb, PL_VERB_HISTORY);
    assert_span(c.history.channel, "h");
    assert_int_equal(c.history.limit, -1);
    assert_true(c.history.reverse);
    assert_false(c.history.has_since);
    c = COMMAND("{\"id\":3,\"history\":{\"channel\":\"h\",\"since\":"
                "{\"offset\":18446744073709551615,\"epoch\":\"e\"}}}");
    assert_true(c.history.has_since);
    assert_true(c.history.since_offset == UINT64_MAX);
    assert_span(c.history.since_epoch, "e");
    c = COMMAND("{\"id\":3,\"history\":{\"since\":{}}}");
    assert_true(c.history.has_since);
    c = COMMAND("{\"id\":3,\"history\":{\"since\":null}}");
    assert_false(c.history.has_since);
}

static void without_id_it_is_a_pong_unless_it_sends(void **state)
{
    struct pl_command c;

    (void)state;
    assert_int_equal(COMMAND("{}").verb, PL_VERB_PONG);
    assert_int_equal(COMMAND("{\"id\":0}").verb, PL_VERB_PONG);
    assert_int_equal(COMMAND("{\"x\":{},\"ping\":null}").verb, PL_VERB_PONG);
    MALFORMED("{\"connect\":{},\"x\":1}", "a request without an id", 20);
    MALFORMED("{\"id\":0,\"ping\":{}}", "a request without an id", 18);
    c = COMMAND("{\"send\":{\"data\":{\"a\":1}}}");
    assert_int_equal(c.verb, PL_VERB_SEND);
    assert_span(c.data, "{\"a\":1}");
}

static void an_id_without_a_known_request_is_no_verb(void **state)
{
    (void)state;
    assert_int_equal(COMMAND("{\"id\":5}").verb, PL_VERB_NONE);
    assert_int_equal(COMMAND("{\"id\":5,\"publish\":null}").verb, PL_VERB_NONE);
    assert_int_equal(COMMAND("{\"id\":5,\"new\":{\"a\":[1]}}").verb,
                     PL_VERB_NONE);
}

static void two_requests_in_a_command_are_malformed(void **state)
{
    static const char why[] = "a command has two requests";

    (void)state;
    MALFORMED("{\"rpc\":{\"method\":\"m\"},\"id\":1,\"subscribe\":{}}", why,
              41);
    MALFORMED("{\"id\":1,\"ping\":{},\"ping\":{}}", why, 25);
    MALFORMED("{\"send\":{},\"publish\":{}}", why, 21);
    assert_int_equal(COMMAND("{\"id\":1,\"rpc\":null,\"ping\":{}}").verb,
                     PL_VERB_PING);
}

static void unknown_keys_are_skipped_and_known_ones_come_once(void **state)
{
    static const char why[] = "a member is given twice";
    struct pl_command c =
        COMMAND("{\"new\":[{}],\"new\":1,\"id\":2,\"publish\":{\"tags\":{\"a\":"
                "\"b\"},\"tags\":0,\"channel\":\"y\",\"data\":1,"
                "\"data\":null}}");

    (void)state;
    assert_int_equal(c.id, 2);
    assert_span(c.publish.channel, "y");
    assert_span(c.publish.data, "1"); /* null is as if it were not there */
    MALFORMED("{\"id\":1,\"id\":1}", why, 13);
    MALFORMED("{\"id\":0,\"send\":{},\"id\":1}", why, 23);
    MALFORMED("{\"id\":1,\"rpc\":{\"data\":1,\"method\":\"m\",\"data\":2}}",
              why, 44);
    MALFORMED("{\"id\":1,\"publish\":{\"ch\\u0061nnel\":\"x\","
              "\"channel\":\"x\"}}",
              why, 48);
    MALFORMED("{\"id\":1,\"history\":{\"since\":{},\"since\":{}}}", why, 38);
    MALFORMED("{\"id\":1,\"history\":{\"since\":{\"offset\":1,\"offset\":1}}}",
              why, 48);
    MALFORMED("{\"id\":1,\"connect\":{\"subs\":{\"a\":{},\"b\":{},\"a\":{}}}}",
              "a channel is given twice", 48);
}

/* The default is as if it were not there, as some SDKs write it. */
static void what_is_refused_is_noted_by_name(void **state)
{
    static const char *const fields[][2] = {
        {"subscribe", "tf"},     {"subscribe", "type"},  {"subscribe", "phase"},
        {"subscribe", "cursor"}, {"subscribe", "limit"}, {"subscribe", "asc"},
        {"publish", "type"},     {"publish", "key"},     {"publish", "removed"},
    };
    static const char *const values[] = {"1",     "-1", "true",
                                         "\"x\"", "{}", "{\"nodes\":[1]}"};
    static const char *const defaults[] = {"0", "false", "\"\"", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        for (size_t k = 0; k < 10; k++) {
            struct pl_buf b = {0};

            pl_buf_printf(&b, "{\"id\":1,\"%s\":{\"channel\":\"c\",\"%s\":%s}}",
                          fields[i][0], fields[i][1],
                          k < 6 ? values[k] : defaults[k - 6]);
            struct pl_command c = command(pl_buf_span(&b));
            const char *name =
                i < 6 ? c.subscribe.unsupported : c.publish.unsupported;
            if (k < 6)
                assert_string_equal(name, fields[i][1]);
            else
                assert_null(name);
            pl_buf_fini(&b);
        }
    }
}

static void strings_and_keys_may_hold_escapes(void **state)
{
    struct pl_command c =
        COMMAND("{\"\\u0069d\":1,\"publish\":{\"ch\\u0061nnel\":\"a\\n\\\"\\u00"
                "e9\\u20ac\\ud83d\\uDE00/\\/\\b\\f\\r\\t\",\"data\":\"\\n\"}}");

    (void)state;
    assert_int_equal(c.verb, PL_VERB_PUBLISH);
    assert_span(c.publish.channel,
                "a\n\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80//\b\f\r\t");
    assert_span(c.publish.data, "\"\\n\""); /* as it stood */
}

static void a_name_may_not_hold_a_zero_or_half_a_pair(void **state)
{
    static const char why[] = "zero or half a pair in a string";

    (void)state;
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\u0000\"}}", why, 35);
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\ud800\"}}", why, 35);
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\ud800\\n\"}}", why, 37);
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\ud800\\ud800\"}}", why, 41);
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\ud800\\ue000\"}}", why, 41);
    MALFORMED("{\"id\":1,\"refresh\":{\"token\":\"\\udc00\"}}", why, 35);
}

static void a_payload_is_passed_on_byte_for_byte(void **state)
{
    (void)state;
    assert_span(COMMAND("{\"id\":1,\"publish\":{\"data\": { \"b\" :1.50e1,"
                        "\"a\":\"\\ud800\",\"b\":\t2 } }}")
                    .publish.data,
                "{ \"b\" :1.50e1,\"a\":\"\\ud800\",\"b\":\t2 }");
}

static void raw_newlines_in_a_payload_become_spaces(void **state)
{
    (void)state;
    assert_span(
        COMMAND("{\"id\":1,\"publish\":{\"data\":{\r\n\"a\":\n1\r}\n}}\n")
            .publish.data,
        "{  \"a\": 1 }");
}

static void commands_are_separated_by_one_newline(void **state)
{
    struct decoding d = decoding_of(
        PL_ENCODING_JSON, PL_SPAN("{\"id\":1,\"ping\":{}}\n{}\r\n {\"id\":2}"));
    struct pl_command c;

    (void)state;
    assert_int_equal(decoding_next(&d, &c), PL_OK);
    assert_int_equal(c.id, 1);
    assert_int_equal(decoding_next(&d, &c), PL_OK);
    assert_int_equal(c.verb, PL_VERB_PONG);
    assert_int_equal(decoding_next(&d, &c), PL_OK);
    assert_int_equal(c.id, 2);
    assert_int_equal(d.rest.len, 0);
    decoding_fini(&d);
    assert_int_equal(COMMAND("{}\n").verb, PL_VERB_PONG);
}

static void a_message_needs_a_command_in_each_line(void **state)
{
    static const char after[] = "a newline is expected behind a command";

    (void)state;
    MALFORMED("", "no command", 0);
    MALFORMED(" ", "no command", 1);
    MALFORMED("\n", "a command is an object", 0);
    MALFORMED("{}\n\n", "a command is an object", 0);
    MALFORMED("{}\n\n{}", "a command is an object", 0);
    MALFORMED("{}\n ", "no command", 1);
    MALFORMED("{}{}", after, 2);
    MALFORMED("{} x", after, 3);
    MALFORMED("{},{}", after, 2);
}

static void only_an_object_is_a_command(void **state)
{
    static const char why[] = "a command is an object";

    (void)state;
    MALFORMED("null", why, 0);
    MALFORMED("[]", why, 0);
    MALFORMED("1", why, 0);
    MALFORMED("\"{}\"", why, 0);
    MALFORMED("[{}]", why, 0);
    MALFORMED("{", "a key is missing", 1);
    MALFORMED("{\"id\":1", "a comma or a bracket is missing", 7);
    MALFORMED("{\"id\":1,}", "a key is missing", 8);
    MALFORMED("{\"id\" 1}", "a colon is missing", 6);
    MALFORMED("{\"x\":}", "not a JSON value", 5);
    MALFORMED("{\"x\":", "a value is missing", 5);
}

static void a_known_field_must_have_its_type(void **state)
{
    (void)state;
    MALFORMED("{\"id\":\"1\"}", "an integer is expected", 6);
    MALFORMED("{\"id\":1,\"connect\":[]}", "an object is expected", 18);
    MALFORMED("{\"id\":1,\"connect\":{\"subs\":[]}}", "an object is expected",
              26);
    MALFORMED("{\"id\":1,\"connect\":{\"subs\":{\"c\":1}}}",
              "an object is expected", 31);
    MALFORMED("{\"id\":1,\"history\":{\"since\":1}}", "an object is expected",
              27);
    MALFORMED("{\"id\":1,\"history\":{\"reverse\":1}}",
              "true or false is expected", 29);
    MALFORMED("{\"id\":1,\"publish\":{\"channel\":1}}", "a string is expected",
              29);
    MALFORMED("{\"id\":1,\"publish\":{\"channel\":\"\xff\"}}",
              "a string is not UTF-8", 30);
}

static void an_integer_must_be_one_and_fit(void **state)
{
    static const char none[] = "an integer is expected";
    static const char wide[] = "an integer does not fit";

    (void)state;
    assert_true(COMMAND("{\"id\":4294967295}").id == UINT32_MAX);
    MALFORMED("{\"id\":4294967296}", wide, 16);
    MALFORMED("{\"id\":99999999999999999999999}", wide, 29);
    MALFORMED("{\"id\":-1}", none, 6);
    MALFORMED("{\"id\":-0}", none, 6);
    MALFORMED("{\"id\":1.0}", none, 7);
    MALFORMED("{\"id\":1e2}", none, 7);
    MALFORMED("{\"id\":01}", none, 7);
    MALFORMED("{\"id\":1,\"history\":{\"limit\":2147483648}}", wide, 37);
    MALFORMED("{\"id\":1,\"history\":{\"limit\":-2147483649}}", wide, 38);
    assert_int_equal(
        COMMAND("{\"id\":1,\"history\":{\"limit\":-2147483648}}").history.limit,
        INT32_MIN);
    assert_true(
        COMMAND("{\"id\":1,\"subscribe\":{\"flag\":-9223372036854775808}}")
            .subscribe.flag == INT64_MIN);
    MALFORMED("{\"id\":1,\"subscribe\":{\"flag\":9223372036854775808}}", wide,
              47);
    MALFORMED("{\"id\":1,\"subscribe\":{\"offset\":18446744073709551616}}",
              wide, 50);
}

/* {"id":1,<key>:[[[...]]]...} with `depth` brackets. */
static enum pl_err decode_nested(const char *before, size_t depth,
                                 const char *behind)
{
    char text[400];
    struct decoding d;
    struct pl_command c;
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", before);

    memset(text + len, '[', depth);
    memset(text + len + depth, ']', depth);
    len += 2 * depth;
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", behind);
    d = decoding_of(PL_ENCODING_JSON, (struct pl_span){text, len});
    enum pl_err rc = decoding_next(&d, &c);
    decoding_fini(&d);
    return rc;
}

static void data_nests_64_deep_and_the_command_16(void **state)
{
    static const char data[] = "{\"id\":1,\"publish\":{\"data\":";
    static const char unknown[] = "{\"id\":1,\"publish\":{\"new\":";

    (void)state;
    assert_int_equal(decode_nested(data, 64, "}}"), PL_OK);
    assert_int_equal(decode_nested(data, 65, "}}"), PL_EBADMSG);
    assert_int_equal(decode_nested("{\"new\":", 15, "}"), PL_OK);
    assert_int_equal(decode_nested("{\"new\":", 16, "}"), PL_EBADMSG);
    assert_int_equal(decode_nested(unknown, 14, "}}"), PL_OK);
    assert_int_equal(decode_nested(unknown, 15, "}}"), PL_EBADMSG);
}

/* A connect with `count` subscriptions. */
static enum pl_err decode_subs(size_t count, struct decoding *d)
{
    struct pl_buf b = {0};
    struct pl_command c;

    pl_buf_printf(&b, "{\"id\":1,\"connect\":{\"subs\":{\"0\":{}");
    for (size_t i = 1; i < count; i++)
        pl_buf_printf(&b, ",\"%zu\":{}", i);
    pl_buf_printf(&b, "}}}");
    *d = decoding_of(PL_ENCODING_JSON, pl_buf_span(&b));
    pl_buf_fini(&b);
    enum pl_err rc = decoding_next(d, &c);
    if (rc == PL_OK)
        assert_int_equal(c.connect.sub_count, count);
    return rc;
}

static void subscriptions_in_connect_are_bounded(void **state)
{
    struct decoding d;

    (void)state;
    assert_int_equal(decode_subs(4096, &d), PL_OK);
    decoding_fini(&d);
    assert_int_equal(decode_subs(4097, &d), PL_EBADMSG);
    assert_string_equal(d.why, "too many subscriptions");
    decoding_fini(&d);
}

static void an_arena_at_its_limit_is_out_of_memory(void **state)
{
    struct decoding d = decoding_of(
        PL_ENCODING_JSON,
        PL_SPAN("{\"id\":1,\"refresh\":{\"token\":\"0123456789abcdef\\n\"}}"));
    struct pl_command c;

    (void)state;
    d.arena.limit = 8;
    assert_int_equal(decoding_next(&d, &c), PL_ENOMEM);
    decoding_fini(&d);
}

/* Every beginning of a command is malformed, and nothing behind its end is
 * looked at (the copy ends where its memory ends). */
static void every_truncated_command_is_malformed(void **state)
{
    struct pl_span whole = PL_SPAN(
        "{\"id\":12,\"connect\":{\"token\":\"a\\u00e9\xc3\xa9\",\"data\":[true,"
        "-1.5e3,null],\"subs\":{\"c\":{\"offset\":7,\"recover\":false}}}}");

    (void)state;
    for (size_t len = 1; len < whole.len; len++) {
        struct decoding d =
            decoding_of(PL_ENCODING_JSON, (struct pl_span){whole.at, len});
        struct pl_command c;

        assert_int_equal(decoding_next(&d, &c), PL_EBADMSG);
        assert_true(d.at <= len);
        decoding_fini(&d);
    }
    assert_int_equal(command(whole).id, 12);
}

static int forget(void **state)
{
    (void)state;
    COMMAND("{}");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_carries_token_and_name),
        cmocka_unit_test(
            connect_carries_the_positions_of_server_side_subscriptions),
        cmocka_unit_test(every_field_of_subscribe_is_read),
        cmocka_unit_test(every_other_verb_is_read),
        cmocka_unit_test(history_tells_whether_it_has_a_position),
        cmocka_unit_test(without_id_it_is_a_pong_unless_it_sends),
        cmocka_unit_test(an_id_without_a_known_request_is_no_verb),
        cmocka_unit_test(two_requests_in_a_command_are_malformed),
        cmocka_unit_test(what_is_refused_is_noted_by_name),
        cmocka_unit_test(unknown_keys_are_skipped_and_known_ones_come_once),
        cmocka_unit_test(strings_and_keys_may_hold_escapes),
        cmocka_unit_test(a_name_may_not_hold_a_zero_or_half_a_pair),
        cmocka_unit_test(a_payload_is_passed_on_byte_for_byte),
        cmocka_unit_test(raw_newlines_in_a_payload_become_spaces),
        cmocka_unit_test(commands_are_separated_by_one_newline),
        cmocka_unit_test(a_message_needs_a_command_in_each_line),
        cmocka_unit_test(only_an_object_is_a_command),
        cmocka_unit_test(a_known_field_must_have_its_type),
        cmocka_unit_test(an_integer_must_be_one_and_fit),
        cmocka_unit_test(data_nests_64_deep_and_the_command_16),
        cmocka_unit_test(subscriptions_in_connect_are_bounded),
        cmocka_unit_test(an_arena_at_its_limit_is_out_of_memory),
        cmocka_unit_test(every_truncated_command_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
