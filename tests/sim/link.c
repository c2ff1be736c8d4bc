/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h.  It follows broker/net/conn.c, which does the same with
 * a socket.
 *
 * Input is given to the session in a block of just its size, so that ASan sees
 * who reads beyond it. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "session.h"
#include "trace.h"
#include "world.h"

/* Where addresses are counted, the verdict about one may come later. */
enum door { NOT_ASKED, ASKED, ANSWERED };

struct link {
    struct world *world;
    struct link_peer *peer;     /* NULL: the client has let go */
    struct pl_session *session; /* NULL: freed */
    struct pl_loop *loop;
    struct pl_buf up, down; /* on the way */
    size_t up_at, down_at;  /* carried on already */
    size_t room;            /* bytes that `down` may hold */
    uint64_t left_bytes;    /* in the session's queue after the last flush */
    enum door door;
    bool is_shut; /* the client's end of file is behind `up` */
    bool is_paused;
    bool is_stalled;
    bool is_ending;
    bool is_lingering;
    bool is_gone;     /* pl_session_gone() was called */
    bool is_finished; /* the server's end of file is behind `down` */
    bool told_end;
};

static struct link *link_of(struct pl_session *s)
{
    return *(struct link **)pl_session_transport(s);
}

static void free_if_over(struct link *l)
{
    if (l->session != NULL || l->peer != NULL)
        return;
    pl_buf_fini(&l->up);
    pl_buf_fini(&l->down);
    free(l);
}

static void close_now(struct link *l, const char *why)
{
    if (l->is_gone)
        return;
    l->is_gone = l->is_finished = true;
    pl_session_gone(l->session, why);
}

/* --- Writing --- */

static size_t waiting(const struct link *l)
{
    return l->down.len - l->down_at;
}

static size_t has_room(const struct link *l)
{
    return waiting(l) < l->room ? l->room - waiting(l) : 0;
}

static void on_flushed(struct link *l)
{
    if (!l->is_ending)
        return;
    if (!l->is_lingering || l->is_shut)
        close_now(l, "ended");
    else
        l->is_finished = true;
}

/* The kernel takes what it has room for. */
static size_t take(struct link *l, const struct iovec *iov, int count)
{
    size_t taken = 0;

    for (int i = 0; i < count; i++) {
        size_t n = iov[i].iov_len < has_room(l) ? iov[i].iov_len : has_room(l);

        pl_buf_put(&l->down, iov[i].iov_base, n);
        taken += n;
    }
    return taken;
}

static bool write_some(struct link *l)
{
    struct iovec iov[4];
    int count = pl_session_output(l->session, iov, 4);

    if (count == 0) {
        on_flushed(l);
        return false;
    }
    if (has_room(l) == 0) {
        l->is_stalled = true;
        pl_session_stalled(l->session);
        return false;
    }
    unsigned suspended = faults_suspend();
    size_t taken = take(l, iov, count);
    faults_resume(suspended);
    pl_session_sent(l->session, taken);
    return !l->is_gone;
}

static void write_all(struct link *l)
{
    if (l->is_gone || l->is_stalled)
        return;
    while (write_some(l))
        continue;
}

/* --- What the session wants --- */

/* Nothing is put into a queue that is full, but for the last words and what
 * ends subscriptions; a login has a queue of its own beside, and so has what is
 * recovered. */
static void check_queue(struct link *l)
{
    enum { WORDS = 4096 };
    const struct pl_config *c = l->world->config;
    uint64_t most = 4 * c->limits.outgoing_queue;
    uint64_t bytes = pl_session_output_bytes(l->session);

    if (most < l->left_bytes)
        most = l->left_bytes;
    if (l->left_bytes > 0 && bytes > most + c->limits.outgoing_queue + WORDS)
        trace_fail("%zu bytes wait for a client, %zu waited before",
                   (size_t)bytes, (size_t)l->left_bytes);
}

static void on_flush(struct pl_session *s)
{
    struct link *l = link_of(s);

    check_queue(l);
    write_all(l);
    l->left_bytes = l->is_gone ? 0 : pl_session_output_bytes(s);
}

static void on_pause(struct pl_session *s)
{
    link_of(s)->is_paused = true;
}

static void on_resume(struct pl_session *s)
{
    link_of(s)->is_paused = false;
}

static void on_end(struct pl_session *s, enum pl_end how)
{
    struct link *l = link_of(s);

    if (how == PL_END_AT_ONCE) {
        close_now(l, "ended");
        return;
    }
    l->is_ending = true;
    l->is_lingering = how == PL_END_LINGER;
    l->is_paused = false;
    write_all(l);
}

/* About one half of them is asked. */
static enum pl_admission on_admit(struct pl_session *s, struct pl_span list)
{
    struct link *l = link_of(s);

