/* SPDX-License-Identifier: Apache-2.0 */
/* test_outq.c - the queue of parts of segments, cut at every position. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "outq.h"

enum { FRAMES = 5 };

struct fixture {
    struct pl_metrics metrics;
    struct pl_out_pool pool;
    struct pl_outq q;
};

static const size_t payloads[FRAMES] = {1, 130, 7, 0, 300};

static void put_message(struct pl_segment *s, struct pl_span text)
{
    size_t mark = pl_segment_begin(s);

    pl_buf_put_span(&s->buf, text);
    assert_true(pl_segment_end_message(s, mark, true));
}

static struct pl_segment *make_segment(struct pl_segment_pool *pool,
                                       size_t len[FRAMES])
{
    struct pl_segment *s = pl_segment_create(pool);
    char text[300];

    memset(text, 'x', sizeof text);
    for (int i = 0; i < FRAMES; i++) {
        size_t before = s->buf.len;

        put_message(s, (struct pl_span){text, payloads[i]});
        len[i] = s->buf.len - before;
    }
    return s;
}

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->pool.metrics = &f->metrics;
    f->pool.segments = pl_segment_pool_create();
    *state = f;
    return 0;
}

static int finish(void **state)
{
    struct fixture *f = *state;

    pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_CANCELLED, true);
    assert_int_equal(f->metrics.value[PL_METRIC_FRAMES_QUEUED], 0);
    assert_int_equal(f->metrics.value[PL_METRIC_QUEUE_BYTES], 0);
    assert_int_equal(f->q.bytes, 0);
    pl_out_pool_fini(&f->pool);
    free(f);
    return 0;
}

/* As the hub owes them. */
static void owe(struct fixture *f, uint32_t frames)
{
    f->metrics.value[PL_METRIC_FRAMES_OWED] += frames;
    f->metrics.value[PL_METRIC_FRAMES_QUEUED] += frames;
}

static void append(struct fixture *f, struct pl_segment *s, uint32_t from,
                   uint32_t to, uint32_t frames, bool owed)
{
    if (owed)
        owe(f, frames);
    assert_true(pl_outq_append(&f->q, &f->pool, s, from, to, frames,
                               owed ? frames : 0, 0));
}

static uint64_t value(const struct fixture *f, enum pl_metric m)
{
    return f->metrics.value[m];
}

static uint64_t queued_bytes(const struct fixture *f)
{
    struct iovec iov[64];
    int n = pl_outq_peek(&f->q, iov, 64);
    uint64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += iov[i].iov_len;
    return sum;
}

static void check(const struct fixture *f)
{
    assert_int_equal(f->q.bytes, queued_bytes(f));
    assert_int_equal(f->q.bytes, value(f, PL_METRIC_QUEUE_BYTES));
    assert_int_equal(
        value(f, PL_METRIC_FRAMES_OWED),
        value(f, PL_METRIC_FRAMES_SENT) +
            pl_metrics_sum(f->metrics.value, "deliveries_dropped_") +
            value(f, PL_METRIC_FRAMES_CANCELLED) +
            value(f, PL_METRIC_FRAMES_QUEUED));
}

/* Two parts of one segment and one of another: 15 frames in three items. */
static size_t fill(struct fixture *f, size_t frame_len[FRAMES])
{
    struct pl_segment *a = make_segment(f->pool.segments, frame_len),
                      *b = make_segment(f->pool.segments, frame_len);
    uint32_t all = (uint32_t)a->buf.len;

    append(f, a, 0, all, FRAMES, true);
    append(f, b, 0, all, FRAMES, true);
    append(f, a, 0, all, FRAMES, true);
    pl_segment_release(f->pool.segments, a);
    pl_segment_release(f->pool.segments, b);
    return 3 * (size_t)all;
}

static unsigned frames_within(const size_t len[FRAMES], size_t bytes)
{
    unsigned n = 0;

    for (size_t sum = 0; n < 3 * FRAMES; n++) {
        sum += len[n % FRAMES];
        if (sum > bytes)
            break;
    }
    return n;
}

