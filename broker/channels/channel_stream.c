/* SPDX-License-Identifier: Apache-2.0 */
/* channel_stream.c - the stream of one channel, see stream_private.h.
 *
 * A ring of references to publications grows up to its limit.  Age is measured
 * on the monotonic clock, because setting the wall clock must not empty every
 * history.  Expired publications are dropped before a stream is read, so they
 * are never returned.  The timer only frees the memory of streams that no
 * client reads; it may be up to a second late, so that a busy stream does not
 * wake the loop for each publication.
 *
 * A history is charged for its publications, its ring and its struct.
 * Consecutive publications of one client share the client's name and info,
 * which are charged once: charged each time, small ones of a client with a long
 * info count ten times their memory.
 *
 * Invariant: the publications have the offsets top - count + 1 to top; `bytes`
 * is what was charged, and 0 without a ring. */
#include <assert.h>
#include <stdlib.h>

#include "random.h"
#include "stream_private.h"

enum {
    FIRST_RING = 4,
    SLACK_MS_MAX = 1000,
    HEAP_BYTES = 16,   /* overhead of one allocation */
    CLIENT_BYTES = 128 /* of a client without its user and info */
};

static struct pl_span name_of(const struct pl_channel_stream *l)
{
    return (struct pl_span){l->name, l->name_len};
}

static bool match(const struct pl_map_node *n, const void *key)
{
    return pl_span_equal(name_of((const struct pl_channel_stream *)n),
                         *(const struct pl_span *)key);
}

struct pl_channel_stream *pl_channel_stream_find(struct pl_stream_store *m,
                                                 struct pl_span channel,
                                                 uint64_t hash)
{
    return (struct pl_channel_stream *)pl_map_find(&m->map, hash, match,
                                                   &channel);
}

bool pl_channel_stream_is_used(const struct pl_channel_stream *l)
{
    const struct pl_stream_store *m = pl_channel_stream_store(l);

    return m->is_used != NULL && m->is_used(m->owner, name_of(l), l->node.hash);
}

/* --- Its publications --- */

/* Return publication `i`, counted from the oldest. */
static struct pl_pub *nth(const struct pl_channel_stream *l, uint32_t i)
{
    uint64_t at = (uint64_t)l->first + i;

    return l->ring[at < l->cap ? at : at - l->cap].pub;
}

/* Return the publication at `offset`, which must be stored. */
static struct pl_pub *at_offset(const struct pl_channel_stream *l,
                                uint64_t offset)
{
    return nth(l, (uint32_t)(offset - (l->top - l->count + 1)));
}

static uint64_t cost_of(const struct pl_pub *p)
{
    return sizeof *p + HEAP_BYTES + p->space;
}

static uint64_t cost_of_client(const struct pl_client *c)
{
    return CLIENT_BYTES + pl_client_seen_len(c);
}

static uint64_t cost_of_stream(const struct pl_channel_stream *l)
{
    return sizeof *l + HEAP_BYTES + l->name_len;
}

/* Remove the oldest publication and return the bytes that this frees.  The next
 * publication is charged for the client if it has the same one.
 * Owner: the caller gets the reference in *out. */
static uint64_t take_out(struct pl_channel_stream *l, struct pl_pub **out)
{
    struct pl_pub *p = nth(l, 0);
    uint64_t cost = cost_of(p);

    if (p->client != NULL && (l->count == 1 || nth(l, 1)->client != p->client))
        cost += cost_of_client(p->client);
    l->ring[l->first].pub = NULL;
    l->first = l->first + 1 < l->cap ? l->first + 1 : 0;
    l->count--;
    *out = p;
    return cost;
}

void pl_channel_stream_drop(struct pl_channel_stream *l)
{
    struct pl_pub *p;

    pl_stream_space_change(l, -take_out(l, &p));
    pl_pub_release(p);
}

void pl_channel_stream_empty(struct pl_channel_stream *l)
{
    while (l->count > 0)
        pl_channel_stream_drop(l);
    if (l->ring == NULL)
        return;
    assert(l->bytes == cost_of_stream(l) + l->cap * sizeof *l->ring);
    pl_stream_space_change(l, -l->bytes);
    pl_stream_account_leave(l);
    free(l->ring);
    l->ring = NULL;
    l->cap = l->first = 0;
}

/* Return when the next publications expire; there are some.  A whole history
 * expires with its newest publication. */
