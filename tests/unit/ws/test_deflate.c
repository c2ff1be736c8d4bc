/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.h: frames compressed and messages inflated, each against zlib by
 * itself, with memory that is counted and fails when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "deflate.h"
#include "frame.h"

/* --- Memory --- */

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t calls, fail_at, largest; /* fail_at: the call that fails */

static bool allows(size_t size)
{
    largest = size > largest ? size : largest;
    return ++calls != fail_at;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allows(count * size) ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return allows(size) ? __real_realloc(old, size) : NULL;
}

static int start(void **state)
{
    (void)state;
    calls = fail_at = largest = 0;
    return 0;
}

/* --- Bytes that were compressed --- */

int __real_deflate(z_stream *z, int flush);
int __wrap_deflate(z_stream *z, int flush);

static size_t compressed;

int __wrap_deflate(z_stream *z, int flush)
{
    size_t before = z->avail_in;
    int rc = __real_deflate(z, flush);

    compressed += before - z->avail_in;
    return rc;
}

/* --- Messages --- */

static void put_numbers(struct pl_buf *b, size_t len)
{
    for (unsigned i = 0; b->len < len; i++)
        pl_buf_printf(b, "{\"number\":%u,\"square\":%u}\n", i, i * i);
    b->len = len;
}

static void put_noise(struct pl_buf *b, size_t len)
{
    uint32_t x = 1;

    for (size_t i = 0; i < len; i++) {
        x = x * 1664525u + 1013904223u;
        pl_buf_put_byte(b, (char)(x >> 24));
    }
}

/* A raw stream of zlib's with a window of `bits`, as a client would send it:
 * without the tail. */
static void put_deflated(struct pl_buf *b, struct pl_span message, int bits)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -bits, 9, 0), Z_OK);
    size_t space = deflateBound(&z, message.len) + 16;
    z.next_in = (Bytef *)(uintptr_t)message.at;
    z.avail_in = (uInt)message.len;
    z.next_out = (Bytef *)pl_buf_reserve(b, space);
    z.avail_out = (uInt)space;
    assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
    b->len += space - z.avail_out - 4;
    deflateEnd(&z);
}

static size_t payload_at(const struct pl_buf *b)
{
    unsigned len = (unsigned char)b->data[1];

    return len < 126 ? 2 : len == 126 ? 4 : 10;
}

/* What a peer with a window of `bits` reads of the frame in `b`: it keeps no
 * more than that, since it is given one byte of room at a time. */
static void read_as_peer(const struct pl_buf *b, int bits, struct pl_buf *out)
{
    static const Bytef tail[] = {0, 0, 0xFF, 0xFF};
    z_stream z = {0};

    assert_int_equal(inflateInit2(&z, -bits), Z_OK);
    z.next_in = (Bytef *)b->data + payload_at(b);
    z.avail_in = (uInt)(b->len - payload_at(b));
    for (int parts = 0; parts < 2;) {
        char byte;
        z.next_out = (Bytef *)&byte;
        z.avail_out = 1;
        int rc = inflate(&z, Z_SYNC_FLUSH);
        assert_true(rc == Z_OK || rc == Z_BUF_ERROR);
        if (z.avail_out == 0) {
            pl_buf_put_byte(out, byte);
        } else if (parts++ == 0) {
            z.next_in = (Bytef *)(uintptr_t)tail;
            z.avail_in = sizeof tail;
        }
    }
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
}

