/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h: what a client does.
 *
 * A client asks only for what it may ask for by its own knowledge, as an SDK
 * does, so every error that it gets must have another reason; now and then it
 * is rude on purpose, and then anything may happen to it, but to nobody else.
 * So it is not the client library, which is never rude; tests/sim_client has
 * that. */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "trace.h"

enum { TEXT = 2600 };

static uint32_t next_connection = 1;

struct client *client_create(struct world *w, struct truth *t, unsigned index,
                             struct client *const *others)
{
    struct client *c = calloc(1, sizeof *c);

    c->peer = (struct link_peer){client_hear, client_end};
    c->world = w;
    c->truth = t;
    c->index = index;
    c->others = others;
    c->encoding = world_draw(w, 2) == 0 ? PEER_JSON : PEER_PROTOBUF;
    c->user = (int)(index % (USERS + 2)) - 2;
    if (c->user < 0 || index == CLIENTS)
        c->user = -1;
    c->inbox_user = -1;
    return c;
}

void client_destroy(struct client *c)
{
    client_leave(c);
    post_forget(c->world, c);
    for (unsigned i = 0; i < SUBS; i++)
        free(c->subs[i].joined);
    pl_buf_fini(&c->in);
    pl_buf_fini(&c->held);
    free(c);
}

unsigned client_channel(const struct client *c, unsigned sub)
{
    return sub < INBOX ? sub : ROOMS + (unsigned)c->inbox_user;
}

void client_leave(struct client *c)
{
    struct link *l = c->link;

    c->link = NULL;
    c->stage = STAGE_AWAY;
    c->asked_count = 0;
    c->in.len = c->held.len = 0;
    c->kick_count = 0;
    client_post_end(c);
    for (unsigned i = 0; i < SUBS; i++) {
        c->subs[i].state = SUB_NONE;
        c->subs[i].is_server = c->subs[i].is_kicked = c->subs[i].may_kick =
            c->subs[i].must_end = c->subs[i].is_refreshing = false;
        c->subs[i].kicked = 0;
    }
    if (l != NULL)
        link_reset(l);
}

void client_tell(struct client *c, struct pl_buf *b)
{
    unsigned opcode = c->encoding == PEER_JSON ? 1 : 2;
    struct pl_buf frame = {0};

    if (c->is_deflated && world_draw(c->world, 4) == 0) {
        say_deflated(b);
        opcode |= 0x40;
    }
    say_frame(&frame, opcode, pl_buf_span(b));
    link_say(c->link, frame.data, frame.len);
    pl_buf_fini(&frame);
    pl_buf_fini(b);
}

/* --- Connecting --- */

static void say_http(struct client *c)
{
    struct pl_buf b = {0};

    pl_buf_printf(&b,
                  "GET /connection/websocket%s HTTP/1.1\r\n"
                  "Host: localhost\r\nUpgrade: websocket\r\n"
                  "Connection: keep-alive, Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
                  c->encoding == PEER_JSON ? "" : "?format=protobuf");
    if (c->offer != NULL)
        pl_buf_printf(&b, "Sec-WebSocket-Extensions: %s\r\n", c->offer);
    pl_buf_put_span(&b, PL_SPAN("\r\n"));
    link_say(c->link, b.data, b.len);
    pl_buf_fini(&b);
}

static char *new_token(struct client *c, unsigned rooms)
{
    unsigned ttl =
        world_draw(c->world, 8) == 0 ? 1 + world_draw(c->world, 4) : 0;

    if (c->user < 0)
        return NULL;
    c->is_expiring = c->is_expiring || ttl > 0;
    return world_token(c->world, (unsigned)c->user, ttl, rooms);
}

/* Which rooms its token subscribes it to: often none. */
static unsigned draw_rooms(struct client *c)
{
    unsigned rooms = world_draw(c->world, 1 << ROOMS);

    return c->user < 0 || world_draw(c->world, 2) == 0
               ? 0
               : rooms & world_draw(c->world, 1 << ROOMS);
}

