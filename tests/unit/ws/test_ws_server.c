/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h as a client uses it: what a wrong or hostile server can send.  Each
 * row is cut in every way; the same for both sides is in
 * test_ws_conformance.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deflate.h"
#include "ws_check.h"

enum { MAX_MESSAGE = 1000, MANY = 1000000, FEW = 256 };

#define ROW WS_ROW

/* Rows with and without permessage-deflate. */
static void check_rows(const struct ws_row *rows, size_t count)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.max_message = MAX_MESSAGE, .masked = false};

    for (size_t i = 0; i < count; i++)
        for (int deflates = 0; deflates < 2; deflates++) {
            limits.inflater = deflates ? &inflater : NULL;
            ws_check_side(&limits, (struct pl_span){rows[i].bytes, rows[i].len},
                          rows[i].expected);
        }
    pl_inflater_fini(&inflater);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void check_deflate(const struct ws_row *rows, size_t count)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {
        .max_message = MAX_MESSAGE, .masked = false, .inflater = &inflater};

    for (size_t i = 0; i < count; i++)
        ws_check_side(&limits, (struct pl_span){rows[i].bytes, rows[i].len},
                      rows[i].expected);
    pl_inflater_fini(&inflater);
}

static void a_masked_frame_is_1002_wherever_it_comes(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58", "error=1002"),
        ROW("\x81\x85\x00\x00\x00\x00Hello", "error=1002"),
        ROW("\x82\x80\x00\x00\x00\x00", "error=1002"),
        ROW("\x89\x80\x01\x02\x03\x04", "error=1002"),
        ROW("\x8A\x81\x00\x00\x00\x00p", "error=1002"),
        ROW("\x88\x82\x00\x00\x00\x00\x03\xE8", "error=1002"),
        ROW("\x82\xFE\x00\x7E", "error=1002"),
        ROW("\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00", "error=1002"),
        ROW("\x01\x82\x00\x00\x00\x00He", "error=1002"),
        /* after frames that are right, and inside a message */
        ROW("\x81\x01"
            "a\x81\x81\x00\x00\x00\x00"
            "b",
            "text=a error=1002"),
        ROW("\x01\x02He\x80\x83\x00\x00\x00\x00llo", "error=1002"),
        ROW("\x01\x02He\x00\x80\x00\x00\x00\x00", "error=1002"),
        ROW("\x01\x02He\x89\x80\x00\x00\x00\x00", "error=1002"),
        ROW("\x01\x02He\x89\x01p\x80\x83\x00\x00\x00\x00llo",
            "ping=p error=1002"),
    };
    static const struct ws_row compressed[] = {
        ROW("\xC1\x87\x00\x00\x00\x00\xF2\x48\xCD\xC9\xC9\x07\x00",
            "error=1002"),
        ROW("\x41\x03\xF2\x48\xCD\x80\x84\x00\x00\x00\x00\xC9\xC9\x07\x00",
            "error=1002"),
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00\xC1\x81\x00\x00\x00\x00\x00",
            "text=Hello error=1002"),
    };

    (void)state;
    CHECK(rows);
    check_deflate(compressed, sizeof compressed / sizeof *compressed);
}

static void reserved_bits_and_opcodes_are_1002(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char frame[] = {(char)first, 0};
        const struct ws_row row = {frame, 2, "error=1002"};
        unsigned opcode = first & 0x0F;

        /* RSV1 begins a compressed message: see below */
        if ((first & 0x30) != 0 || (opcode > 2 && opcode < 8) || opcode > 10 ||
            ((first & 0x40) != 0 && (opcode == 0 || opcode > 2)))
            check_rows(&row, 1);
    }
}

static void a_wrong_length_is_refused_by_the_header_alone(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x00", "error=1002"),
        ROW("\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "error=1002"),
        ROW("\x82\x7F\x00\x00\x00\x00\x80\x00\x00\x00", "error=1009"),
        ROW("\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "error=1009"),
        ROW("\x82\x7E\x00\x7D", "error=1002"),
        ROW("\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF", "error=1002"),
        ROW("\x82\x7E\x03\xE9", "error=1009"), /* one over the limit */
        ROW("\x01\x01x\x80\x7E\x03\xE8", "error=1009"),
    };

    (void)state;
    CHECK(rows);
}

static void wrong_control_frames_are_1002(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x09\x00", "error=1002"),
        ROW("\x0A\x00", "error=1002"),
        ROW("\x08\x00", "error=1002"),
        ROW("\x89\x7E\x00\x7E", "error=1002"),
        ROW("\x8A\x7F\x00\x00\x00\x00\x00\x01\x00\x00", "error=1002"),
        ROW("\x88\x01\x03", "error=1002"),
    };

    (void)state;
    CHECK(rows);
}

static void text_that_is_not_utf8_is_1007(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x81\x01\xFF", "error=1007"),
        ROW("\x81\x01\xC3", "error=1007"),
        ROW("\x01\x01\xC3\x80\x01\x28", "error=1007"),
        ROW("\x01\x01\xC3\x80\x00", "error=1007"),
        ROW("\x01\x02\xF0\x9F\x89\x00\x80\x02\x98\x28", "ping= error=1007"),
        ROW("\x01\x01\xC3\x80\x01\xA9", "text=%C3%A9"),
        ROW("\x88\x03\x03\xE8\x80", "error=1007"),
    };

    (void)state;
    CHECK(rows);
}

