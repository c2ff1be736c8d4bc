/* SPDX-License-Identifier: Apache-2.0 */
/* subscriber.c - what the hub calls of a session: each result goes to the file
 * whose request it is.
 *
 * No callback may close the session (ending.c). */
#include "subscriber.h"

#include "channels_mail.h"
#include "custom.h"
#include "expiring.h"
#include "hooks_private.h"
#include "login.h"
#include "missing.h"
#include "output.h"
#include "publish.h"
#include "query.h"
#include "session_parts.h"
#include "subscribe.h"

static void published(struct pl_subscriber *u, const struct pl_publish_mail *m)
{
    struct pl_session *s = pl_session_of_subscriber(u);

    if (pl_session_is_over(s))
        return;
    if (m->origin.kind == PL_VERB_PUBLISH)
        pl_session_tell_published(s, m);
    else
        pl_session_actor_published(s, m);
}

static void attached(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m)
{
    struct pl_session *s = pl_session_of_subscriber(u);

    pl_arena_reset(pl_session_arena(s));
    if (m->shown != NULL)
        pl_session_note_shown(s);
    if (m->origin.kind == PL_VERB_CONNECT)
        pl_session_login_attached(s, sub, m);
    else if (m->origin.kind == PL_KIND_MISSING)
        pl_missing_attached(s, sub, m);
    else
        pl_session_tell_attached(s, sub, m);
    if (m->error == 0)
        pl_session_tell_begun(s, sub);
}

static void dropped(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code)
{
    pl_expiring_drop(pl_session_of_subscriber(u), sub);
    pl_session_tell_ended(pl_session_of_subscriber(u), sub, code);
    pl_session_tell_dropped(pl_session_of_subscriber(u), sub, code);
}

static void unsubscribed(struct pl_subscriber *u, uint32_t command)
{
    pl_session_tell_unsubscribed(pl_session_of_subscriber(u), command);
}

static void cannot_encode(struct pl_subscriber *u)
{
    pl_session_schedule_close(pl_session_of_subscriber(u),
                              PL_DISCONNECT_INAPPROPRIATE);
}

const struct pl_subscriber_ops pl_session_subscriber_ops = {
    .deliver = pl_session_deliver,
    .has_space = pl_session_may_recover,
    .attached = attached,
    .dropped = dropped,
    .unsubscribed = unsubscribed,
    .cannot_encode = cannot_encode,
    .published = published,
    .queried = pl_session_tell_queried,
};
