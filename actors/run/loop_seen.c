/* SPDX-License-Identifier: Apache-2.0 */
/* loop_seen.c - what any thread may ask of a loop while it runs: since when its
 * turn lasts, which foreign code runs, and how much waits for it.
 *
 * Foreign code has a name, which its owner may free as soon as that code
 * returns, while another thread still writes it into a status.  So the loop
 * publishes a copy of the name with a sequence lock (snapshot.h).  Rejected: a
 * pointer to the name, which a reader can hold longer than the name lasts; a
 * count of holders, which costs every call an atomic operation on memory that
 * loops share; and names that are kept for ever, which a program that makes
 * them up would never stop to add.
 *
 * Invariant: a reader waits for no turn, and the loop for no reader. */
#include <string.h>

#include "loop_private.h"

uint64_t pl_loop_turn_begun_ns(const struct pl_loop *loop)
{
    return atomic_load_explicit(&((struct pl_loop *)loop)->turn_begun_ns,
                                memory_order_relaxed);
}

/* What others see of foreign code.  They get the bytes of its name, because
 * the name itself may be freed as soon as that code returns. */
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

/* How much of a name fits: whole characters of UTF-8. */
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
