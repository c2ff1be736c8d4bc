/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - notifies the program that nothing waits for its answer any more:
 * pl_ask_watch() and pl_call_watch().
 *
 * The program may answer on one thread while a loop finds that the client has
 * gone.  So the notice does not name the question, which the answer frees, but
 * `work` of the program, which it keeps until release().  The watch travels to
 * the session as mail, before the answer; the loop then alone decides which of
 * the two came first.
 *
 * Rejected: asking the program for a table of its questions, and calling it
 * with the question; each program would need a lock around that table.
 *
 * Invariant: release() is called exactly once for each watch, after
 * cancelled(). */
#include "handlers.h"
#include "host.h"
#include "parley.h"

#include <stdlib.h>

#include "list.h"
#include "loop_handle.h"
#include "session_mail.h"

typedef void on_work(void *work);

struct watch {
    struct pl_watch_mail mail; /* first: to the session */
    struct pl_host_mail home;  /* to the base that the program has lent */
    struct pl_loop_handle
        *host; /* reference: of that base; NULL: none is lent */
    struct pl_address host_at;
    bool is_cancelled;
    on_work *cancelled, *release; /* may be NULL */
    void *work;
};

static void finish(struct watch *w)
{
    if (w->is_cancelled && w->cancelled != NULL)
        w->cancelled(w->work);
    if (w->release != NULL)
        w->release(w->work);
    pl_loop_handle_release(w->host);
    free(w);
}

static void run(struct pl_host_mail *home)
{
    finish(PL_CONTAINER(home, struct watch, home));
}

/* The base runs nothing any more. */
static void destroy(struct pl_msg *msg)
{
    run((struct pl_host_mail *)msg);
}

static void end(struct pl_watch_mail *m, bool is_cancelled)
{
    struct watch *w = (struct watch *)m;

    w->is_cancelled = is_cancelled;
    if (w->host == NULL)
        finish(w);
    else
        pl_host_post_late(w->host, w->host_at, &w->home);
}

static enum pl_err watch(struct pl_call *call, on_work *cancelled,
                         on_work *release, void *work)
{
    struct watch *w = calloc(1, sizeof *w);

    if (w == NULL)
        return PL_ENOMEM;
    pl_watch_mail_init(&w->mail, end);
    w->home.msg.destroy = destroy;
    w->home.run = run;
    w->cancelled = cancelled;
    w->release = release;
    w->work = work;
    if (call->host != NULL) {
        w->host = pl_loop_handle_hold(call->host);
        w->host_at = call->host_at;
    }
    enum pl_err rc = pl_call_set_watch(call, &w->mail);
    if (rc != PL_OK) {
        pl_loop_handle_release(w->host);
        free(w);
    }
    return rc;
}

enum pl_err pl_ask_watch(struct pl_ask *ask, void (*cancelled)(void *work),
                         void (*release)(void *work), void *work)
{
    return watch((struct pl_call *)(void *)ask, cancelled, release, work);
}

enum pl_err pl_call_watch(struct pl_call *call, void (*cancelled)(void *work),
                          void (*release)(void *work), void *work)
{
    return watch(call, cancelled, release, work);
}
