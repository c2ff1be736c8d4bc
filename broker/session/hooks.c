/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c - notifies the embedding program of clients and their subscriptions;
 * see hooks.h.
 *
 * The session reports a client at the flush of the turn that queued its connect
 * reply.  By then the turn has posted its mail, so the supervisor knows the
 * client before the program can ask for it.  The reply itself is not sent yet.
 *
 * A subscription has no flag that says whether it was reported.  Once the
 * program knows the client, it knows exactly the live subscriptions that are
 * not leaving.
 *
 * Rejected: notifying by mail, because without memory for the mail the program
 * would never remove the client. */
#include "hooks.h"

#include "hooks_private.h"
#include "session_private.h"

static bool is_told(const struct pl_sub *sub)
{
    return sub->state != PL_SUB_ATTACHING && sub->state != PL_SUB_ENDED &&
           !sub->is_leaving;
}

static void tell(struct pl_session *s, const struct pl_sub *sub, bool begins,
                 uint32_t code)
{
    const struct pl_hooks *h = pl_session_hooks(s);

    if (h->subscribed == NULL)
        return;
    pl_loop_enter(s->actor.loop, "subscription");
    h->subscribed(h->arg, s->subscriber.client, pl_sub_channel(sub), begins,
                  code);
    pl_loop_leave(s->actor.loop);
}

static bool is_known(const struct pl_session *s)
{
    return s->known == PL_KNOWN_PROGRAM;
}

bool pl_session_tell_connected(struct pl_session *s)
{
    const struct pl_hooks *h = pl_session_hooks(s);
    bool is_taken = true;

    s->known = PL_KNOWN_SUPERVISOR;
    if (h->connected != NULL) {
        pl_loop_enter(s->actor.loop, "connected");
        is_taken = h->connected(h->arg, s->subscriber.client);
        pl_loop_leave(s->actor.loop);
    }
    if (!is_taken)
        return false;
    s->known = PL_KNOWN_PROGRAM;
    for (struct pl_sub *sub = s->subscriber.subs; sub != NULL; sub = sub->next)
        if (is_told(sub))
            tell(s, sub, true, 0);
    return true;
}

static void tell_end(struct pl_session *s, uint32_t code, struct pl_span reason)
{
    const struct pl_hooks *h = pl_session_hooks(s);

    s->known = PL_KNOWN_SUPERVISOR;
    if (h->disconnected == NULL)
        return;
    pl_loop_enter(s->actor.loop, "disconnected");
    h->disconnected(h->arg, s->subscriber.client, code, reason);
    pl_loop_leave(s->actor.loop);
}

void pl_session_tell_disconnected(struct pl_session *s, uint32_t code,
                                  struct pl_span reason)
{
    if (s->known == PL_KNOWN_SOON)
        s->known = PL_KNOWN_SUPERVISOR;
    if (!is_known(s))
        return;
    for (struct pl_sub *sub = s->subscriber.subs; sub != NULL; sub = sub->next)
        if (is_told(sub))
            tell(s, sub, false, code);
    tell_end(s, code, reason);
}

/* The hub, and the subscriptions with it, may have been freed already. */
void pl_session_tell_reaped(struct pl_session *s)
{
    if (is_known(s))
        tell_end(s, PL_DISCONNECT_SHUTDOWN, PL_SPAN("shutdown"));
}

/* Called before the subscription is live. */
void pl_session_tell_begun(struct pl_session *s, const struct pl_sub *sub)
{
    if (is_known(s) && !sub->is_leaving)
        tell(s, sub, true, 0);
}

/* The client has requested the end of a live subscription. */
void pl_session_tell_left(struct pl_session *s, const struct pl_sub *sub)
{
    if (is_known(s))
        tell(s, sub, false, 0);
}

void pl_session_tell_ended(struct pl_session *s, const struct pl_sub *sub,
                           uint32_t code)
{
    if (is_known(s) && is_told(sub))
        tell(s, sub, false, code);
}
