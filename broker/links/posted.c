/* SPDX-License-Identifier: Apache-2.0 */
/* posted.c - see posted.h.
 *
 * The address of a session is in what its client sends, so any client may write
 * any address.  The runtime gives the mail to sessions only, and a link
 * compares a secret of 128 bits that only its own client received.  Rejected:
 * comparing the address alone.  A slot is used again, and an address says
 * nothing about the client that may use it.
 *
 * Input waits while the session does not read, as bytes of a socket do, but a
 * sender does not see that.  So a bounded number of messages waits, and the
 * sender of the next one must send it again.  The order of a sender and a
 * client is kept, nothing else is promised.
 *
 * A resume may come in the middle of a command, so what waits runs as a task of
 * its own.
 *
 * Invariant: `count` mails are in the list, at most PL_POSTED_MAX, and each is
 * answered exactly once. */
#include "posted.h"

#include "mail.h"
#include "session.h"
#include "session_link.h"
#include "session_mail.h"

static struct pl_input_mail *input_of(struct pl_msg *msg)
{
    return (struct pl_input_mail *)msg;
}

static void answer(struct pl_posted *p, struct pl_msg *msg,
                   enum pl_input_status status)
{
    input_of(msg)->status = status;
    pl_mail_answer(pl_session_actor(p->session), msg);
}

/* Takes as long for a secret that is nearly right. */
static bool is_secret(const struct pl_posted *p, const uint64_t secret[2])
{
    return ((p->secret[0] ^ secret[0]) | (p->secret[1] ^ secret[1])) == 0;
}

static bool may_run(const struct pl_posted *p)
{
    return p->first != NULL && !p->is_paused &&
           pl_session_takes_messages(p->session);
}

static struct pl_msg *pop(struct pl_posted *p)
{
    struct pl_msg *msg = p->first;

    p->first = msg->next;
    if (p->first == NULL)
        p->end = &p->first;
    p->count--;
    msg->next = NULL;
    return msg;
}

static void run_one(struct pl_posted *p)
{
    struct pl_msg *msg = pop(p);
    struct pl_session *s = p->session;
    struct pl_span data = pl_blob_span(input_of(msg)->data);
    struct pl_buf copy = {0};

    /* A blob is shared, and a message may be changed in place. */
    pl_buf_put_span(&copy, data);
    if (copy.failed) {
        answer(p, msg, PL_INPUT_FULL);
        pl_buf_fini(&copy);
        return;
    }
    pl_session_message(s, pl_buf_span(&copy));
    pl_session_count_input(s, data.len);
    pl_buf_fini(&copy);
    answer(p, msg, PL_INPUT_TAKEN);
}

static void run(struct pl_posted *p)
{
    pl_session_visit(p->session);
    while (may_run(p)) {
        run_one(p);
        if (p->first != NULL && pl_session_postpones(p->session))
            return;
    }
}

static void on_task(struct pl_task *t)
{
    run(PL_CONTAINER(t, struct pl_posted, run));
}

void pl_posted_init(struct pl_posted *p, struct pl_session *s)
{
    struct pl_random *random = pl_loop_random(pl_session_loop(s));

    *p = (struct pl_posted){.session = s, .end = &p->first};
    p->secret[0] = pl_random_u64(random);
    p->secret[1] = pl_random_u64(random);
    p->run.run = on_task;
}

void pl_posted_mail(struct pl_posted *p, struct pl_msg *msg)
{
    if (msg->returned) { /* nothing was asked of us */
        pl_mail_destroy(msg);
    } else if (!pl_session_listens(p->session) ||
               !is_secret(p, input_of(msg)->secret)) {
        answer(p, msg, PL_INPUT_GONE);
    } else if (p->count == PL_POSTED_MAX) {
        answer(p, msg, PL_INPUT_FULL);
    } else {
        msg->next = NULL;
        *p->end = msg;
        p->end = &msg->next;
        p->count++;
        run(p);
    }
}

void pl_posted_pause(struct pl_posted *p)
{
    p->is_paused = true;
}

void pl_posted_resume(struct pl_posted *p)
{
    p->is_paused = false;
    if (p->first != NULL)
        pl_loop_defer(pl_session_loop(p->session), PL_STAGE_READY, &p->run);
}

void pl_posted_end(struct pl_posted *p)
{
    while (p->first != NULL)
        answer(p, pop(p), PL_INPUT_GONE);
    pl_loop_cancel(pl_session_loop(p->session), &p->run);
}
