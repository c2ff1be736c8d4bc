/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_broker.c - the client library and a broker: what one sends the
 * other gets, and nothing is lost or left over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "parley_client.h"

enum {
    PRODUCERS = 16,
    EACH = 2000,
    TEARDOWNS = 500,
    LENT = 300,
    LONG_MS = 60000
};

static struct box box;
static struct plc_group *group;
static char url[80];

/* --- A client whose callbacks count --- */

struct seen {
    atomic_uint connected, subscribed, recovered, published, joined, released;
    atomic_uint done, other, wrong;
    atomic_uint next[PRODUCERS]; /* number of each producer */
    char target[80];             /* "conn/ID", written before `connected` */
};

static struct seen seen;
/* Several groups have a thread each. */
static pthread_mutex_t target_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_state(struct plc_client *c, const struct plc_change *h,
                     void *arg)
{
    (void)c, (void)arg;
    if (h->to != PLC_CONNECTED)
        return;
    pthread_mutex_lock(&target_lock);
    snprintf(seen.target, sizeof seen.target, "conn/%s", h->client);
    pthread_mutex_unlock(&target_lock);
    atomic_fetch_add(&seen.connected, 1);
}

static void on_sub_state(struct plc_sub *s, const struct plc_change *h,
                         void *arg)
{
    (void)s, (void)arg;
    if (h->to == PLC_SUBSCRIBED) {
        atomic_fetch_add(&seen.recovered, h->recovered);
        atomic_fetch_add(&seen.subscribed, 1);
    }
}

/* {"p":3,"n":17}: each producer's numbers come in their order. */
static void on_publication(struct plc_sub *s, const struct plc_publication *p,
                           void *arg)
{
    unsigned producer, number;

    (void)s, (void)arg;
    if (sscanf(p->data.at, "{\"p\":%u,\"n\":%u}", &producer, &number) == 2 &&
        producer < PRODUCERS &&
        atomic_fetch_add(&seen.next[producer], 1) != number)
        atomic_fetch_add(&seen.wrong, 1);
    atomic_fetch_add(&seen.published, 1);
}

static void on_presence(struct plc_sub *s, bool joined,
                        const struct plc_info *info, void *arg)
{
    (void)s, (void)arg, (void)info;
    atomic_fetch_add(&seen.joined, joined);
}

static void on_release(void *arg)
{
    (void)arg;
    atomic_fetch_add(&seen.released, 1);
}

static void on_done(const struct plc_result *r, void *arg)
{
    (void)arg;
    atomic_fetch_add(r->outcome == PLC_DONE ? &seen.done : &seen.other, 1);
}

static void await(atomic_uint *count, unsigned least)
{
    while (atomic_load(count) < least)
        sched_yield();
}

/* --- Rig --- */

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    box_start(&box, (const char *const[]){NULL});
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/connection/websocket",
             box.port);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    box_destroy(&box);
    return 0;
}

static void create_group(struct event_base *base)
{
    struct plc_group_options o = {.size = sizeof o, .base = base};

    assert_int_equal(plc_group_create(&group, &o), PL_OK);
}

static void stop_group(void)
{
    plc_group_stop(group, LONG_MS);
    assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
    plc_group_destroy(group);
}

static struct plc_client *create_client(uint32_t flags)
{
    struct plc_link link = {.size = sizeof link,
                            .flags = flags,
                            .queue_messages = 1000,
                            .full_wait_ms = LONG_MS};
    struct plc_client_options o = {.size = sizeof o,
                                   .url = url,
                                   .link = &link,
                                   .timeout_ms = LONG_MS,
                                   .state = on_state,
                                   .release = on_release};
    struct plc_client *c;

    assert_int_equal(plc_client_create(&c, group, &o), PL_OK);
    assert_int_equal(plc_client_connect(c), PL_OK);
    return c;
}

static struct plc_sub *subscribe(struct plc_client *c, const char *channel)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = channel,
                                .flags = PLC_RECOVERABLE | PLC_JOIN_LEAVE,
                                .state = on_sub_state,
                                .publication = on_publication,
                                .presence = on_presence,
                                .release = on_release};
    struct plc_sub *s;

    assert_int_equal(plc_subscribe(&s, c, &o), PL_OK);
    return s;
}

