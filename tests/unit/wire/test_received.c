/* SPDX-License-Identifier: Apache-2.0 */
/* test_received.c - what the broker encodes is what a client decodes, in both
 * encodings. */
#include "receiving.h"

#include <stdio.h>

static const struct pl_client_info ada = {
    .user = {"ad\"a", 4},
    .client = {"c1", 2},
    .conn_info = {"{\"a\":1}", 7},
    .chan_info = {"[2]", 3},
};
static const struct pl_publication two[] = {
    {.data = {"{\"t\":\"hi\"}", 10}, .info = &ada, .offset = UINT64_MAX},
    {.data = {"5", 1}},
};

/* Decoded by the last reply() or push(). */
static struct decoding d;

static struct pl_received take(enum pl_encoding e, struct pl_buf *b)
{
    assert_false(b->failed);
    decoding_fini(&d);
    struct pl_received r = receiving_one(&d, e, pl_buf_span(b));
    pl_buf_fini(b);
    return r;
}

static struct pl_received reply(enum pl_encoding e, const struct pl_reply *in)
{
    struct pl_buf b = {0};

    pl_reply_encode(e, &b, in);
    struct pl_received r = take(e, &b);
    assert_false(r.is_push);
    assert_int_equal(r.id, in->id);
    return r;
}

static struct pl_received push(enum pl_encoding e, const struct pl_push *in)
{
    struct pl_buf b = {0};

    pl_push_encode(e, &b, in);
    struct pl_received r = take(e, &b);
    assert_true(r.is_push);
    assert_int_equal(r.id, 0);
    assert_same_span(r.channel, in->channel);
    return r;
}

static void same_info(const struct pl_received_info *r,
                      const struct pl_client_info *in)
{
    assert_int_equal(r->is_set, in != NULL);
    if (in == NULL)
        return;
    assert_same_span(r->user, in->user);
    assert_same_span(r->client, in->client);
    assert_same_span(r->conn_info, in->conn_info);
    assert_same_span(r->chan_info, in->chan_info);
}

static void same_publication(const struct pl_received_publication *r,
                             const struct pl_publication *in)
{
    assert_same_span(r->data, in->data);
    same_info(&r->info, in->info);
    assert_true(r->offset == in->offset);
    assert_int_equal(r->tags.count, 0);
}

static void same_list(struct pl_received_list l)
{
    struct pl_received_publication p;

    assert_int_equal(l.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pl_received_publication_next(&l, &d.arena, &p), PL_OK);
        same_publication(&p, &two[i]);
    }
    assert_int_equal(pl_received_publication_next(&l, &d.arena, &p), PL_ENOENT);
}

static const struct pl_subscribe_result subscribed = {
    .epoch = {"Xabc", 4},
    .offset = 1ull << 60,
    .publications = two,
    .publication_count = 2,
    .data = {"null", 4},
    .ttl = 7,
    .expires = true,
    .recoverable = true,
    .positioned = true,
    .recovered = true,
    .was_recovering = true,
};

static void same_subscribe(const struct pl_received_subscribe *r)
{
    assert_span(r->epoch, "Xabc");
    assert_true(r->offset == 1ull << 60);
    assert_span(r->data, "null");
    assert_int_equal(r->ttl, 7);
    assert_true(r->expires && r->recoverable && r->positioned);
    assert_true(r->recovered && r->was_recovering);
    assert_int_equal(r->channel_id, 0);
    same_list(r->publications);
}

static void a_publication_push_is_read(enum pl_encoding e)
{
    for (int i = 0; i < 2; i++) {
        struct pl_push in = {.kind = PL_PUSH_PUBLICATION,
                             .channel = {"ro\\om", 5},
                             .publication = two[i]};
        struct pl_received r = push(e, &in);

        assert_int_equal(r.kind, PL_RECEIVED_PUBLICATION);
        same_publication(&r.publication, &two[i]);
    }
}

static void joins_and_leaves_are_read(enum pl_encoding e)
{
    struct pl_push in = {
        .kind = PL_PUSH_JOIN, .channel = {"room", 4}, .client = ada};
    struct pl_received r = push(e, &in);

    assert_int_equal(r.kind, PL_RECEIVED_JOIN);
    same_info(&r.info, &ada);
    in.kind = PL_PUSH_LEAVE;
    r = push(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_LEAVE);
    same_info(&r.info, &ada);
}

