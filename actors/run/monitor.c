/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - see monitor.h.
 *
 * A monitor is one block of memory with two ends, one in the list of each
 * actor; only that actor's loop accesses its end.  The block is also the mail:
 * it travels to the loop of the watched actor, is linked there, returns when
 * that actor exits, and becomes the DOWN message.  So a monitor never needs
 * memory after its start, and reporting cannot fail.  A watcher that exits
 * withdraws the far end by a second message inside the block, so a long-lived
 * actor keeps nothing for closed watchers.
 *
 * Rejected: withdrawing with the DOWN message, because it comes only when the
 * watched actor exits; sweeping the list for dead watchers, because that means
 * a request to each of their loops.
 *
 * Invariant: the block has two references.  The near end owns the first, then
 * the withdrawal.  The request owns the second, then the far end, then the
 * message back, then the DOWN message. */
#include "monitor.h"

#include <stdlib.h>

#include "list.h"
#include "loop_private.h"
#include "refs.h"

/* One end of a monitor, in the list of its actor. */
struct pl_monitor {
    struct pl_monitor *next;
    struct pl_monitor **at; /* the link to this end; NULL outside a list */
    bool is_near;           /* the end of the watcher */
};

struct pl_watch {
    union {
        struct pl_msg msg;
        struct pl_loop_msg note; /* to the far loop to begin, back to report */
        struct pl_down_msg down; /* at the end */
    } mail; /* destroying the message drops its reference */
    struct pl_refs refs;

    /* Constant. */
    struct pl_address watcher;
    struct pl_address far_loop; /* the loop of the watched actor */
    uint32_t ref;

    /* The watcher's loop. */
    struct pl_monitor near;
    bool is_withdrawn;
    struct pl_loop_msg withdrawal;

    /* The loop of the watched actor; then the owner of `mail`. */
    struct pl_monitor far;
    struct pl_address of;
    const char *reason;
};

/* Return the address of loop number `index` itself, see struct pl_loop_msg. */
static struct pl_address loop_address(const struct pl_loop *loop,
                                      unsigned index)
{
    return (struct pl_address){.node = loop->node,
                               .loop = (uint16_t)index,
                               .slot = PL_SLOT_LOOP,
                               .generation = 1};
}

static void link_end(struct pl_actor *a, struct pl_monitor *m)
{
    m->next = a->monitors;
    m->at = &a->monitors;
    if (m->next != NULL)
        m->next->at = &m->next;
    a->monitors = m;
}

static void unlink_end(struct pl_monitor *m)
{
    *m->at = m->next;
    if (m->next != NULL)
        m->next->at = m->at;
    m->next = NULL;
    m->at = NULL;
}

static void release(struct pl_watch *w)
{
    if (pl_refs_release(&w->refs))
        free(w);
}

static void release_mail(struct pl_msg *msg)
{
    release(PL_CONTAINER(msg, struct pl_watch, mail.msg));
}

static void release_withdrawal(struct pl_msg *msg)
{
    release(PL_CONTAINER(msg, struct pl_watch, withdrawal.msg));
}

static void send_note(struct pl_loop *loop, struct pl_watch *w,
                      struct pl_address to,
                      void (*handle)(struct pl_loop *, struct pl_loop_msg *))
{
    w->mail.note = (struct pl_loop_msg){
        .msg = {.destroy = release_mail, .flags = PL_MSG_RESERVED},
        .handle = handle};
    pl_loop_send(loop, w->watcher, to, &w->mail.msg);
}

/* On the watcher's loop: end the watch; its block becomes the message. */
static void come_home(struct pl_loop *loop, struct pl_loop_msg *m)
{
    struct pl_watch *w = PL_CONTAINER(m, struct pl_watch, mail.note);
    struct pl_address of = w->of;
    const char *reason = w->reason;

    if (w->is_withdrawn || pl_actor_find(loop, w->watcher) == NULL) {
        release(w);
        return;
    }
    unlink_end(&w->near);
    release(w);
    w->mail.down = (struct pl_down_msg){.msg = {.destroy = release_mail,
                                                .type = PL_MSG_DOWN,
                                                .flags = PL_MSG_RESERVED},
                                        .of = of,
                                        .ref = w->ref,
                                        .reason = reason};
    pl_loop_send(loop, of, w->watcher, &w->mail.msg);
}