static size_t end_of_frame(const size_t len[FRAMES], size_t bytes)
{
    size_t sum = 0;

    for (unsigned n = 0; sum < bytes; n++)
        sum += len[n % FRAMES];
    return sum;
}

static void an_empty_queue_has_nothing_to_send(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[1];

    assert_int_equal(pl_outq_peek(&f->q, iov, 1), 0);
    pl_outq_compact(&f->q, &f->pool);
    check(f);
}

static void neighbouring_parts_of_a_segment_become_one_piece(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];
    struct pl_segment *s = make_segment(f->pool.segments, len);
    struct iovec iov[2];
    uint32_t cut = (uint32_t)(len[0] + len[1]);

    append(f, s, 0, cut, 2, true);
    append(f, s, cut, (uint32_t)s->buf.len, FRAMES - 2, true);
    assert_int_equal(pl_outq_peek(&f->q, iov, 2), 1);
    assert_int_equal(iov[0].iov_len, s->buf.len);
    check(f);
    pl_outq_sent(&f->q, &f->pool, s->buf.len);
    assert_int_equal(value(f, PL_METRIC_MESSAGES_OUT), FRAMES);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), FRAMES);
    check(f);
    pl_segment_release(f->pool.segments, s);
}

static void peek_gives_at_most_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];
    struct iovec iov[3];

    fill(f, len);
    assert_int_equal(pl_outq_peek(&f->q, iov, 2), 2);
    assert_int_equal(pl_outq_peek(&f->q, iov, 3), 3);
}

static void sending_byte_by_byte_gives_every_byte_once(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];
    size_t total = fill(f, len);
    struct pl_segment *s = make_segment(f->pool.segments, len);
    struct iovec iov[1];

    for (size_t i = 0; i < total; i++) {
        assert_int_equal(pl_outq_peek(&f->q, iov, 1), 1);
        assert_int_equal(*(char *)iov[0].iov_base, s->buf.data[i % s->buf.len]);
        pl_outq_sent(&f->q, &f->pool, 1);
        if (i % 7 == 0)
            pl_outq_compact(&f->q, &f->pool);
        check(f);
    }
    assert_int_equal(value(f, PL_METRIC_MESSAGES_OUT), 3 * FRAMES);
    assert_int_equal(f->q.bytes, 0);
    pl_segment_release(f->pool.segments, s);
}

static void drop_at(size_t sent, bool all, bool settle)
{
    void *state;
    size_t len[FRAMES];

    begin(&state);
    struct fixture *f = state;
    size_t total = fill(f, len);
    pl_outq_sent(&f->q, &f->pool, sent);
    if (settle)
        pl_outq_compact(&f->q, &f->pool);
    size_t until = all ? sent : end_of_frame(len, sent);
    pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_DROPPED_SLOW, all);
    check(f);
    assert_int_equal(f->q.bytes, until - sent);
    pl_outq_sent(&f->q, &f->pool, f->q.bytes);
    check(f);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT),
                     frames_within(len, until));
    assert_int_equal(value(f, PL_METRIC_MESSAGES_OUT),
                     frames_within(len, until));
    assert_int_equal(value(f, PL_METRIC_FRAMES_DROPPED_SLOW),
                     3 * FRAMES - frames_within(len, until));
    assert_true(sent <= total);
    finish(&state);
}

/* The lengths of the frames of make_segment(); gives their sum. */
static size_t measure(size_t len[FRAMES])
{
    struct pl_segment_pool *pool = pl_segment_pool_create();
    struct pl_segment *s = make_segment(pool, len);
    size_t size = s->buf.len;

    pl_segment_release(pool, s);
    pl_segment_pool_release(pool);
    return size;
}

static void a_drop_keeps_the_begun_frame_wherever_it_was_split(void **state)
{
    size_t len[FRAMES];
    size_t total = 3 * measure(len);

    (void)state;
    for (size_t sent = 0; sent <= total; sent++) {
        drop_at(sent, false, false);
        drop_at(sent, false, true);
    }
}

