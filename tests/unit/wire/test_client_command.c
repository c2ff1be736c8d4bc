/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_command.c - the commands that a client encodes are those that the
 * broker decodes, in both encodings. */
#include "receiving.h"

#include "actor_data.h"

#define SPAN(text)                                                             \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const char *why;
static size_t at;

static enum pl_err append(enum pl_encoding e, struct pl_buf *frame,
                          const struct pl_command *c)
{
    return pl_command_encode(e, frame, 65536, c, &why, &at);
}

/* ---- What a client says, the broker hears ---- */

static void same_subscribe(const struct pl_subscribe_request *a,
                           const struct pl_subscribe_request *b)
{
    assert_same_span(a->channel, b->channel);
    assert_same_span(a->token, b->token);
    assert_same_span(a->data, b->data);
    assert_same_span(a->epoch, b->epoch);
    assert_true(a->offset == b->offset && a->flag == b->flag);
    assert_null(b->unsupported);
    assert_int_equal(a->recover, b->recover);
    assert_int_equal(a->positioned, b->positioned);
    assert_int_equal(a->recoverable, b->recoverable);
    assert_int_equal(a->join_leave, b->join_leave);
}

static void same_connect(const struct pl_connect_request *a,
                         const struct pl_connect_request *b)
{
    assert_same_span(a->token, b->token);
    assert_same_span(a->data, b->data);
    assert_same_span(a->name, b->name);
    assert_same_span(a->version, b->version);
    assert_int_equal(a->sub_count, b->sub_count);
    for (size_t i = 0; i < a->sub_count; i++)
        same_subscribe(&a->subs[i], &b->subs[i]);
}

static void same_history(const struct pl_history_request *a,
                         const struct pl_history_request *b)
{
    assert_same_span(a->channel, b->channel);
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->has_since, b->has_since);
    if (a->has_since) {
        assert_true(a->since_offset == b->since_offset);
        assert_same_span(a->since_epoch, b->since_epoch);
    }
    assert_int_equal(a->reverse, b->reverse);
}

static void same_command(const struct pl_command *a, const struct pl_command *b)
{
    assert_int_equal(a->verb, b->verb);
    assert_int_equal(b->id, a->verb == PL_VERB_SEND ? 0 : a->id);
    switch (a->verb) {
    case PL_VERB_CONNECT:
        same_connect(&a->connect, &b->connect);
        return;
    case PL_VERB_SUBSCRIBE:
        same_subscribe(&a->subscribe, &b->subscribe);
        return;
    case PL_VERB_PUBLISH:
        assert_same_span(a->publish.channel, b->publish.channel);
        assert_same_span(a->publish.data, b->publish.data);
        return;
    case PL_VERB_HISTORY:
        same_history(&a->history, &b->history);
        return;
    case PL_VERB_SEND:
        assert_same_span(a->data, b->data);
        return;
    case PL_VERB_RPC:
        assert_same_span(a->rpc.method, b->rpc.method);
        assert_same_span(a->rpc.data, b->rpc.data);
        return;
    case PL_VERB_REFRESH:
        assert_same_span(a->token, b->token);
        return;
    case PL_VERB_SUB_REFRESH:
        assert_same_span(a->sub_refresh.channel, b->sub_refresh.channel);
        assert_same_span(a->sub_refresh.token, b->sub_refresh.token);
        return;
    case PL_VERB_UNSUBSCRIBE:
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        assert_same_span(a->channel, b->channel);
        return;
    default:
        return;
    }
}

/* Decode the frame as the broker does: it is these commands. */
static void heard(enum pl_encoding e, struct pl_buf *frame,
                  const struct pl_command *said, size_t count)
{
    struct decoding d = decoding_of(e, pl_buf_span(frame));
    struct pl_command c;

    for (size_t i = 0; i < count; i++) {
        enum pl_err rc = decoding_next(&d, &c);

        if (rc != PL_OK)
            print_error("%s at %zu of %.*s\n", d.why, d.at, (int)frame->len,
                        frame->data);
        assert_int_equal(rc, PL_OK);
        same_command(&said[i], &c);
    }
    assert_int_equal(d.rest.len, 0);
    decoding_fini(&d);
    pl_buf_fini(frame);
}

