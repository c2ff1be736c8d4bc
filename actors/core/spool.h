/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - a bounded queue of bytes that any thread puts in, and one thread
 * of its own takes out and may block on. */
#ifndef PL_SPOOL_H
#define PL_SPOOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cell.h"
#include "err.h"

enum {
    PL_SPOOL_BYTES = 256 * 1024, /* that wait, five a piece included */
    PL_SPOOL_PIECES = 4096,      /* that wait */
    PL_SPOOL_PIECE_MAX = 4096    /* bytes of one */
};

struct pl_thread;

/* Initialise with PL_SPOOL_INIT; has static storage, since a writer that
 * blocks for ever may outlive all else. */
struct pl_spool {
    /* Constant. */
    const char *name; /* of the thread */
    /* Take one piece out.  May block.  Thread: the writer's. */
    void (*write)(uint8_t tag, const char *bytes, size_t len);
    /* Nothing waits: after something was taken out, after a poke, and before
     * the thread ends (`is_last`).  Returns the milliseconds after which it is
     * to be called again, 0: not before the next piece.  May block.
     * Thread: the writer's. */
    uint64_t (*rest)(bool is_last);

    pthread_mutex_t life; /* start and stop, one at a time */
    unsigned users;       /* under life */
    bool has_conditions;  /* under life */
    struct pl_thread *thread;

    pthread_mutex_t lock; /* all of the following */
    pthread_cond_t work, done;
    char *ring; /* PL_SPOOL_BYTES; NULL: nothing is taken */
    size_t first, used;
    unsigned pieces;
    uint64_t put, taken; /* pieces, ever */
    bool is_poked, is_ending, has_left;

    struct pl_cell process; /* that has the thread; 0: there never was one */
    struct pl_cell pending; /* pieces put and not written yet */
};

#define PL_SPOOL_INIT(thread_name, write_call, rest_call)                      \
    {                                                                          \
        .name = (thread_name), .write = (write_call), .rest = (rest_call),     \
        .life = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER,  \
    }

/* One user more; the first one starts the thread.
 * Thread: any, but the writer's and a loop's.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_spool_start(struct pl_spool *s);

/* One user less.  After the last one the thread ends when it has written what
 * waits, for which this waits `timeout_ms` at most.  A thread that still blocks
 * then is left: it goes on when it can, and the next start takes it over.
 * Thread: as above. */
void pl_spool_stop(struct pl_spool *s, uint64_t timeout_ms);

/* Copy a piece into the queue.  Never waits for the writer.
 * Thread: any, but the writer's.
 * Errors: PL_EFULL; PL_ETOOBIG (PL_SPOOL_PIECE_MAX); PL_ESTOPPING: there is no
 *         thread, or this process was forked off the one that has it. */
enum pl_err pl_spool_put(struct pl_spool *s, uint8_t tag, const char *bytes,
                         size_t len);

/* Have `rest` called soon.  Thread: any, but the writer's. */
void pl_spool_poke(struct pl_spool *s);

/* Wait until what was put before is written.  False: it is not yet.
 * Thread: any, but the writer's and a loop's. */
bool pl_spool_flush(struct pl_spool *s, uint64_t timeout_ms);

/* Whether all that was put is written.  Safe inside a signal handler.
 * Thread: any. */
bool pl_spool_is_idle(const struct pl_spool *s);

#endif
