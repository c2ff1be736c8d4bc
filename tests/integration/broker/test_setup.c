/* SPDX-License-Identifier: Apache-2.0 */
/* test_setup.c - the options of a broker that say their size, its log, and the
 * release of what its host gave it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
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
#include "peer.h"

/* --- The size of the options --- */

/* As a program of a later release has it. */
struct later {
    struct pl_broker_setup known;
    uint64_t unknown;
};

static const char *const sets[] = {"listen=[127.0.0.1:0]", "admin.listen=off",
                                   "admin.socket=off", "loops=2"};

static struct later later_setup(void)
{
    struct later l = {.known = {.size = sizeof l,
                                .sets = sets,
                                .set_count = 4,
                                .flags = PL_INSECURE}};

    return l;
}

static void options_that_a_later_program_does_not_set_are_accepted(void **st)
{
    struct later l = later_setup();
    struct pl_broker *b;

    (void)st;
    assert_int_equal(pl_broker_open(&b, &l.known), PL_OK);
    pl_broker_destroy(b);
}

static void refuse(const struct pl_broker_setup *s, const char *reason)
{
    struct pl_broker *b = NULL;

    box_log_begin();
    assert_int_equal(pl_broker_open(&b, s), PL_EINVAL);
    assert_null(b);
    assert_true(box_log_has("event=\"option refused\" option=\"struct "
                            "pl_broker_setup\""));
    assert_true(box_log_has(reason));
    box_log_end();
}

static void an_option_that_cannot_be_kept_is_refused_by_name(void **st)
{
    struct later l = later_setup();
    const char *holes[] = {"loops=1", NULL};

    (void)st;
    l.unknown = 1;
    refuse(&l.known, "this release does not know a member that is set");
    l.known.size = sizeof l.known - 1;
    refuse(&l.known, "its size is too small");
    l.known.size = 0;
    refuse(&l.known, "its size is too small");
    refuse(NULL, "it is NULL");
    l.known.size = sizeof l.known;
    l.known.flags = 1u << 31;
    refuse(&l.known, "flags: this release does not know all of them");
    l.known.flags = 0;
    l.known.answer_ms = 3600001;
    refuse(&l.known, "answer_ms: more than an hour");
    l.known.answer_ms = 0;
    l.known.sets = holes;
    l.known.set_count = 2;
    refuse(&l.known, "sets: one is NULL");
    l.known.sets = NULL;
    refuse(&l.known, "sets: one is NULL");
}

/* --- The log --- */

struct host {
    pthread_mutex_t lock;
    unsigned lines, bad, running;
    unsigned released;
};

static void take_line(int level, const char *line, void *arg)
{
    struct host *h = arg;

    pthread_mutex_lock(&h->lock);
    h->lines++;
    h->bad += level < PL_DEBUG || level > PL_ERROR ||
              strchr(line, '\n') != NULL || strstr(line, "level=") == NULL;
    h->running += strstr(line, "event=running") != NULL;
    pthread_mutex_unlock(&h->lock);
}

static void release(void *arg)
{
    struct host *h = arg;

    h->released++;
}

static void open_host(struct host *h, struct box *b)
{
    struct pl_broker_setup s = later_setup().known;

    *h = (struct host){.lock = PTHREAD_MUTEX_INITIALIZER};
    s.size = sizeof s;
    s.log = take_line;
    s.release = release;
    s.arg = h;
    assert_int_equal(pl_broker_open(&b->broker, &s), PL_OK);
}

static void each_broker_logs_to_its_own_host(void **st)
{
    struct host one, two;
    struct box a, b;

    (void)st;
    box_log_begin();
    open_host(&one, &a);
    open_host(&two, &b);
    box_run(&a);
    box_run(&b);
    box_stop(&a);
    box_run(&a);
    box_destroy(&a);
    assert_int_equal(one.running, 2);
    assert_int_equal(two.running, 1);
    assert_int_equal(one.released, 1);
    assert_int_equal(two.released, 0);
    box_destroy(&b);
    assert_int_equal(two.released, 1);
    assert_int_equal(one.bad + two.bad, 0);
    assert_false(box_log_has("level="));
    box_log_end();
}

