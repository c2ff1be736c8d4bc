/* SPDX-License-Identifier: Apache-2.0 */
/* test_protobuf_command.c - commands from protobuf, packed by protobuf-c or
 * written out where no packer would write them. */
#include "decoding.h"

#include "client.pb-c.h"

static struct decoding d;

/* Decode the one command that `text` is, length included; its spans live until
 * the next call. */
static enum pl_err decode(struct pl_span text, struct pl_command *c)
{
    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_PROTOBUF, text);
    return decoding_next(&d, c);
}

static struct pl_command command(struct pl_span text)
{
    struct pl_command c;
    enum pl_err rc = decode(text, &c);

    if (rc != PL_OK)
        print_error("%s at %zu\n", d.why, d.at);
    assert_int_equal(rc, PL_OK);
    assert_int_equal(d.rest.len, 0);
    return c;
}
#define COMMAND(text) command(PL_SPAN(text))

/* What protobuf-c packs of `in`, decoded. */
static struct pl_command packed(const Parley__Command *in)
{
    uint8_t bytes[256];
    size_t len = parley__command__get_packed_size(in);

    assert_in_range(len, 0, 127);
    bytes[0] = (uint8_t)len;
    parley__command__pack(in, bytes + 1);
    return command((struct pl_span){(char *)bytes, len + 1});
}

static void malformed(struct pl_span text, const char *why, size_t at)
{
    struct pl_command c;

    assert_int_equal(decode(text, &c), PL_EBADMSG);
    assert_string_equal(d.why, why);
    assert_int_equal(d.at, at);
    assert_int_equal(d.rest.len, text.len); /* nothing taken */
}
#define MALFORMED(text, why, at) malformed(PL_SPAN(text), why, at)

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static void connect_is_read_with_its_map(void **state)
{
    Parley__SubscribeRequest sub = PARLEY__SUBSCRIBE_REQUEST__INIT;
    Parley__ConnectRequest__SubsEntry e[] = {
        PARLEY__CONNECT_REQUEST__SUBS_ENTRY__INIT,
        PARLEY__CONNECT_REQUEST__SUBS_ENTRY__INIT};
    Parley__ConnectRequest__SubsEntry *entries[] = {&e[0], &e[1]};
    Parley__ConnectRequest connect = PARLEY__CONNECT_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;

    (void)state;
    sub.recover = true;
    sub.offset = 1ull << 40;
    sub.epoch = "Xabc";
    sub.token = "s";
    sub.flag = 3;
    sub.positioned = sub.recoverable = sub.join_leave = true;
    e[0].key = "#42";
    e[0].value = &sub;
    e[1].key = "a"; /* an entry without a value */
    connect.token = "t";
    connect.data = bytes("\xff");
    connect.name = "js";
    connect.version = "1";
    connect.subs = entries;
    connect.n_subs = 2;
    in.id = 1;
    in.connect = &connect;
    struct pl_command c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_CONNECT);
    assert_span(c.connect.token, "t");
    assert_span(c.connect.data, "\xff");
    assert_span(c.connect.name, "js");
    assert_span(c.connect.version, "1");
    assert_int_equal(c.connect.sub_count, 2);
    assert_span(c.connect.subs[0].channel, "#42");
    assert_true(c.connect.subs[0].recover);
    assert_true(c.connect.subs[0].offset == 1ull << 40);
    assert_span(c.connect.subs[0].epoch, "Xabc");
    assert_span(c.connect.subs[0].token, "s");
    assert_int_equal(c.connect.subs[0].flag, 3);
    assert_true(c.connect.subs[0].positioned && c.connect.subs[0].recoverable &&
                c.connect.subs[0].join_leave);
    assert_span(c.connect.subs[1].channel, "a");
}

static void every_field_of_subscribe_is_read(void **state)
{
    Parley__SubscribeRequest r = PARLEY__SUBSCRIBE_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;

    (void)state;
    r.channel = "room:1";
    r.token = "t";
    r.recover = true;
    r.epoch = "Xabc";
    r.offset = UINT64_MAX;
    r.data = bytes("d");
    r.positioned = r.recoverable = r.join_leave = true;
    r.flag = -3;
    in.id = UINT32_MAX;
    in.subscribe = &r;
    struct pl_command c = packed(&in);
    assert_true(c.id == UINT32_MAX);
    assert_int_equal(c.verb, PL_VERB_SUBSCRIBE);
    assert_span(c.subscribe.channel, "room:1");
    assert_span(c.subscribe.token, "t");
    assert_span(c.subscribe.epoch, "Xabc");
    assert_span(c.subscribe.data, "d");
    assert_true(c.subscribe.offset == UINT64_MAX);
    assert_true(c.subscribe.flag == -3);
    assert_true(c.subscribe.recover && c.subscribe.positioned);
    assert_true(c.subscribe.recoverable && c.subscribe.join_leave);
}

