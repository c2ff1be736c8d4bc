/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - a hub with a stand-in for the owner of its channels, which answers
 * when the test says so, and subscribers that note what they are told. */
#ifndef PL_RIG_H
#define PL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channels_mail.h"
#include "code.h"
#include "hub.h"
#include "hub_mail.h"
#include "loop.h"
#include "mail.h"
#include "monitor.h"
#include "sim.h"
#include "system.h"
#include "rules.h"

#ifndef RIG_CALLOC /* where allocations fail, the notes must not */
#define RIG_CALLOC calloc
#endif

enum { NOTES = 64, MAILS = 64 };

/* What a subscriber was told. */
struct note {
    enum {
        DELIVERED = 1,
        ATTACHED,
        DROPPED,
        CANNOT_ENCODE,
        UNSUBSCRIBED,
        PUBLISHED,
        QUERIED
    } what;
    const struct pl_segment *segment; /* DELIVERED: to compare, not to read */
    uint32_t from, to, frames;
    char *bytes;   /* a copy of the part, as text; owned */
    uint32_t code; /* of an error or a drop; the command that was answered */
    uint64_t offset;
};

struct listener {
    struct pl_actor actor; /* first */
    struct pl_subscriber subscriber;
    struct rig *rig;
    struct listener *sends_away; /* when it gets mail, in the hub's turn */
    struct note notes[NOTES];
    unsigned count;
};

struct owner {
    struct pl_actor actor;      /* first */
    struct pl_msg *mail[MAILS]; /* owned, oldest first; NULL: answered */
    unsigned count;
};

struct rig {
    struct pl_sim *sim;
    struct pl_metrics metrics;
    struct pl_hub *hub;
    struct pl_hash_key key;
    struct pl_rulebook *book; /* with one table, all zero */
    struct owner *owner;
    struct pl_address owner_address;
    struct listener *listeners[8];
    unsigned listener_count;
};

static inline struct pl_loop *rig_loop(struct rig *r, unsigned i)
{
    return pl_system_loop(pl_sim_system(r->sim), i);
}

/* --- The owner --- */

static inline void owner_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct owner *o = (struct owner *)a;

    assert_true(o->count < MAILS);
    o->mail[o->count++] = msg;
}

static inline void owner_reap(struct pl_actor *a)
{
    struct owner *o = (struct owner *)a;

    for (unsigned i = 0; i < o->count; i++) {
        if (o->mail[i] != NULL)
            o->mail[i]->destroy(o->mail[i]);
    }
    free(o);
}

static const struct pl_actor_ops owner_ops = {
    .name = "owner",
    .mailbox_limit = 1000,
    .receive = owner_receive,
    .reap = owner_reap,
};

/* The oldest mail of this type that was not taken yet; the caller's. */
static inline void *owner_take(struct rig *r, unsigned type)
{
    for (unsigned i = 0; i < r->owner->count; i++) {
        struct pl_msg *m = r->owner->mail[i];

        if (m == NULL || m->type != type)
            continue;
        r->owner->mail[i] = NULL;
        return m;
    }
    return NULL;
}

static inline unsigned owner_has(struct rig *r, unsigned type)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->owner->count; i++)
        n += r->owner->mail[i] != NULL && r->owner->mail[i]->type == type;
    return n;
}

static inline void owner_send(struct rig *r, struct pl_msg *msg)
{
    pl_actor_send(&r->owner->actor, pl_hub_address(r->hub), msg);
}

static inline struct pl_pub *make_pub(struct rig *r, const char *channel,
                                      struct pl_span data, uint64_t offset)
{
    struct pl_pub *p = pl_pub_create(
        pl_span_of(channel), pl_hash(&r->key, pl_span_of(channel)), data, NULL);

    assert_non_null(p);
    p->offset = offset;
    memcpy(p->epoch, offset == 0 ? "\0\0\0\0\0" : "epoch", 5);
    return p;
}

