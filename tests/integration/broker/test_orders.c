/* SPDX-License-Identifier: Apache-2.0 */
/* test_orders.c - what a program orders of its broker, and what it is told: the
 * outcome of each order, once, also when the broker stops. */
#include "orders_rig.h"

#include <time.h>

#include "gate.h"

static void a_post_says_its_offset_and_who_got_it(void **st)
{
    struct answer a = ANSWER;
    struct peer p[2];
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < 2; i++) {
        enter_as(&p[i], &b, "ann", NULL);
        peer_join(&p[i], "room");
    }
    for (uint64_t i = 1; i <= 100; i++) {
        expect(&a, pl_broker_post(b.broker, "room", "1", 1, NULL, note, &a),
               PL_OK);
        assert_int_equal(a.offset, i);
        assert_int_equal(a.count, 2);
        assert_int_equal(strlen(a.epoch), 8);
    }
    for (int i = 0; i < 2; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
}

static void a_post_with_an_id_is_published_once(void **st)
{
    static const struct pl_post one = {.size = sizeof one, .id = "one"};
    static const struct pl_post two = {.size = sizeof two, .id = "two"};
    struct answer a = ANSWER;
    struct peer_reply r;
    struct peer p;
    struct box b;
    char epoch[16];

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", NULL);
    peer_join(&p, "room");
    expect(&a, pl_broker_post(b.broker, "room", "1", 1, &one, note, &a), PL_OK);
    assert_int_equal(a.offset, 1);
    memcpy(epoch, a.epoch, sizeof epoch);
    for (int i = 0; i < 3; i++) {
        expect(&a, pl_broker_post(b.broker, "room", "2", 1, &one, note, &a),
               PL_OK);
        assert_int_equal(a.offset, 1);
        assert_string_equal(a.epoch, epoch);
    }
    expect(&a, pl_broker_post(b.broker, "room", "3", 1, &two, note, &a), PL_OK);
    assert_int_equal(a.offset, 2);
    assert_int_equal(pl_broker_rule(b.broker, "bare:*", "history_size=0"),
                     PL_OK);
    for (int i = 0; i < 2; i++) {
        expect(&a, pl_broker_post(b.broker, "bare:a", "1", 1, &one, note, &a),
               PL_OK);
        assert_int_equal(a.offset, 0);
    }
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("1")));
    peer_await_push(&p, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("3")));
    peer_fini(&p);
    box_destroy(&b);
}

static void history_and_presence_tell_what_there_is(void **st)
{
    struct pl_history h = {.size = sizeof h, .limit = 2, .reverse = 1};
    struct answer a = ANSWER;
    char epoch[16], id[64];
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", id);
    peer_join(&p, "room");
    pl_broker_post(b.broker, "room", "\"a\"", 3, NULL, NULL, NULL);
    pl_broker_post(b.broker, "room", "\"b\"", 3, NULL, NULL, NULL);
    pl_broker_post(b.broker, "room", "\"c\"", 3, NULL, NULL, NULL);
    expect(&a, pl_broker_history(b.broker, "room", NULL, note, &a), PL_OK);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.offset, 3);
    assert_string_equal(a.data[0], "\"a\"");
    assert_string_equal(a.users[0], "");
    strcpy(epoch, a.epoch);
    expect(&a, pl_broker_history(b.broker, "room", &h, note, &a), PL_OK);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.offsets[0], 3);
    assert_string_equal(a.data[1], "\"b\"");
    h = (struct pl_history){
        .size = sizeof h, .limit = -1, .offset = 2, .epoch = epoch};
    expect(&a, pl_broker_history(b.broker, "room", &h, note, &a), PL_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.offsets[0], 3);
    expect(&a, pl_broker_presence(b.broker, "room", note, &a), PL_OK);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.users[0], "ann");
    assert_string_equal(a.clients[0], id);
    peer_fini(&p);
    box_destroy(&b);
}

