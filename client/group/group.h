/* SPDX-License-Identifier: Apache-2.0 */
/* group.h - the actor behind struct plc_group, as its parts and its driver see
 * it. */
#ifndef PLC_GROUP_H
#define PLC_GROUP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "part.h"
#include "parley_client.h"

struct pl_loop;
struct pl_system;
struct plc_links; /* link.h */
struct plc_network;
struct plc_origin;

/* The numbers of the status, which the loop counts. */
enum plc_count {
    PLC_COUNT_CONNECTIONS, /* gauge: parts */
    PLC_COUNT_OPEN,        /* gauge */
    PLC_COUNT_SUBSCRIPTIONS,
    PLC_COUNT_ACCEPTED,
    PLC_COUNT_DONE,
    PLC_COUNT_REFUSED,
    PLC_COUNT_NOT_SENT,
    PLC_COUNT_UNKNOWN,
    PLC_COUNT_QUEUE_BYTES, /* gauge */
    PLC_COUNT_PUBLICATIONS,
    PLC_COUNT_BYTES_IN,
    PLC_COUNT_BYTES_OUT,
    PLC_COUNT_RECONNECTS,
    PLC_COUNT_TLS_HANDSHAKES,
    PLC_COUNT_TLS_RESUMED,
    PLC_COUNT_FORCED,
    PLC_COUNT_ELAPSED_MS,
    PLC_COUNT_DROPPED,
    PLC_COUNT_EVENTS_LOST,
    PLC_COUNTS
};

/* --- The driver's side --- */

/* Create a group on loop 0 of `system`; `options` are complete and valid.
 * Owner:  the caller, until plc_group_free(), also after an error.
 * Thread: any before the loop runs.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err plc_group_init(struct plc_group **out, struct pl_system *system,
                           const struct plc_group_options *options);

/* After each turn of the loop: return true if the group has stopped and no
 * thread will post any more, so that the loop needs no further turn.
 * Thread: the loop's. */
bool plc_group_has_ended(struct plc_group *g);

/* Run what waits of a group that has ended, and free its parts and itself,
 * after release().  The loop's actors are reaped already.  NULL is allowed.
 * Thread: any. */
void plc_group_free(struct plc_group *g);

/* True while a callback of the group runs on this thread.
 * Thread: the one that runs callbacks. */
bool plc_group_is_calling(const struct plc_group *g);

/* The network on which the parts open links; set it before the loop runs. */
void plc_group_set_network(struct plc_group *g, struct plc_network *network);

/* Likewise what detects a fork of the process: the group owns it. */
void plc_group_set_origin(struct plc_group *g, struct plc_origin *origin);
/* False in a child of the process, which may do nothing with the group.
 * Thread: any. */
bool plc_group_is_here(const struct plc_group *g);

/* What the driver keeps with the group. */
void plc_group_set_driver(struct plc_group *g, void *driver);
void *plc_group_driver(const struct plc_group *g);

/* --- The parts' side --- */

/* Make `p` a part of the group, under its label.
 * Owner:  the group; the program calls plc_part_drop().  On an error the
 *         caller.
 * Thread: any.
 * Errors: PL_ESTOPPING, PL_EEXIST: its label. */
enum pl_err plc_part_add(struct plc_group *g, struct plc_part *p);

/* The program is done with `p`: end it, then free it.
 * Thread: any. */
void plc_part_drop(struct plc_part *p);

/* Post what a call of the program asks of m->part.
 * Owner:  the group; on an error the caller.
 * Thread: any.
 * Errors: PL_ESTOPPING: the group has begun to stop. */
enum pl_err plc_part_post(struct plc_mail *m);
/* Likewise, for what ends something: only a group that has ended refuses. */
enum pl_err plc_part_post_late(struct plc_mail *m);

/* For mail that may come when its part is gone, by a loop handle
 * (loop_handle.h): set its type, and where it goes.  Thread: any. */
void plc_group_fill_mail(struct plc_mail *m);
struct pl_address plc_group_address(const struct plc_group *g);

/* Take a share of `bytes` of the quota of m->part, waiting for `wait_ms` at
 * most but never on the loop, and post `m`.  Whoever ends the call returns the
 * share. Thread: any. Errors: PL_EFULL, PL_ETOOBIG, PL_ESTOPPING. */
enum pl_err plc_part_post_call(struct plc_mail *m, size_t bytes,
                               uint32_t wait_ms);

/* Count a call with such a share that has come, and that has ended.
 * Thread: the loop's. */
void plc_part_count_accepted(struct plc_part *p, size_t bytes);
void plc_part_count_ended(struct plc_part *p, enum plc_outcome outcome,
                          size_t bytes);

/* True if the group has begun to stop.  Thread: any. */
bool plc_group_is_stopping(const struct plc_group *g);

/* True on the thread of the loop, which must not wait for itself.
 * Thread: any. */
bool plc_group_is_on_loop(const struct plc_group *g);

/* Count a call that was not accepted.  Thread: any. */
void plc_group_turn_away(struct plc_group *g);

/* The rest: the loop's thread. */
struct pl_loop *plc_group_loop(const struct plc_group *g);
struct plc_events *plc_group_events(const struct plc_group *g);
struct plc_links *plc_group_links(struct plc_group *g);
uint64_t *plc_group_counts(struct plc_group *g); /* PLC_COUNTS */

/* Report the first open of a part with a label, or that there will be none:
 * `err` and the constant or copied text `why`.  Later calls do nothing. */
void plc_part_result(struct plc_part *p, enum pl_err err, const char *why);

/* `p` has ended: nothing of it is left but its memory. */
void plc_part_ended(struct plc_part *p);

void plc_group_log(struct plc_group *g, enum plc_level level,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- Status --- */

/* Copy the newest numbers, PLC_COUNTS.  Thread: any. */
void plc_group_read(const struct plc_group *g, uint64_t *values);

/* What does not come from the loop. */
struct plc_group_facts {
    bool is_running, has_ended, was_cut;
    uint64_t turned_away, waiting;
};
struct plc_group_facts plc_group_facts(const struct plc_group *g);

#endif
