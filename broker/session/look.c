/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - parts of the list of a loop's clients, and the busiest of them.
 *
 * A mail looks at a bounded number of slots of the loop, whether their actors
 * match or not, so a filter that matches no client costs a turn no more than
 * any other.  A client is in the list from the answer to its connect to its
 * end.
 *
 * Rejected: a list of sessions by user or address for these filters: it costs
 * every connection memory for what an operator asks now and then. */
#include <inttypes.h>
#include <stdlib.h>

#include "look_mail.h"

#include "hub.h"
#include "look.h"
#include "mail.h"
#include "rate.h"
#include "session_manager_private.h"
#include "session_private.h"

enum {
    SLOTS = 1024,
    ROWS_BYTES = 65536, /* then the next mail goes on */
    WORK_SLOT = 10,
    WORK_ROW = 200,
    WORK_CHANNEL = 20
};

struct look {
    struct pl_session_manager *manager;
    struct pl_look_mail *mail;
    struct pl_ip_net net; /* if mail->address is set */
};

static bool is_text(const struct pl_blob *wanted, struct pl_span text)
{
    return wanted == NULL || pl_span_equal(pl_blob_span(wanted), text);
}

static bool is_in_channel(const struct look *l, struct pl_session *s)
{
    const struct pl_look_mail *m = l->mail;

    return m->channel == NULL ||
           pl_hub_find(l->manager->options.hub, &s->subscriber,
                       pl_blob_span(m->channel), m->hash) != NULL;
}

static bool is_in_net(const struct look *l, const char *peer)
{
    struct pl_ip ip;

    return l->mail->address == NULL ||
           (pl_ip_parse(&ip, pl_span_of(peer)) && pl_ip_is_in(&ip, &l->net, 1));
}

static void write_text(struct pl_buf *b, const char *before, struct pl_span s)
{
    pl_buf_put_span(b, pl_span_of(before));
    pl_json_text_encode(b, s);
}

/* Return the number of channels. */
static uint32_t write_channels(struct pl_buf *b, const struct pl_session *s)
{
    uint32_t count = 0;

    pl_buf_put_span(b, PL_SPAN(",\"state\":{\"channels\":{"));
    for (const struct pl_sub *sub = s->subscriber.subs; sub != NULL;
         sub = sub->next) {
        if (sub->state != PL_SUB_LIVE || sub->is_leaving)
            continue;
        write_text(b, count++ > 0 ? "," : "", pl_sub_channel(sub));
        pl_buf_put_span(b, PL_SPAN(":{}"));
    }
    pl_buf_put_span(b, PL_SPAN("}}"));
    return count;
}

static void write_row(struct pl_look_mail *m, const struct pl_session *s,
                      const char *peer)
{
    struct pl_buf *b = pl_look_mail_row(m);
    bool is_json = s->subscriber.encoding == PL_ENCODING_JSON;
    const char *encoding = is_json ? "json" : "protobuf";

    write_text(b, "", pl_session_id(s));
    write_text(b, ":{\"client\":", pl_session_id(s));
    write_text(b, ",\"user\":", pl_session_user(s));
    write_text(b, ",\"address\":", pl_span_of(peer));
    pl_buf_printf(
        b,
        ",\"loop\":%u,\"transport\":\"websocket\",\"protocol\":\"%s\","
        "\"encoding\":\"%s\",\"channels\":%u,"
        "\"queue_bytes\":%" PRIu64 ",\"pending\":%u,\"slow\":%s,"
        "\"paused\":%s",
        pl_loop_index(s->actor.loop), encoding, encoding,
        s->subscriber.sub_count, s->out.bytes, s->pending,
        s->is_slow ? "true" : "false", s->holds != 0 ? "true" : "false");
    uint32_t channels = write_channels(b, s);
    pl_buf_put_byte(b, '}');
    pl_loop_add_work(s->actor.loop, (uint64_t)channels * WORK_CHANNEL);
}

static bool visit(struct pl_actor *a, void *arg)
{
    struct pl_session *s = (struct pl_session *)a;
    struct look *l = arg;
    struct pl_look_mail *m = l->mail;
    char text[PL_IP_TEXT_MAX];

    if (s->state != PL_SESSION_CONNECTED ||
        !is_text(m->client, pl_session_id(s)) ||
        !is_text(m->user, pl_session_user(s)) || !is_in_channel(l, s))
        return true;
    const char *peer = pl_session_peer(s, text);
    if (is_in_net(l, peer))
        write_row(m, s, peer);
    return m->count < m->most && m->rows.len < ROWS_BYTES;
}

/* --- The busiest --- */

struct ranking {
    struct pl_session_manager *manager;
    struct pl_look_mail *mail;
    uint32_t elapsed_ms; /* since the slots were looked at; 0: too short */
};

struct numbers {
    uint64_t messages, deliveries, queue;
    uint32_t channels;
};

/* Return the time since the slots from m->at on were looked at, or 0 if that is
 * too short or not known.  The slots of a block are counted from now on. */
