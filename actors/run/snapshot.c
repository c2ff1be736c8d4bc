/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - see snapshot.h.
 *
 * A sequence number guards the numbers: it is odd while they change.  The
 * writer never waits; a reader that overlapped a change reads again.  Each
 * number is stored with release and loaded with acquire: a reader that sees a
 * newer number then also sees the newer sequence number.  This needs no
 * separate fence, which race checkers do not understand.  On x86 these are
 * plain moves.
 *
 * Rejected: a lock, because a loop would wait for it during a turn; three
 * buffers and a pointer, because they too copy for each reader.
 *
 * Invariant: the numbers at sequence 2n were stored by the n-th publish. */
#include "snapshot.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { LINE = 64 /* bytes of a cache line */, PATIENCE = 64 /* tries */ };

struct pl_snapshot {
    size_t count; /* constant */
    /* Written by one thread, read by any. */
    _Atomic uint64_t sequence;
    _Atomic uint64_t values[];
};

enum pl_err pl_snapshot_create(struct pl_snapshot **out, size_t count)
{
    if (count > SIZE_MAX / 16)
        return PL_ENOMEM;
    /* whole cache lines, so that writes of neighbours do not disturb readers */
    size_t size = sizeof(struct pl_snapshot) + count * sizeof(uint64_t);
    struct pl_snapshot *s =
        aligned_alloc(LINE, (size + LINE - 1) & ~(size_t)(LINE - 1));

    if (s == NULL)
        return PL_ENOMEM;
    s->count = count;
    atomic_init(&s->sequence, 0);
    for (size_t i = 0; i < count; i++)
        atomic_init(&s->values[i], 0);
    *out = s;
    return PL_OK;
}

void pl_snapshot_destroy(struct pl_snapshot *s)
{
    free(s);
}

void pl_snapshot_publish(struct pl_snapshot *s, const uint64_t *values)
{
    uint64_t sequence =
        atomic_load_explicit(&s->sequence, memory_order_relaxed);

    atomic_store_explicit(&s->sequence, sequence + 1, memory_order_relaxed);
    for (size_t i = 0; i < s->count; i++)
        atomic_store_explicit(&s->values[i], values[i], memory_order_release);
    atomic_store_explicit(&s->sequence, sequence + 2, memory_order_release);
}

/* Try once; return 0 if the numbers changed meanwhile. */
static int try_read(const struct pl_snapshot *s, uint64_t *values)
{
    uint64_t before = atomic_load_explicit(&s->sequence, memory_order_acquire);

    if (before % 2 != 0)
        return 0;
    for (size_t i = 0; i < s->count; i++)
        values[i] = atomic_load_explicit(&s->values[i], memory_order_acquire);
    return atomic_load_explicit(&s->sequence, memory_order_relaxed) == before;
}

void pl_snapshot_read(const struct pl_snapshot *s, uint64_t *values)
{
    for (unsigned tries = 1; !try_read(s, values); tries++) {
        /* the writer may have lost its core during a change */
        if (tries % PATIENCE == 0)
            sched_yield();
    }
}
