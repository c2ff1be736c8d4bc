/* SPDX-License-Identifier: Apache-2.0 */
/* call_table.c - see call_table.h.
 *
 * A handler may reply at any time and from any thread, so a number identifies
 * the call, not a pointer.  All calls of a queue have the same timeout, so the
 * oldest is always due first, and one timer serves both queues.  The timer runs
 * only while the table has calls.
 *
 * The calls of a session are a ring.  A map finds one of them by the session,
 * so that a session that closes takes its calls along; the session itself has
 * nothing, because most sessions never call a handler.
 *
 * Rejected: the client's command id as the key, because clients reuse ids, and
 * a second reply to one call would then resolve another command.
 *
 * Invariant: a call is in `calls`, in its queue and in the ring of its session;
 * of each ring exactly one call is in `sessions`. */
#include "call_table.h"

#include <stdlib.h>

#include "handlers.h"
#include "loop.h"
#include "session_mail.h"

struct call {
    struct pl_map_node node;     /* its hash is the number */
    struct pl_map_node head;     /* in `sessions`, if is_head */
    struct pl_list link;         /* in its queue */
    struct pl_list siblings;     /* the ring of the session's calls */
    struct pl_watch_mail *watch; /* owned; NULL: none */
    bool is_head;
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

static struct call *find_of(const struct pl_call_table *t,
                            struct pl_address session, uint32_t number)
{
    struct call *c = find(t, number);

    return c != NULL && pl_address_equal(c->session, session) ? c : NULL;
}

/* --- The calls of a session --- */

static bool is_of_session(const struct pl_map_node *n, const void *key)
{
    const struct call *c = PL_CONTAINER(n, const struct call, head);

    return pl_address_equal(c->session, *(const struct pl_address *)key);
}

static struct call *find_head(const struct pl_call_table *t,
                              struct pl_address session)
{
    struct pl_map_node *n =
        pl_map_find(&t->sessions, session.slot, is_of_session, &session);

    return n == NULL ? NULL : PL_CONTAINER(n, struct call, head);
}

static enum pl_err join_session(struct pl_call_table *t, struct call *c)
{
    struct call *head = find_head(t, c->session);

    pl_list_init(&c->siblings);
    if (head != NULL) {
        pl_list_append(&head->siblings, &c->siblings);
        return PL_OK;
    }
    c->is_head = true;
    return pl_map_add(&t->sessions, &c->head, c->session.slot);
}

/* The next call takes the place of the head before that leaves, so the map has
 * a table, and adding cannot fail. */
static void leave_session(struct pl_call_table *t, struct call *c)
{
    if (c->is_head && !pl_list_is_empty(&c->siblings)) {
        struct call *next =
            PL_CONTAINER(c->siblings.next, struct call, siblings);

        next->is_head = true;
        pl_map_add(&t->sessions, &next->head, c->session.slot);
    }
    if (c->is_head)
        pl_map_remove(&t->sessions, &c->head);
    pl_list_remove(&c->siblings);
}

/* --- The queues --- */

/* Remove the call, and return what watched it. */
static struct pl_watch_mail *forget(struct pl_call_table *t, struct call *c)
{
    struct pl_watch_mail *watch = c->watch;

    pl_map_remove(&t->calls, &c->node);
    leave_session(t, c);
    pl_list_remove(&c->link);
    pl_handlers_release(c->handlers);
    free(c);
    return watch;
}

void pl_watch_end(struct pl_loop *loop, struct pl_watch_mail *m,
                  bool is_cancelled)
{
    if (m == NULL)
        return;
    pl_loop_enter(loop, "cancelled");
    m->end(m, is_cancelled);
    pl_loop_leave(loop);
}

static struct call *first_of(const struct pl_call_queue *q)
{
    return pl_list_is_empty(&q->by_age)
               ? NULL
               : PL_CONTAINER(q->by_age.next, struct call, link);
}

/* Return the call that is due first. */
static struct call *oldest(const struct pl_call_table *t)
{
    struct call *m = first_of(&t->messages), *v = first_of(&t->verdicts);

