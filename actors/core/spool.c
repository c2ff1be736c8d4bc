/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - see spool.h.
 *
 * A ring of bytes holds the pieces in order, each preceded by its length and
 * tag.  A thread holds the lock while it copies at most PL_SPOOL_PIECE_MAX
 * bytes; the writer copies a piece out, then writes it without the lock.
 *
 * A forked child has no writer thread, and its copy of the lock may be held.
 * It puts nothing; pl_spool_start() in the child begins with an empty spool.
 *
 * Rejected: the inbox of a loop, because it allocates each message.  A
 * lock-free ring, because pieces are rare and the writer's system call costs
 * more.
 *
 * Invariant: `pending` is at least the number of pieces in the ring; it is
 * larger while the writer is inside write(). */
#include "spool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "thread.h"

enum { HEAD = 5 };

_Static_assert(PL_SPOOL_BYTES > 2 * (PL_SPOOL_PIECE_MAX + HEAD),
               "a piece fits");

static void copy_in(struct pl_spool *s, const void *bytes, size_t len)
{
    size_t at = (s->first + s->used) % PL_SPOOL_BYTES;
    size_t whole = PL_SPOOL_BYTES - at < len ? PL_SPOOL_BYTES - at : len;

    memcpy(s->ring + at, bytes, whole);
    memcpy(s->ring, (const char *)bytes + whole, len - whole);
    s->used += len;
}

static void copy_out(struct pl_spool *s, void *bytes, size_t len)
{
    size_t rest = PL_SPOOL_BYTES - s->first;
    size_t whole = rest < len ? rest : len;

    memcpy(bytes, s->ring + s->first, whole);
    memcpy((char *)bytes + whole, s->ring, len - whole);
    s->first = (s->first + len) % PL_SPOOL_BYTES;
    s->used -= len;
}

/* --- The writer.  Each function is called with the lock held. --- */

static void write_one(struct pl_spool *s)
{
    char bytes[PL_SPOOL_PIECE_MAX];
    uint32_t len;
    uint8_t tag;

    copy_out(s, &len, sizeof len);
    copy_out(s, &tag, sizeof tag);
    copy_out(s, bytes, len);
    s->pieces--;
    pthread_mutex_unlock(&s->lock);
    s->write(tag, bytes, len);
    pl_cell_add(&s->pending, (uint64_t)-1);
    pthread_mutex_lock(&s->lock);
    s->taken++;
    pthread_cond_broadcast(&s->done);
}

static uint64_t call_rest(struct pl_spool *s, bool is_last)
{
    s->is_poked = false;
    pthread_mutex_unlock(&s->lock);
    uint64_t again_ms = s->rest(is_last);
    pthread_mutex_lock(&s->lock);
    return again_ms;
}

static void wait_for_work(struct pl_spool *s, uint64_t again_ms)
{
    if (again_ms == 0) {
        pthread_cond_wait(&s->work, &s->lock);
        return;
    }
    struct timespec until = pl_thread_moment(again_ms);

    if (pthread_cond_timedwait(&s->work, &s->lock, &until) != 0)
        s->is_poked = true;
}

