/* SPDX-License-Identifier: Apache-2.0 */
/* test_address_limiter.c - the limit of connections per address, the client
 * address that a proxy names, and the deadline for its header.  Sockets are
 * real, the clock is driven. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "clock.h"
#include "address_limiter.h"
#include "failing_alloc.h"
#include "listener.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FIELDS                                                                 \
    "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"         \
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"                          \
    "Sec-WebSocket-Version: 13\r\n"
#define REQUEST "GET /connection/websocket HTTP/1.1\r\n" FIELDS "\r\n"

enum { SECOND = 1000 };

struct hall {
    struct pl_clock_driven clock;
    struct rig *rig;
    struct pl_address_limiter *limiter;
    struct pl_listener *listener;
    struct pl_address conns[1];
    struct pl_snapshot *snapshot;
    uint64_t given[1];
};

/* The address limiter is on the loop `far`, which is the test's to turn when it
 * is not 0; then there is no listener, since that would have to be there as
 * well. */
static void begin_on(struct hall *h, unsigned far, const char *const *sets,
                     size_t count)
{
    struct pl_hash_key key = {1, 2};

    memset(h, 0, sizeof *h);
    pl_clock_driven_init(&h->clock);
    h->rig = rig_create_on(&h->clock.clock, far + 1, sets, count);
    assert_true(pl_address_limiter_is_needed(&h->rig->config->net));
    assert_int_equal(pl_address_limiter_create(
                         &h->limiter, pl_system_loop(h->rig->system, far),
                         &h->rig->config->net, &key, &h->rig->metrics),
                     PL_OK);
    pl_conns_set_limiter(h->rig->conns, &h->rig->config->net);
}

static void begin(struct hall *h, const char *const *sets, size_t count)
{
    begin_on(h, 0, sets, count);
    h->conns[0] = pl_conns_address(h->rig->conns);
    assert_int_equal(pl_snapshot_create(&h->snapshot, PL_METRIC_COUNT), PL_OK);
    struct pl_listener_options o = {.address = "127.0.0.1:0",
                                    .local = h->rig->conns,
                                    .conns = h->conns,
                                    .snapshots = &h->snapshot,
                                    .loops = 1,
                                    .given = h->given,
                                    .limiter = h->limiter,
                                    .metrics = &h->rig->metrics};
    assert_int_equal(
        pl_listener_create(&h->listener, h->rig->loop, h->rig->reactor, &o),
        PL_OK);
}

static uint64_t metric(const struct hall *h, enum pl_metric m)
{
    return rig_metric(h->rig, m);
}

static void expect_nobody(const struct hall *h)
{
    assert_int_equal(metric(h, PL_METRIC_ADDRESSES), 0);
    assert_int_equal(metric(h, PL_METRIC_ADDRESS_CONNECTIONS), 0);
}

static void finish(struct hall *h)
{
    rig_run(h->rig);
    expect_nobody(h);
    rig_destroy(h->rig);
    pl_snapshot_destroy(h->snapshot);
}

static void pass(struct hall *h, uint64_t ms)
{
    pl_clock_driven_advance(&h->clock, ms * 1000000u);
    pl_reactor_schedule_turn(h->rig->reactor);
    rig_run(h->rig);
}

/* --- Clients, on addresses 127.0.0.<last> --- */

static int dial(struct hall *h, unsigned last)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(pl_listener_port(h->listener))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    from.sin_addr.s_addr = htonl(0x7f000000u | last);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    rig_run(h->rig);
    return fd;
}

