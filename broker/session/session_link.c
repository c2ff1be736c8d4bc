/* SPDX-License-Identifier: Apache-2.0 */
/* session_link.c - what links, transports and the files of this module ask of a
 * session; see session_link.h and session.h.
 *
 * Session, link and transport are one allocation, in this order.  Nothing here
 * decides anything, so every other file may call it. */
#include "session_private.h"

#include "session_manager_private.h"
#include "users_settings.h"

struct pl_span pl_session_id(const struct pl_session *s)
{
    if (s->subscriber.client == NULL)
        return PL_SPAN("-");
    return pl_client_id(s->subscriber.client);
}

struct pl_span pl_session_user(const struct pl_session *s)
{
    if (s->subscriber.client == NULL)
        return PL_SPAN("");
    return pl_client_user(s->subscriber.client);
}

void *pl_session_link(struct pl_session *s)
{
    return s + 1;
}

const struct pl_link_ops *pl_session_link_ops(const struct pl_session *s)
{
    return s->link;
}

void *pl_session_transport(struct pl_session *s)
{
    return (char *)(s + 1) + PL_LINK_SIZE;
}

struct pl_session *pl_session_of_transport(void *transport)
{
    void *link = (char *)transport - PL_LINK_SIZE;

    return (struct pl_session *)link - 1;
}

struct pl_session_manager *pl_session_manager_of(const struct pl_session *s)
{
    return s->manager;
}

const struct pl_session_settings *pl_session_config(const struct pl_session *s)
{
    return s->manager->options.config;
}

bool pl_session_is_insecure(const struct pl_session *s)
{
    return s->manager->options.users->insecure;
}

const struct pl_access *pl_session_access(const struct pl_session *s)
{
    return s->manager->access;
}

struct pl_metrics *pl_session_metrics(const struct pl_session *s)
{
    return s->manager->options.metrics;
}

struct pl_loop *pl_session_loop(const struct pl_session *s)
{
    return s->actor.loop;
}

struct pl_actor *pl_session_actor(struct pl_session *s)
{
    return &s->actor;
}

struct pl_address pl_session_address(const struct pl_session *s)
{
    return pl_actor_address(&s->actor);
}

struct pl_session *pl_session_at(struct pl_loop *loop,
                                 struct pl_address address)
{
    return (struct pl_session *)pl_actor_find(loop, address);
}

const char *pl_session_peer(struct pl_session *s, char text[PL_IP_TEXT_MAX])
{
    if (s->link->peer == NULL || s->ending == PL_ENDING_GONE)
        return "-";
    s->link->peer(s, text);
    return text;
}

struct pl_subscriber *pl_session_subscriber(struct pl_session *s)
{
    return &s->subscriber;
}

struct pl_session *pl_session_of_subscriber(struct pl_subscriber *u)
{
    return PL_CONTAINER(u, struct pl_session, subscriber);
}

enum pl_encoding pl_session_encoding(const struct pl_session *s)
{
    return (enum pl_encoding)s->subscriber.encoding;
}

bool pl_session_has_inbox(const struct pl_session *s)
{
    return s->has_inbox;
}

bool pl_session_is_connected(const struct pl_session *s)
{
    return s->state == PL_SESSION_CONNECTED;
}

bool pl_session_is_logging_in(const struct pl_session *s)
{
    return s->state == PL_SESSION_LOGIN;
}

unsigned pl_session_kind(const struct pl_session *s)
{
    return s->kind;
}

uint32_t pl_session_sub_count(const struct pl_session *s)
{
    return s->subscriber.sub_count;
}

uint64_t pl_session_queued(const struct pl_session *s)
{
    return s->out.bytes;
}

bool pl_session_lacks_inbox(const struct pl_session *s)
{
    return s->lacks_inbox;
}

void pl_session_set_lacks_inbox(struct pl_session *s, bool lacks)
{
    s->lacks_inbox = lacks;
}

bool pl_session_has_expiring(const struct pl_session *s)
{
    return s->elsewhere & PL_ELSEWHERE_EXPIRING;
}

void pl_session_set_expiring(struct pl_session *s, bool has)
{
    s->elsewhere &= (uint8_t)~PL_ELSEWHERE_EXPIRING;
    if (has)
        s->elsewhere |= PL_ELSEWHERE_EXPIRING;
}

bool pl_session_is_over(const struct pl_session *s)
{
    return s->state >= PL_SESSION_CLOSING;
}

bool pl_session_has_scheduled_close(const struct pl_session *s)
{
    return s->ending >= PL_ENDING_SCHEDULED;
}

/* --- Parts of the loop --- */

struct pl_hub *pl_session_hub(const struct pl_session *s)
{
    return s->manager->options.hub;
}

struct pl_arena *pl_session_arena(const struct pl_session *s)
{
    return &s->manager->arena;
}

struct pl_handlers *pl_session_handlers(const struct pl_session *s)
{
    return s->manager->handlers;
}

struct pl_call_table *pl_session_calls(const struct pl_session *s)
{
    return &s->manager->calls;
}

struct pl_time_share *pl_session_answers(const struct pl_session *s)
{
    return &s->manager->answers;
}

struct pl_expirings *pl_session_expirings(const struct pl_session *s)
{
    return &s->manager->expiring;
}

struct pl_map *pl_session_headers(const struct pl_session *s)
{
    return &s->manager->headers;
}

struct pl_missings *pl_session_missings(const struct pl_session *s)
{
    return &s->manager->missing;
}

struct pl_rule_cache *pl_session_rules(const struct pl_session *s)
{
    return &s->manager->rules;
}

struct pl_tracer *pl_session_tracer(const struct pl_session *s)
{
    return s->manager->tracer;
}

struct pl_waits *pl_session_all_waits(const struct pl_session *s)
{
    return &s->manager->waits;
}

const struct pl_hooks *pl_session_hooks(const struct pl_session *s)
{
    return s->manager->options.hooks;
}

uint32_t pl_session_judged(const struct pl_session *s)
{
    return s->manager->judged;
}

void pl_session_note_shown(const struct pl_session *s)
{
    s->manager->judged |= 1u << PL_ASKS_NOTHING;
}

struct pl_address pl_session_supervisor(const struct pl_session *s)
{
    return s->manager->options.supervisor;
}

const char *pl_session_version(const struct pl_session *s)
{
    return s->manager->options.version;
}

bool pl_session_is_short(const struct pl_session *s)
{
    return s->manager->is_short;
}

bool pl_session_is_stopping(const struct pl_session *s)
{
    return s->manager->phase != PL_PHASE_RUNNING;
}

void pl_session_mark_dirty(struct pl_session *s)
{
    pl_session_manager_mark_dirty(s->manager, s);
}

struct pl_client *pl_session_shown(struct pl_session *s, struct pl_span channel,
                                   uint64_t hash)
{
    struct pl_hub *hub = pl_session_hub(s);
    struct pl_subscriber *u = pl_session_subscriber(s);

    return pl_hub_shown(hub, u, pl_hub_find(hub, u, channel, hash));
}

/* --- Visits of the transport --- */

void pl_session_visit(struct pl_session *s)
{
    pl_budget_visit(&s->manager->budget, pl_loop_stats(s->actor.loop)->turns);
}

bool pl_session_may_go_on(const struct pl_session *s)
{
    return !pl_budget_is_spent(&s->manager->budget);
}

void pl_session_count_input(struct pl_session *s, size_t len)
{
    pl_count(metrics(s), PL_METRIC_BYTES_IN, len);
    pl_budget_spend(&s->manager->budget, PL_COST_READ + len * PL_COST_BYTE);
}