/* What it knows of the channels that it gets without asking; and, since one
 * may try, of one that it does not get. */
static size_t list_positions(struct client *c, struct say_position *to)
{
    unsigned wanted = c->token_rooms | 1u << world_draw(c->world, ROOMS);
    size_t count = 0;

    for (unsigned i = 0; i < SUBS; i++) {
        struct sub *sub = &c->subs[i];
        bool is_known = i == INBOX ? c->inbox_user >= 0 : wanted >> i & 1;

        sub->said_ms = c->world->now_ms;
        sub->said_shed = history_shed(c->world);
        sub->said_step = trace_place.step;
        sub->is_recovering = is_known && sub->epoch[0] != '\0' &&
                             (i == INBOX || world_draw(c->world, 8) != 0);
        if (sub->is_recovering)
            to[count++] =
                (struct say_position){world_channel_name(client_channel(c, i)),
                                      sub->epoch, sub->offset};
    }
    return count;
}

static void say_connect(struct client *c)
{
    struct say_position positions[SUBS];

    c->token_rooms = draw_rooms(c);
    c->has_other_rooms = false;
    c->has_inbox = world_draw(c->world, 4) == 0;
    char *token = new_token(c, c->token_rooms);
    struct say s = {.verb = VERB_CONNECT,
                    .id = ++c->last_id,
                    .token = token,
                    .wants_inbox = c->has_inbox,
                    .positions = positions,
                    .position_count = list_positions(c, positions)};
    struct pl_buf b = {0};

    c->asked[c->asked_count++] = (struct asked){
        .id = s.id, .verb = VERB_CONNECT, .said_ms = c->world->now_ms};
    say_command(&b, c->encoding, &s);
    c->world->tally.asked++;
    client_tell(c, &b);
    free(token);
}

static size_t draw_room(struct client *c)
{
    static const size_t rooms[] = {60, 700, 5000, 100000, 100000};

    return c->index == CLIENTS
               ? rooms[4]
               : rooms[world_draw(c->world, sizeof rooms / sizeof *rooms)];
}

/* Half of them offer nothing. */
static const char *draw_offer(struct world *w)
{
    static const char *const offers[] = {
        "permessage-deflate", "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits"};
    unsigned i = world_draw(w, 6);

    return i < 3 ? offers[i] : NULL;
}

void client_open(struct client *c)
{
    struct world *w = c->world;
    unsigned loop = world_draw(w, w->workers);

    c->link = link_open(w, loop, draw_room(c), &c->peer);
    trace_note("open", (int)c->index, loop, c->link != NULL);
    if (c->link == NULL)
        return; /* out of memory */
    c->connection = next_connection++;
    c->last_id = 0;
    c->id[0] = '\0';
    c->is_unresponsive = c->is_silent = c->is_rude = c->is_expiring = false;
    c->is_deflated = false;
    c->pauses = c->pauses_before = 0;
    c->kick_count = 0;
    c->opened_step = trace_place.step;
    c->expires_ms = 0;
    c->offer = draw_offer(w);
    c->stage = STAGE_OPENING;
    c->is_lazy = c->index != CLIENTS && world_draw(w, 30) == 0;
    if (!c->is_lazy || world_draw(w, 2) == 0)
        say_http(c);
    if (!c->is_lazy)
        say_connect(c);
}

/* --- Commands --- */

/* Have `s` remembered and written. */
static uint32_t ask(struct client *c, struct pl_buf *b, struct say *s,
                    unsigned sub, uint64_t number)
{
    s->id = ++c->last_id;
    c->asked[c->asked_count++] = (struct asked){
        .id = s->id,
        .verb = (uint8_t)s->verb,
        .sub = (uint8_t)sub,
        .sub_generation = sub < SUBS && c->subs[sub].state == SUB_LIVE
                              ? c->subs[sub].generation
                              : 0,
        .number = number,
        .said_ms = c->world->now_ms,
        .is_strict = s->reject,
        .rules = c->world->settled_rules,
    };
    say_command(b, c->encoding, s);
    c->world->tally.asked++;
    return s->id;
}

