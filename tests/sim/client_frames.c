/* SPDX-License-Identifier: Apache-2.0 */
/* client_frames.c - see client.h: bytes from the link become messages.
 *
 * Checked here: the answer to the handshake, whole frames that are not masked,
 * compression as it was agreed, and a Close with a code that has a reason,
 * with nothing behind it. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "faults.h"
#include "hear.h"
#include "trace.h"

/* A backend wanted it. */
static bool was_kicked(const struct client *c, unsigned code)
{
    for (unsigned i = 0; i < c->kick_count; i++) {
        if (c->kicks[i] == code)
            return true;
    }
    return false;
}

static bool has_server_subs(const struct client *c)
{
    bool has = c->stage != STAGE_IN || c->subs[INBOX].state == SUB_LIVE;

    for (unsigned i = 0; i < ROOMS; i++)
        has = has || c->subs[i].is_server;
    return has;
}

static bool has_expired(const struct client *c)
{
    enum { GRACE_MS = 25000, HELD_MS = 1000 };

    if (c->world->jumped_step >= c->opened_step)
        return c->is_expiring; /* what a loop counted from may have been old */
    /* a loop counts from its turn's beginning, which slow handlers delay */
    return c->valid_until_ms != 0 &&
           c->world->now_ms + HELD_MS >= c->valid_until_ms + GRACE_MS;
}

/* Its token names more channels than a connection may have. */
static bool has_too_many(const struct client *c)
{
    return (unsigned)__builtin_popcount(c->token_rooms) >
           c->world->config->session.limits.connection_channels;
}

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
        return has_expired(c);
    case PL_DISCONNECT_CONNECTION_LIMIT:
        return w->config->supervisor.limits.user_connections > 0;
    case PL_DISCONNECT_CHANNEL_LIMIT:
        return c->stage == STAGE_CONNECTING && has_too_many(c);
    case PL_DISCONNECT_INSUFFICIENT_STATE:
        return c->has_other_rooms ||
               (w->has_history && client_may_miss(c) && has_server_subs(c));
    case PL_DISCONNECT_NO_PONG:
        return w->config->session.ping.interval_ms > 0;
    case PL_DISCONNECT_STALE:
        return c->stage != STAGE_IN;
    case PL_DISCONNECT_SLOW: /* but not who reads all at once */
        return !w->is_still || w->fails_allocations;
    case 1000: /* its own, returned */
        return true;
    default:
        return was_kicked(c, code);
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
    bool is_small = c->offer != NULL && strstr(c->offer, "server_max") != NULL;

    if (!c->is_deflated || !hear_inflate(payload, is_small ? 9 : 15, &whole))
        trace_fail("client %u: bad compressed data", c->index);
    client_hear_message(c, pl_buf_span(&whole));
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
        client_hear_message(c, payload);
    else if (opcode != 10)
        trace_fail("client %u: a frame with opcode %u", c->index, opcode);
}

/* Nobody can tell from an offset that these pushes are missing. */
static bool has_no_offset(const struct client *c, struct pl_span body)
{
    return !c->world->has_history ||
           (c->encoding == PEER_JSON &&
            memmem(body.at, body.len, "\"offset\":", 9) == NULL);
}

/* The planted bugs of a transport: false when the frame is not to come now. */
static bool let_pass(struct client *c, struct pl_span frame, size_t header)
{
    struct pl_span body = {frame.at + header, frame.len - header};
    bool is_push = body.len > 0 && memmem(body.at, body.len, "\"n\":", 4);

    if (is_push && faults_strike(PLANT_DROPPED_FRAME, 500))
        return false;
    if (is_push && has_no_offset(c, body) &&
        faults_strike(PLANT_DROPPED_QUIETLY, 50))
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
        client_hear_message(c, pl_buf_span(&held));
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
        (c->offer != NULL && c->world->config->session.websocket.deflate))
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
