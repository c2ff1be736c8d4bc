/* SPDX-License-Identifier: Apache-2.0 */
/* test_histories.c - clients that fill the store of streams: with channels
 * without end, with large publications.  Others log in, hear and recover as if
 * nobody did, and what is kept is bounded. */
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
#include "deflate.h"
#include "frame.h"
#include "mischief.h"
#include "stage.h"
#include "ws_feed.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { BATCH = 200, BATCHES = 60, CHANNELS = 2000 };

/* A batch of publications to channels that nobody has used before. */
static void make_channels(struct peer *p, unsigned batch)
{
    struct peer_reply r;
    char name[32];
    uint32_t last = 0;

    peer_cork(p);
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(name, sizeof name, "mine-%u", batch * BATCH + i);
        last = peer_publish(p, name, "\"and mine\"");
    }
    peer_uncork(p);
    do {
        assert_int_equal(peer_wait(p, &r), PEER_GOT);
    } while (r.id != last);
}

/* Who comes gets an inbox, hears the room, and goes. */
static void visit(uint16_t port, unsigned visitor)
{
    struct peer_reply r;
    char user[32], *token;
    struct peer p;

    snprintf(user, sizeof user, "visitor-%u", visitor);
    token = box_token(SECRET, user, NULL);
    peer_enter(&p, port, visitor % 2, token, NULL);
    peer_join(&p, "room");
    peer_await(&p, peer_publish(&p, "room", "\"hello\""), &r);
    assert_int_equal(r.kind, PEER_RESULT);
    peer_fini(&p);
    free(token);
}

/* Everything that was said in the room, in its place. */
static void hear(struct peer *p, uint64_t *offset)
{
    struct peer_reply r;

    peer_await_push(p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("\"hello\"")));
    assert_int_equal(r.offset, ++*offset);
}

static void who_makes_channels_without_end_keeps_nobody_out(void **state)
{
    static const char *const sets[] = {"limits.channels=2000", "loops=2",
                                       "limits.new_channels_per_minute=0",
                                       "auth.hmac_secret=" SECRET, NULL};
    struct peer greedy, listener;
    struct stage s;
    uint64_t offset = 0;

    (void)state;
    stage_begin(&s, sets);
    peer_enter(&listener, s.broker.port, PEER_JSON, NULL, NULL);
    peer_join(&listener, "room");
    peer_enter(&greedy, s.broker.port, PEER_PROTOBUF, NULL, NULL);
    for (unsigned i = 0; i < BATCHES; i++) {
        make_channels(&greedy, i);
        visit(s.broker.port, i);
        hear(&listener, &offset);
    }
    int64_t kept = remote_number(&s.broker, "channels.positions_kept");
    int64_t evicted = remote_number(&s.broker, "channels.evicted");
    print_message("%d channels made: %lld kept, %lld evicted\n",
                  BATCH * BATCHES, (long long)kept, (long long)evicted);
    assert_in_range(kept, CHANNELS / 2, CHANNELS);
    assert_true(evicted >= BATCH * BATCHES - CHANNELS);
    assert_true(remote_has_logged(&s.broker, "limits.channels is reached"));
    peer_fini(&greedy);
    peer_fini(&listener);
    stage_end(&s);
}

/* --- Large publications that are small on their way --- */

enum {
    BIG = 60000,
    BIGS = 600 / (PL_FEWER > 1 ? 2 : 1),
    MIB = 1 << 20,
    LIMIT = 8 * MIB
};

static const char head[] =
    MISCHIEF_HEAD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

static void put_message(struct pl_buf *out, struct pl_deflater *d,
                        const struct pl_buf *message)
{
    struct pl_buf frame = {0};

    pl_ws_frame_put(&frame, PL_WS_TEXT, pl_buf_span(message));
    pl_deflate_last(d, PL_DEFLATE_WIDE, &frame, 0);
    ws_mask(out, pl_buf_span(&frame));
    pl_buf_fini(&frame);
}

