/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.c - the actor and the table of users; stop.c has the shutdown.
 *
 * A session does not wait for the result of its registration.  If the
 * supervisor rejects one (out of memory, too many connections of a user,
 * shutdown), it returns the mail and the session closes.  Mail of one sender
 * stays in order, so an unregistration follows its registration; one without a
 * registration belongs to a rejected session.
 *
 * A stop is a message, so any thread may request it; only the first request has
 * an effect.
 *
 * Invariant: the registry has all connections that have registered and not
 * unregistered, and gets no new one during the shutdown. */
#include "supervisor.h"

#include <stdlib.h>

#include "code.h"
#include "denial_mail.h"
#include "log.h"
#include "look_mail.h"
#include "mail.h"
#include "session_mail.h"
#include "supervisor_mail.h"
#include "supervisor_private.h"
#include "system.h"

enum { MAIL_STOP = PL_MAIL_OWN };

struct stop_mail {
    struct pl_msg msg;
    bool hurry;
};

/* --- Users --- */

/* If allocation fails, the caller does not count the connection, and marks the
 * request. */
struct pl_kick_mail *pl_supervisor_kick_create(const struct pl_client *client,
                                               uint32_t code)
{
    struct pl_kick_mail *k = pl_kick_mail_create();

    if (k != NULL)
        k->client = pl_blob_create(pl_client_id(client));
    if (k == NULL || k->client == NULL) {
        PL_LOG_LIMITED(PL_LOG_KIND_NO_MEMORY, PL_LOG_ERROR, "cannot kick",
                       pl_log_error("error", PL_ENOMEM),
                       pl_log_text("client", pl_client_id(client)));
        if (k != NULL)
            pl_mail_destroy(&k->msg);
        return NULL;
    }
    k->code = code;
    return k;
}

/* Do to the connection what `m` asks. */
static bool kick(struct pl_supervisor *s, const struct pl_client *client,
                 const struct pl_user_mail *m)
{
    struct pl_kick_mail *k = pl_supervisor_kick_create(client, m->code);
    bool is_close = m->ask == PL_USER_DISCONNECT;

    if (k == NULL)
        return false;
    k->subscribes = m->ask == PL_USER_SUBSCRIBE;
    k->refreshes = m->ask == PL_USER_REFRESH;
    k->sub_flags = m->sub_flags;
    k->terms = pl_sub_terms_hold(&m->terms);
    if (m->reason != NULL)
        k->reason = pl_blob_hold(m->reason);
    if (m->channel != NULL && !is_close)
        k->channel = pl_blob_hold(m->channel);
    pl_actor_send(&s->actor, pl_client_address(client), &k->msg);
    return true;
}

/* All anonymous clients are one user, which has no limit. */
static bool has_too_many(const struct pl_supervisor *s, struct pl_span user)
{
    uint32_t limit = s->options.config->limits.user_connections;

    return limit > 0 && user.len > 0 &&
           pl_registry_count(&s->registry, user) >= limit;
}

struct older {
    struct pl_supervisor *supervisor;
    struct pl_user_mail ask; /* what happens to each */
    bool lacks_memory;
};

static void close_one(void *arg, struct pl_client *client)
{
    struct older *o = arg;

    if (kick(o->supervisor, client, &o->ask))
        pl_count(o->supervisor->options.metrics, PL_METRIC_CLOSED_OLDER, 1);
    else
        o->lacks_memory = true;
}

/* Close all connections of the user that have registered.  They count until
 * they have gone, so the new one has to pass no limit.  Return false if out of
 * memory. */
static bool close_older(struct pl_supervisor *s, struct pl_span user)
{
    struct older o = {.supervisor = s,
                      .ask = {.ask = PL_USER_DISCONNECT,
                              .code = PL_DISCONNECT_CONNECTION_LIMIT}};

    pl_registry_each(&s->registry, user, close_one, &o);
    return !o.lacks_memory;
}

