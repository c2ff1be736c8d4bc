/* SPDX-License-Identifier: Apache-2.0 */
/* test_stall.c - a loop that hangs is seen while it hangs: in /ready, status,
 * metrics and log; and the others go on.
 *
 * Time is waited for and never measured: a test holds a loop at a gate until
 * what it expects is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box.h"
#include "gate.h"
#include "moment.h"
#include "peer.h"

#define KEY "a-key-of-so-many-bytes"

/* The answer to GET `path` of the admin address; gives its status. */
static int get(const struct box *b, const char *path, char *out, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(pl_broker_admin_port(b->broker)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
    char head[256];
    size_t len = 0;
    ssize_t got;

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    snprintf(head, sizeof head,
             "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
             "X-API-Key: " KEY "\r\n\r\n",
             path);
    assert_int_equal(write(fd, head, strlen(head)), strlen(head));
    while (len + 1 < size && (got = read(fd, out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    close(fd);
    assert_int_equal(sscanf(out, "HTTP/1.1 %d", &status), 1);
    return status;
}

/* Ask for `path` until its answer has this status and `text`. */
static void await_answer(const struct box *b, const char *path, int status,
                         const char *text)
{
    static char answer[1 << 17];
    uint64_t began = moment_ms();

    while (get(b, path, answer, sizeof answer) != status ||
           strstr(answer, text) == NULL) {
        if (moment_ms() > began + BOX_DEADLINE_MS)
            fail_msg("not %d with \"%s\": %s", status, text, answer);
        moment_rest(began);
    }
}

static void await_log(const char *text)
{
    uint64_t began = moment_ms();

    while (!box_log_has(text)) {
        if (moment_ms() > began + BOX_DEADLINE_MS)
            fail_msg("the log has no \"%s\"", text);
        moment_rest(began);
    }
}

static void a_loop_that_hangs_is_named_until_it_turns_again(void **st)
{
    const char *sets[] = {"loops=1",          "limits.loop_lag=200ms",
                          "handlers.slow=1h", "admin.listen=127.0.0.1:0",
                          "api.key=" KEY,     NULL};
    struct peer_reply r;
    struct gate g;
    struct peer p;
    struct box b;

    (void)st;
    box_log_begin();
    uint32_t id = gate_hold(&g, &b, &p, "wall", sets);
    await_answer(&b, "/ready", 503, "loop 0 has not turned for ");
    await_log("event=\"loop does not turn\" loop=0 ");
    assert_true(box_log_has("handler=wall"));
    box_await_least(&b, "loops.0.stuck_ms", 201);
    await_answer(&b, "/metrics", 200, "\nparley_loops_stuck 1\n");
    await_answer(&b, "/health", 200, "OK"); /* it is alive */
    assert_false(box_log_has("loop turns again"));
    gate_open(&g);
    peer_await(&p, id, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    await_log("event=\"loop turns again\" loop=0 ");
    await_answer(&b, "/ready", 200, "OK");
    box_await(&b, "loops.0.stuck_ms", 0);
    await_answer(&b, "/metrics", 200, "\nparley_loops_stuck 0\n");
    peer_fini(&p);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

/* Nobody asks for the status here: the traffic of another loop is enough. */
static void the_clients_of_another_loop_cause_the_line(void **st)
{
    const char *sets[] = {"loops=2", "limits.loop_lag=200ms",
                          "handlers.slow=1h", NULL};
    struct peer first, second;
    struct peer_reply r;
    struct gate g;
    struct box b;

    (void)st;
    gate_init(&g);
    box_log_begin();
    box_create(&b, sets);
    pl_broker_method(b.broker, "wall", gate_block, &g, NULL);
    pl_broker_method(b.broker, "echo", gate_echo, NULL, NULL);
    box_run(&b);
    peer_enter(&first, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&second, b.port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(&second, "wall", "1");
    gate_await(&g);
    uint64_t began = moment_ms();
    while (!box_log_has("loop does not turn")) {
        assert_true(moment_ms() < began + BOX_DEADLINE_MS);
        peer_await(&first, peer_rpc(&first, "echo", "1"), &r);
        moment_rest(began);
    }
    assert_true(box_log_has("handler=wall"));
    gate_open(&g);
    peer_await(&second, id, &r);
    peer_fini(&first);
    peer_fini(&second);
    box_destroy(&b);
    box_log_end();
    gate_fini(&g);
}

/* A loop that hangs refuses nobody, so it is the listener that must see it. */
static void a_loop_that_hangs_gets_no_more_connections(void **st)
{
    const char *sets[] = {"loops=2", "limits.loop_lag=500ms",
                          "handlers.slow=1h", NULL};
    enum { MORE = 8 };
    struct peer first, second, more[MORE];
    struct peer_reply r;
    struct gate g;
    struct box b;

    (void)st;
    gate_init(&g);
    box_create(&b, sets);
    pl_broker_method(b.broker, "wall", gate_block, &g, NULL);
    box_run(&b);
    peer_enter(&first, b.port, PEER_JSON, NULL, NULL);
    peer_enter(&second, b.port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(&second, "wall", "1");
    gate_await(&g);
    assert_true(box_has_text(&b, "loops.1.handler", "wall"));
    box_await_least(&b, "loops.1.stuck_ms", 1);
    for (int i = 0; i < MORE; i++) /* none waits for the other loop */
        peer_enter(&more[i], b.port, PEER_JSON, NULL, NULL);
    gate_open(&g);
    peer_await(&second, id, &r);
    peer_fini(&first);
    peer_fini(&second);
    for (int i = 0; i < MORE; i++)
        peer_fini(&more[i]);
    box_destroy(&b);
    gate_fini(&g);
}

/* --- The name of the handler that runs --- */

enum { ROUNDS = 3000 / PL_FEWER, NAMES = 7 };

struct changer {
    struct box *box;
    atomic_bool is_over;
};

static void name_of(unsigned i, char name[32])
{
    snprintf(name, 32, "a.handler.number.%u", i % NAMES);
}

/* Long enough that a status sees it, and that its name goes before it ends. */
static void linger(struct pl_call *call, void *context)
{
    moment_nap(100);
    gate_echo(call, context);
}

/* Its names come and go while its handlers run. */
static void *change(void *arg)
{
    struct changer *c = arg;
    char name[32];

    for (unsigned i = 0; !atomic_load(&c->is_over); i++) {
        name_of(i, name);
        pl_broker_drop_method(c->box->broker, name);
        pl_broker_method(c->box->broker, name, linger, NULL, NULL);
    }
    return NULL;
}

static void *ask(void *arg)
{
    struct changer *c = arg;
    char *text;

    while (!atomic_load(&c->is_over)) {
        if (pl_broker_status(c->box->broker, &text) == PL_OK)
            free(text);
    }
    return NULL;
}

static void a_status_names_a_handler_that_goes_meanwhile(void **st)
{
    const char *sets[] = {"loops=1", "limits.loop_lag=1h", NULL};
    pthread_t threads[2];
    struct changer c = {0};
    struct peer_reply r;
    struct peer p;
    struct box b;
    char name[32];

    (void)st;
    box_create(&b, sets);
    box_run(&b);
    c.box = &b;
    assert_int_equal(pthread_create(&threads[0], NULL, change, &c), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, ask, &c), 0);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        name_of(i, name);
        peer_await(&p, peer_rpc(&p, name, "1"), &r); /* or an error 104 */
    }
    atomic_store(&c.is_over, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_true(box_number(&b, "handlers.handled") > 0);
    peer_fini(&p);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_hangs_is_named_until_it_turns_again),
        cmocka_unit_test(the_clients_of_another_loop_cause_the_line),
        cmocka_unit_test(a_loop_that_hangs_gets_no_more_connections),
        cmocka_unit_test(a_status_names_a_handler_that_goes_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