static void say(struct hall *h, int fd, struct pl_span bytes)
{
    assert_int_equal(send(fd, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
    rig_run(h->rig);
}

/* The status of the answer that is here; 0: none; -1: the connection ended
 * without one. */
static int hear(int fd)
{
    char in[1024];
    ssize_t n = recv(fd, in, sizeof in - 1, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return -1;
    in[n] = '\0';
    assert_memory_equal(in, "HTTP/1.1 ", 9);
    return atoi(in + 9);
}

static int ask(struct hall *h, int fd)
{
    say(h, fd, PL_SPAN(REQUEST));
    return hear(fd);
}

/* One who comes from there asks, and leaves again. */
static int visit(struct hall *h, unsigned last, struct pl_span bytes)
{
    int fd = dial(h, last);

    say(h, fd, bytes);
    int status = hear(fd);
    close(fd);
    rig_run(h->rig);
    return status;
}

/* --- Counting --- */

static const char *const two[] = {"limits.address_connections=2"};

static void
an_address_over_its_limit_is_answered_503_and_others_are_served(void **state)
{
    struct hall h;
    int fd[5];

    (void)state;
    begin(&h, two, 1);
    for (int i = 0; i < 5; i++)
        fd[i] = dial(&h, 2);
    assert_int_equal(ask(&h, fd[0]), 101);
    assert_int_equal(ask(&h, fd[1]), 101);
    assert_int_equal(ask(&h, fd[2]), 503);
    assert_int_equal(ask(&h, fd[3]), 503);
    assert_int_equal(hear(fd[4]), -1); /* over twice the limit: no word */
    assert_int_equal(metric(&h, PL_METRIC_REFUSED_ADDRESS), 2);
    assert_int_equal(metric(&h, PL_METRIC_CLOSED_ADDRESS), 1);
    assert_int_equal(metric(&h, PL_METRIC_HANDSHAKES_REFUSED), 2);
    assert_int_equal(visit(&h, 3, PL_SPAN(REQUEST)), 101);
    assert_int_equal(metric(&h, PL_METRIC_ADDRESSES), 1);
    assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 4);
    for (int i = 1; i < 5; i++)
        close(fd[i]);
    rig_run(h.rig);
    assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 1);
    assert_int_equal(visit(&h, 2, PL_SPAN(REQUEST)), 101); /* there is room */
    close(fd[0]);
    finish(&h);
}

/* Whoever comes, in whatever state he leaves: the sum is always the number of
 * connections, and nobody is left. */
static void counts_return_to_zero_under_churn(void **state)
{
    static const char *const sets[] = {"limits.address_connections=3"};
    struct pl_span whole = PL_SPAN(REQUEST);
    unsigned seed = 5, rejected = 0;
    struct hall h;
    int fds[24];

    (void)state;
    begin(&h, sets, 1);
    memset(fds, -1, sizeof fds);
    for (int i = 0; i < 3000; i++) {
        seed = seed * 1664525u + 1013904223u;
        int *fd = &fds[(seed >> 8) % 24];
        unsigned what = (seed >> 16) % 8;

        if (*fd < 0) {
            *fd = dial(&h, 2 + (seed >> 20) % 4);
            rejected += hear(*fd) == -1;
            if (what > 1 &&
                send(*fd, whole.at, what > 3 ? whole.len : what * 20,
                     MSG_NOSIGNAL) < 0)
                errno = 0; /* it was rejected */
        } else {
            close(*fd);
            *fd = -1;
        }
        rig_run(h.rig);
        assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS),
                         metric(&h, PL_METRIC_CONNECTIONS));
        assert_in_range(metric(&h, PL_METRIC_ADDRESSES), 0, 4);
        assert_in_range(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 0, 4 * 6);
    }
    assert_int_equal(rejected, metric(&h, PL_METRIC_CLOSED_ADDRESS));
    assert_in_range(metric(&h, PL_METRIC_REFUSED_ADDRESS), 20, 3000);
    for (int i = 0; i < 24; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    finish(&h);
}

static struct pl_admission_record *acquire(struct hall *h, const char *address)
{
    struct pl_ip ip;

    assert_true(pl_ip_parse(&ip, pl_span_of(address)));
    struct pl_admission_record *g = pl_address_limiter_acquire(h->limiter, &ip);
    assert_non_null(g);
    return g;
}

static void hosts_of_ipv6_are_counted_by_their_network(void **state)
{
    static const char *const from[] = {"2001:db8:0:1::1",     "2001:db8:0:1::2",
                                       "2001:db8:0:1:ffff::", "2001:db8:0:2::1",
                                       "::ffff:192.0.2.1",    "192.0.2.1",
                                       "::ffff:192.0.2.2"};
    static const bool is_over[] = {false, false, true, false,
                                   false, false, false};
    struct pl_admission_record *g[7];
    struct hall h;

    (void)state;
    begin(&h, two, 1);
    for (int i = 0; i < 7; i++) {
        g[i] = acquire(&h, from[i]);
        assert_int_equal(g[i]->is_over, is_over[i]);
    }
    assert_int_equal(metric(&h, PL_METRIC_ADDRESSES), 4);
    for (int i = 0; i < 7; i++)
        pl_address_limiter_release(h.limiter, g[i]);
    finish(&h);
}