static enum pl_register_refusal take(struct pl_supervisor *s,
                                     const struct pl_register_mail *m)
{
    struct pl_client *client = m->client;
    struct pl_span user = pl_client_user(client);
    enum pl_register_refusal denied = pl_supervisor_denies(s, m);

    if (pl_phase_trace_now(s->options.phases) >= PL_PHASE_SIGNAL) {
        pl_count(s->options.metrics, PL_METRIC_REFUSED_STOPPING, 1);
        return PL_REGISTER_STOPPING;
    }
    if (denied != PL_REGISTER_TAKEN)
        return denied;
    if (m->is_single && user.len > 0) {
        if (!close_older(s, user))
            return PL_REGISTER_NO_MEMORY;
    } else if (has_too_many(s, user)) {
        pl_count(s->options.metrics, PL_METRIC_REFUSED_USER, 1);
        return PL_REGISTER_USER_LIMIT;
    }
    enum pl_err rc = pl_registry_add(&s->registry, client);
    if (rc == PL_OK || rc == PL_EEXIST)
        return PL_REGISTER_TAKEN;
    PL_LOG_LIMITED(PL_LOG_KIND_NO_MEMORY, PL_LOG_ERROR, "cannot register",
                   pl_log_error("error", rc),
                   pl_log_text("client", pl_client_id(client)));
    return PL_REGISTER_NO_MEMORY;
}

static void on_register(struct pl_supervisor *s, struct pl_register_mail *m)
{
    m->refusal = take(s, m);
    if (m->refusal == PL_REGISTER_TAKEN)
        pl_mail_destroy(&m->msg);
    else
        pl_mail_answer(&s->actor, &m->msg);
}

static void on_unregister(struct pl_supervisor *s,
                          const struct pl_register_mail *m)
{
    if (pl_registry_remove(&s->registry, m->client) != PL_OK)
        s->strangers++;
    else
        pl_supervisor_on_left(s, pl_client_user(m->client));
}

struct ask {
    struct pl_supervisor *supervisor;
    struct pl_user_mail *mail;
};

/* Return true if `id` is in a list of texts with a zero byte after each. */
static bool is_listed(struct pl_span list, struct pl_span id)
{
    while (list.len > 0) {
        size_t len = strnlen(list.at, list.len);

        if (pl_span_equal((struct pl_span){list.at, len}, id))
            return true;
        len += len < list.len;
        list.at += len;
        list.len -= len;
    }
    return false;
}

static void do_to_one(void *arg, struct pl_client *client)
{
    const struct ask *a = arg;
    struct pl_user_mail *m = a->mail;

    if (m->except != NULL &&
        is_listed(pl_blob_span(m->except), pl_client_id(client)))
        return;
    if (m->ask == PL_USER_COUNT || kick(a->supervisor, client, m))
        m->connections++;
    else
        m->lacks_memory = true;
}

static void on_user(struct pl_supervisor *s, struct pl_user_mail *m)
{
    struct ask a = {s, m};
    struct pl_span user = pl_blob_span(m->user);

    m->connections = 0;
    m->lacks_memory = false;
    if (m->client != NULL) {
        struct pl_client *client =
            pl_registry_find(&s->registry, user, pl_blob_span(m->client));
        if (client != NULL)
            do_to_one(&a, client);
    } else if (m->ask == PL_USER_COUNT && m->except == NULL) {
        m->connections = (uint32_t)pl_registry_count(&s->registry, user);
    } else {
        pl_registry_each(&s->registry, user, do_to_one, &a);
    }
    pl_mail_answer(&s->actor, &m->msg);
}

static void on_look(struct pl_supervisor *s, struct pl_look_mail *m)
{
    if (m->kind == PL_LOOK_DENIALS)
        pl_supervisor_list_denials(s, m);
    else
        pl_supervisor_list_users(s, m);
}

/* --- The actor --- */

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_supervisor *s = (struct pl_supervisor *)a;

    switch (msg->type) {
    case PL_MAIL_REGISTER:
        on_register(s, (struct pl_register_mail *)msg);
        return;
    case PL_MAIL_UNREGISTER:
        on_unregister(s, (struct pl_register_mail *)msg);
        break;
    case PL_MAIL_USER:
        on_user(s, (struct pl_user_mail *)msg);
        return;
    case PL_MAIL_USER_STATE:
        pl_supervisor_on_user_state(s, (struct pl_user_state_mail *)msg);
        return;
    case PL_MAIL_DENIAL:
        pl_supervisor_on_denial(s, (struct pl_denial_mail *)msg);
        return;
    case PL_MAIL_LOOK:
        on_look(s, (struct pl_look_mail *)msg);
        return;
    case PL_MAIL_PHASE:
        pl_supervisor_on_phase(s, (struct pl_phase_mail *)msg);
        break;
    case PL_MSG_DOWN:
        pl_supervisor_on_down(s, (struct pl_down_msg *)msg);
        break;
    case MAIL_STOP:
        pl_supervisor_begin_stop(s, ((struct stop_mail *)msg)->hurry);
        break;
    default:
        pl_actor_refuse(a, msg);
        return;
    }
    pl_mail_destroy(msg);
}

