/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_connection.c - whole connections to a whole broker above the sockets:
 * the world of tests/sim, but here the input says who does what, and when.
 *
 * The input is a program.  Its first two bytes choose the broker: a seed, and
 * the bits of enum broker_bit.  Then come instructions: the low half of a byte
 * is the kind (enum kind), the two bits above it say which client, and
 * operands follow, which are zero behind the end.  A client gathers commands
 * and raw bytes in a message and says it in frames, or says anything else on
 * the wire; bytes go up and down in pieces; loops turn, time passes,
 * allocations fail, the broker stops.
 *
 * What must hold beside the sanitizers: the ledgers at the end of each turn
 * and at rest, a stop in time and nothing left behind (world.c), and what the
 * clients hear (talker.h).
 *
 * Rejected: the clients of tests/sim, which know how the broker must answer
 * them and so cannot say what is wrong. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "talker.h"
#include "trace.h"

enum {
    TALKERS = 4,
    STEPS_MAX = 512,
    MESSAGE_MAX = 16 * 1024,
    QUIET_ROUNDS = 6, /* of 50 ms: longer than a command waits its turn */
    ROUNDS_MAX = 400,
    REST_ROUNDS_MAX = 20000, /* thousands of commands, five in a second */
    STOP_SLACK_MS = 2000     /* beyond the deadlines of the phases */
};

enum broker_bit {
    BROKER_LATE = 1,    /* on the store that answers late */
    BROKER_DEFLATE = 2, /* with websocket.deflate */
    BROKER_LEFT = 4     /* all clients leave before it stops */
};

enum kind {
    DO_OPEN,    /* bits of enum open_bit */
    DO_COMMAND, /* verb and bits, channel, argument: into the message */
    DO_QUICK,   /* the same, said and carried up at once */
    DO_BYTES,   /* length, bytes: into the message */
    DO_SAY,     /* bits of enum say_bit: the message becomes frames */
    DO_WIRE,    /* length, bytes: on the wire as they are */
    DO_CONTROL, /* first byte of the frame, length, bytes */
    DO_UP,      /* how many bytes, 0: all */
    DO_DOWN,    /* the same */
    DO_TURN,    /* how many turns */
    DO_TIME,    /* which of some times; upper bit: it jumps */
    DO_LINK,    /* enum link_event */
    DO_KICK,    /* user, or user and channel */
    DO_ANSWER,  /* how many handlers that wait */
    DO_FAIL,    /* odds of allocations to fail */
    DO_REST     /* all goes where it goes; 15: the broker stops, 31: at once */
};

enum link_event { LINK_RESET, LINK_SHUT, LINK_TIGHT, LINK_ROOMY, LINK_EVENTS };

struct run {
    const uint8_t *at, *end;
    unsigned bits;
    struct world world;
    struct talker talkers[TALKERS];
    struct gossip gossip;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- The program --- */

static unsigned next(struct run *r)
{
    return r->at < r->end ? *r->at++ : 0;
}

/* As many bytes as the next one says, or as are left. */
static struct pl_span next_bytes(struct run *r)
{
    size_t len = next(r), left = (size_t)(r->end - r->at);
    struct pl_span s = {(const char *)r->at, len < left ? len : left};