static void publish_points_into_the_message(void **state)
{
    Parley__PublishRequest r = PARLEY__PUBLISH_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;

    (void)state;
    r.channel = "c";
    r.data = bytes("{}");
    in.id = 2;
    in.publish = &r;
    struct pl_command c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_PUBLISH);
    assert_span(c.publish.channel, "c");
    assert_span(c.publish.data, "{}");
    assert_in_range((uintptr_t)c.publish.data.at, (uintptr_t)d.bytes,
                    (uintptr_t)d.rest.at);
    assert_int_equal(d.arena.used, 0);
}

static void requests_with_only_a_channel_are_read(void **state)
{
    Parley__UnsubscribeRequest u = PARLEY__UNSUBSCRIBE_REQUEST__INIT;
    Parley__PresenceRequest p = PARLEY__PRESENCE_REQUEST__INIT;
    Parley__PresenceStatsRequest s = PARLEY__PRESENCE_STATS_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;
    struct pl_command c;

    (void)state;
    in.id = 300;
    u.channel = "u";
    in.unsubscribe = &u;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_UNSUBSCRIBE);
    assert_int_equal(c.id, 300);
    assert_span(c.channel, "u");
    in.unsubscribe = NULL;
    p.channel = "p";
    in.presence = &p;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_PRESENCE);
    assert_span(c.channel, "p");
    in.presence = NULL;
    s.channel = "s";
    in.presence_stats = &s;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_PRESENCE_STATS);
    assert_span(c.channel, "s");
}

static void history_tells_whether_it_has_a_position(void **state)
{
    Parley__StreamPosition since = PARLEY__STREAM_POSITION__INIT;
    Parley__HistoryRequest r = PARLEY__HISTORY_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;
    struct pl_command c;

    (void)state;
    in.id = 1;
    in.history = &r;
    r.channel = "h";
    r.limit = -1;
    r.reverse = true;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_HISTORY);
    assert_span(c.history.channel, "h");
    assert_int_equal(c.history.limit, -1);
    assert_true(c.history.reverse);
    assert_false(c.history.has_since);
    since.offset = 7;
    since.epoch = "e";
    r.since = &since;
    c = packed(&in);
    assert_true(c.history.has_since);
    assert_int_equal(c.history.since_offset, 7);
    assert_span(c.history.since_epoch, "e");
}

static void the_other_verbs_are_read(void **state)
{
    Parley__PingRequest ping = PARLEY__PING_REQUEST__INIT;
    Parley__RPCRequest rpc = PARLEY__RPCREQUEST__INIT;
    Parley__RefreshRequest refresh = PARLEY__REFRESH_REQUEST__INIT;
    Parley__SubRefreshRequest sub = PARLEY__SUB_REFRESH_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;
    struct pl_command c;

    (void)state;
    in.id = 1;
    in.ping = &ping;
    assert_int_equal(packed(&in).verb, PL_VERB_PING);
    in.ping = NULL;
    rpc.method = "whoami";
    rpc.data = bytes("{}");
    in.rpc = &rpc;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_RPC);
    assert_span(c.rpc.method, "whoami");
    assert_span(c.rpc.data, "{}");
    in.rpc = NULL;
    refresh.token = "r";
    in.refresh = &refresh;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_REFRESH);
    assert_span(c.token, "r");
    in.refresh = NULL;
    sub.channel = "c";
    sub.token = "x";
    in.sub_refresh = &sub;
    c = packed(&in);
    assert_int_equal(c.verb, PL_VERB_SUB_REFRESH);
    assert_span(c.sub_refresh.channel, "c");
    assert_span(c.sub_refresh.token, "x");
}

static void without_id_it_is_a_pong_unless_it_sends(void **state)
{
    struct pl_command c;

    (void)state;
    assert_int_equal(COMMAND("\x00").verb, PL_VERB_PONG);
    assert_int_equal(COMMAND("\x02\x08\x00").verb, PL_VERB_PONG);
    MALFORMED("\x02\x3a\x00", "a request without an id", 1);
    c = COMMAND("\x05\x62\x03\x0a\x01x");
    assert_int_equal(c.verb, PL_VERB_SEND);
    assert_span(c.data, "x");
    assert_int_equal(COMMAND("\x02\x08\x05").verb, PL_VERB_NONE);
}

