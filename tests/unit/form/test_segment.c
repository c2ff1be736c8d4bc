/* SPDX-License-Identifier: Apache-2.0 */
/* test_segment.c - messages in one piece of memory, and the memory of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "segment.h"

static bool put_message(struct pl_segment *s, struct pl_span text)
{
    size_t mark = pl_segment_begin(s);

    pl_buf_put_span(&s->buf, text);
    return pl_segment_end_message(s, mark, true);
}

static void a_segment_counts_its_messages_between_two_places(void **state)
{
    struct pl_segment_pool *pool = pl_segment_pool_create();
    struct pl_segment *s = pl_segment_create(pool);

    (void)state;
    assert_true(put_message(s, PL_SPAN("one")));
    uint32_t second = (uint32_t)s->buf.len;
    assert_true(put_message(s, PL_SPAN("two")));
    assert_true(put_message(s, PL_SPAN("three")));
    assert_int_equal(pl_segment_count(s, 0, (uint32_t)s->buf.len), 3);
    assert_int_equal(pl_segment_count(s, 0, second), 1);
    assert_int_equal(pl_segment_count(s, second, (uint32_t)s->buf.len), 2);
    assert_int_equal(pl_segment_length(s, 0), second);
    assert_int_equal(pl_segment_count(s, 0, second + 1), 1); /* whole ones */
    assert_ptr_equal(pl_segment_hold(s), s);
    pl_segment_release(pool, s);
    assert_int_equal(s->holders, 1);
    pl_segment_release(pool, s);
    pl_segment_release(pool, NULL);
    pl_segment_pool_release(pool);
}

/* With the shortest and longest payloads of each size of header. */
static void a_message_has_the_length_that_its_header_tells(void **state)
{
    static const size_t payloads[] = {0, 1, 125, 126, 65535, 65536};
    static const size_t headers[] = {2, 2, 2, 4, 4, 10};
    static char text[65536];
    struct pl_segment_pool *pool = pl_segment_pool_create();
    struct pl_segment *s = pl_segment_create(pool);
    uint32_t at = 0;

    (void)state;
    for (int i = 0; i < 6; i++)
        assert_true(put_message(s, (struct pl_span){text, payloads[i]}));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pl_segment_length(s, at), headers[i] + payloads[i]);
        at += pl_segment_length(s, at);
    }
    assert_int_equal(at, s->buf.len);
    pl_segment_release(pool, s);
    pl_segment_pool_release(pool);
}

/* The memory is never touched but at its end. */
static void a_message_beyond_three_gibibytes_is_refused(void **state)
{
    size_t size = (size_t)PL_SEGMENT_MAX + 4096;
    static const char payload[100];
    char *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct pl_segment s = {
        .buf = {.data = data, .len = PL_SEGMENT_MAX - 102, .cap = size}};

    (void)state;
    assert_true(data != MAP_FAILED);
    assert_true(put_message(&s, (struct pl_span){payload, 100}));
    assert_int_equal(s.buf.len, PL_SEGMENT_MAX);
    size_t mark = s.buf.len = PL_SEGMENT_MAX - 101;
    assert_false(put_message(&s, (struct pl_span){payload, 100}));
    assert_int_equal(s.buf.len, mark);
    assert_false(s.buf.failed);
    assert_int_equal(s.messages, 1);
    munmap(data, size);
}

static void a_pool_gives_a_segment_again_empty_and_with_its_memory(void **state)
{
    struct pl_segment_pool *pool = pl_segment_pool_create();
    struct pl_segment *s = pl_segment_create(pool), *large;
    static const char text[20000];

    (void)state;
    assert_true(put_message(s, PL_SPAN("one")));
    size_t space = s->buf.cap;
    pl_segment_release(pl_segment_pool_hold(pool), s);
    pl_segment_pool_release(pool);
    assert_ptr_equal(pl_segment_create(pool), s);
    assert_int_equal(s->buf.len, 0);
    assert_int_equal(s->messages, 0);
    assert_int_equal(s->buf.cap, space);
    large = pl_segment_create(pool);
    assert_true(put_message(large, (struct pl_span){text, sizeof text}));
    pl_segment_release(pool, s);
    pl_segment_release(pool, large); /* too large to be kept */
    assert_ptr_equal(pl_segment_create(pool), s);
    large = pl_segment_create(pool);
    assert_int_equal(large->buf.cap, 0);
    pl_segment_release(pool, large);
    pl_segment_release(pool, s);
    pl_segment_pool_release(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_counts_its_messages_between_two_places),
        cmocka_unit_test(a_message_has_the_length_that_its_header_tells),
        cmocka_unit_test(a_message_beyond_three_gibibytes_is_refused),
        cmocka_unit_test(
            a_pool_gives_a_segment_again_empty_and_with_its_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
