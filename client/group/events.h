/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - the callbacks of a group that wait, and what runs them.
 *
 * Nothing calls the program while it handles something.  It makes an event, and
 * the event calls later: after the mail of the loop that came before it, or in
 * plc_group_dispatch(). */
#ifndef PLC_EVENTS_H
#define PLC_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "msg.h"

struct pl_loop;
struct plc_events; /* opaque; an actor */

/* The first member of each event.  Set `run` and msg.destroy. */
struct plc_event {
    struct pl_msg msg;
    /* Call the program; msg.destroy() follows. */
    void (*run)(struct plc_event *e);
    size_t size; /* bytes, for the bound; constant while it waits */
};

/* The first member of a record: an event in memory that several share.  Set
 * `run`. */
struct plc_record {
    /* Call the program; the record is gone afterwards. */
    void (*run)(struct plc_record *r);
    size_t size; /* private */
};

struct plc_events_options {
    struct pl_loop *loop;
    uint32_t limit;      /* events that wait; see plc_events_is_full() */
    uint64_t byte_limit; /* likewise, their bytes */
    bool is_manual;      /* a thread of the program runs them */
    /* Called after plc_events_is_full() was true, when half of the limit waits.
     * Thread: the loop's. */
    void (*space)(void *arg);
    /* With `is_manual`: deliver `msg` to the actor, from any thread; return
     * false and do nothing if there is no loop any more. */
    bool (*post)(void *arg, struct pl_msg *msg);
    void *arg;
};

/* Owner:  the caller, until plc_events_destroy().
 * Thread: the loop's, or any before it runs.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err plc_events_create(struct plc_events **out,
                              const struct plc_events_options *options);
/* Thread: any, once the loop does not run and its actors are reaped.  Events
 * that never ran are destroyed. */
void plc_events_destroy(struct plc_events *e);

/* Where `post` delivers. */
struct pl_address plc_events_address(const struct plc_events *e);

/* Append `event`.  It always has a place: callers that read from servers pause
 * while plc_events_is_full().
 * Owner:  the events.
 * Thread: the loop's. */
void plc_events_put(struct plc_events *e, struct plc_event *event);

/* Get `size` bytes for a record, which plc_events_end() appends like an event;
 * nothing else is put in between.  A record that is not ended is forgotten.
 * Those of one turn share allocations, and one mail.
 * NULL: out of memory.
 * Thread: the loop's. */
void *plc_events_begin(struct plc_events *e, size_t size);
void plc_events_end(struct plc_events *e, struct plc_record *r);

/* Thread: the loop's. */
bool plc_events_is_full(struct plc_events *e);

/* Like plc_events_put(), for the thread that destroys something when there is
 * no loop any more.  With `is_manual` only. */
void plc_events_put_last(struct plc_events *e, struct plc_event *event);

/* The number of events that wait, records among them.  Thread: any. */
uint64_t plc_events_count(const struct plc_events *e);

/* True inside the callback of an event.  Thread: the one that runs them. */
bool plc_events_is_running(const struct plc_events *e);

/* With `is_manual`: the descriptor that is readable while events wait, else -1;
 * and run up to `max` of them.  See parley_client.h. */
int plc_events_fd(const struct plc_events *e);
size_t plc_events_dispatch(struct plc_events *e, size_t max);

#endif
