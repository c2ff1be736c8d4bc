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
#include "post.h"
#include "posted.h"
#include "session.h"
#include "session_private.h"
#include "trace.h"
#include "world.h"
#include "ws_link.h"

/* Where addresses are counted, the verdict about one may come later. */
enum admission { NOT_ASKED, ASKED, ANSWERED };

/* How far the kernel is in what it was given. */
struct given {
    unsigned http;   /* bytes of the answer to the handshake, until ... */
    uint32_t newest; /* ... these four are an empty line */
    bool is_refused; /* no frame follows it */
    bool is_open;    /* frames follow */
    bool is_control; /* the newest frame: a Close or a pong */
    unsigned header; /* bytes of it, of the newest frame: 0 to 2 ... */
    unsigned more;   /* ... and so many to come of its length */
    uint64_t left;   /* of its payload */
};

struct link {
    struct world *world;
    struct link_peer *peer;     /* NULL: the client has let go */
    struct pl_session *session; /* NULL: freed */
    struct pl_loop *loop;
    struct pl_buf up, down; /* on the way */
    size_t up_at, down_at;  /* carried on already */
    size_t room;            /* bytes that `down` may hold */
    struct given given;
    struct pl_posted posted; /* in a world with postmen */
    struct post_address address;
    uint64_t left_bytes; /* in the session's queue after the last flush */
    enum admission admission;
    bool is_shut; /* the client's end of file is behind `up` */
    bool is_paused;
    uint64_t pauses; /* how often that changed */
    bool is_stalled;
    bool is_ending;
    bool is_lingering;
    bool is_old;      /* the stop had not begun yet */
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

static void note_gone(struct link *l)
{
    l->world->links -= l->is_old && !l->is_gone;
    l->is_gone = l->is_finished = true;
}

static void close_now(struct link *l, const char *why)
{
    if (l->is_gone)
        return;
    note_gone(l);
    pl_session_gone(l->session, why);
}

/* --- Writing --- */

static size_t waiting(const struct link *l)
{
    return l->down.len - l->down_at;
}

static size_t has_space(const struct link *l)
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

static void count_http(struct given *g, unsigned char byte)
{
    g->newest = g->newest << 8 | byte;
    if (++g->http == sizeof "HTTP/1.1 1" - 1)
        g->is_refused = byte != '1';
    g->is_open = !g->is_refused && g->newest == 0x0d0a0d0a;
}

static void count_header(struct given *g, unsigned char byte)
{
    if (g->header == 2) {
        g->left = g->left << 8 | byte;
        g->more--;
    } else if (++g->header == 1) {
        g->is_control = (byte & 8) != 0;
    } else {
        g->more = byte == 126 ? 2 : byte == 127 ? 8 : 0;
        g->left = g->more > 0 ? 0 : byte;
    }
}

/* The frames of messages that end in these bytes. */
static unsigned count_frames(struct given *g, const char *bytes, size_t len)
{
    unsigned frames = 0;

    while (len > 0 && !g->is_refused) {
        size_t n = 1;

        if (!g->is_open)
            count_http(g, (unsigned char)*bytes);
        else if (g->header < 2 || g->more > 0)
            count_header(g, (unsigned char)*bytes);
        else
            g->left -= n = len < g->left ? len : (size_t)g->left;
        if (g->header == 2 && g->more == 0 && g->left == 0) {
            frames += !g->is_control;
            g->header = 0;
        }
        bytes += n;
        len -= n;
    }
    return frames;
}

/* The kernel takes what it has room for. */
static size_t take(struct link *l, const struct iovec *iov, int count)
{
    size_t taken = 0;

    for (int i = 0; i < count; i++) {
        size_t n =
            iov[i].iov_len < has_space(l) ? iov[i].iov_len : has_space(l);

        pl_buf_put(&l->down, iov[i].iov_base, n);
        l->world->tally.frames += count_frames(&l->given, iov[i].iov_base, n);
        taken += n;
    }
    return taken;
}

static bool write_some(struct link *l)
{
    struct iovec iov[4];
    int count = pl_session_output(l->session, iov, 4);

    if (count == 0) {
        if (pl_session_output_bytes(l->session) > 0)
            trace_fail("bytes wait for a client, but there are none");
        on_flushed(l);
        return false;
    }
    if (has_space(l) == 0) {
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
    const struct pl_settings *c = l->world->config;
    uint64_t most = 5 * c->session.limits.outgoing_queue + WORDS;
    uint64_t bytes = pl_session_output_bytes(l->session);

    if (l->left_bytes > 0 && bytes > most)
        trace_fail("%zu bytes wait for a client, %zu waited before",
                   (size_t)bytes, (size_t)l->left_bytes);
}

/* A client is not read if, and only if, its session says why. */
static void check_holds(const struct link *l)
{
    if (!l->is_gone && !l->is_ending &&
        l->is_paused != (l->session->holds != 0))
        trace_fail("reading %s with the holds %#x",
                   l->is_paused ? "is paused" : "goes on", l->session->holds);
}

static void on_flush(struct pl_session *s)
{
    struct link *l = link_of(s);

    check_queue(l);
    check_holds(l);
    write_all(l);
    l->left_bytes = l->is_gone ? 0 : pl_session_output_bytes(s);
}

static void on_pause(struct pl_session *s)
{
    link_of(s)->is_paused = true;
    link_of(s)->pauses++;
    if (link_of(s)->world->has_postmen)
        pl_posted_pause(&link_of(s)->posted);
}

static void on_resume(struct pl_session *s)
{
    link_of(s)->is_paused = false;
    link_of(s)->pauses++;
    if (link_of(s)->world->has_postmen)
        pl_posted_resume(&link_of(s)->posted);
}

/* What waits of a client is refused as soon as its session has closed. */
static void on_close(struct pl_session *s, const struct pl_goodbye *g)
{
    if (link_of(s)->world->has_postmen)
        pl_posted_end(&link_of(s)->posted);
    pl_ws_link_close(s, g);
}

static void on_mail(struct pl_session *s, struct pl_msg *msg)
{
    if (link_of(s)->world->has_postmen)
        pl_posted_mail(&link_of(s)->posted, msg);
    else
        pl_actor_refuse(pl_session_actor(s), msg);
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
static enum pl_admission on_admit(struct pl_session *s,
                                  const struct pl_proxy_lists *lists)
{
    struct link *l = link_of(s);

    (void)lists;
    if (l->admission == NOT_ASKED)
        l->admission = l->room % 2 == 0 ? ASKED : ANSWERED;
    return l->admission == ASKED ? PL_ADMIT_LATER : PL_ADMIT;
}

static void on_free(struct pl_session *s)
{
    struct link *l = link_of(s);

    if (l->world->has_postmen)
        pl_posted_end(&l->posted);
    l->session = NULL;
    note_gone(l);
    free_if_over(l);
}

static const struct pl_ws_link_ops ops = {
    .link = {.flush = on_flush,
             .pause = on_pause,
             .resume = on_resume,
             .go_on = pl_ws_link_go_on,
             .close = on_close,
             .abort = pl_ws_link_abort,
             .free = pl_ws_link_free,
             .kept = pl_ws_link_kept,
             .forget = pl_ws_link_forget,
             .mail = on_mail},
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

static void take_posts(struct link *l)
{
    pl_posted_init(&l->posted, l->session);
    l->address = (struct post_address){
        .session = pl_actor_address(pl_session_actor(l->session)),
        .secret = {l->posted.secret[0], l->posted.secret[1]}};
}

struct link *link_open(struct world *w, unsigned loop, size_t room,
                       struct link_peer *peer)
{
    struct link *l = calloc(1, sizeof *l);

    *l = (struct link){.world = w, .peer = peer, .room = room};
    l->loop = w->at[loop].loop;
    enter(l);
    enum pl_err rc = pl_ws_link_create(&l->session, w->at[loop].manager, &ops,
                                       sizeof(struct link *));
    faults_leave();
    if (rc != PL_OK) {
        free(l);
        return NULL;
    }
    *(struct link **)pl_session_transport(l->session) = l;
    if (w->has_postmen)
        take_posts(l);
    l->is_old = !w->is_stopping;
    w->links += l->is_old;
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
static bool answer_admission(struct link *l)
{
    if (l->is_gone || l->admission != ASKED)
        return false;
    l->admission = ANSWERED;
    enter(l);
    pl_ws_link_admitted(l->session);
    faults_leave();
    trace_place.step++;
    return true;
}

bool link_carry_up(struct link *l, size_t max)
{
    size_t len = l->up.len - l->up_at;

    if (answer_admission(l))
        return true;
    if (l->is_gone || l->is_paused || (len == 0 && !l->is_shut) ||
        !pl_session_manager_takes_input(
            l->world->at[pl_loop_index(l->loop)].manager))
        return false;
    len = len < max ? len : max;
    char *bytes = malloc(len == 0 ? 1 : len);
    if (len > 0)
        memcpy(bytes, l->up.data + l->up_at, len);
    l->up_at += len;
    compact(&l->up, &l->up_at);
    enter(l);
    pl_session_visit(l->session);
    if (len > 0)
        pl_ws_link_input(l->session, bytes, len);
    else
        close_now(l, "end of file");
    check_holds(l);
    faults_leave();
    free(bytes);
    trace_place.step++;
    return true;
}

/* There is room again. */
static void tell_writable(struct link *l)
{
    if (!l->is_stalled || l->is_gone || has_space(l) == 0 ||
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

uint64_t link_pauses(const struct link *l)
{
    return l->pauses;
}

uint64_t link_pings(const struct link *l)
{
    return l->session == NULL ? 0 : l->session->pongs_due;
}

bool link_is_paused(const struct link *l)
{
    return l->is_paused && !l->is_gone;
}

void link_post_address(const struct link *l, struct post_address *out)
{
    *out = l->address;
}

bool link_listens(const struct link *l)
{
    return !l->is_gone && pl_session_listens(l->session);
}

const char *link_state(const struct link *l)
{
    static char text[160];

    snprintf(text, sizeof text,
             "up %zu, down %zu, room %zu, admission %d%s%s%s%s%s%s%s",
             l->up.len - l->up_at, waiting(l), l->room, (int)l->admission,
             l->session == NULL ? ", freed" : "", l->is_shut ? ", shut" : "",
             l->is_paused ? ", paused" : "", l->is_stalled ? ", stalled" : "",
             l->is_ending ? ", ending" : "", l->is_gone ? ", gone" : "",
             l->is_finished ? ", finished" : "");
    return text;
}