static void publish(struct plc_client *c, unsigned producer, unsigned number)
{
    char text[40];
    int n =
        snprintf(text, sizeof text, "{\"p\":%u,\"n\":%u}", producer, number);

    assert_int_equal(plc_publish(c, "room", text, (size_t)n, on_done, NULL),
                     PL_OK);
}

/* --- Both encodings --- */

static void read_history(const struct plc_result *r, void *arg)
{
    if (r->outcome == PLC_DONE && r->publication_count == 2 &&
        r->publications[0]->offset == 1)
        sem_post(arg);
}

static void read_presence(const struct plc_result *r, void *arg)
{
    if (r->outcome == PLC_DONE && r->present_count == 2)
        sem_post(arg);
}

static void clients_of_both_encodings_meet(void **state)
{
    sem_t is_read;

    (void)state;
    sem_init(&is_read, 0, 0);
    create_group(NULL);
    struct plc_client *text = create_client(0);
    struct plc_client *binary = create_client(PLC_PROTOBUF);
    subscribe(text, "room");
    subscribe(binary, "room");
    await(&seen.subscribed, 2);
    publish(text, 0, 0);
    await(&seen.published, 2);
    seen.next[0] = 1;
    publish(binary, 0, 1);
    await(&seen.published, 4);
    await(&seen.done, 2);
    await(&seen.joined, 2);
    plc_history(text, "room", 10, NULL, 0, false, read_history, &is_read);
    plc_history(binary, "room", 10, NULL, 0, false, read_history, &is_read);
    plc_presence(text, "room", false, read_presence, &is_read);
    plc_presence(binary, "room", false, read_presence, &is_read);
    for (int i = 0; i < 4; i++)
        while (sem_wait(&is_read) != 0)
            ;
    stop_group();
    assert_int_equal(atomic_load(&seen.released), 4);
    sem_destroy(&is_read);
}

/* --- Many threads --- */

struct producer {
    struct plc_client *client;
    unsigned id;
    pthread_t thread;
};

static void *produce(void *arg)
{
    struct producer *p = arg;

    for (unsigned n = 0; n < EACH; n++)
        publish(p->client, p->id, n);
    return NULL;
}

static void many_producers_lose_nothing_and_keep_their_order(void **state)
{
    struct producer producers[PRODUCERS];
    struct plc_status s = {.size = sizeof s};

    (void)state;
    create_group(NULL);
    struct plc_client *c = create_client(0);
    struct plc_sub *sub = subscribe(create_client(PLC_PROTOBUF), "room");
    await(&seen.subscribed, 1);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.client = c, .id = i};
        pthread_create(&producers[i].thread, NULL, produce, &producers[i]);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    await(&seen.done, PRODUCERS * EACH);
    await(&seen.published, PRODUCERS * EACH);
    assert_int_equal(atomic_load(&seen.wrong), 0);
    plc_sub_destroy(sub);
    stop_group();
    assert_int_equal(atomic_load(&seen.done), PRODUCERS * EACH);
    assert_int_equal(atomic_load(&seen.other), 0);
}

/* --- Lost connections --- */

static void what_was_missed_is_recovered(void **state)
{
    (void)state;
    create_group(NULL);
    struct plc_client *c = create_client(0);
    subscribe(c, "room");
    await(&seen.subscribed, 1);
    for (unsigned round = 1; round <= 3; round++) {
        publish(c, 0, 2 * round - 2);
        await(&seen.published, 2 * round - 1);
        assert_int_equal(pl_broker_disconnect(box.broker, seen.target, 3000,
                                              "again", NULL, NULL),
                         PL_OK);
        char text[40];
        int n =
            snprintf(text, sizeof text, "{\"p\":0,\"n\":%u}", 2 * round - 1);
        assert_int_equal(pl_broker_post(box.broker, "room", text, (size_t)n,
                                        NULL, NULL, NULL),
                         PL_OK);
        await(&seen.published, 2 * round);
        await(&seen.connected, round + 1);
    }
    assert_int_equal(atomic_load(&seen.wrong), 0);
    stop_group();
}

/* --- Teardowns --- */

