/* SPDX-License-Identifier: Apache-2.0 */
/* test_slow_link.c - channels.slow with the kernel's buffers in the way: some
 * subscribers sit behind a link of 100 ms and 2 Mbit/s that loses 1 %, others
 * beside the broker, and the channel speaks faster than the link carries.
 *
 * The publisher waits for those beside the broker, so nothing here depends on
 * how fast the machine is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "remote.h"
#include "slow_link.h"

enum {
    SLOW = 3,
    FAST = 3,
    READERS = SLOW + FAST,
    SIZE = 4000,       /* bytes of a message */
    BURST = 8,         /* messages at once */
    QUEUE = 256 << 10, /* limits.outgoing_queue */
    MANY = 6000,       /* more messages than any link takes meanwhile */
    SOME = 900,        /* 3.6 MB, many times what may wait for one */
    SKIPPED = 77
};

#define QUEUE_SET "limits.outgoing_queue=256KiB"

struct reader {
    struct peer peer;
    int next;              /* the number of the message that should come */
    int jumped;            /* numbers that never came */
    uint32_t unsubscribed; /* the code of such a push; 0: none */
    uint64_t offset;
    bool is_over;
};

struct scene {
    struct remote broker;
    struct peer publisher;
    struct reader readers[READERS]; /* the slow ones first */
    int published;
    int64_t most_queued;
};

static struct slow_link link_of_all;

/* --- Readers --- */

static bool is_slow(const struct scene *s, const struct reader *r)
{
    return r - s->readers < SLOW;
}

static void enter_by_link(struct peer *p, uint16_t port)
{
    struct peer_reply r;

    peer_begin_on(p, slow_link_socket(&link_of_all), port, PEER_JSON, NULL);
    assert_int_equal(peer_await_open(p), 101);
    peer_await(p, peer_connect(p, NULL), &r);
    assert_int_equal(r.kind, PEER_RESULT);
}

static void take(struct reader *r, const struct peer_reply *got)
{
    if (got->kind == PEER_UNSUBSCRIBED)
        r->unsubscribed = got->code;
    if (got->kind != PEER_PUBLICATION)
        return;
    int number = atoi(got->data.at + 1);

    assert_int_equal(got->data.len, SIZE);
    assert_true(number >= r->next); /* in order, and none twice */
    r->jumped += number - r->next;
    r->next = number + 1;
    r->offset = got->offset;
}

/* Whatever is here of all of them but one, without waiting. */
static void read_all_but(struct scene *s, const struct reader *left_out)
{
    struct peer_reply got;

    for (struct reader *r = s->readers; r < s->readers + READERS; r++) {
        enum peer_got what = PEER_MORE;

        while (r != left_out && !r->is_over &&
               (peer_read(&r->peer) || r->peer.is_over)) {
            while ((what = peer_next(&r->peer, &got)) == PEER_GOT)
                take(r, &got);
            r->is_over = what == PEER_END;
        }
        if (!is_slow(s, r))
            assert_int_equal(r->jumped, 0);
    }
}

static void read_all(struct scene *s)
{
    read_all_but(s, NULL);
}

static void wait_for_any(struct scene *s)
{
    struct pollfd f[READERS];

    for (unsigned i = 0; i < READERS; i++) {
        f[i].fd = s->readers[i].is_over ? -1 : s->readers[i].peer.fd;
        f[i].events = POLLIN;
    }
    assert_true(poll(f, READERS, PEER_DEADLINE_MS) > 0);
}

static bool all_have(const struct scene *s, bool slow_too, int number)
{
    for (const struct reader *r = s->readers; r < s->readers + READERS; r++) {
        if ((slow_too || !is_slow(s, r)) && r->next <= number)
            return false;
    }
    return true;
}