static uint64_t due_of(const struct pl_channel_stream *l)
{
    bool is_whole = l->rules->rules->sub.flags & PL_RULE_WHOLE_HISTORY;
    uint64_t at = (uint64_t)l->first + (is_whole ? l->count - 1 : 0);

    return l->ring[at < l->cap ? at : at - l->cap].due_ms;
}

void pl_channel_stream_expire(struct pl_channel_stream *l)
{
    uint64_t now = pl_loop_now_ms(pl_channel_stream_store(l)->loop);

    while (l->count > 0 && due_of(l) <= now)
        pl_channel_stream_drop(l);
    if (l->count == 0)
        pl_channel_stream_empty(l);
}

/* --- The ring --- */

static enum pl_err resize(struct pl_channel_stream *l, uint32_t cap)
{
    struct pl_stream_held *ring = malloc(cap * sizeof *ring);

    if (ring == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < l->count; i++)
        ring[i] = l->ring[((uint64_t)l->first + i) % l->cap];
    pl_stream_space_change(l, ((uint64_t)cap - l->cap) * sizeof *ring +
                                  (l->cap == 0 ? cost_of_stream(l) : 0));
    free(l->ring);
    l->ring = ring;
    l->cap = cap;
    l->first = 0;
    return PL_OK;
}

static enum pl_err grow(struct pl_channel_stream *l)
{
    uint32_t size = l->rules->rules->history_size;
    uint64_t cap = l->cap == 0 ? FIRST_RING : (uint64_t)l->cap * 2;

    return resize(l, cap < size ? (uint32_t)cap : size);
}

/* Shrink at a quarter, so that the ring does not alternate between two sizes.
 * If allocation fails, the old ring stays. */
void pl_channel_stream_tighten(struct pl_channel_stream *l)
{
    if (l->cap > FIRST_RING && l->count > 0 && l->count <= l->cap / 4)
        (void)resize(l, l->cap / 2);
}

enum pl_err pl_channel_stream_push(struct pl_channel_stream *l,
                                   struct pl_pub *pub, struct pl_pub **unused)
{
    const struct pl_stream_store *m = pl_channel_stream_store(l);
    uint64_t cost = cost_of(pub);
    struct pl_pub *oldest = NULL;

    while (l->count > l->rules->rules->history_size)
        pl_channel_stream_drop(l); /* newer rules keep less */
    if (l->count == l->rules->rules->history_size)
        cost -= take_out(l, &oldest); /* may wrap */
    else if (l->count == l->cap && grow(l) != PL_OK)
        return PL_ENOMEM;
    if (l->count == 0 || nth(l, l->count - 1)->client != pub->client) {
        pl_stream_account_charge(l, pub->client);
        if (pub->client != NULL)
            cost += cost_of_client(pub->client);
    }
    pl_stream_space_change(l, cost);
    pub->offset = ++l->top;
    memcpy(pub->epoch, l->epoch, sizeof pub->epoch);
    uint64_t at = (uint64_t)l->first + l->count;
    l->ring[at < l->cap ? at : at - l->cap] = (struct pl_stream_held){
        pl_pub_hold(pub),
        pl_loop_now_ms(m->loop) + l->rules->rules->history_ttl_ms};
    l->count++;
    if (unused != NULL)
        *unused = pl_pub_empty(oldest);
    else
        pl_pub_release(oldest);
    return PL_OK;
}

/* --- Ranges --- */

/* Compute the stored offsets that `r` requests: *from to *to, none if *from >
 * *to. */
static void bounds(const struct pl_channel_stream *l,
                   const struct pl_stream_range *r, uint64_t *from,
                   uint64_t *to)
{
    *from = l->top - l->count + 1;
    *to = l->top;
    if (!r->has_since)
        return;
    if (r->reverse && r->since <= *to)
        *to = r->since == 0 ? 0 : r->since - 1;
    else if (!r->reverse && r->since >= *from)
        *from = r->since > *to ? *to + 1 : r->since + 1;
}

/* Count the publications of the next part. */
static uint32_t how_many(const struct pl_channel_stream *l,
                         const struct pl_stream_range *r, uint64_t from,
                         uint64_t to)
{
    uint32_t most = r->limit < PL_STREAM_PART ? r->limit : PL_STREAM_PART;
    uint64_t bytes = 0;
    uint32_t n = 0;

    for (uint64_t o = from; o <= to && n < most && bytes < PL_STREAM_PART_BYTES;
         o++, n++)
        bytes += pl_pub_cost(at_offset(l, r->reverse ? from + to - o : o));
    return n;
}

