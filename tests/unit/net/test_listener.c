/* SPDX-License-Identifier: Apache-2.0 */
/* test_listener.c - accepting: addresses, spreading, an end of descriptors. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/resource.h>

#include "actor.h"
#include "clock.h"
#include "listener.h"
#include "monitor.h"
#include "phase_mail.h"

/* What accept4() says so many times, instead of asking the kernel. */
static struct {
    int error;
    unsigned times;
    unsigned calls;
} broken;

int __real_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
    broken.calls++;
    if (broken.times == 0)
        return __real_accept4(fd, sa, len, flags);
    broken.times--;
    errno = broken.error;
    return -1;
}

struct hall {
    struct rig *rig;
    struct pl_listener *listener;
    struct pl_address conns[4];
    struct pl_snapshot *snapshots[4];
    uint64_t given[4];
    unsigned loops;
};

static enum pl_err try_listen(struct hall *h, const char *address)
{
    struct pl_listener_options o = {.address = address,
                                    .local = h->rig->conns,
                                    .conns = h->conns,
                                    .snapshots = h->snapshots,
                                    .loops = h->loops,
                                    .given = h->given,
                                    .metrics = &h->rig->metrics};

    return pl_listener_create(&h->listener, h->rig->loop, h->rig->reactor, &o);
}

static void begin_at(struct hall *h, unsigned loops,
                     const struct pl_clock *clock)
{
    memset(h, 0, sizeof *h);
    h->rig = rig_create_on(clock, 1, NULL, 0);
    h->loops = loops;
    h->conns[0] = pl_conns_address(h->rig->conns); /* the others: nobody */
    for (unsigned i = 0; i < loops; i++)
        assert_int_equal(pl_snapshot_create(&h->snapshots[i], PL_METRIC_COUNT),
                         PL_OK);
}

static void begin(struct hall *h, unsigned loops)
{
    begin_at(h, loops, NULL);
}

static void begin_listening(struct hall *h, unsigned loops)
{
    begin(h, loops);
    assert_int_equal(try_listen(h, "127.0.0.1:0"), PL_OK);
}

static void stop(struct hall *h)
{
    struct pl_phase_mail *m = pl_phase_mail_create();

    m->phase = PL_PHASE_LISTENERS;
    m->msg.flags = PL_MSG_RESERVED;
    pl_system_post(h->rig->system, pl_listener_address(h->listener), &m->msg);
    rig_run(h->rig);
}

static void finish(struct hall *h)
{
    rig_destroy(h->rig);
    for (unsigned i = 0; i < h->loops; i++)
        pl_snapshot_destroy(h->snapshots[i]);
}

/* A loop: it takes what it gets, and publishes how much it took. */
struct receiver {
    struct pl_actor actor; /* first */
    uint64_t took;
};

static void take(struct pl_actor *a, struct pl_msg *msg)
{
    ((struct receiver *)a)->took++;
    msg->destroy(msg);
}

static void reap_taker(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops taker_ops = {
    .name = "taker",
    .mailbox_limit = 1,
    .receive = take,
    .reap = reap_taker,
};

static struct receiver *add_receiver(struct hall *h, unsigned loop)
{
    struct receiver *t = calloc(1, sizeof *t);

    assert_non_null(t);
    assert_int_equal(pl_actor_init(&t->actor, h->rig->loop, &taker_ops), PL_OK);
    h->conns[loop] = pl_actor_address(&t->actor);
    return t;
}

static void publish(struct hall *h, unsigned loop, uint64_t accepted,
                    uint64_t more)
{
    uint64_t v[PL_METRIC_COUNT] = {0};

    v[PL_METRIC_ACCEPTED] = accepted;
    v[PL_METRIC_CONNECTIONS] = accepted + more;
    pl_snapshot_publish(h->snapshots[loop], v);
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    return fd;
}

static int dial(int fd, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd, (struct sockaddr *)&sa, sizeof sa);
}