static void data_that_was_not_sent_is_absent(void **state)
{
    (void)state;
    assert_null(COMMAND("\x04\x08\x01\x3a\x00").publish.data.at);
    assert_non_null(COMMAND("\x06\x08\x01\x3a\x02\x12\x00").publish.data.at);
}

static void commands_stand_one_after_the_other(void **state)
{
    struct pl_command c;

    (void)state;
    assert_int_equal(decode(PL_SPAN("\x02\x08\x05\x00\x02\x08\x07"), &c),
                     PL_OK);
    assert_int_equal(c.id, 5);
    assert_int_equal(decoding_next(&d, &c), PL_OK);
    assert_int_equal(c.verb, PL_VERB_PONG);
    assert_int_equal(decoding_next(&d, &c), PL_OK);
    assert_int_equal(c.id, 7);
    assert_int_equal(d.rest.len, 0);
}

static void a_length_beyond_the_message_is_malformed(void **state)
{
    static const char why[] = "a length beyond the end of the message";

    (void)state;
    MALFORMED("", "no command", 0);
    MALFORMED("\x03\x08\x05", why, 0);
    MALFORMED("\x80", why, 0);
    MALFORMED("\xff\xff\xff\xff\x0f\x08\x05", why, 0);
    MALFORMED("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", why, 0);
}

static void two_requests_in_a_command_are_malformed(void **state)
{
    static const char why[] = "a command has two requests";

    (void)state;
    MALFORMED("\x0c\x08\x01\x3a\x03\x0a\x01p\x2a\x03\x0a\x01s", why, 8);
    /* ... also pieces of one, which protobuf would join. */
    MALFORMED("\x10\x08\x01\x22\x05\x0a\x03old\x22\x05\x0a\x01t\x22\x00", why,
              10);
    MALFORMED("\x04\x62\x00\x3a\x00", why, 3);
}

/* As a member in JSON, though protobuf would take the last. */
static void a_field_that_comes_twice_is_malformed(void **state)
{
    static const char why[] = "a field is given twice";

    (void)state;
    MALFORMED("\x04\x08\x01\x08\x01", why, 3);
    MALFORMED("\x06\x08\x00\x62\x00\x08\x01", why, 5); /* a send */
    MALFORMED("\x0d\x08\x01\x3a\x09\x0a\x01"
              "a\x12\x01x\x0a\x01"
              "a",
              why, 11);
    MALFORMED("\x08\x08\x01\x2a\x04\x18\x01\x18\x00", why, 7);
    MALFORMED("\x08\x08\x01\x2a\x04\x78\x00\x78\x00", why, 7); /* type */
    /* ... in a connect, in an entry of its map and in the value of one; in a
     * history request and in its position. */
    MALFORMED("\x0a\x08\x01\x22\x06\x0a\x01t\x0a\x01t", why, 8);
    MALFORMED("\x0c\x08\x01\x22\x08\x1a\x06\x0a\x01"
              "a\x0a\x01"
              "b",
              why, 10);
    MALFORMED("\x0a\x08\x01\x22\x06\x1a\x04\x12\x00\x12\x00", why, 9);
    MALFORMED("\x0c\x08\x01\x22\x08\x1a\x06\x12\x04\x18\x01\x18\x01", why, 11);
    MALFORMED("\x08\x08\x01\x52\x04\x42\x00\x42\x00", why, 7);
    MALFORMED("\x0a\x08\x01\x52\x06\x42\x04\x08\x01\x08\x01", why, 9);
    MALFORMED("\x0e\x08\x01\x22\x0a\x1a\x03\x0a\x01"
              "a\x1a\x03\x0a\x01"
              "a",
              "a channel is given twice", 1);
    /* what is not known may come as often as it likes */
    assert_int_equal(COMMAND("\x08\x08\x01\x3a\x04\x50\x01\x50\x01").id, 1);
}

