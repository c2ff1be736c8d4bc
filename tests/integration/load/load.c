/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - many clients talk for a while: nothing is lost, nothing is out of
 * order, the ledgers are exact, and afterwards the broker has the memory, the
 * descriptors and the threads that it had before.
 *
 *     load CONNECTIONS ROOMS SECONDS LOOPS
 *
 * The clients are a process of their own, so that memory is the broker's; they
 * are forked before it has threads, and told and asked through two pipes.
 *
 * What the broker keeps for reuse (mails of publications, segments, items of
 * queues) grows with the longest turn so far, so how much it is depends on the
 * machine's load: a bound of the heap after one round failed on a busy one.
 * But such a list grows only when a turn is longer than any before, and a leak
 * grows with each connection and each message.  So the long round comes first,
 * and short ones that are equal to each other follow: a broker that does not
 * leak soon has some that leave nothing behind.  Rejected: counting what is
 * kept, in the broker, since that is work for each delivery. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "crowd.h"

/* A word to the clients, and their answer: 0 is good. */
struct order {
    uint16_t port; /* 0: go home */
    unsigned members, rooms, seconds;
};

enum {
    SHORT_ROUND = 2, /* seconds */
    SHORT_ROUNDS = 12,
    /* Of these, so many leave nothing behind; one may have been when something
     * else that was kept became less. */
    CLEAN_ROUNDS = 2,
    /* What counts as nothing, for each connection and round: less than any
     * object that it owns, 8 bytes for each of its publications. */
    SLACK_BYTES = 16
};

static void fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(EXIT_FAILURE);
}

static void raise_descriptor_limit(void)
{
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

/* --- The clients --- */

static void put(int fd, const void *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len)
        fail("the other side has gone");
}

static bool get(int fd, void *bytes, size_t len)
{
    ssize_t n;

    while ((n = read(fd, bytes, len)) < 0 && errno == EINTR)
        continue;
    return n == (ssize_t)len;
}

static void be_clients(int orders, int answers)
{
    struct order o;

    while (get(orders, &o, sizeof o) && o.port != 0) {
        struct crowd_options options = {o.port, o.members, o.rooms};
        struct crowd *c = crowd_create(&options);
        bool is_good = crowd_talk(c, o.seconds);

        put(answers, &is_good, sizeof is_good); /* they still sit there */
        if (!get(orders, &o, sizeof o))
            break;
        crowd_destroy(c);
    }
}

/* --- The broker --- */

struct load {
    struct box box;
    struct order order;
    int orders, answers;
    uint64_t talks; /* seconds of all rounds, and rounds */
    uint64_t rounds;
};

static void expect(const struct load *l, const char *path, uint64_t wanted)
{
    box_await(&l->box, path, (int64_t)wanted);
    if (box_number(&l->box, path) != (int64_t)wanted)
        fail(path);
}

static void check_numbers(const struct load *l)
{
    uint64_t members = l->order.members, said = members * l->talks;
    uint64_t owed = said * (members / l->order.rooms);

    expect(l, "messages.publications", said);
    /* beside answers to pings, which have no answer themselves */
    expect(l, "commands.answered", said + 2 * members * l->rounds);
    expect(l, "commands.refused", 0);
    expect(l, "commands.cancelled", 0);
    expect(l, "deliveries.owed", owed);
    expect(l, "deliveries.sent", owed);
    expect(l, "drops.slow", 0);
    expect(l, "drops.memory", 0);
    expect(l, "errors.count", 0);
    expect(l, "connections.accepted", members * l->rounds);
}

static void play_round(struct load *l, unsigned seconds)
{
    bool is_good = false;

    l->order.seconds = seconds;
    put(l->orders, &l->order, sizeof l->order);
    if (!get(l->answers, &is_good, sizeof is_good) || !is_good)
        fail("the clients are not content");
    l->talks += seconds;
    l->rounds++;
    box_rest(&l->box);
    expect(l, "active_connections", l->order.members);
    expect(l, "channels.subscriptions", l->order.members);
    check_numbers(l);
    put(l->orders, &l->order, sizeof l->order); /* they leave */
    box_await(&l->box, "active_connections", 0);
    box_await(&l->box, "channels.subscriptions", 0);
    box_rest(&l->box);
    check_numbers(l);
}

/* Whether a short round leaves the heap as it was. */
static bool is_clean(struct load *l)
{
    struct box_census before, after;

    box_census(&before);
    play_round(l, SHORT_ROUND);
    box_await_census(&before);
    box_census(&after);
    printf("heap %zu, then %zu bytes; %u descriptors, %u threads\n",
           before.heap, after.heap, after.descriptors, after.threads);
    return after.heap <= before.heap + (size_t)l->order.members * SLACK_BYTES;
}

static void run(struct load *l, unsigned seconds)
{
    unsigned clean = 0;

    play_round(l, seconds);
    for (unsigned i = 0; i < SHORT_ROUNDS && clean < CLEAN_ROUNDS; i++)
        clean += is_clean(l);
    if (clean < CLEAN_ROUNDS)
        fail("memory is left behind");
}

static void be_broker(struct load *l, unsigned seconds, const char *loops)
{
    char set[32];
    const char *sets[] = {set, "channels.history_size=10",
                          "channels.history_ttl=1h", NULL};

    snprintf(set, sizeof set, "loops=%s", loops);
    box_start(&l->box, sets);
    l->order.port = l->box.port;
    run(l, seconds);
    l->order.port = 0;
    put(l->orders, &l->order, sizeof l->order);
    box_destroy(&l->box);
}

int main(int argc, char **argv)
{
    struct load l = {0};
    int orders[2], answers[2], status;

    if (argc != 5)
        fail("usage: load CONNECTIONS ROOMS SECONDS LOOPS");
    l.order.members = (unsigned)atoi(argv[1]);
    l.order.rooms = (unsigned)atoi(argv[2]);
    raise_descriptor_limit();
    if (pipe(orders) != 0 || pipe(answers) != 0)
        fail("no pipe");
    pid_t child = fork();
    if (child == 0) {
        close(orders[1]);
        close(answers[0]);
        be_clients(orders[0], answers[1]);
        exit(EXIT_SUCCESS);
    }
    close(orders[0]);
    close(answers[1]);
    l.orders = orders[1];
    l.answers = answers[0];
    be_broker(&l, (unsigned)atoi(argv[3]), argv[4]);
    while (waitpid(child, &status, 0) < 0)
        continue;
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