static void run(void *arg)
{
    struct pl_spool *s = arg;
    uint64_t again_ms = 0;

    pthread_mutex_lock(&s->lock);
    while (!s->has_left) {
        bool has_written = s->pieces > 0;

        while (s->pieces > 0)
            write_one(s);
        if (s->is_ending) {
            call_rest(s, true);
            s->has_left = s->is_ending && s->pieces == 0;
        } else if (has_written || s->is_poked) {
            again_ms = call_rest(s, false);
        } else {
            wait_for_work(s, again_ms);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

/* --- Start and stop --- */

/* Empty the spool after its thread has ended or failed to start. */
static void clear(struct pl_spool *s)
{
    pthread_mutex_lock(&s->lock);
    pl_cell_add(&s->pending, -(uint64_t)s->pieces);
    free(s->ring);
    s->ring = NULL;
    s->first = s->used = 0;
    s->taken = s->put;
    s->pieces = 0;
    pthread_cond_broadcast(&s->done);
    pthread_mutex_unlock(&s->lock);
    s->thread = NULL;
}

/* Keep using a thread that outlived pl_spool_stop().  Return false if there is
 * none, or if it has ended. */
static bool take_over(struct pl_spool *s)
{
    if (s->thread == NULL)
        return false;
    pthread_mutex_lock(&s->lock);
    bool is_there = !s->has_left;
    if (is_there)
        s->is_ending = false;
    pthread_mutex_unlock(&s->lock);
    while (!is_there && pl_thread_join(s->thread, 1000) != PL_OK)
        ; /* the thread has nothing left to do */
    if (!is_there)
        clear(s);
    return is_there;
}

static enum pl_err start_thread(struct pl_spool *s)
{
    char *ring = malloc(PL_SPOOL_BYTES);

    if (ring == NULL)
        return PL_ENOMEM;
    pthread_mutex_lock(&s->lock);
    s->ring = ring;
    s->is_ending = s->has_left = s->is_poked = false;
    pl_cell_set(&s->process, (uint64_t)getpid());
    pthread_mutex_unlock(&s->lock);
    enum pl_err rc = pl_thread_start(&s->thread, s->name, run, s);
    if (rc != PL_OK)
        clear(s);
    return rc;
}

/* True if this process started the writer thread. */
static bool is_ours(const struct pl_spool *s)
{
    return pl_cell_get(&s->process) == (uint64_t)getpid();
}

/* Discard the state inherited from a parent process.  This process must not
 * free the parent's ring. */
static void begin_anew(struct pl_spool *s)
{
    struct pl_spool fresh = PL_SPOOL_INIT(s->name, s->write, s->rest);

    *s = fresh;
}

enum pl_err pl_spool_start(struct pl_spool *s)
{
    enum pl_err rc = PL_OK;

    if (pl_cell_get(&s->process) != 0 && !is_ours(s))
        begin_anew(s);
    pthread_mutex_lock(&s->lifecycle);
    if (!s->has_conditions) {
        pl_thread_condition(&s->work);
        pl_thread_condition(&s->done);
        s->has_conditions = true;
    }
    if (s->users == 0 && !take_over(s))
        rc = start_thread(s);
    s->users += rc == PL_OK;
    pthread_mutex_unlock(&s->lifecycle);
    return rc;
}

void pl_spool_stop(struct pl_spool *s, uint64_t timeout_ms)
{
    if (!is_ours(s))
        return;
    pthread_mutex_lock(&s->lifecycle);
    if (--s->users == 0) {
        pthread_mutex_lock(&s->lock);
        s->is_ending = true;
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->lock);
        if (pl_thread_join(s->thread, timeout_ms) == PL_OK)
            clear(s);
    }
    pthread_mutex_unlock(&s->lifecycle);
}

/* --- Any thread --- */

static enum pl_err put(struct pl_spool *s, uint8_t tag, const char *bytes,
                       uint32_t len)
{
    if (s->ring == NULL || s->has_left)
        return PL_ESTOPPING;
    if (s->pieces == PL_SPOOL_PIECES ||
        HEAD + (size_t)len > PL_SPOOL_BYTES - s->used)
        return PL_EFULL;
    pl_cell_add(&s->pending, 1);
    copy_in(s, &len, sizeof len);
    copy_in(s, &tag, sizeof tag);
    copy_in(s, bytes, len);
    s->put++;
    if (s->pieces++ == 0)
        pthread_cond_signal(&s->work);
    return PL_OK;
}

enum pl_err pl_spool_put(struct pl_spool *s, uint8_t tag, const char *bytes,
                         size_t len)
{
    if (len > PL_SPOOL_PIECE_MAX)
        return PL_ETOOBIG;
    if (!is_ours(s)) /* in a child the lock may be held forever */
        return PL_ESTOPPING;
    pthread_mutex_lock(&s->lock);
    enum pl_err rc = put(s, tag, bytes, (uint32_t)len);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void pl_spool_poke(struct pl_spool *s)
{
    if (!is_ours(s))
        return;
    pthread_mutex_lock(&s->lock);
    s->is_poked = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

bool pl_spool_flush(struct pl_spool *s, uint64_t timeout_ms)
{
    if (!is_ours(s))
        return true;
    struct timespec until = pl_thread_moment(timeout_ms);
    int failed = 0;

    pthread_mutex_lock(&s->lock);
    uint64_t upto = s->put;
    while (s->taken < upto && failed == 0)
        failed = pthread_cond_timedwait(&s->done, &s->lock, &until);
    bool is_done = s->taken >= upto;
    pthread_mutex_unlock(&s->lock);
    return is_done;
}

bool pl_spool_is_idle(const struct pl_spool *s)
{
    return pl_cell_get(&s->pending) == 0;
}
