/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c - see crowd.h.
 *
 * One epoll, level-triggered, and no copy of what arrives: each connection
 * reads what is there and checks it at once, so that the clients of a load test
 * cost less than the broker.
 *
 * What is said is {"m":MEMBER,"n":NUMBER}.  A listener knows which number comes
 * next from each member of the room and which offset comes next in the room;
 * both must be exactly that. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "moment.h"
#include "peer.h"

enum { EVENTS = 256, NAME_MAX_LEN = 32, PATIENCE_MS = 120000 };

struct member {
    struct peer peer;
    char room[NAME_MAX_LEN];
    unsigned seat;      /* in the room */
    uint64_t offset;    /* of the room's newest publication */
    uint32_t said;      /* publications sent in all talks */
    uint32_t answered;  /* of them */
    uint32_t first_id;  /* of the command of the first publication */
    uint32_t heard;     /* in this talk */
    uint32_t *expected; /* by seat: the number that comes next */
};

struct crowd {
    struct crowd_options options;
    unsigned room_size;
    int epoll;
    struct member *members;
    uint32_t *expected;       /* of all members */
    uint64_t heard, answered; /* in this talk */
    bool is_wrong;
};

static void complain(struct crowd *c, const struct member *m, const char *what,
                     uint64_t got, uint64_t wanted)
{
    if (!c->is_wrong)
        fprintf(stderr, "crowd: %s, seat %u: %s: %llu, not %llu\n", m->room,
                m->seat, what, (unsigned long long)got,
                (unsigned long long)wanted);
    c->is_wrong = true;
}

/* --- Coming --- */

static void enter(struct crowd *c, unsigned i)
{
    struct member *m = &c->members[i];
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = m};

    m->seat = i / c->options.rooms;
    m->expected = c->expected + (size_t)i * c->room_size;
    snprintf(m->room, sizeof m->room, "room-%u", i % c->options.rooms);
    peer_enter(&m->peer, c->options.port, i % 4 < 2 ? PEER_JSON : PEER_PROTOBUF,
               NULL, NULL);
    uint32_t id = peer_subscribe(&m->peer, m->room);
    struct peer_reply r;
    peer_await(&m->peer, id, &r);
    if (r.kind != PEER_RESULT)
        complain(c, m, "not subscribed", r.code, 0);
    m->first_id = id + 1;
    if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, m->peer.fd, &e) != 0)
        abort();
}

struct crowd *crowd_create(const struct crowd_options *options)
{
    struct crowd *c = calloc(1, sizeof *c);

    if (c == NULL)
        abort();
    c->options = *options;
    c->room_size = options->members / options->rooms;
    c->members = calloc(options->members, sizeof *c->members);
    c->expected =
        calloc((size_t)options->members * c->room_size, sizeof *c->expected);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->members == NULL || c->expected == NULL || c->epoll < 0)
        abort();
    for (unsigned i = 0; i < options->members; i++)
        enter(c, i);
    return c;
}

/* --- Listening --- */

/* The number behind `name` in a JSON object that we wrote ourselves. */
static uint32_t number_in(struct pl_span data, const char *name)
{
    const char *at = memmem(data.at, data.len, name, strlen(name));
    uint32_t n = 0;

    if (at == NULL)
        return UINT32_MAX;
    for (at += strlen(name);
         at < data.at + data.len && *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint32_t)(*at - '0');
    return n;
}

static void hear(struct crowd *c, struct member *m, const struct peer_reply *r)
{
    uint32_t seat = number_in(r->data, "\"m\":");
    uint32_t number = number_in(r->data, "\"n\":");

    if (m->offset == 0)
        m->offset = r->offset - 1; /* the room is older than this crowd */
    if (r->offset != m->offset + 1)
        complain(c, m, "offset", r->offset, m->offset + 1);
    m->offset = r->offset;
    if (seat >= c->room_size)
        complain(c, m, "who said it", seat, c->room_size);
    else if (number != m->expected[seat]++)
        complain(c, m, "number", number, m->expected[seat] - 1);
    if (!pl_span_equal(r->channel, pl_span_of(m->room)))
        complain(c, m, "another room", 0, 0);
    m->heard++;
    c->heard++;
}

static void take(struct crowd *c, struct member *m, const struct peer_reply *r)
{
    switch (r->kind) {
    case PEER_PUBLICATION:
        hear(c, m, r);
        return;
    case PEER_RESULT:
        if (r->id != m->first_id + m->answered)
            complain(c, m, "answer", r->id, m->first_id + m->answered);
        m->answered++;
        c->answered++;
        return;
    case PEER_PING:
        return;
    default:
        complain(c, m, "refused or unexpected", r->code, 0);
    }
}

static void read_member(struct crowd *c, struct member *m)
{
    struct peer_reply r;
    enum peer_got got;

    peer_read(&m->peer);
    while ((got = peer_next(&m->peer, &r)) == PEER_GOT)
        take(c, m, &r);
    if (got == PEER_END) {
        complain(c, m, "was disconnected", m->peer.close_code, 0);
        epoll_ctl(c->epoll, EPOLL_CTL_DEL, m->peer.fd, NULL);
    }
}

static void listen_for(struct crowd *c, int ms)
{
    struct epoll_event e[EVENTS];
    int n = epoll_wait(c->epoll, e, EVENTS, ms);

    for (int i = 0; i < n; i++)
        read_member(c, e[i].data.ptr);
}

/* --- Talking --- */

static void say(struct crowd *c, uint64_t turn)
{
    struct member *m = &c->members[turn % c->options.members];
    char data[64];

    snprintf(data, sizeof data, "{\"m\":%u,\"n\":%u}", m->seat, m->said++);
    peer_publish(&m->peer, m->room, data);
}

bool crowd_talk(struct crowd *c, unsigned seconds)
{
    uint64_t begin = moment_ms(), said = 0;
    uint64_t all = (uint64_t)c->options.members * seconds;
    uint64_t until = begin + seconds * 1000u + PATIENCE_MS;

    c->heard = c->answered = 0;
    while (!c->is_wrong &&
           (said < all || c->answered < all || c->heard < all * c->room_size)) {
        uint64_t due = (moment_ms() - begin) * c->options.members / 1000u;

        while (said < all && said < due)
            say(c, said++);
        listen_for(c, 2);
        if (moment_ms() > until)
            complain(c, &c->members[0], "heard in time", c->heard,
                     all * c->room_size);
    }
    for (unsigned i = 0; i < c->options.members; i++) {
        struct member *m = &c->members[i];

        if (m->heard != c->room_size * seconds)
            complain(c, m, "heard", m->heard, c->room_size * seconds);
        m->heard = 0;
    }
    return !c->is_wrong;
}

void crowd_destroy(struct crowd *c)
{
    for (unsigned i = 0; i < c->options.members; i++) {
        struct peer *p = &c->members[i].peer;

        if (i % 2)
            peer_frame(p, PL_WS_CLOSE, PL_SPAN("\x03\xe8"));
        peer_fini(p);
    }
    close(c->epoll);
    free(c->members);
    free(c->expected);
    free(c);
}