static void a_drop_of_all_counts_what_was_sent_wholly(void **state)
{
    size_t len[FRAMES];
    size_t total = 3 * measure(len);

    (void)state;
    for (size_t sent = 0; sent <= total; sent++) {
        drop_at(sent, true, false);
        drop_at(sent, true, true);
    }
}

static void frames_after_a_kept_one_are_sent_after_it(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];

    fill(f, len);
    pl_outq_sent(&f->q, &f->pool, 1);
    pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_DROPPED_SLOW, false);
    assert_int_equal(f->q.bytes, len[0] - 1);
    struct pl_segment *s = make_segment(f->pool.segments, len);
    append(f, s, 0, (uint32_t)len[0], 1, true);
    pl_segment_release(f->pool.segments, s);
    assert_int_equal(f->q.bytes, 2 * len[0] - 1);
    check(f);
}

static void compacting_copies_a_small_part_of_a_large_segment(void **state)
{
    struct fixture *f = *state;
    struct pl_segment *s = pl_segment_create(f->pool.segments);
    char text[4000] = {0};

    put_message(s, PL_SPAN("small"));
    uint32_t small = (uint32_t)s->buf.len;
    put_message(s, (struct pl_span){text, 4000});
    append(f, s, 0, small, 1, true);
    pl_outq_sent(&f->q, &f->pool, 1);
    assert_int_equal(s->holders, 2);
    pl_outq_compact(&f->q, &f->pool);
    assert_int_equal(s->holders, 1);
    pl_segment_release(f->pool.segments, s);

    struct iovec iov[1];
    assert_int_equal(pl_outq_peek(&f->q, iov, 1), 1);
    assert_int_equal(iov[0].iov_len, small - 1);
    assert_memory_equal((char *)iov[0].iov_base + 1, "small", 5);
    pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_DROPPED_SLOW, false);
    assert_int_equal(f->q.bytes, small - 1); /* still begun */
    pl_outq_sent(&f->q, &f->pool, small - 1);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), 1);
    check(f);
}

static void splicing_moves_everything_after(void **state)
{
    struct fixture *f = *state;
    struct pl_outq other = {0}, empty = {0};
    size_t len[FRAMES];
    size_t total = fill(f, len);

    pl_outq_splice(&f->q, &empty);
    assert_int_equal(f->q.bytes, total);
    pl_outq_splice(&other, &f->q);
    assert_int_equal(other.bytes, total);
    assert_int_equal(f->q.bytes, 0);
    fill(f, len);
    pl_outq_splice(&f->q, &other);
    assert_null(other.first);
    check(f);
    pl_outq_sent(&f->q, &f->pool, 2 * total);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), 6 * FRAMES);
}

static const char http[] = "HTTP/1.1 101 Switching Protocols\r\n\r\n";

/* An HTTP answer is no frame, and must not be read as if it were. */
static void bytes_that_are_no_frame_are_kept_whole(void **state)
{
    (void)state;
    for (size_t sent = 0; sent < sizeof http - 1; sent++) {
        void *mine;
        size_t len[FRAMES];

        begin(&mine);
        struct fixture *f = mine;
        struct pl_segment *s = pl_segment_create(f->pool.segments);
        pl_buf_put(&s->buf, http, sizeof http - 1);
        append(f, s, 0, sizeof http - 1, 0, false);
        pl_segment_release(f->pool.segments, s);
        fill(f, len);
        pl_outq_sent(&f->q, &f->pool, sent);
        pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_DROPPED_SLOW, false);
        assert_int_equal(f->q.bytes, sizeof http - 1 - sent);
        check(f);
        pl_outq_drop(&f->q, &f->pool, PL_METRIC_FRAMES_CANCELLED, true);
        assert_int_equal(value(f, PL_METRIC_MESSAGES_OUT), 0);
        finish(&mine);
    }
}

