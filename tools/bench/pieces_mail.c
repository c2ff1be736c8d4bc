/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_mail.c - mail: a mailbox alone, several loops that send to one, and
 * there and back between two.
 *
 * Loop 0 runs on this thread, on a base of its own, and breaks out of it when
 * the work is done; the others have the threads that every loop has. */
#include "pieces.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "actor.h"
#include "reactor.h"
#include "system.h"

enum { BURST = 64, SENDERS_MAX = 16, GO = 1, WORK, DONE };

static void keep(struct pl_msg *msg)
{
    (void)msg; /* its sender's, who uses it again */
}

/* --- A mailbox --- */

static void push_and_pop(void *arg, uint64_t times)
{
    struct pl_msg *msgs = arg;
    struct pl_mailbox mb = {0};

    for (uint64_t i = 0; i < times; i++) {
        for (int k = 0; k < BURST; k++)
            pl_mailbox_push(&mb, BURST, &msgs[k]);
        while (pl_mailbox_pop(&mb) != NULL)
            continue;
    }
}

/* --- Loops --- */

struct sender {
    struct pl_actor actor; /* first */
    struct pl_address to;
    struct pl_msg go; /* from the receiver, and back when all is sent */
    struct pl_msg msgs[BURST];
    uint64_t bursts; /* still to send */
    unsigned size;   /* of a burst */
};

struct receiver {
    struct pl_actor actor; /* first */
    struct event_base *base;
    unsigned busy; /* senders that are not done */
};

struct ring {
    struct pl_system *system;
    struct pl_reactor *reactors[SENDERS_MAX + 1];
    struct receiver *receiver;
    struct sender *senders[SENDERS_MAX];
    unsigned count;
};

static void prepare(struct pl_msg *msg, uint16_t type)
{
    msg->type = type;
    msg->flags = PL_MSG_RESERVED;
    msg->destroy = keep;
}

/* The last of a burst comes back and asks for the next one. */
static void send_burst(struct sender *s)
{
    if (s->bursts == 0) {
        prepare(&s->go, DONE);
        pl_actor_send(&s->actor, s->to, &s->go);
        return;
    }
    s->bursts--;
    for (unsigned i = 0; i < s->size; i++) {
        prepare(&s->msgs[i], i + 1 < s->size ? WORK : GO);
        pl_actor_send(&s->actor, s->to, &s->msgs[i]);
    }
}

static void on_sender(struct pl_actor *a, struct pl_msg *msg)
{
    (void)msg;
    send_burst((struct sender *)a);
}

static void on_receiver(struct pl_actor *a, struct pl_msg *msg)
{
    struct receiver *r = (struct receiver *)a;
    struct pl_address from = msg->from;

    if (msg->type == GO)
        pl_actor_send(a, from, msg);
    else if (msg->type == DONE && --r->busy == 0)
        event_base_loopbreak(r->base);
}

static void reap(struct pl_actor *a)
{
    free(a);
}

static const struct pl_actor_ops sender_ops = {
    .name = "sender",
    .mailbox_limit = BURST,
    .receive = on_sender,
    .reap = reap,
};

static const struct pl_actor_ops receiver_ops = {
    .name = "receiver",
    .mailbox_limit = BURST,
    .receive = on_receiver,
    .reap = reap,
};

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void start(struct ring *r, unsigned senders, unsigned burst)
{
    struct pl_system_options o = {.loops = senders + 1};

    *r = (struct ring){.count = senders};
    check(pl_system_create(&r->system, &o) == PL_OK);
    r->receiver = calloc(1, sizeof *r->receiver);
    check(r->receiver != NULL);
    r->receiver->base = event_base_new();
    check(pl_actor_init(&r->receiver->actor, pl_system_loop(r->system, 0),
                        &receiver_ops) == PL_OK);
    for (unsigned i = 0; i < senders; i++) {
        struct sender *s = r->senders[i] = calloc(1, sizeof *s);

        check(s != NULL);
        s->to = pl_actor_address(&r->receiver->actor);
        s->size = burst;
        check(pl_actor_init(&s->actor, pl_system_loop(r->system, i + 1),
                            &sender_ops) == PL_OK);
    }
    for (unsigned i = 0; i <= senders; i++) {
        check(pl_reactor_create(&r->reactors[i], pl_system_loop(r->system, i),
                                i == 0 ? r->receiver->base : NULL) == PL_OK);
        if (i > 0)
            check(pl_reactor_start(r->reactors[i], "sender") == PL_OK);
    }
}

static void stop(struct ring *r)
{
    struct event_base *base = r->receiver->base;

    for (unsigned i = 1; i <= r->count; i++) {
        pl_reactor_stop(r->reactors[i]);
        pl_reactor_join(r->reactors[i], 10000);
    }
    for (unsigned i = 0; i <= r->count; i++)
        pl_reactor_destroy(r->reactors[i]);
    pl_system_destroy(r->system);
    event_base_free(base);
}

/* Each sender sends so many bursts. */
static void run(void *arg, uint64_t times)
{
    struct ring *r = arg;

    r->receiver->busy = r->count;
    pl_reactor_schedule_turn(r->reactors[0]);
    for (unsigned i = 0; i < r->count; i++) {
        struct sender *s = r->senders[i];

        s->bursts = times;
        prepare(&s->go, GO);
        pl_actor_send(&r->receiver->actor, pl_actor_address(&s->actor), &s->go);
    }
    event_base_loop(r->receiver->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void from_senders(struct measure *m, unsigned senders)
{
    struct ring r;
    char name[64];

    snprintf(name, sizeof name, "mail/senders/%u", senders);
    if (!measure_wants(m, name))
        return;
    start(&r, senders, BURST);
    measure(m, name, run, &r, (uint64_t)senders * BURST, 0);
    stop(&r);
}

void pieces_mail(struct measure *m)
{
    static struct pl_msg msgs[BURST];
    struct ring r;

    measure(m, "mail/mailbox/push+pop", push_and_pop, msgs, BURST, 0);
    for (unsigned senders = 1; senders <= SENDERS_MAX; senders *= 2)
        from_senders(m, senders);
    if (!measure_wants(m, "mail/loops/round-trip"))
        return;
    start(&r, 1, 1);
    measure(m, "mail/loops/round-trip", run, &r, 1, 0);
    stop(&r);
}
