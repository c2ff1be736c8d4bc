/* SPDX-License-Identifier: Apache-2.0 */
/* test_protobuf_encode.c - replies and pushes, unpacked by protobuf-c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.pb-c.h"
#include "codec.h"

#define T(text) PL_SPAN(text)

static const struct pl_client_info who = {
    .user = PL_SPAN("7"),
    .client = PL_SPAN("9ac9"),
    .conn_info = PL_SPAN("{\"n\":1}"),
    .chan_info = PL_SPAN("\xff"),
};
static const struct pl_publication pubs[] = {
    {.data = PL_SPAN("\x01\x02"), .info = &who, .offset = 300},
    {.data = PL_SPAN("x"),
     .offset = UINT64_MAX,
     .tags = PL_SPAN("\1\0\0\0\2\0\0\0"
                     "k"
                     "vw"
                     "\1\0\0\0\0\0\0\0"
                     "e")},
    {.info = &(const struct pl_client_info){.user = {0}}},
};
static const struct pl_subscribe_result full = {
    .epoch = PL_SPAN("Xabc"),
    .offset = 42,
    .publications = pubs,
    .publication_count = 3,
    .data = PL_SPAN("d"),
    .ttl = 60,
    .expires = true,
    .recoverable = true,
    .positioned = true,
    .recovered = true,
    .was_recovering = true,
};

/* The one message in `b`, unpacked; packed again it must be the same bytes, so
 * nothing was written that protobuf would write otherwise. */
static Parley__Reply *unpack(struct pl_buf *b)
{
    size_t len = 0, head = 0;
    unsigned shift = 0;

    assert_false(b->failed);
    do
        len |= (size_t)(b->data[head] & 0x7f) << shift;
    while (shift += 7, (b->data[head++] & 0x80) != 0);
    assert_int_equal(len, b->len - head);
    const uint8_t *bytes = (const uint8_t *)b->data + head;
    Parley__Reply *r = parley__reply__unpack(NULL, len, bytes);
    assert_non_null(r);
    assert_int_equal(r->base.n_unknown_fields, 0);
    uint8_t again[1024];
    assert_in_range(len, 0, sizeof(again));
    assert_int_equal(parley__reply__pack(r, again), len);
    assert_memory_equal(again, bytes, len);
    pl_buf_fini(b);
    return r;
}

static Parley__Reply *reply(const struct pl_reply *r)
{
    struct pl_buf b = {0};

    pl_reply_encode(PL_ENCODING_PROTOBUF, &b, r);
    return unpack(&b);
}

static Parley__Push *push(const struct pl_push *p, Parley__Reply **r)
{
    struct pl_buf b = {0};

    pl_push_encode(PL_ENCODING_PROTOBUF, &b, p);
    *r = unpack(&b);
    assert_int_equal((*r)->id, 0);
    assert_non_null((*r)->push);
    return (*r)->push;
}

static void done(Parley__Reply *r)
{
    parley__reply__free_unpacked(r, NULL);
}

static void same_bytes(ProtobufCBinaryData got, struct pl_span want)
{
    assert_int_equal(got.len, want.len);
    if (want.len > 0)
        assert_memory_equal(got.data, want.at, want.len);
}

static void same_text(const char *got, struct pl_span want)
{
    same_bytes((ProtobufCBinaryData){strlen(got), (uint8_t *)got}, want);
}

static void same_info(const Parley__ClientInfo *got,
                      const struct pl_client_info *want)
{
    assert_non_null(got);
    same_text(got->user, want->user);
    same_text(got->client, want->client);
    same_bytes(got->conn_info, want->conn_info);
    same_bytes(got->chan_info, want->chan_info);
}

static void same_publications(Parley__Publication **got, size_t count,
                              const struct pl_publication *want, size_t wanted)
{
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        same_bytes(got[i]->data, want[i].data);
        assert_true(got[i]->offset == want[i].offset);
        assert_int_equal(got[i]->n_tags, want[i].tags.len > 0 ? 2 : 0);
        if (want[i].tags.len > 0) {
            assert_string_equal(got[i]->tags[0]->key, "k");
            assert_string_equal(got[i]->tags[0]->value, "vw");
            assert_string_equal(got[i]->tags[1]->key, "e");
            assert_string_equal(got[i]->tags[1]->value, "");
        }
        if (want[i].info == NULL)
            assert_null(got[i]->info);
        else
            same_info(got[i]->info, want[i].info);
    }
}

