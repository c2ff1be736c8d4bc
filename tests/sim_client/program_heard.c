/* SPDX-License-Identifier: Apache-2.0 */
/* program_heard.c - see program.h: what the program is told, and whether it may
 * be.
 *
 * Checked here: states only along the allowed transitions, each from the one
 * that was told before; publications of a subscription in order, without a gap
 * and without a repetition, also across a recovery; what never left is nowhere;
 * nothing after a release.  A callback may be lost for lack of memory, which
 * the log tells: from then on states may be missing, and publications of what
 * they would have told of.
 *
 * At rest: whoever is to be connected is, and whoever is to be subscribed is
 * and hears what is published. */
#include "program_heard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "faults.h"
#include "trace.h"

/* --- The group --- */

static void on_log(enum plc_level level, const char *line, void *arg)
{
    struct program *p = arg;

    (void)level;
    if (strstr(line, "callbacks are lost") != NULL)
        p->has_lost = true;
    if (trace_place.is_verbose)
        fprintf(stderr, "log: %s\n", line);
}

static struct client *find_label(struct program *p, const char *label)
{
    struct client *c = p->all_clients;

    while (c != NULL && strcmp(c->label, label) != 0)
        c = c->next;
    return c;
}

static void on_result(struct plc_group *g, const char *label, enum pl_err err,
                      const char *why, void *arg)
{
    struct program *p = arg;
    struct client *c = find_label(p, label);

    (void)g, (void)err, (void)why;
    if (!plain_take_result(p, label) && (c == NULL || c->results++ > 0))
        trace_fail("%s: a result too many", label);
    program_call_back(p);
}

static void on_stopped(struct plc_group *g, unsigned forced, void *arg)
{
    struct program *p = arg;

    (void)g;
    trace_note("stopped", -1, forced, 0);
    if (!p->is_stopping || p->stopped++ > 0)
        trace_fail("the group has stopped, which nobody asked for");
}

static void on_group_release(void *arg)
{
    struct program *p = arg;

    p->released++;
}

void heard_group_options(struct plc_group_options *o)
{
    o->log = on_log;
    o->result = on_result;
    o->stopped = on_stopped;
    o->release = on_group_release;
}

/* --- States --- */

static bool may_follow(enum plc_state from, enum plc_state to)
{
    switch (to) {
    case PLC_CONNECTING:
        return from == PLC_DISCONNECTED || from == PLC_CONNECTED;
    case PLC_CONNECTED:
        return from == PLC_CONNECTING;
    case PLC_DISCONNECTED:
        return from == PLC_CONNECTING || from == PLC_CONNECTED;
    case PLC_SUBSCRIBING:
        return from == PLC_UNSUBSCRIBED || from == PLC_SUBSCRIBED;
    case PLC_SUBSCRIBED:
        return from == PLC_SUBSCRIBING;
    case PLC_UNSUBSCRIBED:
        return from == PLC_SUBSCRIBING || from == PLC_SUBSCRIBED;
    }
    return false;
}

static void check_change(const struct program *p, enum plc_state now,
                         const struct plc_change *h)
{
    if (!may_follow(h->from, h->to) || (h->from != now && !p->has_lost))
        trace_fail("a state: %d, told %d to %d with %u %s", now, h->from, h->to,
                   h->code, h->reason);
}

/* A broker ends a client for good only if its connect comes too late, as the
 * network may hold it back; the program may connect again. */
static void on_state(struct plc_client *handle, const struct plc_change *h,
                     void *arg)
{
    struct client *c = arg;
    struct program *p = c->program;

    trace_note("state", -1, h->to, h->code);
    if (c->handle != handle)
        trace_fail("a state of another client");
    check_change(p, c->state, h);
    c->state = h->to;
    if (h->to == PLC_DISCONNECTED && h->from == PLC_CONNECTING &&
        h->code == PL_DISCONNECT_STALE)
        c->is_wanted = false;
    else if (h->to == PLC_DISCONNECTED && h->code != 0)
        trace_fail("disconnected for good with %u %s", h->code, h->reason);
    program_call_back(p);
}

static void on_client_release(void *arg)
{
    struct client *c = arg, **at = &c->program->all_clients;

    if (c->question != NULL)
        plc_token_fail(c->question, "the client is gone");
    if (!c->is_dropped && !c->program->is_stopping)
        trace_fail("a client is released that was not destroyed");
    if (c->results != 1 && !c->program->world->fails_allocations)
        trace_fail("%s: %u results", c->label, c->results);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (c->program->clients[i] == c)
            c->program->clients[i] = NULL;
    }
    free(c);
}

