/* SPDX-License-Identifier: Apache-2.0 */
/* loop_seen.c - the state of a running loop that any thread may read: when its
 * turn began, which application code runs, and how much mail waits for it.
 *
 * The owner of a name may free it as soon as that code returns, while another
 * thread still writes it into a status.  So the loop publishes a copy of the
 * name through a snapshot (snapshot.h).
 *
 * Rejected: a pointer to the name, because a reader can keep it longer than the
 * name exists; a reference count, because each call would need an atomic
 * operation on memory that loops share; keeping names forever, because a
 * program that generates names would use ever more memory.
 *
 * Invariant: no reader waits for a turn to end, and the loop waits for no
 * reader. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "loop_private.h"

uint64_t pl_loop_turn_begun_ns(const struct pl_loop *loop)
{
    return atomic_load_explicit(&((struct pl_loop *)loop)->turn_begun_ns,
                                memory_order_relaxed);
}

/* The application code that runs.  `name` is a copy, because the original may
 * be freed as soon as that code returns. */
struct busy {
    uint64_t since_ns;
    char name[PL_LOOP_NAME_SIZE]; /* "": nothing runs */
};

enum { BUSY_WORDS = sizeof(struct busy) / sizeof(uint64_t) };

_Static_assert(BUSY_WORDS * sizeof(uint64_t) == sizeof(struct busy),
               "struct busy is whole words");

enum pl_err pl_loop_busy_create(struct pl_loop *loop)
{
    return pl_snapshot_create(&loop->busy, BUSY_WORDS);
}

static void publish_busy(struct pl_loop *loop, const struct busy *b)
{
    uint64_t words[BUSY_WORDS];

    memcpy(words, b, sizeof words);
    pl_snapshot_publish(loop->busy, words);
}

/* The number of bytes of a name that fit, in whole UTF-8 characters. */
static size_t fitting(const char *name)
{
    size_t len = strnlen(name, PL_LOOP_NAME_SIZE);

    if (len < PL_LOOP_NAME_SIZE)
        return len;
    len--;
    while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void pl_loop_enter(struct pl_loop *loop, const char *name)
{
    struct busy b = {.since_ns = loop->clock->monotonic(loop->clock)};

    memcpy(b.name, name, fitting(name));
    publish_busy(loop, &b);
}

void pl_loop_leave(struct pl_loop *loop)
{
    publish_busy(loop, &(struct busy){0});
}

bool pl_loop_busy(const struct pl_loop *loop, char name[PL_LOOP_NAME_SIZE],
                  uint64_t *since_ns)
{
    uint64_t words[BUSY_WORDS];
    struct busy b;

    pl_snapshot_read(loop->busy, words);
    memcpy(&b, words, sizeof b);
    if (b.name[0] == '\0')
        return false;
    memcpy(name, b.name, sizeof b.name);
    *since_ns = b.since_ns;
    return true;
}

uint64_t pl_loop_backlog(const struct pl_loop *loop)
{
    struct pl_loop *l = (struct pl_loop *)loop;
    uint64_t posted =
        atomic_load_explicit(&l->inbox.count, memory_order_acquire);

    return posted + atomic_load_explicit(&l->queued, memory_order_relaxed);
}

/* The clock of a thread is never 0, which is that of the wall. */
void pl_loop_take_thread(struct pl_loop *loop)
{
    clockid_t id;

    if (pthread_getcpuclockid(pthread_self(), &id) == 0)
        atomic_store_explicit(&loop->cpu_clock, id, memory_order_relaxed);
}

void pl_loop_leave_thread(struct pl_loop *loop)
{
    atomic_store_explicit(&loop->cpu_clock, 0, memory_order_relaxed);
}

uint64_t pl_loop_cpu_ns(const struct pl_loop *loop)
{
    struct pl_loop *l = (struct pl_loop *)loop;
    clockid_t id = atomic_load_explicit(&l->cpu_clock, memory_order_relaxed);
    struct timespec t;

    if (id == 0 || clock_gettime(id, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void pl_loop_set_tap(struct pl_loop *loop, pl_loop_tap *tap, void *arg)
{
    loop->tap = tap;
    loop->tap_arg = arg;
}