static void other_pushes_are_read(enum pl_encoding e)
{
    struct pl_push in = {.kind = PL_PUSH_UNSUBSCRIBE,
                         .channel = {"room", 4},
                         .unsubscribe = {2500, {"gone", 4}}};
    struct pl_received r = push(e, &in);

    assert_int_equal(r.kind, PL_RECEIVED_UNSUBSCRIBED);
    assert_int_equal(r.end.code, 2500);
    assert_span(r.end.reason, "gone");
    in = (struct pl_push){.kind = PL_PUSH_MESSAGE, .data = {"[1]", 3}};
    r = push(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_MESSAGE);
    assert_span(r.data, "[1]");
    in = (struct pl_push){.kind = PL_PUSH_SUBSCRIBE,
                          .channel = {"s", 1},
                          .subscribe = {.epoch = {"e", 1},
                                        .offset = 9,
                                        .data = {"1", 1},
                                        .recoverable = true,
                                        .positioned = true}};
    r = push(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_SUBSCRIBED);
    assert_span(r.subscribe.epoch, "e");
    assert_int_equal(r.subscribe.offset, 9);
    assert_span(r.subscribe.data, "1");
    assert_true(r.subscribe.recoverable && r.subscribe.positioned);
}

static void an_error_is_read(enum pl_encoding e)
{
    struct pl_reply in = {.id = UINT32_MAX,
                          .kind = PL_REPLY_ERROR,
                          .error = {100, {"inter\nnal", 9}, true}};
    struct pl_received r = reply(e, &in);

    assert_int_equal(r.kind, PL_RECEIVED_ERROR);
    assert_int_equal(r.error.code, 100);
    assert_span(r.error.message, "inter\nnal");
    assert_true(r.error.temporary);
}

static void a_connect_result_is_read_with_its_map(enum pl_encoding e)
{
    struct pl_connect_sub subs[] = {{{"#42", 3}, subscribed},
                                    {.channel = {"b", 1}}};
    struct pl_reply in = {.id = 1,
                          .kind = PL_REPLY_CONNECT,
                          .connect = {.client = {"id", 2},
                                      .version = {"v", 1},
                                      .data = {"{}", 2},
                                      .subs = subs,
                                      .sub_count = 2,
                                      .ttl = 60,
                                      .ping = 25,
                                      .expires = true,
                                      .pong = true}};
    struct pl_received r = reply(e, &in);
    struct pl_received_subscribe s;
    struct pl_span channel;

    assert_int_equal(r.kind, PL_RECEIVED_CONNECT);
    assert_span(r.connect.client, "id");
    assert_span(r.connect.version, "v");
    assert_span(r.connect.data, "{}");
    assert_int_equal(r.connect.ttl, 60);
    assert_int_equal(r.connect.ping, 25);
    assert_true(r.connect.expires && r.connect.pong);
    struct pl_received_list *l = &r.connect.subs;
    assert_int_equal(l->count, 2);
    assert_int_equal(pl_received_sub_next(l, &d.arena, &channel, &s), PL_OK);
    assert_span(channel, "#42");
    same_subscribe(&s);
    assert_int_equal(pl_received_sub_next(l, &d.arena, &channel, &s), PL_OK);
    assert_span(channel, "b");
    assert_int_equal(s.publications.count, 0);
    assert_int_equal(pl_received_sub_next(l, &d.arena, &channel, &s),
                     PL_ENOENT);
}

static void a_subscribe_result_is_read_with_its_list(enum pl_encoding e)
{
    struct pl_reply in = {
        .id = 2, .kind = PL_REPLY_SUBSCRIBE, .subscribe = subscribed};
    struct pl_received r = reply(e, &in);

    assert_int_equal(r.kind, PL_RECEIVED_SUBSCRIBE);
    same_subscribe(&r.subscribe);
}

