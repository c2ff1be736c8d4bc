/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - see program.h: what the program calls.
 *
 * An object of the program lives until its release(), so a callback after that
 * is found by ASan; a call is kept to the end of the run, so that a second
 * completion is found in any build. */
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "group.h"
#include "loop.h"
#include "program_heard.h"
#include "system.h"
#include "trace.h"

static unsigned draw(struct program *p, unsigned bound)
{
    return world_draw(p->world, bound);
}

void *program_fresh(size_t size)
{
    unsigned suspended = faults_suspend();
    void *at = calloc(1, size);

    faults_resume(suspended);
    if (at == NULL)
        abort();
    return at;
}

void program_check_error(const struct program *p, enum pl_err rc,
                         const char *what)
{
    bool is_expected = rc == PL_OK || (rc == PL_ESTOPPING && p->is_stopping) ||
                       (rc == PL_ENOMEM && p->world->fails_allocations) ||
                       rc == PL_EFULL;

    if (!is_expected)
        trace_fail("%s: %s", what, pl_err_text(rc));
}

/* --- Calls with a completion --- */

static void on_done(const struct plc_result *r, void *arg)
{
    struct call *call = arg;
    struct program *p = call->program;
    unsigned suspended = faults_suspend();

    trace_note("done", -1, r->outcome, call->number);
    if (call->is_done)
        trace_fail("a call is completed twice");
    call->is_done = true;
    p->ended[r->outcome]++;
    heard_result(call, r);
    faults_resume(suspended);
    program_call_back(p);
}

static struct call *new_call(struct program *p, unsigned channel)
{
    struct call *call = program_fresh(sizeof *call);

    call->program = p;
    call->channel = channel;
    call->next = p->calls;
    p->calls = call;
    return call;
}

static void was_asked(struct program *p, struct call *call, enum pl_err rc,
                      const char *what)
{
    trace_note(what, -1, call->channel, (uint64_t)(rc == PL_OK));
    program_check_error(p, rc, what);
    if (rc == PL_OK) {
        p->accepted++;
        return;
    }
    p->refused++;
    p->calls = call->next;
    if (call->number != 0)
        truth_saying(p->truth, call->number)->fate = FATE_REFUSED;
    free(call);
}

static size_t say(struct program *p, struct call *call, char data[64])
{
    struct saying s = {.channel = (uint8_t)call->channel};
    unsigned suspended = faults_suspend();

    call->number = truth_say(p->truth, &s);
    faults_resume(suspended);
    return (size_t)snprintf(data, 64, "{\"n\":%" PRIu64 "}", call->number);
}

static void publish(struct program *p, struct client *c, unsigned channel)
{
    struct call *call = new_call(p, channel);
    char data[64];
    size_t len = say(p, call, data);

    call->what = "publish";
    was_asked(p, call,
              plc_publish(c->handle, world_channel_name(channel), data, len,
                          on_done, call),
              "publish");
}

static void publish_by_sub(struct program *p, struct sub *s)
{
    struct call *call = new_call(p, s->channel);
    char data[64];
    size_t len = say(p, call, data);

    call->what = "sub_publish";
    was_asked(p, call, plc_sub_publish(s->handle, data, len, on_done, call),
              "sub publish");
}

static void ask(struct program *p, struct client *c)
{
    static const char *const methods[] = {"now", "late", "fail", "nobody"};
    static const char *const whats[] = {"history",    "presence", "send",
                                        "actor_send", "rpc",      "rpc"};
    unsigned channel = draw(p, ROOMS), what = draw(p, 6);
    const char *name = world_channel_name(channel);
    struct call *call = new_call(p, channel);
    enum pl_err rc;

    call->what = whats[what];
    if (what == 0)
        rc = plc_history(c->handle, name, (int32_t)draw(p, 7) - 1, NULL, 0,
                         draw(p, 2) == 0, on_done, call);
    else if (what == 1)
        rc = plc_presence(c->handle, name, draw(p, 2) == 0, on_done, call);
    else if (what == 2)
        rc = plc_send(c->handle, "{\"type\":\"now\"}", 14, on_done, call);
    else if (what == 3)
        rc = plc_actor_send(c->handle, "user/u1", "t", "{}", 2, on_done, call);
    else
        rc = plc_rpc(c->handle, methods[draw(p, 4)], "[1,2]", 5, on_done, call);
    was_asked(p, call, rc, "ask");
}