static void a_channel_without_history_or_presence_is_denied(void **st)
{
    const char *bare[] = {"channels.history_size=0", "channels.presence=false",
                          NULL};
    struct answer a = ANSWER;
    struct box b;

    (void)st;
    box_start(&b, bare);
    expect(&a, pl_broker_history(b.broker, "room", NULL, note, &a), PL_EDENIED);
    expect(&a, pl_broker_presence(b.broker, "room", note, &a), PL_EDENIED);
    expect(&a, pl_broker_post(b.broker, "room", "1", 1, NULL, note, &a), PL_OK);
    assert_int_equal(a.offset, 0);
    assert_string_equal(a.epoch, "");
    box_destroy(&b);
}

/* --- Messages --- */

static void await_message(struct peer *p, enum peer_kind kind, const char *body)
{
    char text[256];
    struct peer_reply r;

    peer_await_push(p, kind, &r);
    snprintf(text, sizeof text, "%.*s", (int)r.data.len, r.data.at);
    assert_non_null(
        strstr(text, "{\"from\":{\"user\":\"\",\"client\":\"\"},\"to\":"));
    assert_non_null(strstr(text, ",\"type\":\"hint\",\"body\":"));
    assert_non_null(strstr(text, body));
}

static void a_message_reaches_a_user_a_connection_and_a_channel(void **st)
{
    char id[64], to[80];
    struct answer a = ANSWER;
    struct peer ann, bob;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&ann, &b, "ann", id);
    enter_as(&bob, &b, "bob", NULL);
    peer_join(&bob, "room");
    snprintf(to, sizeof to, "conn/%s", id);
    expect(&a, pl_broker_send(b.broker, to, "hint", "\n[1]", 4, note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    await_message(&ann, PEER_MESSAGE, "[1]");
    expect(&a, pl_broker_send(b.broker, "user/ann", "hint", "2", 1, note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    await_message(&ann, PEER_PUBLICATION, "2");
    expect(&a,
           pl_broker_send(b.broker, "channel/room", "hint", "3", 1, note, &a),
           PL_OK);
    await_message(&bob, PEER_PUBLICATION, "3");
    peer_fini(&ann);
    box_await(&b, "registered_users", 1);
    expect(&a, pl_broker_send(b.broker, to, "hint", "1", 1, note, &a),
           PL_ENOENT);
    peer_fini(&bob);
    box_destroy(&b);
}

/* --- Connections --- */

static void a_user_or_a_connection_is_disconnected_or_blocked(void **st)
{
    char id[64], who[80];
    struct answer a = ANSWER;
    struct peer p[3];
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p[0], &b, "ann", id);
    enter_as(&p[1], &b, "ann", NULL);
    enter_as(&p[2], &b, "bob", NULL);
    snprintf(who, sizeof who, "conn/%s", id);
    expect(&a, pl_broker_disconnect(b.broker, who, 4001, "enough", note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(peer_await_end(&p[0]), 4001);
    peer_fini(&p[0]);
    box_await(&b, "connections.logged_in", 2);
    expect(&a, pl_broker_disconnect(b.broker, who, 0, NULL, note, &a), PL_OK);
    assert_int_equal(a.count, 0);
    expect(&a, pl_broker_disconnect(b.broker, "user/ann", 0, NULL, note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(peer_await_end(&p[1]), 3503);
    peer_fini(&p[1]);
    peer_await(&p[2], peer_subscribe(&p[2], "room"), &(struct peer_reply){0});
    expect(&a, pl_broker_block(b.broker, "bob", 0, note, &a), PL_OK);
    assert_int_equal(a.count, 1);
    assert_int_equal(peer_await_end(&p[2]), 3503);
    expect(&a, pl_broker_unblock(b.broker, "bob", note, &a), PL_OK);
    expect(&a, pl_broker_unblock(b.broker, "bob", note, &a), PL_ENOENT);
    peer_fini(&p[2]);
    box_destroy(&b);
}

struct pl_kick_mail *__real_pl_kick_mail_create(void);
struct pl_kick_mail *__wrap_pl_kick_mail_create(void);
static atomic_bool has_no_kicks;

struct pl_kick_mail *__wrap_pl_kick_mail_create(void)
{
    return has_no_kicks ? NULL : __real_pl_kick_mail_create();
}

static void an_order_that_finds_no_memory_later_says_so(void **st)
{
    struct answer a = ANSWER;
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", NULL);
    has_no_kicks = true;
    expect(&a, pl_broker_subscribe(b.broker, "user/ann", "room", 0, note, &a),
           PL_ENOMEM);
    expect(&a, pl_broker_disconnect(b.broker, "user/ann", 0, NULL, note, &a),
           PL_ENOMEM);
    assert_int_equal(a.count, 0);
    has_no_kicks = false;
    expect(&a, pl_broker_disconnect(b.broker, "user/ann", 0, NULL, note, &a),
           PL_OK);
    assert_int_equal(a.count, 1);
    peer_await_end(&p);
    peer_fini(&p);
    box_destroy(&b);
}

static void a_user_is_subscribed_and_unsubscribed_by_the_program(void **st)
{
    struct answer a = ANSWER;
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", NULL);
    for (int i = 0; i < 50; i++) {
        expect(&a,
               pl_broker_subscribe(b.broker, "user/ann", "room", 0, note, &a),
               PL_OK);
        assert_int_equal(a.count, 1);
        peer_await_push(&p, PEER_SUBSCRIBED, &r);
        assert_true(pl_span_equal(r.channel, PL_SPAN("room")));
        expect(&a, pl_broker_post(b.broker, "room", "1", 1, NULL, note, &a),
               PL_OK);
        assert_int_equal(a.count, 1);
        peer_await_push(&p, PEER_PUBLICATION, &r);
        expect(
            &a,
            pl_broker_unsubscribe(b.broker, "user/ann", "room", 2001, note, &a),
            PL_OK);
        assert_int_equal(a.count, 1);
        peer_await_push(&p, PEER_UNSUBSCRIBED, &r);
        assert_int_equal(r.code, 2001);
    }
    expect(&a,
           pl_broker_subscribe(b.broker, "user/nobody", "room", 0, note, &a),
           PL_OK);
    assert_int_equal(a.count, 0);
    peer_fini(&p);
    box_destroy(&b);
}

/* Of three users one is told who comes and goes, one is not seen. */
static void a_user_is_subscribed_with_joins_or_without_presence(void **st)
{
    struct answer a = ANSWER;
    struct peer_reply r;
    struct peer watcher, hidden, seen;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&watcher, &b, "ann", NULL);
    enter_as(&hidden, &b, "bob", NULL);
    enter_as(&seen, &b, "cat", NULL);
    expect(&a,
           pl_broker_subscribe(b.broker, "user/ann", "room",
                               PL_WITH_JOIN_LEAVE | PL_WITHOUT_PRESENCE, note,
                               &a),
           PL_OK);
    peer_await_push(&watcher, PEER_SUBSCRIBED, &r);
    expect(&a,
           pl_broker_subscribe(b.broker, "user/bob", "room",
                               PL_WITHOUT_PRESENCE, note, &a),
           PL_OK);
    peer_await_push(&hidden, PEER_SUBSCRIBED, &r);
    expect(&a, pl_broker_subscribe(b.broker, "user/cat", "room", 0, note, &a),
           PL_OK);
    peer_await_push(&seen, PEER_SUBSCRIBED, &r);
    peer_await_push(&watcher, PEER_JOIN, &r); /* the first that comes */
    assert_non_null(memmem(r.body.at, r.body.len, "\"cat\"", 5));
    expect(&a, pl_broker_presence(b.broker, "room", note, &a), PL_OK);
    assert_int_equal(a.count, 1);
    assert_string_equal(a.users[0], "cat");
    expect(&a, pl_broker_post(b.broker, "room", "1", 1, NULL, note, &a), PL_OK);
    assert_int_equal(a.count, 3);
    peer_fini(&hidden);
    peer_fini(&seen);
    peer_await_push(&watcher, PEER_LEAVE, &r);
    assert_non_null(memmem(r.body.at, r.body.len, "\"cat\"", 5));
    peer_fini(&watcher);
    box_destroy(&b);
}

/* --- What no order can have --- */

static void a_post_with_terms_that_none_can_have_is_refused(void **st)
{
    static char long_id[257];
    static const struct pl_tag half[] = {{"key", NULL}};
    const struct pl_post bad[] = {
        {.size = sizeof bad[0], .id = ""},
        {.size = sizeof bad[0], .id = "\xff"},
        {.size = sizeof bad[0], .id = long_id},
        {.id = "no size"},
        {.size = sizeof bad[0], .version_epoch = long_id},
        {.size = sizeof bad[0], .tags = half, .tag_count = 1},
        {.size = sizeof bad[0], .tag_count = 1}};
    struct answer a = ANSWER;
    struct box b;

    (void)st;
    memset(long_id, 'i', sizeof long_id - 1);
    box_start(&b, sets);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            pl_broker_post(b.broker, "room", "1", 1, &bad[i], note, &a),
            PL_EINVAL);
    box_destroy(&b);
}

static void a_bad_argument_is_refused_and_nothing_is_said(void **st)
{
    static const char long_reason[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "012345678901234567890123456789012345678901234567890123";
    struct pl_history h = {.size = sizeof h, .limit = -2};
    struct answer a = ANSWER;
    struct box b;
    char deep[2 * 64]; /* the deepest that a message may be */

    (void)st;
    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    box_start(&b, sets);
    const enum pl_err refused[] = {
        pl_broker_send(b.broker, "user/ann", NULL, deep, 128, note, &a),
        pl_broker_post(b.broker, "", "1", 1, NULL, note, &a),
        pl_broker_post(b.broker, NULL, "1", 1, NULL, note, &a),
        pl_broker_post(b.broker, "room", "{", 1, NULL, note, &a),
        pl_broker_post(b.broker, "room", NULL, 0, NULL, note, &a),
        pl_broker_send(b.broker, "ann", NULL, "1", 1, note, &a),
        pl_broker_send(b.broker, "user/", NULL, "1", 1, note, &a),
        pl_broker_send(b.broker, "conn/ann", NULL, "1", 1, note, &a),
        pl_broker_send(b.broker, NULL, NULL, "1", 1, note, &a),
        pl_broker_send(b.broker, "user/ann", NULL, "1,\"id\":1", 8, note, &a),
        pl_broker_send(b.broker, "user/ann", "\xff", "1", 1, note, &a),
        pl_broker_disconnect(b.broker, "user/ann", 2999, NULL, note, &a),
        pl_broker_disconnect(b.broker, "user/ann", 5000, NULL, note, &a),
        pl_broker_disconnect(b.broker, "user/ann", 0, long_reason, note, &a),
        pl_broker_disconnect(b.broker, "user/ann", 0, "\xff", note, &a),
        pl_broker_disconnect(b.broker, "user/", 0, NULL, note, &a),
        pl_broker_disconnect(b.broker, "conn/x", 0, NULL, note, &a),
        pl_broker_disconnect(b.broker, NULL, 0, NULL, note, &a),
        pl_broker_block(b.broker, "", 0, note, &a),
        pl_broker_block(b.broker, NULL, 0, note, &a),
        pl_broker_block(b.broker, "ann", -1, note, &a),
        pl_broker_unblock(b.broker, "\xff", note, &a),
        pl_broker_revoke(b.broker, long_reason, -1, note, &a),
        pl_broker_revoke_before(b.broker, "ann", "", 1, 0, note, &a),
        pl_broker_revoke_before(b.broker, "ann", NULL, -1, 0, note, &a),
        pl_broker_subscribe(b.broker, "user/ann", "#ann", 0, note, &a),
        pl_broker_subscribe(b.broker, "user/ann", "", 0, note, &a),
        pl_broker_subscribe(b.broker, "user/ann", "room", 4, note, &a),
        pl_broker_unsubscribe(b.broker, "user/ann", "room", 3000, note, &a),
        pl_broker_unsubscribe(b.broker, "user/ann", NULL, 0, note, &a),
        pl_broker_history(b.broker, "", NULL, note, &a),
        pl_broker_history(b.broker, "room", &h, note, &a),
        pl_broker_presence(b.broker, NULL, note, &a),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (refused[i] != PL_EINVAL)
            fail_msg("order %zu: %s", i, pl_err_text(refused[i]));
    assert_int_equal(
        pl_broker_post(b.broker, "room", "1", SIZE_MAX, NULL, note, &a),
        PL_ETOOBIG);
    box_destroy(&b);
    assert_int_equal(a.told, 0);
}

/* --- Many threads, and the stop --- */

enum { THREADS = 4, ORDERS = 3000 };

struct ledger {
    struct box *box;
    unsigned number;
    atomic_uint accepted, told, failed;
    uint64_t last_offset; /* of this thread's channel; report() has one loop */
    atomic_uint disordered;
};

static pthread_mutex_t booking = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t booked = PTHREAD_COND_INITIALIZER;

static void book(const struct pl_outcome *o, void *arg)
{
    struct ledger *l = arg;

    if (o->err != PL_OK)
        atomic_fetch_add(&l->failed, 1);
    pthread_mutex_lock(&booking);
    atomic_fetch_add(&l->told, 1);
    pthread_cond_signal(&booked);
    pthread_mutex_unlock(&booking);
}

static void book_post(const struct pl_outcome *o, void *arg)
{
    struct ledger *l = arg;

    if (o->err == PL_OK && o->offset != ++l->last_offset)
        atomic_fetch_add(&l->disordered, 1);
    book(o, arg);
}

/* Return true if the broker takes no more orders. */
static bool give_one(struct ledger *l, unsigned i, const char *channel)
{
    struct pl_broker *b = l->box->broker;
    enum pl_err rc;

    if (i % 8 == 5)
        rc = pl_broker_presence(b, channel, book, l);
    else if (i % 8 == 6)
        rc = pl_broker_send(b, "user/ann", NULL, "1", 1, book, l);
    else if (i % 8 == 7)
        rc = pl_broker_subscribe(b, "user/ann", channel, 0, book, l);
    else
        rc = pl_broker_post(b, channel, "1", 1, NULL, book_post, l);
    if (rc == PL_OK)
        atomic_fetch_add(&l->accepted, 1);
    else if (rc != PL_ESTOPPING && rc != PL_EFULL)
        abort();
    return rc == PL_ESTOPPING;
}

static void *give_orders(void *arg)
{
    struct ledger *l = arg;
    char channel[16];

    snprintf(channel, sizeof channel, "room-%u", l->number);
    for (unsigned i = 0; i < ORDERS; i++)
        if (give_one(l, i, channel))
            break;
    return NULL;
}

static void *give_orders_until_the_stop(void *arg)
{
    struct ledger *l = arg;

    for (unsigned i = 0; !give_one(l, i, "room"); i++)
        ;
    return NULL;
}

static void run_threads(struct ledger *l, struct box *b, pthread_t *threads,
                        void *(*run)(void *))
{
    for (unsigned i = 0; i < THREADS; i++) {
        l[i] = (struct ledger){.box = b, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &l[i]), 0);
    }
}

static void await_told(struct ledger *l, unsigned count)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += BOX_DEADLINE_MS / 1000;
    pthread_mutex_lock(&booking);
    while (atomic_load(&l->told) < count)
        assert_int_equal(pthread_cond_timedwait(&booked, &booking, &until), 0);
    pthread_mutex_unlock(&booking);
}

static void orders_of_many_threads_are_said_once_and_in_order(void **st)
{
    static struct ledger l[THREADS];
    pthread_t threads[THREADS];
    struct peer p;
    struct box b;

    (void)st;
    box_start(&b, sets);
    enter_as(&p, &b, "ann", NULL);
    run_threads(l, &b, threads, give_orders);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < THREADS; i++) {
        await_told(&l[i], atomic_load(&l[i].accepted));
        assert_int_equal(atomic_load(&l[i].failed), 0);
        assert_int_equal(atomic_load(&l[i].disordered), 0);
        assert_int_equal(atomic_load(&l[i].accepted), ORDERS);
    }
    peer_fini(&p);
    box_destroy(&b);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(atomic_load(&l[i].told), ORDERS);
}

/* Late stores say 100 outcomes of a channel in a quarter of a second, so with
 * these each stop comes a few outcomes after the last. */
static void a_stop_in_the_midst_of_orders_says_each_once(void **st)
{
    unsigned later = getenv("PL_LATE_DELAY_MS") == NULL ? 100 : 5;
    static struct ledger l[THREADS];
    pthread_t threads[THREADS];

    (void)st;
    for (int round = 0; round < 20; round++) {
        struct box b;

        box_start(&b, sets);
        run_threads(l, &b, threads, give_orders_until_the_stop);
        await_told(&l[0], later * (unsigned)round);
        box_stop(&b);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        for (unsigned i = 0; i < THREADS; i++)
            assert_int_equal(atomic_load(&l[i].told),
                             atomic_load(&l[i].accepted));
        pl_broker_destroy(b.broker);
    }
}

/* --- The bound --- */

/* One of many channels: a late store answers those side by side. */
static enum pl_err ask(struct box *b, unsigned i, struct ledger *l)
{
    char channel[16];

    snprintf(channel, sizeof channel, "room-%u", i % 256);
    return pl_broker_presence(b->broker, channel, book, l);
}

static void orders_beyond_the_bound_are_refused_until_others_are_said(void **st)
{
    const char *one[] = {"loops=1", NULL};
    static struct ledger l;
    unsigned accepted = 0;
    struct peer_reply r;
    enum pl_err rc;
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    uint32_t id = gate_hold(&g, &b, &p, "wall", one);
    while ((rc = ask(&b, accepted, &l)) == PL_OK)
        accepted++;
    assert_int_equal(rc, PL_EFULL);
    assert_int_equal(accepted, 65536);
    gate_open(&g);
    peer_await(&p, id, &r);
    await_told(&l, accepted);
    assert_int_equal(ask(&b, 0, &l), PL_OK);
    peer_fini(&p);
    box_destroy(&b);
    assert_int_equal(atomic_load(&l.told), accepted + 1);
    gate_fini(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_says_its_offset_and_who_got_it),
        cmocka_unit_test(a_post_with_an_id_is_published_once),
        cmocka_unit_test(history_and_presence_tell_what_there_is),
        cmocka_unit_test(a_channel_without_history_or_presence_is_denied),
        cmocka_unit_test(a_message_reaches_a_user_a_connection_and_a_channel),
        cmocka_unit_test(a_user_or_a_connection_is_disconnected_or_blocked),
        cmocka_unit_test(an_order_that_finds_no_memory_later_says_so),
        cmocka_unit_test(a_user_is_subscribed_and_unsubscribed_by_the_program),
        cmocka_unit_test(a_user_is_subscribed_with_joins_or_without_presence),
        cmocka_unit_test(a_post_with_terms_that_none_can_have_is_refused),
        cmocka_unit_test(a_bad_argument_is_refused_and_nothing_is_said),
        cmocka_unit_test(orders_of_many_threads_are_said_once_and_in_order),
        cmocka_unit_test(a_stop_in_the_midst_of_orders_says_each_once),
        cmocka_unit_test(
            orders_beyond_the_bound_are_refused_until_others_are_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