static void what_is_refused_is_noted_by_name(void **state)
{
    (void)state;
    assert_string_equal(
        COMMAND("\x07\x08\x01\x2a\x03\x6a\x01x").subscribe.unsupported, "tf");
    assert_string_equal(
        COMMAND("\x06\x08\x01\x2a\x02\x78\x01").subscribe.unsupported, "type");
    assert_string_equal(
        COMMAND("\x07\x08\x01\x2a\x03\x80\x01\x02").subscribe.unsupported,
        "phase");
    assert_string_equal(
        COMMAND("\x08\x08\x01\x2a\x04\x8a\x01\x01\xff").subscribe.unsupported,
        "cursor");
    assert_null(COMMAND("\x06\x08\x01\x2a\x02\x78\x00").subscribe.unsupported);
    assert_null(COMMAND("\x06\x08\x01\x2a\x02\x6a\x00").subscribe.unsupported);
    assert_string_equal(
        COMMAND("\x06\x08\x01\x3a\x02\x18\x01").publish.unsupported, "type");
    assert_string_equal(
        COMMAND("\x07\x08\x01\x3a\x03\x22\x01k").publish.unsupported, "key");
    assert_string_equal(
        COMMAND("\x06\x08\x01\x3a\x02\x28\x01").publish.unsupported, "removed");
    assert_null(COMMAND("\x06\x08\x01\x3a\x02\x18\x00").publish.unsupported);
}

static const char *refused_in_connect(const Parley__SubscribeRequest *sub)
{
    Parley__ConnectRequest__SubsEntry e =
        PARLEY__CONNECT_REQUEST__SUBS_ENTRY__INIT;
    Parley__ConnectRequest__SubsEntry *entries[] = {&e};
    Parley__ConnectRequest connect = PARLEY__CONNECT_REQUEST__INIT;
    Parley__Command in = PARLEY__COMMAND__INIT;

    e.key = "c";
    e.value = (Parley__SubscribeRequest *)sub;
    connect.subs = entries;
    connect.n_subs = 1;
    in.id = 1;
    in.connect = &connect;
    return packed(&in).connect.subs[0].unsupported;
}

static void what_is_refused_is_noted_in_connect_too(void **state)
{
    static const Parley__SubscribeRequest none =
        PARLEY__SUBSCRIBE_REQUEST__INIT;
    Parley__SubscribeRequest r;

    (void)state;
    assert_null(refused_in_connect(&none));
    r = none;
    r.tf = bytes("x");
    assert_string_equal(refused_in_connect(&r), "tf");
    r = none;
    r.type = 1;
    assert_string_equal(refused_in_connect(&r), "type");
    r = none;
    r.phase = -1;
    assert_string_equal(refused_in_connect(&r), "phase");
    r = none;
    r.cursor = bytes("x");
    assert_string_equal(refused_in_connect(&r), "cursor");
    r = none;
    r.limit = 1;
    assert_string_equal(refused_in_connect(&r), "limit");
    r = none;
    r.asc = true;
    assert_string_equal(refused_in_connect(&r), "asc");
}

static void numbers_too_long_for_their_field_are_truncated(void **state)
{
    (void)state;
    assert_int_equal(COMMAND("\x06\x08\x81\x80\x80\x80\x10").id, 1);
    assert_true(COMMAND("\x07\x08\x01\x2a\x03\x18\x80\x01").subscribe.recover);
}

static void unknown_fields_are_skipped(void **state)
{
    struct pl_command c = COMMAND("\x17\x82\x01\x01\xff\x08\x01\x15...."
                                  "\x3a\x0a\x0a\x01"
                                  "c\x38\x01\x32\x01k\x48\x01");

    (void)state;
    assert_int_equal(c.id, 1);
    assert_span(c.publish.channel, "c");
}

static void a_field_of_another_type_is_malformed(void **state)
{
    static const char why[] = "a field has the type of another";

    (void)state;
    MALFORMED("\x03\x0a\x01\x01", why, 1);
    MALFORMED("\x04\x08\x01\x38\x01", why, 3);
    MALFORMED("\x06\x08\x01\x3a\x02\x08\x01", why, 5);
    MALFORMED("\x06\x08\x01\x2a\x02\x1a\x00", why, 5);
    MALFORMED("\x06\x08\x01\x22\x02\x08\x01", why, 5);
}

static void names_are_utf8_without_a_zero(void **state)
{
    static const char why[] = "a string is not UTF-8 or has a zero byte";

    (void)state;
    MALFORMED("\x08\x08\x01\x3a\x04\x0a\x02"
              "c\0",
              why, 5);
    MALFORMED("\x07\x08\x01\x3a\x03\x0a\x01\xff", why, 5);
    MALFORMED("\x07\x08\x01\x22\x03\x0a\x01\x80", why, 5);
    MALFORMED("\x08\x08\x01\x52\x04\x0a\x02"
              "h\0",
              why, 5);
}