/* --- Subscriptions --- */

static void subscribe(struct program *p, struct client *c, unsigned i)
{
    struct sub *s = program_fresh(sizeof *s);
    struct plc_sub_options o = {.size = sizeof o,
                                .flags = PLC_RECOVERABLE,
                                .backoff_max_ms = 2000,
                                .arg = s};
    unsigned channel = draw(p, ROOMS);

    if ((c->rooms >> channel & 1) != 0) {
        free(s); /* it has that one already */
        return;
    }
    *s = (struct sub){.client = c,
                      .channel = channel,
                      .state = PLC_UNSUBSCRIBED,
                      .is_wanted = true};
    heard_options(&o);
    o.channel = world_channel_name(channel);
    if (draw(p, 3) == 0)
        o.flags |= PLC_JOIN_LEAVE;
    enum pl_err rc = plc_subscribe(&s->handle, c->handle, &o);
    trace_note("subscribe", -1, channel, rc == PL_OK);
    if ((rc == PL_EEXIST && !c->has_subs[channel]) ||
        (rc == PL_OK && c->has_subs[channel]))
        trace_fail("%s: a second subscription, or not?", o.channel);
    if (rc != PL_OK) {
        if (rc != PL_EEXIST)
            program_check_error(p, rc, "subscribe");
        free(s);
        return;
    }
    s->next = p->all_subs;
    p->all_subs = s;
    c->subs[i] = s;
    c->has_subs[channel] = true;
}

static void drop_sub(struct client *c, unsigned i)
{
    struct sub *s = c->subs[i];

    trace_note("sub destroy", -1, s->channel, 0);
    c->subs[i] = NULL;
    c->has_subs[s->channel] = false;
    s->is_dropped = true;
    plc_sub_destroy(s->handle);
}

static void change_sub(struct program *p, struct sub *s)
{
    bool starts = draw(p, 2) == 0;
    enum pl_err rc =
        starts ? plc_sub_start(s->handle) : plc_sub_stop(s->handle);

    trace_note(starts ? "sub start" : "sub stop", -1, s->channel, rc == PL_OK);
    program_check_error(p, rc, "start or stop");
    if (rc != PL_OK)
        return;
    s->is_wanted = starts;
    if (starts)
        s->has_ended = false;
}

static void act_on_sub(struct program *p, struct client *c)
{
    unsigned i = draw(p, SUBS), what = draw(p, 10);
    char epoch[64];

    if (c->subs[i] == NULL) {
        subscribe(p, c, i);
    } else if (what < 5) {
        publish_by_sub(p, c->subs[i]);
    } else if (what < 7) {
        change_sub(p, c->subs[i]);
    } else if (what < 8) {
        plc_sub_position(c->subs[i]->handle, epoch);
        plc_sub_state(c->subs[i]->handle);
    } else if (what < 9) {
        drop_sub(c, i);
    }
}

/* --- Tokens --- */

static void answer(struct client *c, struct plc_token *question)
{
    struct program *p = c->program;
    unsigned suspended = faults_suspend();
    unsigned ttl_s = draw(p, 2) == 0 ? 2 + draw(p, 20) : 0;
    char *token = world_token(p->world, c->user, ttl_s, c->rooms);

    trace_note("token", -1, ttl_s, c->rooms);
    faults_resume(suspended);
    plc_token_answer(question, token);
    suspended = faults_suspend();
    free(token);
    faults_resume(suspended);
}

