/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h: every first byte of a frame, with and without a message open,
 * against the rules written a second time; and random conversations, whose
 * messages must not depend on how they were cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ws_check.h"

enum { MAX_MESSAGE = 1000 };

/* What an empty frame with this first byte must give. */
static const char *verdict(unsigned first, bool inside)
{
    static const char *const whole[16] = {[1] = "text=",
                                          [2] = "binary=",
                                          [8] = "close=0/",
                                          [9] = "ping=",
                                          [10] = "pong="};
    unsigned opcode = first & 15;
    bool fin = first >= 0x80;

    if (first / 16 % 8 != 0)
        return "error=1002"; /* a reserved bit */
    if (opcode == 0)
        return !inside ? "error=1002" : fin ? "text=begun" : "";
    if (whole[opcode] == NULL)
        return "error=1002"; /* a reserved opcode */
    if (opcode >= 8)
        return fin ? whole[opcode] : "error=1002";
    return inside ? "error=1002" : fin ? whole[opcode] : "";
}

static void every_first_byte_outside_a_message_is_judged_right(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char frame[] = {(char)first, 0};

        ws_check((struct pl_span){frame, 2}, verdict(first, false),
                 MAX_MESSAGE);
    }
}

static void every_first_byte_inside_a_message_is_judged_right(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char frames[] = "\x01\x05"
                        "begun..";

        frames[7] = (char)first;
        frames[8] = 0;
        ws_check((struct pl_span){frames, 9}, verdict(first, true),
                 MAX_MESSAGE);
    }
}

/* A first byte that is wrong needs no second. */
static void a_wrong_first_byte_is_told_alone(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        char byte = (char)first;
        const char *expected = verdict(first, false);

        if (expected[0] == 'e')
            ws_check((struct pl_span){&byte, 1}, expected, MAX_MESSAGE);
    }
}

static void every_second_byte_of_every_control_frame_is_judged(void **state)
{
    static const char firsts[] = {'\x88', '\x89', '\x8A'};

    (void)state;
    for (size_t i = 0; i < sizeof firsts; i++)
        for (int len = 0; len < 128; len++) {
            char frame[] = {firsts[i], (char)len};
            bool wrong = len > 125 || (i == 0 && len == 1);

            if (wrong || len > 0)
                ws_check((struct pl_span){frame, 2}, wrong ? "error=1002" : "",
                         MAX_MESSAGE);
        }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static const char *const words[] = {
    "",
    "a",
    "plain",
    "\xC3\xA9t\xC3\xA9",
    "\xE2\x82\xAC 5",
    "\xF0\x9F\x98\x80",
    "a longer text without anything special in it"};

/* Frames of one random message, its log behind the pings' among them. */
static void put_message(struct pl_buf *frames, struct pl_buf *log,
                        uint32_t *seed)
{
    struct pl_buf text = {0};
    bool binary = next_random(seed) % 2;

    for (uint32_t n = next_random(seed) % 6; n > 0; n--)
        pl_buf_put_span(&text, pl_span_of(words[next_random(seed) % 7]));
    size_t at = 0;
    for (char first = binary ? 2 : 1;; first = 0) {
        size_t len = text.len - at;
        if (next_random(seed) % 3 != 0 && len > 0)
            len = next_random(seed) % len;
        bool fin = at + len == text.len && next_random(seed) % 4 != 0;
        size_t kept = len > 125 ? 125 : len;
        fin = fin && kept == len;
        pl_buf_put_byte(frames, (char)(first | (fin ? 0x80 : 0)));
        pl_buf_put_byte(frames, (char)kept);
        if (kept > 0)
            pl_buf_put(frames, text.data + at, kept);
        at += kept;
        if (fin)
            break;
        if (next_random(seed) % 3 == 0) {
            pl_buf_put_span(frames, PL_SPAN("\x89\x02hi"));
            pl_buf_printf(log, "%sping=hi", log->len > 0 ? " " : "");
        }
    }
    struct pl_ws_limits limits = {.max_message = MAX_MESSAGE};
    struct pl_buf whole = {0}; /* the message as one frame, to print it */
    pl_buf_put_byte(&whole, (char)(0x80 | (binary ? 2 : 1)));
    if (text.len < 126) {
        pl_buf_put_byte(&whole, (char)text.len);
    } else {
        pl_buf_put_byte(&whole, 126);
        pl_buf_put_byte(&whole, (char)(text.len >> 8));
        pl_buf_put_byte(&whole, (char)text.len);
    }
    pl_buf_put_span(&whole, pl_buf_span(&text));
    ws_feed(log, &limits, pl_buf_span(&whole), whole.len, whole.len);
    pl_buf_fini(&whole);
    pl_buf_fini(&text);
}

static void random_conversations_do_not_depend_on_splits(void **state)
{
    (void)state;
    for (uint32_t run = 1; run <= 60; run++) {
        struct pl_buf frames = {0}, log = {0};
        uint32_t seed = run;

        for (int n = 0; n < 4; n++)
            put_message(&frames, &log, &seed);
        pl_buf_put_byte(&log, '\0');
        ws_check(pl_buf_span(&frames), log.data, MAX_MESSAGE);
        pl_buf_fini(&frames);
        pl_buf_fini(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_first_byte_outside_a_message_is_judged_right),
        cmocka_unit_test(every_first_byte_inside_a_message_is_judged_right),
        cmocka_unit_test(a_wrong_first_byte_is_told_alone),
        cmocka_unit_test(every_second_byte_of_every_control_frame_is_judged),
        cmocka_unit_test(random_conversations_do_not_depend_on_splits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