static uint32_t begin_block(struct pl_session_manager *k,
                            const struct pl_look_mail *m)
{
    uint32_t now_ms = (uint32_t)pl_loop_now_ms(k->actor.loop);
    uint32_t block = (uint32_t)(m->at / SLOTS);

    if (block > k->looked.blocks)
        return 0; /* a walk passes all blocks in order */
    if (block == k->looked.blocks) {
        uint32_t *at_ms = realloc(k->looked.at_ms, (block + 1) * sizeof *at_ms);
        if (at_ms == NULL)
            return 0;
        at_ms[block] = now_ms - PL_RATE_STALE_MS - 1;
        k->looked.at_ms = at_ms;
        k->looked.blocks = block + 1;
    }
    uint32_t elapsed = now_ms - k->looked.at_ms[block];
    if (elapsed < PL_RATE_MS)
        return 0;
    k->looked.at_ms[block] = now_ms;
    return elapsed;
}

/* The rate before the last look is not kept, so a second reader in the same
 * second gets one that is still growing. */
static uint64_t read_messages(struct pl_session *s, uint32_t elapsed_ms)
{
    uint64_t count = s->messages;

    if (elapsed_ms == 0)
        return count;
    s->messages = 0;
    return elapsed_ms > PL_RATE_STALE_MS ? 0 : count * 1000 / elapsed_ms;
}

static uint64_t score_of(const struct numbers *n, uint8_t by)
{
    switch (by) {
    case PL_BY_DELIVERIES:
        return n->deliveries;
    case PL_BY_QUEUE:
        return n->queue;
    case PL_BY_CHANNELS:
        return n->channels;
    default:
        return n->messages;
    }
}

static void write_ranked(struct pl_buf *b, struct pl_session *s,
                         const struct numbers *n)
{
    char text[PL_IP_TEXT_MAX];

    write_text(b, "{\"client\":", pl_session_id(s));
    write_text(b, ",\"user\":", pl_session_user(s));
    write_text(b, ",\"address\":", pl_span_of(pl_session_peer(s, text)));
    pl_buf_printf(b,
                  ",\"loop\":%u,\"messages\":%" PRIu64
                  ",\"deliveries\":%" PRIu64 ",\"queue_bytes\":%" PRIu64
                  ",\"channels\":%" PRIu32 ",\"slow\":%s}",
                  pl_loop_index(s->actor.loop), n->messages, n->deliveries,
                  n->queue, n->channels, s->is_slow ? "true" : "false");
}

static bool rank(struct pl_actor *a, void *arg)
{
    struct pl_session *s = (struct pl_session *)a;
    const struct ranking *r = arg;
    struct pl_top *top = &r->mail->top;
    struct numbers n = {
        .messages = read_messages(s, r->elapsed_ms),
        .queue = s->out.bytes,
        .channels = s->subscriber.sub_count,
    };
    struct pl_buf *b = NULL;

    if (s->state != PL_SESSION_CONNECTED)
        return true;
    n.deliveries = pl_hub_rate(r->manager->options.hub, &s->subscriber);
    uint64_t score = score_of(&n, r->mail->by);
    if (pl_top_wants(top, score))
        b = pl_top_enter(top, score);
    if (b != NULL)
        write_ranked(b, s, &n);
    return true;
}

static void rank_all(struct pl_session_manager *k, struct pl_look_mail *m)
{
    struct ranking r = {k, m, begin_block(k, m)};

    /* A block of slots has one time, so a part is a whole block. */
    m->at = pl_actor_each_from(k->actor.loop, (uint32_t)m->at,
                               SLOTS - (uint32_t)(m->at % SLOTS) -
                                   (m->at == 0 ? 1 : 0),
                               &pl_session_actor_ops, rank, &r);
    m->has_more = m->at != 0;
    pl_loop_add_work(k->actor.loop, (uint64_t)SLOTS * WORK_SLOT);
}

/* --- Lists --- */

static void list(struct pl_session_manager *k, struct pl_look_mail *m)
{
    struct look l = {.manager = k, .mail = m};
    uint32_t slots = m->client != NULL ? 1 : SLOTS; /* an id has its slot */

    if (m->address != NULL)
        pl_ip_net_parse(&l.net, pl_blob_span(m->address));
    m->at = pl_actor_each_from(k->actor.loop, (uint32_t)m->at, slots,
                               &pl_session_actor_ops, visit, &l);
    m->has_more = m->at != 0 && m->client == NULL;
    pl_loop_add_work(k->actor.loop, slots * WORK_SLOT + m->count * WORK_ROW);
}

void pl_session_manager_look(struct pl_session_manager *k,
                             struct pl_look_mail *m)
{
    if (m->kind == PL_LOOK_TOP_ACTORS) {
        pl_look_at_actors(&k->actor, m);
        return;
    }
    if (m->kind == PL_LOOK_TOP_CONNECTIONS)
        rank_all(k, m);
    else
        list(k, m);
    pl_mail_answer(&k->actor, &m->msg);
}
