/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h: the bytes of RFC 6455 section 5.7, lengths at every border, and
 * reading back what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "frame.h"

static const size_t lengths[] = {0,   1,     124,   125,   126,   127,
                                 128, 65534, 65535, 65536, 65537, 200000};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

static char *letters(size_t len)
{
    char *text = test_malloc(len + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 26);
    return text;
}

static void assert_bytes(const struct pl_buf *b, struct pl_span expected)
{
    assert_false(b->failed);
    assert_int_equal(b->len, expected.len);
    assert_memory_equal(b->data, expected.at, expected.len);
}

static void the_examples_of_rfc_6455_are_written_byte_for_byte(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ws_frame_put(&b, PL_WS_TEXT, PL_SPAN("Hello"));
    pl_ws_frame_put(&b, PL_WS_PING, PL_SPAN("Hello"));
    pl_ws_frame_put(&b, PL_WS_PONG, (struct pl_span){NULL, 0});
    assert_bytes(&b, PL_SPAN("\x81\x05Hello\x89\x05Hello\x8A\x00"));
    pl_buf_fini(&b);

    char *text = letters(65536);
    pl_ws_frame_put(&b, PL_WS_BINARY, (struct pl_span){text, 256});
    assert_memory_equal(b.data, "\x82\x7E\x01\x00", 4);
    assert_int_equal(b.len, 4 + 256);
    pl_buf_fini(&b);
    pl_ws_frame_put(&b, PL_WS_BINARY, (struct pl_span){text, 65536});
    assert_memory_equal(b.data, "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    assert_int_equal(b.len, 10 + 65536);
    pl_buf_fini(&b);
    test_free(text);
}

/* Read one message back as a client would. */
static void assert_reads_back(struct pl_span frames, const char *text,
                              size_t len)
{
    struct pl_ws_limits limits = {.max_message = 1 << 20, .masked = false};
    struct pl_ws_decoder d = {0};
    struct pl_ws_event e;

    pl_ws_decode(&d, &limits, &frames, &e);
    assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
    assert_int_equal(e.opcode, PL_WS_BINARY);
    assert_int_equal(e.payload.len, len);
    assert_memory_equal(e.payload.at, text, len);
    assert_int_equal(frames.len, 0);
}

static void every_length_is_written_minimally_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct pl_buf b = {0};
        char *text = letters(lengths[i]);

        pl_ws_frame_put(&b, PL_WS_BINARY, (struct pl_span){text, lengths[i]});
        assert_true(b.len - lengths[i] <= PL_WS_HEADER_MAX);
        assert_reads_back(pl_buf_span(&b), text, lengths[i]);
        pl_buf_fini(&b);
        test_free(text);
    }
}

/* Begin and end around a payload written in pieces gives the same bytes as
 * put, also behind other content. */
static void a_frame_begun_and_ended_is_as_if_put(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct pl_buf one = {0}, two = {0};
        char *text = letters(lengths[i]);

        pl_ws_frame_put(&one, PL_WS_PING, PL_SPAN("before"));
        pl_ws_frame_put(&one, PL_WS_TEXT, (struct pl_span){text, lengths[i]});
        pl_ws_frame_put(&two, PL_WS_PING, PL_SPAN("before"));
        size_t mark = pl_ws_frame_begin(&two);
        pl_buf_put(&two, text, lengths[i] / 3);
        pl_buf_put(&two, text + lengths[i] / 3, lengths[i] - lengths[i] / 3);
        pl_ws_frame_end(&two, mark, PL_WS_TEXT);
        assert_bytes(&two, pl_buf_span(&one));
        pl_buf_fini(&one);
        pl_buf_fini(&two);
        test_free(text);
    }
}

static void a_buffer_that_failed_is_left_alone(void **state)
{
    struct pl_buf b = {.failed = true};

    (void)state;
    pl_ws_frame_put(&b, PL_WS_TEXT, PL_SPAN("x"));
    pl_ws_frame_end(&b, pl_ws_frame_begin(&b), PL_WS_TEXT);
    pl_ws_frame_close(&b, 1000, PL_SPAN("x"));
    assert_int_equal(b.len, 0);
    assert_true(b.failed);
    pl_buf_fini(&b);
    pl_ws_frame_put(&b, PL_WS_TEXT, PL_SPAN("kept"));
    size_t mark = pl_ws_frame_begin(&b);
    b.failed = true; /* as when the payload did not fit */
    pl_ws_frame_end(&b, mark, PL_WS_TEXT);
    assert_memory_equal(b.data, "\x81\x04kept", 6);
    pl_buf_fini(&b);
}

static void a_close_frame_has_its_code_and_reason(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ws_frame_close(&b, 1000, PL_SPAN("bye"));
    pl_ws_frame_close(&b, 3001, PL_SPAN(""));
    pl_ws_frame_close(&b, 0, PL_SPAN("not written"));
    assert_bytes(&b, PL_SPAN("\x88\x05\x03\xE8"
                             "bye\x88\x02\x0B\xB9\x88\x00"));
    pl_buf_fini(&b);
}

/* 123 bytes are room for 61 characters of two bytes and one byte more. */
static void a_long_reason_is_truncated_between_characters(void **state)
{
    static const struct {
        const char *character;
        size_t kept;
    } rows[] = {
        {"a", 123},
        {"\xC3\xA9", 122},
        {"\xE2\x82\xAC", 123},
        {"\xF0\x9F\x98\x80", 120},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pl_buf reason = {0}, b = {0};

        while (reason.len < 150)
            pl_buf_put_span(&reason, pl_span_of(rows[i].character));
        pl_ws_frame_close(&b, 1000, pl_buf_span(&reason));
        assert_int_equal((unsigned char)b.data[1], 2 + rows[i].kept);
        assert_int_equal(b.len, 4 + rows[i].kept);
        assert_memory_equal(b.data + 4, reason.data, rows[i].kept);
        pl_buf_fini(&reason);
        pl_buf_fini(&b);
    }
}

static void a_frame_is_as_long_as_its_header_and_payload(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct pl_buf b = {0};
        char *text = letters(lengths[i]);

        pl_ws_frame_put(&b, PL_WS_TEXT, (struct pl_span){text, lengths[i]});
        size_t first = b.len;
        pl_ws_frame_put(&b, PL_WS_TEXT, PL_SPAN("next"));
        assert_int_equal(pl_ws_frame_length(pl_buf_span(&b)), first);
        struct pl_span payload =
            pl_ws_frame_payload((struct pl_span){b.data, first});
        assert_int_equal(payload.len, lengths[i]);
        assert_memory_equal(payload.at, text, lengths[i]);
        pl_buf_fini(&b);
        test_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_6455_are_written_byte_for_byte),
        cmocka_unit_test(every_length_is_written_minimally_and_read_back),
        cmocka_unit_test(a_frame_begun_and_ended_is_as_if_put),
        cmocka_unit_test(a_buffer_that_failed_is_left_alone),
        cmocka_unit_test(a_close_frame_has_its_code_and_reason),
        cmocka_unit_test(a_long_reason_is_truncated_between_characters),
        cmocka_unit_test(a_frame_is_as_long_as_its_header_and_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
