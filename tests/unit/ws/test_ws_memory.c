/* SPDX-License-Identifier: Apache-2.0 */
/* decoder.h: what is allocated when.  calloc() and realloc() are replaced by
 * the linker, so that they count, and fail when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "decoder.h"
#include "deflate.h"

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool counting;
static size_t calls, largest, fail_at; /* fail_at: the call that fails */

static bool count(size_t size)
{
    if (!counting)
        return true;
    calls++;
    largest = size > largest ? size : largest;
    return calls != fail_at;
}

void *__wrap_calloc(size_t number, size_t size)
{
    return count(number * size) ? __real_calloc(number, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return count(size) ? __real_realloc(old, size) : NULL;
}

static int start(void **state)
{
    (void)state;
    calls = largest = fail_at = 0;
    counting = true;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    counting = false;
    return 0;
}

static const struct pl_ws_limits limits = {.max_message = 65536,
                                           .masked = false};

static struct pl_ws_event decode_by(struct pl_ws_decoder *d,
                                    const struct pl_ws_limits *l,
                                    struct pl_span *in)
{
    struct pl_ws_event e;

    pl_ws_decode(d, l, in, &e);
    return e;
}

static struct pl_ws_event decode(struct pl_ws_decoder *d, struct pl_span *in)
{
    return decode_by(d, &limits, in);
}

/* Feed all of `in`, which must give no event. */
static void feed_quietly(struct pl_ws_decoder *d, const char *bytes, size_t len)
{
    struct pl_span in = {bytes, len};

    assert_int_equal(decode(d, &in).kind, PL_WS_EVENT_NONE);
    assert_int_equal(in.len, 0);
}

static void whole_frames_are_given_where_they_lie(void **state)
{
    char bytes[] = "\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58"
                   "\x89\x81\x01\x01\x01\x01q\x82\x80\x00\x00\x00\x00";
    struct pl_ws_limits masked = {.max_message = 5, .masked = true};
    struct pl_ws_decoder d = {0};
    struct pl_span in = {bytes, sizeof bytes - 1};

    (void)state;
    struct pl_ws_event e = decode_by(&d, &masked, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
    assert_ptr_equal(e.payload.at, bytes + 6);
    assert_memory_equal(bytes + 6, "Hello", 5);
    e = decode_by(&d, &masked, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_PING);
    assert_ptr_equal(e.payload.at, bytes + 17);
    assert_int_equal(*e.payload.at, 'p');
    e = decode_by(&d, &masked, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
    assert_int_equal(e.payload.len, 0);
    assert_non_null(e.payload.at);
    assert_int_equal(decode_by(&d, &masked, &in).kind, PL_WS_EVENT_NONE);
    assert_int_equal(calls, 0);
    assert_int_equal(pl_ws_decoder_memory(&d), 0);
}

static void a_claimed_length_allocates_no_more_than_what_arrived(void **state)
{
    char bytes[64] = "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00";
    struct pl_ws_decoder d = {0};

    (void)state;
    feed_quietly(&d, bytes, 10);
    assert_true(largest <= 256);
    feed_quietly(&d, bytes + 10, sizeof bytes - 10);
    assert_true(largest <= 256);
    assert_true(pl_ws_decoder_memory(&d) <= 512);
    pl_ws_decoder_fini(&d, &limits);
}

/* Memory doubles with what arrives and stops at the frame's end. */
static void a_large_message_takes_few_allocations_and_no_slack(void **state)
{
    static char piece[1024];
    struct pl_ws_decoder d = {0};

    (void)state;
    feed_quietly(&d, "\x82\x7E\xFF\xFF", 4);
    for (int i = 0; i < 63; i++)
        feed_quietly(&d, piece, sizeof piece);
    struct pl_span in = {piece, 1023};
    struct pl_ws_event e = decode(&d, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
    assert_int_equal(e.payload.len, 65535);
    assert_int_equal(largest, 65535);
    assert_true(calls <= 10);
    pl_ws_decoder_fini(&d, &limits);
}

/* Else a message of many fragments would be copied once a fragment. */
static void many_small_fragments_take_few_allocations(void **state)
{
    struct pl_ws_decoder d = {0};
    struct pl_span in = PL_SPAN("\x80\x01z");

    (void)state;
    feed_quietly(&d, "\x02\x01x", 3);
    for (int i = 0; i < 60000; i++)
        feed_quietly(&d, "\x00\x01y", 3);
    struct pl_ws_event e = decode(&d, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_MESSAGE);
    assert_int_equal(e.payload.len, 60002);
    assert_true(calls <= 13);
    assert_true(largest <= limits.max_message);
    pl_ws_decoder_fini(&d, &limits);
}

static void memory_goes_back_after_a_message(void **state)
{
    struct pl_ws_decoder d = {0};
    struct pl_span in = PL_SPAN("lo");

    (void)state;
    assert_int_equal(pl_ws_decoder_memory(&d), 0);
    feed_quietly(&d, "\x81\x05Hel", 5);
    assert_true(pl_ws_decoder_memory(&d) > 5);
    struct pl_ws_event e = decode(&d, &in);
    assert_memory_equal(e.payload.at, "Hello", 5);
    assert_int_equal(decode(&d, &in).kind, PL_WS_EVENT_NONE);
    assert_int_equal(pl_ws_decoder_memory(&d), 0);
    assert_null(d.partial);
}

static void memory_goes_back_after_a_split_control_frame(void **state)
{
    struct pl_ws_decoder d = {0};
    struct pl_span in = PL_SPAN("\x02hi");

    (void)state;
    feed_quietly(&d, "\x89", 1);
    assert_true(pl_ws_decoder_memory(&d) > 0);
    assert_int_equal(decode(&d, &in).kind, PL_WS_EVENT_PING);
    assert_int_equal(decode(&d, &in).kind, PL_WS_EVENT_NONE);
    assert_null(d.partial);
    feed_quietly(&d, "\x89\x02h", 3);
    in = PL_SPAN("i");
    struct pl_ws_event e = decode(&d, &in);
    assert_memory_equal(e.payload.at, "hi", 2);
    assert_int_equal(decode(&d, &in).kind, PL_WS_EVENT_NONE);
    assert_null(d.partial);
}

static void a_message_over_the_limit_allocates_nothing(void **state)
{
    struct pl_ws_decoder d = {0};
    struct pl_span in = PL_SPAN("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x01");

    (void)state;
    struct pl_ws_event e = decode(&d, &in);
    assert_int_equal(e.kind, PL_WS_EVENT_ERROR);
    assert_int_equal(e.code, 1009);
    assert_int_equal(calls, 0);
}

static void fragments_over_the_limit_allocate_nothing_more(void **state)
{
    struct pl_ws_limits five = {.max_message = 5, .masked = false};
    struct pl_ws_decoder d = {0};
    struct pl_span in = PL_SPAN("\x80\x03xyz");

    (void)state;
    struct pl_span first = PL_SPAN("\x02\x03"
                                   "abc");
    assert_int_equal(decode_by(&d, &five, &first).kind, PL_WS_EVENT_NONE);
    size_t before = calls;
    assert_int_equal(decode_by(&d, &five, &in).code, 1009);
    assert_int_equal(calls, before);
    pl_ws_decoder_fini(&d, &five);
    pl_ws_decoder_fini(&d, &five); /* and again: nothing is owned */
}

/* Decode `bytes` in pieces until there is an error; gives its code or 0. */
static unsigned code_of(const struct pl_ws_limits *l, struct pl_span bytes,
                        size_t piece)
{
    struct pl_ws_decoder d = {0};
    struct pl_ws_event e = {.kind = PL_WS_EVENT_NONE};

    while (bytes.len > 0 && e.kind != PL_WS_EVENT_ERROR) {
        struct pl_span in = {bytes.at, piece < bytes.len ? piece : bytes.len};

        bytes.at += in.len;
        bytes.len -= in.len;
        do
            e = decode_by(&d, l, &in);
        while (e.kind != PL_WS_EVENT_NONE && e.kind != PL_WS_EVENT_ERROR);
    }
    pl_ws_decoder_fini(&d, l);
    return e.code;
}

/* In pieces, with each allocation failing in turn: always 1011, and nothing
 * leaks. */
static void fail_each(const struct pl_ws_limits *l, struct pl_span bytes)
{
    static const size_t pieces[] = {1, 2, 3, 9, 50, 1000};

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        calls = fail_at = 0;
        assert_int_equal(code_of(l, bytes, pieces[i]), 0);
        if (l->inflater != NULL)
            pl_inflater_fini(l->inflater);
        size_t needed = calls;
        assert_true(needed >= 3);
        for (size_t at = 1; at <= needed; at++) {
            calls = 0;
            fail_at = at;
            assert_int_equal(code_of(l, bytes, pieces[i]), 1011);
            if (l->inflater != NULL)
                pl_inflater_fini(l->inflater);
        }
    }
}

/* Fragments and control frames. */
static void without_memory_the_connection_ends_with_1011(void **state)
{
    struct pl_span bytes = PL_SPAN("\x01\x05Hello\x89\x02hi\x00\x7E\x00\x7E"
                                   "0123456789012345678901234567890123456789"
                                   "0123456789012345678901234567890123456789"
                                   "0123456789012345678901234567890123456789"
                                   "012345\x80\x01!");

    (void)state;
    fail_each(&limits, bytes);
}

/* A whole message, fragments with a control frame between, and a large one. */
static void without_memory_to_inflate_it_ends_with_1011_too(void **state)
{
    struct pl_inflater inflater = {0};
    struct pl_ws_limits l = {.max_message = 4000, .inflater = &inflater};

    (void)state;
    fail_each(&l, PL_SPAN("\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00"
                          "\x41\x03\xF2\x48\xCD\x89\x02hi\x80\x04\xC9\xC9\x07"
                          "\x00\xC2\x15\xEC\xC1\x31\x01\x00\x00\x00\xC2\xA0\xAC"
                          "\xEB\x5F\xC2\x1A\x1E\x40\x01\x00\x00\xEF\x06"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(whole_frames_are_given_where_they_lie),
        TEST(a_claimed_length_allocates_no_more_than_what_arrived),
        TEST(a_large_message_takes_few_allocations_and_no_slack),
        TEST(many_small_fragments_take_few_allocations),
        TEST(memory_goes_back_after_a_message),
        TEST(memory_goes_back_after_a_split_control_frame),
        TEST(a_message_over_the_limit_allocates_nothing),
        TEST(fragments_over_the_limit_allocate_nothing_more),
        TEST(without_memory_the_connection_ends_with_1011),
        TEST(without_memory_to_inflate_it_ends_with_1011_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
