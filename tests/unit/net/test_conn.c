/* SPDX-License-Identifier: Apache-2.0 */
/* test_conn.c - bytes between real sockets and sessions: partial writes, ends
 * at every moment, fairness, pausing. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/wait.h>

#include "conn.h"
#include "loop.h"

enum { FLOODS = 400, LEN = 3000 };

static int flooding = -1; /* this descriptor has pongs to read, and more */
static int neighbour = -1;
static unsigned floods, floods_before_neighbour;

/* Those who all flood at once; how often each was read. */
enum { CROWD = 30 };
static int crowd[CROWD];
static unsigned crowd_reads[CROWD], crowd_size;

/* Handshakes of TLS that were gone on with. */
static unsigned greetings, greetings_before_neighbour;

ssize_t __real_recv(int fd, void *to, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t len, int flags);

ssize_t __wrap_recv(int fd, void *to, size_t len, int flags)
{
    static const unsigned char pong[16] = {0x8a, 0x8a};
    bool is_crowd = false;

    for (unsigned i = 0; i < crowd_size; i++) {
        crowd_reads[i] += crowd[i] == fd && floods < FLOODS;
        is_crowd |= crowd[i] == fd;
    }
    if (fd == neighbour && floods_before_neighbour == 0)
        floods_before_neighbour = floods;
    if (fd == neighbour && greetings_before_neighbour == 0)
        greetings_before_neighbour = greetings;
    if ((!is_crowd && fd != flooding) || floods >= FLOODS)
        return __real_recv(fd, to, len, flags);
    floods++;
    for (size_t at = 0; at < len; at += sizeof pong)
        memcpy((char *)to + at, pong, sizeof pong);
    return (ssize_t)len; /* a whole number of frames */
}

static struct rig *begin(void)
{
    static const char *const sets[] = {"websocket.echo=true",
                                       "limits.outgoing_queue=64KiB"};

    return rig_create(sets, 2);
}

/* The peer's end of a new connection; *server is the other. */
static int open_pair(struct rig *r, int *server)
{
    int fds[2], small = 4096;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    assert_int_equal(pl_conns_adopt(r->conns, fds[1], false, NULL), PL_OK);
    if (server != NULL)
        *server = fds[1];
    return fds[0];
}

static void send_all(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void ask_for_echo(struct rig *r, int fd)
{
    static const char request[] =
        "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n";
    char text[512];

    send_all(fd, request, sizeof request - 1);
    rig_run(r);
    ssize_t n = __real_recv(fd, text, sizeof text, 0);
    assert_true(n > 12 && memcmp(text, "HTTP/1.1 101", 12) == 0);
    assert_memory_equal(text + n - 4, "\r\n\r\n", 4);
}

static int open_echo(struct rig *r, int *server)
{
    int fd = open_pair(r, server);

    ask_for_echo(r, fd);
    return fd;
}

/* A masked text frame of `len` bytes, each `byte`, with a key of zeros. */
static size_t put_frame(char *to, char byte, size_t len)
{
    unsigned char head[8] = {0x81, 0x80 | 126, (unsigned char)(len >> 8),
                             (unsigned char)len};
    size_t size = 8;

    if (len < 126) {
        head[1] = (unsigned char)(0x80 | len);
        head[2] = head[3] = 0;
        size = 6;
    }
    memcpy(to, head, size);
    memset(to + size, byte, len);
    return len + size;
}

/* Read all there is now. */
static size_t read_now(int fd, char *to, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while (len < size && (n = __real_recv(fd, to + len, size - len, 0)) > 0)
        len += (size_t)n;
    return len;
}

static void what_the_kernel_takes_in_parts_arrives_whole(void **state)
{
    enum { MESSAGES = 20, ALL = MESSAGES * (LEN + 4) };
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    char frame[LEN + 8], *got = malloc(ALL);
    size_t len = 0;

    (void)state;
    for (char i = 0; i < MESSAGES; i++) {
        send_all(fd, frame, put_frame(frame, (char)('a' + i), LEN));
        rig_run(r);
    }
    assert_true(rig_metric(r, PL_METRIC_QUEUE_BYTES) > 0); /* it had to wait */
    while (len < ALL) {
        len += read_now(fd, got + len, ALL - len < 1000 ? ALL - len : 1000);
        rig_run(r);
    }
    for (char i = 0; i < MESSAGES; i++) {
        const char *at = got + i * (LEN + 4);

        assert_int_equal((unsigned char)at[0], 0x81);
        assert_int_equal((unsigned char)at[2] << 8 | (unsigned char)at[3], LEN);
        for (size_t k = 0; k < LEN; k++)
            assert_int_equal(at[4 + k], 'a' + i);
    }
    assert_int_equal(rig_metric(r, PL_METRIC_MESSAGES_OUT), MESSAGES);
    assert_int_equal(rig_metric(r, PL_METRIC_QUEUE_BYTES), 0);
    free(got);
    close(fd);
    rig_destroy(r);
}

static void reading_pauses_while_output_waits_and_goes_on(void **state)
{
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    char frame[LEN + 8], *got = malloc(1 << 20);
    size_t len = put_frame(frame, 'x', LEN), sent = 0, arrived = 0;

    (void)state;
    for (int idle = 0; idle < 50 && sent < 1000 * len; rig_turn(r)) {
        size_t part = sent % len; /* a frame may be taken in part */
        ssize_t n = send(fd, frame + part, len - part, MSG_NOSIGNAL);

        idle = n > 0 ? 0 : idle + 1;
        sent += n > 0 ? (size_t)n : 0;
    }
    assert_true(sent < 1000 * len);
    assert_true(rig_metric(r, PL_METRIC_READS_PAUSED) > 0);
    uint64_t reads = rig_metric(r, PL_METRIC_READS);
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_READS), reads);
    assert_in_range(rig_metric(r, PL_METRIC_QUEUE_BYTES), 1, 134 * 1024);
    for (size_t wanted = sent / len * (LEN + 4); arrived < wanted;) {
        arrived += read_now(fd, got, 1 << 20);
        rig_run(r);
    }
    assert_int_equal(arrived, sent / len * (LEN + 4));
    free(got);
    close(fd);
    rig_destroy(r);
}

