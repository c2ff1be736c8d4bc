/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h with permessage-deflate against RFC 7692: frames of both sides,
 * cut in every way; see ws_check.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deflate.h"
#include "ws_check.h"

enum { MAX_MESSAGE = 1000 };

#define ROW WS_ROW
#define CHECK_ROWS(rows) WS_CHECK_ROWS(ws_check_deflate, rows, MAX_MESSAGE)

static void the_examples_of_the_rfc_are_read(void **state)
{
    static const struct ws_row rows[] = {
        /* 7.2.3.1: one block; and in two fragments */
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00", "text=Hello"),
        ROW("\x41\x03\xF2\x48\xCD\x80\x04\xC9\xC9\x07\x00", "text=Hello"),
        /* 7.2.3.3: a block without compression */
        ROW("\xC1\x0B\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00",
            "text=Hello"),
        /* 7.2.3.4: a final block */
        ROW("\xC1\x08\xF3\x48\xCD\xC9\xC9\x07\x00\x00", "text=Hello"),
        /* 7.2.3.5: two blocks */
        ROW("\xC1\x0D\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00",
            "text=Hello"),
        /* 7.2.3.6: empty */
        ROW("\xC1\x01\x00", "text="),
        ROW("\xC2\x01\x00", "binary="),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* 7.2.3.2: the second message refers to the first, which we do not keep. */
static void a_message_that_refers_to_an_earlier_one_is_wrong(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
            "\xC1\x05\xF2\x00\x11\x00\x00",
            "text=Hello error=1007"),
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
            "\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00",
            "text=Hello text=Hello"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void messages_may_be_plain_all_the_same(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x05Hello", "text=Hello"),
        ROW("\x81\x05Hello\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00\x82\x01x",
            "text=Hello text=Hello binary=x"),
        ROW("\x01\x02He\x80\x03llo\x41\x03\xF2\x48\xCD\x80\x04\xC9\xC9\x07\x00"
            "\x01\x02He\x80\x03llo",
            "text=Hello text=Hello text=Hello"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void control_frames_come_between_compressed_fragments(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x41\x03\xF2\x48\xCD\x89\x02hi\x00\x02\xC9\xC9\x8A\x00\x80\x02"
            "\x07\x00",
            "ping=hi pong= text=Hello"),
        ROW("\x42\x00\x89\x01p\x00\x00\x00\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
            "\x80\x00",
            "ping=p binary=Hello"),
        ROW("\x41\x03\xF2\x48\xCD\x88\x02\x03\xE8", "close=1000/"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void the_bit_belongs_on_the_first_frame_of_a_message(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x41\x03\xF2\x48\xCD\xC0\x04\xC9\xC9\x07\x00", "error=1002"),
        ROW("\x01\x02He\xC0\x03llo", "error=1002"),
        ROW("\xC0\x00", "error=1002"),
        ROW("\xC8\x02\x03\xE8", "error=1002"),
        ROW("\xC9\x00", "error=1002"),
        ROW("\xCA\x00", "error=1002"),
        ROW("\xC3\x00", "error=1002"),
        ROW("\xE1\x01\x00", "error=1002"),
        ROW("\xD1\x01\x00", "error=1002"),
        ROW("\xF1\x01\x00", "error=1002"),
        ROW("\xA1\x00", "error=1002"),
        ROW("\x91\x00", "error=1002"),
        ROW("\x41\x00\xC1\x01\x00", "error=1002"), /* inside a message */
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void without_an_agreement_the_bit_is_wrong(void **state)
{
    (void)state;
    ws_check(PL_SPAN("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"), "error=1002",
             MAX_MESSAGE);
    ws_check(PL_SPAN("\x81\x01x\x42\x00"), "text=x error=1002", MAX_MESSAGE);
}

static void invalid_data_is_told(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\xC1\x00", "error=1007"),
        ROW("\xC1\x01\x07", "error=1007"), /* a block of type 3 */
        ROW("\xC1\x05\xFF\xFF\xFF\xFF\xFF", "error=1007"),
        ROW("\xC1\x06\xF2\x48\xCD\xC9\xC9\x07", "error=1007"),
        ROW("\xC1\x04\xF2\x48\xCD\xC9", "error=1007"),
        ROW("\xC1\x07\xF3\x48\xCD\xC9\xC9\x07\x00", "error=1007"),
        ROW("\xC1\x05\x00\x05\x00\xFF\xFF", "error=1007"), /* lengths differ */
        ROW("\x41\x03\xF2\x48\xCD\x80\x00", "error=1007"),
        ROW("\x81\x01"
            "a\xC2\x01\xFF",
            "text=a error=1007"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void inflated_text_must_be_utf8(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\xC1\x08\x00\x02\x00\xFD\xFF\xC3\xA4\x00", "text=%C3%A4"),
        ROW("\xC1\x07\x00\x01\x00\xFE\xFF\xC3\x00", "error=1007"),
        ROW("\xC1\x08\x00\x02\x00\xFD\xFF\xC3\x28\x00", "error=1007"),
        ROW("\xC2\x08\x00\x02\x00\xFD\xFF\xC3\x28\x00", "binary=%C3("),
        ROW("\x41\x06\x00\x02\x00\xFD\xFF\xC3\x80\x02\xA4\x00", "text=%C3%A4"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* 1000 times "a", and once more. */
static void what_comes_out_is_bounded(void **state)
{
    struct pl_buf expected = {0};

    (void)state;
    pl_buf_put_span(&expected, PL_SPAN("text="));
    for (int i = 0; i < MAX_MESSAGE; i++)
        pl_buf_put_byte(&expected, 'a');
    pl_buf_put_byte(&expected, '\0');
    ws_check_deflate(
        PL_SPAN("\xC1\x0B\x4A\x4C\x1C\x05\xA3\x60\x14\x0C\x77\x00\x00"),
        expected.data, MAX_MESSAGE);
    ws_check_deflate(
        PL_SPAN("\xC1\x0B\x4A\x4C\x1C\x05\xA3\x60\x14\x0C\x77\x00\x00"),
        "error=1009", MAX_MESSAGE - 1);
    pl_buf_fini(&expected);
}

/* What cannot be compressed may come in a little more than max_message. */
static void what_comes_in_is_bounded_too(void **state)
{
    static const char stored[] = "\x00\x08\x00\xF7\xFF"
                                 "12345678\x00";
    struct pl_buf frame = {0};

    (void)state;
    pl_buf_put(&frame, "\xC1\x0E", 2);
    pl_buf_put(&frame, stored, sizeof stored - 1);
    ws_check_deflate(pl_buf_span(&frame), "text=12345678", 8);
    ws_check_deflate(pl_buf_span(&frame), "error=1009", 7);

    /* a header says more than even that: 8 + 1 + 64 bytes */
    ws_check_deflate(PL_SPAN("\xC1\x49"), "", 8);
    ws_check_deflate(PL_SPAN("\xC1\x4A"), "error=1009", 8);
    ws_check_deflate(PL_SPAN("\x41\x01\x00\x80\x48"), "", 8);
    ws_check_deflate(PL_SPAN("\x41\x01\x00\x80\x49"), "error=1009", 8);
    ws_check_deflate(PL_SPAN("\x81\x09"), "error=1009", 8);
    pl_buf_fini(&frame);
}

/* Not at the end of the message: the ping behind it is never seen. */
static void what_is_wrong_is_told_as_soon_as_it_is_inflated(void **state)
{
    static const struct ws_row rows[] = {
        /* text, in a first fragment and in a later one */
        ROW("\x41\x07\x00\x02\x00\xFD\xFF\xC3\x28\x89\x00", "error=1007"),
        ROW("\x41\x06\x00\x01\x00\xFE\xFF\xC3\x89\x01p"
            "\x00\x06\x00\x01\x00\xFE\xFF\x28\x89\x01q",
            "ping=p error=1007"),
        /* in a frame that does not end */
        ROW("\xC1\x7D\x00\x02\x00\xFD\xFF\xC3\x28", "error=1007"),
        ROW("\xC1\x7D\x00\x04\x00\xFB\xFF\xED\xA0", "error=1007"),
        /* behind a good message of the same read */
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
            "\xC1\x7D\x00\x02\x00\xFD\xFF\xC3\x28",
            "text=Hello error=1007"),
        /* cut inside a character: only its end tells */
        ROW("\x41\x06\x00\x01\x00\xFE\xFF\xC3\x89\x00\x80\x01\x00",
            "ping= error=1007"),
        /* data that is invalid, in a binary too */
        ROW("\x42\x01\x07\x89\x00", "error=1007"),
        ROW("\x41\x01\x07\x89\x00", "error=1007"),
        ROW("\xC2\x7D\x00\x05\x00\xFF\xFF", "error=1007"),
        /* no text, no check */
        ROW("\x42\x07\x00\x02\x00\xFD\xFF\xC3\x28\x89\x00\x80\x01\x00",
            "ping= binary=%C3("),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* A fragment that becomes 1000 bytes. */
static void a_bomb_is_told_as_soon_as_it_is_inflated(void **state)
{
    static const char bomb[] =
        "\x42\x0B\x4A\x4C\x1C\x05\xA3\x60\x14\x0C\x77\x00\x00\x89\x00";

    (void)state;
    ws_check_deflate((struct pl_span){bomb, sizeof bomb - 1},
                     "ping=", MAX_MESSAGE);
    ws_check_deflate((struct pl_span){bomb, sizeof bomb - 1}, "error=1009",
                     MAX_MESSAGE - 1);
}

/* However it is cut, whole too: FF stands before what is too much. */
static void the_first_of_two_errors_is_told(void **state)
{
    static const char text[] = "\xC1\x0A\x00\x04\x00\xFB\xFF\xFF"
                               "abc\x00";

    (void)state;
    ws_check_deflate((struct pl_span){text, sizeof text - 1}, "error=1007", 3);
    ws_check_deflate(PL_SPAN("\xC1\x0A\x00\x04\x00\xFB\xFF"
                             "ab\xFF"
                             "c\x00"),
                     "error=1009", 2);
    ws_check_deflate(PL_SPAN("\xC1\x09\x00\x04\x00\xFB\xFF\xFF"
                             "abc\x07"),
                     "error=1007", 100);
}

/* Feed the first part of a text that is compressed, without its end. */
static void feed(struct pl_ws_decoder *d, const struct pl_ws_limits *limits,
                 const char *bytes, size_t len, struct pl_ws_event *out)
{
    static char copy[64];
    struct pl_span in = {copy, len};

    memcpy(copy, bytes, len);
    pl_ws_decode(d, limits, &in, out);
}

static void beyond_its_streams_a_loop_judges_messages_at_their_end(void **state)
{
    enum { MORE = 3, COUNT = PL_INFLATIONS_MAX + MORE };
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.max_message = 100, .inflater = &inflater};
    struct pl_ws_decoder d[COUNT];
    struct pl_ws_event e;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        d[i] = (struct pl_ws_decoder){0};
        feed(&d[i], &limits, "\x41\x06\x00\x01\x00\xFE\xFF\xC3", 8, &e);
        assert_int_equal(e.kind, PL_WS_EVENT_NONE);
    }
    assert_int_equal(inflater.open, PL_INFLATIONS_MAX);
    feed(&d[COUNT - 1], &limits, "\x00\x06\x00\x01\x00\xFE\xFF\x28", 8, &e);
    assert_int_equal(e.kind, PL_WS_EVENT_NONE);
    feed(&d[COUNT - 1], &limits, "\x80\x01\x00", 3, &e);
    assert_int_equal(e.code, 1007);
    feed(&d[0], &limits, "\x00\x06\x00\x01\x00\xFE\xFF\x28", 8, &e);
    assert_int_equal(e.code, 1007);
    assert_int_equal(inflater.open, PL_INFLATIONS_MAX - 1);
    for (int i = 1; i < COUNT - 1; i++) {
        feed(&d[i], &limits, "\x80\x07\x00\x01\x00\xFE\xFF\xA4\x00", 9, &e);
        assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
        assert_true(pl_span_equal(e.payload, PL_SPAN("\xC3\xA4")));
    }
    for (int i = 0; i < COUNT; i++)
        pl_ws_decoder_fini(&d[i], &limits);
    assert_int_equal(inflater.open, 0);
    pl_inflater_fini(&inflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_are_read),
        cmocka_unit_test(a_message_that_refers_to_an_earlier_one_is_wrong),
        cmocka_unit_test(messages_may_be_plain_all_the_same),
        cmocka_unit_test(control_frames_come_between_compressed_fragments),
        cmocka_unit_test(the_bit_belongs_on_the_first_frame_of_a_message),
        cmocka_unit_test(without_an_agreement_the_bit_is_wrong),
        cmocka_unit_test(invalid_data_is_told),
        cmocka_unit_test(inflated_text_must_be_utf8),
        cmocka_unit_test(what_comes_out_is_bounded),
        cmocka_unit_test(what_comes_in_is_bounded_too),
        cmocka_unit_test(what_is_wrong_is_told_as_soon_as_it_is_inflated),
        cmocka_unit_test(a_bomb_is_told_as_soon_as_it_is_inflated),
        cmocka_unit_test(the_first_of_two_errors_is_told),
        cmocka_unit_test(
            beyond_its_streams_a_loop_judges_messages_at_their_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