static void destroy(struct pl_supervisor *s)
{
    pl_registry_fini(&s->registry);
    pl_user_states_destroy(s->states);
    pl_denials_destroy(s->denials);
    s->options.metrics->value[PL_METRIC_DENIALS] = 0;
    s->options.metrics->value[PL_METRIC_DENIALS_BYTES] = 0;
    free(s->managers.at);
    free(s->listeners.at);
    free(s->internals.at);
    free(s->is_unresponsive);
    free(s);
}

static void reap(struct pl_actor *a)
{
    struct pl_supervisor *s = (struct pl_supervisor *)a;

    pl_timer_stop(a->loop, &s->timer);
    pl_timer_stop(a->loop, &s->look);
    destroy(s);
}

static const struct pl_actor_ops ops = {
    .name = "supervisor",
    .mailbox_limit = 65536,
    .receive = receive,
    .reap = reap,
};

enum pl_err pl_supervisor_create(struct pl_supervisor **out,
                                 struct pl_loop *loop,
                                 const struct pl_supervisor_options *options)
{
    struct pl_supervisor *s = calloc(1, sizeof *s);
    unsigned loops = pl_system_loop_count(pl_loop_system(loop));
    enum pl_err rc;

    if (s == NULL)
        return PL_ENOMEM;
    s->options = *options;
    s->options.key = NULL; /* the registry has a copy */
    s->timer.fire = pl_supervisor_on_timer;
    s->is_unresponsive = calloc(loops, sizeof *s->is_unresponsive);
    rc = s->is_unresponsive == NULL
             ? PL_ENOMEM
             : pl_registry_init(&s->registry, options->key, options->metrics);
    if (rc == PL_OK)
        rc = pl_supervisor_init_states(s, options->key);
    if (rc == PL_OK)
        rc = pl_denials_create(&s->denials, options->key);
    if (rc == PL_OK)
        rc = pl_actor_init(&s->actor, loop, &ops);
    if (rc != PL_OK) {
        destroy(s);
        return rc;
    }
    *out = s;
    return PL_OK;
}

struct pl_address pl_supervisor_address(const struct pl_supervisor *s)
{
    return pl_actor_address(&s->actor);
}

/* The lists are built once, at start, so growing by one element suffices. */
static enum pl_err add(struct pl_party_list *list, struct pl_address address,
                       const char *name)
{
    struct pl_party *at =
        realloc(list->at, (list->count + 1) * sizeof *list->at);

    if (at == NULL)
        return PL_ENOMEM;
    list->at = at;
    at[list->count++] = (struct pl_party){.address = address, .name = name};
    return PL_OK;
}

enum pl_err pl_supervisor_add_session_manager(struct pl_supervisor *s,
                                              struct pl_address manager)
{
    return add(&s->managers, manager, "session_manager");
}

enum pl_err pl_supervisor_add_listener(struct pl_supervisor *s,
                                       struct pl_address listener)
{
    return add(&s->listeners, listener, "listener");
}

enum pl_err pl_supervisor_add_internal(struct pl_supervisor *s,
                                       struct pl_address actor,
                                       const char *name)
{
    return add(&s->internals, actor, name);
}

enum pl_err pl_supervisor_start(struct pl_supervisor *s)
{
    for (uint32_t i = 0; i < s->internals.count; i++) {
        enum pl_err rc =
            pl_monitor_start(&s->actor, s->internals.at[i].address, i);
        if (rc != PL_OK)
            return rc;
    }
    pl_phase_trace_begin(s->options.phases, PL_PHASE_RUNNING, 0);
    pl_supervisor_watch_memory(s);
    return PL_OK;
}

static void stop_mail_destroy(struct pl_msg *msg)
{
    free(msg);
}

static enum pl_err post_stop(struct pl_system *system,
                             struct pl_address supervisor, bool hurry)
{
    struct stop_mail *m = calloc(1, sizeof *m);

    if (m == NULL)
        return PL_ENOMEM;
    m->msg.type = MAIL_STOP;
    m->msg.flags = PL_MSG_RESERVED;
    m->msg.destroy = stop_mail_destroy;
    m->hurry = hurry;
    pl_system_post(system, supervisor, &m->msg);
    return PL_OK;
}

enum pl_err pl_supervisor_stop(struct pl_system *system,
                               struct pl_address supervisor)
{
    return post_stop(system, supervisor, false);
}

enum pl_err pl_supervisor_hurry(struct pl_system *system,
                                struct pl_address supervisor)
{
    return post_stop(system, supervisor, true);
}
