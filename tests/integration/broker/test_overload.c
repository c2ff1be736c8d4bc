/* SPDX-License-Identifier: Apache-2.0 */
/* test_overload.c - limits, slow readers, no descriptors, and how connections
 * spread: nothing is lost without being counted, and others do not notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box.h"
#include "descriptors.h"
#include "moment.h"
#include "peer.h"

enum { LITTLE = 32 << 10, MUCH = 4 << 20 };

/* A JSON string of `len` bytes that begins with its number.  The caller frees
 * it. */
static char *make_text(size_t len, int number)
{
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, 'a' + number % 26, len);
    text[snprintf(text, len, "\"%06d", number)] = '.';
    text[len - 1] = '"';
    text[len] = '\0';
    return text;
}

static int number_of(struct pl_span text)
{
    return atoi(text.at + 1);
}

/* How much of what it does not read the kernel keeps for the peer. */
static void set_window(struct peer *p, int bytes)
{
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* --- The log --- */

/* Without an id nobody is told but the log, which no client may fill. */
static void messages_to_nobody_are_one_line_a_client(void **st)
{
    static const char *const to[] = {"{\"to\":\"nonsense\"}",
                                     "{\"to\":\"conn/gone\",\"body\":1}"};
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, NULL);
    for (unsigned clients = 1; clients <= 2; clients++) {
        peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
        for (int i = 0; i < 100; i++)
            peer_send(&p, to[i % 2]);
        peer_await(&p, peer_publish(&p, "room", "1"), &r);
        assert_int_equal(box_log_count("\"message not delivered\""), clients);
        peer_fini(&p);
    }
    box_await(&b, "commands.refused", 200);
    box_await(&b, "active_connections", 0);
    box_destroy(&b);
    box_log_end();
}

/* --- Slow readers --- */

static void a_slow_reader_is_closed_and_others_are_not_affected(void **st)
{
    const char *sets[] = {"limits.outgoing_queue=256KiB",
                          "channels.history_size=0", NULL};
    enum { READERS = 3 };
    struct peer slow, good[READERS], p;
    struct peer_reply r;
    struct box b;
    int published = 0, seen;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&slow, b.port, PEER_JSON, NULL, NULL);
    set_window(&slow, LITTLE);
    peer_join(&slow, "room");
    for (int i = 0; i < READERS; i++) {
        peer_enter(&good[i], b.port, i % 2 ? PEER_JSON : PEER_PROTOBUF, NULL,
                   NULL);
        peer_join(&good[i], "room");
    }
    while (box_number(&b, "closed.slow") == 0) {
        char *text = make_text(32000, published++);

        peer_await(&p, peer_publish(&p, "room", text), &r);
        assert_int_equal(r.kind, PEER_RESULT);
        for (int i = 0; i < READERS; i++) {
            peer_await_push(&good[i], PEER_PUBLICATION, &r);
            assert_int_equal(number_of(r.data), published - 1);
            assert_int_equal(r.data.len, 32000);
        }
        free(text);
    }
    set_window(&slow, MUCH);
    /* What it gets is the beginning of what was sent, then the reason. */
    for (seen = 0; peer_wait(&slow, &r) == PEER_GOT; seen++)
        assert_int_equal(number_of(r.data), seen);
    assert_true(seen < published);
    assert_int_equal(peer_await_end(&slow), 3008);
    box_rest(&b);
    assert_int_equal(box_number(&b, "closed.slow"), 1);
    /* It is owed no more from when it was closed; the ledger, exact in
     * box_rest(), has what it was owed by then. */
    int64_t lost =
        box_number(&b, "drops.slow") + box_number(&b, "deliveries.cancelled");
    assert_in_range(lost, 1, published - seen);
    box_await(&b, "deliveries.sent", READERS * published + seen);
    peer_fini(&slow);
    peer_fini(&p);
    for (int i = 0; i < READERS; i++)
        peer_fini(&good[i]);
    box_destroy(&b);
}

