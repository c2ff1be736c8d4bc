/* SPDX-License-Identifier: Apache-2.0 */
/* key_wake.c - runs what waits for a public key.
 *
 * Commands and logins know key_cache.c, which keeps what waits and runs
 * nothing; only this file calls back into them. */
#include "key_cache.h"

#include <stdlib.h>

#include "key_mail.h"
#include "login.h"
#include "mail.h"
#include "resume.h"
#include "session_manager_private.h"
#include "session_private.h"

static void wake(struct pl_session *s, uint32_t number)
{
    if (number == 0)
        pl_session_login_keyed(s);
    else
        pl_session_run_waiting(s, number, NULL);
}

void pl_key_wake(struct pl_session_manager *k, struct pl_key_mail *m)
{
    struct pl_key_waiter *waiters;
    size_t count = pl_key_cache_take(k, m, &waiters);

    for (size_t i = 0; i < count; i++) {
        struct pl_session *s = pl_session_at(k->actor.loop, waiters[i].session);

        if (s != NULL && s->state < PL_SESSION_CLOSING) /* else it has ended */
            wake(s, waiters[i].number);
    }
    free(waiters);
    pl_mail_destroy(&m->msg);
}
