/* SPDX-License-Identifier: Apache-2.0 */
/* call_table.h - the handler calls that the sessions of one loop wait for, with
 * their deadlines.
 *
 * Thread: everything here is called on the table's loop. */
#ifndef PL_CALL_TABLE_H
#define PL_CALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "err.h"
#include "list.h"
#include "map.h"
#include "timer.h"

struct pl_handlers;   /* handlers.h */
struct pl_watch_mail; /* session_mail.h */

enum { PL_CALLS_MAX = 65536 /* per loop */ };

/* A call that missed its deadline.  The table has already removed it. */
struct pl_call_overdue {
    struct pl_address session;
    uint32_t number;
    uint32_t command; /* as in pl_call_table_add() */
    const char *name; /* of the handler; valid during the callback */
};

struct pl_call_table {
    struct pl_loop *loop;
    struct pl_map calls;
    struct pl_map sessions; /* that have calls: one call of each */
    struct pl_call_queue {
        struct pl_list by_age; /* oldest first: all have the same timeout */
        uint64_t timeout_ms;
    } messages, verdicts;
    struct pl_timer timer;
    uint32_t newest; /* the number of the newest call */
    void (*overdue)(void *arg, const struct pl_call_overdue *call);
    void *arg;
};

/* Initialise the table.  `overdue` is called for each call without a result
 * `timeout_ms` after its start; `verdict_ms` for a verdict. */
void pl_call_table_init(struct pl_call_table *t, struct pl_loop *loop,
                        uint64_t timeout_ms, uint64_t verdict_ms,
                        void (*overdue)(void *arg,
                                        const struct pl_call_overdue *call),
                        void *arg);

/* Cancel all calls without calling `overdue`, and free the table. */
void pl_call_table_fini(struct pl_call_table *t);

/* Add a call: `command` of `session` waits for the result of the handler
 * `name`, which is a constant or belongs to an entry of `handlers`.  *number
 * identifies the call and is never 0.  `command` is 0 for a verdict.
 * Owner:  the table holds a reference to `handlers` while it needs the name.
 * Errors: PL_ENOMEM; PL_EFULL: the table has PL_CALLS_MAX calls. */
enum pl_err pl_call_table_add(struct pl_call_table *t,
                              struct pl_address session, uint32_t command,
                              struct pl_handlers *handlers, const char *name,
                              uint32_t *number);

/* Remove call `number`, which has its result, and set *command to the command
 * that waits for it.  Return false if `session` has no such call: it was
 * overdue or has had its result before. */
bool pl_call_table_take(struct pl_call_table *t, struct pl_address session,
                        uint32_t number, uint32_t *command);

/* Cancel call `number`, if `session` has it: its command will not run. */
void pl_call_table_cancel(struct pl_call_table *t, struct pl_address session,
                          uint32_t number);

/* Cancel the calls of `session`, which has closed. */
void pl_call_table_drop(struct pl_call_table *t, struct pl_address session);

/* Notify `m` of what becomes of call `number`.  Return false if `session` has
 * no such call. Owner: the table, unless the result is false. */
bool pl_call_table_watch(struct pl_call_table *t, struct pl_address session,
                         uint32_t number, struct pl_watch_mail *m);

/* Notify `m` that its call has ended; NULL is allowed.  `loop` runs the
 * caller. */
void pl_watch_end(struct pl_loop *loop, struct pl_watch_mail *m,
                  bool is_cancelled);

#endif