static void a_group_may_be_destroyed_at_any_moment(void **state)
{
    struct box_census before;

    (void)state;
    for (unsigned i = 0; i < TEARDOWNS; i++) {
        if (i == 1) {
            box_await(&box, "connections.open", 0);
            box_census(&before);
        }
        create_group(NULL);
        struct plc_client *c = create_client(i % 2 == 0 ? 0 : PLC_PROTOBUF);
        subscribe(c, "room");
        for (unsigned n = 0; n < i % 5; n++)
            publish(c, 15, n);
        if (i % 3 == 0)
            await(&seen.connected, 1);
        for (unsigned n = 0; n < i % 7; n++)
            sched_yield();
        if (i % 4 == 0)
            plc_client_destroy(c);
        plc_group_destroy(group);
        assert_int_equal(atomic_load(&seen.released), 2 * (i + 1));
    }
    unsigned sent = 0;
    for (unsigned i = 0; i < TEARDOWNS; i++)
        sent += i % 5;
    assert_int_equal(atomic_load(&seen.done) + atomic_load(&seen.other), sent);
    box_await(&box, "connections.open", 0);
    box_await_census(&before);
}

static void destroy_now(struct plc_sub *s, const struct plc_publication *p,
                        void *arg)
{
    (void)s, (void)p, (void)arg;
    plc_group_destroy(group);
}

static void a_lent_base_ends_when_its_group_is_destroyed(void **state)
{
    struct event_base *base = event_base_new();

    (void)state;
    for (unsigned i = 0; i < LENT; i++) {
        struct plc_sub_options o = {.size = sizeof o,
                                    .channel = "room",
                                    .publication = destroy_now,
                                    .release = on_release};
        struct plc_sub *s;

        create_group(base);
        struct plc_client *c = create_client(0);
        assert_int_equal(plc_subscribe(&s, c, &o), PL_OK);
        assert_int_equal(plc_sub_publish(s, "1", 1, on_done, NULL), PL_OK);
        event_base_dispatch(base);
        assert_int_equal(atomic_load(&seen.released), 2 * (i + 1));
        assert_int_equal(atomic_load(&seen.done) + atomic_load(&seen.other),
                         i + 1);
        assert_int_equal(event_base_dispatch(base), 1); /* nothing is left */
    }
    event_base_free(base);
}

static void a5_stop_start_connect_send_a_hundred_times(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct plc_status s = {.size = sizeof s};

        create_group(NULL);
        publish(create_client(0), 0, i);
        await(&seen.done, i + 1);
        plc_group_stop(group, LONG_MS);
        assert_int_equal(plc_group_wait(group, LONG_MS), PL_OK);
        plc_group_status(group, &s);
        assert_false(s.client_running || s.network_driver_running);
        assert_int_equal(s.connections + s.open + s.subscriptions + s.pending +
                             s.queue_bytes + s.event_queue_size,
                         0);
        assert_int_equal(s.done, 1);
        plc_group_destroy(group);
    }
    box_await(&box, "connections.open", 0);
}

/* --- Names --- */

enum { ONE = 1, TWO = 2, PLAIN = 4, NOBODY = 8 };
static atomic_uint named, misnamed;

static void on_result(struct plc_group *g, const char *label, enum pl_err err,
                      const char *why, void *arg)
{
    static const char *const labels[] = {"one", "two", "plain", "nobody"};

    (void)g, (void)why, (void)arg;
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(labels[i], label) != 0)
            continue;
        bool is_right = (err == PL_OK) == (1u << i != NOBODY);
        unsigned before = atomic_fetch_or(&named, 1u << i);
        atomic_fetch_add(&misnamed, !is_right || (before & 1u << i) != 0);
    }
}

static struct plc_client *create_named(const char *label)
{
    struct plc_client_options o = {
        .size = sizeof o, .url = url, .label = label, .state = on_state};
    struct plc_client *c;

    assert_int_equal(plc_client_create(&c, group, &o), PL_OK);
    assert_int_equal(plc_client_connect(c), PL_OK);
    return c;
}

static void open_named(const char *label, const char *where)
{
    struct plc_ws_options o = {.size = sizeof o, .url = where, .label = label};
    struct plc_ws *w;

    assert_int_equal(plc_ws_create(&w, group, &o), PL_OK);
    assert_int_equal(plc_ws_open(w), PL_OK);
}