static void on_client_error(struct plc_client *handle, enum pl_err err,
                            uint32_t code, const char *text, void *arg)
{
    struct client *c = arg;

    (void)handle, (void)text;
    trace_note("error", -1, (uint64_t)-err, code);
    program_call_back(c->program);
}

/* --- Subscriptions --- */

static bool may_end_with(const struct program *p, uint32_t code)
{
    const struct world *w = p->world;

    switch (code) {
    case 0: /* stopped */
    case 2: /* its client is destroyed */
        return true;
    case PL_ERROR_INTERNAL:
    case PL_ERROR_TOO_MANY_REQUESTS:
        return w->is_late || w->fails_allocations;
    case PL_ERROR_STOPPING:
        return w->is_stopping;
    case PL_ERROR_ALREADY_SUBSCRIBED: /* a leave that waits for memory */
        return w->fails_allocations;
    default:
        return false;
    }
}

static void take_position(struct sub *s, const struct plc_change *h)
{
    struct program *p = s->client->program;

    s->is_recoverable = h->recoverable;
    if (h->recovered && !s->has_position && p->has_lost)
        return; /* the callback with the position may be the one lost */
    if (h->recovered) {
        if (!s->has_position || strcmp(s->epoch, h->epoch) != 0)
            trace_fail("%s: recovered from nowhere",
                       world_channel_name(s->channel));
        if (h->offset < s->offset && !p->has_lost)
            trace_fail("%s: recovered to %" PRIu64 " from %" PRIu64,
                       world_channel_name(s->channel), h->offset, s->offset);
        return;
    }
    s->has_position = h->positioned || h->recoverable;
    snprintf(s->epoch, sizeof s->epoch, "%s", h->epoch);
    s->offset = h->offset;
}

/* --- Subscriptions of the server --- */

static struct sub *of_server(struct client *c, const char *channel)
{
    if (c->has_tokens && channel[0] == '#')
        return &c->of_server[ROOMS];
    for (unsigned i = 0; i < ROOMS; i++) {
        if ((c->rooms >> i & 1) != 0 &&
            strcmp(world_channel_name(i), channel) == 0)
            return &c->of_server[i];
    }
    trace_fail("%s: a subscription that no token has", channel);
}

static void on_server_state(struct plc_client *handle, const char *channel,
                            const struct plc_change *h, void *arg)
{
    struct client *c = arg;
    struct sub *s = of_server(c, channel);

    (void)handle;
    trace_note("server state", -1, h->to, h->code);
    check_change(c->program, s->state, h);
    s->state = h->to;
    if (h->to == PLC_SUBSCRIBED && s->channel < ROOMS)
        take_position(s, h);
    if (h->to == PLC_UNSUBSCRIBED)
        *s = (struct sub){
            .client = c, .channel = s->channel, .state = PLC_SUBSCRIBING};
    program_call_back(c->program);
}

/* --- Subscriptions of the program --- */

static void on_sub_state(struct plc_sub *handle, const struct plc_change *h,
                         void *arg)
{
    struct sub *s = arg;
    struct program *p = s->client->program;

    trace_note("sub state", -1, h->to, h->code);
    if (s->handle != handle)
        trace_fail("a state of another subscription");
    check_change(p, s->state, h);
    s->state = h->to;
    if (h->to == PLC_UNSUBSCRIBED && !may_end_with(p, h->code))
        trace_fail("%s: unsubscribed for good with %u %s",
                   world_channel_name(s->channel), h->code, h->reason);
    if (h->to == PLC_UNSUBSCRIBED && h->code != 0)
        s->has_ended = true;
    if (h->to == PLC_SUBSCRIBED)
        take_position(s, h);
    program_call_back(p);
}

static void check_offset(struct sub *s, const struct plc_publication *pub)
{
    const char *name = world_channel_name(s->channel);

    if (s->has_position && pub->offset != s->offset + 1)
        trace_fail("%s: offset %" PRIu64 " after %" PRIu64, name, pub->offset,
                   s->offset);
    s->offset = pub->offset;
}