static void a_history_is_read_with_its_list(enum pl_encoding e)
{
    struct pl_reply in = {
        .id = 3, .kind = PL_REPLY_HISTORY, .history = {two, 2, {"ep", 2}, 12}};
    struct pl_received r = reply(e, &in);
    struct pl_received_publication p;

    assert_int_equal(r.kind, PL_RECEIVED_HISTORY);
    assert_span(r.history.epoch, "ep");
    assert_int_equal(r.history.offset, 12);
    same_list(r.history.publications);
    in.history.count = 0;
    r = reply(e, &in);
    assert_int_equal(r.history.publications.count, 0);
    assert_int_equal(
        pl_received_publication_next(&r.history.publications, &d.arena, &p),
        PL_ENOENT);
}

static void a_presence_is_read_with_its_map(enum pl_encoding e)
{
    struct pl_client_info who[] = {ada, {.client = {"c\t2", 3}}};
    struct pl_reply in = {
        .id = 4, .kind = PL_REPLY_PRESENCE, .presence = {who, 2}};
    struct pl_received r = reply(e, &in);
    struct pl_received_info i;
    struct pl_span client;

    assert_int_equal(r.kind, PL_RECEIVED_PRESENCE);
    assert_int_equal(r.presence.count, 2);
    for (int n = 0; n < 2; n++) {
        assert_int_equal(
            pl_received_info_next(&r.presence, &d.arena, &client, &i), PL_OK);
        assert_same_span(client, who[n].client);
        same_info(&i, &who[n]);
    }
}

static void other_results_are_read(enum pl_encoding e)
{
    struct pl_reply in = {
        .id = 5, .kind = PL_REPLY_PRESENCE_STATS, .presence_stats = {3, 2}};
    struct pl_received r = reply(e, &in);

    assert_int_equal(r.kind, PL_RECEIVED_PRESENCE_STATS);
    assert_int_equal(r.stats.clients, 3);
    assert_int_equal(r.stats.users, 2);
    in = (struct pl_reply){.id = 6, .kind = PL_REPLY_RPC, .rpc = {"\"x\"", 3}};
    r = reply(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_RPC);
    assert_span(r.data, "\"x\"");
    in = (struct pl_reply){.id = 7,
                           .kind = PL_REPLY_REFRESH,
                           .refresh = {{"c", 1}, {"v", 1}, 30, true}};
    r = reply(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_REFRESH);
    assert_span(r.refresh.client, "c");
    assert_span(r.refresh.version, "v");
    assert_int_equal(r.refresh.ttl, 30);
    assert_true(r.refresh.expires);
    in = (struct pl_reply){
        .id = 8, .kind = PL_REPLY_SUB_REFRESH, .sub_refresh = {40, true}};
    r = reply(e, &in);
    assert_int_equal(r.kind, PL_RECEIVED_SUB_REFRESH);
    assert_int_equal(r.refresh.ttl, 40);
    assert_true(r.refresh.expires);
}

static void empty_results_and_pings_are_read(enum pl_encoding e)
{
    struct pl_reply in = {.id = 9, .kind = PL_REPLY_PUBLISH};
    struct pl_buf b = {0};

    assert_int_equal(reply(e, &in).kind, PL_RECEIVED_PUBLISH);
    in.kind = PL_REPLY_UNSUBSCRIBE;
    assert_int_equal(reply(e, &in).kind, PL_RECEIVED_UNSUBSCRIBE);
    pl_ping_encode(e, &b);
    assert_int_equal(take(e, &b).kind, PL_RECEIVED_PING);
}

/* Each of them in both encodings. */
#define BOTH(name)                                                             \
    static void name##_in_json(void **state)                                   \
    {                                                                          \
        (void)state;                                                           \
        name(PL_ENCODING_JSON);                                                \
    }                                                                          \
    static void name##_in_protobuf(void **state)                               \
    {                                                                          \
        (void)state;                                                           \
        name(PL_ENCODING_PROTOBUF);                                            \
    }
BOTH(a_publication_push_is_read)
BOTH(joins_and_leaves_are_read)
BOTH(other_pushes_are_read)
BOTH(an_error_is_read)
BOTH(a_connect_result_is_read_with_its_map)
BOTH(a_subscribe_result_is_read_with_its_list)
BOTH(a_history_is_read_with_its_list)
BOTH(a_presence_is_read_with_its_map)
BOTH(other_results_are_read)
BOTH(empty_results_and_pings_are_read)

/* ---- What only other servers send ---- */

#define JSON(text) receiving_one(&d, PL_ENCODING_JSON, PL_SPAN(text))
#define PROTOBUF(text) receiving_one(&d, PL_ENCODING_PROTOBUF, PL_SPAN(text))