/* Lossy frames: begun at every byte, shed by every amount. */
static void shed_at(const size_t len[FRAMES], size_t sent, uint64_t bytes)
{
    void *state;
    size_t same[FRAMES];

    begin(&state);
    struct fixture *f = state;
    struct pl_segment *s = make_segment(f->pool.segments, same);
    uint32_t all = (uint32_t)s->buf.len;
    for (uint32_t tag = 5; tag < 7; tag++) {
        owe(f, FRAMES);
        assert_true(
            pl_outq_append(&f->q, &f->pool, s, 0, all, FRAMES, FRAMES, tag));
    }
    pl_segment_release(f->pool.segments, s);
    pl_outq_sent(&f->q, &f->pool, sent);
    uint64_t before = f->q.bytes, begun = end_of_frame(len, sent) - sent;
    pl_outq_shed(&f->q, &f->pool, 0, bytes, PL_METRIC_FRAMES_DROPPED_OLDEST);
    check(f);
    uint64_t gone = before - f->q.bytes;
    assert_true(gone >= bytes || gone == before - begun);
    assert_true(gone < bytes + 304); /* not a frame more than it must */
    uint64_t dropped = value(f, PL_METRIC_FRAMES_DROPPED_OLDEST);
    pl_outq_sent(&f->q, &f->pool, f->q.bytes);
    check(f);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), 2 * FRAMES - dropped);
    assert_null(f->q.first);
    assert_null(f->q.last);
    finish(&state);
}

static void shedding_drops_whole_frames_from_the_oldest(void **state)
{
    size_t len[FRAMES];
    size_t total = 2 * measure(len);

    (void)state;
    for (size_t sent = 0; sent < total; sent++) {
        for (uint64_t bytes = 0; bytes < total + 20; bytes += 13)
            shed_at(len, sent, bytes);
    }
}

static void shedding_leaves_what_has_no_tag_or_another(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];
    size_t third = fill(f, len) / 3;
    struct pl_segment *s = make_segment(f->pool.segments, len);

    for (uint32_t tag = PL_OUT_LOSSY; tag < 4; tag++) {
        owe(f, FRAMES);
        assert_true(pl_outq_append(&f->q, &f->pool, s, 0, (uint32_t)third,
                                   FRAMES, FRAMES, tag));
    }
    pl_segment_release(f->pool.segments, s);
    pl_outq_shed(&f->q, &f->pool, 3, UINT64_MAX,
                 PL_METRIC_FRAMES_DROPPED_REPLACED);
    check(f);
    assert_int_equal(value(f, PL_METRIC_FRAMES_DROPPED_REPLACED), FRAMES);
    assert_int_equal(f->q.bytes, 5 * third);
    pl_outq_shed(&f->q, &f->pool, 0, UINT64_MAX,
                 PL_METRIC_FRAMES_DROPPED_OLDEST);
    check(f);
    assert_int_equal(value(f, PL_METRIC_FRAMES_DROPPED_OLDEST), 2 * FRAMES);
    assert_int_equal(f->q.bytes, 3 * third);
    fill(f, len); /* goes behind */
    assert_int_equal(f->q.bytes, 6 * third);
    check(f);
}

/* However many small parts wait, each of another large segment: none of these
 * stays alive for them, and they lie one behind the other. */
static void small_parts_that_wait_are_copied_together(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[4];
    size_t len[FRAMES], bytes = 0;

    for (int i = 0; i < 20; i++) {
        struct pl_segment *s = make_segment(f->pool.segments, len);

        pl_count(&f->metrics, PL_METRIC_FRAMES_QUEUED, 1);
        assert_true(pl_outq_append_small(&f->q, &f->pool, s, 0,
                                         (uint32_t)len[0], 1, 1, 7));
        assert_int_equal(s->holders, 1);
        pl_segment_release(f->pool.segments, s);
        bytes += len[0];
    }
    assert_int_equal(f->q.bytes, bytes);
    assert_int_equal(pl_outq_peek(&f->q, iov, 4), 1);
    assert_int_equal(iov[0].iov_len, bytes);
    pl_outq_sent(&f->q, &f->pool, len[0] + 1); /* the second was begun */
    pl_outq_shed(&f->q, &f->pool, 7, len[0], PL_METRIC_FRAMES_DROPPED_OLDEST);
    assert_int_equal(f->metrics.value[PL_METRIC_FRAMES_DROPPED_OLDEST], 1);
    assert_int_equal(f->metrics.value[PL_METRIC_FRAMES_QUEUED], 19);
    pl_outq_sent(&f->q, &f->pool, f->q.bytes);
    assert_int_equal(f->metrics.value[PL_METRIC_FRAMES_SENT], 19);
}

