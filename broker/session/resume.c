/* SPDX-License-Identifier: Apache-2.0 */
/* resume.c - see resume.h.
 *
 * Three things make input wait: a login, the rate or the budget (throttle.c),
 * and a verdict (wait.c).  Those files keep what waits and run nothing; the
 * commands know those files and not this one.  So only this file and login.c,
 * whose verdict lets kept messages run, call back into the commands.
 *
 * Rejected: running the commands where they are kept, because then each of
 * these files and the commands call one another. */
#include "resume.h"

#include <stdlib.h>

#include "commands.h"
#include "ending.h"
#include "session_manager_private.h"
#include "login.h"
#include "replies.h"
#include "throttle.h"
#include "session_private.h"
#include "subscribe.h"
#include "wait.h"

/* --- Messages --- */

static bool has_to_wait(const struct pl_session *s)
{
    return s->state == PL_SESSION_LOGIN || s->holds & PL_HOLDS_MESSAGES;
}

static struct pl_kept *kept_of(struct pl_session *s)
{
    return s->state == PL_SESSION_LOGIN ? pl_login_kept(s->login)
                                        : pl_throttle_kept(s->throttle);
}

void pl_session_run_kept(struct pl_session *s, struct pl_kept k)
{
    struct pl_kept *before = s->manager->running;
    struct pl_span message;

    s->manager->running = &k;
    pl_session_visit(s);
    while (!has_to_wait(s) && pl_session_runs_commands(s) &&
           pl_kept_take(&k, &message))
        pl_session_commands(s, message);
    s->manager->running = before;
    if (!pl_kept_is_empty(&k) && pl_session_runs_commands(s))
        *kept_of(s) = k; /* a message has to wait */
    else
        pl_kept_fini(&k);
}

void pl_session_go_on(struct pl_session *s)
{
    pl_session_run_kept(s, pl_throttle_take_kept(s));
    s->link->go_on(s);
    pl_session_end_in_turn(s);
    pl_session_release(s, PL_HOLD_REPLAY);
}

/* Carried input has a budget of its own, so that it and fresh input do not
 * starve each other. */
void pl_session_manager_run_carried(struct pl_task *t)
{
    struct pl_session_manager *k =
        PL_CONTAINER(t, struct pl_session_manager, carry);
    uint64_t turn = pl_loop_stats(k->actor.loop)->turns;
    struct pl_budget fresh = k->budget;
    struct pl_session *s;

    pl_budget_init(&k->budget, (uint64_t)fresh.units / 2 + 1);
    while (pl_budget_has_turn(&k->budget, turn) &&
           (s = pl_throttle_carried(k)) != NULL)
        pl_session_go_on(s);
    k->budget = fresh;
    if (!pl_list_is_empty(&k->carried))
        pl_loop_defer(k->actor.loop, PL_STAGE_READY, &k->carry);
}

/* --- Commands that waited for a verdict --- */

/* End the subscription that `p` has made: it was unsubscribed while `p`
 * waited. */
static void kick(struct pl_session *s, struct pl_parked *p)
{
    struct pl_span raw = {p->raw, p->len};
    struct pl_command c;
    const char *why;
    size_t at;

    pl_arena_reset(&s->manager->arena);
    if (pl_command_decode(s->subscriber.encoding, &raw, &s->manager->arena, &c,
                          &why, &at) != PL_OK)
        pl_session_schedule_close(
            s, PL_DISCONNECT_SERVER_ERROR); /* out of memory */
    else if (c.verb == PL_VERB_SUBSCRIBE)
        pl_session_kick_channel(s, c.subscribe.channel, p->drop_code);
}

/* Run `p`.  Return true if it waits for another verdict. */
static bool run_parked(struct pl_session *s, struct pl_parked *p,
                       const struct pl_verdict *v)
{
    struct pl_session_manager *k = s->manager;

    k->waits.parked = p;
    k->waits.given = v;
    pl_session_commands(s, (struct pl_span){p->raw, p->len});
    k->waits.given = NULL;
    bool is_again = k->waits.parked == NULL;
    k->waits.parked = NULL;
    if (!is_again && p->drop_code != 0 && s->state < PL_SESSION_CLOSING)
        kick(s, p);
    return is_again;
}

static void cancel_later(struct pl_session *s, uint32_t order,
                         struct pl_wait_queue *q)
{
    for (unsigned n = pl_wait_cancel_later(s, order, q); n > 0; n--)
        pl_session_resolve(s, PL_METRIC_COMMANDS_CANCELLED);
}

static void run_queue(struct pl_session *s, struct pl_wait_queue *q,
                      const struct pl_verdict *v)
{
    struct pl_parked *p;

    while ((p = pl_wait_next(s, q)) != NULL) {
        uint32_t order = p->order;
        bool was_invalid = s->ending >= PL_ENDING_INVALID;
        bool is_again = run_parked(s, p, v);

        if (!is_again)
            free(p);
        if (s->state >= PL_SESSION_CLOSING || s->ending >= PL_ENDING_SCHEDULED)
            return; /* all waits are freed, or are about to be */
        if (!was_invalid && s->ending == PL_ENDING_INVALID)
            cancel_later(s, order, q);
        pl_wait_relax(s);
        if (is_again)
            return;
        v = NULL;
    }
    pl_wait_end_queue(s, q);
}

bool pl_session_run_waiting(struct pl_session *s, uint32_t number,
                            const struct pl_verdict *v)
{
    struct pl_wait_queue *q = pl_wait_find(s, number);

    if (q != NULL && s->ending < PL_ENDING_SCHEDULED)
        run_queue(s, q, v);
    return q != NULL;
}
