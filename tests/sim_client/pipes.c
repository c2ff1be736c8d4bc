/* SPDX-License-Identifier: Apache-2.0 */
/* pipes.c - see pipes.h.
 *
 * A stream that the library closes is only marked: its call may come inside a
 * turn of the library's loop or a callback of the connection, and the broker is
 * another world that is entered between two events.  The server then sees a
 * reset.
 *
 * Invariant: after `ended` or close nothing is reported of a stream. */
#include "pipes.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "faults.h"
#include "link.h"
#include "loop.h"
#include "plain_server.h"
#include "program.h"
#include "trace.h"
#include "world.h"

enum {
    REACH_ODDS = 8, /* one attempt in so many fails */
    CHUNK = 700
};

struct pipe {
    struct plc_stream stream; /* first */
    struct link_peer peer;
    struct pipes *all;
    struct pipe *next;
    const struct plc_stream_user *calls;
    void *user;
    struct link *link; /* NULL: not reached yet, or over */
    struct pl_buf up;  /* taken, and not carried on */
    size_t room;       /* of `up` */
    bool is_blocked;   /* the library waits for room */
    bool is_paused;
    bool is_finished; /* nothing follows `up` */
    bool is_shut;     /* and the server knows */
    bool is_silent;   /* nothing is carried */
    bool is_over;     /* `ended` was called */
    bool is_closed;   /* by the library */
};

struct pipes {
    struct plc_network network; /* first */
    struct world *world;
    struct pl_loop *loop;
    struct plain_server *plain;
    struct pipe *first;
    unsigned count;
    bool is_healed; /* every server is reached */
    bool is_due;    /* a turn, after what was reported */
};

static struct pipe *of_peer(struct link_peer *p)
{
    return PL_CONTAINER(p, struct pipe, peer);
}

static bool is_live(const struct pipe *p)
{
    return !p->is_over && !p->is_closed;
}

/* --- The library's side --- */

static size_t on_write(struct plc_stream *s, struct pl_span bytes)
{
    struct pipe *p = (struct pipe *)s;
    unsigned suspended = faults_suspend();
    size_t space = p->up.len < p->room ? p->room - p->up.len : 0;
    size_t n = bytes.len < space ? bytes.len : space;

    pl_buf_put(&p->up, bytes.at, n);
    p->is_blocked = n < bytes.len;
    faults_resume(suspended);
    return n;
}

static void on_pause(struct plc_stream *s, bool is_paused)
{
    ((struct pipe *)s)->is_paused = is_paused;
}

static void on_finish(struct plc_stream *s)
{
    ((struct pipe *)s)->is_finished = true;
}

static void on_close(struct plc_stream *s)
{
    struct pipe *p = (struct pipe *)s;

    if (p->is_closed)
        trace_fail("a stream is closed twice");
    p->is_closed = true;
}

static const struct plc_stream_ops stream_ops = {
    .write = on_write,
    .pause = on_pause,
    .finish = on_finish,
    .close = on_close,
};

/* --- The server's side --- */

void pipes_enter(struct pipes *all)
{
    pl_loop_awake(all->loop);
    all->is_due = true;
    faults_enter();
}

static void end(struct pipe *p, enum pl_err err, bool is_clean, const char *why)
{
    if (!is_live(p))
        return;
    p->is_over = true;
    pipes_enter(p->all);
    p->calls->ended(p->user, err, is_clean, why);
    faults_leave();
}

static void on_hear(struct link_peer *peer, const char *bytes, size_t len)
{
    struct pipe *p = of_peer(peer);

    if (!is_live(p))
        return;
    pipes_enter(p->all);
    p->calls->came(p->user, (struct pl_span){bytes, len});
    faults_leave();
}

static void on_end(struct link_peer *peer)
{
    end(of_peer(peer), PL_ECLOSED, true, "the server has ended");
}

static enum pl_err on_open(struct plc_network *n, struct plc_stream **out,
                           const struct plc_target *target,
                           const struct plc_stream_user *calls, void *user)
{
    static const size_t rooms[] = {60, 700, 100000, 100000};
    struct pipes *all = (struct pipes *)n;

    if (target->port == PLAIN_PORT)
        return plain_server_open(all->plain, out, target, calls, user);
    struct pipe *p = calloc(1, sizeof *p);
    if (p == NULL)
        return PL_ENOMEM;
    p->stream.ops = &stream_ops;
    p->peer = (struct link_peer){on_hear, on_end};
    p->all = all;
    p->calls = calls;
    p->user = user;
    p->room = rooms[world_draw(all->world, 4)];
    p->next = all->first;
    all->first = p;
    all->count++;
    *out = &p->stream;
    return PL_OK;
}

static const struct plc_network_ops network_ops = {.open = on_open};

/* --- Events --- */

bool pipes_take_due(struct pipes *all)
{
    bool is_due = all->is_due;

    all->is_due = false;
    return is_due;
}