static void subscribe(struct client *c, struct pl_buf *b, unsigned room)
{
    struct sub *sub = &c->subs[room];
    struct say s = {.verb = VERB_SUBSCRIBE,
                    .channel = world_channel_name(room)};

    if (sub->epoch[0] != '\0' && world_draw(c->world, 8) != 0) {
        s.recover = true;
        s.reject = world_draw(c->world, 8) == 0;
        s.epoch = sub->epoch;
        s.offset = sub->offset;
    }
    s.join_leave = sub->takes_joins = world_draw(c->world, 3) == 0;
    sub->is_recovering = s.recover;
    sub->state = SUB_ASKED;
    sub->generation++;
    sub->said_ms = c->world->now_ms;
    sub->said_shed = history_shed(c->world);
    sub->said_step = trace_place.step;
    sub->command = ask(c, b, &s, SUBS, 0);
    c->asked[c->asked_count - 1].sub = (uint8_t)room;
}

static void unsubscribe(struct client *c, struct pl_buf *b, unsigned room)
{
    struct say s = {.verb = VERB_UNSUBSCRIBE,
                    .channel = world_channel_name(room)};

    c->subs[room].state = SUB_LEAVING;
    c->subs[room].command = ask(c, b, &s, room, 0);
}

/* The client cannot leave what its token brought. */
static void try_in_vain(struct client *c, struct pl_buf *b, unsigned room)
{
    struct say s = {.verb = VERB_UNSUBSCRIBE,
                    .channel = world_channel_name(room)};

    ask(c, b, &s, room, 0);
    c->asked[c->asked_count - 1].is_wrong = true;
}

static uint64_t new_saying(struct client *c, unsigned channel, uint32_t target)
{
    struct saying s = {
        .connection = c->connection,
        .client = (uint16_t)c->index,
        .channel = (uint8_t)channel,
        .target = target,
    };

    memcpy(s.speaker, c->id, sizeof s.speaker);
    return truth_say(c->truth, &s);
}

/* What is long repeats itself farther away than a window of 9 bits. */
static void fill(char *to, unsigned len)
{
    enum { PERIOD = 640 };
    uint32_t x = 1;

    memset(to, ' ', len);
    to[len] = '\0';
    if (len <= PERIOD)
        return;
    for (unsigned i = 0; i < PERIOD; i++) {
        x = x * 1664525 + 1013904223;
        to[i] = (char)('a' + (x >> 24) % 16);
    }
    memcpy(to + PERIOD, to, len - PERIOD < PERIOD ? len - PERIOD : PERIOD);
}

static void publish(struct client *c, struct pl_buf *b, unsigned room)
{
    static const unsigned sizes[] = {0, 0, 0, 10, 110, 130, 600, 1500};
    struct say s = {.verb = VERB_PUBLISH, .channel = world_channel_name(room)};
    uint64_t number = new_saying(c, room, 0);
    char data[TEXT], filling[1501];

    fill(filling, sizes[world_draw(c->world, 8)]);
    snprintf(data, sizeof data, "{\"n\":%" PRIu64 ",\"fill\":\"%s\"}", number,
             filling);
    s.data = data;
    ask(c, b, &s, room, number);
}

static void query(struct client *c, struct pl_buf *b, unsigned room)
{
    static const uint8_t kinds[] = {VERB_PRESENCE, VERB_STATS, VERB_HISTORY,
                                    VERB_HISTORY};
    struct say s = {.verb = (enum verb)kinds[world_draw(c->world, 4)],
                    .channel = world_channel_name(room)};

    s.limit = s.verb == VERB_HISTORY ? (int32_t)world_draw(c->world, 7) - 1 : 0;
    ask(c, b, &s, room, 0);
}

static void call(struct client *c, struct pl_buf *b)
{
    static const char *const methods[] = {"now",  "late",       "slow",
                                          "fail", "sys.whoami", "nobody"};
    struct say s = {.verb = VERB_RPC, .data = "{\"a\":[1,2]}"};

    s.method = methods[world_draw(c->world, 6)];
    ask(c, b, &s, SUBS, 0);
}