static void fields_that_the_broker_never_sends_are_read(void **state)
{
    struct pl_span key, value;

    (void)state;
    decoding_fini(&d);
    struct pl_received r =
        JSON("{\"push\":{\"id\":-3,\"pub\":{\"tags\":{\"a\":\"b\\n\",\"c\":"
             "\"\"},\"time\":1700000000000,\"channel\":\"x:1\",\"epoch\":"
             "\"e\",\"delta\":true,\"key\":\"k\",\"score\":-1,\"data\":\n1 "
             "}}}");
    assert_int_equal(r.kind, PL_RECEIVED_PUBLICATION);
    assert_int_equal(r.channel_id, -3);
    assert_null(r.channel.at);
    assert_true(r.publication.time_ms == 1700000000000);
    assert_span(r.publication.channel, "x:1");
    assert_span(r.publication.epoch, "e");
    assert_span(r.publication.data, "1");
    assert_true(r.publication.delta);
    struct pl_received_list l = r.publication.tags;
    assert_int_equal(l.count, 2);
    assert_int_equal(pl_received_tag_next(&l, &d.arena, &key, &value), PL_OK);
    assert_span(key, "a");
    assert_span(value, "b\n");
    assert_int_equal(pl_received_tag_next(&l, &d.arena, &key, &value), PL_OK);
    assert_span(key, "c");
    assert_span(value, "");
    decoding_fini(&d);
    r = PROTOBUF("\x12\"\x10\x08\x05\"\x0c"
                 ":\x06\x0a\x01k\x12\x01v"
                 "H\x07@\x01");
    assert_int_equal(r.channel_id, 5);
    assert_int_equal(r.publication.time_ms, 7);
    assert_true(r.publication.delta);
    l = r.publication.tags;
    assert_int_equal(pl_received_tag_next(&l, &d.arena, &key, &value), PL_OK);
    assert_span(key, "k");
    assert_span(value, "v");
}

static void pushes_that_the_broker_never_sends_are_read(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r =
        JSON("{\"push\":{\"disconnect\":{\"code\":3001,\"reason\":\"bye\","
             "\"reconnect\":true}}}");
    assert_int_equal(r.kind, PL_RECEIVED_DISCONNECT);
    assert_int_equal(r.end.code, 3001);
    assert_span(r.end.reason, "bye");
    assert_true(r.end.reconnect);
    decoding_fini(&d);
    r = JSON("{\"push\":{\"refresh\":{\"expires\":true,\"ttl\":9}}}");
    assert_int_equal(r.kind, PL_RECEIVED_REFRESHED);
    assert_int_equal(r.refresh.ttl, 9);
    decoding_fini(&d);
    r = JSON("{\"push\":{\"connect\":{\"client\":\"c\",\"ping\":25,\"subs\":{"
             "\"a\":null}}}}");
    assert_int_equal(r.kind, PL_RECEIVED_CONNECTED);
    assert_span(r.connect.client, "c");
    assert_int_equal(r.connect.ping, 25);
    assert_int_equal(r.connect.subs.count, 1);
}

static void their_numbers_in_protobuf_are_those_of_the_protocol(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r = PROTOBUF("\x0e\"\x0cZ\x0a\x08\xb9\x17\x12\x03"
                                    "bye\x18\x01");
    assert_int_equal(r.kind, PL_RECEIVED_DISCONNECT);
    assert_int_equal(r.end.code, 3001);
    assert_span(r.end.reason, "bye");
    assert_true(r.end.reconnect);
    decoding_fini(&d);
    r = PROTOBUF("\x08\"\x06\x62\x04\x08\x01\x10\x09");
    assert_int_equal(r.kind, PL_RECEIVED_REFRESHED);
    assert_int_equal(r.refresh.ttl, 9);
    assert_true(r.refresh.expires);
    decoding_fini(&d);
    r = PROTOBUF("\x17\"\x15R\x13\x0a\x01\x63\x1a\x01\x31\"\x03\x0a\x01"
                 "a(\x01\x30\x07\x38\x19@\x01");
    assert_int_equal(r.kind, PL_RECEIVED_CONNECTED);
    assert_span(r.connect.client, "c");
    assert_span(r.connect.data, "1");
    assert_int_equal(r.connect.subs.count, 1);
    assert_int_equal(r.connect.ttl, 7);
    assert_int_equal(r.connect.ping, 25);
    assert_true(r.connect.expires && r.connect.pong);
    decoding_fini(&d);
    r = PROTOBUF("\x0c\"\x0a\"\x08R\x03x:1r\x01\x65");
    assert_span(r.publication.channel, "x:1");
    assert_span(r.publication.epoch, "e");
    decoding_fini(&d);
    r = PROTOBUF("\x08\x08\x01\x32\x04h\x01p\x05");
    assert_int_equal(r.kind, PL_RECEIVED_SUBSCRIBE);
    assert_true(r.subscribe.delta);
    assert_int_equal(r.subscribe.channel_id, 5);
}

