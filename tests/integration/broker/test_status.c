/* SPDX-License-Identifier: Apache-2.0 */
/* test_status.c - what the status tells, and when: rows A6, A11, A15 and A19
 * of what stop and status must guarantee. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"
#include "gate.h"
#include "moment.h"
#include "peer.h"

/* --- A6 --- */

/* How often the broker's threads went to sleep so far; see proc(5).  Each time
 * one wakes up it has gone to sleep once more. */
static uint64_t count_sleeps(void)
{
    DIR *d = opendir("/proc/self/task");
    uint64_t sum = 0;
    unsigned threads = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[300], line[128], name[32] = "";
        unsigned long long n = 0;

        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "re");
        while (f != NULL && fgets(line, sizeof line, f) != NULL) {
            sscanf(line, "Name: %31s", name);
            sscanf(line, "voluntary_ctxt_switches: %llu", &n);
        }
        if (f != NULL)
            fclose(f);
        if (strncmp(name, "parley-", 7) != 0)
            continue;
        sum += n;
        threads++;
    }
    closedir(d);
    assert_int_equal(threads, 6); /* four loops, the control loop, the log */
    return sum;
}

/* The time in which nothing may happen: it is what the test is about. */
static void let_time_pass(void)
{
    moment_nap(500000);
}

/* Until half a second has passed in which nothing happens: what follows the
 * last answer has happened then. */
static void await_rest(void)
{
    uint64_t began = moment_ms(), before;

    do {
        assert_true(moment_ms() < began + BOX_DEADLINE_MS);
        before = count_sleeps();
        let_time_pass();
    } while (count_sleeps() != before);
}

static void a6_an_idle_broker_has_no_turns_and_sees_the_stop(void **st)
{
    const char *sets[] = {"loops=4", NULL};
    enum { PEERS = 8 };
    struct peer p[PEERS];
    struct box b;
    char path[32];
    int64_t turns[5];

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < PEERS; i++) {
        peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
        peer_join(&p[i], "room");
    }
    box_rest(&b);
    await_rest();
    uint64_t sleeps = count_sleeps();
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "loops.%d.turns", i);
        turns[i] = box_number(&b, path);
    }
    let_time_pass();
    assert_int_equal(count_sleeps(), sleeps);
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "loops.%d.turns", i);
        assert_int_equal(box_number(&b, path), turns[i]);
    }
    pl_broker_stop(b.broker); /* and nothing else wakes it */
    for (int i = 0; i < PEERS; i++) {
        assert_int_equal(peer_await_end(&p[i]), 3001);
        peer_fini(&p[i]);
    }
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_destroy(&b);
}

/* --- A11 --- */