static void tell(struct pl_loop *loop, struct pl_watch *w, const char *reason)
{
    w->reason = reason;
    send_note(loop, w, loop_address(loop, w->watcher.loop), come_home);
}

/* On the loop of the watched actor. */
static void arrive(struct pl_loop *loop, struct pl_loop_msg *m)
{
    struct pl_watch *w = PL_CONTAINER(m, struct pl_watch, mail.note);
    struct pl_actor *a = pl_actor_find(loop, w->of);

    if (a == NULL)
        tell(loop, w, "stale");
    else
        link_end(a, &w->far);
}

/* On the loop of the watched actor, after arrive(). */
static void end_far(struct pl_loop *loop, struct pl_loop_msg *m)
{
    struct pl_watch *w = PL_CONTAINER(m, struct pl_watch, withdrawal);

    (void)loop;
    if (w->far.at != NULL) { /* else the block is in transit */
        unlink_end(&w->far);
        release(w);
    }
    release(w);
}

static void withdraw(struct pl_loop *loop, struct pl_watch *w)
{
    unlink_end(&w->near);
    w->is_withdrawn = true;
    w->withdrawal = (struct pl_loop_msg){
        .msg = {.destroy = release_withdrawal, .flags = PL_MSG_RESERVED},
        .handle = end_far};
    pl_loop_send(loop, w->watcher, w->far_loop, &w->withdrawal.msg);
}

enum pl_err pl_monitor_start(struct pl_actor *watcher, struct pl_address of,
                             uint32_t ref)
{
    struct pl_loop *loop = watcher->loop;
    bool is_here = of.node == loop->node && of.loop < loop->system->loop_count;
    struct pl_watch *w = calloc(1, sizeof *w);

    if (w == NULL)
        return PL_ENOMEM;
    pl_refs_init(&w->refs);
    pl_refs_hold(&w->refs);
    w->watcher = pl_actor_address(watcher);
    /* no loop can find an actor of a missing loop; this one reports it */
    w->far_loop = loop_address(loop, is_here ? of.loop : loop->index);
    w->ref = ref;
    w->of = of;
    w->near.is_near = true;
    link_end(watcher, &w->near);
    send_note(loop, w, w->far_loop, arrive);
    return PL_OK;
}

void pl_monitor_tell(struct pl_actor *gone, const char *reason)
{
    while (gone->monitors != NULL) {
        struct pl_monitor *m = gone->monitors;

        if (m->is_near) {
            withdraw(gone->loop, PL_CONTAINER(m, struct pl_watch, near));
        } else {
            unlink_end(m);
            tell(gone->loop, PL_CONTAINER(m, struct pl_watch, far), reason);
        }
    }
}

void pl_monitor_forget(struct pl_actor *a)
{
    while (a->monitors != NULL) {
        struct pl_monitor *m = a->monitors;

        unlink_end(m);
        release(m->is_near ? PL_CONTAINER(m, struct pl_watch, near)
                           : PL_CONTAINER(m, struct pl_watch, far));
    }
}

static void free_msg(struct pl_msg *msg)
{
    free(msg);
}

enum pl_err pl_stop_send(struct pl_actor *from, struct pl_address to)
{
    struct pl_msg *msg = calloc(1, sizeof *msg);

    if (msg == NULL)
        return PL_ENOMEM;
    msg->destroy = free_msg;
    msg->type = PL_MSG_STOP;
    msg->flags = PL_MSG_RESERVED;
    pl_actor_send(from, to, msg);
    return PL_OK;
}