/* Where a state was lost, its position is not known: the next one is taken. */
static void hear(struct sub *s, const struct plc_publication *pub)
{
    struct program *p = s->client->program;
    unsigned suspended = faults_suspend();
    struct hear_publication h = {.client = PL_SPAN(""),
                                 .offset = pub->offset,
                                 .data = {pub->data.at, pub->data.len}};

    trace_note("publication", -1, s->channel, pub->offset);
    if (!p->has_lost) {
        if (s->state != PLC_SUBSCRIBED)
            trace_fail("%s: a publication in state %d",
                       world_channel_name(s->channel), s->state);
        check_offset(s, pub);
        s->last = truth_hear(p->truth, s->channel, s->epoch, &h);
    }
    faults_resume(suspended);
    program_call_back(p);
}

static void on_publication(struct plc_sub *handle,
                           const struct plc_publication *pub, void *arg)
{
    (void)handle;
    hear(arg, pub);
}

static void on_server_publication(struct plc_client *handle,
                                  const struct plc_publication *pub, void *arg)
{
    struct sub *s = of_server(arg, pub->channel);

    (void)handle;
    if (s->channel < ROOMS)
        hear(s, pub);
}

void heard_client_options(struct plc_client_options *o)
{
    o->state = on_state;
    o->error = on_client_error;
    o->server_state = on_server_state;
    o->server_publication = on_server_publication;
    o->release = on_client_release;
}

static void on_sub_error(struct plc_sub *handle, enum pl_err err, uint32_t code,
                         const char *text, void *arg)
{
    struct sub *s = arg;

    (void)handle, (void)text, (void)err;
    trace_note("sub error", -1, s->channel, code);
    program_call_back(s->client->program);
}

static void on_presence(struct plc_sub *handle, bool joined,
                        const struct plc_info *info, void *arg)
{
    struct sub *s = arg;

    (void)handle, (void)joined, (void)info;
    if (s->state != PLC_SUBSCRIBED && !s->client->program->has_lost)
        trace_fail("%s: a join or leave in state %d",
                   world_channel_name(s->channel), s->state);
}

static void on_sub_release(void *arg)
{
    struct sub *s = arg, **at = &s->client->program->all_subs;
    struct client *c = s->client;

    if (!s->is_dropped && !c->program->is_stopping)
        trace_fail("a subscription is released that was not destroyed");
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    for (unsigned i = 0; i < SUBS; i++) {
        if (c->subs[i] == s)
            c->subs[i] = NULL;
    }
    free(s);
}

void heard_options(struct plc_sub_options *o)
{
    o->state = on_sub_state;
    o->error = on_sub_error;
    o->publication = on_publication;
    o->presence = on_presence;
    o->release = on_sub_release;
}

/* --- Results --- */

static bool was_never_published(const struct plc_result *r)
{
    return r->outcome == PLC_NOT_SENT ||
           (r->outcome == PLC_REFUSED && r->code == PL_ERROR_TOO_MANY_REQUESTS);
}

void heard_result(const struct call *call, const struct plc_result *r)
{
    struct saying *s = truth_saying(call->program->truth, call->number);

    if ((r->outcome == PLC_DONE && r->err != PL_OK && r->err != PL_ENOMEM) ||
        (r->outcome != PLC_DONE && r->err == PL_OK))
        trace_fail("outcome %d with %s", r->outcome, pl_err_text(r->err));
    if (s == NULL)
        return;
    if (was_never_published(r) && s->offset != 0)
        trace_fail("%" PRIu64 " never left, but is there", call->number);
    s->fate = r->outcome == PLC_DONE   ? FATE_DONE
              : was_never_published(r) ? FATE_REFUSED
                                       : FATE_UNKNOWN;
}

/* --- Checks --- */

static struct plc_status status_of(const struct program *p)
{
    struct plc_status s = {.size = sizeof s};

    plc_group_status(p->group, &s);
    return s;
}

static uint64_t count_done(const struct program *p)
{
    return p->ended[PLC_DONE] + p->ended[PLC_REFUSED] + p->ended[PLC_NOT_SENT] +
           p->ended[PLC_UNKNOWN];
}

/* A loop publishes its numbers at the end of a turn; a callback that waits in a
 * queue may come before. */
