/* SPDX-License-Identifier: Apache-2.0 */
/* login_state.c - what a session keeps while it logs in; see login_private.h.
 *
 * The end of a session and its output need this and nothing else of a login, so
 * they do not depend on login.c. */
#include "login_private.h"

#include <stdlib.h>

#include "call_table.h"
#include "handlers.h"
#include "login.h"
#include "token.h"

struct pl_outq *pl_login_deferred(struct pl_login *l)
{
    return &l->deferred;
}

struct pl_kept *pl_login_kept(struct pl_login *l)
{
    return &l->kept;
}

void pl_login_end_watch(struct pl_login *l, struct pl_loop *loop,
                        bool is_cancelled)
{
    struct pl_watch_mail *watch = l->watch;

    l->watch = NULL;
    pl_watch_end(loop, watch, is_cancelled);
}

void pl_login_destroy(struct pl_login *l, struct pl_loop *loop,
                      struct pl_out_pool *pool)
{
    pl_login_end_watch(l, loop, true);
    pl_outq_drop(&l->deferred, pool, PL_METRIC_FRAMES_CANCELLED, true);
    pl_kept_fini(&l->kept);
    pl_token_claims_destroy(l->claims);
    pl_arena_fini(&l->arena);
    pl_handlers_release(l->handlers);
    free(l);
}
