/* SPDX-License-Identifier: Apache-2.0 */
/* test_threads.c - real threads: order, and wake-ups by repetition. */
#include "recorder.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "reactor.h"

enum {
    LOOPS_MAX = 4,
    EACH = 20000 / PL_FEWER,    /* messages from a sender to a sink */
    CHUNK = 100,                /* of them in one go */
    ROUNDS = 100000 / PL_FEWER, /* of the wake-up tests */
    PATIENCE_S = 120,           /* then a wake-up was lost */
};

static sem_t done;

/* A lost wake-up shows as a wait without end; this one ends and fails. */
static void wait_until_done(void)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while ((rc = sem_timedwait(&done, &until)) != 0 && errno == EINTR)
        continue;
    assert_int_equal(rc, 0);
}

/* --- A system with a thread a loop --- */

static struct pl_system *sys;
static struct pl_reactor *reactors[LOOPS_MAX];
static unsigned loops;

static void build(unsigned count)
{
    sem_init(&done, 0, 0);
    loops = count;
    sys = system_of(count, NULL);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(
            pl_reactor_create(&reactors[i], pl_system_loop(sys, i), NULL),
            PL_OK);
}

static void start_all(void)
{
    for (unsigned i = 0; i < loops; i++)
        assert_int_equal(pl_reactor_start(reactors[i], "loop"), PL_OK);
}

static void end_all(void)
{
    uint64_t sent = 0, taken = 0, in_transit = 0;

    for (unsigned i = 0; i < loops; i++)
        pl_reactor_stop(reactors[i]);
    for (unsigned i = 0; i < loops; i++)
        assert_int_equal(pl_reactor_join(reactors[i], PATIENCE_S * 1000),
                         PL_OK);
    for (unsigned i = 0; i < loops; i++) {
        const struct pl_loop *loop = pl_system_loop(sys, i);
        const struct pl_loop_stats *s = pl_loop_stats(loop);
        ledger_holds(loop);
        sent += s->posts_sent + s->posts_foreign;
        taken += s->posts_taken;
        in_transit += pl_loop_backlog(loop) - s->mail_queued;
        pl_reactor_destroy(reactors[i]);
    }
    assert_int_equal(sent, taken + in_transit);
    pl_system_destroy(sys);
    sem_destroy(&done);
    assert_int_equal(atomic_load(&notes_alive), 0);
}

/* --- Order --- */

enum { SENDERS_MAX = LOOPS_MAX + 1 }; /* one a loop, and a foreign thread */

struct sink {
    struct pl_actor actor;
    uint64_t next[SENDERS_MAX]; /* the number each sender's next must have */
    uint64_t left;
    bool is_wrong;
};

struct source {
    struct pl_actor actor;
    uint64_t next;
};

static struct sink sinks[LOOPS_MAX];
static struct source sources[LOOPS_MAX];
static struct pl_address sink_at[LOOPS_MAX];

static void no_reap(struct pl_actor *a)
{
    (void)a;
}

/* The type of a message is its sender's number. */
static void sink_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct sink *s = PL_CONTAINER(a, struct sink, actor);

    s->is_wrong |= note_number(msg) != s->next[msg->type]++;
    msg->destroy(msg);
    if (--s->left == 0)
        sem_post(&done);
}

/* A chunk to every sink, then mail to itself to go on. */
static void source_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct source *s = PL_CONTAINER(a, struct source, actor);
    uint16_t me = (uint16_t)pl_loop_index(a->loop);

    for (unsigned i = 0; i < CHUNK; i++, s->next++) {
        for (unsigned k = 0; k < loops; k++)
            pl_actor_send(a, sink_at[k], note(s->next, me, 0));
    }
    if (s->next < EACH)
        pl_actor_send(a, pl_actor_address(a), msg);
    else
        msg->destroy(msg);
}

static const struct pl_actor_ops sink_ops = {"sink", UINT32_MAX, sink_receive,
                                             no_reap};
static const struct pl_actor_ops source_ops = {"source", 10, source_receive,
                                               no_reap};

static void *post_all(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < EACH; i++) {
        for (unsigned k = 0; k < loops; k++)
            pl_system_post(sys, sink_at[k], note(i, LOOPS_MAX, 0));
    }
    return NULL;
}

