/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h against RFC 6455 sections 5 to 7.  Each row is frames as a server
 * sends them and what they must become; ws_check() feeds it to both sides of
 * a connection, cut in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "ws_check.h"

enum { MAX_MESSAGE = 1000 };

#define ROW WS_ROW
#define CHECK_ROWS(rows) WS_CHECK_ROWS(ws_check, rows, MAX_MESSAGE)

static void messages_and_control_frames_are_told_in_order(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x05Hello", "text=Hello"),
        ROW("\x82\x03\x00\xFF\x25", "binary=%00%FF%25"),
        ROW("\x81\x00", "text="),
        ROW("\x82\x00", "binary="),
        ROW("\x89\x05Hello", "ping=Hello"),
        ROW("\x8A\x05Hello", "pong=Hello"),
        ROW("\x89\x00", "ping="),
        ROW("\x8A\x00", "pong="),
        ROW("\x81\x01"
            "a\x82\x01"
            "b\x89\x01"
            "c\x8A\x01"
            "d\x81\x01"
            "e",
            "text=a binary=b ping=c pong=d text=e"),
        ROW("\x89\x01"
            "1\x89\x01"
            "2\x89\x01"
            "3",
            "ping=1 ping=2 ping=3"),
        ROW("\x81\x05Hel", ""),
        ROW("\x81", ""),
        ROW("\x81\x7E\x00", ""),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void fragments_become_one_message(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x01\x03Hel\x80\x02lo", "text=Hello"),
        ROW("\x02\x03Hel\x80\x02lo", "binary=Hello"),
        ROW("\x01\x01H\x00\x01"
            "e\x00\x02ll\x80\x01o",
            "text=Hello"),
        ROW("\x01\x00\x80\x00", "text="),
        ROW("\x02\x00\x00\x00\x80\x00", "binary="),
        ROW("\x01\x00\x00\x00\x80\x02ok", "text=ok"),
        ROW("\x01\x02ok\x00\x00\x80\x00", "text=ok"),
        ROW("\x01\x03Hel\x89\x01p\x80\x02lo", "ping=p text=Hello"),
        ROW("\x01\x03Hel\x8A\x00\x89\x02pq\x00\x01l\x8A\x01r\x80\x01o",
            "pong= ping=pq pong=r text=Hello"),
        ROW("\x01\x02"
            "ab\x80\x02"
            "cd\x01\x02"
            "ef\x80\x02gh",
            "text=abcd text=efgh"),
        ROW("\x01\x02"
            "ab\x80\x02"
            "cd\x81\x02"
            "ef",
            "text=abcd text=ef"),
        ROW("\x02\x01"
            "a\x88\x02\x03\xE8",
            "close=1000/"),
        ROW("\x01\x01"
            "a\x80\x01"
            "b\x89\x01p",
            "text=ab ping=p"),
        ROW("\x01\x01"
            "a",
            ""),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void fragments_out_of_order_are_1002(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x80\x01"
            "a",
            "error=1002"),
        ROW("\x00\x01"
            "a",
            "error=1002"),
        ROW("\x80\x00", "error=1002"),
        ROW("\x81\x01"
            "a\x80\x01"
            "b",
            "text=a error=1002"),
        ROW("\x01\x01"
            "a\x81\x01"
            "b",
            "error=1002"),
        ROW("\x01\x01"
            "a\x01\x01"
            "b",
            "error=1002"),
        ROW("\x01\x01"
            "a\x82\x01"
            "b",
            "error=1002"),
        ROW("\x02\x01"
            "a\x02\x01"
            "b",
            "error=1002"),
        ROW("\x01\x01"
            "a\x80\x01"
            "b\x80\x01"
            "c",
            "text=ab error=1002"),
        ROW("\x01\x01"
            "a\x89\x00\x81\x01"
            "b",
            "ping= error=1002"),
        ROW("\x01\x00\x81\x00", "error=1002"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void control_frames_are_short_and_whole(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x09\x00", "error=1002"),
        ROW("\x0A\x00", "error=1002"),
        ROW("\x08\x00", "error=1002"),
        ROW("\x89\x7E\x00\x7E", "error=1002"),
        ROW("\x8A\x7E\x00\x7E", "error=1002"),
        ROW("\x88\x7E\x00\x7E", "error=1002"),
        ROW("\x89\x7F\x00\x00\x00\x00\x00\x01\x00\x00", "error=1002"),
        ROW("\x89\x7E\x00\x05Hello", "error=1002"),
        ROW("\x01\x01"
            "a\x09\x00",
            "error=1002"),
    };
    char frame[2 + 125], expected[5 + 125 + 1] = "ping=";

    (void)state;
    CHECK_ROWS(rows);
    memcpy(frame, "\x89\x7D", 2);
    memset(frame + 2, 'p', 125);
    memset(expected + 5, 'p', 125);
    ws_check((struct pl_span){frame, sizeof frame}, expected, MAX_MESSAGE);
    ws_check((struct pl_span){frame, sizeof frame}, expected, 0);
}

static void a_close_has_its_code_and_reason_or_none(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x88\x00", "close=0/"),
        ROW("\x88\x02\x03\xE8", "close=1000/"),
        ROW("\x88\x05\x03\xE9"
            "bye",
            "close=1001/bye"),
        ROW("\x88\x04\x03\xE8\xC3\xA9", "close=1000/%C3%A9"),
        ROW("\x88\x01\x03", "error=1002"),
        ROW("\x88\x01", "error=1002"),
        ROW("\x88\x03\x03\xE8\x80", "error=1007"),
        ROW("\x88\x03\x03\xE8\xC3", "error=1007"),
        ROW("\x88\x05\x03\xE8\xED\xA0\x80", "error=1007"),
        ROW("\x88\x03\x03\xED\x80", "error=1002"), /* the code comes first */
        /* nothing counts after a close */
        ROW("\x88\x00\x88\x00", "close=0/"),
        ROW("\x88\x02\x03\xE8\x81\x01"
            "a",
            "close=1000/"),
        ROW("\x88\x02\x03\xE8\xFF\xFF\xFF", "close=1000/"),
        ROW("\x81\x01"
            "a\x88\x02\x03\xE8",
            "text=a close=1000/"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* RFC 6455 section 7.4 and the registered codes, written out as ranges of
 * codes that are wrong. */
static bool is_wrong(unsigned code)
{
    return code < 1000 || (code >= 1004 && code <= 1006) ||
           (code >= 1015 && code <= 2999) || code >= 5000;
}

static void every_close_code_is_judged_right(void **state)
{
    struct pl_ws_limits limits = {.max_message = MAX_MESSAGE};
    char expected[32];

    (void)state;
    for (unsigned code = 0; code <= 0xFFFF; code++) {
        char frame[] = {'\x88', 2, (char)(code >> 8), (char)code};
        struct pl_buf log = {0};

        snprintf(expected, sizeof expected,
                 is_wrong(code) ? "error=1002" : "close=%u/", code);
        ws_feed(&log, &limits, (struct pl_span){frame, 4}, 4, 4);
        pl_buf_put_byte(&log, '\0');
        assert_string_equal(log.data, expected);
        pl_buf_fini(&log);
    }
}

static void lengths_are_minimal(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x82\x7E\x00\x00", "error=1002"),
        ROW("\x82\x7E\x00\x05Hello", "error=1002"),
        ROW("\x82\x7E\x00\x7D", "error=1002"),
        ROW("\x81\x7F\x00\x00\x00\x00\x00\x00\x00\x00", "error=1002"),
        ROW("\x81\x7F\x00\x00\x00\x00\x00\x00\x00\x05Hello", "error=1002"),
        ROW("\x82\x7F\x00\x00\x00\x00\x00\x00\x00\x7E", "error=1002"),
        ROW("\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF", "error=1002"),
        ROW("\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x00", "error=1002"),
        ROW("\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x05", "error=1002"),
        ROW("\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "error=1002"),
        ROW("\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "error=1009"),
        ROW("\x82\x7F\x00\x00\x00\x00\x80\x00\x00\x00", "error=1009"),
        ROW("\x82\x7F\x00\x00\x00\x01\x00\x00\x00\x00", "error=1009"),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* One frame of `len` bytes at every border of the length's forms. */
static void every_form_of_length_is_read(void **state)
{
    static const size_t lengths[] = {1,   124, 125,   126,   127,   255,
                                     256, 300, 65534, 65535, 65536, 70000};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i];
        struct pl_buf frame = {0}, expected = {0};
        unsigned char more[8];

        for (int k = 0; k < 8; k++)
            more[k] = (unsigned char)((uint64_t)len >> (56 - 8 * k));
        pl_buf_put_byte(&frame, '\x82');
        pl_buf_put_byte(&frame, (char)(len < 126       ? len
                                       : len < 0x10000 ? 126
                                                       : 127));
        if (len >= 126)
            pl_buf_put(&frame, len < 0x10000 ? more + 6 : more,
                       len < 0x10000 ? 2 : 8);
        pl_buf_put_span(&expected, PL_SPAN("binary="));
        for (size_t k = 0; k < len; k++) {
            pl_buf_put_byte(&frame, (char)('a' + k % 26));
            pl_buf_put_byte(&expected, (char)('a' + k % 26));
        }
        pl_buf_put_byte(&expected, '\0');
        /* the largest are fed in fewer ways: a log of each is built */
        if (len <= 300) {
            ws_check(pl_buf_span(&frame), expected.data, len);
        } else {
            struct pl_ws_limits limits = {.max_message = len};
            struct pl_buf log = {0};

            ws_feed(&log, &limits, pl_buf_span(&frame), 1, 4096);
            pl_buf_put_byte(&log, '\0');
            assert_string_equal(log.data, expected.data);
            pl_buf_fini(&log);
        }
        pl_buf_fini(&frame);
        pl_buf_fini(&expected);
    }
}

static void the_limit_holds_for_all_fragments_together(void **state)
{
    static const struct {
        struct ws_row row;
        size_t max;
    } rows[] = {
        {ROW("\x81\x05Hello", "text=Hello"), 5},
        {ROW("\x81\x06Hello!", "error=1009"), 5},
        {ROW("\x81\x06", "error=1009"), 5}, /* told by the header alone */
        {ROW("\x82\x7E\x00\x7E", "error=1009"), 125},
        {ROW("\x01\x03Hel\x80\x02lo", "text=Hello"), 5},
        {ROW("\x01\x03Hel\x80\x03lo!", "error=1009"), 5},
        {ROW("\x01\x03Hel\x80\x03", "error=1009"), 5},
        {ROW("\x01\x03Hel\x00\x02lo\x80\x00", "text=Hello"), 5},
        {ROW("\x01\x03Hel\x00\x02lo\x00\x01", "error=1009"), 5},
        {ROW("\x01\x03Hel\x89\x06pppppp\x80\x02lo", "ping=pppppp text=Hello"),
         5},
        {ROW("\x01\x03Hel\x80\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
             "error=1009"),
         5},
        {ROW("\x81\x03"
             "abc\x01\x03"
             "def\x80\x02gh",
             "text=abc text=defgh"),
         5},
        {ROW("\x81\x00", "text="), 0},
        {ROW("\x81\x01", "error=1009"), 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ws_check((struct pl_span){rows[i].row.bytes, rows[i].row.len},
                 rows[i].row.expected, rows[i].max);
}

static void text_is_utf8_over_all_fragments(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x02\xC3\xA9", "text=%C3%A9"),
        ROW("\x81\x04\xF0\x9F\x98\x80", "text=%F0%9F%98%80"),
        ROW("\x01\x01\xC3\x80\x01\xA9", "text=%C3%A9"),
        ROW("\x01\x01\xF0\x00\x01\x9F\x00\x00\x00\x01\x98\x80\x01\x80",
            "text=%F0%9F%98%80"),
        ROW("\x01\x02\xF0\x9F\x89\x01\xFF\x80\x02\x98\x80",
            "ping=%FF text=%F0%9F%98%80"),
        ROW("\x81\x01\xC3", "error=1007"),
        ROW("\x01\x01\xC3\x80\x00", "error=1007"),
        ROW("\x01\x01\xC3\x80\x01"
            "a",
            "error=1007"),
        ROW("\x01\x03\xE2\x82\xAC\x80\x02\xE2\x82", "error=1007"),
        ROW("\x81\x02\xC0\xAF", "error=1007"),
        ROW("\x81\x03\xED\xA0\x80", "error=1007"),
        ROW("\x81\x04\xF4\x90\x80\x80", "error=1007"),
        ROW("\x81\x01\xFF", "error=1007"),
        ROW("\x81\x01"
            "a\x81\x01\xFF",
            "text=a error=1007"),
        /* binary is anything, also right behind unfinished text */
        ROW("\x82\x04\xC0\xAF\xFF\xC3", "binary=%C0%AF%FF%C3"),
        ROW("\x02\x01\xC3\x80\x01\x28", "binary=%C3("),
        ROW("\x89\x02\xC3\x28", "ping=%C3("),
    };

    (void)state;
    CHECK_ROWS(rows);
}

/* No more than the wrong byte must be here, however much the frame has
 * announced. */
static void wrong_text_is_told_inside_an_unfinished_frame(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x7D\xFF", "error=1007"),
        ROW("\x81\x7D"
            "abc\xC3\x28",
            "error=1007"),
        ROW("\x81\x7E\x03\xE8"
            "abc\xED\xA0",
            "error=1007"),
        ROW("\x01\x7D\xF4\x90", "error=1007"),
        ROW("\x01\x01\xE2\x00\x7D\x28", "error=1007"),
        ROW("\x01\x03\xE2\x82\xAC\x89\x00\x80\x7D"
            "abcdefghijklmnopqrstuvwxyz\x80",
            "ping= error=1007"),
        ROW("\x81\x7D\xC3", ""), /* may still become a character */
    };

    (void)state;
    CHECK_ROWS(rows);
}

static void the_side_decides_about_masks(void **state)
{
    static const struct {
        bool masked;
        struct ws_row row;
    } rows[] = {
        {true,
         ROW("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", "text=Hello")},
        {true,
         ROW("\x89\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", "ping=Hello")},
        {true, ROW("\x81\x85\x00\x00\x00\x00Hello", "text=Hello")},
        {true, ROW("\x81\x05Hello", "error=1002")},
        {true, ROW("\x81\x05", "error=1002")},
        {true, ROW("\x81\x00", "error=1002")},
        {true, ROW("\x89\x00", "error=1002")},
        {true, ROW("\x88\x00", "error=1002")},
        {true, ROW("\x82\x7E", "error=1002")},
        {true, ROW("\x82\x7F", "error=1002")},
        {true, ROW("\x01\x81\x00\x00\x00\x00"
                   "a\x80\x01"
                   "b",
                   "error=1002")},
        {false,
         ROW("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", "error=1002")},
        {false, ROW("\x81\x80", "error=1002")},
        {false, ROW("\x89\x80", "error=1002")},
        {false, ROW("\x88\x80", "error=1002")},
        {false, ROW("\x82\xFE", "error=1002")},
        {false, ROW("\x82\xFF", "error=1002")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t piece = 1; piece <= rows[i].row.len; piece++) {
            struct pl_ws_limits limits = {.max_message = MAX_MESSAGE,
                                          .masked = rows[i].masked};
            struct pl_buf log = {0};

            ws_feed(&log, &limits,
                    (struct pl_span){rows[i].row.bytes, rows[i].row.len}, piece,
                    piece);
            pl_buf_put_byte(&log, '\0');
            assert_string_equal(log.data, rows[i].row.expected);
            pl_buf_fini(&log);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_control_frames_are_told_in_order),
        cmocka_unit_test(fragments_become_one_message),
        cmocka_unit_test(fragments_out_of_order_are_1002),
        cmocka_unit_test(control_frames_are_short_and_whole),
        cmocka_unit_test(a_close_has_its_code_and_reason_or_none),
        cmocka_unit_test(every_close_code_is_judged_right),
        cmocka_unit_test(lengths_are_minimal),
        cmocka_unit_test(every_form_of_length_is_read),
        cmocka_unit_test(the_limit_holds_for_all_fragments_together),
        cmocka_unit_test(text_is_utf8_over_all_fragments),
        cmocka_unit_test(wrong_text_is_told_inside_an_unfinished_frame),
        cmocka_unit_test(the_side_decides_about_masks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