static void same_subscribe(const Parley__SubscribeResult *got,
                           const struct pl_subscribe_result *want)
{
    assert_non_null(got);
    same_text(got->epoch, want->epoch);
    same_bytes(got->data, want->data);
    assert_true(got->offset == want->offset);
    assert_int_equal(got->ttl, want->ttl);
    assert_int_equal(got->expires, want->expires);
    assert_int_equal(got->recoverable, want->recoverable);
    assert_int_equal(got->positioned, want->positioned);
    assert_int_equal(got->recovered, want->recovered);
    assert_int_equal(got->was_recovering, want->was_recovering);
    same_publications(got->publications, got->n_publications,
                      want->publications, want->publication_count);
}

static void a_ping_is_one_zero_byte(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ping_encode(PL_ENCODING_PROTOBUF, &b);
    assert_int_equal(b.len, 1);
    assert_int_equal(b.data[0], 0);
    pl_buf_fini(&b);
}

static void a_publish_reply_is_its_tag_with_length_zero(void **state)
{
    struct pl_reply r = {.id = 3, .kind = PL_REPLY_PUBLISH};
    struct pl_buf b = {0};

    (void)state;
    pl_reply_encode(PL_ENCODING_PROTOBUF, &b, &r);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "\x04\x08\x03\x42\x00", 5);
    pl_buf_fini(&b);
}

/* Of every kind a reply with nothing in it: only its own result is there. */
static void an_empty_result_is_there_all_the_same(void **state)
{
    (void)state;
    for (int k = PL_REPLY_ERROR; k <= PL_REPLY_SUB_REFRESH; k++) {
        struct pl_reply in = {.id = 300, .kind = (enum pl_reply_kind)k};
        Parley__Reply *r = reply(&in);

        assert_int_equal(r->id, 300);
        assert_int_equal(r->error != NULL, k == PL_REPLY_ERROR);
        assert_int_equal(r->connect != NULL, k == PL_REPLY_CONNECT);
        assert_int_equal(r->subscribe != NULL, k == PL_REPLY_SUBSCRIBE);
        assert_int_equal(r->unsubscribe != NULL, k == PL_REPLY_UNSUBSCRIBE);
        assert_int_equal(r->publish != NULL, k == PL_REPLY_PUBLISH);
        assert_int_equal(r->presence != NULL, k == PL_REPLY_PRESENCE);
        assert_int_equal(r->presence_stats != NULL,
                         k == PL_REPLY_PRESENCE_STATS);
        assert_int_equal(r->history != NULL, k == PL_REPLY_HISTORY);
        assert_int_equal(r->rpc != NULL, k == PL_REPLY_RPC);
        assert_int_equal(r->refresh != NULL, k == PL_REPLY_REFRESH);
        assert_int_equal(r->sub_refresh != NULL, k == PL_REPLY_SUB_REFRESH);
        assert_null(r->push);
        done(r);
    }
}

static void an_error_keeps_its_fields(void **state)
{
    struct pl_reply in = {
        .id = 1,
        .kind = PL_REPLY_ERROR,
        .error = {.code = 503, .message = T("full"), .temporary = true}};
    Parley__Reply *r = reply(&in);

    (void)state;
    assert_int_equal(r->error->code, 503);
    assert_string_equal(r->error->message, "full");
    assert_true(r->error->temporary);
    done(r);
}