/* Five fields an entry; the length takes three bytes. */
static enum pl_err decode_subs(size_t count, struct pl_command *c)
{
    struct pl_buf b = {0};
    size_t inner = count * 6, outer = 2 + 4 + inner;

    pl_buf_printf(&b, "%c%c%c", (int)(outer & 0x7f) | 0x80,
                  (int)(outer >> 7 & 0x7f) | 0x80, (int)(outer >> 14));
    pl_buf_printf(&b, "\x08\x01\x22%c%c%c", (int)(inner & 0x7f) | 0x80,
                  (int)(inner >> 7 & 0x7f) | 0x80, (int)(inner >> 14));
    for (size_t i = 0; i < count; i++)
        pl_buf_printf(&b, "\x1a\x04\x0a\x02%c%c", 1 + (int)(i / 100),
                      1 + (int)(i % 100));
    enum pl_err rc = decode(pl_buf_span(&b), c);
    pl_buf_fini(&b);
    return rc;
}

static void subscriptions_in_connect_are_bounded(void **state)
{
    struct pl_command c;

    (void)state;
    assert_int_equal(decode_subs(4096, &c), PL_OK);
    assert_int_equal(c.connect.sub_count, 4096);
    assert_int_equal(decode_subs(4097, &c), PL_EBADMSG);
    assert_string_equal(d.why, "too many subscriptions");
}

/* Unknown fields of two bytes in a connect; the lengths take three bytes. */
static enum pl_err decode_unknown(size_t count, struct pl_command *c)
{
    struct pl_buf b = {0};
    size_t inner = count * 2, outer = 2 + 4 + inner;

    pl_buf_printf(&b, "%c%c%c", (int)(outer & 0x7f) | 0x80,
                  (int)(outer >> 7 & 0x7f) | 0x80, (int)(outer >> 14));
    pl_buf_printf(&b, "\x08\x01\x22%c%c%c", (int)(inner & 0x7f) | 0x80,
                  (int)(inner >> 7 & 0x7f) | 0x80, (int)(inner >> 14));
    for (size_t i = 0; i < count; i++)
        pl_buf_put(&b, "\x30\x01", 2);
    enum pl_err rc = decode(pl_buf_span(&b), c);
    pl_buf_fini(&b);
    return rc;
}

static void fields_that_protobuf_c_would_allocate_for_are_bounded(void **state)
{
    struct pl_command c;

    (void)state;
    assert_int_equal(decode_unknown(32766, &c), PL_OK); /* with id, connect */
    assert_int_equal(decode_unknown(32767, &c), PL_EBADMSG);
    assert_string_equal(d.why, "too many fields");
}

static void an_arena_at_its_limit_is_out_of_memory(void **state)
{
    struct pl_command c;

    (void)state;
    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_PROTOBUF, PL_SPAN("\x04\x08\x01\x22\x00"));
    d.arena.limit = 16;
    assert_int_equal(decoding_next(&d, &c), PL_ENOMEM);
}

static int forget(void **state)
{
    (void)state;
    decoding_fini(&d);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_is_read_with_its_map),
        cmocka_unit_test(every_field_of_subscribe_is_read),
        cmocka_unit_test(publish_points_into_the_message),
        cmocka_unit_test(requests_with_only_a_channel_are_read),
        cmocka_unit_test(history_tells_whether_it_has_a_position),
        cmocka_unit_test(the_other_verbs_are_read),
        cmocka_unit_test(without_id_it_is_a_pong_unless_it_sends),
        cmocka_unit_test(data_that_was_not_sent_is_absent),
        cmocka_unit_test(commands_stand_one_after_the_other),
        cmocka_unit_test(a_length_beyond_the_message_is_malformed),
        cmocka_unit_test(two_requests_in_a_command_are_malformed),
        cmocka_unit_test(a_field_that_comes_twice_is_malformed),
        cmocka_unit_test(what_is_refused_is_noted_by_name),
        cmocka_unit_test(what_is_refused_is_noted_in_connect_too),
        cmocka_unit_test(numbers_too_long_for_their_field_are_truncated),
        cmocka_unit_test(unknown_fields_are_skipped),
        cmocka_unit_test(a_field_of_another_type_is_malformed),
        cmocka_unit_test(names_are_utf8_without_a_zero),
        cmocka_unit_test(subscriptions_in_connect_are_bounded),
        cmocka_unit_test(fields_that_protobuf_c_would_allocate_for_are_bounded),
        cmocka_unit_test(an_arena_at_its_limit_is_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
