/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what a group consists of: protocol clients and plain channels.
 *
 * A part is the struct behind a handle of the program.  The program's calls
 * reach it as mail to the group, in their order; everything else about it
 * belongs to the loop. */
#ifndef PLC_PART_H
#define PLC_PART_H

#include <stddef.h>
#include <stdint.h>

#include "events.h"
#include "list.h"

struct pl_quota;
struct plc_group;
struct plc_part;

/* What a call of the program asks of a part; the first member of each such
 * message.  It may return to the program as an event. */
struct plc_mail {
    struct plc_event event;
    struct plc_part *part;
    /* Handle it.  Owner: the callee.  Thread: the loop's. */
    void (*handle)(struct plc_mail *m);
};

struct plc_part_ops {
    /* Begin to end: close, with `is_flushed` after sending what waits.
     * plc_part_ended() reports the end. */
    void (*stop)(struct plc_part *p, bool is_flushed);
    /* End at once, with plc_part_ended() before it returns.  Return true if a
     * connection was cut. */
    bool (*cut)(struct plc_part *p);
    /* There is space for events again. */
    void (*resume)(struct plc_part *p);
    /* Call the program's release(), and free the part.
     * Thread: the one that runs events. */
    void (*free)(struct plc_part *p);
};

/* The first member of each part.  All zero but `ops`. */
struct plc_part {
    const struct plc_part_ops *ops;
    struct plc_group *group;
    struct pl_quota *quota; /* of its calls; owned */
    char *label;            /* owned; NULL: none */
    /* Private to the module. */
    struct pl_list link;        /* of all parts; guarded */
    struct pl_list living;      /* of those that have not ended; the loop's */
    struct plc_mail add, drop;  /* so that they need no memory */
    struct plc_event *result;   /* owned; NULL: put, or not wanted */
    bool has_ended, is_dropped; /* the loop's */
};

#endif