    (void)list;
    if (l->door == NOT_ASKED)
        l->door = l->room % 2 == 0 ? ASKED : ANSWERED;
    return l->door == ASKED ? PL_ADMIT_LATER : PL_ADMIT;
}

static void on_free(struct pl_session *s)
{
    struct link *l = link_of(s);

    l->session = NULL;
    l->is_gone = l->is_finished = true;
    free_if_over(l);
}

static const struct pl_transport_ops ops = {
    .flush = on_flush,
    .pause = on_pause,
    .resume = on_resume,
    .end = on_end,
    .free = on_free,
    .admit = on_admit,
};

/* --- From outside --- */

static void enter(struct link *l)
{
    pl_loop_awake(l->loop);
    faults_enter();
}

struct link *link_open(struct world *w, unsigned loop, size_t room,
                       struct link_peer *peer)
{
    struct link *l = calloc(1, sizeof *l);

    *l = (struct link){.world = w, .peer = peer, .room = room};
    l->loop = w->at[loop].loop;
    enter(l);
    enum pl_err rc = pl_session_create(&l->session, w->at[loop].keeper, &ops,
                                       sizeof(struct link *));
    faults_leave();
    if (rc != PL_OK) {
        free(l);
        return NULL;
    }
    *(struct link **)pl_session_transport(l->session) = l;
    return l;
}

void link_say(struct link *l, const void *bytes, size_t len)
{
    if (!l->is_shut)
        pl_buf_put(&l->up, bytes, len);
}

void link_shut(struct link *l)
{
    l->is_shut = true;
}

void link_reset(struct link *l)
{
    l->peer = NULL;
    if (l->is_gone) {
        free_if_over(l);
        return;
    }
    enter(l);
    close_now(l, "reset");
    faults_leave();
}

/* Forget what was carried on. */
static void compact(struct pl_buf *b, size_t *at)
{
    if (*at == 0 || (*at < b->len && *at < 65536))
        return;
    memmove(b->data, b->data + *at, b->len - *at);
    b->len -= *at;
    *at = 0;
}

/* The verdict is an event as well. */
static bool answer_door(struct link *l)
{
    if (l->is_gone || l->door != ASKED)
        return false;
    l->door = ANSWERED;
    enter(l);
    pl_session_admitted(l->session);
    faults_leave();
    trace_place.step++;
    return true;
}

bool link_carry_up(struct link *l, size_t max)
{
    size_t len = l->up.len - l->up_at;

    if (answer_door(l))
        return true;
    if (l->is_gone || l->is_paused || (len == 0 && !l->is_shut))
        return false;
    len = len < max ? len : max;
    char *bytes = malloc(len == 0 ? 1 : len);
    if (len > 0)
        memcpy(bytes, l->up.data + l->up_at, len);
    l->up_at += len;
    compact(&l->up, &l->up_at);
    enter(l);
    if (len > 0)
        pl_session_input(l->session, bytes, len);
    else
        close_now(l, "end of file");
    faults_leave();
    free(bytes);
    trace_place.step++;
    return true;
}

/* There is room again. */
static void tell_writable(struct link *l)
{
    if (!l->is_stalled || l->is_gone || has_room(l) == 0 ||
        faults_strike(PLANT_LOST_WRITABLE, 5))
        return;
    l->is_stalled = false;
    enter(l);
    write_all(l);
    faults_leave();
}

bool link_carry_down(struct link *l, size_t max)
{
    size_t len = waiting(l) < max ? waiting(l) : max;
    struct link_peer *peer = l->peer;

    if (len == 0 && (waiting(l) > 0 || !l->is_finished || l->told_end))
        return false;
    trace_place.step++;
    if (len == 0) {
        l->told_end = true;
        peer->end(peer);
        return true;
    }
    char *bytes = malloc(len);
    memcpy(bytes, l->down.data + l->down_at, len);
    l->down_at += len;
    compact(&l->down, &l->down_at);
    tell_writable(l);
    peer->hear(peer, bytes, len); /* may reset the link: the last of it */
    free(bytes);
    return true;
}

void link_set_room(struct link *l, size_t room)
{
    l->room = room;
    tell_writable(l);
}

bool link_is_paused(const struct link *l)
{
    return l->is_paused && !l->is_gone;
}

const char *link_state(const struct link *l)
{
    static char text[160];

    snprintf(text, sizeof text,
             "up %zu, down %zu, room %zu, door %d%s%s%s%s%s%s%s",
             l->up.len - l->up_at, waiting(l), l->room, (int)l->door,
             l->session == NULL ? ", freed" : "", l->is_shut ? ", shut" : "",
             l->is_paused ? ", paused" : "", l->is_stalled ? ", stalled" : "",
             l->is_ending ? ", ending" : "", l->is_gone ? ", gone" : "",
             l->is_finished ? ", finished" : "");
    return text;
}
