/* SPDX-License-Identifier: Apache-2.0 */
/* test_received_malformed.c - what is no message of a server: the error, and
 * the byte. */
#include "receiving.h"

struct row {
    struct pl_span text;
    const char *why;
    size_t at;
};
#define ROW(text, why, at)                                                     \
    {                                                                          \
        {text, sizeof(text) - 1}, why, at                                      \
    }

static void malformed(enum pl_encoding e, const struct row *row)
{
    struct decoding d = decoding_of(e, row->text);
    struct pl_received r;
    struct pl_span before;
    enum pl_err rc;

    do {
        before = d.rest;
        rc = receiving_next(&d, &r);
    } while (rc == PL_OK && d.rest.len > 0);
    if (rc != PL_EBADMSG || strcmp(d.why, row->why) != 0 || d.at != row->at)
        print_error("%.*s: %s at %zu\n", (int)row->text.len, row->text.at,
                    rc == PL_OK ? "taken" : d.why, d.at);
    assert_int_equal(rc, PL_EBADMSG);
    assert_string_equal(d.why, row->why);
    assert_int_equal(d.at, row->at);
    assert_int_equal(d.rest.len, before.len); /* nothing taken */
    decoding_fini(&d);
}

static const struct row json_rows[] = {
    ROW("", "no reply", 0),
    ROW(" ", "no reply", 1),
    ROW("null", "an object is expected", 0),
    ROW("[]", "an object is expected", 0),
    ROW("\x0a\x00", "an object is expected", 0), /* protobuf */
    ROW("{}\n\n{}", "an object is expected", 0),
    ROW("{}{}", "a newline is expected after a reply", 2),
    ROW("{", "a key is missing", 1),
    ROW("{\"id\":1", "a comma or a bracket is missing", 7),
    ROW("{\"id\":1,\"rpc\":{\"data\":{\"a\"", "a colon is missing", 26),
    ROW("{\"id\":-1}", "an integer is expected", 6),
    ROW("{\"id\":4294967296}", "an integer does not fit", 16),
    ROW("{\"id\":\"1\"}", "an integer is expected", 6),
    ROW("{\"id\":1,\"id\":1}", "a member is given twice", 13),
    ROW("{\"push\":[]}", "an object is expected", 8),
    ROW("{\"push\":{},\"rpc\":{}}", "a reply has two results", 17),
    ROW("{\"rpc\":{},\"push\":{}}", "a reply has two results", 17),
    ROW("{\"rpc\":{},\"error\":{}}", "a reply has two results", 18),
    ROW("{\"push\":{\"pub\":{},\"join\":{}}}", "a reply has two results", 25),
    ROW("{\"push\":{\"channel\":5}}", "a string is expected", 19),
    ROW("{\"push\":{\"channel\":\"\xff\"}}", "a string is not UTF-8", 20),
    ROW("{\"push\":{\"channel\":\"\\u0000\"}}",
        "zero or half a pair in a string", 27),
    ROW("{\"push\":{\"channel\":\"\\ud800\"}}",
        "zero or half a pair in a string", 27),
    ROW("{\"push\":{\"pub\":5}}", "an object is expected", 15),
    ROW("{\"push\":{\"pub\":{\"data\":}}}", "not a JSON value", 23),
    ROW("{\"push\":{\"pub\":{\"offset\":18446744073709551616}}}",
        "an integer does not fit", 45),
    ROW("{\"push\":{\"pub\":{\"offset\":1.5}}}", "an integer is expected", 26),
    ROW("{\"push\":{\"pub\":{\"delta\":1}}}", "true or false is expected", 24),
    ROW("{\"push\":{\"pub\":{\"tags\":[]}}}", "an object is expected", 23),
    ROW("{\"push\":{\"pub\":{\"tags\":{\"a\":1}}}}", "a string is expected",
        28),
    ROW("{\"push\":{\"pub\":{\"info\":[]}}}", "an object is expected", 23),
    ROW("{\"id\":1,\"history\":{\"publications\":{}}}", "a list is expected",
        34),
    ROW("{\"id\":1,\"history\":{\"publications\":[5]}}",
        "an object is expected", 35),
    ROW("{\"id\":1,\"history\":{\"publications\":[{},]}}",
        "an object is expected", 38),
    ROW("{\"id\":1,\"history\":{\"publications\":[{} {}]}}",
        "a comma or a bracket is missing", 38),
    ROW("{\"id\":1,\"history\":{\"publications\":[{}",
        "a comma or a bracket is missing", 37),
    ROW("{\"id\":1,\"history\":{\"publications\":[{\"offset\":\"\\n\"}]}}",
        "an integer is expected", 45),
    ROW("{\"id\":1,\"presence\":{\"presence\":{\"c\":5}}}",
        "an object is expected", 36),
    ROW("{\"id\":1,\"connect\":{\"subs\":{\"c\":{\"publications\":[{\"info\":"
        "{\"user\":1}}]}}}}",
        "a string is expected", 64),
};