    r->at += s.len;
    return s;
}

/* --- Instructions --- */

static const char *channel_of(unsigned n)
{
    static const char *const more[] = {
        "", "a/b", "\xff", "not to be had:x", "a\\\"b", "$x"};

    n &= 15;
    return n < CHANNELS ? world_channel_name(n) : more[n - CHANNELS];
}

/* Owner: `envelope` holds it, or it is constant. */
static const char *data_of(struct run *r, unsigned n, char envelope[4096])
{
    static const char *const texts[] = {NULL,
                                        "{}",
                                        "{\"n\":1}",
                                        "null",
                                        "\"\xc3\xa9\\u0041\"",
                                        "{",
                                        "{\"type\":\"now\"}",
                                        "{\"type\":\"late\"}"};
    static const char *const to[] = {"user/u1", "channel/room:a", "conn/",
                                     "node/x"};

    if (n % 16 < 8)
        return texts[n % 16];
    if (n % 16 < 12) {
        snprintf(envelope, 4096,
                 "{\"to\":\"%s%s\",\"type\":\"t\",\"body\":[1]}", to[n % 4],
                 n % 4 == 2 ? r->gossip.client : "");
        return envelope;
    }
    int len = n % 16 < 14 ? 260 : 3800;
    snprintf(envelope, 4096, "\"%*s\"", len, n % 2 == 0 ? "" : "end");
    return envelope;
}

static void do_command(struct run *r, struct talker *t)
{
    static const char *const methods[] = {"now",  "late",       "slow",
                                          "fail", "actor.send", "sys.whoami",
                                          "",     "sys.none"};
    unsigned what = next(r), where = next(r), arg = next(r);
    struct say s = {.verb = (enum verb)(what % 10),
                    .channel = channel_of(where),
                    .recover = what / 10 % 2 == 1,
                    .join_leave = what / 20 % 2 == 1,
                    .epoch = (where & 64) != 0 ? "none" : r->gossip.epoch,
                    .offset = (where & 128) != 0 ? arg : r->gossip.offset,
                    .limit = (int32_t)arg - 2};
    char envelope[4096], *token = NULL;

    if (t->link == NULL || t->message.len > MESSAGE_MAX)
        return;
    if (s.verb == VERB_CONNECT || s.verb == VERB_REFRESH)
        s.token = token = world_token(&r->world, arg % USERS, arg / USERS, 0);
    if (s.verb == VERB_PUBLISH || s.verb == VERB_SEND || s.verb == VERB_RPC)
        s.data = data_of(r, arg, envelope);
    if (s.verb == VERB_CONNECT && !s.recover)
        s.channel = NULL;
    if (s.verb == VERB_RPC) {
        s.channel = NULL;
        s.method = methods[where % 8];
    }
    talker_command(t, &s);
    free(token);
}

static void do_bytes(struct run *r, struct talker *t)
{
    struct pl_span bytes = next_bytes(r);

    t->is_raw = true;
    if (t->message.len < MESSAGE_MAX)
        pl_buf_put_span(&t->message, bytes);
}

static void do_wire(struct run *r, struct talker *t)
{
    struct pl_span bytes = next_bytes(r);

    t->is_raw = true;
    link_say(t->link, bytes.at, bytes.len);
}

static void do_control(struct run *r, struct talker *t)
{
    unsigned first = next(r);

    t->is_raw = t->is_raw || first == 0x81 || first == 0x82;
    talker_frame(t, first, next_bytes(r));
}

static void do_link(struct talker *t, unsigned n)
{
    switch ((enum link_event)(n % LINK_EVENTS)) {
    case LINK_RESET:
        talker_leave(t);
        return;
    case LINK_SHUT:
        link_shut(t->link);
        return;
    case LINK_TIGHT:
        link_set_room(t->link, n);
        return;
    default:
        link_set_room(t->link, TALKER_ROOMY);
    }
}

/* What one client does. */
static void act(struct run *r, struct talker *t, enum kind kind)
{
    unsigned n;

    switch (kind) {
    case DO_BYTES:
        do_bytes(r, t);
        return;
    case DO_SAY:
        talker_say(t, next(r));
        return;
    case DO_WIRE:
        do_wire(r, t);
        return;
    case DO_CONTROL:
        do_control(r, t);
        return;
    case DO_UP:
        n = next(r);
        link_carry_up(t->link, n == 0 ? SIZE_MAX : n);
        return;
    case DO_DOWN:
        n = next(r);
        link_carry_down(t->link, n == 0 ? SIZE_MAX : n);
        return;
    default:
        do_link(t, next(r));
    }
}

/* --- The broker, and time --- */

static bool carry_all(struct run *r)
{
    bool any = false;

    for (unsigned i = 0; i < TALKERS; i++) {
        struct talker *t = &r->talkers[i];

        while (t->link != NULL && link_carry_up(t->link, SIZE_MAX))
            any = true;
        while (t->link != NULL && link_carry_down(t->link, SIZE_MAX))
            any = true;
    }
    return any;
}

static void carry_until_still(struct run *r)
{
    unsigned rounds = 0;

    do {
        world_pass(&r->world, 0);
        if (++rounds == ROUNDS_MAX)
            trace_fail("there is no end to what is said");
    } while (carry_all(r));
}

static void do_time(struct run *r, unsigned n)
{
    static const unsigned ms[] = {1, 10, 100, 500, 2000, 6000, 12000, 30000};

    if ((n & 0x80) != 0)
        world_jump(&r->world, ms[n % 8]);
    else
        world_pass(&r->world, ms[n % 8]);
}

static void do_kick(struct run *r, unsigned n)
{
    static const char *const users[USERS] = {"u0", "u1", "u2", "u3"};

    if (!r->world.is_stopping)
        world_kick(&r->world, users[n % USERS],
                   (n & 4) != 0 ? channel_of(n >> 4) : NULL);
}

static void do_rest(struct run *r, unsigned n)
{
    if (n % 32 == 15 || n % 32 == 31)
        world_stop(&r->world, n % 32 == 31);
    else
        carry_until_still(r);
}

static void do_common(struct run *r, enum kind kind)
{
    struct world *w = &r->world;
    unsigned n = next(r);

    switch (kind) {
    case DO_TURN:
        for (n = n % 32 + 1; n > 0 && world_turn(w); n--)
            continue;
        return;
    case DO_TIME:
        do_time(r, n);
        return;
    case DO_KICK:
        do_kick(r, n);
        return;
    case DO_ANSWER:
        for (n = n % 8 + 1; n > 0 && world_answer_call(w); n--)
            continue;
        return;
    case DO_FAIL:
        w->fails_allocations = true;
        faults_fail_allocations(n, n);
        return;
    default:
        do_rest(r, n);
    }
}

static void step(struct run *r)
{
    unsigned n = next(r);
    enum kind kind = (enum kind)(n & 15);
    struct talker *t = &r->talkers[n >> 4 & (TALKERS - 1)];

    if (kind == DO_OPEN)
        talker_open(t, next(r));
    else if (kind >= DO_TURN && kind != DO_LINK)
        do_common(r, kind);
    else if (t->link == NULL)
        return;
    else if (kind == DO_COMMAND || kind == DO_QUICK)
        do_command(r, t);
    else
        act(r, t, kind);
    if (kind == DO_QUICK)
        talker_say(t, SAY_CARRY);
}

/* --- From beginning to end --- */

/* Everybody reads all, nothing fails, and all handlers answer.  A command that
 * waits for its turn and gets no reply moves nothing but its count. */
static void come_to_rest(struct run *r)
{
    uint64_t commands = 0;
    unsigned quiet = 0;

    for (unsigned i = 0; i < TALKERS; i++) {
        if (r->talkers[i].link != NULL)
            link_set_room(r->talkers[i].link, TALKER_ROOMY);
    }
    r->world.is_calm = true; /* no verdict waits until it is late */
    for (unsigned i = 0; quiet < QUIET_ROUNDS; i++) {
        if (i == REST_ROUNDS_MAX)
            trace_fail("it never becomes quiet");
        bool any = carry_all(r);
        uint64_t before = commands;
        while (world_answer_call(&r->world))
            any = true;
        world_pass(&r->world, 50);
        commands = world_metric(&r->world, PL_METRIC_COMMANDS);
        quiet = any || commands != before ? 0 : quiet + 1;
    }
    r->world.is_calm = false;
    world_check_rest(&r->world);
}

static void stop(struct run *r)
{
    struct world *w = &r->world;
    const struct pl_settings *c = w->config;
    uint64_t deadline = w->now_ms + c->supervisor.shutdown.grace_ms +
                        c->supervisor.shutdown.disconnect_ms +
                        c->supervisor.shutdown.cancel_ms + STOP_SLACK_MS;

    if (!w->is_stopping)
        world_stop(w, false);
    while (!w->is_stopped && w->now_ms < deadline) {
        world_pass(w, 20);
        carry_all(r);
    }
    if (!w->is_stopped)
        trace_fail("the broker has not stopped in time");
}

static void leave_all(struct run *r)
{
    for (unsigned i = 0; i < TALKERS; i++)
        talker_leave(&r->talkers[i]);
    for (unsigned i = 0; i < QUIET_ROUNDS; i++)
        world_pass(&r->world, 500); /* stores are late, and fail */
    world_check_empty(&r->world);
}

static void end(struct run *r)
{
    faults_fail_allocations(0, 1);
    if (!r->world.is_stopping)
        come_to_rest(r);
    if (!r->world.is_stopping && (r->bits & BROKER_LEFT) != 0)
        leave_all(r);
    stop(r);
    for (unsigned i = 0; i < TALKERS; i++)
        talker_leave(&r->talkers[i]);
    world_end(&r->world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run *r = calloc(1, sizeof *r);

    trace_place.aborts = true;
    *r = (struct run){.at = data, .end = data + size};
    unsigned seed = next(r);
    r->bits = next(r);
    struct world_options o = {
        .seed = seed,
        .is_late = (r->bits & BROKER_LATE) != 0,
        .setting =
            (r->bits & BROKER_DEFLATE) != 0 ? "websocket.deflate=true" : NULL,
    };
    world_begin_with(&r->world, &o);
    for (unsigned i = 0; i < TALKERS; i++)
        r->talkers[i] = (struct talker){
            .world = &r->world, .gossip = &r->gossip, .index = i};
    for (unsigned i = 0; i < STEPS_MAX && r->at < r->end; i++)
        step(r);
    end(r);
    free(r);
    return 0;
}
