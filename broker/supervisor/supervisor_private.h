/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_private.h - inside of the supervisor, for the files of the room
 * alone.  Thread: the control loop's. */
#ifndef PL_SUPERVISOR_PRIVATE_H
#define PL_SUPERVISOR_PRIVATE_H

#include "monitor.h"
#include "registry.h"
#include "supervisor.h"
#include "timer.h"

/* Somebody who takes part in the stop. */
struct pl_party {
    struct pl_address address;
    const char *name; /* internal actors */
    uint32_t awaited; /* answers to requests of this phase */
    bool is_asked;    /* internal actors: PL_MSG_STOP was sent */
    bool is_unasked;  /* one of the awaited: without memory it was not sent */
    bool is_gone;     /* it has exited */
};

struct pl_party_list {
    struct pl_party *at;
    size_t count;
};

struct pl_supervisor {
    struct pl_actor actor; /* first */
    struct pl_supervisor_options options;
    struct pl_registry registry;
    struct pl_party_list keepers, listeners, internals;
    bool *is_mute;      /* a loop: it did not even answer a forced disconnect */
    bool is_forcing;    /* the forced disconnect was sent */
    uint64_t waited_ms; /* beyond deadlines, for loops that still worked */
    struct pl_timer timer; /* of the phase that lasts */
    struct pl_timer look;  /* at memory */
    uint8_t memory_state;  /* memory_watch.c */
    bool is_memory_told;
    uint8_t hurried;    /* looks in a row that were to see what shedding gave */
    uint64_t strangers; /* leavers that had not registered */
};

/* memory_watch.c: from the start until the stop. */
void pl_supervisor_watch_memory(struct pl_supervisor *s);
void pl_supervisor_unwatch_memory(struct pl_supervisor *s);

/* stop.c.  The broker begins to stop; with `hurry` it skips what is left of
 * GRACE.  Both do nothing when that is behind it. */
void pl_supervisor_begin_stop(struct pl_supervisor *s, bool hurry);
void pl_supervisor_on_phase(struct pl_supervisor *s,
                            const struct pl_phase_mail *m);
void pl_supervisor_on_down(struct pl_supervisor *s,
                           const struct pl_down_msg *m);
void pl_supervisor_on_timer(struct pl_timer *t);

#endif
