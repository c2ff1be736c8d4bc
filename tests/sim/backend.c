/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - see backend.h.
 *
 * Calls go through broker/admin, from the body of a request to the body of its
 * answer.  A kick is noted at each client whom it may mean when it is asked
 * for, which lets that client be closed or unsubscribed from then on; when it
 * is answered, those that were surely meant must be gone at the next rest. */
#include "backend_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "faults.h"
#include "hear.h"
#include "json_scan.h"
#include "operator.h"
#include "trace.h"

struct backend *backend_create(struct world *w, struct truth *t,
                               struct client *const *clients)
{
    struct backend *b = calloc(1, sizeof *b);

    b->world = w;
    b->truth = t;
    b->clients = clients;
    return b;
}

void backend_destroy(struct backend *b)
{
    pl_buf_fini(&b->text);
    free(b);
}

/* --- Answers --- */

struct reading {
    struct backend *backend;
    const struct waiting *waiting;
    uint64_t last;
};

static void take_position(void *arg, const struct hear_position *p)
{
    struct watch *w = &((struct reading *)arg)->backend->watch;

    w->offset = p->offset;
    snprintf(w->epoch, sizeof w->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
}

static void take_past(void *arg, const struct hear_publication *p)
{
    struct reading *r = arg;
    struct watch *w = &r->backend->watch;

    if (r->last != 0 &&
        p->offset != (r->waiting->is_reverse ? r->last - 1 : r->last + 1))
        trace_fail("backend: a hole in the history");
    r->last = p->offset;
    w->count++;
    truth_hear(r->backend->truth, r->waiting->channel, w->epoch, p);
}

static void take_present(void *arg, struct pl_span id)
{
    struct watch *w = &((struct reading *)arg)->backend->watch;

    if (w->count < WATCH_MAX)
        snprintf(w->clients[w->count++], sizeof w->clients[0], "%.*s",
                 (int)id.len, id.at);
}

static const struct hear_ops reading_ops = {
    .publication = take_past,
    .position = take_position,
    .client = take_present,
};

/* `result` is that of one publish; absent: it failed with `code`. */
static void on_published(struct backend *b, uint64_t number, unsigned channel,
                         struct pl_span result, uint64_t code)
{
    struct saying *s = truth_saying(b->truth, number);
    struct hear_publication p = {.client = PL_SPAN("")};
    struct pl_span epoch = {0};
    char data[32], name[EPOCH_MAX];

    if (result.at == NULL && s->fate != FATE_ASKED)
        return; /* it was sent again: the first may be there */
    if (result.at == NULL) {
        s->fate = code == PL_ERROR_TOO_MANY_REQUESTS && s->rooms == 0
                      ? FATE_REFUSED
                      : FATE_UNKNOWN;
        return;
    }
    p.offset = hear_number(result, "offset");
    hear_member(result, "epoch", &epoch);
    if ((p.offset != 0) != world_has_history(b->world, channel))
        trace_fail("backend: published at %" PRIu64, p.offset);
    if (epoch.len >= 2)
        epoch = (struct pl_span){epoch.at + 1, epoch.len - 2};
    snprintf(name, sizeof name, "%.*s", (int)epoch.len,
             epoch.at == NULL ? "" : epoch.at);
    p.data =
        (struct pl_span){data, (size_t)snprintf(data, sizeof data,
                                                "{\"n\":%" PRIu64 "}", number)};
    truth_hear(b->truth, channel, name, &p);
    s->fate = FATE_DONE;
}

static uint64_t error_of(struct pl_span answer)
{
    struct pl_span error = {0};

    if (!hear_member(answer, "error", &error))
        trace_fail("backend: malformed answer %.*s", (int)answer.len,
                   answer.at);
    return error.at == NULL ? 0 : hear_number(error, "code");
}

/* A loop that was overtaken by the clock takes time to be late itself. */
static bool has_timed_out(const struct world *w, const struct waiting *q)
{
    enum { STALE = 200 /* steps */ };

    return w->now_ms - q->asked_ms >= PL_CALLS_TIMEOUT_MS ||
           w->jumped_step + STALE > q->asked_step;
}

static void check_error(const struct backend *b, const struct waiting *q,
                        uint64_t code)
{
    const struct world *w = b->world;
    bool ok;

    if (code == PL_ERROR_INTERNAL)
        ok = w->is_late || w->fails_allocations || has_timed_out(w, q);
    else if (code == PL_ERROR_STOPPING)
        ok = w->is_stopping || w->has_full_mail;
    else if (code == PL_ERROR_TOO_MANY_REQUESTS)
        ok = w->is_late || w->has_full_mail || w->has_backlog ||
             w->is_overloaded;
    else if (code == PL_ERROR_LIMIT_EXCEEDED)
        ok = w->config->channels.limits.channels < 1000;
    else
        ok = code == PL_ERROR_NOT_AVAILABLE &&
             (q->method == PL_API_HISTORY ||
              q->method == PL_API_HISTORY_REMOVE) &&
             !world_has_history(w, q->channel);
    if (!ok)
        trace_fail("backend: error %" PRIu64 " to %s after %" PRIu64 " ms",
                   code, pl_api_method_text(q->method),
                   w->now_ms - q->asked_ms);
}

/* One answer a channel, in the order in which they were named. */
static void on_broadcast(struct backend *b, const struct waiting *q,
                         struct pl_span result)
{
    struct pl_span list = PL_SPAN("");
    unsigned left = truth_saying(b->truth, q->number)->rooms;
    struct pl_json j;

    hear_member(result, "responses", &list);
    pl_json_init(&j, list, NULL);
    pl_json_take(&j, '[');
    for (; left != 0; left &= left - 1, pl_json_take(&j, ',')) {
        struct pl_span one = {j.at, 0}, published = {0};

        if (!pl_json_skip(&j, PL_JSON_DEPTH_MAX))
            trace_fail("backend: a broadcast has too few answers");
        one.len = (size_t)(j.at - one.at);
        uint64_t code = error_of(one);
        if (code != 0)
            check_error(b, q, code);
        hear_member(one, "result", &published);
        on_published(b, q->number, (unsigned)__builtin_ctz(left), published,
                     code);
    }
    if (!pl_json_take(&j, ']'))
        trace_fail("backend: a broadcast has too many answers");
}

/* The verdict is still out, so the kick has come before it. */
static void on_kicked_early(const struct waiting *q, struct client *c)
{
    struct sub *sub = &c->subs[q->channel];

    if (sub->state == SUB_ASKED && sub->generation == q->asked[c->index] &&
        world_keeps_verdict(c->world, c->id, q->channel))
        sub->kicked = sub->generation;
}

/* Those that were surely meant have until the next rest. */
static void on_kicked(struct backend *b, const struct waiting *q)
{
    for (unsigned i = 0; i <= CLIENTS; i++) {
        struct client *c = b->clients[i];

        if (q->asked[i] != 0)
            on_kicked_early(q, c);
        if (q->connections[i] == 0 || c->connection != q->connections[i])
            continue;
        if (q->method == PL_API_DISCONNECT)
            b->gone[i] = c->connection;
        else if (c->subs[q->channel].generation == q->generations[i])
            c->subs[q->channel].is_kicked = true;
    }
}

static void on_publish(struct backend *b, const struct waiting *q,
                       struct pl_span result)
{
    if (q->is_stale)
        return; /* it was to have no effect */
    on_published(b, q->number, q->channel, result, 0);
    if (q->version != 0)
        b->newest[q->channel] = (struct newest){q->version, b->world->now_ms};
}

static void on_result(struct backend *b, const struct waiting *q,
                      struct pl_span result)
{
    struct reading r = {.backend = b, .waiting = q};

    b->watch = (struct watch){.count = 0};
    switch (q->method) {
    case PL_API_PUBLISH:
        on_publish(b, q, result);
        return;
    case PL_API_BROADCAST:
        on_broadcast(b, q, result);
        return;
    case PL_API_HISTORY:
        hear_history(PEER_JSON, result, &reading_ops, &r);
        return;
    case PL_API_PRESENCE:
        hear_presence(PEER_JSON, result, &reading_ops, &r);
        return;
    case PL_API_PRESENCE_STATS:
        hear_stats(PEER_JSON, result, &b->watch.count, &b->watch.users);
        return;
    case PL_API_CHANNELS:
    case PL_API_INFO:
        b->text.len = 0;
        pl_buf_put_span(&b->text, result);
        return;
    case PL_API_DISCONNECT:
    case PL_API_UNSUBSCRIBE:
        on_kicked(b, q);
        return;
    default:
        return;
    }
}

/* What fails may still be done later. */
static void end_removing(struct backend *b, const struct waiting *q,
                         uint64_t code)
{
    if (q->method != PL_API_HISTORY_REMOVE || code == PL_ERROR_INTERNAL)
        return;
    if (--b->removing[q->channel] == 0)
        b->world->removed_ms[q->channel] = b->world->now_ms;
}

static void on_answer(struct backend *b, struct waiting *q,
                      struct pl_span answer)
{
    struct pl_span result = {0};
    uint64_t code = error_of(answer);

    trace_note("api answer", -1, q->method, code);
    b->has_answer = true;
    b->has_failed = code != 0;
    end_removing(b, q, code);
    if (code != 0) {
        check_error(b, q, code);
        if (q->number != 0 && !q->is_stale)
            on_published(b, q->number, q->channel, result, code);
        return;
    }
    hear_member(answer, "result", &result);
    if (result.at == NULL)
        trace_fail("backend: no result");
    on_result(b, q, result);
}

static void done(void *arg, const struct pl_buf *body, uint32_t error)
{
    struct waiting *q = arg;
    unsigned suspended = faults_suspend();
    struct pl_buf copy = {0};

    (void)error;
    q->is_used = false;
    if (!body->failed) {
        pl_buf_put_span(&copy, pl_buf_span(body));
        on_answer(q->backend, q, pl_buf_span(&copy));
    }
    pl_buf_fini(&copy);
    faults_resume(suspended);
}

/* --- Questions --- */

struct waiting *backend_call(struct backend *b, enum pl_api_method method,
                             unsigned channel)
{
    struct waiting *q = b->waiting;

    while (q < b->waiting + WAITING_MAX && q->is_used)
        q++;
    if (q == b->waiting + WAITING_MAX)
        return NULL;
    *q = (struct waiting){.backend = b,
                          .method = method,
                          .channel = channel,
                          .asked_ms = b->world->now_ms,
                          .asked_step = trace_place.step};
    return q;
}

bool backend_ask(struct waiting *q, const char *format, ...)
{
    char body[BODY];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(body, sizeof body, format, args);
    va_end(args);
    q->is_used = true;
    trace_note("api", -1, q->method, q->channel);
    if (operator_ask(q->backend->world->operator, q->method,
                     (struct pl_span){body, (size_t)len}, done, q))
        return true;
    if (!q->backend->world->fails_allocations)
        trace_fail("backend: no call can begin");
    q->is_used = false;
    return false;
}

static void read_history(struct backend *b)
{
    unsigned channel = world_draw(b->world, CHANNELS);
    struct waiting *q = backend_call(b, PL_API_HISTORY, channel);

    if (q == NULL)
        return;
    q->is_reverse = world_draw(b->world, 2) == 0;
    backend_ask(q, "{\"channel\":\"%s\",\"limit\":%d,\"reverse\":%s}",
                world_channel_name(channel), (int)world_draw(b->world, 8) - 1,
                q->is_reverse ? "true" : "false");
}

/* --- Kicks --- */

/* Whom a kick means: the connections of a user, or one, but for one. */
struct target {
    int user; /* -1: `client` alone */
    const struct client *client;
    const struct client *except;
};

static bool may_mean(const struct backend *b, const struct target *t,
                     const struct client *c)
{
    if (c->link == NULL || c == t->except)
        return false;
    if (t->user < 0)
        return c == t->client;
    return c->user == t->user || (b->world->has_judge && t->user == 0) ||
           c->inbox_user == t->user;
}

/* It has heard that it is in, as that user. */
static bool must_mean(const struct backend *b, const struct target *t,
                      const struct client *c)
{
    return may_mean(b, t, c) && c->stage == STAGE_IN &&
           (t->user < 0 || c->subs[INBOX].state == SUB_LIVE) &&
           (t->user < 0 || c->inbox_user == t->user);
}

static bool may_be_unsubscribed(const struct client *c, unsigned room)
{
    return c->link != NULL && room < ROOMS;
}

static void note_kick(struct client *c, unsigned room, uint32_t code)
{
    if (may_be_unsubscribed(c, room))
        c->subs[room].may_kick = true;
    else if (c->kick_count < KICKS_MAX)
        c->kicks[c->kick_count++] = code;
    else
        c->kicks[world_draw(c->world, KICKS_MAX)] = code;
}

static void note_kicks(struct waiting *q, const struct target *t, uint32_t code)
{
    struct backend *b = q->backend;

    for (unsigned i = 0; i <= CLIENTS; i++) {
        struct client *c = b->clients[i];

        if (!may_mean(b, t, c))
            continue;
        note_kick(c, q->channel, code);
        bool is_sub = q->channel < ROOMS;
        if (is_sub && must_mean(b, t, c) &&
            c->subs[q->channel].state == SUB_ASKED &&
            world_keeps_verdict(c->world, c->id, q->channel))
            q->asked[i] = c->subs[q->channel].generation;
        if (!must_mean(b, t, c) ||
            (is_sub && c->subs[q->channel].state != SUB_LIVE))
            continue;
        q->connections[i] = c->connection;
        q->generations[i] = is_sub ? c->subs[q->channel].generation : 0;
    }
}

static const struct client *draw_in(struct backend *b)
{
    const struct client *c = b->clients[world_draw(b->world, CLIENTS)];

    return c->stage == STAGE_IN ? c : NULL;
}

static bool draw_target(struct backend *b, struct target *t)
{
    *t = (struct target){.user = -1, .client = draw_in(b)};
    if (world_draw(b->world, 2) == 0) {
        t->except = t->client;
        t->client = NULL;
        t->user = (int)world_draw(b->world, USERS);
    }
    return t->user >= 0 || t->client != NULL;
}

static void put_target(char *out, size_t size, const struct target *t)
{
    if (t->user < 0)
        snprintf(out, size, "\"client\":\"%s\"", t->client->id);
    else
        snprintf(out, size, "\"user\":\"u%d\"", t->user);
}

static void disconnect(struct backend *b)
{
    static const uint32_t codes[] = {0, 3011, 4100};
    struct waiting *q = backend_call(b, PL_API_DISCONNECT, CHANNELS);
    uint32_t code = codes[world_draw(b->world, 3)];
    char whom[80], spared[100] = "", close[64] = "";
    struct target t;

    if (q == NULL || !draw_target(b, &t))
        return;
    put_target(whom, sizeof whom, &t);
    if (t.except != NULL)
        snprintf(spared, sizeof spared, ",\"whitelist\":[\"%s\"]",
                 t.except->id);
    if (code != 0)
        snprintf(close, sizeof close, ",\"disconnect\":{\"code\":%u}", code);
    note_kicks(q, &t, code == 0 ? PL_DISCONNECT_FORCED : code);
    backend_ask(q, "{%s%s%s}", whom, spared, close);
}

/* A room of a client whose verdict is still out, ROOMS: there is none. */
static unsigned room_asked(const struct client *c)
{
    unsigned room = 0;

    while (room < ROOMS &&
           (c->stage != STAGE_IN || c->subs[room].state != SUB_ASKED ||
            !world_keeps_verdict(c->world, c->id, room)))
        room++;
    return room;
}

/* Whoever waits for a verdict is to be put out before it comes. */
static bool find_asked(struct backend *b, struct target *t, unsigned *room)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        unsigned asked = room_asked(b->clients[i]);

        if (asked == ROOMS)
            continue;
        *t = (struct target){.user = -1, .client = b->clients[i]};
        *room = asked;
        return true;
    }
    return false;
}