/* A burst, which those beside the broker have when this returns. */
static void publish_burst(struct scene *s)
{
    char text[SIZE + 1];
    uint32_t id = 0;
    struct peer_reply r;

    peer_cork(&s->publisher);
    for (int i = 0; i < BURST; i++) {
        memset(text, 'x', SIZE);
        text[snprintf(text, SIZE, "\"%06d", s->published++)] = ' ';
        memcpy(text + SIZE - 1, "\"", 2);
        id = peer_publish(&s->publisher, "live", text);
    }
    peer_uncork(&s->publisher);
    peer_await(&s->publisher, id, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    for (read_all(s); !all_have(s, false, s->published - 1); read_all(s))
        wait_for_any(s);
    int64_t queued = remote_number(&s->broker, "connections.out_queue_bytes");
    if (queued > s->most_queued)
        s->most_queued = queued;
}

/* --- Scenes --- */

static void begin(struct scene *s, const char *policy, const char *history)
{
    const char *sets[] = {policy, history, QUEUE_SET, "loops=2", NULL};

    memset(s, 0, sizeof *s);
    remote_start(&s->broker, getenv("PARLEYD"), sets);
    peer_enter(&s->publisher, s->broker.port, PEER_JSON, NULL, NULL);
    for (struct reader *r = s->readers; r < s->readers + READERS; r++) {
        if (is_slow(s, r))
            enter_by_link(&r->peer, s->broker.port);
        else
            peer_enter(&r->peer, s->broker.port, PEER_JSON, NULL, NULL);
        peer_join(&r->peer, "live");
    }
}

/* What holds whatever the policy was. */
static void end(struct scene *s)
{
    /* a message may go into a queue that is not quite full, and some more
     * wait for their loop's turn */
    assert_true(s->most_queued <= SLOW * (QUEUE + BURST * SIZE * 2));
    for (struct reader *r = s->readers; r < s->readers + READERS; r++)
        peer_fini(&r->peer);
    peer_fini(&s->publisher);
    remote_await(&s->broker, "connections.open", 0);
    printf("at most %lld bytes waited for %d slow readers\n",
           (long long)s->most_queued, SLOW);
    remote_stop(&s->broker);
}

static int jumped(const struct scene *s)
{
    int sum = 0;

    for (unsigned i = 0; i < SLOW; i++)
        sum += s->readers[i].jumped;
    return sum;
}

/* Publish more than the link takes, then let it take the rest. */
static void publish_and_drain(struct scene *s)
{
    while (s->published < SOME)
        publish_burst(s);
    for (read_all(s); !all_have(s, true, s->published - 1); read_all(s))
        wait_for_any(s);
}

static void behind_a_slow_link_close_ends_in_3008(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, "channels.slow=close", "channels.history_size=0");
    while (remote_number(&s.broker, "closed.slow") < SLOW) {
        publish_burst(&s);
        assert_true(s.published < MANY);
    }
    /* What they get is the beginning of what was said, then the reason. */
    for (unsigned i = 0; i < SLOW; i++) {
        while (!s.readers[i].is_over) {
            wait_for_any(&s);
            read_all(&s);
        }
        assert_int_equal(s.readers[i].peer.close_code, 3008);
        assert_int_equal(s.readers[i].jumped, 0);
        assert_true(s.readers[i].next < s.published);
    }
    end(&s);
}

static void behind_a_slow_link_the_oldest_are_dropped_and_counted(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, "channels.slow=drop_oldest", "channels.history_size=0");
    publish_and_drain(&s);
    assert_true(jumped(&s) > 0);
    assert_int_equal(remote_number(&s.broker, "drops.oldest"), jumped(&s));
    assert_int_equal(remote_number(&s.broker, "closed.slow"), 0);
    end(&s);
}

static void behind_a_slow_link_the_latest_arrives(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, "channels.slow=latest", "channels.history_size=0");
    publish_and_drain(&s);
    assert_true(jumped(&s) > 0);
    assert_int_equal(remote_number(&s.broker, "drops.replaced") +
                         remote_number(&s.broker, "drops.oldest"),
                     jumped(&s));
    assert_true(remote_number(&s.broker, "drops.replaced") > 0);
    assert_int_equal(remote_number(&s.broker, "closed.slow"), 0);
    end(&s);
}

/* --- Recovery --- */

static bool body_has(const struct peer_reply *r, const char *text)
{
    return memmem(r->body.at, r->body.len, text, strlen(text)) != NULL;
}

/* The epoch of a subscription that is there already. */
static void learn_epoch(struct peer *p, char out[32])
{
    static const char key[] = "\"epoch\":\"";
    struct peer_reply r;

    peer_frame(p, PL_WS_TEXT,
               PL_SPAN("{\"id\":900,\"history\":{\"channel\":\"live\"}}"));
    peer_await(p, 900, &r);
    const char *at = memmem(r.body.at, r.body.len, key, sizeof key - 1);
    assert_non_null(at);
    snprintf(out, 32, "%.8s", at + sizeof key - 1);
}

/* The answer brings all from where the reader was up to the newest. */
static void take_missed(struct scene *s, struct reader *r,
                        const struct peer_reply *got)
{
    char data[32];

    for (; r->next < s->published; r->next++) {
        snprintf(data, sizeof data, "\"data\":\"%06d ", r->next);
        assert_true(body_has(got, data));
    }
}

