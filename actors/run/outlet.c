/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.c - see outlet.h.
 *
 * A list under a lock, and an eventfd that is written when the list gets its
 * first message and read when it loses its last, both under the lock.  So a
 * burst costs two system calls, and the descriptor is right at any time.
 *
 * Rejected: the inbox of a loop, which needs no lock.  Its owner must announce
 * that it sleeps; a program that polls a descriptor announces nothing.
 *
 * Invariant: the eventfd is readable if and only if the list has a message,
 * whenever the lock is free. */
#include "outlet.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cell.h"

struct pl_outlet {
    int fd;                  /* constant */
    pl_outlet_size *size_of; /* constant; may be NULL */
    pthread_mutex_t lock;
    struct pl_msg *first, *last; /* guarded by `lock` */
    struct pl_cell count;        /* written under `lock` */
    uint64_t bytes;              /* guarded by `lock` */
    uint64_t low, low_bytes;     /* at most these are awaited if `is_awaited`;
                                    guarded by `lock` */
    bool is_awaited;             /* guarded by `lock` */
};

enum pl_err pl_outlet_create(struct pl_outlet **out, pl_outlet_size *size_of)
{
    struct pl_outlet *o = calloc(1, sizeof *o);

    if (o == NULL)
        return PL_ENOMEM;
    o->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (o->fd < 0) {
        free(o);
        return PL_EIO;
    }
    o->size_of = size_of;
    pthread_mutex_init(&o->lock, NULL);
    *out = o;
    return PL_OK;
}

void pl_outlet_destroy(struct pl_outlet *o)
{
    struct pl_msg *msg;
    bool has_space;

    if (o == NULL)
        return;
    while ((msg = pl_outlet_take(o, &has_space)) != NULL)
        msg->destroy(msg);
    pthread_mutex_destroy(&o->lock);
    close(o->fd);
    free(o);
}

int pl_outlet_fd(const struct pl_outlet *o)
{
    return o->fd;
}

/* Neither can fail: the count is 0 or 1. */
static void set_readable(const struct pl_outlet *o)
{
    uint64_t one = 1;
    ssize_t put = write(o->fd, &one, sizeof one);

    (void)put;
}

static void set_unreadable(const struct pl_outlet *o)
{
    uint64_t count;
    ssize_t got = read(o->fd, &count, sizeof count);

    (void)got;
}

static size_t size_of(const struct pl_outlet *o, const struct pl_msg *msg)
{
    return o->size_of == NULL ? 0 : o->size_of(msg);
}

void pl_outlet_put(struct pl_outlet *o, struct pl_msg *msg)
{
    msg->next = NULL;
    pthread_mutex_lock(&o->lock);
    o->bytes += size_of(o, msg);
    if (o->first == NULL) {
        o->first = msg;
        set_readable(o);
    } else {
        o->last->next = msg;
    }
    o->last = msg;
    pl_cell_add(&o->count, 1);
    pthread_mutex_unlock(&o->lock);
}

bool pl_outlet_is_full(struct pl_outlet *o, uint64_t limit, uint64_t bytes)
{
    pthread_mutex_lock(&o->lock);
    bool is_full = pl_cell_get(&o->count) >= limit || o->bytes >= bytes;
    if (is_full) {
        o->is_awaited = true;
        o->low = limit / 2;
        o->low_bytes = bytes / 2;
    }
    pthread_mutex_unlock(&o->lock);
    return is_full;
}

/* Under the lock. */
static struct pl_msg *pop(struct pl_outlet *o)
{
    struct pl_msg *msg = o->first;

    if (msg == NULL)
        return NULL;
    o->first = msg->next;
    msg->next = NULL;
    o->bytes -= size_of(o, msg);
    pl_cell_add(&o->count, (uint64_t)-1);
    if (o->first == NULL)
        set_unreadable(o);
    return msg;
}

struct pl_msg *pl_outlet_take(struct pl_outlet *o, bool *has_space)
{
    pthread_mutex_lock(&o->lock);
    struct pl_msg *msg = pop(o);
    *has_space = msg != NULL && o->is_awaited &&
                 pl_cell_get(&o->count) <= o->low && o->bytes <= o->low_bytes;
    if (*has_space)
        o->is_awaited = false;
    pthread_mutex_unlock(&o->lock);
    return msg;
}

uint64_t pl_outlet_count(const struct pl_outlet *o)
{
    return pl_cell_get(&o->count);
}
