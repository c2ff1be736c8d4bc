/* SPDX-License-Identifier: Apache-2.0 */
/* answered.c - see answered.h.
 *
 * An answer concerns a login, an rpc or a command that waits for a verdict.  It
 * arrives by mail, whether the program answers at once or from another
 * thread. */
#include "answered.h"

#include "call_table.h"
#include "custom.h"
#include "log.h"
#include "login.h"
#include "replies.h"
#include "resume.h"
#include "session_mail.h"
#include "verdict_private.h"

void pl_session_answered(struct pl_session *s, struct pl_answer_mail *m)
{
    struct pl_verdict v = pl_verdict_of(m);
    uint32_t command;

    if (m->is_connect) {
        pl_session_login_answered(s, m->call, &v);
    } else if (m->call != 0) {
        if (!pl_call_table_take(pl_session_calls(s), pl_session_address(s),
                                m->call, &command))
            pl_count(metrics(s), PL_METRIC_HANDLER_LATE, 1);
        else if (pl_session_is_connected(s) && command != 0)
            pl_session_answer_rpc(s, command, &v);
        else
            pl_session_run_waiting(s, m->call, &v);
    }
}

/* The watch of a call comes before its answer, but maybe after its end. */
void pl_session_watched(struct pl_session *s, struct pl_watch_mail *m)
{
    bool is_open = m->is_connect
                       ? pl_session_login_watched(s, m)
                       : pl_call_table_watch(pl_session_calls(s),
                                             pl_session_address(s), m->call, m);

    if (!is_open)
        pl_watch_end(pl_session_loop(s), m, true);
}

/* Calls of a session end with it, so the session is connected. */
void pl_session_overdue(void *loop, const struct pl_call_overdue *call)
{
    struct pl_session *s = pl_session_at(loop, call->session);

    pl_count(metrics(s), PL_METRIC_HANDLER_TIMEOUT, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_HANDLER_TIMEOUT, PL_LOG_WARN,
                   "handler did not answer in time",
                   pl_log_string("handler", call->name),
                   pl_log_text("client", pl_session_id(s)));
    struct pl_verdict v = pl_verdict_overdue();
    if (call->command != 0)
        pl_session_fail(s, call->command, PL_ERROR_TIMED_OUT);
    else
        pl_session_run_waiting(s, call->number, &v);
}
