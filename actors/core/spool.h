/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - a bounded queue of bytes that any thread fills and one writer
 * thread empties.  The writer may block. */
#ifndef PL_SPOOL_H
#define PL_SPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"

enum {
    PL_SPOOL_BYTES = 256 * 1024, /* waiting, with 5 bytes per piece */
    PL_SPOOL_PIECES = 4096,      /* waiting */
    PL_SPOOL_PIECE_MAX = 4096    /* bytes per piece */
};

struct pl_thread;

/* Initialise with PL_SPOOL_INIT.  Static storage: a writer that blocks forever
 * may outlive everything else. */
struct pl_spool {
    /* Constant. */
    const char *name; /* of the thread */
    /* Write one piece.  May block.  Thread: the writer's. */
    void (*write)(uint8_t tag, const char *bytes, size_t len);
    /* Called when no piece is waiting: after writing, after a poke, and with
     * `is_last` before the thread ends; again with `is_last` if more pieces
     * arrive meanwhile.  Return the milliseconds until the next call, or 0: not
     * before the next piece or poke.  May block.
     * Thread: the writer's. */
    uint64_t (*rest)(bool is_last);

    pthread_mutex_t lifecycle; /* serialises start and stop */
    unsigned users;            /* guarded by `lifecycle` */
    bool has_conditions;       /* guarded by `lifecycle` */
    struct pl_thread *thread;

    pthread_mutex_t lock; /* guards the following */
    pthread_cond_t work, done;
    char *ring; /* PL_SPOOL_BYTES; NULL: pieces are refused */
    size_t first, used;
    unsigned pieces;
    uint64_t put, taken; /* numbers of pieces since the first start */
    bool is_poked, is_ending, has_left;

    struct pl_cell process; /* that started the thread; 0: none did */
    struct pl_cell pending; /* pieces put and not written yet */
};

#define PL_SPOOL_INIT(thread_name, write_call, rest_call)                      \
    {                                                                          \
        .name = (thread_name), .write = (write_call), .rest = (rest_call),     \
        .lifecycle = PTHREAD_MUTEX_INITIALIZER,                                \
        .lock = PTHREAD_MUTEX_INITIALIZER,                                     \
    }

/* Add a user; the first one starts the thread.
 * Thread: any except the writer's and a loop's.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_spool_start(struct pl_spool *s);

/* Remove a user.  After the last one, the thread ends once it has written what
 * is waiting; this call waits for that, `timeout_ms` at most.  A thread that
 * still blocks then is left running: it continues when it can, and the next
 * start takes it over.
 * Thread: any except the writer's and a loop's. */
void pl_spool_stop(struct pl_spool *s, uint64_t timeout_ms);

/* Copy a piece into the queue.  Never waits for the writer.
 * Thread: any except the writer's.
 * Errors: PL_EFULL; PL_ETOOBIG (over PL_SPOOL_PIECE_MAX); PL_ESTOPPING: there
 *         is no thread, or this process is a forked child of the one that has
 *         it. */
enum pl_err pl_spool_put(struct pl_spool *s, uint8_t tag, const char *bytes,
                         size_t len);

/* Make the writer call rest() soon.  Thread: any except the writer's. */
void pl_spool_poke(struct pl_spool *s);

/* Wait until all earlier pieces are written.  Return false if they are not
 * after `timeout_ms`.
 * Thread: any except the writer's and a loop's. */
bool pl_spool_flush(struct pl_spool *s, uint64_t timeout_ms);

/* True if all pieces are written.  Safe in a signal handler.
 * Thread: any. */
bool pl_spool_is_idle(const struct pl_spool *s);

#endif