/* Small publications come joined, so that a reset finds some of a piece given
 * and others not. */
static void a_slow_reader_that_never_reads_again_leaves_nothing(void **st)
{
    const char *sets[] = {"limits.outgoing_queue=64MiB",
                          "channels.history_size=0", NULL};
    enum { BURST = 500 };
    struct peer slow;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&slow, b.port, PEER_PROTOBUF, NULL, NULL);
    set_window(&slow, LITTLE);
    peer_join(&slow, "room");
    char *text = make_text(900, 1);
    while (box_number(&b, "connections.out_queue_bytes") == 0) {
        for (int i = 0; i < BURST; i++)
            pl_broker_post(b.broker, "room", text, strlen(text), NULL, NULL,
                           NULL);
        box_await_least(&b, "messages.publications", BURST);
    }
    free(text);
    assert_true(box_number(&b, "deliveries.queued") > 0);
    peer_reset(&slow);
    box_await(&b, "connections.open", 0);
    box_await(&b, "connections.out_queue_bytes", 0);
    box_rest(&b);
    assert_true(box_number(&b, "deliveries.cancelled") > 0);
    box_destroy(&b);
}

static void a_message_larger_than_the_queue_goes_into_an_empty_one(void **st)
{
    const char *sets[] = {"limits.outgoing_queue=64KiB",
                          "channels.history_size=0", NULL};
    struct peer_reply r;
    struct peer q;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&q, b.port, PEER_PROTOBUF, NULL, NULL);
    peer_join(&q, "room");
    box_rest(&b); /* its queue is empty */
    char *text = make_text(300000, 7);
    assert_int_equal(
        pl_broker_post(b.broker, "room", text, strlen(text), NULL, NULL, NULL),
        PL_OK);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, pl_span_of(text)));
    free(text);
    peer_fini(&q);
    box_destroy(&b);
}

static void what_the_kernel_takes_in_parts_arrives_whole(void **st)
{
    const char *sets[] = {"limits.outgoing_queue=64MiB",
                          "channels.history_size=0", NULL};
    enum { COUNT = 200, LEN = 60000 };
    struct peer_reply r;
    struct peer p, q;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, b.port, PEER_JSON, NULL, NULL);
    set_window(&q, LITTLE);
    peer_join(&q, "room");
    for (int i = 0; i < COUNT; i++) {
        char *text = make_text(LEN, i);

        peer_await(&p, peer_publish(&p, "room", text), &r);
        free(text);
    }
    box_await_least(&b, "connections.out_queue_bytes", 1);
    set_window(&q, MUCH);
    for (int i = 0; i < COUNT; i++) {
        char *text = make_text(LEN, i);

        peer_await_push(&q, PEER_PUBLICATION, &r);
        assert_true(pl_span_equal(r.data, pl_span_of(text)));
        free(text);
    }
    box_await(&b, "deliveries.sent", COUNT);
    peer_fini(&p);
    peer_fini(&q);
    box_destroy(&b);
}

/* The kernel's buffers would hide how slow a reader is: they may grow to
 * megabytes, all of it stale. */
static void the_kernel_keeps_little_that_policy_cannot_reach(void **st)
{
    const char *sets[] = {"limits.outgoing_queue=64KiB", "channels.slow=latest",
                          "channels.history_size=0", NULL};
    enum { COUNT = 300, LEN = 16000, UNSENT = 128 << 10 };
    struct peer slow, p;
    struct peer_reply r;
    struct box b;
    int last = -1, seen = 0;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&slow, b.port, PEER_JSON, NULL, NULL);
    set_window(&slow, LITTLE);
    peer_join(&slow, "room");
    for (int i = 0; i < COUNT; i++) {
        char *text = make_text(LEN, i);

        peer_await(&p, peer_publish(&p, "room", text), &r);
        assert_int_equal(r.kind, PEER_RESULT);
        free(text);
    }
    /* Its loop may be behind the publisher's, which has all answers. */
    box_await_least(&b, "drops.replaced", COUNT - (UNSENT + 8 * LITTLE) / LEN);
    set_window(&slow, MUCH);
    while (last < COUNT - 1) {
        peer_await_push(&slow, PEER_PUBLICATION, &r);
        assert_true(number_of(r.data) > last);
        last = number_of(r.data);
        seen++;
    }
    assert_true(seen * LEN < UNSENT + 8 * LITTLE);
    box_await(&b, "drops.replaced", COUNT - seen);
    box_rest(&b);
    peer_fini(&slow);
    peer_fini(&p);
    box_destroy(&b);
}