    if (m == NULL || v == NULL)
        return m == NULL ? v : m;
    return v->due_ms < m->due_ms ? v : m;
}

static struct pl_call_queue *queue_of(struct pl_call_table *t, uint32_t command)
{
    return command == 0 ? &t->verdicts : &t->messages;
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

        /* Forget first: the callbacks may add and remove calls. */
        struct pl_watch_mail *watch = forget(t, c);
        t->overdue(t->arg, &overdue);
        pl_watch_end(t->loop, watch, true);
        pl_handlers_release(named);
    }
    schedule(t);
}

void pl_call_table_init(struct pl_call_table *t, struct pl_loop *loop,
                        uint64_t timeout_ms, uint64_t verdict_ms,
                        void (*overdue)(void *arg,
                                        const struct pl_call_overdue *call),
                        void *arg)
{
    *t = (struct pl_call_table){.loop = loop,
                                .messages.timeout_ms = timeout_ms,
                                .verdicts.timeout_ms = verdict_ms,
                                .overdue = overdue,
                                .arg = arg};
    t->timer.fire = on_timer;
    pl_list_init(&t->messages.by_age);
    pl_list_init(&t->verdicts.by_age);
}

void pl_call_table_fini(struct pl_call_table *t)
{
    for (struct call *c; (c = oldest(t)) != NULL;) {
        struct pl_watch_mail *watch = forget(t, c);

        if (watch != NULL)
            watch->end(watch, true);
    }
    pl_timer_stop(t->loop, &t->timer);
    pl_map_fini(&t->calls);
    pl_map_fini(&t->sessions);
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

/* False: out of memory. */
static bool put(struct pl_call_table *t, struct call *c, uint32_t number)
{
    if (pl_map_add(&t->calls, &c->node, number) != PL_OK)
        return false;
    if (join_session(t, c) == PL_OK)
        return true;
    pl_map_remove(&t->calls, &c->node);
    return false;
}

enum pl_err pl_call_table_add(struct pl_call_table *t,
                              struct pl_address session, uint32_t command,
                              struct pl_handlers *handlers, const char *name,
                              uint32_t *number)
{
    struct pl_call_queue *q = queue_of(t, command);

    if (t->calls.count >= PL_CALLS_MAX)
        return PL_EFULL;
    struct call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return PL_ENOMEM;
    c->session = session;
    c->command = command;
    uint32_t mine = next_number(t);
    if (!put(t, c, mine)) {
        free(c);
        return PL_ENOMEM;
    }
    c->due_ms = pl_loop_now_ms(t->loop) + q->timeout_ms;
    c->handlers = pl_handlers_hold(handlers);
    c->name = name;
    pl_list_append(&q->by_age, &c->link);
    if (!pl_timer_is_running(&t->timer) || oldest(t) == c)
        schedule(t);
    *number = mine;
    return PL_OK;
}

bool pl_call_table_take(struct pl_call_table *t, struct pl_address session,
                        uint32_t number, uint32_t *command)
{
    struct call *c = find_of(t, session, number);

    if (c == NULL)
        return false;
    *command = c->command;
    struct pl_watch_mail *watch = forget(t, c);
    if (oldest(t) == NULL)
        schedule(t);
    pl_watch_end(t->loop, watch, false);
    return true;
}

void pl_call_table_cancel(struct pl_call_table *t, struct pl_address session,
                          uint32_t number)
{
    struct call *c = find_of(t, session, number);

    if (c == NULL)
        return;
    struct pl_watch_mail *watch = forget(t, c);
    if (oldest(t) == NULL)
        schedule(t);
    pl_watch_end(t->loop, watch, true);
}

void pl_call_table_drop(struct pl_call_table *t, struct pl_address session)
{
    struct call *c = find_head(t, session);

    if (c == NULL)
        return;
    for (; c != NULL; c = find_head(t, session))
        pl_watch_end(t->loop, forget(t, c), true);
    if (oldest(t) == NULL)
        schedule(t);
}

bool pl_call_table_watch(struct pl_call_table *t, struct pl_address session,
                         uint32_t number, struct pl_watch_mail *m)
{
    struct call *c = find_of(t, session, number);

    if (c == NULL || c->watch != NULL)
        return false;
    c->watch = m;
    return true;
}