/* To an address that is perhaps an actor's: a hub's, an owner's, a session's,
 * one of nobody, the loop's own.  None of them is a client with this id. */
static void forged_message(struct client *c, struct pl_buf *b)
{
    enum { LOOPS = WORKERS_MAX + 2, SLOTS = 16, GENERATIONS = 3 };
    struct say s = {.verb = VERB_RPC, .method = "actor.send"};
    char data[64], id[SAY_ID];

    say_forged_id(id, (uint16_t)world_draw(c->world, LOOPS),
                  world_draw(c->world, SLOTS),
                  world_draw(c->world, GENERATIONS));
    snprintf(data, sizeof data, "{\"to\":\"conn/%s\"}", id);
    s.data = data;
    ask(c, b, &s, SUBS, 0);
    c->asked[c->asked_count - 1].is_forged = true;
}

/* To a user, a connection (often one that is gone) or a channel. */
static void message(struct client *c, struct pl_buf *b)
{
    struct say s = {.verb = VERB_RPC, .method = "actor.send"};
    const struct client *other = c->others[world_draw(c->world, CLIENTS)];
    char data[256], to[64];
    uint64_t number;

    if (world_draw(c->world, 2) == 0) {
        unsigned user = world_draw(c->world, USERS);

        snprintf(to, sizeof to, "user/u%u", user);
        number = new_saying(c, ROOMS + user, 0);
    } else if (other->id[0] != '\0') {
        snprintf(to, sizeof to, "conn/%s", other->id);
        number = new_saying(c, CHANNELS, other->connection);
    } else {
        unsigned room = world_draw(c->world, ROOMS);

        snprintf(to, sizeof to, "channel/%s", world_channel_name(room));
        number = new_saying(c, room, 0);
    }
    snprintf(data, sizeof data,
             "{\"to\":\"%s\",\"type\":\"t\",\"body\":{\"n\":%" PRIu64 "}}", to,
             number);
    s.data = data;
    ask(c, b, &s, SUBS, number);
}

/* A token that brings other rooms than the first one closes the connection. */
static void refresh(struct client *c, struct pl_buf *b)
{
    struct say s = {.verb = VERB_REFRESH};
    unsigned rooms =
        world_draw(c->world, 8) == 0 ? draw_rooms(c) : c->token_rooms;
    bool is_other = rooms != c->token_rooms;
    char *token = new_token(c, rooms);

    if (token == NULL)
        return;
    c->has_other_rooms = c->has_other_rooms || is_other;
    s.token = token;
    ask(c, b, &s, SUBS, is_other);
    free(token);
}

static bool expires(const struct sub *sub)
{
    return sub->state == SUB_LIVE && sub->expires_ms != 0;
}

/* The court answers whatever the token is. */
static void refresh_sub(struct client *c, struct pl_buf *b, unsigned room)
{
    struct say s = {.verb = VERB_SUB_REFRESH,
                    .channel = world_channel_name(room),
                    .token = "t"};

    c->subs[room].is_refreshing = true;
    ask(c, b, &s, room, 0);
}

static void send_silently(struct client *c, struct pl_buf *b)
{
    struct say s = {.verb = VERB_SEND, .data = "{\"type\":\"now\"}"};

    if (world_draw(c->world, 2) == 0)
        s.data = "{\"type\":\"late\"}";
    say_command(b, c->encoding, &s);
    c->world->tally.silent++;
}

