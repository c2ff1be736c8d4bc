/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c - see rig.h. */
#include "rig.h"

#include <assert.h>
#include <stdlib.h>

#include "hash.h"
#include "mail.h"

uint64_t rig_hash(const char *channel)
{
    static const struct pl_hash_key key = {1, 2};

    return pl_hash(&key, pl_span_of(channel));
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct rig_hub *h = (struct rig_hub *)a;

    if (h->rig->on_mail != NULL) {
        h->rig->on_mail(h, msg);
        return;
    }
    if (h->count == h->cap) {
        h->cap *= 2;
        h->mail = realloc(h->mail, h->cap * sizeof *h->mail);
        assert(h->mail != NULL);
    }
    h->mail[h->count++] = msg;
}

static void forget(struct rig_hub *h)
{
    for (unsigned i = 0; i < h->count; i++)
        pl_mail_destroy(h->mail[i]);
    h->count = 0;
}

static void reap(struct pl_actor *a)
{
    struct rig_hub *h = (struct rig_hub *)a;

    forget(h);
    free(h->mail);
    free(h);
}

static const struct pl_actor_ops hub_ops = {
    .name = "rig hub",
    .mailbox_limit = 1000000,
    .receive = receive,
    .reap = reap,
};

static struct pl_loop *loop_of(struct rig *r, unsigned i)
{
    return pl_system_loop(pl_sim_system(r->sim), i % RIG_LOOPS);
}

static void make_hubs(struct rig *r)
{
    for (unsigned i = 0; i <= RIG_LOOPS; i++) {
        r->hub[i] = calloc(1, sizeof *r->hub[i]);
        assert(r->hub[i] != NULL);
        r->hub[i]->rig = r;
        r->hub[i]->cap =
            256; /* no test that lets allocations fail needs more */
        r->hub[i]->mail = malloc(256 * sizeof(struct pl_msg *));
        assert(r->hub[i]->mail != NULL);
        enum pl_err rc =
            pl_actor_init(&r->hub[i]->actor, loop_of(r, i), &hub_ops);
        assert(rc == PL_OK);
        (void)rc;
    }
}

static void make_clients(struct rig *r)
{
    for (unsigned i = 0; i < RIG_CLIENTS; i++) {
        char user[] = {'u', (char)('a' + i / 2)}; /* two of each user */
        struct pl_address at = pl_actor_address(&r->hub[i % RIG_LOOPS]->actor);
        enum pl_err rc = pl_client_create(
            &r->client[i], at, pl_sim_random(r->sim),
            (struct pl_span){user, sizeof user}, (struct pl_span){NULL, 0});
        assert(rc == PL_OK);
        (void)rc;
    }
}

struct rig *rig_create(uint64_t seed, const struct rig_options *options,
                       const struct pl_late_options *late)
{
    struct rig *r = calloc(1, sizeof *r);
    struct pl_channels_options o = options->owner;
    struct pl_address hubs[RIG_LOOPS];

    assert(r != NULL);
    enum pl_err rc = pl_sim_create(&r->sim, RIG_LOOPS, seed);
    assert(rc == PL_OK);
    make_hubs(r);
    make_clients(r);
    for (unsigned i = 0; i < RIG_LOOPS; i++)
        hubs[i] = pl_actor_address(&r->hub[i]->actor);
    rc = pl_rulebook_create(&r->book, 1, &pl_naming_usual, &options->rules, 1);
    assert(rc == PL_OK);
    o.rules = r->book;
    o.metrics = &r->metrics;
    if (late != NULL) {
        rc = pl_late_stores_create(&o, loop_of(r, 0), late);
        assert(rc == PL_OK);
        r->bus = o.bus;
    }
    rc = pl_channels_create(&r->channels, loop_of(r, 0), &o);
    assert(rc == PL_OK);
    (void)rc;
    r->owner = pl_channels_address(r->channels);
    pl_channels_set_hubs(r->channels, hubs, RIG_LOOPS);
    return r;
}

