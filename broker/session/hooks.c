/* SPDX-License-Identifier: Apache-2.0 */
/* hooks.c - tells the embedding program of clients and their subscriptions; see
 * hooks.h.
 *
 * A client is told at the flush of the turn in which its login was answered,
 * and not with the answer.  By then the turn has posted its mail, so the
 * supervisor knows the client before the program can ask for it, and the client
 * has not seen its reply yet.
 *
 * No subscription remembers whether it was told: once the client is known, each
 * live subscription that is not leaving has been told, and no other has.
 *
 * Rejected: telling by mail.  Without memory for it a client would stay in the
 * books of the program for ever. */
#include "hooks.h"

#include "hooks_private.h"
#include "session_private.h"

static const struct pl_hooks *hooks(const struct pl_session *s)
{
    return s->keeper->options.hooks;
}

static bool is_told(const struct pl_sub *sub)
{
    return sub->state != PL_SUB_ATTACHING && sub->state != PL_SUB_ENDED &&
           !sub->is_leaving;
}

static void tell(struct pl_session *s, const struct pl_sub *sub, bool begins,
                 uint32_t code)
{
    const struct pl_hooks *h = hooks(s);

    if (h->subscribed == NULL)
        return;
    pl_loop_enter(s->actor.loop, "subscription");
    h->subscribed(h->arg, s->subscriber.client, pl_sub_channel(sub), begins,
                  code);
    pl_loop_leave(s->actor.loop);
}

void pl_session_tell_connected(struct pl_session *s)
{
    const struct pl_hooks *h = hooks(s);

    s->is_new = false;
    if (h->connected != NULL) {
        pl_loop_enter(s->actor.loop, "connected");
        s->is_known = h->connected(h->arg, s->subscriber.client);
        pl_loop_leave(s->actor.loop);
        if (!s->is_known) {
            pl_session_close(s, PL_DISCONNECT_SERVER_ERROR,
                             (struct pl_span){0});
            return;
        }
    }
    s->is_known = true;
    for (struct pl_sub *sub = s->subscriber.subs; sub != NULL; sub = sub->next)
        if (is_told(sub))
            tell(s, sub, true, 0);
}

static void tell_end(struct pl_session *s, uint32_t code, struct pl_span reason)
{
    const struct pl_hooks *h = hooks(s);

    s->is_known = false;
    if (h->disconnected == NULL)
        return;
    pl_loop_enter(s->actor.loop, "disconnected");
    h->disconnected(h->arg, s->subscriber.client, code, reason);
    pl_loop_leave(s->actor.loop);
}

void pl_session_tell_disconnected(struct pl_session *s, uint32_t code,
                                  struct pl_span reason)
{
    s->is_new = false;
    if (!s->is_known)
        return;
    for (struct pl_sub *sub = s->subscriber.subs; sub != NULL; sub = sub->next)
        if (is_told(sub))
            tell(s, sub, false, code);
    tell_end(s, code, reason);
}

/* The hub may be gone, and the subscriptions with it. */
void pl_session_tell_reaped(struct pl_session *s)
{
    if (s->is_known)
        tell_end(s, PL_DISCONNECT_SHUTDOWN, PL_SPAN("shutdown"));
}

/* Called while the subscription is not live yet. */
void pl_session_tell_begun(struct pl_session *s, const struct pl_sub *sub)
{
    if (s->is_known && !sub->is_leaving)
        tell(s, sub, true, 0);
}

/* The client has asked to leave a live subscription. */
void pl_session_tell_left(struct pl_session *s, const struct pl_sub *sub)
{
    if (s->is_known)
        tell(s, sub, false, 0);
}

void pl_session_tell_ended(struct pl_session *s, const struct pl_sub *sub,
                           uint32_t code)
{
    if (s->is_known && is_told(sub))
        tell(s, sub, false, code);
}