void program_check_ledger(const struct program *p)
{
    struct plc_status s = status_of(p);

    if (s.accepted != s.done + s.refused + s.not_sent + s.unknown + s.pending)
        trace_fail("the ledger of calls does not add up");
    if (s.accepted > p->accepted || s.turned_away != p->refused ||
        (!p->is_manual && s.accepted - s.pending < count_done(p)))
        trace_fail("%" PRIu64 " accepted, %" PRIu64 " told; %" PRIu64
                   " turned away, %" PRIu64 " told; %" PRIu64 " completed",
                   p->accepted, s.accepted, p->refused, s.turned_away,
                   count_done(p));
}

static void check_counts(const struct program *p)
{
    struct plc_status s = status_of(p);
    unsigned open = 0, subs = 0, clients = 0;

    for (const struct client *c = p->all_clients; c != NULL; c = c->next) {
        clients++;
        open += c->state == PLC_CONNECTED;
        for (unsigned i = 0; i <= ROOMS; i++)
            subs += c->of_server[i].state == PLC_SUBSCRIBED;
    }
    for (const struct sub *b = p->all_subs; b != NULL; b = b->next)
        subs += b->state == PLC_SUBSCRIBED;
    for (const struct plain *w = p->all_plain; w != NULL; w = w->next) {
        clients++;
        open += w->is_open;
    }
    if (s.accepted != p->accepted || s.pending != 0 || s.queue_bytes != 0 ||
        s.event_queue_size != 0 || s.done != p->ended[PLC_DONE] ||
        s.refused != p->ended[PLC_REFUSED] ||
        s.not_sent != p->ended[PLC_NOT_SENT] ||
        s.unknown != p->ended[PLC_UNKNOWN])
        trace_fail("at rest %" PRIu64 " calls are pending, with %" PRIu64
                   " bytes; %" PRIu64 " of %" PRIu64 " accepted, %" PRIu64
                   " events",
                   s.pending, s.queue_bytes, s.accepted, p->accepted,
                   s.event_queue_size);
    if (!p->has_lost &&
        (s.connections != clients || s.open != open || s.subscriptions != subs))
        trace_fail("%" PRIu64 " connections, %u; %" PRIu64 " open, %u; %" PRIu64
                   " subscriptions, %u",
                   s.connections, clients, s.open, open, s.subscriptions, subs);
}

static void check_client(const struct client *c)
{
    enum plc_state now = plc_client_state(c->handle);
    enum plc_state due = c->is_wanted ? PLC_CONNECTED : PLC_DISCONNECTED;

    if (now != due)
        trace_fail("%s: is in state %d, not %d", c->label, now, due);
    for (unsigned i = 0; i < ROOMS && !c->program->has_lost; i++) {
        if (c->is_wanted && (c->rooms >> i & 1) != 0 &&
            c->of_server[i].state != PLC_SUBSCRIBED)
            trace_fail("%s: the server does not subscribe it to %s", c->label,
                       world_channel_name(i));
    }
    for (unsigned i = 0; i < SUBS; i++) {
        const struct sub *s = c->subs[i];

        if (s == NULL || s->has_ended)
            continue;
        now = plc_sub_state(s->handle);
        due = !s->is_wanted  ? PLC_UNSUBSCRIBED
              : c->is_wanted ? PLC_SUBSCRIBED
                             : PLC_SUBSCRIBING;
        if (now != due)
            trace_fail("%s: %s is in state %d, not %d", c->label,
                       world_channel_name(s->channel), now, due);
    }
}

void program_check_rest(const struct program *p)
{
    for (const struct call *call = p->calls; call != NULL; call = call->next) {
        if (!call->is_done)
            trace_fail("at rest a %s is not completed", call->what);
    }
    check_counts(p);
    plain_check_rest(p);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (p->clients[i] != NULL)
            check_client(p->clients[i]);
    }
}

static void check_heard(const struct sub *s, unsigned channel, uint64_t number)
{
    if (s->channel == channel && s->state == PLC_SUBSCRIBED &&
        s->last != number)
        trace_fail("%s: heard %" PRIu64 " last, not %" PRIu64,
                   world_channel_name(channel), s->last, number);
}

void program_check_heard(const struct program *p, unsigned channel,
                         uint64_t number)
{
    if (p->has_lost)
        return;
    for (const struct sub *s = p->all_subs; s != NULL; s = s->next)
        check_heard(s, channel, number);
    for (const struct client *c = p->all_clients; c != NULL; c = c->next)
        check_heard(&c->of_server[channel], channel, number);
}