/* A question that a newer one has overtaken is due as well. */
static void on_question(struct plc_client *handle, struct plc_token *question,
                        void *arg)
{
    struct client *c = arg;
    struct program *p = c->program;
    unsigned what = p->is_quiet ? 0 : draw(p, 4);

    if (handle != c->handle)
        trace_fail("a question of another client");
    if (what == 1) {
        plc_token_fail(question, "no");
    } else if (what == 2) {
        if (c->question != NULL)
            plc_token_fail(c->question, "late");
        c->question = question;
    } else {
        answer(c, question);
    }
    program_call_back(p);
}

static void answer_late(struct client *c)
{
    struct plc_token *question = c->question;

    if (question == NULL)
        return;
    c->question = NULL;
    answer(c, question);
}

void program_answer_all(struct program *p)
{
    for (struct client *c = p->all_clients; c != NULL; c = c->next)
        answer_late(c);
}

static void draw_tokens(struct client *c, struct plc_client_options *o)
{
    struct program *p = c->program;

    c->has_tokens = draw(p, 2) == 0;
    if (!c->has_tokens)
        return;
    c->user = draw(p, 3);
    c->rooms = draw(p, 1 << ROOMS) & draw(p, 1 << ROOMS);
    o->get_token = on_question;
    for (unsigned i = 0; i <= ROOMS; i++)
        c->of_server[i] =
            (struct sub){.client = c, .channel = i, .state = PLC_SUBSCRIBING};
}

/* --- Clients --- */

static void create_client(struct program *p, unsigned i)
{
    struct client *c = program_fresh(sizeof *c);
    struct plc_link link = {.size = sizeof link,
                            .flags = draw(p, 2) == 0 ? PLC_PROTOBUF : 0,
                            .connect_ms = 2000,
                            .send_ms = 2000};
    struct plc_client_options o = {.size = sizeof o,
                                   .url = "ws://127.0.0.1:8000"
                                          "/connection/websocket",
                                   .link = &link,
                                   .timeout_ms = 2000,
                                   .backoff_max_ms = 2000,
                                   .ping_slack_ms = 3000,
                                   .arg = c};

    *c = (struct client){.program = p, .state = PLC_DISCONNECTED};
    snprintf(c->label, sizeof c->label, "c%u", p->labels++);
    o.label = c->label;
    heard_client_options(&o);
    draw_tokens(c, &o);
    enum pl_err rc = plc_client_create(&c->handle, p->group, &o);
    trace_note("create", -1, i, rc == PL_OK);
    program_check_error(p, rc, "create");
    if (rc != PL_OK) {
        free(c);
        return;
    }
    c->next = p->all_clients;
    p->all_clients = c;
    p->clients[i] = c;
}

static void drop_client(struct program *p, unsigned i)
{
    struct client *c = p->clients[i];

    trace_note("destroy", -1, i, c->state);
    p->clients[i] = NULL;
    c->is_dropped = true;
    for (unsigned k = 0; k < SUBS; k++) {
        if (c->subs[k] != NULL)
            c->subs[k]->is_dropped = true;
        c->subs[k] = NULL;
    }
    plc_client_destroy(c->handle);
}

static void change_client(struct program *p, struct client *c)
{
    bool connects = draw(p, 3) != 0;
    enum pl_err rc = connects ? plc_client_connect(c->handle)
                              : plc_client_disconnect(c->handle);

    trace_note(connects ? "connect" : "disconnect", -1, c->state, rc == PL_OK);
    program_check_error(p, rc, "connect or disconnect");
    if (rc != PL_OK)
        return;
    c->is_wanted = connects;
    if (connects)
        c->has_ended = false;
}

void program_act(struct program *p)
{
    unsigned i = draw(p, CLIENTS), what = draw(p, 100);

    if (p->released > 0)
        return;
    faults_enter();
    if (draw(p, 5) == 0)
        plain_act(p);
    else if (p->clients[i] == NULL)
        create_client(p, i);
    else if (p->clients[i]->question != NULL && draw(p, 2) == 0)
        answer_late(p->clients[i]);
    else if (!p->clients[i]->is_wanted && draw(p, 2) == 0)
        change_client(p, p->clients[i]);
    else if (what < 35)
        publish(p, p->clients[i], draw(p, ROOMS));
    else if (what < 55)
        ask(p, p->clients[i]);
    else if (what < 95)
        act_on_sub(p, p->clients[i]);
    else if (what < 98)
        change_client(p, p->clients[i]);
    else
        drop_client(p, i);
    faults_leave();
}