static void put_publication(struct pl_buf *out, struct pl_deflater *d,
                            unsigned number)
{
    struct pl_buf message = {0};

    pl_buf_printf(&message,
                  "{\"id\":%u,\"publish\":{\"channel\":\"big-%u\",\"data\":\"",
                  number + 2, number);
    for (int i = 0; i < BIG; i++)
        pl_buf_put_byte(&message, 'x');
    pl_buf_put(&message, "\"}}", 3);
    put_message(out, d, &message);
    pl_buf_fini(&message);
}

/* One anonymous client; its answers are thrown away. */
static void publish_bigs(const struct stage *s, size_t *sent)
{
    struct pl_deflater deflater = {0};
    struct pl_buf unit = {0}, connect = {0};
    char answer[65536];
    int fd = stage_socket(s);

    stage_send(fd, head, sizeof head - 1);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    pl_buf_put_span(&connect, PL_SPAN("{\"id\":1,\"connect\":{}}"));
    put_message(&unit, &deflater, &connect);
    stage_send(fd, unit.data, unit.len);
    assert_true(recv(fd, answer, sizeof answer, 0) > 0);
    *sent = 0;
    for (unsigned i = 0; i < BIGS; i++) {
        unit.len = 0;
        put_publication(&unit, &deflater, i);
        stage_send(fd, unit.data, unit.len);
        *sent += unit.len;
        while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
            continue;
    }
    remote_await_least(&s->broker, "messages.publications", BIGS);
    stage_leave(fd, LEAVE_RESET);
    pl_deflater_fini(&deflater);
    pl_buf_fini(&connect);
    pl_buf_fini(&unit);
}

/* How many publications a channel's history has. */
static unsigned count_history(struct peer *p, const char *channel)
{
    struct pl_buf b = {0};
    struct peer_reply r;
    unsigned count = 0;

    pl_buf_printf(&b,
                  "{\"id\":9999,\"history\":{\"channel\":\"%s\","
                  "\"limit\":-1}}",
                  channel);
    peer_frame(p, PL_WS_TEXT, pl_buf_span(&b));
    pl_buf_fini(&b);
    peer_await(p, 9999, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    for (const char *at = r.body.at, *end = r.body.at + r.body.len;
         (at = memmem(at, (size_t)(end - at), "\"data\":", 7)) != NULL; at++)
        count++;
    return count;
}

static void large_publications_push_out_only_their_publishers(void **state)
{
    static const char *const sets[] = {"limits.history=8MiB",
                                       "limits.client_history=2MiB",
                                       "websocket.deflate=true",
                                       "loops=1",
                                       "auth.hmac_secret=" SECRET,
                                       "limits.new_channels_per_minute=0",
                                       NULL};
    char *token = box_token(SECRET, "quiet", NULL);
    struct remote_census before, after;
    struct peer_reply r;
    struct peer quiet;
    struct stage s;
    char last[32];
    size_t sent;

    (void)state;
    stage_begin_exact(&s, sets);
    peer_enter(&quiet, s.broker.port, PEER_JSON, token, NULL);
    for (unsigned i = 0; i < 5; i++) {
        peer_await(&quiet, peer_publish(&quiet, "quiet", "\"hello\""), &r);
        assert_int_equal(r.kind, PEER_RESULT);
    }
    remote_census(&s.broker, &before);
    publish_bigs(&s, &sent);
    remote_census(&s.broker, &after);
    int64_t bytes = remote_number(&s.broker, "history.bytes");
    print_message("%d KiB published with %zu KiB: histories take %lld KiB, "
                  "the process %lld KiB more\n",
                  BIGS * (BIG / 1024), sent / 1024, (long long)bytes / 1024,
                  ((long long)after.resident - (long long)before.resident) /
                      1024);
    assert_in_range(bytes, MIB, 3 * MIB);
    assert_true(after.resident < before.resident + 16 * MIB);
    assert_true(remote_number(&s.broker, "history.shed_client") > BIGS / 2);
    assert_int_equal(count_history(&quiet, "quiet"), 5);
    assert_int_equal(count_history(&quiet, "big-0"), 0);
    snprintf(last, sizeof last, "big-%d", BIGS - 1);
    assert_int_equal(count_history(&quiet, last), 1);
    peer_fini(&quiet);
    free(token);
    stage_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_makes_channels_without_end_keeps_nobody_out),
        cmocka_unit_test(large_publications_push_out_only_their_publishers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