static void a_broker_that_does_not_open_says_why_and_releases_nothing(void **st)
{
    const char *bad[] = {"loops=none"};
    struct host h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = bad,
                                .set_count = 1,
                                .log = take_line,
                                .release = release,
                                .arg = &h};
    struct pl_broker *b = NULL;

    (void)st;
    box_log_begin();
    assert_int_equal(pl_broker_open(&b, &s), PL_EINVAL);
    assert_null(b);
    assert_true(h.lines > 0);
    assert_int_equal(h.bad, 0);
    assert_int_equal(h.released, 0);
    assert_false(box_log_has("level="));
    box_log_end();
}

/* --- The context of a handler --- */

enum { ROUNDS = 3000 };

struct context {
    atomic_uint released;
    atomic_uint *all;
};

static void release_context(void *arg)
{
    struct context *c = arg;

    if (atomic_fetch_add(&c->released, 1) != 0)
        abort();
    atomic_fetch_add(c->all, 1);
}

/* A use after the release is an answer that says so. */
static void answer_living(struct pl_call *call, void *arg)
{
    struct context *c = arg;

    pl_call_reply(call, atomic_load(&c->released) == 0 ? "1" : "0", 1);
}

static atomic_bool is_over;

static void *register_and_drop(void *arg)
{
    static struct context contexts[ROUNDS];
    static atomic_uint released;
    struct box *b = arg;

    for (int i = 0; i < ROUNDS; i++) {
        contexts[i].all = &released;
        if (pl_broker_method(b->broker, "act", answer_living, &contexts[i],
                             release_context) != PL_OK ||
            pl_broker_drop_method(b->broker, "act") != PL_OK)
            abort();
    }
    while (atomic_load(&released) < ROUNDS)
        sched_yield();
    atomic_store(&is_over, true);
    return contexts;
}

static void each_dropped_handler_is_released_once_and_unused(void **st)
{
    struct peer p[2];
    struct peer_reply r;
    pthread_t thread;
    void *contexts;
    struct box b;

    (void)st;
    atomic_store(&is_over, false);
    box_start(&b, NULL);
    for (int i = 0; i < 2; i++)
        peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, register_and_drop, &b), 0);
    while (!atomic_load(&is_over)) {
        for (int i = 0; i < 2; i++) {
            peer_await(&p[i], peer_rpc(&p[i], "act", "1"), &r);
            assert_true(r.kind == PEER_ERROR ||
                        pl_span_equal(r.data, PL_SPAN("1")));
        }
    }
    assert_int_equal(pthread_join(thread, &contexts), 0);
    for (int i = 0; i < 2; i++)
        peer_fini(&p[i]);
    box_destroy(&b);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(atomic_load(&((struct context *)contexts)[i].released),
                         1);
}

struct kept {
    struct gate gate; /* first: gate_keep() gets it */
    atomic_uint released;
};

static void release_kept(void *arg)
{
    struct kept *k = arg;

    atomic_fetch_add(&k->released, 1);
}

static void a_handler_is_not_released_while_a_client_waits_for_it(void **st)
{
    struct peer_reply r;
    struct peer p;
    struct kept k = {.released = 0};
    struct box b;

    (void)st;
    gate_init(&k.gate);
    box_start(&b, NULL);
    assert_int_equal(
        pl_broker_method(b.broker, "keep", gate_keep, &k, release_kept), PL_OK);
    assert_int_equal(
        pl_broker_method(b.broker, "keep", gate_keep, &k, release_kept),
        PL_EEXIST);
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    uint32_t id = peer_rpc(&p, "keep", "1");
    gate_await(&k.gate);
    assert_int_equal(pl_broker_drop_method(b.broker, "keep"), PL_OK);
    box_await(&b, "custom_handlers", 0);
    assert_int_equal(atomic_load(&k.released), 0);
    pl_call_reply(gate_take(&k.gate), "1", 1);
    peer_await(&p, id, &r);
    while (atomic_load(&k.released) == 0)
        sched_yield();
    peer_fini(&p);
    box_destroy(&b);
    assert_int_equal(atomic_load(&k.released), 1);
    gate_fini(&k.gate);
}