/* --- Limits --- */

static void connections_beyond_the_limit_are_answered_503(void **st)
{
    const char *sets[] = {"limits.connections=4", NULL};
    struct peer p[4], more;
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < 4; i++)
        peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(peer_open(&more, b.port, PEER_JSON), 503);
        peer_fini(&more);
        box_await(&b, "connections.handshakes_refused", i + 1);
        box_await(&b, "connections.open", 4);
    }
    peer_fini(&p[2]);
    box_await(&b, "connections.open", 3);
    peer_enter(&more, b.port, PEER_JSON, NULL, NULL);
    peer_fini(&more);
    for (int i = 0; i < 4; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

/* Less than any process has: it is short from the first look on. */
static void above_the_limit_of_memory_new_work_is_refused(void **st)
{
    const char *sets[] = {"limits.memory=1MiB", NULL};
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    box_start(&b, sets);
    box_await(&b, "memory.state", 2);
    box_rest(&b);
    assert_int_equal(box_number(&b, "memory.limit"), 1 << 20);
    assert_true(box_number(&b, "memory.used") > 1 << 20);
    assert_int_equal(peer_open(&p, b.port, PEER_JSON), 503);
    peer_fini(&p);
    box_await(&b, "memory.refused", 1);
    assert_true(box_log_has("memory is short, new work is refused"));
    box_destroy(&b); /* all gauges are 0 */
    box_log_end();
}

static void a_share_of_the_machine_is_enough(void **st)
{
    const char *sets[] = {"limits.memory=90%", NULL};
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    while (box_number(&b, "memory.limit") == 0)
        continue; /* it looks when it has begun to run */
    assert_int_equal(box_number(&b, "memory.state"), 0);
    assert_true(box_number(&b, "memory.limit") > box_number(&b, "memory.used"));
    peer_fini(&p);
    box_destroy(&b);
}

static void channels_beyond_the_limit_of_a_connection_end_in_106(void **st)
{
    const char *sets[] = {"limits.connection_channels=3", NULL};
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "a");
    peer_join(&p, "b");
    peer_join(&p, "c");
    peer_await(&p, peer_subscribe(&p, "d"), &r);
    assert_int_equal(r.code, 106);
    peer_await(&p, peer_unsubscribe(&p, "b"), &r);
    peer_join(&p, "d");
    peer_fini(&p);
    box_destroy(&b);
}

static void messages_beyond_the_limit_end_in_1009(void **st)
{
    const char *sets[] = {"websocket.max_message=2KiB", NULL};
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    char *text = make_text(4000, 1);
    peer_publish(&p, "room", text);
    free(text);
    assert_int_equal(peer_await_end(&p), 1009);
    assert_int_equal(box_number(&b, "messages.publications"), 0);
    peer_fini(&p);
    box_destroy(&b);
}

/* --- Descriptors --- */

enum { WAITING = 8 };

