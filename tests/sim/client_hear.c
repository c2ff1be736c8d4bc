/* SPDX-License-Identifier: Apache-2.0 */
/* client_hear.c - see client.h: what a client hears, and whether it may be.
 *
 * Checked here: one answer for each command; nothing of a channel before the
 * subscribe's answer and nothing behind the unsubscribe's; offsets without gap
 * or repetition, also across a recovery; the order of each speaker; a
 * publisher's own push before its answer; nothing behind a Close. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "faults.h"
#include "hear.h"
#include "peer_decode.h"
#include "trace.h"

/* --- Publications --- */

/* A speaker's sayings come in its order. */
static void check_order(struct client *c, unsigned channel, uint64_t number)
{
    const struct saying *s = truth_saying(c->truth, number);
    struct heard *h = &c->heard[channel][s->client];

    if (s->connection == h->connection && number <= h->number)
        trace_fail("client %u: %s: %" PRIu64 " of connection %u after %" PRIu64,
                   c->index, truth_channel_name(channel), number, s->connection,
                   h->number);
    *h = (struct heard){s->connection, number};
}

static void hear_publication(struct client *c, struct sub *sub, uint64_t offset,
                             struct pl_span data)
{
    unsigned channel = client_channel(c, (unsigned)(sub - c->subs));
    uint64_t number = truth_number(data);

    trace_note("hears", (int)c->index, channel, offset);
    truth_hear(c->truth, channel, sub->epoch, offset, number);
    if ((offset != 0) != c->world->has_history ||
        (offset != 0 && offset != sub->offset + 1))
        trace_fail("client %u: %s: offset %" PRIu64 " after %" PRIu64, c->index,
                   truth_channel_name(channel), offset, sub->offset);
    sub->offset = offset;
    check_order(c, channel, number);
}

static struct sub *sub_of(struct client *c, struct pl_span name)
{
    unsigned channel = truth_channel(name);

    if (channel < ROOMS)
        return &c->subs[channel];
    if (c->inbox_user >= 0 && channel == client_channel(c, INBOX))
        return &c->subs[INBOX];
    trace_fail("client %u: a push for %.*s", c->index, (int)name.len, name.at);
}

static bool is_on(const struct sub *sub)
{
    return sub->state == SUB_LIVE || sub->state == SUB_LEAVING;
}

static void hear_direct(struct client *c, const struct peer_reply *r)
{
    struct saying *s = truth_saying(c->truth, truth_number(r->data));

    if (s == NULL || s->channel != CHANNELS || s->target != c->connection)
        trace_fail("client %u: a message for somebody else", c->index);
    if (s->offset++ != 0)
        trace_fail("client %u: a message came twice", c->index);
}

static void hear_push(struct client *c, const struct peer_reply *r)
{
    if (r->kind == PEER_MESSAGE) {
        hear_direct(c, r);
        return;
    }
    struct sub *sub = sub_of(c, r->channel);
    if (!is_on(sub))
        trace_fail("client %u: push %d of %.*s without a subscription",
                   c->index, r->kind, (int)r->channel.len, r->channel.at);
    if (r->kind == PEER_PUBLICATION)
        hear_publication(c, sub, r->offset, r->data);
    else if (r->kind == PEER_UNSUBSCRIBED)
        sub->state = SUB_NONE;
    else if (!sub->takes_joins)
        trace_fail("client %u: a join or leave that it did not ask for",
                   c->index);
}

/* --- Positions --- */

struct catching {
    struct client *client;
    struct sub *sub;
};