/* Whatever allocation of an accept fails: the connection goes, or is let in
 * uncounted, and nothing is left of it. */
static void without_memory_nobody_stays_counted(void **state)
{
    unsigned failed = 0;
    struct hall h;

    (void)state;
    begin(&h, two, 1);
    for (unsigned n = 1; n < 8; n++) {
        alloc_fails_at = n;
        int fd = dial(&h, 2);
        failed += alloc_fails_at == 0;
        alloc_fails_at = 0;
        assert_in_range(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 0,
                        metric(&h, PL_METRIC_CONNECTIONS));
        close(fd);
        rig_run(h.rig);
        assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 0);
        expect_nobody(&h);
    }
    assert_in_range(failed, 3, 6); /* record, counter, session, and more */
    assert_in_range(metric(&h, PL_METRIC_ACCEPT_FAILED), 2, failed);
    assert_int_equal(visit(&h, 2, PL_SPAN(REQUEST)), 101);
    finish(&h);
}

static unsigned lines;
static char newest[512];

static void keep_line(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    if (level != PL_LOG_WARN)
        return;
    lines++;
    snprintf(newest, sizeof newest, "%.*s", (int)line.len, line.at);
}

static void the_log_has_one_line_in_ten_seconds(void **state)
{
    struct pl_admission_record *g[60];
    struct hall h;
    int i = 0;

    (void)state;
    begin(&h, two, 1);
    lines = 0;
    pl_log_set_level(PL_LOG_WARN);
    pl_log_set_sink(keep_line, NULL);
    while (i < 50)
        g[i++] = acquire(&h, "192.0.2.1");
    assert_int_equal(lines, 1);
    assert_non_null(strstr(newest, "address=192.0.2.1 connections=3 "
                                   "key=limits.address_connections limit=2 "
                                   "rejected=1"));
    pass(&h, 10 * SECOND - 1);
    g[i++] = acquire(&h, "192.0.2.1");
    assert_int_equal(lines, 1);
    pass(&h, 1);
    g[i++] = acquire(&h, "192.0.2.1");
    assert_int_equal(lines, 2);
    assert_non_null(strstr(newest, "rejected=49"));
    pl_log_set_sink(NULL, NULL);
    while (i > 0)
        pl_address_limiter_release(h.limiter, g[--i]);
    finish(&h);
}

/* --- Proxies of HTTP --- */

static int visit_for(struct hall *h, unsigned last, const char *field)
{
    char request[1024];

    snprintf(request, sizeof request,
             "GET /connection/websocket HTTP/1.1\r\n%s\r\n" FIELDS "\r\n",
             field);
    return visit(h, last, pl_span_of(request));
}

static int hold_for(struct hall *h, const char *field)
{
    char request[1024];
    int fd = dial(h, 9);

    snprintf(request, sizeof request,
             "GET /connection/websocket HTTP/1.1\r\n%s\r\n" FIELDS "\r\n",
             field);
    say(h, fd, pl_span_of(request));
    return fd;
}

