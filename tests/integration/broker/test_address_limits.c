/* SPDX-License-Identifier: Apache-2.0 */
/* test_address_limits.c - limits of an address, and clients behind proxies,
 * over several loops, with TLS, and across a stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "box.h"
#include "peer.h"
#include "tls_client.h"

static struct tls_folder files;

static int make_files(void **st)
{
    (void)st;
    tls_folder_init(&files);
    tls_make(&files, "own", "parley.test", NULL);
    return 0;
}

static int remove_files(void **st)
{
    (void)st;
    tls_folder_fini(&files);
    return 0;
}

/* A socket that comes from 127.0.0.<last>. */
static int dial(uint16_t port, unsigned last)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    from.sin_addr.s_addr = htonl(0x7f000000u | last);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

/* Open from there, through a proxy's header if there is one; gives the status
 * of the answer. */
static int open_from(struct peer *p, uint16_t port, unsigned last,
                     const char *header)
{
    int fd = dial(port, last);

    if (header != NULL)
        assert_int_equal(send(fd, header, strlen(header), MSG_NOSIGNAL),
                         strlen(header));
    peer_begin_on(p, fd, port, PEER_JSON, NULL);
    return peer_await_open(p);
}

static void expect_nobody(const struct box *b)
{
    box_await(b, "connections.open", 0);
    box_await(b, "admission.addresses", 0);
    box_await(b, "admission.connections", 0);
}

static void there_are_no_dead_letters(const struct box *b)
{
    assert_int_equal(box_number(b, "dead_letters.stale"), 0);
    assert_int_equal(box_number(b, "dead_letters.full"), 0);
    assert_int_equal(box_number(b, "dead_letters.closing"), 0);
    assert_int_equal(box_number(b, "dead_letters.unreachable"), 0);
}

static void an_address_has_its_limit_over_all_loops(void **st)
{
    const char *sets[] = {"loops=3", "limits.address_connections=4", NULL};
    struct peer p[4], more, other;
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < 4; i++)
        peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(peer_open(&more, b.port, PEER_JSON), 503);
        peer_fini(&more);
        box_await(&b, "admission.connections", 4);
    }
    assert_int_equal(open_from(&other, b.port, 2, NULL), 101);
    box_await(&b, "admission.addresses", 2);
    box_await(&b, "admission.refused_address", 20);
    for (int i = 0; i < 4; i++)
        peer_fini(&p[i]);
    peer_fini(&other);
    expect_nobody(&b);
    assert_int_equal(open_from(&p[0], b.port, 1, NULL), 101);
    peer_fini(&p[0]);
    expect_nobody(&b);
    there_are_no_dead_letters(&b);
    box_destroy(&b);
}

/* All at once, and the loops learn of the addresses late: still exactly so
 * many get in. */
static void behind_a_proxy_the_limit_is_exact_however_many_come(void **st)
{
    static const char header[] = "PROXY TCP6 2001:db8::7 ::1 4711 8000\r\n";
    const char *sets[] = {"loops=3",
                          "limits.address_connections=5",
                          "connect.timeout=60s",
                          "proxy.trusted=[127.0.0.0/8]",
                          "proxy.protocol=true",
                          NULL};
    enum { MANY = 40 };
    unsigned in = 0, refused = 0, cut = 0;
    struct peer p[MANY];
    struct box b;

    (void)st;
    box_start(&b, sets);
    for (int i = 0; i < MANY; i++) {
        int fd = dial(b.port, 1);

        assert_int_equal(send(fd, header, sizeof header - 1, MSG_NOSIGNAL),
                         sizeof header - 1);
        peer_begin_on(&p[i], fd, b.port, PEER_JSON, NULL);
    }
    for (int i = 0; i < MANY; i++) {
        int status = peer_await_open(&p[i]);

        in += status == 101;
        refused += status == 503;
        cut += status == 0;
    }
    assert_int_equal(in, 5); /* nobody of them has left */
    assert_int_equal(in + refused + cut, MANY);
    box_await(&b, "admission.refused_address", refused);
    box_await(&b, "admission.closed_address", cut);
    for (int i = 0; i < MANY; i++)
        peer_fini(&p[i]);
    expect_nobody(&b);
    there_are_no_dead_letters(&b);
    box_destroy(&b);
}