static const struct pl_subscribe_request positions[] = {
    {.channel = SPAN("#4\"2"),
     .recover = true,
     .offset = UINT64_MAX,
     .epoch = SPAN("ep")},
    {.channel = SPAN("b")},
};

static const struct pl_command commands[] = {
    {.id = 1,
     .verb = PL_VERB_CONNECT,
     .connect = {.token = SPAN("t"),
                 .data = SPAN("{\"a\":1}"),
                 .name = SPAN("c"),
                 .version = SPAN("0.1"),
                 .subs = positions,
                 .sub_count = 2}},
    {.id = 2, .verb = PL_VERB_CONNECT},
    {.id = UINT32_MAX,
     .verb = PL_VERB_SUBSCRIBE,
     .subscribe = {.channel = SPAN("room:\xc3\xa9\n"),
                   .token = SPAN("t"),
                   .recover = true,
                   .epoch = SPAN("e"),
                   .offset = 1ull << 53,
                   .data = SPAN("[1]"),
                   .positioned = true,
                   .recoverable = true,
                   .join_leave = true,
                   .flag = INT64_MIN}},
    {.id = 3, .verb = PL_VERB_UNSUBSCRIBE, .channel = SPAN("u")},
    {.id = 4,
     .verb = PL_VERB_PUBLISH,
     .publish = {.channel = SPAN("p"), .data = SPAN("\"x\"")}},
    {.id = 5, .verb = PL_VERB_PRESENCE, .channel = SPAN("p")},
    {.id = 6, .verb = PL_VERB_PRESENCE_STATS, .channel = SPAN("p")},
    {.id = 7,
     .verb = PL_VERB_HISTORY,
     .history = {.channel = SPAN("h"),
                 .limit = -1,
                 .has_since = true,
                 .since_offset = 9,
                 .since_epoch = SPAN("e"),
                 .reverse = true}},
    {.id = 8,
     .verb = PL_VERB_HISTORY,
     .history = {.channel = SPAN("h"), .limit = 10, .has_since = true}},
    {.id = 9, .verb = PL_VERB_PING},
    {.verb = PL_VERB_SEND, .data = SPAN("1")},
    {.id = 10,
     .verb = PL_VERB_RPC,
     .rpc = {.method = SPAN("m"), .data = SPAN("{}")}},
    {.id = 11, .verb = PL_VERB_RPC},
    {.id = 12, .verb = PL_VERB_REFRESH, .token = SPAN("r")},
    {.id = 13,
     .verb = PL_VERB_SUB_REFRESH,
     .sub_refresh = {.channel = SPAN("c"), .token = SPAN("s")}},
    {.verb = PL_VERB_PONG},
};
enum { COUNT = sizeof commands / sizeof commands[0] };

static void the_broker_hears_each_command(void **state)
{
    (void)state;
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++)
        for (size_t i = 0; i < COUNT; i++) {
            struct pl_buf b = {0};

            assert_int_equal(append(e, &b, &commands[i]), PL_OK);
            heard(e, &b, &commands[i], 1);
        }
}

static void several_commands_are_one_message(void **state)
{
    (void)state;
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++) {
        struct pl_buf b = {0};

        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(append(e, &b, &commands[i]), PL_OK);
        heard(e, &b, commands, COUNT);
    }
}

/* ---- The bytes ---- */

static void json(const struct pl_command *c, const char *text)
{
    struct pl_buf b = {0};

    assert_int_equal(append(PL_ENCODING_JSON, &b, c), PL_OK);
    assert_same_span(pl_buf_span(&b), pl_span_of(text));
    pl_buf_fini(&b);
}

static void json_has_the_names_of_the_protocol_and_no_zeros(void **state)
{
    (void)state;
    json(&commands[0],
         "{\"id\":1,\"connect\":{\"token\":\"t\",\"data\":{\"a\":1},\"subs\":{"
         "\"#4\\\"2\":{\"recover\":true,\"epoch\":\"ep\",\"offset\":"
         "18446744073709551615},\"b\":{}},\"name\":\"c\",\"version\":\"0.1\"}"
         "}");
    json(&commands[1], "{\"id\":2,\"connect\":{}}");
    json(&commands[7],
         "{\"id\":7,\"history\":{\"channel\":\"h\",\"limit\":-1,\"since\":{"
         "\"offset\":9,\"epoch\":\"e\"},\"reverse\":true}}");
    json(&commands[10], "{\"send\":{\"data\":1}}");
    json(&commands[COUNT - 1], "{}");
}