static void those_a_trusted_proxy_names_are_counted_and_it_is_not(void **state)
{
    static const char *const sets[] = {"limits.address_connections=1",
                                       "proxy.trusted=[127.0.0.8/29]"};
    struct hall h;

    (void)state;
    begin(&h, sets, 2);
    int held = hold_for(&h, "X-Forwarded-For: 192.0.2.1, 127.0.0.8");
    int own[4];
    assert_int_equal(hear(held), 101);
    assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 1);
    assert_int_equal(visit_for(&h, 9, "X-Forwarded-For: 192.0.2.1"), 503);
    assert_int_equal(visit_for(&h, 9, "X-Forwarded-For: 6.6.6.6, 192.0.2.1"),
                     503);
    assert_int_equal(visit_for(&h, 9, "X-Forwarded-For: 192.0.2.2"), 101);
    /* another field is not believed, and whose the connection is then stays
     * unknown */
    assert_int_equal(visit_for(&h, 9, "Forwarded: for=192.0.2.1"), 101);
    /* a stranger says what he likes */
    assert_int_equal(visit_for(&h, 2, "X-Forwarded-For: 192.0.2.1"), 101);
    for (int i = 0; i < 4; i++) { /* as when it looks after us */
        own[i] = hold_for(&h, "X-Test: 1");
        assert_int_equal(hear(own[i]), 101);
    }
    assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 1);
    for (int i = 0; i < 4; i++)
        close(own[i]);
    close(held);
    finish(&h);
}

static void
far_over_the_limit_those_behind_a_proxy_are_closed_as_well(void **state)
{
    static const char *const sets[] = {"limits.address_connections=1",
                                       "proxy.trusted=[127.0.0.9]",
                                       "proxy.header=forwarded"};
    struct hall h;

    (void)state;
    begin(&h, sets, 3);
    int first = hold_for(&h, "Forwarded: for=\"[2001:db8::1]:80\"");
    int second = hold_for(&h, "Forwarded: for=\"[2001:db8::2]\"");
    assert_int_equal(hear(first), 101);
    assert_int_equal(hear(second), 503);
    assert_int_equal(visit_for(&h, 9, "Forwarded: for=\"[2001:db8::3]\""), -1);
    assert_int_equal(metric(&h, PL_METRIC_CLOSED_ADDRESS), 1);
    close(first);
    close(second);
    finish(&h);
}

static int adopt(struct hall *h, const char *address)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    assert_int_equal(
        pl_conns_adopt(h->rig->conns, fds[1], false, acquire(h, address)),
        PL_OK);
    return fds[0];
}

/* The address limiter is on another loop, which has not answered yet: the
 * request waits, what follows it too, and who leaves meanwhile is not counted
 * for ever. */
static void a_request_waits_for_a_limiter_on_another_loop(void **state)
{
    static const char *const sets[] = {"limits.address_connections=1",
                                       "proxy.trusted=[10.0.0.0/8]"};
    static const struct pl_span request =
        PL_SPAN("GET /connection/websocket HTTP/1.1\r\n"
                "X-Forwarded-For: 192.0.2.1\r\n" FIELDS "\r\n"
                "\x88\x80\0\0\0"); /* most of a Close */
    struct hall h;

    (void)state;
    begin_on(&h, 1, sets, 2);
    struct pl_loop *far = pl_system_loop(h.rig->system, 1);
    int leaves = adopt(&h, "10.0.0.1"), stays = adopt(&h, "10.0.0.1");
    say(&h, leaves, request);
    assert_int_equal(hear(leaves), 0);
    pass(&h, 10 * SECOND - 1);
    say(&h, stays, request);
    assert_int_equal(hear(stays), 0);
    pass(&h, 1);
    assert_int_equal(metric(&h, PL_METRIC_CLOSED_STALE), 2);
    assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 0);
    pl_loop_turn(far); /* both are counted, and nobody is there any more */
    assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS), 2);
    rig_run(h.rig);
    close(stays);
    pl_loop_turn(far);
    expect_nobody(&h);
    stays = adopt(&h, "10.0.0.1");
    say(&h, stays, request);
    say(&h, stays, PL_SPAN("\0"));
    assert_int_equal(hear(stays), 0);
    pl_loop_turn(far);
    rig_run(h.rig);
    assert_int_equal(hear(stays), 101); /* and an echo of the Close */
    close(stays);
    close(leaves);
    rig_run(h.rig);
    pl_loop_turn(far);
    finish(&h);
}

/* --- The PROXY protocol --- */

static const char *const behind[] = {"limits.address_connections=1",
                                     "proxy.trusted=[127.0.0.9]",
                                     "proxy.protocol=true"};

#define TEXT_HEADER "PROXY TCP4 192.0.2.1 127.0.0.1 4711 8000\r\n"
#define BINARY_HEADER                                                          \
    SIGNATURE "\x21\x11\0\x10\xC0\0\2\1\x7F\0\0\1\x12\x67\x1F\x40\4\0\1x"