static void order_holds_on(unsigned count)
{
    pthread_t foreign;

    build(count);
    for (unsigned i = 0; i < count; i++) {
        struct pl_loop *loop = pl_system_loop(sys, i);
        sinks[i] = (struct sink){.left = (uint64_t)EACH * (count + 1)};
        sources[i] = (struct source){.next = 0};
        pl_actor_init(&sinks[i].actor, loop, &sink_ops);
        pl_actor_init(&sources[i].actor, loop, &source_ops);
        sink_at[i] = pl_actor_address(&sinks[i].actor);
        pl_system_post(sys, pl_actor_address(&sources[i].actor), note(0, 0, 0));
    }
    start_all();
    assert_int_equal(pthread_create(&foreign, NULL, post_all, NULL), 0);
    for (unsigned i = 0; i < count; i++)
        wait_until_done();
    pthread_join(foreign, NULL);
    end_all();
    for (unsigned i = 0; i < count; i++)
        assert_false(sinks[i].is_wrong);
}

static void mail_of_one_sender_keeps_its_order_across_loops(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= LOOPS_MAX; count++)
        order_holds_on(count);
}

/* --- Wake-ups --- */

struct player {
    struct pl_actor actor;
    unsigned rounds;
    struct pl_address peer;
};

static void play(struct pl_actor *a, struct pl_msg *msg)
{
    struct player *p = PL_CONTAINER(a, struct player, actor);

    if (++p->rounds > ROUNDS) {
        msg->destroy(msg);
        sem_post(&done);
        return;
    }
    pl_actor_send(a, p->peer, msg);
}

static const struct pl_actor_ops player_ops = {"player", 10, play, no_reap};

/* One ball: each of its ways finds a loop that sleeps or is about to. */
static void no_wake_up_is_lost_between_two_loops(void **state)
{
    struct player players[2] = {0};

    (void)state;
    build(2);
    for (unsigned i = 0; i < 2; i++)
        pl_actor_init(&players[i].actor, pl_system_loop(sys, i), &player_ops);
    for (unsigned i = 0; i < 2; i++)
        players[i].peer = pl_actor_address(&players[1 - i].actor);
    start_all();
    pl_system_post(sys, players[1].peer, note(1, 1, 0));
    wait_until_done();
    end_all();
    assert_int_equal(players[0].rounds + players[1].rounds, 2 * ROUNDS + 1);
}

/* A loop without libevent, which sleeps on a semaphore, and threads that post
 * one message each time the last one was handled. */
struct sleeper {
    sem_t wake;
    struct pl_loop *loop;
    struct pl_address address[2];
    atomic_uint handled[2];
    atomic_bool is_over;
};

static struct sleeper sleeper;

static void wake_sleeper(void *arg)
{
    sem_post(&((struct sleeper *)arg)->wake);
}

static void count_handled(struct pl_actor *a, struct pl_msg *msg)
{
    (void)a;
    atomic_fetch_add(&sleeper.handled[msg->type], 1);
    msg->destroy(msg);
}

static const struct pl_actor_ops counter_ops = {"counter", 10, count_handled,
                                                no_reap};

static void *sleep_and_turn(void *arg)
{
    struct sleeper *s = arg;

    while (!atomic_load(&s->is_over)) {
        if (pl_loop_turn(s->loop) || !pl_loop_sleep(s->loop))
            continue;
        while (sem_wait(&s->wake) != 0)
            continue;
        pl_loop_awake(s->loop);
    }
    return NULL;
}

static void *post_one_at_a_time(void *arg)
{
    uint16_t me = (uint16_t)(uintptr_t)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        pl_system_post(sys, sleeper.address[me], note(i, me, 0));
        while (atomic_load(&sleeper.handled[me]) <= i)
            sched_yield();
    }
    sem_post(&done);
    return NULL;
}