static void fragments_that_do_not_fit_are_1002(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x80\x00", "error=1002"),
        ROW("\x00\x01x", "error=1002"),
        ROW("\x81\x01x\x80\x01y", "text=x error=1002"),
        ROW("\x01\x01x\x81\x01y", "error=1002"),
        ROW("\x02\x01x\x02\x01y", "error=1002"),
    };

    (void)state;
    CHECK(rows);
}

/* Feed the same bytes many times: they must give as many events of the kind, or
 * none, and the decoder must stay small. */
static void flood(struct pl_span start, struct pl_span bytes,
                  enum pl_ws_event_kind kind)
{
    struct pl_ws_limits limits = {.max_message = MAX_MESSAGE, .masked = false};
    struct pl_ws_decoder d = {0};
    struct pl_ws_event e;

    pl_ws_decode(&d, &limits, &start, &e);
    assert_int_equal(e.kind, PL_WS_EVENT_NONE);
    for (int i = 0; i < MANY; i++) {
        struct pl_span in = bytes;

        pl_ws_decode(&d, &limits, &in, &e);
        assert_int_equal(e.kind, kind);
        assert_int_equal(in.len, 0);
    }
    assert_true(pl_ws_decoder_memory(&d) <= 2 * FEW);
    pl_ws_decoder_fini(&d, &limits);
}

static void a_flood_of_empty_fragments_or_pings_takes_no_memory(void **state)
{
    (void)state;
    flood(PL_SPAN("\x01\x01x"), PL_SPAN("\x00\x00"), PL_WS_EVENT_NONE);
    flood(PL_SPAN(""), PL_SPAN("\x89\x01p"), PL_WS_EVENT_PING);
    flood(PL_SPAN("\x01\x01x"), PL_SPAN("\x89\x01p"), PL_WS_EVENT_PING);
}

static void wrong_compression_is_refused(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00", "text=Hello"),
        ROW("\x81\x05Hello", "text=Hello"),
        ROW("\xC1\x01\x07", "error=1007"),
        ROW("\xC1\x00", "error=1007"),
        ROW("\x41\x03\xF2\x48\xCD\xC0\x04\xC9\xC9\x07\x00", "error=1002"),
        ROW("\xC9\x01p", "error=1002"),
        ROW("\xC8\x02\x03\xE8", "error=1002"),
        ROW("\xC0\x00", "error=1002"),
        /* the context of an earlier message was not agreed on */
        ROW("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
            "\xC1\x05\xF2\x00\x11\x00\x00",
            "text=Hello error=1007"),
    };
    struct pl_inflater inflater = {0};
    struct pl_ws_limits limits = {.max_message = 999, .inflater = &inflater};
    struct pl_ws_limits plain = {.max_message = MAX_MESSAGE};

    (void)state;
    check_deflate(rows, sizeof rows / sizeof *rows);
    ws_check_side(
        &limits,
        PL_SPAN("\xC1\x0B\x4A\x4C\x1C\x05\xA3\x60\x14\x0C\x77\x00\x00"),
        "error=1009");
    ws_check_side(&plain, PL_SPAN("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"),
                  "error=1002");
    pl_inflater_fini(&inflater);
}

static void nothing_counts_after_a_close(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x88\x02\x03\xE8\x81\x01x", "close=1000/"),
        ROW("\x88\x02\x03\xE8\x88\x02\x03\xE9", "close=1000/"),
        ROW("\x88\x00\xFF\xFF\xFF", "close=0/"),
        ROW("\x01\x01x\x88\x02\x0B\xB8\x80\x01y", "close=3000/"),
        ROW("\x88\x82\x00\x00\x00\x00\x03\xE8\x88\x00", "error=1002"),
    };

    (void)state;
    CHECK(rows);
}

static void codes_that_are_never_sent_are_1002(void **state)
{
    static const struct ws_row rows[] = {
        ROW("\x88\x02\x03\xED", "error=1002"), /* 1005 */
        ROW("\x88\x02\x03\xEE", "error=1002"), /* 1006 */
        ROW("\x88\x02\x03\xF7", "error=1002"), /* 1015 */
        ROW("\x88\x02\x00\x00", "error=1002"),
        ROW("\x88\x02\x03\xE7", "error=1002"), /* 999 */
        ROW("\x88\x02\x13\x88", "error=1002"), /* 5000 */
        ROW("\x88\x02\x13\x87", "close=4999/"),
        ROW("\x88\x02\x0D\xAC", "close=3500/"),
    };

    (void)state;
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_masked_frame_is_1002_wherever_it_comes),
        cmocka_unit_test(reserved_bits_and_opcodes_are_1002),
        cmocka_unit_test(a_wrong_length_is_refused_by_the_header_alone),
        cmocka_unit_test(wrong_control_frames_are_1002),
        cmocka_unit_test(text_that_is_not_utf8_is_1007),
        cmocka_unit_test(fragments_that_do_not_fit_are_1002),
        cmocka_unit_test(a_flood_of_empty_fragments_or_pings_takes_no_memory),
        cmocka_unit_test(wrong_compression_is_refused),
        cmocka_unit_test(nothing_counts_after_a_close),
        cmocka_unit_test(codes_that_are_never_sent_are_1002),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