static void a_header_is_taken_wherever_it_is_split(void **state)
{
    static const struct pl_span whole[] = {PL_SPAN(TEXT_HEADER REQUEST),
                                           PL_SPAN(BINARY_HEADER REQUEST)};
    static const size_t header[] = {sizeof TEXT_HEADER - 1,
                                    sizeof BINARY_HEADER - 1};
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    for (int i = 0; i < 2; i++) {
        for (size_t cut = 1; cut < header[i] + 3; cut++) {
            int fd = dial(&h, 9);

            say(&h, fd, (struct pl_span){whole[i].at, cut});
            assert_int_equal(metric(&h, PL_METRIC_ADDRESS_CONNECTIONS),
                             cut >= header[i]);
            say(&h, fd,
                (struct pl_span){whole[i].at + cut, whole[i].len - cut});
            assert_int_equal(hear(fd), 101);
            assert_int_equal(visit(&h, 9, whole[i]), 503); /* one is there */
            close(fd);
            rig_run(h.rig);
        }
    }
    assert_int_equal(metric(&h, PL_METRIC_PROXY_FAILED), 0);
    finish(&h);
}

static void a_header_may_come_byte_by_byte(void **state)
{
    struct pl_span whole = PL_SPAN(BINARY_HEADER REQUEST);
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    int fd = dial(&h, 9);
    for (size_t i = 0; i < whole.len; i++)
        say(&h, fd, (struct pl_span){whole.at + i, 1});
    assert_int_equal(hear(fd), 101);
    close(fd);
    finish(&h);
}

static void far_over_the_limit_a_header_is_the_end(void **state)
{
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    int first = dial(&h, 9), second = dial(&h, 9), third = dial(&h, 9);
    say(&h, first, PL_SPAN(TEXT_HEADER));
    say(&h, second, PL_SPAN(TEXT_HEADER));
    assert_int_equal(hear(second), 0);
    say(&h, third, PL_SPAN(TEXT_HEADER));
    assert_int_equal(hear(third), -1);
    assert_int_equal(ask(&h, second), 503);
    assert_int_equal(ask(&h, first), 101);
    close(first);
    close(second);
    close(third);
    finish(&h);
}

static void only_a_trusted_peer_may_send_a_header_and_it_must(void **state)
{
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    assert_int_equal(visit(&h, 2, PL_SPAN(REQUEST)), 101);
    assert_int_equal(visit(&h, 2, PL_SPAN(TEXT_HEADER REQUEST)), 501);
    assert_int_equal(visit(&h, 2, PL_SPAN(BINARY_HEADER REQUEST)), 400);
    assert_int_equal(metric(&h, PL_METRIC_PROXY_FAILED), 0);
    assert_int_equal(visit(&h, 9, PL_SPAN(REQUEST)), -1);
    assert_int_equal(metric(&h, PL_METRIC_PROXY_FAILED), 1);
    assert_int_equal(visit(&h, 9, PL_SPAN(SIGNATURE "\x21\x11\0\1x" REQUEST)),
                     -1);
    assert_int_equal(metric(&h, PL_METRIC_PROXY_FAILED), 2);
    finish(&h);
}

/* LOCAL is the proxy itself; one that cannot tell for whom it speaks vouches
 * for nothing that he says in HTTP. */
static void who_is_local_or_unknown_is_not_counted(void **state)
{
    static const char field[] = "X-Forwarded-For: 192.0.2.1";
    char request[1024];
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    int held = dial(&h, 9);
    say(&h, held, PL_SPAN(TEXT_HEADER REQUEST));
    assert_int_equal(hear(held), 101);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(visit(&h, 9, PL_SPAN(SIGNATURE "\x20\0\0\0" REQUEST)),
                         101);
        assert_int_equal(visit(&h, 9, PL_SPAN("PROXY UNKNOWN\r\n" REQUEST)),
                         101);
    }
    snprintf(request, sizeof request,
             "PROXY UNKNOWN\r\nGET /connection/websocket HTTP/1.1\r\n%s\r\n"
             "%s\r\n",
             field, FIELDS);
    assert_int_equal(visit(&h, 9, pl_span_of(request)), 101);
    memcpy(request, "PROXY TCP4 127.0.0.9 1.1.1.1 1 1\r\n", 34);
    snprintf(request + 34, sizeof request - 34,
             "GET /connection/websocket HTTP/1.1\r\n%s\r\n%s\r\n", field,
             FIELDS);
    assert_int_equal(visit(&h, 9, pl_span_of(request)), 503);
    close(held);
    finish(&h);
}