static void in_json_each_fault_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof json_rows / sizeof json_rows[0]; i++)
        malformed(PL_ENCODING_JSON, &json_rows[i]);
}

static const struct row protobuf_rows[] = {
    ROW("", "no reply", 0),
    ROW("{\"id\":1}", "a length beyond the end of the message", 0), /* JSON */
    ROW("\x02\x08", "a length beyond the end of the message", 0),
    ROW("\xff\xff\xff\xff\x0f", "a length beyond the end of the message", 0),
    ROW("\x80\x80\x80\x80\x80\x00", "a length beyond the end of the message",
        0),
    ROW("\x00\x01\x08", "a field is malformed", 1),
    ROW("\x01\x08", "a field is malformed", 1),
    ROW("\x02\x00\x00", "a field is malformed", 1), /* field 0 */
    ROW("\x02\x0b\x0c", "a field is malformed", 1), /* a group */
    ROW("\x0c\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        "a field is malformed", 1), /* a varint of 11 bytes */
    ROW("\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "a field is malformed", 1), /* of 65 bits */
    ROW("\x02\x0a\x00", "a field has the type of another", 1),
    ROW("\x02\x20\x00", "a field has the type of another", 1),
    ROW("\x02\x30\x00", "a field has the type of another", 1),
    ROW("\x04\x08\x01\x08\x01", "a field is given twice", 3),
    ROW("\x04\x3a\x00\x42\x00", "a reply has two results", 3),
    ROW("\x04\x22\x00\x42\x00", "a reply has two results", 3),
    ROW("\x04\x42\x00\x22\x00", "a reply has two results", 3),
    ROW("\x06\x22\x04\x22\x00\x2a\x00", "a reply has two results", 5),
    ROW("\x05\x22\x03\x12\x01\xff", "a string is not UTF-8 or has a zero byte",
        3),
    ROW("\x05\x22\x03\x12\x01\x00", "a string is not UTF-8 or has a zero byte",
        3),
    ROW("\x04\x22\x02\x22\x05", "a field is malformed", 3),
    ROW("\x06\x22\x04\x22\x02\x32\x00", "a field has the type of another", 5),
    ROW("\x06\x22\x04\x22\x02\x28\x00", "a field has the type of another", 5),
    ROW("\x0b\x22\x09\x22\x07\x3a\x05\x0a\x00\x12\x01\xff",
        "a string is not UTF-8 or has a zero byte", 11), /* a tag */
    ROW("\x08\x22\x06\x22\x04\x3a\x02\x08\x00",
        "a field has the type of another", 7), /* a tag's key */
    ROW("\x06\x5a\x04\x0a\x02\x2a\x05", "a field is malformed", 5),
    ROW("\x0a\x2a\x08\x32\x06\x12\x04\x3a\x02\x22\x05", "a field is malformed",
        9), /* in a publication of connect.subs */
};

static void in_protobuf_each_fault_has_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof protobuf_rows / sizeof protobuf_rows[0]; i++)
        malformed(PL_ENCODING_PROTOBUF, &protobuf_rows[i]);
}

/* `open` so many times, behind `head`. */
static struct pl_span nested(struct pl_span head, char open, size_t count)
{
    char *text = malloc(head.len + count);

    assert_non_null(text);
    memcpy(text, head.at, head.len);
    memset(text + head.len, open, count);
    return (struct pl_span){text, head.len + count};
}

static void json_may_nest_64_deep_in_a_payload(void **state)
{
    static const struct pl_span heads[] = {
        {"{\"push\":{\"pub\":{\"data\":", 23}, {"{\"unknown\":", 11}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct row row = {nested(heads[i], '[', 10000), "nested too deeply",
                          heads[i].len + 64};

        malformed(PL_ENCODING_JSON, &row);
        free((void *)row.text.at);
    }
}