static void a_connect_result_keeps_its_fields_and_subscriptions(void **state)
{
    struct pl_connect_sub subs[] = {{T("#42"), full}, {T("b"), {.offset = 1}}};
    struct pl_reply in = {.id = 1,
                          .kind = PL_REPLY_CONNECT,
                          .connect = {.client = T("9ac9"),
                                      .version = T("parley"),
                                      .data = T("d"),
                                      .subs = subs,
                                      .sub_count = 2,
                                      .ttl = 9,
                                      .ping = 25,
                                      .expires = true,
                                      .pong = true}};
    Parley__Reply *r = reply(&in);
    Parley__ConnectResult *c = r->connect;

    (void)state;
    same_text(c->client, in.connect.client);
    same_text(c->version, in.connect.version);
    same_bytes(c->data, in.connect.data);
    assert_int_equal(c->ttl, 9);
    assert_int_equal(c->ping, 25);
    assert_true(c->expires && c->pong);
    assert_int_equal(c->n_subs, 2);
    for (size_t i = 0; i < 2; i++) {
        same_text(c->subs[i]->key, subs[i].channel);
        same_subscribe(c->subs[i]->value, &subs[i].result);
    }
    done(r);
}

static void a_subscribe_result_keeps_its_fields(void **state)
{
    struct pl_reply in = {
        .id = 2, .kind = PL_REPLY_SUBSCRIBE, .subscribe = full};
    Parley__Reply *r = reply(&in);

    (void)state;
    same_subscribe(r->subscribe, &full);
    done(r);
}

static void presence_and_its_counts_keep_their_fields(void **state)
{
    struct pl_client_info clients[] = {who, {.client = T("b")}};
    struct pl_reply in = {
        .id = 2, .kind = PL_REPLY_PRESENCE, .presence = {clients, 2}};
    Parley__Reply *r = reply(&in);

    (void)state;
    assert_int_equal(r->presence->n_presence, 2);
    for (size_t i = 0; i < 2; i++) {
        same_text(r->presence->presence[i]->key, clients[i].client);
        same_info(r->presence->presence[i]->value, &clients[i]);
    }
    done(r);
    in.kind = PL_REPLY_PRESENCE_STATS;
    in.presence_stats.clients = 3;
    in.presence_stats.users = 2;
    r = reply(&in);
    assert_int_equal(r->presence_stats->num_clients, 3);
    assert_int_equal(r->presence_stats->num_users, 2);
    done(r);
}

static void history_keeps_its_fields(void **state)
{
    struct pl_reply in = {.id = 2,
                          .kind = PL_REPLY_HISTORY,
                          .history = {pubs, 3, T("Xabc"), 300}};
    Parley__Reply *r = reply(&in);

    (void)state;
    same_publications(r->history->publications, r->history->n_publications,
                      pubs, 3);
    assert_string_equal(r->history->epoch, "Xabc");
    assert_int_equal(r->history->offset, 300);
    done(r);
}

static void rpc_and_refresh_results_keep_their_fields(void **state)
{
    struct pl_reply in = {.id = 2, .kind = PL_REPLY_RPC, .rpc = T("a\0b")};
    Parley__Reply *r = reply(&in);

    (void)state;
    same_bytes(r->rpc->data, in.rpc);
    done(r);
    in.kind = PL_REPLY_REFRESH;
    in.refresh = (struct pl_refresh_result){T("c"), T("v"), 60, true};
    r = reply(&in);
    assert_string_equal(r->refresh->client, "c");
    assert_string_equal(r->refresh->version, "v");
    assert_int_equal(r->refresh->ttl, 60);
    assert_true(r->refresh->expires);
    done(r);
    in.kind = PL_REPLY_SUB_REFRESH;
    in.sub_refresh.ttl = 61;
    in.sub_refresh.expires = true;
    r = reply(&in);
    assert_int_equal(r->sub_refresh->ttl, 61);
    assert_true(r->sub_refresh->expires);
    done(r);
}

static void publication_pushes_keep_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pl_push in = {.kind = PL_PUSH_PUBLICATION,
                             .channel = T("room:1"),
                             .publication = pubs[i]};
        Parley__Reply *r;
        Parley__Push *p = push(&in, &r);

        assert_string_equal(p->channel, "room:1");
        same_publications(&p->pub, 1, &pubs[i], 1);
        done(r);
    }
}