/* --- Time --- */

/* A byte each second puts nothing off: not in a header of PROXY, not in the
 * request behind it, whichever of the two the deadline meets. */
static void a_dribble_is_aborted_at_the_deadline(unsigned last,
                                                 struct pl_span bytes)
{
    struct hall h;

    begin(&h, behind, 3);
    int fd = dial(&h, last);
    for (size_t i = 0; i < 9; i++) {
        say(&h, fd, (struct pl_span){bytes.at + i, i < 8 ? 1 : bytes.len - 8});
        pass(&h, SECOND);
    }
    pass(&h, SECOND - 2);
    say(&h, fd, PL_SPAN("x"));
    assert_int_equal(hear(fd), 0);
    assert_int_equal(metric(&h, PL_METRIC_CLOSED_STALE), 0);
    assert_int_equal(visit(&h, 3, PL_SPAN(REQUEST)), 101); /* others do well */
    pass(&h, 2);
    assert_int_equal(hear(fd), -1);
    assert_int_equal(metric(&h, PL_METRIC_CLOSED_STALE), 1);
    assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 0);
    close(fd);
    finish(&h);
}

static void a_slow_beginning_is_aborted_at_one_deadline_for_all(void **state)
{
    (void)state;
    a_dribble_is_aborted_at_the_deadline(9,
                                         PL_SPAN(SIGNATURE "\x21\x11\x0F\xF0"));
    a_dribble_is_aborted_at_the_deadline(9, PL_SPAN("PROXY TCP4 192.0.2.1 1"));
    a_dribble_is_aborted_at_the_deadline(
        9, PL_SPAN(TEXT_HEADER "GET /connection"));
    a_dribble_is_aborted_at_the_deadline(2,
                                         PL_SPAN("GET /connection/websocket"));
}

static void a_header_that_ends_in_the_middle_is_an_end(void **state)
{
    struct hall h;

    (void)state;
    begin(&h, behind, 3);
    int fd = dial(&h, 9);
    say(&h, fd, PL_SPAN("PROXY TCP4 "));
    assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 1);
    shutdown(fd, SHUT_WR);
    rig_run(h.rig);
    assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 0);
    close(fd);
    int both = dial(&h, 9);
    send(both, "PROXY", 5, MSG_NOSIGNAL); /* in the same moment */
    close(both);
    rig_run(h.rig);
    assert_int_equal(metric(&h, PL_METRIC_CONNECTIONS), 0);
    finish(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_address_over_its_limit_is_answered_503_and_others_are_served),
        cmocka_unit_test(counts_return_to_zero_under_churn),
        cmocka_unit_test(hosts_of_ipv6_are_counted_by_their_network),
        cmocka_unit_test(without_memory_nobody_stays_counted),
        cmocka_unit_test(the_log_has_one_line_in_ten_seconds),
        cmocka_unit_test(those_a_trusted_proxy_names_are_counted_and_it_is_not),
        cmocka_unit_test(
            far_over_the_limit_those_behind_a_proxy_are_closed_as_well),
        cmocka_unit_test(a_request_waits_for_a_limiter_on_another_loop),
        cmocka_unit_test(a_header_is_taken_wherever_it_is_split),
        cmocka_unit_test(a_header_may_come_byte_by_byte),
        cmocka_unit_test(far_over_the_limit_a_header_is_the_end),
        cmocka_unit_test(only_a_trusted_peer_may_send_a_header_and_it_must),
        cmocka_unit_test(who_is_local_or_unknown_is_not_counted),
        cmocka_unit_test(a_slow_beginning_is_aborted_at_one_deadline_for_all),
        cmocka_unit_test(a_header_that_ends_in_the_middle_is_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