static void a_negative_number_in_protobuf_has_ten_bytes(void **state)
{
    struct pl_command c = {.id = 1,
                           .verb = PL_VERB_HISTORY,
                           .history = {.channel = {"h", 1}, .limit = -1}};
    struct pl_buf b = {0};

    (void)state;
    assert_int_equal(append(PL_ENCODING_PROTOBUF, &b, &c), PL_OK);
    assert_same_span(pl_buf_span(&b),
                     PL_SPAN("\x12\x08\x01R\x0e\x0a\x01h8\xff\xff\xff\xff\xff"
                             "\xff\xff\xff\xff\x01"));
    pl_buf_fini(&b);
}

static void headers_of_a_connect_are_a_map(void **state)
{
    static const struct pl_connect_header headers[] = {
        {SPAN("X-\xc3\xa9"), SPAN("v")}, {SPAN("E"), SPAN("")}};
    struct pl_command c = {.id = 1,
                           .verb = PL_VERB_CONNECT,
                           .connect = {.headers = headers, .header_count = 2}};
    struct pl_buf b = {0};

    (void)state;
    json(&c, "{\"id\":1,\"connect\":{\"headers\":{\"X-\xc3\xa9\":\"v\",\"E\":"
             "\"\"}}}");
    c.connect.token = PL_SPAN("t");
    json(&c, "{\"id\":1,\"connect\":{\"token\":\"t\",\"headers\":{\"X-\xc3\xa9"
             "\":\"v\",\"E\":\"\"}}}");
    assert_int_equal(append(PL_ENCODING_PROTOBUF, &b, &c), PL_OK);
    assert_same_span(pl_buf_span(&b), PL_SPAN("\x17\x08\x01\"\x13\x0a\x01t"
                                              "2\x09\x0a\x04X-\xc3\xa9\x12\x01"
                                              "v2\x03\x0a\x01"
                                              "E"));
    heard(PL_ENCODING_PROTOBUF, &b, &c, 1);
}

/* ---- What is refused ---- */

static void refused(enum pl_encoding e, const struct pl_command *c,
                    const char *text, size_t where)
{
    struct pl_buf b = {0};

    pl_buf_put_span(&b, PL_SPAN("{}"));
    assert_int_equal(append(e, &b, c), PL_EINVAL);
    assert_string_equal(why, text);
    assert_int_equal(at, where);
    assert_span(pl_buf_span(&b), "{}"); /* unchanged */
    pl_buf_fini(&b);
}

static void bad_payload(struct pl_span data, const char *text, size_t where)
{
    struct pl_command c = {.id = 1,
                           .verb = PL_VERB_PUBLISH,
                           .publish = {.channel = {"c", 1}, .data = data}};

    refused(PL_ENCODING_JSON, &c, text, where);
    c = (struct pl_command){
        .id = 1, .verb = PL_VERB_RPC, .rpc = {.data = data}};
    refused(PL_ENCODING_JSON, &c, text, where);
}
#define BAD_PAYLOAD(text, why, at) bad_payload(PL_SPAN(text), why, at)

static void a_payload_that_is_not_one_json_value_is_refused(void **state)
{
    char deep[65];

    (void)state;
    BAD_PAYLOAD(" ", "a value is missing", 1);
    BAD_PAYLOAD("{", "a key is missing", 1);
    BAD_PAYLOAD("{}}", "more than one JSON value", 2);
    BAD_PAYLOAD("1,\"id\":5", "more than one JSON value", 1);
    BAD_PAYLOAD("1\n{}", "more than one JSON value", 2);
    BAD_PAYLOAD("\"a\nb\"", "control character in a string", 2);
    BAD_PAYLOAD("\"\xff\"", "a string is not UTF-8", 1);
    BAD_PAYLOAD("\xff", "not a JSON value", 0);
    memset(deep, '[', sizeof deep);
    bad_payload((struct pl_span){deep, sizeof deep}, "nested too deeply", 64);
}