static void joins_and_leaves_keep_their_fields(void **state)
{
    struct pl_push in = {
        .kind = PL_PUSH_JOIN, .channel = T("c"), .client = who};
    Parley__Reply *r;

    (void)state;
    same_info(push(&in, &r)->join->info, &who);
    done(r);
    in.kind = PL_PUSH_LEAVE;
    same_info(push(&in, &r)->leave->info, &who);
    done(r);
    in.client = (struct pl_client_info){0};
    same_info(push(&in, &r)->leave->info, &in.client);
    done(r);
}

static void the_other_pushes_keep_their_fields(void **state)
{
    struct pl_push in = {
        .kind = PL_PUSH_UNSUBSCRIBE,
        .channel = T("c"),
        .unsubscribe = {.code = 2500, .reason = T("insufficient state")}};
    Parley__Reply *r;
    Parley__Push *p = push(&in, &r);

    (void)state;
    assert_int_equal(p->unsubscribe->code, 2500);
    assert_string_equal(p->unsubscribe->reason, "insufficient state");
    done(r);
    in = (struct pl_push){.kind = PL_PUSH_MESSAGE, .data = T("m")};
    p = push(&in, &r);
    assert_string_equal(p->channel, "");
    same_bytes(p->message->data, in.data);
    done(r);
    in = (struct pl_push){
        .kind = PL_PUSH_SUBSCRIBE, .channel = T("c"), .subscribe = full};
    p = push(&in, &r);
    assert_true(p->subscribe->recoverable && p->subscribe->positioned);
    assert_string_equal(p->subscribe->epoch, "Xabc");
    assert_int_equal(p->subscribe->offset, 42);
    same_bytes(p->subscribe->data, full.data);
    done(r);
}

/* Lengths of lengths: around every power of 128. */
static void payloads_of_every_length_are_framed_right(void **state)
{
    static char data[20000];
    static const size_t lens[] = {0,     1,     109,   110,   111,   120,
                                  126,   127,   128,   16363, 16370, 16380,
                                  16383, 16384, 16385, 20000};

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct pl_push in = {.kind = PL_PUSH_PUBLICATION, .channel = T("c")};
        struct pl_buf b = {0};

        in.publication.data = (struct pl_span){data, lens[i]};
        pl_push_encode(PL_ENCODING_PROTOBUF, &b, &in);
        size_t head = b.len < 129 ? 1 : b.len < 16386 ? 2 : 3;
        Parley__Reply *r = parley__reply__unpack(
            NULL, b.len - head, (const uint8_t *)b.data + head);
        assert_non_null(r);
        assert_int_equal(r->push->pub->data.len, lens[i]);
        done(r);
        pl_buf_fini(&b);
    }
}

static void a_failed_buffer_is_left_alone(void **state)
{
    struct pl_buf b = {.failed = true};
    struct pl_push push = {.kind = PL_PUSH_MESSAGE, .data = T("x")};

    (void)state;
    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        pl_push_encode((enum pl_encoding)e, &b, &push);
        for (int k = PL_REPLY_ERROR; k <= PL_REPLY_SUB_REFRESH; k++) {
            struct pl_reply r = {.id = 1, .kind = (enum pl_reply_kind)k};

            pl_reply_encode((enum pl_encoding)e, &b, &r);
        }
    }
    assert_true(b.failed);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ping_is_one_zero_byte),
        cmocka_unit_test(a_publish_reply_is_its_tag_with_length_zero),
        cmocka_unit_test(an_empty_result_is_there_all_the_same),
        cmocka_unit_test(an_error_keeps_its_fields),
        cmocka_unit_test(a_connect_result_keeps_its_fields_and_subscriptions),
        cmocka_unit_test(a_subscribe_result_keeps_its_fields),
        cmocka_unit_test(presence_and_its_counts_keep_their_fields),
        cmocka_unit_test(history_keeps_its_fields),
        cmocka_unit_test(rpc_and_refresh_results_keep_their_fields),
        cmocka_unit_test(publication_pushes_keep_their_fields),
        cmocka_unit_test(joins_and_leaves_keep_their_fields),
        cmocka_unit_test(the_other_pushes_keep_their_fields),
        cmocka_unit_test(payloads_of_every_length_are_framed_right),
        cmocka_unit_test(a_failed_buffer_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
