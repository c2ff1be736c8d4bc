/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - what goes wrong on purpose: allocations that fail, and bugs that
 * are planted to see whether the simulation finds them. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum plant {
    PLANT_NONE,
    PLANT_LOST_WAKE,       /* a session with output is not flushed */
    PLANT_LOST_WRITABLE,   /* a stalled transport is not told of new room */
    PLANT_DOUBLE_CLOSE,    /* two Close frames */
    PLANT_DROPPED_FRAME,   /* a publication is lost on the way */
    PLANT_DROPPED_QUIETLY, /* the same, where no history would tell */
    PLANT_LEAKED_SUB,      /* the channel's owner never hears of a leave */
    PLANT_EARLY_REPLY,     /* a reply goes before what it should follow */
    PLANT_LATE_REPLY,      /* a subscribe reply comes after a publication */
    PLANT_LOST_CARRY,      /* the rest of a message is not carried on */
    PLANT_HOLD_FOREVER,    /* a reason not to read a client never ends */
    PLANT_QUIET_LOSS,      /* lines lost for memory are no gap */
    PLANT_OPEN_ADMISSION,  /* without a connect handler anybody gets in */
    PLANT_QUIET_SHED,      /* a history that was shed claims to be whole */
    PLANT_DOUBLE,          /* what the bus brings again is delivered again */
    PLANT_OLD_EPOCH,      /* one of another epoch is taken if its offset fits */
    PLANT_LEAKED_REQUEST, /* a request that a store has answered is counted */
    PLANT_WRONG_RULES,    /* a channel gets the rules of another namespace */
    PLANT_VERDICT_OVERTAKES,    /* a command does not wait behind a verdict */
    PLANT_VERDICT_FORGETS_KICK, /* a kick during a verdict has no effect */
    PLANT_VERDICT_LEAKS,        /* what waits for a verdict waits for ever */
    PLANT_EXPIRY_FORGOTTEN,     /* an expired subscription goes on */
    PLANT_EXPIRY_FIXED,         /* a refresh moves no end */
    PLANT_SWALLOWED_MAIL,       /* any actor gets direct mail, and ignores it */
    PLANT_STALE_RULES,          /* a reload is not received */
    PLANT_LOST_POST,            /* input by mail waits for ever */
    PLANT_REPEAT_DELIVERS,      /* an idempotency key is not compared */
    PLANT_STALE_PASSES,         /* a version is not compared */
    PLANT_OPEN_POST,            /* the secret of a session is not compared */
    PLANT_COUNT
};

/* "lost-wake", ...; and back, PLANT_COUNT when it is none. */
const char *plant_name(enum plant p);
enum plant plant_of(const char *name);

/* Which bug, and when it strikes: the numbers come from `seed`. */
void faults_plant(enum plant p, uint64_t seed);

/* Whether the planted bug is `p` and strikes now, once in `odds` times. */
bool faults_strike(enum plant p, unsigned odds);

/* Let an allocation fail about once in `odds` visits to the broker; 0: never.
 */
void faults_fail_allocations(unsigned odds, uint64_t seed);

/* Around each visit to the broker, from outside; and around what the
 * simulation itself does inside one, where nothing fails. */
void faults_enter(void);
void faults_leave(void);
unsigned faults_suspend(void);
void faults_resume(unsigned suspended);

/* Let mailboxes be full with `limit` messages; 0: as they say themselves. */
void faults_limit_mailboxes(unsigned limit);

/* Ask `loses` of each publication on its way from an owner to a hub: true, it
 * does not arrive.  NULL: none is lost. */
void faults_lose_publications(bool (*loses)(void *arg, struct pl_span channel),
                              void *arg);

/* Allocations that failed so far, and messages that found a mailbox full. */
uint64_t faults_failed(void);
uint64_t faults_full(void);

#endif