static void counts_return_to_zero_after_churn_on_all_loops(void **st)
{
    const char *sets[] = {"loops=3", "limits.address_connections=6",
                          "proxy.trusted=[127.0.0.9]", "proxy.protocol=true",
                          NULL};
    static const char *const headers[] = {
        "PROXY TCP4 192.0.2.1 1.1.1.1 1 1\r\n", "PROXY UNKNOWN\r\n",
        "PROXY TCP4 192.0.2.2 1.1.1.1 1 1\r\n", "PROXY TCP4 nonsense\r\n"};
    enum { PLACES = 40 };
    unsigned seed = 3;
    int fds[PLACES];
    struct box b;

    (void)st;
    box_start(&b, sets);
    memset(fds, -1, sizeof fds);
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        int *fd = &fds[(seed >> 8) % PLACES];
        const char *header = headers[(seed >> 15) % 4];

        if (*fd >= 0) {
            close(*fd);
            *fd = -1;
            continue;
        }
        *fd = dial(b.port, (seed >> 20) % 3 == 0 ? 9 : 2 + (seed >> 24) % 3);
        send(*fd, header, strlen(header), MSG_NOSIGNAL);
        send(*fd, "GET / HTTP/1.1\r\n\r\n", (seed >> 12) % 19, MSG_NOSIGNAL);
    }
    for (int i = 0; i < PLACES; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    expect_nobody(&b);
    there_are_no_dead_letters(&b);
    struct peer p;
    peer_enter(&p, b.port, PEER_JSON, NULL, NULL);
    peer_fini(&p);
    box_destroy(&b);
}

/* --- TLS --- */

static uint16_t start_tls(struct box *b, const char *more)
{
    char certificate[200], key[200];
    const char *sets[] = {"listen_tls=[127.0.0.1:0]",
                          certificate,
                          key,
                          "limits.address_connections=2",
                          "proxy.trusted=[127.0.0.1]",
                          "proxy.protocol=true",
                          more,
                          NULL};

    snprintf(certificate, sizeof certificate, "tls.certificate=[%s]",
             tls_file(&files, "own.pem"));
    snprintf(key, sizeof key, "tls.key=[%s]", tls_file(&files, "own.key"));
    box_start(b, sets);
    return pl_broker_tls_port(b->broker, 0);
}

static bool enter_behind(struct tls_client *c, uint16_t port,
                         const char *header)
{
    static const struct tls_options usual = {.version = 0};

    tls_begin(c, port, &usual);
    assert_int_equal(send(c->fd, header, strlen(header), MSG_NOSIGNAL),
                     strlen(header));
    return SSL_connect(c->ssl) == 1 && tls_enter(c);
}

static void tls_begins_after_the_header_of_a_proxy(void **st)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 127.0.0.1 4711 8443\r\n";
    static struct tls_client c[3];
    struct box b;

    (void)st;
    box_log_begin();
    uint16_t port = start_tls(&b, NULL);
    assert_true(enter_behind(&c[0], port, header));
    assert_true(enter_behind(&c[1], port, header));
    assert_false(enter_behind(&c[2], port, header)); /* 503 in place of 101 */
    tls_fini(&c[2]);
    assert_true(box_log_has("address=192.0.2.1"));
    box_await(&b, "admission.connections", 2);
    assert_true(enter_behind(&c[2], port,
                             "PROXY TCP4 192.0.2.2 1.1.1.1 1 1"
                             "\r\n"));
    for (int i = 0; i < 3; i++)
        tls_fini(&c[i]);
    expect_nobody(&b);
    box_destroy(&b);
    box_log_end();
}

/* The header, and a handshake of which a byte comes now and then: one deadline
 * for both, and for who says nothing behind the header. */