static inline void owner_publishes_bytes(struct rig *r, const char *channel,
                                         struct pl_span data, uint64_t offset)
{
    struct pl_publication_mail *m = pl_publication_mail_create();

    assert_non_null(m);
    m->pub = make_pub(r, channel, data, offset);
    owner_send(r, &m->msg);
}

static inline void owner_publishes(struct rig *r, const char *channel,
                                   const char *data, uint64_t offset)
{
    owner_publishes_bytes(r, channel, pl_span_of(data), offset);
}

/* Answer the oldest attach. */
static inline void owner_attaches(struct rig *r, uint32_t error,
                                  bool positioned, uint64_t offset)
{
    struct pl_attach_mail *m = owner_take(r, PL_MAIL_ATTACH);

    assert_non_null(m);
    m->error = error;
    m->positioned = positioned;
    m->offset = offset;
    memcpy(m->epoch, positioned ? "epoch" : "", positioned ? 6 : 1);
    pl_mail_answer(&r->owner->actor, &m->msg);
}

static inline void owner_tells(struct rig *r, const char *channel,
                               struct pl_client *client, bool is_join)
{
    struct pl_presence_event_mail *m = pl_presence_event_mail_create();

    assert_non_null(m);
    m->channel = pl_blob_create(pl_span_of(channel));
    m->hash = pl_hash(&r->key, pl_span_of(channel));
    m->client = pl_client_hold(client);
    m->is_join = is_join;
    owner_send(r, &m->msg);
}

/* --- Subscribers --- */

static inline struct note *put_note(struct pl_subscriber *u, int what)
{
    struct listener *l = PL_CONTAINER(u, struct listener, subscriber);

    assert_true(l->count < NOTES);
    l->notes[l->count].what = what;
    return &l->notes[l->count++];
}

static inline void on_deliver(struct pl_subscriber *u,
                              const struct pl_delivery *d)
{
    const struct pl_segment *s = d->segment;
    uint32_t from = d->from, to = d->to, frames = d->frames;
    struct listener *l = PL_CONTAINER(u, struct listener, subscriber);
    struct note *n = put_note(u, DELIVERED);

    n->segment = s;
    n->from = from;
    n->to = to;
    n->frames = frames;
    n->bytes = RIG_CALLOC(1, to - from + 1);
    for (uint32_t i = from; i < to; i++) /* readable as text */
        n->bytes[i - from] = s->buf.data[i] < ' ' ? '.' : s->buf.data[i];
    pl_count(&l->rig->metrics, PL_METRIC_FRAMES_SENT, frames);
    pl_gauge_drop(&l->rig->metrics, PL_METRIC_FRAMES_QUEUED, frames);
}

static inline void on_attached(struct pl_subscriber *u, struct pl_sub *sub,
                               const struct pl_attach_mail *m)
{
    struct note *n = put_note(u, ATTACHED);

    (void)sub;
    n->code = m->error;
    n->offset = m->offset;
}

static inline void on_dropped(struct pl_subscriber *u, struct pl_sub *sub,
                              uint32_t code)
{
    (void)sub;
    put_note(u, DROPPED)->code = code;
}

static inline void on_cannot_encode(struct pl_subscriber *u)
{
    put_note(u, CANNOT_ENCODE);
}

static inline void on_unsubscribed(struct pl_subscriber *u, uint32_t command)
{
    put_note(u, UNSUBSCRIBED)->code = command;
}

static inline void on_published(struct pl_subscriber *u,
                                const struct pl_publish_mail *m)
{
    put_note(u, PUBLISHED)->code = m->error;
}

static inline void on_queried(struct pl_subscriber *u,
                              const struct pl_query_mail *m)
{
    put_note(u, QUERIED)->code = m->error;
}

static const struct pl_subscriber_ops listener_ops = {
    .deliver = on_deliver,
    .attached = on_attached,
    .dropped = on_dropped,
    .cannot_encode = on_cannot_encode,
    .unsubscribed = on_unsubscribed,
    .published = on_published,
    .queried = on_queried,
};

