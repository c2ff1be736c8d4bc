/* SPDX-License-Identifier: Apache-2.0 */
/* call_table.h - the calls of handlers that a loop's sessions wait for, and
 * until when.
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

struct pl_handlers; /* handlers.h */

enum { PL_CALLS_MAX = 65536 /* of a loop's sessions */ };

/* A call that nobody answered in time, or that nobody waits for any more.  The
 * table does not know it any more. */
struct pl_call_overdue {
    struct pl_address session;
    uint32_t number;
    uint32_t command;
    const char *name; /* of the handler; for the time of the call */
};

struct pl_call_table {
    struct pl_loop *loop;
    struct pl_map calls;
    struct pl_list by_age; /* oldest first, as they all may take as long */
    struct pl_timer timer;
    uint64_t timeout_ms;
    uint32_t newest; /* the number given last */
    void (*overdue)(void *arg, const struct pl_call_overdue *call);
    void *arg;
};

/* Each call has `timeout_ms` from its begin; then `overdue` is told of it. */
void pl_call_table_init(
    struct pl_call_table *t, struct pl_loop *loop, uint64_t timeout_ms,
    void (*overdue)(void *arg, const struct pl_call_overdue *call), void *arg);

/* Forget all calls and free the table. */
void pl_call_table_fini(struct pl_call_table *t);

/* `session` waits for the answer to `command` of `name`, which is constant or
 * an entry of `handlers`.  *number is what the call is known by, never 0.
 * Owner:  the table holds `handlers` as long as it needs the name.
 * Errors: PL_ENOMEM; PL_EFULL: it has PL_CALLS_MAX. */
enum pl_err pl_call_table_add(struct pl_call_table *t,
                              struct pl_address session, uint32_t command,
                              struct pl_handlers *handlers, const char *name,
                              uint32_t *number);

/* The call is answered: it is forgotten, and *command is what waits for it.
 * False: nothing of `session` does, because it was overdue or answered before.
 */
bool pl_call_table_take(struct pl_call_table *t, struct pl_address session,
                        uint32_t number, uint32_t *command);

#endif
