/* SPDX-License-Identifier: Apache-2.0 */
/* operator.c - see operator.h.  Answers are not looked at: clients see what
 * comes of it. */
#include "operator.h"

#include <stdlib.h>

#include "code.h"
#include "mail.h"
#include "monitor.h"
#include "trace.h"

struct operator
{
    struct pl_actor actor; /* first */
};

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    uint32_t type = msg->type;

    pl_mail_destroy(msg);
    if (type == PL_MSG_STOP)
        pl_actor_exit(a, "stopped");
}

static void reap(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops ops = {
    .name = "operator",
    .mailbox = {.limit = 1024, .when_full = PL_FULL_REFUSE},
    .receive = receive,
    .reap = reap,
};

struct operator* operator_create(struct pl_loop *loop)
{
    struct operator* o = calloc(1, sizeof *o);

    if (o == NULL || pl_actor_init(&o->actor, loop, &ops) != PL_OK)
        trace_fail("no operator");
    return o;
}

struct pl_address operator_address(const struct operator* o)
{
    return pl_actor_address(&o->actor);
}

void operator_kick(struct operator* o, struct pl_address supervisor,
                   const char *user, const char *channel)
{
    struct pl_user_mail *m = pl_user_mail_create();

    m->ask = channel == NULL ? PL_USER_DISCONNECT : PL_USER_UNSUBSCRIBE;
    m->user = pl_blob_create(pl_span_of(user));
    if (channel != NULL)
        m->channel = pl_blob_create(pl_span_of(channel));
    m->code =
        channel == NULL ? PL_DISCONNECT_FORCE_RECONNECT : PL_UNSUBSCRIBE_SERVER;
    pl_actor_send(&o->actor, supervisor, &m->msg);
}