static void null_is_a_payload_but_no_other_value(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r = JSON("{\"id\":1,\"rpc\":{\"data\":null}}");
    assert_span(r.data, "null");
    decoding_fini(&d);
    r = JSON("{\"id\":1,\"rpc\":{}}");
    assert_null(r.data.at);
    decoding_fini(&d);
    r = JSON("{\"id\":1,\"subscribe\":{\"epoch\":null,\"offset\":null,"
             "\"publications\":null}}");
    assert_null(r.subscribe.epoch.at);
    assert_int_equal(r.subscribe.publications.count, 0);
}

static void unknown_members_are_skipped(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r = JSON("{\"new\":[{}],\"id\":3,\"rpc\":{\"more\":1,"
                                "\"data\":2},\"error\":null}");
    assert_int_equal(r.kind, PL_RECEIVED_RPC);
    assert_span(r.data, "2");
    decoding_fini(&d);
    r = PROTOBUF("\x0c\x08\x03j\x05\x0a\x01"
                 "2x\x01\xa0\x06\x01");
    assert_int_equal(r.kind, PL_RECEIVED_RPC);
    assert_span(r.data, "2");
}

static void unknown_replies_and_pushes_are_told_as_such(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r = JSON("{\"id\":3,\"new\":{}}");
    assert_int_equal(r.kind, PL_RECEIVED_UNKNOWN);
    assert_int_equal(r.id, 3);
    assert_false(r.is_push);
    decoding_fini(&d);
    r = JSON("{\"new\":{}}");
    assert_int_equal(r.kind, PL_RECEIVED_UNKNOWN);
    decoding_fini(&d);
    r = JSON("{\"push\":{\"channel\":\"c\",\"new\":{}}}");
    assert_int_equal(r.kind, PL_RECEIVED_UNKNOWN);
    assert_true(r.is_push);
    assert_span(r.channel, "c");
    decoding_fini(&d);
    r = PROTOBUF("\x04\"\x02j\x00"); /* field 13 of a push */
    assert_int_equal(r.kind, PL_RECEIVED_UNKNOWN);
    assert_true(r.is_push);
}

static void a_message_may_have_several_replies(void **state)
{
    struct pl_received r;

    (void)state;
    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_JSON,
                    PL_SPAN("{}\n {\"id\":1,\"publish\":{}} \r\n{ }\n"));
    assert_int_equal(receiving_next(&d, &r), PL_OK);
    assert_int_equal(r.kind, PL_RECEIVED_PING);
    assert_int_equal(receiving_next(&d, &r), PL_OK);
    assert_int_equal(r.kind, PL_RECEIVED_PUBLISH);
    assert_int_equal(receiving_next(&d, &r), PL_OK);
    assert_int_equal(r.kind, PL_RECEIVED_PING);
    assert_int_equal(d.rest.len, 0);
    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_PROTOBUF, PL_SPAN("\0\x04\x08\x01"
                                                  "B\0\0"));
    for (int i = 0; i < 3; i++)
        assert_int_equal(receiving_next(&d, &r), PL_OK);
    assert_int_equal(d.rest.len, 0);
}