static void lose(struct pipe *p, const char *why)
{
    struct link *l = p->link;

    p->link = NULL;
    if (l != NULL)
        link_reset(l);
    end(p, PL_EIO, false, why);
}

static void reach(struct pipe *p)
{
    struct world *w = p->all->world;
    bool is_lost = !p->all->is_healed && world_draw(w, REACH_ODDS) == 0;

    if (!is_lost && world_listens(w))
        p->link = link_open(w, world_draw(w, w->workers),
                            world_draw(w, 4) == 0 ? 700 : 100000, &p->peer);
    trace_note("reach", -1, p->link != NULL, 0);
    if (p->link == NULL) {
        end(p, PL_EIO, false, "connection refused");
        return;
    }
    pipes_enter(p->all);
    p->calls->opened(p->user);
    faults_leave();
}

static void tell_room(struct pipe *p)
{
    if (!p->is_blocked || !is_live(p))
        return;
    p->is_blocked = false;
    pipes_enter(p->all);
    p->calls->writable(p->user);
    faults_leave();
}

static bool carry_up(struct pipe *p, size_t max)
{
    size_t n = p->up.len < max ? p->up.len : max;

    if (link_is_paused(p->link))
        n = 0;
    if (n > 0) {
        link_say(p->link, p->up.data, n);
        p->up.len -= n;
        memmove(p->up.data, p->up.data + n, p->up.len);
    }
    if (p->is_finished && p->up.len == 0 && !p->is_shut) {
        p->is_shut = true;
        link_shut(p->link);
    }
    bool any = link_carry_up(p->link, max) || n > 0;
    tell_room(p);
    return any;
}

static bool carry(struct pipe *p, bool up, size_t max)
{
    if (!is_live(p) || p->is_silent)
        return false;
    if (p->link == NULL) {
        reach(p);
        return true;
    }
    if (up)
        return carry_up(p, max);
    return !p->is_paused && link_carry_down(p->link, max);
}

static struct pipe *draw(struct pipes *all)
{
    struct pipe *p = all->first;

    if (all->count == 0)
        return NULL;
    for (unsigned i = world_draw(all->world, all->count); i > 0; i--)
        p = p->next;
    return p;
}

bool pipes_act(struct pipes *all)
{
    pipes_bury(all);
    if (world_draw(all->world, 4) == 0) {
        bool any = plain_server_act(all->plain);
        trace_place.step += any;
        return any;
    }
    struct pipe *p = draw(all);
    if (p == NULL)
        return false;
    size_t max = 1 + world_draw(all->world, CHUNK);
    if (world_draw(all->world, 2) == 0)
        max = 1 << 20;
    bool did = carry(p, world_draw(all->world, 2) == 0, max);
    trace_place.step += did;
    return did;
}

void pipes_trouble(struct pipes *all)
{
    if (world_draw(all->world, 4) == 0) {
        plain_server_trouble(all->plain);
        return;
    }
    struct pipe *p = draw(all);
    if (p == NULL || !is_live(p) || p->link == NULL)
        return;
    trace_note("net trouble", -1, p->is_silent, 0);
    if (p->is_silent)
        p->is_silent = false;
    else if (world_draw(all->world, 3) == 0)
        p->is_silent = true;
    else
        lose(p, "connection reset");
}

static void heal(struct pipe *p)
{
    p->is_silent = false;
    p->room = 100000;
    if (p->link != NULL)
        link_set_room(p->link, 1 << 20);
    tell_room(p);
}

bool pipes_carry_all(struct pipes *all)
{
    bool any = plain_server_carry_all(all->plain);

    all->is_healed = true;
    pipes_bury(all);
    for (struct pipe *p = all->first; p != NULL; p = p->next) {
        heal(p);
        while (carry(p, true, SIZE_MAX) || carry(p, false, SIZE_MAX))
            any = true;
    }
    pipes_bury(all);
    all->is_healed = false;
    return any;
}

void pipes_bury(struct pipes *all)
{
    struct pipe **at = &all->first;

    while (*at != NULL) {
        struct pipe *p = *at;

        if (!p->is_closed) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        all->count--;
        if (p->link != NULL)
            link_reset(p->link);
        pl_buf_fini(&p->up);
        free(p);
    }
}

/* --- All of them --- */

struct pipes *pipes_create(struct program *of, struct pl_loop *loop)
{
    struct pipes *p = program_fresh(sizeof *p);

    p->network.ops = &network_ops;
    p->world = of->world;
    p->loop = loop;
    p->plain = plain_server_create(of, p);
    return p;
}

void pipes_destroy(struct pipes *p)
{
    pipes_bury(p);
    if (p->first != NULL)
        trace_fail("the library has left a stream open");
    plain_server_destroy(p->plain);
    free(p);
}

struct plc_network *pipes_network(struct pipes *p)
{
    return &p->network;
}