static void data_and_end_on_one_edge_are_both_seen(void **state)
{
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    char frame[106];

    (void)state;
    send_all(fd, frame, put_frame(frame, 'x', 100));
    shutdown(fd, SHUT_WR); /* before the loop has looked */
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_MESSAGES_IN), 1);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    assert_int_equal(rig_metric(r, PL_METRIC_CLOSED_PEER), 1);
    close(fd);
    rig_destroy(r);
}

static void an_end_while_output_waits_frees_it(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct rig *r = begin();
        int server, fd = open_echo(r, &server);
        char frame[LEN + 8];
        size_t len = put_frame(frame, 'x', LEN);

        for (int i = 0; i < 10; i++) {
            send_all(fd, frame, len);
            rig_run(r);
        }
        assert_true(rig_metric(r, PL_METRIC_QUEUE_BYTES) > 0);
        if (how == 0)
            shutdown(fd, SHUT_WR);
        else
            close(fd);
        rig_run(r);
        assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
        assert_int_equal(fcntl(server, F_GETFD), -1); /* closed */
        if (how == 0)
            close(fd);
        rig_destroy(r);
    }
}

/* A turn reads no more than its budget of one that never stops sending, and
 * then serves the others. */
static void a_flood_does_not_starve_its_neighbours(void **state)
{
    struct rig *r = begin();
    int flooder, flood = open_echo(r, &flooder), other_end;
    int other = open_echo(r, &other_end);
    char frame[106], got[200];

    (void)state;
    floods = floods_before_neighbour = 0;
    flooding = flooder;
    neighbour = other_end;
    send_all(flood, "x", 1); /* an edge */
    send_all(other, frame, put_frame(frame, 'y', 100));
    rig_run(r);
    flooding = neighbour = -1;
    assert_int_equal(floods, FLOODS); /* one edge sufficed */
    assert_in_range(floods_before_neighbour, 0, 8);
    assert_int_equal(read_now(other, got, sizeof got), 102);
    close(flood);
    close(other);
    rig_destroy(r);
}

static unsigned floods_before_turn, most_in_turn;

static void on_turn_end(void *arg)
{
    unsigned done = floods - floods_before_turn;

    (void)arg;
    floods_before_turn = floods;
    if (done > most_in_turn)
        most_in_turn = done;
}

