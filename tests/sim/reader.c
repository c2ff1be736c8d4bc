/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - see reader.h.
 *
 * A line that was not derived for lack of memory must end the subscription; if
 * it does not, the next line shows it, since its offset jumps. */
#include "reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "channels_mail.h"
#include "code.h"
#include "faults.h"
#include "hear.h"
#include "hub.h"
#include "operator.h"
#include "peer_decode.h"
#include "trace.h"

enum {
    READERS = 3,
    ACT_ODDS = 10,     /* events between two acts */
    LEAVE_ODDS = 30,   /* acts between two leaves */
    LINE_MAX = 1 << 16 /* bytes */
};

struct place {
    bool is_live;
    uint64_t offset;
    char epoch[EPOCH_MAX];
};

struct reader {
    struct readers *all;
    struct pl_subscriber subscriber;
    struct place places[ROOMS];
};

struct readers {
    struct world *world;
    struct truth *truth;
    struct pl_random random;
    struct share *share; /* of the control loop */
    struct reader each[READERS];
};

static struct reader *of(struct pl_subscriber *u)
{
    return PL_CONTAINER(u, struct reader, subscriber);
}

static struct place *place_of(struct reader *r, struct pl_span channel)
{
    unsigned i = truth_channel(channel);

    if (i >= ROOMS)
        trace_fail("reader: a line for %.*s", (int)channel.len, channel.at);
    return &r->places[i];
}

static void take_publication(struct reader *r, const struct peer_reply *reply)
{
    struct place *p = place_of(r, reply->channel);
    unsigned channel = truth_channel(reply->channel);
    bool has_history = world_has_history(r->all->world, channel);
    struct hear_publication pub;

    if (!hear_publication(PEER_JSON, reply->body, &pub))
        trace_fail("reader: a malformed publication");
    if (!p->is_live)
        trace_fail("reader: %s without a subscription",
                   world_channel_name(channel));
    if (pub.offset != (has_history ? p->offset + 1 : 0))
        trace_fail("reader: %s: offset %" PRIu64 " after %" PRIu64,
                   world_channel_name(channel), pub.offset, p->offset);
    p->offset = pub.offset;
    truth_hear(r->all->truth, channel, p->epoch, &pub);
    trace_note("reads", (int)(r - r->all->each), channel, pub.offset);
}

/* A copy, since decoding resolves escapes in place and others share it. */
static void take_line(struct reader *r, const char *at, size_t len)
{
    static char line[LINE_MAX];
    struct peer_reply reply;

    if (len >= LINE_MAX)
        trace_fail("reader: a long line");
    memcpy(line, at, len);
    struct pl_span rest = {line, len};
    if (!peer_decode(PEER_JSON, &rest, &reply) || rest.len > 0 ||
        reply.kind != PEER_PUBLICATION)
        trace_fail("reader: a malformed line");
    take_publication(r, &reply);
}

static void deliver(struct pl_subscriber *u, const struct pl_delivery *d)
{
    unsigned suspended = faults_suspend();
    struct reader *r = of(u);
    struct pl_metrics *m = &r->all->share->metrics;
    const char *at = d->segment->buf.data + d->from;
    const char *end = d->segment->buf.data + d->to;

    for (uint32_t i = 0; i < d->frames; i++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));

        if (feed == NULL)
            trace_fail("reader: half a line");
        take_line(r, at, (size_t)(feed - at));
        at = feed + 1;
    }
    if (at != end)
        trace_fail("reader: more lines than messages");
    pl_count(m, PL_METRIC_FRAMES_SENT, d->frames);
    pl_gauge_drop(m, PL_METRIC_FRAMES_QUEUED, d->frames);
    faults_resume(suspended);
}

static void attached(struct pl_subscriber *u, struct pl_sub *sub,
                     const struct pl_attach_mail *m)
{
    struct place *p = place_of(of(u), pl_sub_channel(sub));

    p->is_live = m->error == 0;
    p->offset = m->offset;
    memcpy(p->epoch, m->epoch, sizeof p->epoch);
}

static void dropped(struct pl_subscriber *u, struct pl_sub *sub, uint32_t code)
{
    struct reader *r = of(u);
    const struct world *w = r->all->world;

    trace_note("reader dropped", (int)(r - r->all->each), code, 0);
    if (code != PL_UNSUBSCRIBE_INSUFFICIENT ||
        !world_has_history(w, truth_channel(pl_sub_channel(sub))) ||
        !(w->is_late || w->fails_allocations))
        trace_fail("reader: unsubscribed with %u", code);
    place_of(r, pl_sub_channel(sub))->is_live = false;
}

static void cannot_encode(struct pl_subscriber *u)
{
    (void)u; /* a publication that JSON cannot carry */
}

static void published(struct pl_subscriber *u, const struct pl_publish_mail *m)
{
    (void)u, (void)m;
}

static void queried(struct pl_subscriber *u, const struct pl_query_mail *m)
{
    (void)u, (void)m;
}

static const struct pl_subscriber_ops ops = {
    .deliver = deliver,
    .attached = attached,
    .dropped = dropped,
    .cannot_encode = cannot_encode,
    .published = published,
    .queried = queried,
};

struct readers *readers_create(struct world *w, struct truth *t)
{
    struct readers *all = calloc(1, sizeof *all);

    all->world = w;
    all->truth = t;
    all->share = &w->at[w->workers];
    pl_random_init_seeded(&all->random, w->seed ^ 0x11e5);
    for (int i = 0; i < READERS; i++) {
        struct pl_subscriber *u = &all->each[i].subscriber;

        all->each[i].all = all;
        u->ops = &ops;
        u->encoding = PL_ENCODING_JSON;
        u->form = PL_FORM_LINES;
        if (pl_client_create(&u->client, operator_address(w->operator),
                             &all->random, PL_SPAN(""),
                             (struct pl_span){0}) != PL_OK)
            trace_fail("no reader");
    }
    w->readers = all;
    return all;
}

static void leave(struct reader *r)
{
    pl_hub_leave(r->all->share->hub, &r->subscriber);
    memset(r->places, 0, sizeof r->places);
}

static void subscribe(struct reader *r, unsigned channel)
{
    struct pl_hub *hub = r->all->share->hub;
    struct pl_span name = pl_span_of(world_channel_name(channel));
    struct pl_subscribe_ask ask = {
        .channel = name,
        .hash = pl_hub_hash(hub, name),
        .rules = pl_rulebook_find(world_newest_book(r->all->world), name),
        .flags = PL_SUB_HIDDEN};

    pl_hub_subscribe(hub, &r->subscriber, &ask);
}

void readers_act(struct readers *all)
{
    if (pl_random_below(&all->random, ACT_ODDS) != 0 ||
        all->world->operator== NULL || all->world->is_stopping)
        return;
    struct reader *r = &all->each[pl_random_below(&all->random, READERS)];
    unsigned channel = (unsigned)pl_random_below(&all->random, ROOMS);
    pl_loop_awake(all->share->loop);
    faults_enter();
    if (pl_random_below(&all->random, LEAVE_ODDS) == 0)
        leave(r);
    else
        subscribe(r, channel);
    faults_leave();
}

void readers_leave(struct readers *all)
{
    for (int i = 0; all != NULL && i < READERS; i++)
        leave(&all->each[i]);
}

void readers_destroy(struct readers *all)
{
    all->world->readers = NULL;
    for (int i = 0; i < READERS; i++)
        pl_client_release(all->each[i].subscriber.client);
    free(all);
}
