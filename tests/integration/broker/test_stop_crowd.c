/* SPDX-License-Identifier: Apache-2.0 */
/* test_stop_crowd.c - a stop with ten thousand connections, most of them
 * unresponsive, and publishers that do not slow down for it: rows A3, A4, A7,
 * A9 and A12 at the size that matters.
 *
 * The clients are a process of their own, since both ends of so many do not fit
 * under one limit of descriptors; they are forked before the broker has
 * threads.  $PL_STOP_CONNECTIONS makes the crowd smaller or larger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "peer.h"

enum {
    CONNECTIONS = 10000,
    PUBLISHERS = 8,
    LISTENERS_EACH = 10, /* of the polite ones one in so many subscribes */
    POLITE_EACH = 10,    /* one connection in so many answers a Close */
    BURST = 50,
    AT_ONCE = 100, /* connections that open side by side */
    SPARE = 200,   /* descriptors for all else */
    SLACK_MS = 20000,
    DISCONNECT = 2, /* by index of "phases" */
    PHASES = 6
};

/* --- The clients' process; what goes wrong ends it --- */

struct crowd {
    struct peer *at;
    unsigned count;
    struct peer publisher[PUBLISHERS];
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "crowd: %s\n", what);
    _exit(EXIT_FAILURE);
}

static bool is_polite(unsigned i)
{
    return i % POLITE_EACH == 0;
}

/* Of the polite ones: it is owed all that the publishers say. */
static bool is_listener(unsigned i)
{
    return i % (POLITE_EACH * LISTENERS_EACH) == 0;
}

static void open_some(struct crowd *c, unsigned from, uint16_t port)
{
    unsigned to = from + AT_ONCE < c->count ? from + AT_ONCE : c->count;

    for (unsigned i = from; i < to; i++)
        peer_begin(&c->at[i], port, i % 2, NULL);
    for (unsigned i = from; i < to; i++) {
        if (peer_await_open(&c->at[i]) != 101)
            give_up("not opened");
        peer_connect(&c->at[i], NULL);
    }
    for (unsigned i = from; i < to; i++) {
        struct peer_reply r;

        peer_await(&c->at[i], 1, &r);
        if (r.kind != PEER_RESULT)
            give_up("not logged in");
        c->at[i].is_unresponsive = !is_polite(i);
        if (is_listener(i))
            peer_join(&c->at[i], "room");
    }
}

static void publish_much(struct peer *p)
{
    struct peer_reply r;

    if (p->is_over)
        return;
    if (p->close_code == 0) {
        peer_cork(p);
        for (unsigned n = 0; n < BURST; n++)
            peer_publish(p, "room", "\"in the middle of it\"");
        peer_uncork(p);
    }
    peer_read(p);
    while (peer_next(p, &r) == PEER_GOT)
        continue;
}

/* Those who answer a Close, and how many of them are still there. */
static unsigned listen_politely(struct crowd *c)
{
    unsigned here = 0;

    for (unsigned i = 0; i < c->count; i += POLITE_EACH) {
        struct pollfd f = {.fd = c->at[i].fd, .events = POLLIN};
        struct peer_reply r;

        if (c->at[i].is_over)
            continue;
        here++;
        if (poll(&f, 1, 0) == 1)
            peer_read(&c->at[i]);
        while (peer_next(&c->at[i], &r) == PEER_GOT)
            continue;
    }
    return here;
}

/* Until the broker has ended all who talk and listen. */
static void talk(struct crowd *c)
{
    do {
        for (unsigned n = 0; n < 5; n++) {
            for (unsigned i = 0; i < PUBLISHERS; i++)
                publish_much(&c->publisher[i]);
        }
    } while (listen_politely(c) > 0);
}

/* A Close waits behind what its connection is owed: on a machine so slow that
 * the deadline cuts that off, it is cut off too.  All others are told, even if
 * their loop takes the deadline and the order to close in one turn. */