void rig_destroy(struct rig *r)
{
    pl_sim_destroy(r->sim);
    for (unsigned i = 0; i < RIG_CLIENTS; i++)
        pl_client_release(r->client[i]);
    pl_rulebook_release(r->book);
    free(r);
}

void rig_run(struct rig *r, uint64_t ms)
{
    pl_sim_advance(r->sim, ms);
}

void rig_forget(struct rig *r)
{
    for (unsigned i = 0; i <= RIG_LOOPS; i++)
        forget(r->hub[i]);
}

void rig_send(struct rig *r, unsigned h, struct pl_msg *msg)
{
    pl_actor_send(&r->hub[h]->actor, r->owner, msg);
}

struct pl_publish_mail *rig_publish_mail(const char *channel, const char *data,
                                         struct pl_client *client)
{
    struct pl_publish_mail *m = pl_publish_mail_create();

    assert(m != NULL);
    m->pub = pl_pub_create(pl_span_of(channel), rig_hash(channel),
                           pl_span_of(data), client);
    assert(m->pub != NULL);
    return m;
}

void rig_publish(struct rig *r, unsigned h, const char *channel,
                 const char *data)
{
    rig_send(r, h, &rig_publish_mail(channel, data, NULL)->msg);
}

static struct pl_attach_mail *attach_mail(struct rig *r, unsigned client,
                                          const char *channel, uint8_t flags)
{
    struct pl_attach_mail *m = pl_attach_mail_create();

    assert(m != NULL);
    m->channel = pl_blob_create(pl_span_of(channel));
    m->hash = rig_hash(channel);
    m->client = pl_client_hold(r->client[client]);
    m->flags = flags;
    return m;
}

void rig_attach(struct rig *r, unsigned client, const char *channel,
                uint8_t flags)
{
    rig_send(r, client % RIG_LOOPS,
             &attach_mail(r, client, channel, flags)->msg);
}

void rig_recover(struct rig *r, unsigned client, const char *channel,
                 const char *epoch, uint64_t offset)
{
    struct pl_attach_mail *m =
        attach_mail(r, client, channel, PL_ATTACH_RECOVER);

    memcpy(m->epoch, epoch, strlen(epoch) + 1);
    m->offset = offset;
    rig_send(r, client % RIG_LOOPS, &m->msg);
}

void rig_detach(struct rig *r, unsigned client, const char *channel,
                uint8_t flags)
{
    struct pl_detach_mail *m = pl_detach_mail_create();

    assert(m != NULL);
    m->channel = pl_blob_create(pl_span_of(channel));
    m->hash = rig_hash(channel);
    m->client = pl_client_hold(r->client[client]);
    m->flags = flags;
    rig_send(r, client % RIG_LOOPS, &m->msg);
}

struct pl_query_mail *rig_query_mail(enum pl_query_kind kind,
                                     const char *channel)
{
    struct pl_query_mail *q = pl_query_mail_create();

    assert(q != NULL);
    q->kind = kind;
    q->channel = pl_blob_create(pl_span_of(channel));
    q->hash = rig_hash(channel);
    return q;
}

struct pl_query_mail *rig_ask(struct rig *r, struct pl_query_mail *q)
{
    rig_send(r, 0, &q->msg);
    rig_run(r, 0);
    return q; /* it comes back, and the hub keeps it */
}

void *rig_mail(struct rig *r, unsigned h, unsigned type, unsigned n)
{
    struct rig_hub *hub = r->hub[h];

    for (unsigned i = 0; i < hub->count; i++)
        if (hub->mail[i]->type == type && n-- == 0)
            return hub->mail[i];
    return NULL;
}

void rig_publish_some(struct rig *r, const char *channel, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        rig_publish(r, RIG_LOOPS, channel, "x");
    rig_run(r, 0);
}

void rig_epoch(struct rig *r, const char *channel, char epoch[9])
{
    struct pl_query_mail *q =
        rig_ask(r, rig_query_mail(PL_QUERY_HISTORY, channel));

    assert(q->error == 0);
    memcpy(epoch, q->epoch, 9);
}
