/* SPDX-License-Identifier: Apache-2.0 */
/* test_events.c - what a program hears of clients, subscriptions and channels:
 * each begin once and each end once, in the order of the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { SEATS_MAX = 16384, CHANNELS_MAX = 16, ID = 40 };

/* What is known of one connection. */
struct seat {
    char client[ID];
    bool is_here, has_gone;
    int subs; /* that began and did not end */
    uint32_t code;
    char reason[64];
};

struct channel {
    char name[16];
    bool is_used;
    unsigned changes;
};

/* A program that keeps books, and stops when they are wrong. */
struct books {
    pthread_mutex_t lock;
    struct seat seats[SEATS_MAX];
    unsigned seat_count, here, begun, ended;
    struct channel channels[CHANNELS_MAX];
    unsigned channel_count, used;
    atomic_uint released;
    struct pl_broker *rejects; /* disconnects all at once; NULL: nobody */
    atomic_uint asked, found, reported;
};

static struct books books = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void wrong(const char *what, const char *of)
{
    fprintf(stderr, "events: %s: %s\n", what, of);
    abort();
}

/* Called under the lock; the newest seats are asked for most. */
static struct seat *seat_of(struct books *k, const char *client)
{
    for (unsigned i = k->seat_count; i-- > 0;)
        if (strcmp(k->seats[i].client, client) == 0)
            return &k->seats[i];
    wrong("nobody knows it", client);
    return NULL;
}

static void note_found(const struct pl_outcome *o, void *arg)
{
    struct books *k = arg;

    atomic_fetch_add(&k->found, o->count);
    atomic_fetch_add(&k->reported, 1);
}

static void reject(struct books *k, const char *client)
{
    char who[ID + 8];

    snprintf(who, sizeof who, "conn/%s", client);
    if (pl_broker_disconnect(k->rejects, who, 4002, "no", note_found, k) !=
        PL_OK)
        wrong("cannot disconnect", client);
    atomic_fetch_add(&k->asked, 1);
}

/* The broker knows its clients, also when they have gone. */
static void check_address(const struct pl_peer *p)
{
    if (strcmp(p->address, "127.0.0.1") != 0)
        wrong("is elsewhere", p->address);
}

static void connected(const struct pl_peer *p, void *arg)
{
    struct books *k = arg;

    check_address(p);
    pthread_mutex_lock(&k->lock);
    for (unsigned i = 0; i < k->seat_count; i++)
        if (strcmp(k->seats[i].client, p->client) == 0)
            wrong("came twice", p->client);
    if (k->seat_count == SEATS_MAX)
        wrong("too many", p->client);
    struct seat *s = &k->seats[k->seat_count++];
    snprintf(s->client, sizeof s->client, "%s", p->client);
    s->is_here = true;
    k->here++;
    pthread_mutex_unlock(&k->lock);
    if (k->rejects != NULL)
        reject(k, p->client);
}

static void disconnected(const struct pl_peer *p, uint32_t code,
                         const char *reason, void *arg)
{
    struct books *k = arg;

    check_address(p);
    pthread_mutex_lock(&k->lock);
    struct seat *s = seat_of(k, p->client);
    if (!s->is_here || s->has_gone)
        wrong("went twice", p->client);
    if (s->subs != 0)
        wrong("left subscriptions behind", p->client);
    s->has_gone = true;
    s->is_here = false;
    s->code = code;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
    k->here--;
    pthread_mutex_unlock(&k->lock);
}

static void subscription(const struct pl_peer *p, const char *channel,
                         bool begins, uint32_t code, void *arg)
{
    struct books *k = arg;

    pthread_mutex_lock(&k->lock);
    struct seat *s = seat_of(k, p->client);
    if (!s->is_here)
        wrong("subscribes and is not here", channel);
    s->subs += begins ? 1 : -1;
    s->code = code;
    if (s->subs < 0)
        wrong("ended what did not begin", channel);
    if (begins)
        k->begun++;
    else
        k->ended++;
    pthread_mutex_unlock(&k->lock);
}