static void check_frame(enum pl_deflate kind, int bits,
                        const struct pl_buf *message)
{
    struct pl_deflater d = {0};
    struct pl_buf plain = {0}, packed = {0}, read = {0};

    pl_ws_frame_put(&plain, PL_WS_TEXT, pl_buf_span(message));
    pl_buf_put_span(&packed, PL_SPAN("before"));
    for (int again = 0; again < 2; again++) { /* nothing is kept */
        packed.len = 6;
        pl_deflate_frame(&d, kind, &packed, pl_buf_span(&plain));
    }
    assert_memory_equal(packed.data, "before", 6);
    memmove(packed.data, packed.data + 6, packed.len -= 6);
    assert_true(packed.len < plain.len);
    assert_int_equal((unsigned char)packed.data[0], 0xC1);
    assert_int_equal(pl_ws_frame_length(pl_buf_span(&packed)), packed.len);
    read_as_peer(&packed, bits, &read);
    assert_true(pl_span_equal(pl_buf_span(&read), pl_buf_span(message)));

    /* in place it is the same */
    pl_buf_fini(&read);
    pl_buf_put_span(&read, PL_SPAN("front"));
    pl_buf_put_span(&read, pl_buf_span(&plain));
    pl_deflate_last(&d, kind, &read, 5);
    assert_memory_equal(read.data, "front", 5);
    assert_int_equal(read.len - 5, packed.len);
    assert_memory_equal(read.data + 5, packed.data, packed.len);

    pl_buf_fini(&read);
    pl_buf_fini(&plain);
    pl_buf_fini(&packed);
    pl_deflater_fini(&d);
}

static void peers_of_every_window_read_what_is_sent(void **state)
{
    static const size_t lengths[] = {PL_DEFLATE_MIN, 255,   257,    600,   4096,
                                     4097,           40000, 100000, 300000};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct pl_buf message = {0};

        put_numbers(&message, lengths[i]);
        check_frame(PL_DEFLATE_WIDE, 15, &message);
        check_frame(PL_DEFLATE_NARROW, 15, &message);
        check_frame(PL_DEFLATE_NARROW, 9, &message);
        check_frame(PL_DEFLATE_NARROW, 8, &message);
        pl_buf_fini(&message);
    }
}

/* A repetition `distance` bytes back, between noise. */
static void narrow_frames_never_look_back_further_than_256(void **state)
{
    (void)state;
    for (size_t distance = 240; distance < 530; distance++) {
        struct pl_buf message = {0};

        put_noise(&message, distance);
        for (int i = 0; i < 3; i++) {
            assert_non_null(pl_buf_reserve(&message, distance));
            pl_buf_put(&message, message.data, distance);
        }
        put_numbers(&message, message.len + 300);
        for (int i = 0; i < 200; i++)
            pl_buf_put_byte(&message, 'x'); /* so that it gets smaller */
        for (int i = 0; i < 100; i++)
            pl_buf_put_span(&message, PL_SPAN("seldom "));
        check_frame(PL_DEFLATE_NARROW, 8, &message);
        pl_buf_fini(&message);
    }
}

static void expect_untouched(const struct pl_buf *frame)
{
    struct pl_deflater d = {0};
    struct pl_buf out = {0};

    pl_deflate_frame(&d, PL_DEFLATE_WIDE, &out, pl_buf_span(frame));
    assert_true(pl_span_equal(pl_buf_span(&out), pl_buf_span(frame)));
    pl_deflate_last(&d, PL_DEFLATE_WIDE, &out, 0);
    assert_true(pl_span_equal(pl_buf_span(&out), pl_buf_span(frame)));
    pl_buf_fini(&out);
    pl_deflater_fini(&d);
}

static void what_gains_nothing_is_sent_as_it_is(void **state)
{
    struct pl_buf message = {0}, frame = {0};

    (void)state;
    put_numbers(&message, PL_DEFLATE_MIN - 1);
    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(&message));
    expect_untouched(&frame);
    for (size_t len = PL_DEFLATE_MIN; len < 70000; len += 9973) {
        message.len = frame.len = 0;
        put_noise(&message, len);
        pl_ws_frame_put(&frame, PL_WS_BINARY, pl_buf_span(&message));
        expect_untouched(&frame);
    }
    frame.len = 0;
    pl_ws_frame_put(&frame, PL_WS_PING, PL_SPAN("a control frame"));
    expect_untouched(&frame);
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
}