static void it_tells_its_port_and_accepts(void **state)
{
    struct hall h;
    int fd = new_socket();

    (void)state;
    begin_listening(&h, 1);
    assert_true(pl_listener_port(h.listener) > 0);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_LISTENERS), 1);
    assert_int_equal(dial(fd, pl_listener_port(h.listener)), 0);
    rig_run(h.rig);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_CONNECTIONS), 1);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPTED), 1);
    close(fd);
    stop(&h);
    finish(&h);
}

static void an_address_that_is_none_is_refused(void **state)
{
    struct hall h;
    char taken[64];

    (void)state;
    begin(&h, 1);
    assert_int_equal(try_listen(&h, "nonsense"), PL_EINVAL);
    assert_int_equal(try_listen(&h, "127.0.0.1:0"), PL_OK);
    struct pl_listener *first = h.listener;
    snprintf(taken, sizeof taken, "127.0.0.1:%u", pl_listener_port(first));
    assert_int_equal(try_listen(&h, taken), PL_EIO);
    assert_ptr_equal(h.listener, first); /* untouched */
    assert_int_equal(rig_metric(h.rig, PL_METRIC_LISTENERS), 1);
    stop(&h);
    finish(&h);
}

static void after_its_phase_nobody_is_accepted(void **state)
{
    struct hall h;
    int fd = new_socket();

    (void)state;
    begin_listening(&h, 1);
    uint16_t port = pl_listener_port(h.listener);
    stop(&h);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_LISTENERS), 0);
    assert_int_equal(dial(fd, port), -1);
    close(fd);
    finish(&h);
}

static int attempt(struct hall *h)
{
    int fd = new_socket();

    assert_int_equal(dial(fd, pl_listener_port(h->listener)), 0);
    return fd;
}

/* Each connection goes to the loop that has the fewest. */
static void connections_are_spread_evenly(void **state)
{
    struct receiver *receivers[4] = {NULL};
    struct hall h;
    int fds[35];

    (void)state;
    begin_listening(&h, 4);
    for (unsigned i = 1; i < 4; i++)
        receivers[i] = add_receiver(&h, i);
    publish(&h, 2, 0, 5); /* some are there already */
    for (int i = 0; i < 35; i++) {
        fds[i] = attempt(&h);
        rig_run(h.rig);
        pl_snapshot_publish(h.snapshots[0], h.rig->metrics.value);
        for (unsigned j = 1; j < 4; j++)
            publish(&h, j, receivers[j]->took, j == 2 ? 5 : 0);
    }
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPTED), 10);
    assert_int_equal(receivers[1]->took, 10);
    assert_int_equal(receivers[2]->took, 5);
    assert_int_equal(receivers[3]->took, 10);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPT_FAILED), 0);
    for (int i = 0; i < 35; i++)
        close(fds[i]);
    stop(&h);
    finish(&h);
}

/* It has the fewest because it lets nobody in. */
static void a_loop_that_refuses_for_its_lag_gets_no_more(void **state)
{
    struct hall h;
    uint64_t v[PL_METRIC_COUNT] = {0};
    int fds[6];

    (void)state;
    begin_listening(&h, 2);
    v[PL_METRIC_REFUSED_LAG] = 1;
    pl_snapshot_publish(h.snapshots[1], v);
    v[PL_METRIC_REFUSED_LAG] = 0;
    v[PL_METRIC_CONNECTIONS] = 100;
    pl_snapshot_publish(h.snapshots[0], v);
    for (int i = 0; i < 6; i++) {
        fds[i] = new_socket();
        assert_int_equal(dial(fds[i], pl_listener_port(h.listener)), 0);
    }
    rig_turn(h.rig); /* all of them at once */
    assert_int_equal(h.given[0], 6);
    assert_int_equal(h.given[1], 0);
    for (int i = 0; i < 6; i++)
        close(fds[i]);
    stop(&h);
    finish(&h);
}

