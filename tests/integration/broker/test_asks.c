/* SPDX-License-Identifier: Apache-2.0 */
/* test_asks.c - the judges of a program: nothing passes without their word,
 * whenever and on whichever thread it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "moment.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { WAITING_MAX = 256 };

/* A program with four judges.  They answer by what is asked, at once or on a
 * thread of the program. */
static struct court {
    atomic_uint asked[4];        /* connect, refresh, subscribe, publish */
    atomic_bool is_slow;         /* the thread answers */
    atomic_bool is_unresponsive; /* and not yet */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a question came, or it is over */
    struct pl_ask *waiting[WAITING_MAX];
    unsigned waiting_count, draws;
    bool is_over;
    bool is_refresh; /* the newest question */
    char user[64], token_seen[8], channel[64], data[64];
    char joined[64]; /* the user of the newest client */
} court = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};

static void must(enum pl_err rc)
{
    if (rc != PL_OK) {
        fprintf(stderr, "asks: %s\n", pl_err_text(rc));
        abort();
    }
}

static void decide_by_headers(struct pl_ask *ask)
{
    const char *cookie = pl_ask_header(ask, "cookie");
    struct pl_terms t = {.size = sizeof t, .user = cookie};

    if (cookie == NULL || pl_ask_header(ask, "X-Secret") != NULL)
        must(pl_ask_deny(ask, 403, "no cookie"));
    else
        must(pl_ask_allow(ask, &t));
}

static void decide_by_token(struct pl_ask *ask, const struct pl_terms *terms)
{
    if (strcmp(pl_ask_token(ask), "good") == 0)
        must(pl_ask_allow(ask, terms));
    else if (strcmp(pl_ask_token(ask), "best") == 0)
        must(pl_ask_allow(ask, NULL));
    else
        must(pl_ask_deny(ask, 109, "old"));
}

/* What a client asks for is in its data or in the name of its channel. */
static void decide(struct pl_ask *ask)
{
    static const struct pl_terms guest = {
        .size = sizeof guest, .user = "guest", .info = "{\"a\":1}"};
    static const struct pl_terms other = {
        .size = sizeof other, .data = "[ \"other\" ]", .len = 11};
    static const struct pl_terms minute = {.size = sizeof minute,
                                           .expires_in_s = 60};
    static const char *const places[] = {"tower", "bridge"};
    static const struct pl_terms tour = {.size = sizeof tour,
                                         .user = "guest",
                                         .data = "{\"hi\":1}",
                                         .len = 8,
                                         .flags = PL_AS_ANONYMOUS,
                                         .channels = places,
                                         .channel_count = 2};
    static const struct pl_terms seat = {
        .size = sizeof seat, .data = "{\"seat\":7}", .len = 10};
    const char *data = pl_ask_data(ask, NULL), *channel = pl_ask_channel(ask);

    if (strstr(data, "deny") != NULL || strstr(channel, "deny") != NULL)
        must(pl_ask_deny(ask, 103, "not you"));
    else if (strstr(data, "later") != NULL || strstr(channel, "later") != NULL)
        must(pl_ask_later(ask, "soon"));
    else if (strstr(data, "close") != NULL || strstr(channel, "close") != NULL)
        must(pl_ask_close(ask, 4009, "out"));
    else if (strstr(data, "guest") != NULL)
        must(pl_ask_allow(ask, &guest));
    else if (strstr(data, "swap") != NULL)
        must(pl_ask_allow(ask, &other));
    else if (strstr(data, "minute") != NULL)
        must(pl_ask_allow(ask, &minute));
    else if (strstr(data, "cookie") != NULL)
        decide_by_headers(ask);
    else if (strstr(data, "tour") != NULL)
        must(pl_ask_allow(ask, &tour));
    else if (strstr(channel, "minute") != NULL)
        decide_by_token(ask, &minute);
    else if (strstr(channel, "seat") != NULL)
        must(pl_ask_allow(ask, &seat));
    else
        must(pl_ask_allow(ask, NULL));
}