static inline void listener_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct listener *l = (struct listener *)a;

    if (l->sends_away != NULL)
        pl_hub_leave(l->rig->hub, &l->sends_away->subscriber);
    msg->destroy(msg);
}

static inline void listener_reap(struct pl_actor *a)
{
    struct listener *l = (struct listener *)a;

    for (unsigned i = 0; i < l->count; i++)
        free(l->notes[i].bytes);
    pl_client_release(l->subscriber.client);
    free(l);
}

static const struct pl_actor_ops listener_actor_ops = {
    .name = "listener",
    .mailbox_limit = 16,
    .receive = listener_receive,
    .reap = listener_reap,
};

static inline struct listener *listen_as(struct rig *r, enum pl_encoding e)
{
    struct listener *l = calloc(1, sizeof *l);

    assert_non_null(l);
    l->rig = r;
    assert_int_equal(
        pl_actor_init(&l->actor, rig_loop(r, 0), &listener_actor_ops), PL_OK);
    l->subscriber.ops = &listener_ops;
    l->subscriber.encoding = e;
    assert_int_equal(pl_client_create(&l->subscriber.client,
                                      pl_actor_address(&l->actor),
                                      pl_sim_random(r->sim), PL_SPAN("user"),
                                      (struct pl_span){0}),
                     PL_OK);
    r->listeners[r->listener_count++] = l;
    return l;
}

static inline enum pl_err try_subscribe(struct rig *r, struct listener *l,
                                        const char *channel, uint8_t flags)
{
    struct pl_span name = pl_span_of(channel);
    struct pl_subscribe_ask ask = {.channel = name,
                                   .hash = pl_hub_hash(r->hub, name),
                                   .rules = pl_rulebook_default(r->book),
                                   .flags = flags,
                                   .command = 7};

    return pl_hub_subscribe(r->hub, &l->subscriber, &ask);
}

/* The subscription to "c"; NULL: none. */
static inline struct pl_sub *find_sub(struct rig *r, const struct listener *l)
{
    return pl_hub_find(r->hub, &l->subscriber, PL_SPAN("c"),
                       pl_hub_hash(r->hub, PL_SPAN("c")));
}

/* About "c". */
static inline struct pl_query_mail *query_create(const struct rig *r)
{
    struct pl_query_mail *q = pl_query_mail_create();

    if (q != NULL)
        q->hash = pl_hub_hash(r->hub, PL_SPAN("c"));
    return q;
}

static inline void begin_subscribe(struct rig *r, struct listener *l,
                                   const char *channel, uint8_t flags)
{
    assert_int_equal(try_subscribe(r, l, channel, flags), PL_OK);
}

/* What the owner sent, in one turn of the hub's loop. */
static inline void turn(struct rig *r)
{
    pl_loop_turn(rig_loop(r, 1));
    pl_loop_set_budget(rig_loop(r, 0), 1000, 1000);
    pl_loop_turn(rig_loop(r, 0));
}

static inline void run(struct rig *r)
{
    pl_sim_advance(r->sim, 0);
}

/* Subscribed and live, its note forgotten. */
static inline void subscribe(struct rig *r, struct listener *l,
                             const char *channel, uint8_t flags,
                             uint64_t offset)
{
    begin_subscribe(r, l, channel, flags);
    run(r);
    owner_attaches(r, 0, true, offset);
    run(r);
    assert_int_equal(l->notes[l->count - 1].what, ATTACHED);
    l->count--;
}

/* The oldest note, taken out. */
static inline struct note next_note(struct listener *l)
{
    struct note n = {0};

    if (l->count == 0)
        return n;
    n = l->notes[0];
    memmove(l->notes, l->notes + 1, --l->count * sizeof n);
    return n;
}