static void end_all(struct crowd *c)
{
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        peer_await_end(&c->publisher[i]);
        peer_fini(&c->publisher[i]);
    }
    for (unsigned i = 0; i < c->count; i++) {
        if (peer_await_end(&c->at[i]) != 3001 && !is_listener(i))
            give_up("a connection was not told why");
        peer_fini(&c->at[i]);
    }
    free(c->at);
}

static void be_clients(int orders, int answers, unsigned count)
{
    struct crowd c = {.count = count};
    uint16_t port;

    c.at = calloc(count, sizeof *c.at);
    if (c.at == NULL || read(orders, &port, sizeof port) != sizeof port)
        give_up("no orders");
    for (unsigned i = 0; i < count; i += AT_ONCE)
        open_some(&c, i, port);
    for (unsigned i = 0; i < PUBLISHERS; i++)
        peer_enter(&c.publisher[i], port, i % 2, NULL, NULL);
    if (write(answers, "!", 1) != 1)
        give_up("nobody listens");
    talk(&c);
    end_all(&c);
}

/* --- The broker's --- */

static struct {
    pid_t pid;
    int orders, answers;
    unsigned count;
} clients;

static void fork_clients(void)
{
    const char *text = getenv("PL_STOP_CONNECTIONS");
    int orders[2], answers[2];
    struct rlimit files;

    clients.count = text == NULL ? CONNECTIONS : (unsigned)atoi(text);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (clients.count + SPARE > files.rlim_cur) /* told with the result */
        clients.count = (unsigned)files.rlim_cur - SPARE;
    if (pipe(orders) != 0 || pipe(answers) != 0)
        give_up("no pipe");
    clients.pid = fork();
    if (clients.pid == 0) {
        close(orders[1]);
        close(answers[0]);
        be_clients(orders[0], answers[1], clients.count);
        exit(EXIT_SUCCESS);
    }
    close(orders[0]);
    close(answers[1]);
    clients.orders = orders[1];
    clients.answers = answers[0];
}

static int64_t phase_number(const struct box *b, int phase, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "phases.%d.%s", phase, name);
    return box_number(b, path);
}

static void assert_clients_are_content(void)
{
    int status;

    while (waitpid(clients.pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

static void
a3_ten_thousand_unresponsive_connections_share_one_budget(void **state)
{
    /* A loop that gets hardly any time is not given up: SLACK_MS bounds it. */
    const char *sets[] = {"loops=2", "ping.interval=1h", "shutdown.reset=18s",
                          "channels.history_size=100", NULL};
    unsigned polite = (clients.count + POLITE_EACH - 1) / POLITE_EACH;
    struct box b;
    char c;

    (void)state;
    box_log_begin();
    box_start(&b, sets);
    assert_int_equal(write(clients.orders, &b.port, sizeof b.port),
                     sizeof b.port);
    assert_int_equal(read(clients.answers, &c, 1), 1);
    box_await(&b, "active_connections", clients.count + PUBLISHERS);
    box_await_least(&b, "messages.publications", 1000); /* they are at it */
    pl_broker_stop(b.broker);
    assert_int_equal(pl_broker_wait(b.broker), PL_OK);
    box_assert_zero(&b); /* the ledgers too */
    int64_t forced = phase_number(&b, DISCONNECT, "forced");
    int64_t elapsed = phase_number(&b, DISCONNECT, "elapsed_ms");
    printf("%u connections: %d forced in %d ms\n", clients.count, (int)forced,
           (int)elapsed);
    /* who is polite may be late on a slow machine */
    assert_in_range(forced, clients.count - polite, clients.count + PUBLISHERS);
    assert_true(elapsed <= phase_number(&b, DISCONNECT, "deadline_ms") +
                               SLACK_MS); /* not a second for each */
    for (int i = DISCONNECT + 1; i < PHASES; i++)
        assert_int_equal(phase_number(&b, i, "forced"), 0);
    assert_int_equal(box_log_warnings(), 0);
    assert_clients_are_content();
    box_destroy(&b);
    box_log_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a3_ten_thousand_unresponsive_connections_share_one_budget),
    };

    fork_clients();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