static void without_descriptors_the_listener_waits_and_recovers(void **st)
{
    struct peer first, p[WAITING];
    struct descriptors all;
    int fds[WAITING];
    struct peer_reply r;
    struct box b;

    (void)st;
    if (getenv("PL_VALGRIND") != NULL)
        skip(); /* it keeps descriptors of its own and bends the limit */
    box_log_begin();
    box_start(&b, NULL);
    peer_enter(&first, b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < WAITING; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    descriptors_use_up(&all);
    uint64_t since = moment_ms();
    for (int i = 0; i < WAITING; i++) /* they come into the backlog */
        peer_begin_on(&p[i], fds[i], b.port, PEER_JSON, NULL);
    box_await_least(&b, "connections.accept_failed", 3);
    /* it tries again each 100 ms, and does not spin */
    uint64_t failed = (uint64_t)box_number(&b, "connections.accept_failed");
    assert_true(failed <= (moment_ms() - since) / 100 + 2);
    peer_join(&first, "room"); /* who is there already is served */
    descriptors_give_back(&all);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(peer_await_open(&p[i]), 101);
        peer_await(&p[i], peer_connect(&p[i], NULL), &r);
        assert_int_equal(r.kind, PEER_RESULT);
    }
    assert_true(box_log_has("accept failed, pausing"));
    for (int i = 0; i < WAITING; i++)
        peer_fini(&p[i]);
    peer_fini(&first);
    box_destroy(&b);
    box_log_end();
}

/* --- Spread --- */

static void assert_even(const struct box *b, unsigned loops)
{
    int64_t least = INT64_MAX, most = 0;
    char path[32];

    for (unsigned i = 0; i < loops; i++) {
        snprintf(path, sizeof path, "loops.%u.connections", i);
        int64_t n = box_number(b, path);

        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    assert_true(most - least <= 1);
}

static void connections_spread_evenly_over_the_loops(void **st)
{
    const char *sets[] = {"loops=4", NULL};
    enum { PEERS = 42 };
    struct peer p[PEERS];
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < PEERS; i++) /* all at once */
        peer_begin(&p[i], b.port, PEER_JSON, NULL);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(peer_await_open(&p[i]), 101);
    box_await(&b, "connections.open", PEERS);
    box_rest(&b);
    assert_even(&b, 4);
    for (int i = 0; i < PEERS; i += 3)
        peer_fini(&p[i]);
    box_await(&b, "connections.open", PEERS - PEERS / 3);
    box_rest(&b);
    for (int i = 0; i < PEERS; i += 3) { /* the gaps are filled */
        assert_int_equal(peer_open(&p[i], b.port, PEER_PROTOBUF), 101);
        box_rest(&b);
    }
    box_await(&b, "connections.open", PEERS);
    assert_even(&b, 4);
    for (int i = 0; i < PEERS; i++)
        peer_fini(&p[i]);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

/* What each loop may have is rounded up, and must not overflow. */
static void the_largest_limits_are_as_good_as_none(void **st)
{
    const char *sets[] = {"loops=3", "limits.connections=4294967295",
                          "limits.channels=4294967295", NULL};
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    peer_fini(&p);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_to_nobody_are_one_line_a_client),
        cmocka_unit_test(a_slow_reader_is_closed_and_others_are_not_affected),
        cmocka_unit_test(a_slow_reader_that_never_reads_again_leaves_nothing),
        cmocka_unit_test(
            a_message_larger_than_the_queue_goes_into_an_empty_one),
        cmocka_unit_test(what_the_kernel_takes_in_parts_arrives_whole),
        cmocka_unit_test(the_kernel_keeps_little_that_policy_cannot_reach),
        cmocka_unit_test(connections_beyond_the_limit_are_answered_503),
        cmocka_unit_test(the_largest_limits_are_as_good_as_none),
        cmocka_unit_test(above_the_limit_of_memory_new_work_is_refused),
        cmocka_unit_test(a_share_of_the_machine_is_enough),
        cmocka_unit_test(channels_beyond_the_limit_of_a_connection_end_in_106),
        cmocka_unit_test(messages_beyond_the_limit_end_in_1009),
        cmocka_unit_test(without_descriptors_the_listener_waits_and_recovers),
        cmocka_unit_test(connections_spread_evenly_over_the_loops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
