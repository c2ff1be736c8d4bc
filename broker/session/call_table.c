/* SPDX-License-Identifier: Apache-2.0 */
/* call_table.c - see call_table.h.
 *
 * A handler may reply at any time and from any thread, so a number identifies
 * the call, not a pointer.  All calls have the same timeout, so the oldest is
 * always due first, and one timer serves all.  The timer runs only while the
 * table has calls.
 *
 * When a session closes, its calls for custom messages stay here until they are
 * due.  To find them, each session would need a list, and most sessions never
 * call a handler.  Calls for verdicts are removed with the session (wait.c).
 *
 * Rejected: the client's command id as the key, because clients reuse ids, and
 * a second reply to one call would then resolve another command.
 *
 * Invariant: a call is in the map and in the list, or in neither. */
#include "call_table.h"

#include <stdlib.h>

#include "handlers.h"
#include "loop.h"

struct call {
    struct pl_map_node node; /* its hash is the number */
    struct pl_list link;
    struct pl_address session;
    uint64_t due_ms;
    uint32_t command;
    struct pl_handlers *handlers; /* reference; owns `name` */
    const char *name;
};

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* numbers are their own hash, and unique */
}

static struct call *find(const struct pl_call_table *t, uint32_t number)
{
    struct pl_map_node *n = pl_map_find(&t->calls, number, is_any, NULL);

    return n == NULL ? NULL : PL_CONTAINER(n, struct call, node);
}

static void forget(struct pl_call_table *t, struct call *c)
{
    pl_map_remove(&t->calls, &c->node);
    pl_list_remove(&c->link);
    pl_handlers_release(c->handlers);
    free(c);
}

static struct call *oldest(const struct pl_call_table *t)
{
    return pl_list_is_empty(&t->by_age)
               ? NULL
               : PL_CONTAINER(t->by_age.next, struct call, link);
}

static void schedule(struct pl_call_table *t)
{
    const struct call *c = oldest(t);
    uint64_t now_ms = pl_loop_now_ms(t->loop);

    if (c == NULL)
        pl_timer_stop(t->loop, &t->timer);
    else
        pl_timer_start(t->loop, &t->timer,
                       c->due_ms > now_ms ? c->due_ms - now_ms : 0);
}

static void on_timer(struct pl_timer *timer)
{
    struct pl_call_table *t = PL_CONTAINER(timer, struct pl_call_table, timer);
    uint64_t now_ms = pl_loop_now_ms(t->loop);

    for (struct call *c; (c = oldest(t)) != NULL && c->due_ms <= now_ms;) {
        struct pl_handlers *named = pl_handlers_hold(c->handlers);
        struct pl_call_overdue overdue = {c->session, c->node.hash & UINT32_MAX,
                                          c->command, c->name};

        forget(t, c); /* first: the callback may add and remove calls */
        t->overdue(t->arg, &overdue);
        pl_handlers_release(named);
    }
    schedule(t);
}

void pl_call_table_init(
    struct pl_call_table *t, struct pl_loop *loop, uint64_t timeout_ms,
    void (*overdue)(void *arg, const struct pl_call_overdue *call), void *arg)
{
    *t = (struct pl_call_table){
        .loop = loop, .timeout_ms = timeout_ms, .overdue = overdue, .arg = arg};
    t->timer.fire = on_timer;
    pl_list_init(&t->by_age);
}

void pl_call_table_fini(struct pl_call_table *t)
{
    for (struct call *c; (c = oldest(t)) != NULL;)
        forget(t, c);
    pl_timer_stop(t->loop, &t->timer);
    pl_map_fini(&t->calls);
}

/* Skip 0, which means that nothing waits for the call, and numbers in use: the
 * counter wraps around. */
static uint32_t next_number(struct pl_call_table *t)
{
    do
        t->newest++;
    while (t->newest == 0 || find(t, t->newest) != NULL);
    return t->newest;
}

enum pl_err pl_call_table_add(struct pl_call_table *t,
                              struct pl_address session, uint32_t command,
                              struct pl_handlers *handlers, const char *name,
                              uint32_t *number)
{
    if (t->calls.count >= PL_CALLS_MAX)
        return PL_EFULL;
    struct call *c = calloc(1, sizeof *c);
    uint32_t mine = next_number(t);

    if (c == NULL || pl_map_add(&t->calls, &c->node, mine) != PL_OK) {
        free(c);
        return PL_ENOMEM;
    }
    c->session = session;
    c->command = command;
    c->due_ms = pl_loop_now_ms(t->loop) + t->timeout_ms;
    c->handlers = pl_handlers_hold(handlers);
    c->name = name;
    pl_list_append(&t->by_age, &c->link);
    if (!pl_timer_is_running(&t->timer))
        schedule(t);
    *number = mine;
    return PL_OK;
}

bool pl_call_table_take(struct pl_call_table *t, struct pl_address session,
                        uint32_t number, uint32_t *command)
{
    struct call *c = find(t, number);

    if (c == NULL || !pl_address_equal(c->session, session))
        return false;
    *command = c->command;
    forget(t, c);
    if (oldest(t) == NULL)
        schedule(t);
    return true;
}