/* The peer hears at once that nobody has its connection. */
static void expect_closed(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

/* What its mailbox has no room for is closed, counted, and not its own. */
static void what_a_loop_refuses_is_counted_and_not_its_load(void **state)
{
    struct hall h;
    int fds[3];

    (void)state;
    begin(&h, 2);
    struct receiver *t = add_receiver(&h, 1);
    assert_int_equal(try_listen(&h, "127.0.0.1:0"), PL_OK);
    publish(&h, 0, 0, 100);
    for (int i = 0; i < 3; i++)
        fds[i] = attempt(&h);
    rig_turn(h.rig); /* all of them at once, and there is room for one */
    rig_run(h.rig);
    assert_int_equal(t->took, 1);
    assert_int_equal(h.given[1], 1);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPT_FAILED), 2);
    for (int i = 0; i < 3; i++) {
        expect_closed(fds[i]);
        close(fds[i]);
    }
    stop(&h);
    finish(&h);
}

static void pass(struct hall *h, struct pl_clock_driven *clock, uint64_t ms)
{
    pl_clock_driven_advance(clock, ms * 1000000u);
    pl_reactor_schedule_turn(h->rig->reactor);
    rig_run(h->rig);
}

/* It would have the fewest for ever, and so get them all. */
static void a_loop_that_is_gone_gets_one_try_a_second(void **state)
{
    struct pl_clock_driven clock;
    struct hall h;
    int fds[6];

    (void)state;
    pl_clock_driven_init(&clock);
    begin_at(&h, 2, &clock.clock); /* of loop 1 nobody has the address */
    assert_int_equal(try_listen(&h, "127.0.0.1:0"), PL_OK);
    for (int i = 0; i < 6; i++) {
        if (i == 4)
            pass(&h, &clock, 1000);
        publish(&h, 0, h.given[0], 100);
        fds[i] = attempt(&h);
        rig_run(h.rig);
    }
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPT_FAILED), 2);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_CONNECTIONS), 4);
    assert_int_equal(h.given[0], 4);
    assert_int_equal(h.given[1], 0);
    expect_closed(fds[0]);
    expect_closed(fds[4]);
    for (int i = 0; i < 6; i++)
        close(fds[i]);
    stop(&h);
    finish(&h);
}

static void set_limit(rlim_t descriptors)
{
    struct rlimit files;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = descriptors;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

/* With somebody in the backlog, and no descriptor for it; gives the limit that
 * there was. */
static rlim_t run_out(struct hall *h, int fd)
{
    struct rlimit before;
    int lowest = dup(0);

    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(dial(fd, pl_listener_port(h->listener)), 0);
    set_limit((rlim_t)lowest);
    rig_turn(h->rig);
    assert_int_equal(rig_metric(h->rig, PL_METRIC_ACCEPT_FAILED), 1);
    return before.rlim_cur;
}

/* It waits instead of spinning, and who waits in the backlog is served. */
static void without_descriptors_it_waits_for_some(void **state)
{
    struct hall h;
    int fd = new_socket();

    (void)state;
    begin_listening(&h, 1);
    rlim_t before = run_out(&h, fd);
    uint64_t turns = pl_loop_stats(h.rig->loop)->turns;
    rig_run(h.rig); /* the timer of its wait may end in here */
    assert_in_range(pl_loop_stats(h.rig->loop)->turns, turns, turns + 4);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPTED), 0);
    set_limit(before);
    while (rig_metric(h.rig, PL_METRIC_ACCEPTED) == 0)
        event_base_loop(pl_reactor_base(h.rig->reactor), EVLOOP_ONCE);
    rig_run(h.rig);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_CONNECTIONS), 1);
    close(fd);
    stop(&h);
    finish(&h);
}

static unsigned lines; /* that were logged about accepting */