static void a_payload_with_raw_newlines_stays_one_line(void **state)
{
    static const char data[] = " {\n\"a\":\r\n1}\n";
    struct pl_command c = {
        .id = 1, .verb = PL_VERB_RPC, .rpc = {.data = {data, sizeof data - 1}}};

    (void)state;
    json(&c, "{\"id\":1,\"rpc\":{\"data\": { \"a\":  1} }}");
}

static void any_bytes_are_a_payload_in_protobuf(void **state)
{
    struct pl_command c = {
        .id = 1,
        .verb = PL_VERB_PUBLISH,
        .publish = {.channel = {"c", 1}, .data = {"\0\xff\n", 3}}};
    struct pl_buf b = {0};

    (void)state;
    assert_int_equal(append(PL_ENCODING_PROTOBUF, &b, &c), PL_OK);
    heard(PL_ENCODING_PROTOBUF, &b, &c, 1);
}

/* Refused in both encodings. */
static void both_refuse(struct pl_command c, const char *text, size_t where)
{
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++)
        refused(e, &c, text, where);
}

static void texts_must_be_utf8_without_zero_bytes(void **state)
{
    static const char text[] = "a string is not UTF-8 or has a zero byte";
    static const struct pl_subscribe_request sub = {.channel = {"a\xc3", 2}};
    static const struct pl_connect_header header = {{"h", 1}, {"\0", 1}};

    (void)state;
    both_refuse((struct pl_command){.id = 1,
                                    .verb = PL_VERB_PRESENCE,
                                    .channel = {"\xc3\xa9\xff", 3}},
                text, 2);
    both_refuse((struct pl_command){.id = 1,
                                    .verb = PL_VERB_CONNECT,
                                    .connect = {.token = {"a\0", 2}}},
                text, 1);
    both_refuse((struct pl_command){.id = 1,
                                    .verb = PL_VERB_CONNECT,
                                    .connect = {.subs = &sub, .sub_count = 1}},
                text, 1);
    both_refuse(
        (struct pl_command){.id = 1,
                            .verb = PL_VERB_CONNECT,
                            .connect = {.headers = &header, .header_count = 1}},
        text, 0);
    both_refuse((struct pl_command){.id = 1,
                                    .verb = PL_VERB_HISTORY,
                                    .history = {.channel = {"c", 1},
                                                .has_since = true,
                                                .since_epoch = {"\x80", 1}}},
                text, 0);
}

/* The broker closes a connection that says these. */
static void a_command_needs_what_the_broker_insists_on(void **state)
{
    static const struct pl_subscribe_request sub = {.token = {"t", 1}};
    static const enum pl_verb of_channels[] = {
        PL_VERB_SUBSCRIBE,      PL_VERB_UNSUBSCRIBE, PL_VERB_PRESENCE,
        PL_VERB_PRESENCE_STATS, PL_VERB_HISTORY,     PL_VERB_SUB_REFRESH};
    struct pl_command c = {
        .id = 1, .verb = PL_VERB_PUBLISH, .publish.data = {"1", 1}};

    (void)state;
    both_refuse(c, "a channel is missing", 0);
    for (size_t i = 0; i < sizeof of_channels / sizeof of_channels[0]; i++)
        both_refuse((struct pl_command){.id = 1, .verb = of_channels[i]},
                    "a channel is missing", 0);
    both_refuse((struct pl_command){.id = 1,
                                    .verb = PL_VERB_CONNECT,
                                    .connect = {.subs = &sub, .sub_count = 1}},
                "a channel is missing", 0);
    both_refuse((struct pl_command){.verb = PL_VERB_RPC},
                "a request without an id", 0);
    both_refuse((struct pl_command){.id = 1}, "a command without a request", 0);
    c.publish.channel = PL_SPAN("c");
    c.publish.data = (struct pl_span){0};
    both_refuse(c, "a publish has no data", 0);
    c.publish.data = PL_SPAN(" \nnull");
    refused(PL_ENCODING_JSON, &c, "a publish has no data", 0);
}