static void
a20_two_single_clients_and_one_of_many_have_a_result_for_each_name(void **state)
{
    struct plc_group_options many = {.size = sizeof many, .result = on_result};
    struct plc_group *groups[3];
    struct plc_client *clients[4];

    (void)state;
    for (int i = 0; i < 2; i++) {
        create_group(NULL);
        groups[i] = group;
        clients[i] = create_client(0);
    }
    assert_int_equal(plc_group_create(&group, &many), PL_OK);
    groups[2] = group;
    clients[2] = create_named("one");
    clients[3] = create_named("two");
    open_named("plain", url);
    open_named("nobody", "ws://127.0.0.1:1/");
    for (int i = 0; i < 4; i++)
        subscribe(clients[i], "room");
    await(&seen.subscribed, 4);
    for (unsigned i = 0; i < 12; i++)
        publish(clients[i % 4], i, 0);
    await(&seen.done, 12);
    await(&seen.published, 4 * 12);
    while (atomic_load(&named) != (ONE | TWO | PLAIN | NOBODY))
        sched_yield();
    for (int i = 0; i < 3; i++) {
        group = groups[i];
        stop_group();
    }
    assert_int_equal(atomic_load(&misnamed), 0);
    assert_int_equal(atomic_load(&seen.published), 4 * 12);
}

/* --- Tokens of subscriptions --- */

static atomic_uint refreshes;

/* A second for each, and the third refresh is for good. */
static void judge(struct pl_ask *ask, void *arg)
{
    struct pl_terms terms = {.size = sizeof terms, .expires_in_s = 1};

    (void)arg;
    if (pl_ask_is_refresh(ask) && atomic_fetch_add(&refreshes, 1) >= 2)
        terms.expires_in_s = 0;
    enum pl_err rc = strcmp(pl_ask_token(ask), "mine") == 0
                         ? pl_ask_allow(ask, &terms)
                         : pl_ask_deny(ask, 103, NULL);
    if (rc != PL_OK)
        abort();
}

static int set_up_judged(void **state)
{
    static const struct pl_events events = {.size = sizeof events,
                                            .may_subscribe = judge};
    static const char *const sets[] = {"listen=[127.0.0.1:0]",
                                       "admin.listen=off", "admin.socket=off"};
    const struct pl_broker_setup s = {.size = sizeof s,
                                      .sets = sets,
                                      .set_count = 3,
                                      .flags = PL_INSECURE,
                                      .events = &events};

    (void)state;
    memset(&seen, 0, sizeof seen);
    atomic_store(&refreshes, 0);
    box_open(&box, &s);
    box_run(&box);
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/connection/websocket",
             box.port);
    return 0;
}

static void get_token(struct plc_sub *s, struct plc_token *t, void *arg)
{
    (void)s, (void)arg;
    plc_token_answer(t, "mine");
}

static void subscriptions_are_refreshed_in_time(void **state)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "room",
                                .get_token = get_token,
                                .state = on_sub_state};
    struct plc_sub *s;

    (void)state;
    create_group(NULL);
    assert_int_equal(plc_subscribe(&s, create_client(PLC_PROTOBUF), &o), PL_OK);
    await(&refreshes, 3);
    box_rest(&box);
    assert_int_equal(plc_sub_state(s), PLC_SUBSCRIBED);
    assert_int_equal(atomic_load(&seen.subscribed), 1);
    assert_int_equal(box_number(&box, "channels.expired"), 0);
    stop_group();
    assert_int_equal(atomic_load(&refreshes), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(clients_of_both_encodings_meet),
        TEST(many_producers_lose_nothing_and_keep_their_order),
        TEST(what_was_missed_is_recovered),
        TEST(a_group_may_be_destroyed_at_any_moment),
        TEST(a_lent_base_ends_when_its_group_is_destroyed),
        TEST(a5_stop_start_connect_send_a_hundred_times),
        TEST(
            a20_two_single_clients_and_one_of_many_have_a_result_for_each_name),
        cmocka_unit_test_setup_teardown(subscriptions_are_refreshed_in_time,
                                        set_up_judged, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