/* However many flood, a turn ends; and each is read as often as the others. */
static void those_who_flood_share_a_turn(void **state)
{
    struct rig *r = begin();
    int fds[CROWD];
    unsigned least = UINT32_MAX, most = 0;

    (void)state;
    for (unsigned i = 0; i < CROWD; i++)
        fds[i] = open_echo(r, &crowd[i]);
    memset(crowd_reads, 0, sizeof crowd_reads);
    floods = floods_before_turn = most_in_turn = 0;
    for (unsigned i = 0; i < CROWD; i++)
        send_all(fds[i], "x", 1); /* an edge */
    pl_loop_on_turn_end(r->loop, on_turn_end, NULL);
    crowd_size = CROWD;
    rig_run(r);
    crowd_size = 0;
    assert_int_equal(floods, FLOODS);
    assert_in_range(most_in_turn, 4, 10);
    for (unsigned i = 0; i < CROWD; i++) {
        least = crowd_reads[i] < least ? crowd_reads[i] : least;
        most = crowd_reads[i] > most ? crowd_reads[i] : most;
        close(fds[i]);
    }
    assert_in_range(most - least, 0, 4); /* two visits */
    rig_destroy(r);
}

static ssize_t greeting_read(struct pl_conn *c, void *to, size_t len)
{
    ssize_t n;

    while ((n = recv(c->fd, to, len, 0)) > 0)
        greetings++;
    return n;
}

static bool always_greets(const struct pl_conn *c)
{
    (void)c;
    return true;
}

/* The peer's end of a connection that never ends its handshake of TLS. */
static int open_greeting(struct rig *r)
{
    static struct pl_conn_io io;
    int fds[2];

    io = pl_conn_io_plain;
    io.read = greeting_read;
    io.is_greeting = always_greets;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    assert_int_equal(pl_conn_open(r->conns, fds[1], &io, NULL), PL_OK);
    return fds[0];
}

static unsigned greetings_before_turn, most_greetings;

static void on_greeted(void *arg)
{
    unsigned done = greetings - greetings_before_turn;

    (void)arg;
    greetings_before_turn = greetings;
    if (done > most_greetings)
        most_greetings = done;
}

/* Handshakes that come at once delay nobody who is connected, though they came
 * first; and one that goes meanwhile costs no other. */
static void a_crowd_of_handshakes_delays_nobody(void **state)
{
    struct rig *r = begin();
    int fds[CROWD], other_end, other = open_echo(r, &other_end);
    char frame[106], got[200];

    (void)state;
    greetings = greetings_before_neighbour = greetings_before_turn = 0;
    most_greetings = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        fds[i] = open_greeting(r);
        send_all(fds[i], "x", 1);
    }
    close(fds[CROWD - 1]);
    send_all(other, frame, put_frame(frame, 'y', 100));
    pl_loop_on_turn_end(r->loop, on_greeted, NULL);
    neighbour = other_end;
    rig_run(r);
    neighbour = -1;
    assert_int_equal(greetings, CROWD);
    assert_in_range(most_greetings, 1, 5);
    assert_in_range(greetings_before_neighbour, 0, 5);
    assert_int_equal(read_now(other, got, sizeof got), 102);
    for (unsigned i = 0; i < CROWD - 1; i++)
        close(fds[i]);
    close(other);
    rig_destroy(r);
}

static void a_refused_request_gets_its_answer_before_the_end(void **state)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct rig *r = begin();
    int fd = open_pair(r, NULL);
    char got[1000], more[100] = {0};

    (void)state;
    send_all(fd, request, sizeof request - 1);
    rig_run(r);
    size_t len = read_now(fd, got, sizeof got);
    assert_true(len > 12 && memcmp(got, "HTTP/1.1 426", 12) == 0);
    assert_int_equal(__real_recv(fd, got, 1, 0), 0); /* its FIN */
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 1);
    send_all(fd, more, sizeof more); /* no reset for who still sends */
    rig_run(r);
    close(fd);
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    rig_destroy(r);
}