static void a_frame_is_filled_up_to_its_limit(void **state)
{
    struct pl_command c = {
        .id = 1, .verb = PL_VERB_UNSUBSCRIBE, .channel = {"0123456789", 10}};
    const size_t sizes[] = {47, 17}; /* of this command */

    (void)state;
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++) {
        size_t two = 2 * sizes[e] + (e == PL_ENCODING_JSON);
        struct pl_buf b = {0};

        assert_int_equal(pl_command_encode(e, &b, sizes[e] - 1, &c, &why, &at),
                         PL_ETOOBIG);
        assert_int_equal(b.len, 0);
        assert_int_equal(pl_command_encode(e, &b, two - 1, &c, &why, &at),
                         PL_OK);
        assert_int_equal(b.len, sizes[e]);
        assert_int_equal(pl_command_encode(e, &b, two - 1, &c, &why, &at),
                         PL_EFULL);
        assert_int_equal(b.len, sizes[e]);
        assert_int_equal(pl_command_encode(e, &b, two, &c, &why, &at), PL_OK);
        heard(e, &b, (struct pl_command[]){c, c}, 2);
    }
}

static void a_failed_buffer_stays_as_it_was(void **state)
{
    (void)state;
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++)
        for (size_t i = 0; i < COUNT; i++) {
            struct pl_buf b = {.failed = true};

            assert_int_equal(append(e, &b, &commands[i]), PL_ENOMEM);
            assert_int_equal(b.len, 0);
        }
}

/* ---- Random commands ---- */

static uint64_t seed;