/* The answer may take long, and the others are pinged meanwhile. */
static void await_recovery(struct scene *s, struct reader *r,
                           struct peer_reply *out)
{
    for (;;) {
        while (peer_next(&r->peer, out) == PEER_GOT) {
            if (out->id == 901)
                return;
            take(r, out);
        }
        wait_for_any(s);
        assert_true(peer_read(&r->peer) || !r->peer.is_over);
        read_all_but(s, r);
    }
}

/* Subscribe from where the reader was; true: all that it missed has come.
 * False: it was told that not all can come. */
static bool recover(struct scene *s, struct reader *r, const char *epoch)
{
    char text[256];
    struct peer_reply got;

    int len = snprintf(text, sizeof text,
                       "{\"id\":901,\"subscribe\":{\"channel\":\"live\","
                       "\"recover\":true,\"epoch\":\"%s\",\"offset\":%llu}}",
                       epoch, (unsigned long long)r->offset);
    peer_frame(&r->peer, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
    await_recovery(s, r, &got);
    assert_int_equal(got.kind, PEER_RESULT);
    assert_true(body_has(&got, "\"was_recovering\":true"));
    if (!body_has(&got, "\"recovered\":true"))
        return false;
    take_missed(s, r, &got);
    return true;
}

/* Messages with history are never dropped one by one: the subscription ends
 * with 2500, and who recovers gets everything or is told that it cannot. */
static void behind_a_slow_link_what_is_recoverable_ends_in_2500(void **state)
{
    struct scene s;
    char epoch[32];

    (void)state;
    begin(&s, "channels.slow=drop_oldest", "channels.history_size=10000");
    learn_epoch(&s.readers[SLOW].peer, epoch);
    while (remote_number(&s.broker, "drops.unsubscribed") < SLOW) {
        publish_burst(&s);
        assert_true(s.published < MANY);
    }
    for (unsigned i = 0; i < SLOW; i++) {
        struct reader *r = &s.readers[i];

        while (r->unsubscribed == 0) {
            wait_for_any(&s);
            read_all(&s);
        }
        assert_int_equal(r->unsubscribed, 2500);
        assert_int_equal(r->jumped, 0);
        /* more than half a queue is not sent again: told, not hidden */
        if (!recover(&s, r, epoch))
            r->next = s.published; /* it goes on from here */
    }
    publish_burst(&s);
    while (!all_have(&s, true, s.published - 1)) {
        wait_for_any(&s);
        read_all(&s);
    }
    end(&s);
}

/* Cut off in the middle of a transfer, back over the same link. */
static void
a_client_that_was_disconnected_recovers_over_a_slow_link(void **state)
{
    struct scene s;
    char epoch[32];

    (void)state;
    begin(&s, "channels.slow=close", "channels.history_size=10000");
    learn_epoch(&s.readers[SLOW].peer, epoch);
    publish_burst(&s);
    while (!all_have(&s, true, s.published - 1)) {
        wait_for_any(&s);
        read_all(&s);
    }
    publish_burst(&s); /* on its way when they leave */
    for (unsigned i = 0; i < SLOW; i++)
        peer_reset(&s.readers[i].peer);
    for (unsigned i = 0; i < SLOW; i++)
        s.readers[i].is_over = true;
    publish_burst(&s);
    for (unsigned i = 0; i < SLOW; i++) {
        struct reader *r = &s.readers[i];

        enter_by_link(&r->peer, s.broker.port);
        r->is_over = false;
        assert_true(recover(&s, r, epoch));
    }
    publish_burst(&s);
    while (!all_have(&s, true, s.published - 1)) {
        wait_for_any(&s);
        read_all(&s);
    }
    assert_int_equal(jumped(&s), 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_a_slow_link_close_ends_in_3008),
        cmocka_unit_test(behind_a_slow_link_the_oldest_are_dropped_and_counted),
        cmocka_unit_test(behind_a_slow_link_the_latest_arrives),
        cmocka_unit_test(behind_a_slow_link_what_is_recoverable_ends_in_2500),
        cmocka_unit_test(
            a_client_that_was_disconnected_recovers_over_a_slow_link),
    };
    struct slow_link_count count;

    if (!slow_link_init(&link_of_all))
        return SKIPPED;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    slow_link_counts(&link_of_all, &count);
    printf("slow link: carried %llu packets, lost %llu\n",
           (unsigned long long)count.carried, (unsigned long long)count.lost);
    slow_link_fini(&link_of_all);
    return failed;
}