static void a_header_and_half_a_handshake_have_one_deadline(void **st)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 127.0.0.1 4711 8443\r\n";
    static const char hello[] = "\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03";
    struct tls_client c;
    struct box b;
    int fd[2];

    (void)st;
    box_log_begin();
    uint16_t port = start_tls(&b, "connect.timeout=2s");
    for (int i = 0; i < 2; i++) {
        fd[i] = dial(port, 1);
        send(fd[i], header, sizeof header - 1, MSG_NOSIGNAL);
    }
    for (size_t i = 0; box_number(&b, "closed.stale") < 2; i++) {
        send(fd[0], i < sizeof hello - 1 ? hello + i : "", 1, MSG_NOSIGNAL);
        assert_true(enter_behind(&c, port, "PROXY UNKNOWN\r\n"));
        tls_fini(&c);
    }
    for (int i = 0; i < 2; i++)
        close(fd[i]);
    expect_nobody(&b);
    box_destroy(&b);
    assert_int_equal(box_log_warnings(), 0);
    box_log_end();
}

/* --- Stopping --- */

static void a_stop_leaves_nobody_counted_and_a_start_begins_anew(void **st)
{
    const char *sets[] = {"loops=3", "limits.address_connections=30",
                          "shutdown.disconnect=200ms", NULL};
    struct peer p[30];
    struct box b;

    (void)st;
    box_create(&b, sets);
    for (int round = 0; round < 3; round++) {
        box_run(&b);
        for (int i = 0; i < 30; i++) {
            peer_enter(&p[i], b.port, PEER_JSON, NULL, NULL);
            p[i].is_unresponsive = i % 2 == 0;
        }
        box_await(&b, "admission.connections", 30);
        box_stop(&b); /* asserts that every gauge is 0 */
        there_are_no_dead_letters(&b);
        for (int i = 0; i < 30; i++)
            peer_fini(&p[i]);
    }
    pl_broker_destroy(b.broker);
}

/* --- Families --- */

/* A port that is free, in any case a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

/* A connection to ::1, or -1. */
static int dial_six(uint16_t port)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static void expect_both_families(const struct box *b, uint16_t port)
{
    int four = dial(port, 1), six = dial_six(port);

    assert_true(six >= 0);
    box_await(b, "connections.accepted", 2);
    close(four);
    close(six);
    box_await(b, "connections.open", 0);
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0;

    close(fd);
    return has;
}

/* [::] has IPv4 as well, but for who names an address of that at its port. */
static void both_families_may_have_one_port(void **st)
{
    static const char *const lists[] = {"listen=[127.0.0.1:%u, '[::]:%u']",
                                        "listen=['[::]:%u', 127.0.0.1:%u]"};
    char listen[80];
    const char *sets[] = {"auth.hmac_secret=nobody-in-the-world-knows-it-1",
                          listen, NULL};

    (void)st;
    if (!has_ipv6())
        skip();
    for (int i = 0; i < 2; i++) {
        unsigned port = free_port();
        struct box b;

        snprintf(listen, sizeof listen, i == 0 ? lists[0] : lists[1], port,
                 port);
        box_create_strict(&b, sets);
        box_run(&b);
        expect_both_families(&b, (uint16_t)port);
        box_destroy(&b);
    }
}

static void an_ipv6_listener_has_both_families(void **st)
{
    const char *sets[] = {"auth.hmac_secret=nobody-in-the-world-knows-it-1",
                          "listen=['[::]:0']", NULL};
    struct box b;

    (void)st;
    if (!has_ipv6())
        skip();
    box_create_strict(&b, sets);
    box_run(&b);
    expect_both_families(&b, b.port);
    box_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_limit_over_all_loops),
        cmocka_unit_test(behind_a_proxy_the_limit_is_exact_however_many_come),
        cmocka_unit_test(counts_return_to_zero_after_churn_on_all_loops),
        cmocka_unit_test(tls_begins_after_the_header_of_a_proxy),
        cmocka_unit_test(a_header_and_half_a_handshake_have_one_deadline),
        cmocka_unit_test(a_stop_leaves_nobody_counted_and_a_start_begins_anew),
        cmocka_unit_test(both_families_may_have_one_port),
        cmocka_unit_test(an_ipv6_listener_has_both_families),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