static void count_line(void *arg, enum pl_log_level level, struct pl_span line)
{
    (void)arg;
    (void)level;
    if (memmem(line.at, line.len, "accept", 6) != NULL)
        lines++;
}

/* The machine's table of files is full (ENFILE), not only ours; or memory for
 * a socket is short.  Each pause costs one call of accept4(), whoever connects,
 * and the log has a line when it begins and one when it is over. */
static void it_waits(int error)
{
    struct pl_clock_driven clock;
    struct hall h;
    int fd = new_socket();

    pl_clock_driven_init(&clock);
    begin_at(&h, 1, &clock.clock);
    assert_int_equal(try_listen(&h, "127.0.0.1:0"), PL_OK);
    lines = 0;
    pl_log_set_level(PL_LOG_INFO);
    pl_log_set_sink(count_line, NULL);
    broken.error = error;
    broken.times = UINT_MAX;
    broken.calls = 0;
    assert_int_equal(dial(fd, pl_listener_port(h.listener)), 0);
    rig_run(h.rig);
    assert_int_equal(broken.calls, 1);
    uint64_t turns = pl_loop_stats(h.rig->loop)->turns;
    rig_run(h.rig); /* nobody spins */
    assert_int_equal(pl_loop_stats(h.rig->loop)->turns, turns);
    for (unsigned pause = 2; pause < 5; pause++) {
        pass(&h, &clock, 99);
        assert_int_equal(broken.calls, pause - 1);
        pass(&h, &clock, 1);
        assert_int_equal(broken.calls, pause);
    }
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPT_FAILED), 4);
    assert_int_equal(lines, 1);
    broken.times = 0;
    pass(&h, &clock, 100);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_CONNECTIONS), 1);
    assert_int_equal(lines, 2);
    pl_log_set_sink(NULL, NULL);
    close(fd);
    stop(&h);
    finish(&h);
}

static void without_files_in_the_whole_machine_it_waits_too(void **state)
{
    (void)state;
    it_waits(ENFILE);
    it_waits(EMFILE);
    it_waits(ENOBUFS);
    it_waits(ENOMEM);
}

/* Who has left again before we came is nobody's fault: the next is taken. */
static void an_error_of_one_connection_stops_nothing(void **state)
{
    struct hall h;
    int fd = new_socket();

    (void)state;
    begin_listening(&h, 1);
    broken.error = ECONNABORTED;
    broken.times = 3;
    assert_int_equal(dial(fd, pl_listener_port(h.listener)), 0);
    rig_run(h.rig);
    assert_int_equal(broken.times, 0);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPTED), 1);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPT_FAILED), 0);
    close(fd);
    stop(&h);
    finish(&h);
}

/* Stopped while it waits, it does not come back. */
static void a_stop_ends_the_waiting_too(void **state)
{
    struct hall h;
    int fd = new_socket();

    (void)state;
    begin_listening(&h, 1);
    set_limit(run_out(&h, fd));
    stop(&h);
    assert_int_equal(pl_loop_stats(h.rig->loop)->timers, 0);
    assert_int_equal(rig_metric(h.rig, PL_METRIC_ACCEPTED), 0);
    close(fd);
    finish(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_its_port_and_accepts),
        cmocka_unit_test(an_address_that_is_none_is_refused),
        cmocka_unit_test(after_its_phase_nobody_is_accepted),
        cmocka_unit_test(connections_are_spread_evenly),
        cmocka_unit_test(a_loop_that_refuses_for_its_lag_gets_no_more),
        cmocka_unit_test(what_a_loop_refuses_is_counted_and_not_its_load),
        cmocka_unit_test(a_loop_that_is_gone_gets_one_try_a_second),
        cmocka_unit_test(without_descriptors_it_waits_for_some),
        cmocka_unit_test(without_files_in_the_whole_machine_it_waits_too),
        cmocka_unit_test(an_error_of_one_connection_stops_nothing),
        cmocka_unit_test(a_stop_ends_the_waiting_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