static void a11_the_status_has_the_keys_that_programs_know(void **st)
{
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    gate_init(&g);
    box_create(&b, NULL);
    assert_int_equal(box_number(&b, "server_running"), 0);
    assert_true(box_has_null(&b, "dispatcher_task"));
    assert_int_equal(box_number(&b, "network_driver_running"), 0);
    pl_broker_method(b.broker, "one", gate_echo, NULL, NULL);
    pl_broker_method(b.broker, "two", gate_keep, &g, NULL);
    pl_broker_method(b.broker, "three", gate_block, &g, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    box_await(&b, "active_connections", 1);
    box_await(&b, "custom_handlers", 3);
    assert_int_equal(box_number(&b, "server_running"), 1);
    assert_int_equal(box_number(&b, "dispatcher_task.exists"), 1);
    assert_int_equal(box_number(&b, "dispatcher_task.done"), 0);
    assert_int_equal(box_number(&b, "dispatcher_task.cancelled"), 0);
    assert_int_equal(box_number(&b, "network_driver_running"), 1);
    assert_int_equal(box_number(&b, "listeners"), 1);
    peer_fini(&p);
    box_stop(&b);
    assert_true(box_has_null(&b, "dispatcher_task"));
    box_destroy(&b);
    gate_fini(&g);
}

/* --- A15 --- */

static void a15_the_status_is_told_while_a_handler_blocks(void **st)
{
    const char *sets[] = {"loops=1", "handlers.slow=1h", NULL};
    struct peer_reply r;
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    uint32_t id = gate_hold(&g, &b, &p, "wall", sets);
    assert_true(box_has_text(&b, "loops.0.handler", "wall"));
    assert_true(box_has_null(&b, "loops.1.handler"));
    box_await_least(&b, "loops.0.handler_ms", 1);
    assert_int_equal(box_number(&b, "server_running"), 1);
    gate_open(&g);
    peer_await(&p, id, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    assert_true(box_has_null(&b, "loops.0.handler"));
    peer_fini(&p);
    box_destroy(&b);
    gate_fini(&g);
}

static void
a15_the_status_is_told_before_the_start_and_after_the_stop(void **st)
{
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    assert_true(box_has_text(&b, "phase", "starting"));
    box_run(&b);
    assert_true(box_has_text(&b, "phase", "running"));
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_fini(&p);
    box_stop(&b);
    assert_true(box_has_text(&b, "phase", "stopped"));
    assert_int_equal(box_number(&b, "connections.accepted"), 1);
    box_destroy(&b);
}

struct asker {
    struct box *box;
    atomic_bool is_over;
    atomic_uint asked;
};

/* Whatever a thread of the embedding program may do at any time. */
static void *ask(void *arg)
{
    struct asker *a = arg;

    while (!atomic_load(&a->is_over)) {
        assert(box_number(a->box, "active_connections") >= 0);
        pl_broker_post(a->box->broker, "room", "1", 1, NULL, NULL, NULL);
        atomic_fetch_add(&a->asked, 1);
    }
    return NULL;
}

static void a15_any_thread_may_ask_while_the_broker_comes_and_goes(void **st)
{
    struct asker a = {0};
    pthread_t thread;
    struct peer p;
    struct box b;

    (void)st;
    box_create(&b, NULL);
    a.box = &b;
    assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
    for (int i = 0; i < 20; i++) {
        box_run(&b);
        peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
        peer_join(&p, "room");
        unsigned before = atomic_load(&a.asked);
        while (atomic_load(&a.asked) < before + 3)
            sched_yield();
        pl_broker_stop(b.broker);
        assert_int_equal(peer_await_end(&p), 3001);
        peer_fini(&p);
        assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    }
    atomic_store(&a.is_over, true);
    pthread_join(thread, NULL);
    box_destroy(&b);
}

/* --- A19 --- */

static void await_result(struct peer *p, uint32_t id)
{
    struct peer_reply r;

    peer_await(p, id, &r);
    assert_int_equal(r.kind, PEER_RESULT);
}

/* Two clients; three publications, four questions, three remarks. */
static void talk(struct box *b, enum peer_encoding encoding)
{
    struct peer p, q;
    struct peer_reply r;

    peer_enter(&p, b->port, encoding, NULL, NULL);
    peer_enter(&q, b->port, encoding, NULL, NULL);
    peer_join(&p, "room");
    peer_join(&q, "room");
    for (int i = 0; i < 3; i++) {
        await_result(&p, peer_publish(&p, "room", "{\"n\":1}"));
        peer_await_push(&q, PEER_PUBLICATION, &r);
    }
    for (int i = 0; i < 4; i++)
        await_result(&p, peer_rpc(&p, "echo", "\"again\""));
    for (int i = 0; i < 3; i++)
        peer_send(&p, "{\"type\":\"note\"}");
    box_await(b, "commands.silent", 3);
    box_await(b, "messages.out", 17);
    box_rest(b);
    peer_fini(&p);
    peer_fini(&q);
}

static const struct {
    const char *path;
    int64_t value;
} told[] = {
    {"connections.accepted", 2},
    {"connections.handshakes", 2},
    {"connections.handshakes_refused", 0},
    {"authentication.attempts", 2},
    {"authentication.passed", 2},
    {"authentication.failed", 0},
    {"messages.in", 14},
    {"messages.out", 17}, /* 11 answers, 6 deliveries */
    {"messages.custom", 7},
    {"messages.publications", 3},
    {"commands.received", 14},
    {"commands.answered", 11},
    {"commands.silent", 3},
    {"commands.refused", 0},
    {"deliveries.owed", 6},
    {"deliveries.sent", 6},
    {"handlers.handled", 7},
    {"handlers.unknown", 0},
    {"errors.count", 0},
    {"drops.slow", 0},
    {"drops.memory", 0},
    {"ledgers.commands.received", 14},
    {"ledgers.commands.resolved", 14},
    {"ledgers.deliveries.owed", 6},
    {"ledgers.deliveries.resolved", 6},
};

static void a19_the_same_script_gives_the_same_counts(void **st)
{
    struct box b;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL);
    pl_broker_method(b.broker, "note", gate_echo, NULL, NULL);
    for (int round = 0; round < 4; round++) {
        box_run(&b);
        talk(&b, round % 2 ? PEER_PROTOBUF : PEER_JSON);
        for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
            if (box_number(&b, told[i].path) != told[i].value)
                print_error("%s\n", told[i].path);
            assert_int_equal(box_number(&b, told[i].path), told[i].value);
        }
        box_stop(&b);
    }
    box_destroy(&b);
}

static void a19_the_error_rate_is_errors_for_each_message(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct box b;
    char *status;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL);
    box_run(&b);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        await_result(&p, peer_rpc(&p, "echo", "1"));
        peer_await(&p, peer_rpc(&p, "nobody's", "1"), &r);
        assert_int_equal(r.code, 104);
    }
    await_result(&p, peer_rpc(&p, "echo", "1"));
    box_await(&b, "messages.in", 8);
    assert_int_equal(box_number(&b, "errors.count"), 3);
    assert_int_equal(pl_broker_status(b.broker, &status), PL_OK);
    assert_non_null(strstr(status, "\"rate\":0.375"));
    free(status);
    peer_fini(&p);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a6_an_idle_broker_has_no_turns_and_sees_the_stop),
        cmocka_unit_test(a11_the_status_has_the_keys_that_programs_know),
        cmocka_unit_test(a15_the_status_is_told_while_a_handler_blocks),
        cmocka_unit_test(
            a15_the_status_is_told_before_the_start_and_after_the_stop),
        cmocka_unit_test(
            a15_any_thread_may_ask_while_the_broker_comes_and_goes),
        cmocka_unit_test(a19_the_same_script_gives_the_same_counts),
        cmocka_unit_test(a19_the_error_rate_is_errors_for_each_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
