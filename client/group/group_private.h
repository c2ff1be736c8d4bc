/* SPDX-License-Identifier: Apache-2.0 */
/* group_private.h - the struct of a group.  Private to the module. */
#ifndef PLC_GROUP_PRIVATE_H
#define PLC_GROUP_PRIVATE_H

#include "actor.h"
#include "cell.h"
#include "group.h"
#include "guard.h"
#include "link.h"
#include "origin.h"
#include "timer.h"

enum { PLC_MAIL_PART = 1, PLC_MAIL_STOP = 2 };

/* How far the stop is. */
enum plc_stop {
    PLC_STOP_NOT_BEGUN,
    PLC_STOP_WAITS, /* for the parts that live */
    PLC_STOP_CUTS   /* what lives, and counts it */
};

struct plc_group {
    struct pl_actor actor; /* first */
    /* Constant. */
    struct plc_group_options options;
    struct pl_system *system;
    struct pl_loop *loop;
    struct plc_events *events;
    struct pl_snapshot *numbers;
    struct plc_origin *origin;
    void *driver;
    struct pl_guard *guard;
    /* Guarded. */
    struct pl_list parts; /* all that are not freed */
    uint64_t stop_at_ns;  /* the deadline; UINT64_MAX: no stop */
    bool is_stop_posted;
    bool has_ended;
    /* Any thread. */
    struct pl_cell is_stopping, turned_away;
    /* The loop's. */
    struct pl_list living; /* parts that have not ended */
    struct plc_links links;
    uint64_t counts[PLC_COUNTS];
    uint64_t stop_begun_ms;
    enum plc_stop stop;
    struct pl_timer deadline;
    struct pl_msg stop_mail;
    struct plc_event stopped;
    bool is_over; /* stopped() has been called, or waits for a dispatch */
};

/* For messages that are part of a struct. */
void plc_destroy_nothing(struct pl_msg *msg);

/* The stop has begun, and no part lives any more. */
void plc_group_finish(struct plc_group *g);
/* Close the quota of `p`, and let it end. */
void plc_part_stop(struct plc_part *p);
/* Free `p`, after its last event. */
void plc_part_free(struct plc_part *p);

#endif