static void what_does_not_shrink_is_given_up_early(void **state)
{
    struct pl_buf message = {0}, frame = {0};

    (void)state;
    put_noise(&message, PL_DEFLATE_MAX);
    pl_ws_frame_put(&frame, PL_WS_BINARY, pl_buf_span(&message));
    compressed = 0;
    expect_untouched(&frame);
    assert_int_equal(compressed, 2 * PL_DEFLATE_TRY); /* both ways */

    /* what pays for itself so far goes on */
    message.len = frame.len = 0;
    put_numbers(&message, 2 * PL_DEFLATE_TRY);
    put_noise(&message, 8 * PL_DEFLATE_TRY);
    pl_ws_frame_put(&frame, PL_WS_BINARY, pl_buf_span(&message));
    check_frame(PL_DEFLATE_WIDE, 15, &message);
    check_frame(PL_DEFLATE_NARROW, 8, &message);
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
}

static void what_would_hold_a_loop_is_sent_as_it_is(void **state)
{
    struct pl_buf message = {0}, frame = {0};

    (void)state;
    put_numbers(&message, PL_DEFLATE_MAX);
    check_frame(PL_DEFLATE_WIDE, 15, &message);
    pl_buf_put_byte(&message, 'x');
    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(&message));
    compressed = 0;
    expect_untouched(&frame);
    assert_int_equal(compressed, 0);
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
}

static void a_frame_goes_out_plain_when_memory_fails(void **state)
{
    struct pl_buf message = {0}, frame = {0}, out = {0};
    struct pl_deflater d = {0};

    (void)state;
    put_numbers(&message, 1000);
    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(&message));
    assert_non_null(pl_buf_reserve(&out, frame.len));
    fail_at = calls + 1; /* the stream */
    pl_deflate_frame(&d, PL_DEFLATE_WIDE, &out, pl_buf_span(&frame));
    assert_true(pl_span_equal(pl_buf_span(&out), pl_buf_span(&frame)));

    while (out.cap - out.len > frame.len)
        pl_buf_put_byte(&out, 'x');
    out.len = frame.len;
    out.cap = frame.len; /* no room */
    fail_at = calls + 1;
    pl_deflate_last(&d, PL_DEFLATE_WIDE, &out, 0);
    assert_false(out.failed);
    assert_true(pl_span_equal(pl_buf_span(&out), pl_buf_span(&frame)));
    pl_deflate_last(&d, PL_DEFLATE_WIDE, &out, 0);
    assert_true(out.len < frame.len);
    pl_buf_fini(&message);
    pl_buf_fini(&frame);
    pl_buf_fini(&out);
    pl_deflater_fini(&d);
}

/* --- Inflating --- */

static void messages_of_every_window_are_read(void **state)
{
    struct pl_inflater i = {0};

    (void)state;
    for (int bits = 9; bits <= 15; bits++) {
        for (size_t len = 0; len < 200000; len = len * 3 + 1) {
            struct pl_buf message = {0}, packed = {0};
            struct pl_span out;

            put_numbers(&message, len);
            put_deflated(&packed, pl_buf_span(&message), bits);
            assert_int_equal(pl_inflate(&i, pl_buf_span(&packed), len, &out),
                             PL_OK);
            assert_true(pl_span_equal(out, pl_buf_span(&message)));
            assert_non_null(out.at);
            if (len > 0)
                assert_int_equal(
                    pl_inflate(&i, pl_buf_span(&packed), len - 1, &out),
                    PL_ETOOBIG);
            pl_buf_fini(&message);
            pl_buf_fini(&packed);
        }
    }
    pl_inflater_fini(&i);
}

