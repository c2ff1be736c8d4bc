/* SPDX-License-Identifier: Apache-2.0 */
/* masked.h: the frames of a client, byte for byte and as a server reads
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "deflate.h"
#include "masked.h"
#include "ws_feed.h"

static const size_t lengths[] = {0,   1,   3,     4,     5,     125,    126,
                                 127, 128, 65535, 65536, 70001, 1 << 20};

enum { LENGTHS = sizeof lengths / sizeof *lengths };

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool without_memory;

void *__wrap_realloc(void *old, size_t size)
{
    return without_memory ? NULL : __real_realloc(old, size);
}

/* A key whose octets on the wire are these. */
static uint32_t key_of(unsigned char a, unsigned char b, unsigned char c,
                       unsigned char d)
{
    unsigned char octets[] = {a, b, c, d};
    uint32_t key;

    memcpy(&key, octets, sizeof key);
    return key;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static char *letters(size_t len)
{
    char *text = test_malloc(len > 0 ? len : 1);

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

/* What a server reads in the frames, as ws_feed() writes it. */
static void assert_read(const struct pl_buf *b, struct pl_inflater *inflater,
                        const char *expected)
{
    struct pl_ws_limits limits = {
        .max_message = 1 << 21, .masked = true, .inflater = inflater};
    struct pl_buf log = {0};

    ws_feed(&log, &limits, pl_buf_span(b), b->len, b->len);
    pl_buf_put_byte(&log, '\0');
    assert_string_equal(log.data, expected);
    log.len = 0;
    ws_feed(&log, &limits, pl_buf_span(b), 1, 1);
    pl_buf_put_byte(&log, '\0');
    assert_string_equal(log.data, expected);
    pl_buf_fini(&log);
}

/* Section 5.7 of RFC 6455. */
static void the_examples_of_rfc_6455_are_written_byte_for_byte(void **state)
{
    uint32_t key = key_of(0x37, 0xFA, 0x21, 0x3D);
    struct pl_buf b = {0};

    (void)state;
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_WHOLE, PL_SPAN("Hello"), key);
    pl_ws_masked_put(&b, PL_WS_PONG, PL_WS_WHOLE, PL_SPAN("Hello"), key);
    pl_ws_masked_put(&b, PL_WS_PING, PL_WS_WHOLE, PL_SPAN(""), key);
    assert_bytes(&b, PL_SPAN("\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58"
                             "\x8A\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58"
                             "\x89\x80\x37\xFA\x21\x3D"));
    pl_buf_fini(&b);
}

static void the_first_fragment_has_the_opcode_and_the_last_one_fin(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_FIRST, PL_SPAN("He"), 0);
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_MIDDLE, PL_SPAN("l"), 0);
    pl_ws_masked_put(&b, PL_WS_PING, PL_WS_WHOLE, PL_SPAN("p"), 0);
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_MIDDLE, PL_SPAN(""), 0);
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_LAST, PL_SPAN("lo"), 0);
    assert_bytes(&b, PL_SPAN("\x01\x82\0\0\0\0He\x00\x81\0\0\0\0l"
                             "\x89\x81\0\0\0\0p\x00\x80\0\0\0\0"
                             "\x80\x82\0\0\0\0lo"));
    assert_read(&b, NULL, "ping=p text=Hello");
    b.len = 0;
    pl_ws_masked_put(&b, PL_WS_BINARY, PL_WS_FIRST, PL_SPAN(""), 7);
    pl_ws_masked_put(&b, PL_WS_BINARY, PL_WS_LAST, PL_SPAN(""), 8);
    assert_read(&b, NULL, "binary=");
    pl_buf_fini(&b);
}

/* Also behind other content, and with a key that has no octet twice. */
static void every_length_is_written_minimally_and_read_back(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct pl_buf b = {0};
        char *text = letters(lengths[i]);
        struct pl_ws_limits limits = {.max_message = 1 << 21, .masked = true};
        struct pl_ws_decoder d = {0};
        struct pl_ws_event e;

        pl_ws_masked_put(&b, PL_WS_PING, PL_WS_WHOLE, PL_SPAN("before"),
                         next_random(&seed));
        size_t mark = b.len;
        pl_ws_masked_put(&b, PL_WS_BINARY, PL_WS_WHOLE,
                         (struct pl_span){text, lengths[i]},
                         next_random(&seed));
        size_t header = lengths[i] < 126 ? 2 : lengths[i] < 65536 ? 4 : 10;
        assert_int_equal(b.len - mark, header + 4 + lengths[i]);
        struct pl_span in = pl_buf_span(&b);
        pl_ws_decode(&d, &limits, &in, &e);
        assert_int_equal(e.kind, PL_WS_EVENT_PING);
        pl_ws_decode(&d, &limits, &in, &e);
        assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
        assert_int_equal(e.payload.len, lengths[i]);
        assert_memory_equal(e.payload.at, text, lengths[i]);
        assert_int_equal(in.len, 0);
        pl_buf_fini(&b);
        test_free(text);
    }
}