/* What has another tag, is no delivery, or is large stays by itself. */
static void parts_of_another_kind_are_not_joined(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[9];
    size_t len[FRAMES];
    struct pl_segment *s = make_segment(f->pool.segments, len);
    struct pl_segment *large = pl_segment_create(f->pool.segments);
    uint32_t to = (uint32_t)len[0];
    static char text[20000];

    put_message(large, (struct pl_span){text, sizeof text});
    pl_count(&f->metrics, PL_METRIC_FRAMES_QUEUED, 2);
    pl_outq_append_small(&f->q, &f->pool, s, 0, to, 1, 1, 7);
    pl_outq_append_small(&f->q, &f->pool, s, 0, to, 1, 1, 8);
    pl_outq_append_small(&f->q, &f->pool, s, 0, to, 1, 0, 0);
    pl_outq_append_small(&f->q, &f->pool, s, 0, to, 1, 0, 0);
    pl_outq_append_small(&f->q, &f->pool, large, 0, (uint32_t)large->buf.len, 1,
                         0, 0);
    assert_int_equal(large->holders, 2); /* shared, not copied */
    assert_int_equal(pl_outq_peek(&f->q, iov, 9), 4);
    pl_segment_release(f->pool.segments, s);
    pl_segment_release(f->pool.segments, large);
}

/* --- Going ahead --- */

/* Send all, and give the number of the frame that has a payload of 9 bytes,
 * which no other has. */
static int place_of_ping(struct fixture *f)
{
    static char bytes[1 << 16];
    struct iovec iov[64];
    struct pl_segment all = {.buf = {.data = bytes}};
    size_t len = 0;
    int n = pl_outq_peek(&f->q, iov, 64), place = 0;

    for (int i = 0; i < n; i++) {
        memcpy(bytes + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    all.buf.len = len;
    for (uint32_t at = 0; at < len; place++) {
        uint32_t message = pl_segment_length(&all, at);

        if (message == 11)
            break;
        at += message;
    }
    pl_outq_sent(&f->q, &f->pool, len);
    check(f);
    assert_null(f->q.last);
    return place;
}

/* The bytes of a begun frame would confuse place_of_ping(). */
static void send_whole_frame_of(struct fixture *f, size_t len, size_t sent)
{
    if (sent > 0)
        pl_outq_sent(&f->q, &f->pool, len - sent);
}

static void go_ahead(struct fixture *f)
{
    struct pl_segment *s = pl_segment_create(f->pool.segments);

    put_message(s, PL_SPAN("123456789"));
    assert_true(
        pl_outq_append_ahead(&f->q, &f->pool, s, 0, (uint32_t)s->buf.len));
    pl_segment_release(f->pool.segments, s);
    check(f);
}

static void what_goes_ahead_overtakes_deliveries_that_were_not_begun(void **st)
{
    size_t len[FRAMES];
    size_t all = measure(len);

    (void)st;
    for (size_t sent = 0; sent < all; sent++) {
        struct fixture *f;
        size_t begun = sent, frame = 0;
        void *state;

        begin(&state);
        f = state;
        fill(f, len);
        pl_outq_sent(&f->q, &f->pool, sent);
        while (begun >= len[frame])
            begun -= len[frame++];
        go_ahead(f);
        send_whole_frame_of(f, len[frame], begun);
        assert_int_equal(place_of_ping(f), 0);
        assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), 3 * FRAMES);
        finish(&state);
    }
}