static void a_bomb_costs_its_limit(void **state)
{
    struct pl_buf zeros = {0}, bomb = {0};
    struct pl_inflater i = {0};
    struct pl_span out = PL_SPAN("untouched");
    const size_t max = 65536, len = 64 << 20;

    (void)state;
    memset(pl_buf_reserve(&zeros, len), 0, len);
    zeros.len = len;
    put_deflated(&bomb, pl_buf_span(&zeros), 15);
    assert_true(bomb.len < len / 1000);
    pl_buf_fini(&zeros);
    largest = 0;
    assert_int_equal(pl_inflate(&i, pl_buf_span(&bomb), max, &out), PL_ETOOBIG);
    assert_true(largest <= max);
    assert_true(i.out.cap <= max);
    assert_string_equal(out.at, "untouched");

    /* the next message finds everything as before */
    struct pl_span hello = {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7};
    assert_int_equal(pl_inflate(&i, hello, max, &out), PL_OK);
    assert_true(pl_span_equal(out, PL_SPAN("Hello")));
    pl_buf_fini(&bomb);
    pl_inflater_fini(&i);
}

static void what_a_large_message_needed_is_not_kept(void **state)
{
    struct pl_buf message = {0}, packed = {0};
    struct pl_inflater i = {0};
    struct pl_span out, hello = {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7};

    (void)state;
    put_numbers(&message, 1 << 20);
    put_deflated(&packed, pl_buf_span(&message), 15);
    assert_int_equal(pl_inflate(&i, pl_buf_span(&packed), 1 << 20, &out),
                     PL_OK);
    assert_int_equal(pl_inflate(&i, hello, 1 << 20, &out), PL_OK);
    assert_true(i.out.cap <= 65536);
    pl_buf_fini(&message);
    pl_buf_fini(&packed);
    pl_inflater_fini(&i);
}

static void a_message_that_is_truncated_is_wrong(void **state)
{
    struct pl_buf message = {0}, packed = {0};
    struct pl_inflater i = {0};
    struct pl_span out;

    (void)state;
    put_numbers(&message, 300);
    put_deflated(&packed, pl_buf_span(&message), 15);
    for (size_t len = 0; len < packed.len; len++) {
        struct pl_span cut = {packed.data, len};

        if (pl_inflate(&i, cut, 1000, &out) != PL_EBADMSG)
            fail_msg("%zu of %zu bytes are taken", len, packed.len);
    }
    pl_buf_fini(&message);
    pl_buf_fini(&packed);
    pl_inflater_fini(&i);
}

static void every_failing_allocation_is_told(void **state)
{
    struct pl_buf message = {0}, packed = {0};
    struct pl_span out;
    enum pl_err err = PL_ENOMEM;

    (void)state;
    put_numbers(&message, 20000);
    put_deflated(&packed, pl_buf_span(&message), 15);
    for (size_t n = 1; err != PL_OK; n++) {
        struct pl_inflater i = {0};

        fail_at = calls + n;
        err = pl_inflate(&i, pl_buf_span(&packed), 20000, &out);
        assert_true(err == PL_ENOMEM || (err == PL_OK && n > 2));
        fail_at = 0;
        assert_int_equal(pl_inflate(&i, pl_buf_span(&packed), 20000, &out),
                         PL_OK);
        assert_true(pl_span_equal(out, pl_buf_span(&message)));
        pl_inflater_fini(&i);
    }
    pl_buf_fini(&message);
    pl_buf_fini(&packed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, start)
    const struct CMUnitTest tests[] = {
        TEST(peers_of_every_window_read_what_is_sent),
        TEST(narrow_frames_never_look_back_further_than_256),
        TEST(what_gains_nothing_is_sent_as_it_is),
        TEST(what_does_not_shrink_is_given_up_early),
        TEST(what_would_hold_a_loop_is_sent_as_it_is),
        TEST(a_frame_goes_out_plain_when_memory_fails),
        TEST(messages_of_every_window_are_read),
        TEST(a_bomb_costs_its_limit),
        TEST(what_a_large_message_needed_is_not_kept),
        TEST(a_message_that_is_truncated_is_wrong),
        TEST(every_failing_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