static void channel(const char *name, bool first, void *arg)
{
    struct books *k = arg;
    unsigned i = 0;

    pthread_mutex_lock(&k->lock);
    while (i < k->channel_count && strcmp(k->channels[i].name, name) != 0)
        i++;
    if (i == CHANNELS_MAX)
        wrong("too many channels", name);
    struct channel *c = &k->channels[i];
    if (i == k->channel_count) {
        k->channel_count++;
        snprintf(c->name, sizeof c->name, "%s", name);
    }
    if (c->is_used == first)
        wrong("did not alternate", name);
    c->is_used = first;
    c->changes++;
    k->used += first ? 1 : (unsigned)-1;
    pthread_mutex_unlock(&k->lock);
}

static void release(void *arg)
{
    struct books *k = arg;

    atomic_fetch_add(&k->released, 1);
}

static const struct pl_events events = {
    .size = sizeof events,
    .connected = connected,
    .disconnected = disconnected,
    .subscription = subscription,
    .channel = channel,
    .release = release,
    .arg = &books,
};

static void open_box(struct box *b)
{
    const char *sets[] = {
        "listen=[127.0.0.1:0]",      "admin.listen=off",
        "admin.socket=off",          "loops=2",
        "ping.interval=1h",          "connect.timeout=1h",
        "limits.loop_lag=0",         "channels.history_size=10",
        ("auth.hmac_secret=" SECRET)};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = sets,
                                .set_count = sizeof sets / sizeof *sets,
                                .flags = PL_INSECURE,
                                .events = &events};

    memset(books.seats, 0, sizeof books.seats);
    memset(books.channels, 0, sizeof books.channels);
    books.seat_count = books.channel_count = books.begun = books.ended = 0;
    atomic_store(&books.released, 0);
    box_open(b, &s);
    box_run(b);
}

static void close_box(struct box *b)
{
    box_destroy(b);
    assert_int_equal(books.here, 0);
    assert_int_equal(books.used, 0);
    assert_int_equal(books.begun, books.ended);
    assert_int_equal(atomic_load(&books.released), 1);
    for (unsigned i = 0; i < books.seat_count; i++)
        assert_true(books.seats[i].has_gone);
}

static unsigned look(const unsigned *number)
{
    pthread_mutex_lock(&books.lock);
    unsigned n = *number;
    pthread_mutex_unlock(&books.lock);
    return n;
}

static void await(const unsigned *number, unsigned value)
{
    while (look(number) != value)
        sched_yield();
}

/* Wait until the connection has ended, with this code. */
static void assert_code(const char *client, uint32_t code)
{
    bool has_gone = false;

    while (!has_gone) {
        pthread_mutex_lock(&books.lock);
        has_gone = seat_of(&books, client)->has_gone;
        pthread_mutex_unlock(&books.lock);
    }
    assert_int_equal(seat_of(&books, client)->code, code);
}

static void each_end_has_its_code(void **st)
{
    char id[4][64], who[80];
    struct peer p[4];
    struct box b;

    (void)st;
    open_box(&b);
    for (int i = 0; i < 4; i++)
        peer_enter(&p[i], b.port, i % 2 ? PEER_PROTOBUF : PEER_JSON, NULL,
                   id[i]);
    await(&books.here, 4);
    peer_reset(&p[0]);
    assert_code(id[0], 0);
    peer_frame(&p[1], PL_WS_CLOSE, PL_SPAN("\x0f\xa3"));
    peer_await_end(&p[1]);
    assert_code(id[1], 4003);
    snprintf(who, sizeof who, "conn/%s", id[2]);
    assert_int_equal(
        pl_broker_disconnect(b.broker, who, 4001, "enough", NULL, NULL), PL_OK);
    assert_int_equal(peer_await_end(&p[2]), 4001);
    assert_code(id[2], 4001);
    assert_string_equal(seat_of(&books, id[2])->reason, "enough");
    assert_int_equal(look(&books.here), 1);
    close_box(&b);
    assert_int_equal(seat_of(&books, id[3])->code, 3001);
    for (int i = 0; i < 4; i++)
        peer_fini(&p[i]);
}