static void a_handler_that_stays_is_released_with_its_broker(void **st)
{
    struct kept k = {.released = 0};
    struct box b;

    (void)st;
    box_create(&b, NULL);
    pl_broker_method(b.broker, "keep", gate_keep, &k, release_kept);
    box_run(&b);
    box_stop(&b);
    assert_int_equal(atomic_load(&k.released), 0);
    box_run(&b);
    box_destroy(&b);
    assert_int_equal(atomic_load(&k.released), 1);
}

/* --- Sockets that listen already --- */

static int open_socket(int type, uint32_t address, bool listens)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    if (listens)
        assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static const char *const no_listen[] = {"listen=[]", "admin.listen=off",
                                        "admin.socket=off", "loops=2"};

static void a_broker_serves_sockets_that_listen_already(void **st)
{
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = no_listen,
                                .set_count = 4,
                                .flags = PL_INSECURE,
                                .listener_count = 2};
    struct box_census before;
    struct box b;

    (void)st;
    box_census(&before);
    int fds[] = {open_socket(SOCK_STREAM, INADDR_LOOPBACK, true),
                 open_socket(SOCK_STREAM, INADDR_LOOPBACK, true)};
    s.listeners = fds;
    assert_int_equal(pl_broker_open(&b.broker, &s), PL_OK);
    for (int life = 0; life < 3; life++) {
        box_run(&b);
        for (unsigned i = 0; i < 2; i++) {
            uint16_t port = pl_broker_port(b.broker, i);
            struct peer p;

            assert_int_not_equal(port, 0);
            peer_enter(&p, port, PEER_JSON, NULL, NULL);
            peer_join(&p, "room");
            peer_fini(&p);
        }
        assert_int_equal(pl_broker_port(b.broker, 2), 0);
        assert_int_equal(pl_broker_reload(b.broker), PL_OK);
        box_await(&b, "connections.open", 0);
        box_stop(&b);
    }
    pl_broker_destroy(b.broker);
    box_await_census(&before);
}

static void refuse_socket(int fd, const char *reason)
{
    int fds[] = {open_socket(SOCK_STREAM, INADDR_LOOPBACK, true), fd};
    struct pl_broker_setup s = {.size = sizeof s,
                                .sets = no_listen,
                                .set_count = 4,
                                .flags = PL_INSECURE,
                                .listeners = fds,
                                .listener_count = 2};
    struct pl_broker *b = NULL;

    box_log_begin();
    assert_int_equal(pl_broker_open(&b, &s), PL_EINVAL);
    assert_null(b);
    assert_true(box_log_has("option=listeners[1]"));
    assert_true(box_log_has(reason));
    box_log_end();
    assert_int_equal(close(fds[0]), 0); /* it stays the program's */
    if (fd >= 0)
        assert_int_equal(close(fd), 0);
}

static void what_cannot_accept_clients_is_refused_by_name(void **st)
{
    (void)st;
    refuse_socket(-1, "it is not a socket");
    refuse_socket(open("/dev/null", O_RDONLY | O_CLOEXEC),
                  "it is not a socket");
    refuse_socket(open_socket(SOCK_DGRAM, INADDR_LOOPBACK, false),
                  "it is not a TCP socket");
    refuse_socket(open_socket(SOCK_STREAM, INADDR_LOOPBACK, false),
                  "it does not listen");
    refuse_socket(open_socket(SOCK_STREAM, INADDR_ANY, true),
                  "PL_INSECURE allows loopback addresses only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            options_that_a_later_program_does_not_set_are_accepted),
        cmocka_unit_test(an_option_that_cannot_be_kept_is_refused_by_name),
        cmocka_unit_test(each_broker_logs_to_its_own_host),
        cmocka_unit_test(
            a_broker_that_does_not_open_says_why_and_releases_nothing),
        cmocka_unit_test(each_dropped_handler_is_released_once_and_unused),
        cmocka_unit_test(a_handler_is_not_released_while_a_client_waits_for_it),
        cmocka_unit_test(a_handler_that_stays_is_released_with_its_broker),
        cmocka_unit_test(a_broker_serves_sockets_that_listen_already),
        cmocka_unit_test(what_cannot_accept_clients_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