/* A message cut anywhere is malformed, and no cut reads beyond its end. */
static void half_a_reply_is_malformed(void **state)
{
    static const char json[] =
        "{\"id\":1,\"history\":{\"publications\":[{\"data\":{\"a\":[1.5e3]},"
        "\"info\":{\"user\":\"\\n\"}}],\"epoch\":\"e\"}}";
    static const char protobuf[] = "\x1a\x08\x01Z\x16\x0a\x11\"\x01\x31*\x0c"
                                   "\x0a\x01u\x12\x07"
                                   "abcdefg\x12\x01"
                                   "e";
    const struct pl_span whole[] = {PL_SPAN(json), PL_SPAN(protobuf)};

    (void)state;
    for (enum pl_encoding e = 0; e <= PL_ENCODING_PROTOBUF; e++)
        for (size_t len = 0; len <= whole[e].len; len++) {
            struct decoding d =
                decoding_of(e, (struct pl_span){whole[e].at, len});
            struct pl_received r;

            assert_int_equal(receiving_next(&d, &r),
                             len == whole[e].len ? PL_OK : PL_EBADMSG);
            decoding_fini(&d);
        }
}

/* --- The usual publication has a decoder of its own --- */

static void same(struct pl_span a, struct pl_span b)
{
    assert_true(a.at == b.at && a.len == b.len);
}

/* `frame`, a length and a reply, decoded by the tables: a field that nobody
 * knows follows, of three bytes. */
static enum pl_err by_the_tables(char *frame, size_t len, struct pl_received *r)
{
    struct pl_span in = {frame, len + 3};
    struct pl_arena arena = {0};
    const char *why;
    size_t at;

    memcpy(frame + len, "\xf8\x01", 3);
    frame[0] += 3;
    enum pl_err rc =
        pl_received_decode(PL_ENCODING_PROTOBUF, &in, &arena, r, &why, &at);
    frame[0] -= 3;
    return rc;
}

static void compare(char *frame, size_t len)
{
    struct pl_span in = {frame, len};
    struct pl_arena arena = {0};
    struct pl_received r, all;
    const char *why;
    size_t at;

    if (pl_received_decode(PL_ENCODING_PROTOBUF, &in, &arena, &r, &why, &at) !=
            PL_OK ||
        in.len > 0)
        return;
    assert_int_equal(by_the_tables(frame, len, &all), PL_OK);
    assert_int_equal(r.kind, all.kind);
    assert_int_equal(r.is_push, all.is_push);
    assert_int_equal(r.id, all.id);
    assert_int_equal(r.channel_id, all.channel_id);
    same(r.channel, all.channel);
    if (r.kind != PL_RECEIVED_PUBLICATION)
        return;
    const struct pl_received_publication *p = &r.publication,
                                         *q = &all.publication;
    same(p->data, q->data);
    same(p->channel, q->channel);
    same(p->epoch, q->epoch);
    same(p->info.user, q->info.user);
    same(p->info.client, q->info.client);
    same(p->info.conn_info, q->info.conn_info);
    same(p->info.chan_info, q->info.chan_info);
    assert_int_equal(p->info.is_set, q->info.is_set);
    assert_true(p->offset == q->offset && p->time_ms == q->time_ms);
    assert_true(p->delta == q->delta && p->tags.count == q->tags.count);
}

static void the_short_way_reads_what_the_tables_read(void **state)
{
    static const struct pl_client_info info = {
        {"ada", 3}, {"cli", 3}, {"[1,2]", 5}, {"{\"a\":1}", 7}};
    static const struct pl_push push = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = {"news", 4},
        .publication = {.data = {"{1}", 3}, .info = &info, .offset = 901},
    };
    struct pl_buf b = {0};
    char frame[100];

    (void)state;
    pl_push_encode(PL_ENCODING_PROTOBUF, &b, &push);
    assert_in_range(b.len, 40, sizeof frame - 3);
    for (size_t i = 1; i < b.len; i++)
        for (unsigned to = 0; to < 256; to++) {
            memcpy(frame, b.data, b.len);
            frame[i] = (char)to;
            compare(frame, b.len);
        }
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_json_each_fault_has_its_place),
        cmocka_unit_test(in_protobuf_each_fault_has_its_place),
        cmocka_unit_test(json_may_nest_64_deep_in_a_payload),
        cmocka_unit_test(half_a_reply_is_malformed),
        cmocka_unit_test(the_short_way_reads_what_the_tables_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