/* A delivery of these frames comes next; parts[] in this order. */
static inline void expect_frames(struct listener *l, unsigned count,
                                 const char *const parts[])
{
    struct note n = next_note(l);
    const char *at = n.bytes;

    assert_int_equal(n.what, DELIVERED);
    assert_int_equal(n.frames, count);
    for (unsigned i = 0; i < count; i++) {
        at = strstr(at, parts[i]);
        if (at == NULL)
            print_error("wanted %s in %s\n", parts[i], n.bytes);
        assert_non_null(at);
        at += strlen(parts[i]);
    }
    free(n.bytes);
}

static inline void expect_frame(struct listener *l, const char *part)
{
    expect_frames(l, 1, &part);
}

static inline void expect_told(struct listener *l, int what, uint32_t code)
{
    struct note n = next_note(l);

    assert_int_equal(n.what, what);
    assert_int_equal(n.code, code);
}

static inline void check_ledger(struct rig *r)
{
    const uint64_t *v = r->metrics.value;

    assert_int_equal(
        v[PL_METRIC_FRAMES_OWED],
        v[PL_METRIC_FRAMES_SENT] + pl_metrics_sum(v, "deliveries_dropped_") +
            v[PL_METRIC_FRAMES_CANCELLED] + v[PL_METRIC_FRAMES_QUEUED]);
}

static inline struct rig *rig_create(uint64_t backlog_limit)
{
    struct rig *r = calloc(1, sizeof *r);
    struct pl_hub_options o = {.channel_owners = 1};

    assert_non_null(r);
    assert_int_equal(pl_sim_create(&r->sim, 2, pl_sim_test_seed("hub")), PL_OK);
    r->key = (struct pl_hash_key){3, 4};
    r->owner = calloc(1, sizeof *r->owner);
    assert_non_null(r->owner);
    assert_int_equal(
        pl_actor_init(&r->owner->actor, rig_loop(r, 1), &owner_ops), PL_OK);
    r->owner_address = pl_actor_address(&r->owner->actor);
    struct pl_rules rules = {0};
    assert_int_equal(
        pl_rulebook_create(&r->book, 1, &pl_naming_usual, &rules, 1), PL_OK);
    o.key = &r->key;
    o.channels = &r->owner_address;
    o.backlog_limit = backlog_limit;
    o.metrics = &r->metrics;
    assert_int_equal(pl_hub_create(&r->hub, rig_loop(r, 0), &o), PL_OK);
    return r;
}

/* Something about "c" whose answer settles who asked. */
static inline void ask_query(struct rig *r, struct listener *l)
{
    assert_int_equal(pl_hub_query(r->hub, &l->subscriber, query_create(r),
                                  PL_SPAN("c"), 1, 1),
                     PL_OK);
}

static inline void owner_answers_query(struct rig *r)
{
    struct pl_msg *m = owner_take(r, PL_MAIL_QUERY);

    assert_non_null(m);
    pl_mail_answer(&r->owner->actor, m);
}

/* Everybody leaves; for each attach there was exactly one detach. */
static inline void rig_destroy(struct rig *r)
{
    for (unsigned i = 0; i < r->listener_count; i++)
        pl_hub_leave(r->hub, &r->listeners[i]->subscriber);
    pl_sim_advance(r->sim, 1000);
    for (struct pl_msg *m; (m = owner_take(r, PL_MAIL_ATTACH)) != NULL;)
        pl_mail_answer(&r->owner->actor, m);
    for (struct pl_msg *m; (m = owner_take(r, PL_MAIL_QUERY)) != NULL;)
        pl_mail_answer(&r->owner->actor, m);
    pl_sim_advance(r->sim, 1000);
    check_ledger(r);
    assert_int_equal(r->metrics.value[PL_METRIC_SUBSCRIPTIONS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_HUB_CHANNELS], 0);
    assert_int_equal(r->metrics.value[PL_METRIC_FRAMES_QUEUED], 0);
    pl_sim_destroy(r->sim);
    pl_rulebook_release(r->book);
    free(r);
}

#endif
