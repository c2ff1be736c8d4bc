/* SPDX-License-Identifier: Apache-2.0 */
/* dirty.c - the list of the sessions that the flush at the end of the turn
 * visits (session_manager.c).
 *
 * The list ends with the address of the session manager, not with NULL, so that
 * next_dirty is NULL only for a session that is not in it. */
#include "session_private.h"

#include "session_manager_private.h"

void pl_session_manager_mark_dirty(struct pl_session_manager *k,
                                   struct pl_session *s)
{
    if (s->next_dirty != NULL)
        return;
    s->next_dirty = pl_session_manager_dirty_end(k);
    *k->dirty_end = s;
    k->dirty_end = &s->next_dirty;
    pl_loop_defer(k->actor.loop, PL_STAGE_FLUSH, &k->flush);
}

void pl_session_manager_unmark_dirty(struct pl_session_manager *k,
                                     struct pl_session *s)
{
    struct pl_session **at = &k->dirty;

    if (s->next_dirty == NULL)
        return;
    while (*at != s)
        at = &(*at)->next_dirty;
    *at = s->next_dirty;
    if (*at == pl_session_manager_dirty_end(k))
        k->dirty_end = at;
}