/* What came before the Close is sent, the Close, and then the end. */
static void a_close_ends_the_socket_when_all_is_sent(void **state)
{
    static const unsigned char bye[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    char frame[106], got[200];

    (void)state;
    send_all(fd, frame, put_frame(frame, 'x', 100));
    send_all(fd, bye, sizeof bye);
    rig_run(r);
    assert_int_equal(read_now(fd, got, sizeof got), 102 + 4);
    assert_int_equal((unsigned char)got[102], 0x88);
    assert_int_equal(__real_recv(fd, got, 1, 0), 0);
    close(fd);
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    rig_destroy(r);
}

/* A connection over TCP of which the kernel takes little; gives our end. */
static int open_narrow_echo(struct rig *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1, small = 4096, large = 1 << 20;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&at, &len);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    int server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    close(listener);
    setsockopt(server, SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    setsockopt(server, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &small, sizeof small);
    assert_int_equal(pl_conns_adopt(r->conns, server, false, NULL), PL_OK);
    ask_for_echo(r, fd);
    return fd;
}

/* Who reads nothing until the broker has given it up still reads why. */
static void last_words_are_with_the_kernel_however_slow_the_peer(void **state)
{
    enum { MESSAGES = 20, ALL = MESSAGES * (LEN + 4) };
    static const unsigned char wrong[] = {0x83, 0x80, 0, 0, 0, 0};
    struct rig *r = begin();
    int fd = open_narrow_echo(r);
    char frame[LEN + 8], *got = malloc(ALL + 200);
    size_t len = 0, more;

    (void)state;
    for (int i = 0; i < MESSAGES; i++) {
        send_all(fd, frame, put_frame(frame, 'x', LEN));
        rig_run(r);
    }
    assert_true(rig_metric(r, PL_METRIC_QUEUE_BYTES) > 0);
    send_all(fd, wrong, sizeof wrong);
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_QUEUE_BYTES), 0);
    while ((more = read_now(fd, got + len, ALL + 200 - len)) > 0)
        len += more;
    assert_true(len > ALL + 4);
    assert_int_equal((unsigned char)got[ALL], 0x88);
    assert_int_equal(
        (unsigned char)got[ALL + 2] << 8 | (unsigned char)got[ALL + 3], 1002);
    free(got);
    close(fd);
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    rig_destroy(r);
}

static void an_idle_connection_costs_no_system_calls(void **state)
{
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    uint64_t reads = rig_metric(r, PL_METRIC_READS);
    uint64_t writes = rig_metric(r, PL_METRIC_WRITES);

    (void)state;
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_READS), reads);
    assert_int_equal(rig_metric(r, PL_METRIC_WRITES), writes);
    close(fd);
    rig_destroy(r);
}

static void replies_of_one_turn_are_one_write(void **state)
{
    struct rig *r = begin();
    int fd = open_echo(r, NULL);
    char frames[10 * 11], got[200];
    size_t len = 0;

    (void)state;
    while (len < sizeof frames)
        len += put_frame(frames + len, 'x', 5);
    uint64_t writes = rig_metric(r, PL_METRIC_WRITES);
    send_all(fd, frames, len);
    rig_run(r);
    assert_int_equal(read_now(fd, got, sizeof got), 10 * 7);
    assert_int_equal(rig_metric(r, PL_METRIC_WRITES), writes + 1);
    close(fd);
    rig_destroy(r);
}

/* fork() without exec(): the child keeps each description open until the pipe
 * `held` ends. */
static pid_t keep_descriptors(const int held[2])
{
    pid_t child = fork();
    char byte;

    assert_true(child >= 0);
    if (child > 0)
        return child;
    close(held[1]);
    _exit(read(held[0], &byte, 1) == 0 ? 0 : 1);
}

static void
a_fork_that_keeps_a_closed_socket_brings_no_event_of_it(void **state)
{
    struct rig *r = begin();
    int server, held[2], status;
    int fd = open_echo(r, &server);

    (void)state;
    assert_int_equal(pipe(held), 0);
    pid_t child = keep_descriptors(held);
    send_all(fd, "\xff\xff", 2); /* a protocol error: the session ends */
    rig_run(r);
    shutdown(fd, SHUT_WR); /* the description that the child keeps is ready */
    rig_run(r);
    assert_int_equal(rig_metric(r, PL_METRIC_CONNECTIONS), 0);
    /* whatever the kernel tells of the description now is nobody's */
    char rest[64];
    read_now(fd, rest, sizeof rest);
    close(fd);
    rig_run(r);
    close(held[0]);
    close(held[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    rig_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_takes_in_parts_arrives_whole),
        cmocka_unit_test(reading_pauses_while_output_waits_and_goes_on),
        cmocka_unit_test(data_and_end_on_one_edge_are_both_seen),
        cmocka_unit_test(an_end_while_output_waits_frees_it),
        cmocka_unit_test(a_flood_does_not_starve_its_neighbours),
        cmocka_unit_test(those_who_flood_share_a_turn),
        cmocka_unit_test(a_crowd_of_handshakes_delays_nobody),
        cmocka_unit_test(a_refused_request_gets_its_answer_before_the_end),
        cmocka_unit_test(a_close_ends_the_socket_when_all_is_sent),
        cmocka_unit_test(last_words_are_with_the_kernel_however_slow_the_peer),
        cmocka_unit_test(an_idle_connection_costs_no_system_calls),
        cmocka_unit_test(replies_of_one_turn_are_one_write),
        cmocka_unit_test(
            a_fork_that_keeps_a_closed_socket_brings_no_event_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