enum pl_err pl_channel_stream_range(const struct pl_channel_stream *l,
                                    struct pl_stream_range *r)
{
    uint64_t from;
    uint64_t to;

    r->top.offset = l->top;
    memcpy(r->top.epoch, l->epoch, sizeof r->top.epoch);
    bounds(l, r, &from, &to);
    uint32_t n = how_many(l, r, from, to);
    r->has_more = from + n <= to;
    if (n == 0)
        return PL_OK;
    r->pubs = malloc(n * sizeof(struct pl_pub *));
    if (r->pubs == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < n; i++)
        r->pubs[i] = pl_pub_hold(at_offset(l, r->reverse ? to - i : from + i));
    r->count = n;
    return PL_OK;
}

/* --- Creation, expiry, end --- */

void pl_channel_stream_arm(struct pl_channel_stream *l)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);
    uint64_t slack = l->rules->rules->history_ttl_ms / 8;
    uint64_t now = pl_loop_now_ms(m->loop);
    uint64_t due = l->used_ms + l->rules->rules->meta_ttl_ms;

    if (slack > SLACK_MS_MAX)
        slack = SLACK_MS_MAX;
    if (l->count > 0)
        due = due_of(l) + slack;
    pl_timer_start(m->loop, &l->timer, due > now ? due - now : 0);
}

/* Drop what has expired.  An empty stream with subscribers runs no timer;
 * idle() starts it when the last subscriber has detached. */
static void fire(struct pl_timer *t)
{
    struct pl_channel_stream *l =
        PL_CONTAINER(t, struct pl_channel_stream, timer);
    const struct pl_stream_store *m = pl_channel_stream_store(l);
    bool was_empty = l->count == 0;

    pl_channel_stream_expire(l);
    if (l->count > 0) {
        pl_channel_stream_arm(l);
        return;
    }
    l->has_subscribers = pl_channel_stream_is_used(l);
    if (!was_empty || l->has_subscribers || !pl_list_is_linked(&l->queue))
        pl_stream_space_queue(l);
    if (l->has_subscribers)
        return;
    if (was_empty &&
        l->used_ms + l->rules->rules->meta_ttl_ms <= pl_loop_now_ms(m->loop))
        pl_channel_stream_destroy(l);
    else
        pl_channel_stream_arm(l);
}

static void make_epoch(struct pl_stream_store *m, char epoch[PL_EPOCH_MAX])
{
    for (int i = 0; i < PL_EPOCH_MAX - 1; i++) {
        uint64_t letter = pl_random_below(pl_loop_random(m->loop), 52);

        epoch[i] = (char)(letter < 26 ? 'a' + letter : 'A' + letter - 26);
    }
    epoch[PL_EPOCH_MAX - 1] = '\0';
}

enum pl_err pl_channel_stream_create(struct pl_channel_stream **out,
                                     struct pl_stream_store *m,
                                     const struct pl_store_op *op,
                                     struct pl_rules *rules)
{
    struct pl_rules_use *use = pl_rules_use_take(&m->uses, rules);
    struct pl_channel_stream *l =
        use == NULL ? NULL : calloc(1, sizeof *l + op->channel.len);

    if (l == NULL) {
        pl_rules_use_drop(&m->uses, use);
        return PL_ENOMEM;
    }
    l->rules = use;
    l->timer.fire = fire;
    l->name_len = (uint16_t)op->channel.len;
    memcpy(l->name, op->channel.at, op->channel.len);
    if (pl_map_add(&m->map, &l->node, op->hash) != PL_OK) {
        pl_rules_use_drop(&m->uses, use);
        free(l);
        return PL_ENOMEM;
    }
    make_epoch(m, l->epoch);
    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, PL_METRIC_STREAMS, 1);
    *out = l;
    return PL_OK;
}

void pl_channel_stream_destroy(struct pl_channel_stream *l)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);

    pl_timer_stop(m->loop, &l->timer);
    pl_list_remove(&l->queue);
    pl_stream_version_drop(l);
    pl_map_remove(&m->map, &l->node);
    if (m->options.metrics != NULL)
        pl_gauge_drop(m->options.metrics, PL_METRIC_STREAMS, 1);
    pl_channel_stream_empty(l);
    pl_rules_use_drop(&m->uses, l->rules);
    free(l);
}