static void a_publication_without_escapes_takes_no_memory(void **state)
{
    (void)state;
    decoding_fini(&d);
    JSON("{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":{\"a\":\"\\n\"},"
         "\"info\":{\"user\":\"u\",\"client\":\"c\"},\"tags\":{\"a\":\"b\"}}}"
         "}");
    assert_int_equal(d.arena.used, 0);
    assert_null(d.arena.block);
}

/* Publications of three bytes each, as many as fit into `size` bytes. */
static struct pl_span many(size_t size)
{
    static const char head[] = "{\"id\":1,\"history\":{\"publications\":[{}";
    static const char tail[] = "]}}";
    char *text = malloc(size);
    size_t len = sizeof head - 1;

    assert_non_null(text);
    memcpy(text, head, len);
    for (; size - len >= 3 + sizeof tail; len += 3)
        memcpy(text + len, ",{}", 3);
    memcpy(text + len, tail, sizeof tail);
    return (struct pl_span){text, len + sizeof tail - 1};
}

static void a_long_list_takes_no_memory(void **state)
{
    struct pl_span text = many(300000);
    struct pl_received_publication p;
    size_t count = 0;

    (void)state;
    decoding_fini(&d);
    struct pl_received r = receiving_one(&d, PL_ENCODING_JSON, text);
    free((void *)text.at);
    while (pl_received_publication_next(&r.history.publications, &d.arena,
                                        &p) == PL_OK)
        count++;
    assert_in_range(count, 99000, 100000);
    assert_null(d.arena.block);
}

static void strings_with_escapes_in_a_list_take_memory_when_read(void **state)
{
    struct pl_received_publication p;

    (void)state;
    decoding_fini(&d);
    struct pl_received r =
        JSON("{\"id\":1,\"history\":{\"publications\":[{\"info\":{\"user\":"
             "\"\\n\"}}],\"offset\":3}}");
    assert_int_equal(d.arena.used, 0);
    assert_int_equal(
        pl_received_publication_next(&r.history.publications, &d.arena, &p),
        PL_OK);
    assert_span(p.info.user, "\n");
    assert_true(d.arena.used > 0);
}

static void strings_with_escapes_after_a_list_stay(void **state)
{
    (void)state;
    decoding_fini(&d);
    struct pl_received r =
        JSON("{\"id\":1,\"history\":{\"publications\":[{},{\"info\":{\"user\":"
             "\"\\n\"}}],\"epoch\":\"\\t\"}}");
    assert_span(r.history.epoch, "\t");
    assert_true(d.arena.used > 0);
}

static void
strings_with_escapes_stay_within_the_limit_of_the_arena(void **state)
{
    struct pl_received r;

    (void)state;
    decoding_fini(&d);
    d = decoding_of(PL_ENCODING_JSON,
                    PL_SPAN("{\"push\":{\"channel\":\"\\n0123456789\"}}"));
    d.arena.limit = 8;
    assert_int_equal(receiving_next(&d, &r), PL_ENOMEM);
    decoding_fini(&d);
}

#define TESTS(name)                                                            \
    cmocka_unit_test(name##_in_json), cmocka_unit_test(name##_in_protobuf)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTS(a_publication_push_is_read),
        TESTS(joins_and_leaves_are_read),
        TESTS(other_pushes_are_read),
        TESTS(an_error_is_read),
        TESTS(a_connect_result_is_read_with_its_map),
        TESTS(a_subscribe_result_is_read_with_its_list),
        TESTS(a_history_is_read_with_its_list),
        TESTS(a_presence_is_read_with_its_map),
        TESTS(other_results_are_read),
        TESTS(empty_results_and_pings_are_read),
        cmocka_unit_test(fields_that_the_broker_never_sends_are_read),
        cmocka_unit_test(pushes_that_the_broker_never_sends_are_read),
        cmocka_unit_test(their_numbers_in_protobuf_are_those_of_the_protocol),
        cmocka_unit_test(null_is_a_payload_but_no_other_value),
        cmocka_unit_test(unknown_members_are_skipped),
        cmocka_unit_test(unknown_replies_and_pushes_are_told_as_such),
        cmocka_unit_test(a_message_may_have_several_replies),
        cmocka_unit_test(a_publication_without_escapes_takes_no_memory),
        cmocka_unit_test(a_long_list_takes_no_memory),
        cmocka_unit_test(strings_with_escapes_in_a_list_take_memory_when_read),
        cmocka_unit_test(strings_with_escapes_after_a_list_stay),
        cmocka_unit_test(
            strings_with_escapes_stay_within_the_limit_of_the_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