static unsigned roll(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static struct pl_span some_text(void)
{
    static const char letters[] = "\xf0\x9f\x98\x80 \xc3\xa9\"\\/\n\x01\x7f az";
    static const uint8_t starts[] = {0, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    size_t from = starts[roll(sizeof starts)];

    return (struct pl_span){letters + from, sizeof letters - 1 - from};
}

static struct pl_span some_data(enum pl_encoding e)
{
    static const struct pl_span values[] = {
        SPAN("1"),   SPAN("\"\\u00e9\""), SPAN("[[],{\"a\":[1.5e-3]}]"),
        SPAN("{}"),  SPAN("true"),        SPAN("-0"),
        SPAN("\"\"")};

    if (e == PL_ENCODING_PROTOBUF && roll(2) == 0)
        return (struct pl_span)SPAN("\xff\0\n{");
    return values[roll(7)];
}

static struct pl_subscribe_request some_subscribe(enum pl_encoding e)
{
    struct pl_subscribe_request s = {.channel = some_text(),
                                     .epoch = some_text(),
                                     .offset = roll(2) ? seed : roll(300),
                                     .flag = (int64_t)(roll(2) ? seed : 1)};

    if (roll(2))
        s.data = some_data(e);
    if (roll(2))
        s.token = some_text();
    s.recover = roll(2);
    s.positioned = roll(2);
    s.recoverable = roll(2);
    s.join_leave = roll(2);
    return s;
}

static struct pl_command some_connect(enum pl_encoding e,
                                      struct pl_subscribe_request subs[3])
{
    struct pl_command c = {.verb = PL_VERB_CONNECT};

    c.connect.sub_count = roll(4);
    for (size_t i = 0; i < c.connect.sub_count; i++) {
        subs[i] = some_subscribe(e);
        subs[i].channel = (struct pl_span){"abc", i + 1}; /* all differ */
    }
    c.connect.subs = subs;
    c.connect.name = some_text();
    if (roll(2))
        c.connect.data = some_data(e);
    return c;
}

static struct pl_command some_command(enum pl_encoding e,
                                      struct pl_subscribe_request subs[3])
{
    struct pl_command c = {.verb = PL_VERB_CONNECT + (enum pl_verb)roll(12)};

    switch (c.verb) {
    case PL_VERB_CONNECT:
        c = some_connect(e, subs);
        break;
    case PL_VERB_SUBSCRIBE:
        c.subscribe = some_subscribe(e);
        break;
    case PL_VERB_PUBLISH:
        c.publish =
            (struct pl_publish_request){some_text(), some_data(e), NULL};
        break;
    case PL_VERB_HISTORY:
        c.history = (struct pl_history_request){
            some_text(), (int32_t)roll(UINT32_MAX), roll(2), seed, some_text(),
            roll(2)};
        break;
    case PL_VERB_SEND:
        c.data = some_data(e);
        break;
    case PL_VERB_RPC:
        c.rpc = (struct pl_rpc_request){some_text(), some_data(e)};
        break;
    case PL_VERB_SUB_REFRESH:
        c.sub_refresh.token = some_text();
        c.sub_refresh.channel = some_text();
        break;
    default: /* a channel, or the token at its place */
        c.channel = some_text();
        break;
    }
    c.id = 1 + roll(UINT32_MAX);
    return c;
}

static void random_batches_are_heard_as_they_were_said(void **state)
{
    (void)state;
    seed = 1;
    for (int run = 0; run < 4000; run++) {
        enum pl_encoding e = (enum pl_encoding)(run & 1);
        struct pl_subscribe_request subs[5][3];
        struct pl_command said[5];
        size_t count = 1 + roll(5);
        struct pl_buf b = {0};

        for (size_t i = 0; i < count; i++) {
            said[i] = some_command(e, subs[i]);
            assert_int_equal(append(e, &b, &said[i]), PL_OK);
        }
        heard(e, &b, said, count);
    }
}

/* ---- Data of the actor methods ---- */

static void actor_data_has_the_members_that_are_set(void **state)
{
    struct pl_actor_data data = {.to = SPAN("user/4\"2"),
                                 .type = SPAN("t"),
                                 .body = SPAN("{\n}"),
                                 .timeout_ms = 500};
    struct pl_buf b = {0};

    (void)state;
    assert_int_equal(pl_actor_data_encode(&b, &data, &why, &at), PL_OK);
    assert_span(pl_buf_span(&b), "{\"to\":\"user/4\\\"2\",\"type\":\"t\","
                                 "\"body\":{ },\"timeout_ms\":500}");
    b.len = 0;
    data = (struct pl_actor_data){
        .name = SPAN("s"), .reply_to = SPAN("r"), .error = SPAN("{}")};
    assert_int_equal(pl_actor_data_encode(&b, &data, &why, &at), PL_OK);
    assert_span(pl_buf_span(&b),
                "{\"name\":\"s\",\"reply_to\":\"r\",\"error\":{}}");
    b.len = 0;
    data = (struct pl_actor_data){0};
    assert_int_equal(pl_actor_data_encode(&b, &data, &why, &at), PL_OK);
    assert_span(pl_buf_span(&b), "{}");
    pl_buf_fini(&b);
}

static void actor_data_refuses_what_is_not_json(void **state)
{
    struct pl_actor_data data = {.to = SPAN("a\xff")};
    struct pl_buf b = {0};

    (void)state;
    pl_buf_put_byte(&b, '!');
    assert_int_equal(pl_actor_data_encode(&b, &data, &why, &at), PL_EINVAL);
    assert_int_equal(at, 1);
    data = (struct pl_actor_data){.to = SPAN("a"), .body = SPAN("[1")};
    assert_int_equal(pl_actor_data_encode(&b, &data, &why, &at), PL_EINVAL);
    assert_string_equal(why, "a comma or a bracket is missing");
    assert_int_equal(at, 2);
    assert_span(pl_buf_span(&b), "!"); /* unchanged */
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_broker_hears_each_command),
        cmocka_unit_test(several_commands_are_one_message),
        cmocka_unit_test(json_has_the_names_of_the_protocol_and_no_zeros),
        cmocka_unit_test(a_negative_number_in_protobuf_has_ten_bytes),
        cmocka_unit_test(headers_of_a_connect_are_a_map),
        cmocka_unit_test(a_payload_that_is_not_one_json_value_is_refused),
        cmocka_unit_test(a_payload_with_raw_newlines_stays_one_line),
        cmocka_unit_test(any_bytes_are_a_payload_in_protobuf),
        cmocka_unit_test(texts_must_be_utf8_without_zero_bytes),
        cmocka_unit_test(a_command_needs_what_the_broker_insists_on),
        cmocka_unit_test(a_frame_is_filled_up_to_its_limit),
        cmocka_unit_test(a_failed_buffer_stays_as_it_was),
        cmocka_unit_test(random_batches_are_heard_as_they_were_said),
        cmocka_unit_test(actor_data_has_the_members_that_are_set),
        cmocka_unit_test(actor_data_refuses_what_is_not_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