/* Any call is allowed inside a callback. */
void program_call_back(struct program *p)
{
    unsigned suspended = faults_suspend();
    bool acts = !p->is_quiet && p->depth == 0 && draw(p, 12) == 0;

    p->depth++;
    if (acts)
        program_act(p);
    p->depth--;
    faults_resume(suspended);
}

uint64_t program_publish(struct program *p, unsigned channel)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *c = p->clients[i];

        if (c != NULL && c->state == PLC_CONNECTED) {
            publish(p, c, channel);
            return p->calls->number;
        }
    }
    return 0;
}

/* --- The group --- */

bool program_turn(struct program *p)
{
    bool did = false;

    faults_enter();
    if (!plc_group_has_ended(p->group) && pipes_take_due(p->pipes)) {
        pl_loop_turn(plc_group_loop(p->group));
        did = true;
    }
    if (!did && (!p->is_manual || draw(p, 2) == 0))
        did = !plc_group_has_ended(p->group) && pl_sim_step(p->sim);
    if (p->is_manual && !did)
        did =
            plc_events_dispatch(plc_group_events(p->group), 1 + draw(p, 4)) > 0;
    faults_leave();
    return did;
}

void program_stop(struct program *p, uint32_t deadline_ms)
{
    trace_note("group stop", -1, deadline_ms, 0);
    p->is_stopping = true;
    plc_group_stop(p->group, deadline_ms);
}

bool program_has_ended(const struct program *p)
{
    return plc_group_has_ended(p->group);
}

struct program *program_create(struct world *w, struct truth *t, unsigned index)
{
    static const uint32_t queues[] = {4, 64, 4096};
    struct program *p = program_fresh(sizeof *p);
    struct plc_group_options o = {
        .size = sizeof o, .event_queue = queues[world_draw(w, 3)], .arg = p};

    p->world = w;
    p->truth = t;
    p->is_manual = world_draw(w, 4) == 0;
    o.flags = p->is_manual ? PLC_MANUAL : 0;
    heard_group_options(&o);
    if (pl_sim_create(&p->sim, 1, w->seed * 31 + index) != PL_OK ||
        plc_group_init(&p->group, pl_sim_system(p->sim), &o) != PL_OK)
        trace_fail("no group");
    p->pipes = pipes_create(p, pl_system_loop(pl_sim_system(p->sim), 0));
    plc_group_set_network(p->group, pipes_network(p->pipes));
    return p;
}

static void check_freed(struct program *p)
{
    if (p->all_clients != NULL || p->all_subs != NULL)
        trace_fail("something was not released with its group");
    if (p->stopped != 1 || p->released != 1)
        trace_fail("stopped %u times, released %u times", p->stopped,
                   p->released);
    for (const struct call *c = p->calls; c != NULL; c = c->next) {
        if (!c->is_done)
            trace_fail("a call was never completed");
    }
    plain_check_freed(p);
}

void program_destroy(struct program *p)
{
    struct pl_system *system = pl_sim_system(p->sim);
    struct pl_loop *loop = pl_system_loop(system, 0);

    program_check_ledger(p);
    if (pl_loop_stats(loop)->timers != 0)
        trace_fail("a timer of a group that has ended");
    pl_system_close(system);
    pl_system_reap(system);
    plc_group_free(p->group);
    p->group = NULL;
    check_freed(p);
    pipes_destroy(p->pipes);
    pl_sim_destroy(p->sim);
    while (p->calls != NULL) {
        struct call *next = p->calls->next;

        free(p->calls);
        p->calls = next;
    }
    free(p);
}