static void take(struct pl_ask *ask, int kind)
{
    struct court *c = &court;

    atomic_fetch_add(&c->asked[kind], 1);
    pthread_mutex_lock(&c->lock);
    snprintf(c->user, sizeof c->user, "%s", pl_ask_user(ask));
    snprintf(c->token_seen, sizeof c->token_seen, "%s",
             pl_ask_token(ask)[0] == '\0' ? "no" : "yes");
    c->is_refresh = pl_ask_is_refresh(ask);
    snprintf(c->channel, sizeof c->channel, "%s", pl_ask_channel(ask));
    snprintf(c->data, sizeof c->data, "%s", pl_ask_data(ask, NULL));
    bool is_slow = atomic_load(&c->is_slow);
    if (is_slow) {
        if (c->waiting_count == WAITING_MAX)
            abort();
        c->waiting[c->waiting_count++] = ask;
        pthread_cond_signal(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    if (!is_slow)
        decide(ask);
}

static void may_connect(struct pl_ask *ask, void *arg)
{
    (void)arg;
    take(ask, 0);
}

static void may_refresh(struct pl_ask *ask, void *arg)
{
    (void)arg;
    take(ask, 1);
}

static void may_subscribe(struct pl_ask *ask, void *arg)
{
    (void)arg;
    take(ask, 2);
}

static void may_publish(struct pl_ask *ask, void *arg)
{
    (void)arg;
    take(ask, 3);
}

static void connected(const struct pl_peer *peer, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&court.lock);
    snprintf(court.joined, sizeof court.joined, "%s", peer->user);
    pthread_mutex_unlock(&court.lock);
}

/* Take any of those that wait: answers come in another order. */
static struct pl_ask *draw(struct court *c)
{
    struct pl_ask *ask = NULL;

    pthread_mutex_lock(&c->lock);
    if (c->waiting_count > 0 && !atomic_load(&c->is_unresponsive)) {
        unsigned i = c->draws++ * 7 % c->waiting_count;

        ask = c->waiting[i];
        c->waiting[i] = c->waiting[--c->waiting_count];
    }
    pthread_mutex_unlock(&c->lock);
    return ask;
}

/* False: it is over. */
static bool await_question(struct court *c)
{
    pthread_mutex_lock(&c->lock);
    while (c->waiting_count == 0 && !c->is_over)
        pthread_cond_wait(&c->changed, &c->lock);
    bool has_one = c->waiting_count > 0;
    pthread_mutex_unlock(&c->lock);
    return has_one;
}

static void *answer(void *arg)
{
    struct court *c = arg;
    struct pl_ask *ask;

    while (await_question(c)) {
        moment_nap(100); /* for more, of which any may be first */
        while ((ask = draw(c)) != NULL)
            decide(ask);
    }
    return NULL;
}

/* No more questions come. */
static void end_answers(pthread_t thread)
{
    pthread_mutex_lock(&court.lock);
    court.is_over = true;
    pthread_cond_signal(&court.changed);
    pthread_mutex_unlock(&court.lock);
    pthread_join(thread, NULL);
    court.is_over = false;
}

/* Until a question waits that nobody answers. */
static void await_unanswered(void)
{
    assert_true(await_question(&court));
}

static const struct pl_events all = {
    .size = sizeof all,
    .may_connect = may_connect,
    .may_refresh = may_refresh,
    .may_subscribe = may_subscribe,
    .may_publish = may_publish,
    .connected = connected,
};

static void begin_with(struct box *b, const struct pl_events *events,
                       const char *secret, uint32_t answer_ms)
{
    const char *sets[] = {"listen=[127.0.0.1:0]",
                          "admin.listen=off",
                          "admin.socket=off",
                          "loops=2",
                          "ping.interval=1h",
                          "connect.timeout=1h",
                          "limits.loop_lag=0",
                          "channels.history_size=10000",
                          "handlers.timeout=1h",
                          "connect.headers=[Cookie]",
                          secret};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = sets,
                                .set_count = secret == NULL ? 10 : 11,
                                .flags = PL_INSECURE,
                                .answer_ms = answer_ms,
                                .events = events};

    for (int i = 0; i < 4; i++)
        atomic_store(&court.asked[i], 0);
    atomic_store(&court.is_slow, false);
    atomic_store(&court.is_unresponsive, false);
    court.is_over = false;
    box_open(b, &s);
    box_run(b);
}

