/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_producers.c - sixteen threads send through one connection: each
 * send is completed once, each thread's messages arrive in its order, a message
 * costs one mail, and none a change of what the loop waits for.
 *
 *   test_client_producers [MESSAGES] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "parley_client.h"
#include "sink.h"
#include "system.h"

enum { PRODUCERS = 16, LONG_MS = 60000, CHANGES_MAX = 1000 };

static unsigned each = 100000 / PRODUCERS;

/* Instead of the one of the C library, for libevent too. */
static atomic_uint changes;

__attribute__((visibility("default"))) int epoll_ctl(int epfd, int op, int fd,
                                                     struct epoll_event *event)
{
    atomic_fetch_add(&changes, 1);
    return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

/* The only way from a thread of the program to the loop. */
static atomic_uint posts;

void __real_pl_system_post(struct pl_system *s, struct pl_address to,
                           struct pl_msg *msg);
void __wrap_pl_system_post(struct pl_system *s, struct pl_address to,
                           struct pl_msg *msg);

void __wrap_pl_system_post(struct pl_system *s, struct pl_address to,
                           struct pl_msg *msg)
{
    atomic_fetch_add(&posts, 1);
    __real_pl_system_post(s, to, msg);
}

/* --- At the server --- */

static unsigned next[PRODUCERS], disorder, arrived;

static void on_line(struct pl_span line)
{
    unsigned p = 0, n = 0;
    char text[100];

    snprintf(text, sizeof text, "%.*s", (int)line.len, line.at);
    if (sscanf(text, "{\"send\":{\"data\":{\"p\":%u,\"n\":%u}}}", &p, &n) !=
            2 ||
        p >= PRODUCERS || n != next[p])
        disorder++;
    else
        next[p]++;
    arrived++;
}

static void on_message(void *arg, struct pl_span text)
{
    (void)arg;
    while (text.len > 0) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.at);

        on_line((struct pl_span){text.at, len});
        text.at += len + (end != NULL);
        text.len -= len + (end != NULL);
    }
}

/* --- The program --- */

struct producer {
    struct plc_client *client;
    unsigned id, refused;
    unsigned char *completed; /* how often, by number; the loop's */
    pthread_t thread;
};

static void on_done(const struct plc_result *r, void *arg)
{
    *(unsigned char *)arg += r->outcome == PLC_DONE ? 1 : 100;
}

static void *produce(void *arg)
{
    struct producer *p = arg;
    char text[60];

    for (unsigned n = 0; n < each; n++) {
        int len = snprintf(text, sizeof text, "{\"p\":%u,\"n\":%u}", p->id, n);

        p->refused += plc_send(p->client, text, (size_t)len, on_done,
                               &p->completed[n]) != PL_OK;
    }
    return NULL;
}

static struct plc_client *connect_client(struct plc_group *g,
                                         const struct sink *s, bool is_tls)
{
    char url[60];
    struct plc_link link = {.size = sizeof link,
                            .flags = PLC_NO_VERIFY,
                            .queue_messages = 5000,
                            .full_wait_ms = LONG_MS};
    struct plc_client_options o = {
        .size = sizeof o, .url = url, .link = &link, .timeout_ms = LONG_MS};
    struct plc_client *c;

    snprintf(url, sizeof url, "%s://127.0.0.1:%u/", is_tls ? "wss" : "ws",
             sink_port(s));
    assert_int_equal(plc_client_create(&c, g, &o), PL_OK);
    assert_int_equal(plc_client_connect(c), PL_OK);
    while (plc_client_state(c) != PLC_CONNECTED)
        sched_yield();
    return c;
}

static void start(struct producer *all, struct plc_client *c)
{
    for (unsigned i = 0; i < PRODUCERS; i++) {
        all[i] = (struct producer){
            .client = c, .id = i, .completed = calloc(each, 1)};
        pthread_create(&all[i].thread, NULL, produce, &all[i]);
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(all[i].thread, NULL);
}

static void check(struct producer *all)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < PRODUCERS; i++) {
        for (unsigned n = 0; n < each; n++)
            wrong += all[i].completed[n] != 1;
        assert_int_equal(all[i].refused, 0);
        free(all[i].completed);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(arrived, each * PRODUCERS);
    assert_int_equal(disorder, 0);
}

static void send_all(const char *folder)
{
    struct plc_group_options go = {.size = sizeof go};
    struct plc_status s = {.size = sizeof s};
    struct producer all[PRODUCERS];
    struct plc_group *g;

    memset(next, 0, sizeof next);
    arrived = disorder = 0;
    struct sink *sink = sink_start(folder, on_message, NULL);
    assert_int_equal(plc_group_create(&g, &go), PL_OK);
    struct plc_client *c = connect_client(g, sink, folder != NULL);
    assert_true(atomic_exchange(&changes, 0) > 0); /* libevent calls it */
    atomic_store(&posts, 0);
    start(all, c);
    assert_int_equal(atomic_load(&posts), each * PRODUCERS);
    plc_group_stop(g, LONG_MS);
    assert_int_equal(plc_group_wait(g, LONG_MS), PL_OK);
    assert_true(atomic_load(&changes) < CHANGES_MAX);
    plc_group_status(g, &s);
    assert_int_equal(s.accepted, each * PRODUCERS);
    assert_int_equal(s.done, each * PRODUCERS);
    plc_group_destroy(g);
    sink_stop(sink);
    check(all);
}

static void sixteen_producers_lose_nothing_and_keep_their_order(void **state)
{
    (void)state;
    send_all(NULL);
}

static void over_tls_they_lose_nothing_either(void **state)
{
    char folder[64];

    (void)state;
    sink_certificate_make(folder, sizeof folder);
    send_all(folder);
    sink_certificate_remove(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_producers_lose_nothing_and_keep_their_order),
        cmocka_unit_test(over_tls_they_lose_nothing_either),
    };

    if (argc > 1)
        each = (unsigned)strtoul(argv[1], NULL, 10) / PRODUCERS;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