static void say_one(struct client *c, struct pl_buf *b)
{
    unsigned what = world_draw(c->world, 100);
    unsigned room = world_draw(c->world, ROOMS);
    unsigned state = c->subs[room].state;

    if (what < 50)
        publish(c, b, room);
    else if (what < 75 && state == SUB_NONE)
        subscribe(c, b, room);
    else if (what < 58 && state == SUB_LIVE && c->subs[room].is_server)
        try_in_vain(c, b, room);
    else if (what < 58 && state == SUB_LIVE)
        unsubscribe(c, b, room);
    else if (what < 79 && expires(&c->subs[room]) &&
             !c->subs[room].is_refreshing)
        refresh_sub(c, b, room);
    else if (what < 83)
        query(c, b, room);
    else if (what < 90)
        call(c, b);
    else if (what < 95)
        message(c, b);
    else if (what < 96)
        forged_message(c, b);
    else if (what < 98)
        send_silently(c, b);
    else
        refresh(c, b);
}

/* One command, or several in one message. */
static bool talk(struct client *c)
{
    struct pl_buf b = {0};
    unsigned count = world_draw(c->world, 4) == 0 ? 6 : 1;
    uint32_t first = c->last_id + 1;

    for (unsigned i = 0; i < count && b.len < 2000; i++) {
        if (!client_may_say_more(c))
            break;
        say_one(c, &b);
        if (c->outbox.is_used && b.len > 0 && world_draw(c->world, 3) == 0) {
            client_send(c, &b, first);
            first = c->last_id + 1;
        }
    }
    if (b.len > 0)
        client_send(c, &b, first);
    return true;
}

/* --- Going, and other trouble --- */

static void be_rude(struct client *c)
{
    static const char *const noise[] = {"\xff\xff\xff", "\x81\x85",
                                        "GET / HTTP/1.1\r\n\r\n",
                                        "\x81\x82"
                                        "abcd"
                                        "\x1a\x1c"};

    c->is_rude = true;
    const char *bytes = noise[world_draw(c->world, 4)];
    link_say(c->link, bytes, strlen(bytes));
    c->world->tally.noise += strlen(bytes);
}

static void say_close(struct client *c)
{
    struct pl_buf b = {0};

    c->is_rude |= c->is_lazy; /* it may not have said what comes first */
    say_frame(&b, 8, PL_SPAN("\x03\xe8"));
    link_say(c->link, b.data, b.len);
    pl_buf_fini(&b);
}

static void make_trouble(struct client *c)
{
    unsigned what = world_draw(c->world, 100);

    trace_note("trouble", (int)c->index, what, c->connection);
    if (what < 30)
        client_leave(c);
    else if (what < 45)
        link_shut(c->link);
    else if (what < 60)
        c->is_unresponsive = !c->is_unresponsive;
    else if (what < 70)
        c->is_silent = !c->is_silent;
    else if (what < 85)
        link_set_room(c->link, draw_room(c));
    else if (what < 95)
        say_close(c);
    else
        be_rude(c);
}

bool client_act(struct client *c)
{
    if (c->stage == STAGE_AWAY) {
        if (world_draw(c->world, 3) == 0 && world_listens(c->world))
            client_open(c);
        return c->link != NULL;
    }
    if (world_draw(c->world, 60) == 0) {
        make_trouble(c);
        return true;
    }
    return c->stage == STAGE_IN && !c->is_rude && talk(c);
}

/* --- In order --- */

void client_calm(struct client *c)
{
    c->is_unresponsive = c->is_silent = false;
    if (c->link != NULL)
        link_set_room(c->link, 1 << 20);
}

void client_resubscribe(struct client *c)
{
    for (unsigned i = 0; i < ROOMS; i++) {
        struct pl_buf b = {0};

        if (c->subs[i].state != SUB_NONE || c->subs[i].epoch[0] == '\0' ||
            !client_may_say_more(c))
            continue;
        subscribe(c, &b, i);
        client_send(c, &b, c->last_id);
    }
}

uint32_t client_ask(struct client *c, enum verb verb, unsigned room)
{
    struct say s = {.verb = verb, .channel = world_channel_name(room)};
    struct pl_buf b = {0};

    s.limit = verb == VERB_HISTORY_ALL ? -1 : 0;
    c->watch = (struct watch){.id = 0};
    uint32_t id = ask(c, &b, &s, room, 0);
    client_tell(c, &b);
    return id;
}