static void unsubscribe(struct backend *b)
{
    struct waiting *q =
        backend_call(b, PL_API_UNSUBSCRIBE, world_draw(b->world, ROOMS));
    char whom[80];
    struct target t;

    if (q == NULL || (!find_asked(b, &t, &q->channel) && !draw_target(b, &t)))
        return;
    t.except = NULL;
    put_target(whom, sizeof whom, &t);
    note_kicks(q, &t, 0);
    backend_ask(q, "{%s,\"channel\":\"%s\"}", whom,
                world_channel_name(q->channel));
}

/* --- For a rest --- */

static void ask_of(struct backend *b, enum pl_api_method method,
                   unsigned channel)
{
    struct waiting *q = backend_call(b, method, channel);

    b->has_answer = false;
    if (q == NULL)
        trace_fail("backend: too many calls have no answer");
    if (channel == CHANNELS)
        backend_ask(q, "{}");
    else
        backend_ask(q, "{\"channel\":\"%s\"}", world_channel_name(channel));
}

void backend_ask_presence(struct backend *b, unsigned channel)
{
    ask_of(b,
           world_draw(b->world, 2) == 0 ? PL_API_PRESENCE
                                        : PL_API_PRESENCE_STATS,
           channel);
}

void backend_ask_channels(struct backend *b)
{
    ask_of(b, PL_API_CHANNELS, CHANNELS);
}