static void masking_a_frame_that_is_there_is_as_writing_it_masked(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct pl_buf one = {0}, two = {0};
        char *text = letters(lengths[i]);

        pl_buf_put_span(&one, PL_SPAN("before"));
        pl_ws_masked_put(&one, PL_WS_TEXT, PL_WS_WHOLE,
                         (struct pl_span){text, lengths[i]}, 0x12345678);
        pl_buf_put_span(&two, PL_SPAN("before"));
        size_t mark = pl_ws_frame_begin(&two);
        pl_buf_put(&two, text, lengths[i]);
        pl_ws_frame_end(&two, mark, PL_WS_TEXT);
        pl_ws_masked_last(&two, mark, 0x12345678);
        assert_bytes(&two, pl_buf_span(&one));
        pl_buf_fini(&one);
        pl_buf_fini(&two);
        test_free(text);
    }
}

static void a_close_has_its_code_and_reason_under_the_mask(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ws_masked_close(&b, 1000, PL_SPAN("bye"), key_of(1, 2, 3, 4));
    assert_read(&b, NULL, "close=1000/bye");
    assert_int_equal((unsigned char)b.data[1], 0x85);
    assert_int_equal((unsigned char)b.data[6], 0x03 ^ 1);
    b.len = 0;
    pl_ws_masked_close(&b, 0, PL_SPAN(""), key_of(1, 2, 3, 4));
    assert_bytes(&b, PL_SPAN("\x88\x80\x01\x02\x03\x04"));
    assert_read(&b, NULL, "close=0/");
    pl_buf_fini(&b);
}

/* Text that compresses well, with repetitions `apart` bytes from each other. */
static void put_text(struct pl_buf *b, size_t len, size_t apart)
{
    uint32_t seed = 1;

    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(b, i < apart ? (char)('a' + next_random(&seed) % 26)
                                     : b->data[i - apart]);
}

static void a_compressed_message_is_masked_and_inflated_again(void **state)
{
    static const enum pl_deflate kinds[] = {PL_DEFLATE_WIDE, PL_DEFLATE_NARROW};
    struct pl_deflater deflater = {0};
    struct pl_inflater inflater = {0};
    struct pl_buf text = {0}, expected = {0};

    (void)state;
    put_text(&text, 4000, 100);
    pl_buf_put_span(&expected, PL_SPAN("text="));
    pl_buf_put_span(&expected, pl_buf_span(&text));
    pl_buf_put_byte(&expected, '\0');
    for (int i = 0; i < 2; i++) {
        struct pl_buf b = {0};

        size_t mark = pl_ws_frame_begin(&b);
        pl_buf_put_span(&b, pl_buf_span(&text));
        pl_ws_frame_end(&b, mark, PL_WS_TEXT);
        pl_deflate_last(&deflater, kinds[i], &b, mark);
        pl_ws_masked_last(&b, mark, 0xDEADBEEF);
        assert_int_equal((unsigned char)b.data[0], 0xC1);
        assert_true(b.len < 1000);
        assert_read(&b, &inflater, expected.data);
        pl_buf_fini(&b);
    }
    pl_buf_fini(&text);
    pl_buf_fini(&expected);
    pl_deflater_fini(&deflater);
    pl_inflater_fini(&inflater);
}

/* A client that agreed to a small window refers back 250 bytes at most. */
static void a_narrow_window_finds_nothing_far_away(void **state)
{
    struct pl_deflater deflater = {0};
    size_t len[PL_DEFLATE_COUNT];

    (void)state;
    for (int kind = PL_DEFLATE_WIDE; kind < PL_DEFLATE_COUNT; kind++) {
        struct pl_buf b = {0};

        size_t mark = pl_ws_frame_begin(&b);
        struct pl_buf text = {0};
        put_text(&text, 4000, 1000);
        pl_buf_put_span(&b, pl_buf_span(&text));
        pl_ws_frame_end(&b, mark, PL_WS_TEXT);
        pl_deflate_last(&deflater, (enum pl_deflate)kind, &b, mark);
        pl_ws_masked_last(&b, mark, 1);
        len[kind] = b.len;
        pl_buf_fini(&b);
        pl_buf_fini(&text);
    }
    assert_true(len[PL_DEFLATE_WIDE] < 1000);
    assert_true(len[PL_DEFLATE_NARROW] > 2000);
    pl_deflater_fini(&deflater);
}

static void without_memory_no_frame_stays_unmasked(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_WHOLE, PL_SPAN("one"), 1);
    size_t mark = b.len;
    pl_ws_frame_put(&b, PL_WS_TEXT, PL_SPAN("two"));
    while (b.cap > b.len) /* no space is left for a key */
        b.cap--;
    without_memory = true;
    pl_ws_masked_last(&b, mark, 2);
    assert_true(b.failed);
    assert_int_equal(b.len, mark);
    pl_ws_masked_put(&b, PL_WS_TEXT, PL_WS_WHOLE, PL_SPAN("three"), 3);
    pl_ws_masked_close(&b, 1000, PL_SPAN(""), 4);
    assert_int_equal(b.len, mark);
    without_memory = false;
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_6455_are_written_byte_for_byte),
        cmocka_unit_test(
            the_first_fragment_has_the_opcode_and_the_last_one_fin),
        cmocka_unit_test(every_length_is_written_minimally_and_read_back),
        cmocka_unit_test(masking_a_frame_that_is_there_is_as_writing_it_masked),
        cmocka_unit_test(a_close_has_its_code_and_reason_under_the_mask),
        cmocka_unit_test(a_compressed_message_is_masked_and_inflated_again),
        cmocka_unit_test(a_narrow_window_finds_nothing_far_away),
        cmocka_unit_test(without_memory_no_frame_stays_unmasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