static void begin(struct box *b, const struct pl_events *events,
                  const char *secret)
{
    begin_with(b, events, secret, 0);
}

static unsigned asked(int kind)
{
    return atomic_load(&court.asked[kind]);
}

static void say_connect(struct peer *p, const char *data, const char *token)
{
    char text[1024];
    int len =
        snprintf(text, sizeof text,
                 "{\"id\":1,\"connect\":{\"token\":\"%s\",\"data\":\"%s\"}}",
                 token == NULL ? "" : token, data);

    p->last_id = 1;
    peer_frame(p, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
}

/* Connect with this data; gives the answer. */
static void try_connect(struct peer *p, const struct box *b, const char *data,
                        const char *token, struct peer_reply *r)
{
    assert_int_equal(peer_open(p, b->port, PEER_JSON), 101);
    say_connect(p, data, token);
    peer_await(p, 1, r);
}

static bool has(struct pl_span body, const char *text)
{
    return memmem(body.at, body.len, text, strlen(text)) != NULL;
}

static void assert_refused(const struct box *b, const char *data,
                           const char *token, uint32_t code, bool is_temporary)
{
    struct peer_reply r;
    struct peer p;

    try_connect(&p, b, data, token, &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, code);
    assert_int_equal(has(r.body, "\"temporary\":true"), is_temporary);
    peer_fini(&p);
}

static void nobody_gets_in_without_the_word_of_may_connect(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    assert_refused(&b, "deny", NULL, 103, false);
    assert_refused(&b, "later", NULL, 100, true);
    assert_int_equal(peer_open(&p, b.port, PEER_JSON), 101);
    say_connect(&p, "close", NULL);
    assert_int_equal(peer_await_end(&p), 4009);
    peer_fini(&p);
    try_connect(&p, &b, "guest", NULL, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    assert_string_equal(court.joined, "guest");
    peer_fini(&p);
    try_connect(&p, &b, "minute", NULL, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    assert_true(has(r.body, "\"expires\":true"));
    peer_fini(&p);
    assert_int_equal(asked(0), 5);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void a_client_with_a_token_is_judged_as_well(void **st)
{
    char *token = box_token(SECRET, "ann", "\"channels\":[\"given\"]");
    char *wrong = box_token("another secret of at least 32 bytes", "ann", NULL);
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, "auth.hmac_secret=" SECRET);
    assert_refused(&b, "deny", token, 103, false);
    assert_string_equal(court.user, "ann");
    assert_refused(&b, "deny", NULL, 103, false);
    assert_string_equal(court.user, "");
    assert_int_equal(peer_open(&p, b.port, PEER_JSON), 101);
    say_connect(&p, "", wrong);
    assert_int_equal(peer_await_end(&p), 3500);
    peer_fini(&p);
    assert_int_equal(asked(0), 2); /* the configuration refused it first */
    for (int slow = 0; slow < 2; slow++) {
        pthread_t thread;

        atomic_store(&court.is_slow, slow == 1);
        assert_int_equal(pthread_create(&thread, NULL, answer, &court), 0);
        try_connect(&p, &b, "", token, &r);
        assert_int_equal(r.kind, PEER_RESULT);
        assert_true(has(r.body, "given")); /* the token's channels */
        assert_string_equal(court.joined, "ann");
        end_answers(thread);
        peer_fini(&p);
    }
    free(token);
    free(wrong);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static uint32_t code_of(struct peer *p, uint32_t id)
{
    struct peer_reply r;

    peer_await(p, id, &r);
    return r.kind == PEER_ERROR ? r.code : 0;
}

static void each_command_has_its_judge(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(code_of(&p, peer_subscribe(&p, "deny")), 103);
    assert_string_equal(court.channel, "deny");
    assert_int_equal(code_of(&p, peer_subscribe(&p, "later")), 100);
    assert_int_equal(code_of(&p, peer_subscribe(&p, "room")), 0);
    assert_int_equal(code_of(&p, peer_publish(&p, "room", "\"deny\"")), 103);
    assert_string_equal(court.data, "\"deny\"");
    assert_int_equal(code_of(&p, peer_publish(&p, "room", "\"later\"")), 100);
    assert_int_equal(code_of(&p, peer_publish(&p, "room", "1")), 0);
    assert_int_equal(asked(2), 3);
    assert_int_equal(asked(3), 3);
    box_await(&b, "messages.publications", 1);
    peer_publish(&p, "room", "\"close\"");
    assert_int_equal(peer_await_end(&p), 4009);
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void a_judge_may_replace_what_is_published(void **st)
{
    const char *message = "{\"to\":\"channel/room\",\"body\":\"swap\"}";
    struct peer_reply r;
    struct peer p, q;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&q, b.port, PEER_PROTOBUF, NULL, NULL);
    peer_join(&q, "room");
    assert_int_equal(code_of(&p, peer_publish(&p, "room", "\"swap\"")), 0);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("[ \"other\" ]")));
    assert_int_equal(code_of(&p, peer_publish(&p, "room", "\"as it is\"")), 0);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_true(pl_span_equal(r.data, PL_SPAN("\"as it is\"")));
    assert_int_equal(code_of(&p, peer_rpc(&p, "actor.send", message)), 0);
    peer_await_push(&q, PEER_PUBLICATION, &r);
    assert_true(has(r.data, "\"body\":[ \"other\" ]"));
    assert_int_equal(code_of(&q, peer_publish(&q, "room", "swap")), 0);
    peer_fini(&p);
    peer_fini(&q);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static uint32_t say_token(struct peer *p, const char *verb, const char *token,
                          struct peer_reply *r)
{
    char text[160];
    uint32_t id = ++p->last_id;
    int len =
        snprintf(text, sizeof text,
                 "{\"id\":%u,\"%s\":{\"channel\":\"minute\",\"token\":\"%s\"}}",
                 id, verb, token);

    peer_frame(p, PL_WS_TEXT, (struct pl_span){text, (size_t)len});
    peer_await(p, id, r);
    return r->kind == PEER_ERROR ? r->code : 0;
}

static void a_subscription_may_be_for_a_time_and_refreshed(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(say_token(&p, "subscribe", "bad", &r), 109);
    assert_int_equal(say_token(&p, "subscribe", "good", &r), 0);
    assert_true(has(r.body, "\"expires\":true,\"ttl\":60"));
    assert_string_equal(court.token_seen, "yes");
    assert_false(court.is_refresh);
    assert_int_equal(say_token(&p, "sub_refresh", "good", &r), 0);
    assert_true(has(r.body, "\"expires\":true,\"ttl\":60"));
    assert_true(court.is_refresh);
    assert_string_equal(court.channel, "minute");
    assert_int_equal(say_token(&p, "sub_refresh", "bad", &r), 109);
    assert_int_equal(say_token(&p, "sub_refresh", "best", &r), 0);
    assert_false(has(r.body, "expires"));
    assert_int_equal(say_token(&p, "sub_refresh", "best", &r), 107);
    assert_int_equal(asked(2), 5);
    assert_int_equal(asked(1), 0); /* that is about connections */
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

/* --- Answers that come later, from another thread --- */

enum { PEERS = 4, ROUNDS = 400, PIPELINE = 6 };

/* One client, many commands in a row; the replies and publications must come
 * in their order. */
static void pipeline(struct peer *p, unsigned round)
{
    uint32_t ids[PIPELINE];
    char data[16];

    peer_cork(p);
    for (unsigned i = 0; i < PIPELINE; i++) {
        snprintf(data, sizeof data, "%u", round * PIPELINE + i);
        ids[i] = peer_publish(p, "room", data);
    }
    peer_uncork(p);
    for (unsigned i = 0; i < PIPELINE; i++)
        assert_int_equal(code_of(p, ids[i]), 0);
}

static void *live(void *port)
{
    struct peer p;

    peer_enter(&p, *(uint16_t *)port, PEER_JSON, NULL, NULL);
    peer_join(&p, "room");
    for (unsigned i = 0; i < ROUNDS; i++)
        pipeline(&p, i);
    peer_fini(&p);
    return NULL;
}

static void late_answers_of_another_thread_reach_their_commands(void **st)
{
    pthread_t threads[PEERS], thread;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    atomic_store(&court.is_slow, true);
    assert_int_equal(pthread_create(&thread, NULL, answer, &court), 0);
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live, &b.port), 0);
    for (int i = 0; i < PEERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(asked(0), PEERS);
    assert_int_equal(asked(3), PEERS * ROUNDS * PIPELINE);
    box_await(&b, "messages.publications", PEERS * ROUNDS * PIPELINE);
    end_answers(thread);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void an_answer_after_the_stop_goes_nowhere(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    atomic_store(&court.is_slow, true);
    atomic_store(&court.is_unresponsive, true);
    peer_subscribe(&p, "room");
    await_unanswered();
    pl_broker_stop(b.broker);
    pl_broker_hurry(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    atomic_store(&court.is_unresponsive, false);
    decide(draw(&court));
    peer_fini(&p);
    pl_broker_destroy(b.broker);
}

static void a_connect_is_judged_by_its_headers(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    for (int has_cookie = 0; has_cookie < 2; has_cookie++) {
        /* the last line takes up what follows the target */
        const char *target = has_cookie
                                 ? "/connection/websocket HTTP/1.1\r\n"
                                   "Cookie: ann\r\nX-Secret: hidden\r\nX-Rest:"
                                 : "/connection/websocket";

        assert_int_equal(peer_open_at(&p, b.port, PEER_JSON, target), 101);
        say_connect(&p, "cookie", NULL);
        peer_await(&p, 1, &r);
        assert_int_equal(r.kind, has_cookie ? PEER_RESULT : PEER_ERROR);
        peer_fini(&p);
    }
    assert_string_equal(court.joined, "ann");
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void a_yes_may_bring_channels_and_data(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    try_connect(&p, &b, "tour", NULL, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    assert_true(has(r.body, "\"data\":{\"hi\":1}"));
    assert_true(has(r.body, "\"tower\":{"));
    assert_true(has(r.body, "\"bridge\":{"));
    peer_await(&p, peer_subscribe(&p, "seat"), &r);
    assert_true(has(r.body, "\"data\":{\"seat\":7}"));
    peer_fini(&p);
    peer_enter(&p, b.port, PEER_PROTOBUF, NULL, NULL);
    peer_await(&p, peer_subscribe(&p, "seat"), &r);
    assert_true(has(r.body, "{\"seat\":7}"));
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

/* handlers.timeout is an hour; handlers of messages still have that. */
static void a_judge_may_have_a_time_of_its_own(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;

    (void)st;
    begin_with(&b, &all, NULL, 20);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    atomic_store(&court.is_slow, true);
    atomic_store(&court.is_unresponsive, true);
    peer_await(&p, peer_subscribe(&p, "room"), &r);
    assert_int_equal(r.kind, PEER_ERROR);
    assert_int_equal(r.code, 408);
    assert_true(has(r.body, "\"temporary\":true"));
    atomic_store(&court.is_unresponsive, false);
    decide(draw(&court));
    box_await(&b, "handlers.late", 1);
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

static void what_a_question_cannot_have_is_refused(void **st)
{
    struct pl_terms user = {.size = sizeof user, .user = "ann"};
    struct pl_terms bare = {.size = 1};
    struct pl_terms data = {.size = sizeof data, .data = "1", .len = 1};
    struct pl_terms flags = {.size = sizeof flags, .flags = PL_AS_ANONYMOUS};
    const char *names[] = {"room"};
    struct pl_terms channels = {
        .size = sizeof channels, .channels = names, .channel_count = 1};
    struct peer p;
    struct box b;

    (void)st;
    begin(&b, &all, NULL);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    atomic_store(&court.is_slow, true);
    atomic_store(&court.is_unresponsive, true);
    uint32_t id = peer_subscribe(&p, "room");
    await_unanswered();
    atomic_store(&court.is_unresponsive, false);
    struct pl_ask *ask = draw(&court);
    assert_int_equal(pl_ask_allow(ask, &user), PL_EINVAL);
    assert_int_equal(pl_ask_allow(ask, &bare), PL_EINVAL);
    assert_int_equal(pl_ask_allow(ask, &flags), PL_EINVAL);
    assert_int_equal(pl_ask_allow(ask, &channels), PL_EINVAL);
    data.data = "{";
    assert_int_equal(pl_ask_allow(ask, &data), PL_EINVAL); /* not JSON */
    assert_null(pl_ask_header(ask, "Cookie"));
    assert_string_equal(pl_ask_address(ask), "127.0.0.1");
    assert_int_equal(pl_ask_deny(ask, 99, NULL), PL_EINVAL);
    assert_int_equal(pl_ask_deny(ask, 2000, NULL), PL_EINVAL);
    assert_int_equal(pl_ask_deny(ask, 103, "\xff"), PL_EINVAL);
    assert_int_equal(pl_ask_close(ask, 2999, NULL), PL_EINVAL);
    assert_int_equal(pl_ask_close(ask, 5000, NULL), PL_EINVAL);
    assert_int_equal(pl_ask_allow(ask, NULL), PL_OK);
    assert_int_equal(code_of(&p, id), 0);
    atomic_store(&court.is_unresponsive, true);
    id = peer_publish(&p, "room", "1");
    await_unanswered();
    atomic_store(&court.is_unresponsive, false);
    ask = draw(&court);
    data.data = "{";
    assert_int_equal(pl_ask_allow(ask, &data), PL_EINVAL); /* not JSON */
    data.data = "";
    data.len = 0;
    assert_int_equal(pl_ask_allow(ask, &data), PL_EINVAL);
    assert_int_equal(pl_ask_allow(ask, NULL), PL_OK);
    assert_int_equal(code_of(&p, id), 0);
    peer_fini(&p);
    box_await(&b, "connections.open", 0);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_gets_in_without_the_word_of_may_connect),
        cmocka_unit_test(a_client_with_a_token_is_judged_as_well),
        cmocka_unit_test(each_command_has_its_judge),
        cmocka_unit_test(a_judge_may_replace_what_is_published),
        cmocka_unit_test(a_subscription_may_be_for_a_time_and_refreshed),
        cmocka_unit_test(late_answers_of_another_thread_reach_their_commands),
        cmocka_unit_test(an_answer_after_the_stop_goes_nowhere),
        cmocka_unit_test(a_connect_is_judged_by_its_headers),
        cmocka_unit_test(a_yes_may_bring_channels_and_data),
        cmocka_unit_test(a_judge_may_have_a_time_of_its_own),
        cmocka_unit_test(what_a_question_cannot_have_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