static void each_subscription_begins_and_ends_once(void **st)
{
    char *token = box_token(SECRET, "ann", "\"channels\":[\"given\"]");
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    open_box(&b);
    peer_enter(&p, b.port, PEER_JSON, token, NULL);
    free(token);
    await(&books.begun, 2); /* its inbox, and what its token gives */
    await(&books.used, 2);
    for (unsigned i = 0; i < 200; i++) {
        peer_join(&p, "room");
        assert_int_equal(look(&books.begun), 3 + 3 * i);
        peer_await(&p, peer_unsubscribe(&p, "room"), &r);
        assert_int_equal(look(&books.ended), 1 + 3 * i);
        /* in one message: it is left before it begins, so nothing is told */
        peer_cork(&p);
        peer_subscribe(&p, "room");
        uint32_t left = peer_unsubscribe(&p, "room");
        peer_uncork(&p);
        peer_await(&p, left, &r);
        peer_join(&p, "room");
        pl_broker_unsubscribe(b.broker, "user/ann", "room", 0, NULL, NULL);
        peer_await_push(&p, PEER_UNSUBSCRIBED, &r);
        pl_broker_subscribe(b.broker, "user/ann", "room", 0, NULL, NULL);
        peer_await_push(&p, PEER_SUBSCRIBED, &r);
        pl_broker_unsubscribe(b.broker, "user/ann", "room", 2001, NULL, NULL);
        peer_await_push(&p, PEER_UNSUBSCRIBED, &r);
        assert_int_equal(r.code, 2001);
        assert_int_equal(look(&books.ended), 3 + 3 * i);
    }
    peer_fini(&p);
    close_box(&b);
}

/* --- Many at once --- */

enum { THREADS = 3, LIVES = 500 };

/* Connect, take part, and go in one of several ways. */
static void live_once(uint16_t port, unsigned i)
{
    char name[16];
    struct peer p;

    snprintf(name, sizeof name, "room-%u", i % 3);
    peer_enter(&p, port, i % 2 ? PEER_PROTOBUF : PEER_JSON, NULL, NULL);
    if (i % 5 == 0)
        peer_subscribe(&p, name); /* and go before the answer */
    else
        peer_join(&p, name);
    if (i % 4 == 1)
        peer_unsubscribe(&p, name);
    if (i % 3 == 0)
        peer_reset(&p);
    peer_fini(&p);
}

static void *live(void *port)
{
    for (unsigned i = 0; i < LIVES; i++)
        live_once(*(uint16_t *)port, i);
    return NULL;
}

static void many_runs_leave_the_books_balanced(void **st)
{
    pthread_t threads[THREADS];
    struct box b;

    (void)st;
    open_box(&b);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, &b.port), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    await(&books.here, 0);
    await(&books.used, 0);
    assert_int_equal(books.seat_count, THREADS * LIVES);
    close_box(&b);
}

static void a_client_rejected_when_it_connects_is_always_found(void **st)
{
    struct box b;

    (void)st;
    atomic_store(&books.asked, 0);
    atomic_store(&books.found, 0);
    atomic_store(&books.reported, 0);
    open_box(&b);
    books.rejects = b.broker;
    for (unsigned i = 0; i < 500; i++) {
        struct peer p;

        assert_int_equal(peer_open(&p, b.port, PEER_JSON), 101);
        peer_connect(&p, NULL);
        assert_int_equal(peer_await_end(&p), 4002);
        peer_fini(&p);
    }
    while (atomic_load(&books.reported) < 500)
        sched_yield();
    assert_int_equal(atomic_load(&books.asked), 500);
    assert_int_equal(atomic_load(&books.found), 500);
    close_box(&b);
    books.rejects = NULL;
}

static void a_stop_ends_all_that_began(void **st)
{
    (void)st;
    for (int round = 0; round < 20; round++) {
        struct peer p[8];
        struct box b;

        open_box(&b);
        for (int i = 0; i < 8; i++) {
            peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
            peer_join(&p[i], "room");
            peer_subscribe(&p[i], "other"); /* perhaps not answered yet */
        }
        box_stop(&b);
        assert_int_equal(look(&books.here), 0);
        assert_int_equal(look(&books.used), 0);
        box_run(&b); /* the same books for another life */
        for (int i = 0; i < 8; i++)
            peer_fini(&p[i]);
        close_box(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_its_code),
        cmocka_unit_test(each_subscription_begins_and_ends_once),
        cmocka_unit_test(many_runs_leave_the_books_balanced),
        cmocka_unit_test(a_client_rejected_when_it_connects_is_always_found),
        cmocka_unit_test(a_stop_ends_all_that_began),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