static void what_goes_ahead_overtakes_no_reply(void **state)
{
    struct fixture *f = *state;
    size_t len[FRAMES];
    struct pl_segment *s = make_segment(f->pool.segments, len);

    go_ahead(f); /* into an empty queue */
    assert_int_equal(place_of_ping(f), 0);
    fill(f, len);
    append(f, s, 0, (uint32_t)s->buf.len, FRAMES, false);
    append(f, s, 0, (uint32_t)s->buf.len, FRAMES, true);
    pl_segment_release(f->pool.segments, s);
    go_ahead(f);
    assert_int_equal(place_of_ping(f), 4 * FRAMES);
}

/* Lines, of which a copy is walked over as well as its source. */
static void a_copy_of_a_part_keeps_the_form(void **state)
{
    struct fixture *f = *state;
    struct pl_segment *s = pl_segment_create(f->pool.segments);
    struct iovec iov[4];

    s->form = PL_FORM_LINES;
    s->messages = 3;
    pl_buf_put_span(&s->buf, PL_SPAN("one\ntwo\nthree\n"));
    owe(f, 6);
    for (int i = 0; i < 2; i++)
        assert_true(pl_outq_append_small(&f->q, &f->pool, s, 0,
                                         (uint32_t)s->buf.len, 3, 3, 7));
    assert_int_equal(s->holders, 1);
    pl_segment_release(f->pool.segments, s);
    pl_outq_sent(&f->q, &f->pool, 5); /* into "two" */
    pl_outq_shed(&f->q, &f->pool, 7, 1, PL_METRIC_FRAMES_DROPPED_OLDEST);
    assert_int_equal(value(f, PL_METRIC_FRAMES_SENT), 0);
    assert_int_equal(value(f, PL_METRIC_FRAMES_DROPPED_OLDEST), 1);
    assert_int_equal(pl_outq_peek(&f->q, iov, 4), 2);
    assert_int_equal(iov[0].iov_len, 3);
    assert_memory_equal(iov[1].iov_base, "one\ntwo\n", 8);
    check(f);
}

/* A part in another form is never put behind what was copied before. */
static void parts_of_two_forms_are_not_joined(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[4];

    for (uint8_t form = PL_FORM_LINES; form <= PL_FORM_EVENTS; form++) {
        struct pl_segment *s = pl_segment_create(f->pool.segments);

        s->form = form;
        s->messages = 1;
        pl_buf_put_span(&s->buf, PL_SPAN("data: x\n\n"));
        owe(f, 1);
        assert_true(pl_outq_append_small(&f->q, &f->pool, s, 0,
                                         (uint32_t)s->buf.len, 1, 1, 7));
        pl_segment_release(f->pool.segments, s);
    }
    assert_int_equal(pl_outq_peek(&f->q, iov, 4), 2);
    check(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, finish)
        T(an_empty_queue_has_nothing_to_send),
        T(neighbouring_parts_of_a_segment_become_one_piece),
        T(peek_gives_at_most_what_was_asked_for),
        T(sending_byte_by_byte_gives_every_byte_once),
        cmocka_unit_test(a_drop_keeps_the_begun_frame_wherever_it_was_split),
        cmocka_unit_test(a_drop_of_all_counts_what_was_sent_wholly),
        T(frames_after_a_kept_one_are_sent_after_it),
        T(a_copy_of_a_part_keeps_the_form),
        T(parts_of_two_forms_are_not_joined),
        T(compacting_copies_a_small_part_of_a_large_segment),
        T(small_parts_that_wait_are_copied_together),
        T(parts_of_another_kind_are_not_joined),
        T(splicing_moves_everything_after),
        cmocka_unit_test(shedding_drops_whole_frames_from_the_oldest),
        T(shedding_leaves_what_has_no_tag_or_another),
        cmocka_unit_test(bytes_that_are_no_frame_are_kept_whole),
        cmocka_unit_test(
            what_goes_ahead_overtakes_deliveries_that_were_not_begun),
        T(what_goes_ahead_overtakes_no_reply),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