static void take_position(void *arg, const struct hear_position *p)
{
    const struct catching *k = arg;
    struct sub *sub = k->sub;
    bool is_same = pl_span_equal(p->epoch, pl_span_of(sub->epoch));

    if (p->is_recoverable != k->client->world->has_history)
        trace_fail("client %u: recoverable or not?", k->client->index);
    if (p->is_recovered &&
        (!sub->is_recovering || !is_same || p->offset != sub->offset))
        trace_fail("client %u: recovered from %" PRIu64 ", asked from %" PRIu64,
                   k->client->index, p->offset, sub->offset);
    snprintf(sub->epoch, sizeof sub->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
    sub->offset = p->offset;
}

static void take_missed(void *arg, uint64_t offset, struct pl_span data)
{
    const struct catching *k = arg;

    hear_publication(k->client, k->sub, offset, data);
}

static void malformed(const struct client *c)
{
    trace_fail("client %u: malformed reply", c->index);
}

static void go_live(struct client *c, struct sub *sub, struct pl_span body)
{
    static const struct hear_ops ops = {.publication = take_missed,
                                        .position = take_position};
    struct catching k = {c, sub};

    sub->state = SUB_LIVE;
    if (!hear_subscribe(c->encoding, body, &ops, &k))
        malformed(c);
}

static void on_connected(struct client *c, const struct peer_reply *r)
{
    struct pl_span channel, body;

    c->stage = STAGE_IN;
    snprintf(c->id, sizeof c->id, "%.*s", (int)r->client.len, r->client.at);
    if (!hear_first_sub(c->encoding, r->body, &channel, &body))
        malformed(c);
    if (body.at == NULL)
        return;
    int user = (int)truth_channel(channel) - ROOMS;
    if (user < 0 || user >= USERS)
        trace_fail("client %u: subscribed to %.*s", c->index, (int)channel.len,
                   channel.at);
    c->inbox_user = user;
    go_live(c, &c->subs[INBOX], body);
}

/* --- A watcher's answers, and the history of others --- */

struct reading {
    struct client *client;
    unsigned channel;
    uint64_t last;
};

static void take_history_position(void *arg, const struct hear_position *p)
{
    struct watch *w = &((struct reading *)arg)->client->watch;

    w->offset = p->offset;
    snprintf(w->epoch, sizeof w->epoch, "%.*s", (int)p->epoch.len,
             p->epoch.at == NULL ? "" : p->epoch.at);
}

static void take_past(void *arg, uint64_t offset, struct pl_span data)
{
    struct reading *r = arg;

    if (r->last != 0 && offset != r->last + 1)
        trace_fail("client %u: a hole in the history", r->client->index);
    r->last = offset;
    truth_hear(r->client->truth, r->channel, r->client->watch.epoch, offset,
               truth_number(data));
}

static void take_present(void *arg, struct pl_span id)
{
    struct watch *w = &((struct reading *)arg)->client->watch;

    if (w->count < WATCH_MAX)
        snprintf(w->clients[w->count++], sizeof w->clients[0], "%.*s",
                 (int)id.len, id.at);
}

static const struct hear_ops reading_ops = {
    .publication = take_past,
    .position = take_history_position,
    .client = take_present,
};

static void on_queried(struct client *c, const struct asked *a,
                       const struct peer_reply *r)
{
    struct reading k = {.client = c, .channel = a->sub};
    bool ok = true;

    c->watch.count = 0;
    if (a->verb == VERB_HISTORY)
        ok = hear_history(c->encoding, r->body, &reading_ops, &k);
    else if (a->verb == VERB_PRESENCE)
        ok = hear_presence(c->encoding, r->body, &reading_ops, &k);
    if (!ok)
        malformed(c);
}

/* --- Replies --- */

/* The publisher has seen its own by now. */
static void on_published(struct client *c, const struct asked *a)
{
    const struct sub *sub = &c->subs[a->sub];
    const struct heard *h = &c->heard[a->sub][c->index];

    truth_saying(c->truth, a->number)->fate = FATE_DONE;
    if (sub->state != SUB_LIVE || a->sub_life != sub->life)
        return;
    if (!c->world->has_history ||
        c->world->config->channels.slow != PL_SLOW_CLOSE)
        return; /* it may be dropped, which is told later or not at all */
    if (h->connection != c->connection || h->number < a->number)
        trace_fail("client %u: the reply to %" PRIu64 " came before the push",
                   c->index, a->number);
}

static void on_result(struct client *c, const struct asked *a,
                      const struct peer_reply *r)
{
    struct sub *sub = &c->subs[a->sub];

    switch (a->verb) {
    case VERB_CONNECT:
        on_connected(c, r);
        return;
    case VERB_SUBSCRIBE:
        go_live(c, sub, r->body);
        return;
    case VERB_UNSUBSCRIBE:
        if (sub->state == SUB_LEAVING && sub->command == a->id)
            sub->state = SUB_NONE;
        return;
    case VERB_PUBLISH:
        on_published(c, a);
        return;
    case VERB_HISTORY:
    case VERB_PRESENCE:
        on_queried(c, a, r);
        return;
    default:
        return;
    }
}

/* Errors that a client which makes no mistake may get. */
static bool is_error_allowed(const struct client *c, const struct asked *a,
                             uint32_t code)
{
    const struct world *w = c->world;

    switch (code) {
    case PL_ERROR_INTERNAL:
        return w->fails_allocations || w->is_late;
    case PL_ERROR_LIMIT_EXCEEDED: /* channels, of all or of one */
    case PL_ERROR_TOO_MANY_REQUESTS:
    case PL_ERROR_STOPPING:
        return true;
    case PL_ERROR_ALREADY_SUBSCRIBED: /* a leave that waits for memory */
        return w->fails_allocations && a->verb == VERB_SUBSCRIBE;
    case PL_ERROR_TOKEN_EXPIRED:
        return c->is_expiring;
    case PL_ERROR_NOT_AVAILABLE:
        return a->verb == VERB_HISTORY && !w->has_history;
    case PL_ERROR_METHOD_NOT_FOUND:
    case PL_ERROR_NOT_FOUND:
    case PL_ERROR_GONE:
    case PL_ERROR_TIMED_OUT:
    case 1000:
        return a->verb == VERB_RPC;
    case 403:
        return a->verb == VERB_CONNECT;
    default:
        return false;
    }
}

/* Where there is no place it does not try to come back to. */
static void end_asking(struct sub *sub, uint32_t code)
{
    sub->state = SUB_NONE;
    if (code == PL_ERROR_LIMIT_EXCEEDED)
        sub->epoch[0] = '\0';
}

static void on_error(struct client *c, const struct asked *a, uint32_t code)
{
    struct sub *sub = &c->subs[a->sub];

    if (!is_error_allowed(c, a, code))
        trace_fail("client %u: error %u to verb %u", c->index, code, a->verb);
    if (a->verb == VERB_CONNECT)
        client_leave(c);
    else if (a->verb == VERB_SUBSCRIBE)
        end_asking(sub, code);
    else if (a->verb == VERB_UNSUBSCRIBE && sub->state == SUB_LEAVING)
        sub->state = SUB_LIVE; /* nothing has changed */
    else if (a->number != 0)
        truth_saying(c->truth, a->number)->fate =
            code == PL_ERROR_TOO_MANY_REQUESTS ? FATE_REFUSED : FATE_UNKNOWN;
}

static void hear_answer(struct client *c, const struct peer_reply *r)
{
    unsigned i = 0;

    while (i < c->asked_count && c->asked[i].id != r->id)
        i++;
    if (i == c->asked_count)
        trace_fail("client %u: an answer to %u, which waits for none", c->index,
                   r->id);
    struct asked a = c->asked[i];
    c->asked_count--;
    memmove(&c->asked[i], &c->asked[i + 1], (c->asked_count - i) * sizeof a);
    trace_note("answer", (int)c->index, a.verb, r->code);
    if (r->kind == PEER_ERROR)
        on_error(c, &a, r->code);
    else
        on_result(c, &a, r);
    c->watch.id = a.id;
    c->watch.error = r->kind == PEER_ERROR ? r->code : 0;
}

static void hear_ping(struct client *c)
{
    struct pl_buf b = {0};

    if (c->is_silent || c->is_rude)
        return;
    say_pong(&b, c->encoding);
    client_tell(c, &b);
}

static void hear_message(struct client *c, struct pl_span batch)
{
    struct peer_reply r;

    while (batch.len > 0 && c->link != NULL) {
        if (!peer_decode(c->encoding, &batch, &r))
            malformed(c);
        c->news += r.kind != PEER_PING;
        if (r.kind == PEER_PING)
            hear_ping(c);
        else if (r.id != 0)
            hear_answer(c, &r);
        else
            hear_push(c, &r);
    }
}

/* --- Frames --- */

static bool is_close_allowed(const struct client *c, unsigned code)
{
    const struct world *w = c->world;

    switch (code) {
    case PL_DISCONNECT_SHUTDOWN:
        return w->is_stopping;
    case PL_DISCONNECT_SERVER_ERROR:
    case 1011:
        return w->fails_allocations;
    case PL_DISCONNECT_EXPIRED:
        return c->is_expiring;
    case PL_DISCONNECT_CONNECTION_LIMIT:
        return w->config->limits.user_connections > 0;
    case PL_DISCONNECT_SLOW:
    case PL_DISCONNECT_INSUFFICIENT_STATE:
    case PL_DISCONNECT_NO_PONG:
    case PL_DISCONNECT_FORCE_RECONNECT:
    case PL_DISCONNECT_STALE:
    case 1000: /* its own, returned */
        return true;
    default:
        return false;
    }
}

static void hear_close(struct client *c, struct pl_span payload)
{
    struct pl_buf b = {0};
    unsigned code = payload.len < 2
                        ? 1000
                        : (unsigned)(unsigned char)payload.at[0] << 8 |
                              (unsigned char)payload.at[1];

    trace_note("close", (int)c->index, code, c->connection);
    if (!c->is_rude && !is_close_allowed(c, code))
        trace_fail("client %u: closed with %u", c->index, code);
    if (code == PL_DISCONNECT_CONNECTION_LIMIT)
        c->watch.error = PL_ERROR_LIMIT_EXCEEDED; /* no place to watch from */
    c->stage = STAGE_OVER;
    say_frame(&b, 8, payload);
    link_say(c->link, b.data, b.len);
    pl_buf_fini(&b);
}

static void hear_compressed(struct client *c, struct pl_span payload)
{
    struct pl_buf whole = {0};

    if (!c->is_deflated || !hear_inflate(payload, &whole))
        trace_fail("client %u: bad compressed data", c->index);
    hear_message(c, pl_buf_span(&whole));
    pl_buf_fini(&whole);
}

static void hear_frame(struct client *c, unsigned opcode,
                       struct pl_span payload)
{
    if (c->stage == STAGE_OVER)
        trace_fail("client %u: something behind a Close", c->index);
    if (opcode == 8)
        hear_close(c, payload);
    else if (opcode == (0x40 | 1) || opcode == (0x40 | 2)) /* RSV1 */
        hear_compressed(c, payload);
    else if (opcode == 1 || opcode == 2)
        hear_message(c, payload);
    else if (opcode != 10)
        trace_fail("client %u: a frame with opcode %u", c->index, opcode);
}

/* The planted bugs of a transport: false when the frame is not to come now. */
static bool let_pass(struct client *c, struct pl_span frame, size_t header)
{
    struct pl_span body = {frame.at + header, frame.len - header};
    bool is_push = body.len > 0 && memmem(body.at, body.len, "\"n\":", 4);

    if (is_push && faults_strike(PLANT_DROPPED_FRAME, 500))
        return false;
    bool is_answer = body.len > 0 && memmem(body.at, body.len, "\"epoch\"", 7);
    if (!is_answer || c->held.len > 0 || c->stage != STAGE_IN ||
        !faults_strike(PLANT_LATE_REPLY, 5))
        return true;
    pl_buf_put_span(&c->held, body);
    return false;
}

static void hear_held(struct client *c)
{
    struct pl_buf held = c->held;

    c->held = (struct pl_buf){0};
    if (held.len > 0 && c->link != NULL && c->stage == STAGE_IN)
        hear_message(c, pl_buf_span(&held));
    pl_buf_fini(&held);
}

/* The size of the frame at `p`, and of its header; 0: not all here. */
static size_t whole_frame(const unsigned char *p, size_t left, size_t *header)
{
    uint64_t len;

    if (left < 2)
        return 0;
    if (p[1] & 0x80 || !(p[0] & 0x80))
        trace_fail("a frame that is masked or not whole");
    *header = p[1] < 126 ? 2 : p[1] == 126 ? 4 : 10;
    if (left < *header)
        return 0;
    len = p[1] & 0x7f;
    if (*header > 2)
        len = 0;
    for (size_t i = 2; i < *header; i++)
        len = len << 8 | p[i];
    return left < *header + len ? 0 : *header + (size_t)len;
}

/* Gives what was used up of the answer to the handshake. */
static void take_terms(struct client *c, struct pl_span head)
{
    c->is_deflated =
        memmem(head.at, head.len, "permessage-deflate", 18) != NULL;
    if (c->is_deflated !=
        (c->offer != NULL && c->world->config->websocket.deflate))
        trace_fail("client %u: deflate, or not?", c->index);
}

static size_t hear_http(struct client *c)
{
    const char *end =
        c->in.len < 4 ? NULL : memmem(c->in.data, c->in.len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (strncmp(c->in.data, "HTTP/1.1 101 ", 13) == 0) {
        c->stage = STAGE_CONNECTING;
        take_terms(c, (struct pl_span){c->in.data, (size_t)(end - c->in.data)});
        return (size_t)(end - c->in.data) + 4;
    }
    if (!c->is_rude && !c->world->is_stopping && !c->world->is_overloaded &&
        !c->world->fails_allocations)
        trace_fail("client %u: %.12s", c->index, c->in.data);
    c->stage = STAGE_REFUSED;
    return c->in.len;
}

void client_hear(struct link_peer *p, const char *bytes, size_t len)
{
    struct client *c = (struct client *)p;
    size_t at = 0, header, size;

    pl_buf_put(&c->in, bytes, len);
    if (c->stage == STAGE_OPENING)
        at = hear_http(c);
    if (c->stage == STAGE_REFUSED)
        c->in.len = at = 0;
    if (c->stage == STAGE_OPENING)
        return;
    while (c->link != NULL &&
           (size = whole_frame((unsigned char *)c->in.data + at, c->in.len - at,
                               &header)) > 0) {
        struct pl_span frame = {c->in.data + at, size};

        at += size;
        if (!let_pass(c, frame, header))
            continue;
        hear_frame(c, frame.at[0] & 0x7f,
                   (struct pl_span){frame.at + header, size - header});
        hear_held(c);
    }
    if (c->link == NULL)
        return; /* it has left meanwhile */
    memmove(c->in.data, c->in.data + at, c->in.len - at);
    c->in.len -= at;
}

void client_end(struct link_peer *p)
{
    struct client *c = (struct client *)p;

    c->news++;
    trace_note("ended", (int)c->index, c->connection, c->stage);
    client_leave(c);
}
