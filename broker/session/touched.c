/* SPDX-License-Identifier: Apache-2.0 */
/* touched.c - the list of the sessions that the flush at the end of the turn
 * visits (session_manager.c).
 *
 * The list ends with the address of the session manager, not with NULL, so that
 * next_touched is NULL only for a session that is not in it. */
#include "session_private.h"

#include "session_manager_private.h"

void pl_session_manager_touch(struct pl_session_manager *k,
                              struct pl_session *s)
{
    if (s->next_touched != NULL)
        return;
    s->next_touched = pl_session_manager_touched_end(k);
    *k->touched_end = s;
    k->touched_end = &s->next_touched;
    pl_loop_defer(k->actor.loop, PL_STAGE_FLUSH, &k->flush);
}

void pl_session_manager_untouch(struct pl_session_manager *k,
                                struct pl_session *s)
{
    struct pl_session **at = &k->touched;

    if (s->next_touched == NULL)
        return;
    while (*at != s)
        at = &(*at)->next_touched;
    *at = s->next_touched;
    if (*at == pl_session_manager_touched_end(k))
        k->touched_end = at;
}
