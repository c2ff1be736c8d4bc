/* SPDX-License-Identifier: Apache-2.0 */
/* post.c - see post.h.
 *
 * Mail of one postman to one session keeps its order, so a client that wants
 * order without waiting uses one postman for all that it says.
 *
 * Invariant: each letter of the world's list is in one mail, or in a mail that
 * became a dead letter because its postman had gone. */
#include "post.h"

#include <inttypes.h>
#include <stdlib.h>

#include "actor.h"
#include "faults.h"
#include "mail.h"
#include "monitor.h"
#include "session.h"
#include "trace.h"
#include "world.h"

struct postman {
    struct pl_actor actor; /* first */
    struct world *world;
    unsigned loop;
};

/* --- Answers --- */

static void take_out(struct world *w, struct letter *l)
{
    struct letter **at = &w->letters;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
}

static void on_answer(struct postman *p, struct pl_input_mail *m)
{
    struct letter *l = m->origin.subscriber;
    unsigned suspended = faults_suspend();
    enum pl_input_status status = m->msg.returned ? PL_INPUT_GONE : m->status;

    trace_note("posted", -1, (uint64_t)status, l->connection);
    take_out(p->world, l);
    l->why = m->msg.returned ? m->msg.status : PL_OK;
    if (l->is_bad && status == PL_INPUT_TAKEN)
        trace_fail("somebody took mail of connection %" PRIu32
                   " that was not theirs",
                   l->connection);
    if (l->from != NULL)
        l->answered(l, status);
    free(l);
    faults_resume(suspended);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    switch (msg->type) {
    case PL_MAIL_INPUT:
        on_answer((struct postman *)a, (struct pl_input_mail *)msg);
        break;
    case PL_MSG_STOP:
        pl_actor_exit(a, "stopped");
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static void reap(struct pl_actor *a)
{
    struct postman *p = (struct postman *)a;

    p->world->postmen[p->loop] = NULL;
    free(p);
}

static const struct pl_actor_ops ops = {
    .name = "postman",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

/* --- The postmen --- */

void post_init(struct world *w)
{
    for (unsigned i = 0; i <= w->workers; i++) {
        struct postman *p = calloc(1, sizeof *p);

        if (p == NULL)
            trace_fail("no postman");
        p->world = w;
        p->loop = i;
        if (pl_actor_init(&p->actor, w->at[i].loop, &ops) != PL_OK)
            trace_fail("no postman");
        w->postmen[i] = p;
    }
}

struct pl_address post_postman(const struct world *w, unsigned loop)
{
    return pl_actor_address(&w->postmen[loop]->actor);
}

void post_fini(struct world *w)
{
    while (w->letters != NULL) {
        struct letter *next = w->letters->next;

        free(w->letters);
        w->letters = next;
    }
}

/* --- Letters --- */

static struct pl_input_mail *write_mail(const struct post_address *to,
                                        struct letter *l, struct pl_span data)
{
    struct pl_input_mail *m = pl_input_mail_create();

    if (m == NULL)
        return NULL;
    m->data = pl_blob_create(data);
    if (m->data == NULL) {
        pl_mail_destroy(&m->msg);
        return NULL;
    }
    m->secret[0] = to->secret[0];
    m->secret[1] = to->secret[1];
    m->origin.subscriber = l;
    m->for_kind.kind = &pl_session_actor_ops;
    return m;
}

bool post_send(struct world *w, unsigned loop, const struct post_address *to,
               const struct letter *l, struct pl_span data)
{
    struct postman *p = w->postmen[loop];

    if (p == NULL)
        return false;
    struct letter *copy = malloc(sizeof *copy);
    if (copy == NULL)
        abort();
    *copy = *l;
    pl_loop_awake(p->actor.loop);
    faults_enter();
    struct pl_input_mail *m = write_mail(to, copy, data);
    if (m != NULL) {
        copy->next = w->letters;
        w->letters = copy;
        pl_actor_send_kind(&p->actor, to->session, &m->for_kind);
    }
    faults_leave();
    if (m == NULL)
        free(copy);
    return m != NULL;
}

void post_forget(struct world *w, const void *from)
{
    for (struct letter *l = w->letters; l != NULL; l = l->next) {
        if (l->from == from)
            l->from = NULL;
    }
}

void post_check(const struct world *w)
{
    if (w->letters != NULL)
        trace_fail("mail of connection %" PRIu32 " has no answer",
                   w->letters->connection);
}