static void no_wake_up_is_lost_between_posting_threads(void **state)
{
    struct pl_actor counters[2];
    pthread_t posters[2], owner;

    (void)state;
    sem_init(&done, 0, 0);
    sys = system_of(1, NULL);
    sem_init(&sleeper.wake, 0, 0);
    sleeper.loop = pl_system_loop(sys, 0);
    pl_loop_set_wake(sleeper.loop, wake_sleeper, &sleeper);
    for (unsigned i = 0; i < 2; i++) {
        pl_actor_init(&counters[i], sleeper.loop, &counter_ops);
        sleeper.address[i] = pl_actor_address(&counters[i]);
    }
    pthread_create(&owner, NULL, sleep_and_turn, &sleeper);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&posters[i], NULL, post_one_at_a_time, (void *)i);
    wait_until_done();
    wait_until_done();
    for (unsigned i = 0; i < 2; i++)
        pthread_join(posters[i], NULL);
    atomic_store(&sleeper.is_over, true);
    sem_post(&sleeper.wake);
    pthread_join(owner, NULL);
    assert_int_equal(pl_loop_stats(sleeper.loop)->posts_foreign, 2 * ROUNDS);
    pl_system_destroy(sys);
    sem_destroy(&sleeper.wake);
    sem_destroy(&done);
}

/* --- Causes before effects, the world outside between them --- */

enum { PULL = 0, PUSH = 1 };

/* A client of two loops: what the first tells it, it tells the second. */
static struct {
    struct pl_actor cause, target;
    struct pl_address cause_at, target_at;
    struct pl_task flush;
    struct event *event;
    int told[2], tells[2]; /* sockets */
    uint64_t next;         /* of the cause */
    uint64_t heard;        /* by the target */
} tale;

static void put_byte(int fd)
{
    assert(send(fd, "x", 1, 0) == 1);
}

static void tell_client(struct pl_task *t)
{
    (void)t;
    put_byte(tale.told[PUSH]);
}

static void on_cause(struct pl_actor *a, struct pl_msg *msg)
{
    msg->destroy(msg);
    pl_actor_send(a, tale.target_at, note(tale.next, 1, 0));
    tale.next += 2;
    pl_loop_defer(a->loop, PL_STAGE_FLUSH, &tale.flush);
}

static void on_heard(struct pl_actor *a, struct pl_msg *msg)
{
    (void)a;
    assert(note_number(msg) == tale.heard);
    msg->destroy(msg);
    if (++tale.heard % 2 == 0)
        sem_post(&done);
}

static void on_told(evutil_socket_t fd, short what, void *reactor)
{
    char c;

    (void)what;
    pl_reactor_schedule_turn(reactor);
    assert(recv(fd, &c, 1, 0) == 1);
    pl_actor_send(&tale.target, tale.target_at, note(tale.heard | 1, 1, 0));
}

static void leave(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops cause_ops = {"cause", 10, on_cause, leave};
static const struct pl_actor_ops target_ops = {"target", 10, on_heard, leave};

static void begin_tale(void)
{
    build(2);
    tale.next = tale.heard = 0;
    tale.flush.run = tell_client;
    pl_actor_init(&tale.cause, pl_system_loop(sys, 0), &cause_ops);
    pl_actor_init(&tale.target, pl_system_loop(sys, 1), &target_ops);
    tale.cause_at = pl_actor_address(&tale.cause);
    tale.target_at = pl_actor_address(&tale.target);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, tale.told), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, tale.tells), 0);
    tale.event = event_new(pl_reactor_base(reactors[1]), tale.tells[PULL],
                           EV_READ | EV_PERSIST, on_told, reactors[1]);
    assert_int_equal(event_add(tale.event, NULL), 0);
    start_all();
}

static void an_observer_of_an_effect_is_after_its_cause(void **state)
{
    enum { TALES = 20000 / PL_FEWER };
    char c;

    (void)state;
    begin_tale();
    for (unsigned i = 0; i < TALES; i++) {
        pl_system_post(sys, tale.cause_at, note(0, 1, 0));
        assert_int_equal(recv(tale.told[PULL], &c, 1, 0), 1);
        put_byte(tale.tells[PUSH]);
        wait_until_done();
    }
    for (unsigned i = 0; i < 2; i++)
        pl_reactor_stop(reactors[i]);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pl_reactor_join(reactors[i], PATIENCE_S * 1000),
                         PL_OK);
    event_free(tale.event);
    end_all();
    for (unsigned i = 0; i < 2; i++) {
        close(tale.told[i]);
        close(tale.tells[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_one_sender_keeps_its_order_across_loops),
        cmocka_unit_test(no_wake_up_is_lost_between_two_loops),
        cmocka_unit_test(no_wake_up_is_lost_between_posting_threads),
        cmocka_unit_test(an_observer_of_an_effect_is_after_its_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
