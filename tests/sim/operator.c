/* SPDX-License-Identifier: Apache-2.0 */
/* operator.c - see operator.h.  Requests, mails and answers are those of
 * broker/admin; only its listeners are missing. */
#include "operator.h"

#include <stdlib.h>

#include "faults.h"
#include "mail.h"
#include "monitor.h"
#include "reader.h"
#include "rules_mail.h"
#include "trace.h"
#include "world.h"

struct operator
{
    struct pl_actor actor; /* first */
    struct world *world;
    struct pl_admin_options options;
    struct pl_status_source status;
    struct pl_api_calls calls;
};

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct operator* o =(struct operator*) a;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
    case PL_MAIL_QUERY:
    case PL_MAIL_USER:
    case PL_MAIL_LIST:
        pl_api_calls_receive(&o->calls, msg);
        return;
    case PL_MAIL_RULES:
        pl_rule_cache_set(&o->calls.rules, ((struct pl_rules_mail *)msg)->book);
        break;
    case PL_MSG_STOP:
        readers_leave(o->world->readers);
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
    struct operator* o =(struct operator*) a;

    o->world->operator= NULL;
    pl_api_calls_fini(&o->calls);
    free(o);
}

static const struct pl_actor_ops ops = {
    .name = "operator",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

struct pl_admin_options operator_options(struct world *w,
                                         struct pl_status_source *status)
{
    struct share *control = &w->at[w->workers];

    *status = (struct pl_status_source){.version = "simulated",
                                        .system = w->system,
                                        .snapshots = w->snapshots,
                                        .phases = w->phases};
    struct pl_admin_options o = {
        .hub = control->hub,
        .key = &w->key,
        .channels = w->owners,
        .channel_owners = w->workers,
        .supervisor = w->supervisor_address,
        .status = status,
        .metrics = &control->metrics,
    };

    pl_settings_fill_admin(w->config, &o);
    return o;
}

struct operator* operator_create(struct world *w)
{
    struct operator* o = calloc(1, sizeof *o);
    struct pl_loop *control = w->at[w->workers].loop;

    if (o == NULL)
        trace_fail("no operator");
    o->world = w;
    o->options = operator_options(w, &o->status);
    if (pl_api_calls_init(&o->calls, &o->actor, &o->options) != PL_OK ||
        pl_actor_init(&o->actor, control, &ops) != PL_OK)
        trace_fail("no operator");
    return o;
}

struct pl_address operator_address(const struct operator* o)
{
    return pl_actor_address(&o->actor);
}

bool operator_ask(struct operator* o, enum pl_api_method method,
                  struct pl_span params, pl_api_call_done *done, void *arg)
{
    struct pl_api_call *call;

    pl_loop_awake(o->actor.loop);
    faults_enter();
    bool has_begun = pl_api_call_create(&call, &o->calls, NULL, PL_CALL_ONE,
                                        method, params, done, arg) == PL_OK;
    if (has_begun)
        pl_api_call_start(call);
    faults_leave();
    return has_begun;
}