void backend_ask_info(struct backend *b)
{
    ask_of(b, PL_API_INFO, CHANNELS);
}

void backend_remove_history(struct backend *b, unsigned channel)
{
    b->removing[channel]++;
    b->world->removed_ms[channel] = UINT64_MAX;
    ask_of(b, PL_API_HISTORY_REMOVE, channel);
}

bool backend_answer(struct backend *b, const struct watch **out)
{
    if (!b->has_answer)
        trace_fail("backend: a call has no answer");
    *out = &b->watch;
    return !b->has_failed;
}

struct pl_span backend_text(const struct backend *b)
{
    return pl_buf_span(&b->text);
}

bool backend_act(struct backend *b)
{
    unsigned what = world_draw(b->world, 100);

    if (b->world->operator== NULL ||(b->world->is_stopping && what >= 60))
        return false;
    if (b->world->has_court && what % 4 == 0 && !b->world->is_stopping)
        unsubscribe(b);
    else if (what < 40)
        backend_publish(b);
    else if (what < 50)
        backend_broadcast(b);
    else if (what < 60)
        read_history(b);
    else if (what < 80)
        disconnect(b);
    else if (what < 98)
        unsubscribe(b);
    else
        backend_remove_history(b, world_draw(b->world, CHANNELS));
    return true;
}

static void check_client(struct backend *b, unsigned i)
{
    const struct client *c = b->clients[i];

    if (b->gone[i] == c->connection && c->stage == STAGE_IN)
        trace_fail("client %u: was disconnected, but is there", i);
    b->gone[i] = 0;
    for (unsigned s = 0; s < ROOMS; s++) {
        if (c->subs[s].must_end && c->subs[s].state == SUB_LIVE)
            trace_fail("client %u: was unsubscribed from %u before the verdict,"
                       " but is there",
                       i, s);
        if (c->subs[s].is_kicked && c->subs[s].state == SUB_LIVE)
            trace_fail("client %u: was unsubscribed from %u, but is there", i,
                       s);
    }
}

void backend_check(struct backend *b)
{
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        if (b->waiting[i].is_used)
            trace_fail("backend: %s has no answer",
                       pl_api_method_text(b->waiting[i].method));
    }
    for (unsigned i = 0; i <= CLIENTS && !b->world->fails_allocations; i++)
        check_client(b, i);
}
