/* SPDX-License-Identifier: Apache-2.0 */
/* stream_space.c - limits the number of streams and the bytes of their
 * histories, see stream_private.h.
 *
 * At the limit a new stream replaces an empty one, otherwise one with a
 * history, each time the least recently used without subscribers.  Streams with
 * subscribers stay, so a connected client keeps its position.  The owner is
 * asked before a stream is freed, because a new subscriber may not have read
 * the stream yet.
 *
 * Bytes are limited per channel, per user (stream_account.c) and in total.
 * Beyond a limit the oldest publications of the least recently used history are
 * shed.  The rest keeps its offsets, and the stream its epoch and top, so a
 * client that missed shed publications learns that it cannot recover.
 *
 * Rejected: refusing the publication, because one client that fills the limit
 * then silences all others.  Shedding the user with the most bytes, because it
 * needs a heap; the limit per account has the same effect.
 *
 * Invariant: after a request no limit is exceeded. */
#include "log.h"
#include "stream_private.h"

enum {
    STEP_BYTES = 4 << 20, /* shed per turn */
    TELL_MS = 60000       /* between two log lines, per reason */
};

void pl_stream_space_queue(struct pl_channel_stream *l)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);
    struct pl_list *list = l->has_subscribers ? &m->busy : &m->rested;

    if (l->count == 0)
        list = l->has_subscribers ? NULL : &m->idle;
    l->queued_ms = pl_loop_now_ms(m->loop);
    pl_list_remove(&l->queue);
    if (list != NULL)
        pl_list_append(list, &l->queue);
    if (l->account == NULL)
        return;
    pl_list_remove(&l->own);
    pl_list_append(&l->account->streams, &l->own);
}

static struct pl_channel_stream *first_of(const struct pl_list *list)
{
    return pl_list_is_empty(list)
               ? NULL
               : PL_CONTAINER(list->next, struct pl_channel_stream, queue);
}

/* --- Log and metrics --- */

/* Return true if the log line for `why` is due: a limit that is reached stays
 * reached. */
static bool may_tell(struct pl_stream_store *m, enum pl_stream_shed why)
{
    uint64_t now = pl_loop_now_ms(m->loop);

    if (m->told_ms[why] != 0 && now - m->told_ms[why] < TELL_MS)
        return false;
    m->told_ms[why] = now;
    return true;
}

static void tell_shed(struct pl_stream_store *m, enum pl_stream_shed why)
{
    static const char *const key[PL_STREAM_SHED_COUNT] = {
        [PL_STREAM_SHED_CLIENT] = "limits.client_history",
        [PL_STREAM_SHED_HISTORY] = "limits.history",
        [PL_STREAM_SHED_MEMORY] = "limits.memory",
    };

    if (key[why] != NULL && may_tell(m, why))
        PL_LOG_LIMITED(PL_LOG_KIND_HISTORY, PL_LOG_WARN,
                       "the oldest publications are shed from histories",
                       pl_log_string("key", key[why]),
                       pl_log_number("loop", pl_loop_index(m->loop)),
                       pl_log_number("bytes", (int64_t)m->bytes));
}

static void tell_evicted(struct pl_stream_store *m)
{
    if (may_tell(m, PL_STREAM_SHED_CHANNELS))
        PL_LOG_LIMITED(PL_LOG_KIND_CHANNELS, PL_LOG_WARN,
                       "limits.channels is reached, new channels take the "
                       "place of those without subscribers",
                       pl_log_number("loop", pl_loop_index(m->loop)),
                       pl_log_number("channels", (int64_t)m->map.count));
}

static void count_shed(struct pl_stream_store *m, enum pl_stream_shed why,
                       uint64_t publications, uint64_t bytes)
{
    unsigned at = PL_METRIC_HISTORY_SHED_CHANNEL + 2 * (unsigned)why;

    if (m->options.metrics == NULL)
        return;
    pl_count(m->options.metrics, (enum pl_metric)at, publications);
    pl_count(m->options.metrics, (enum pl_metric)(at + 1), bytes);
}

/* --- Lines --- */

/* Return the least recently used stream without subscribers; NULL: there is
 * none. */
static struct pl_channel_stream *oldest_unused(struct pl_stream_store *m)
{
    for (;;) {
        struct pl_channel_stream *l = first_of(&m->idle);

        if (l == NULL)
            l = first_of(&m->rested);
        if (l == NULL)
            return NULL;
        l->has_subscribers = pl_channel_stream_is_used(l);
        if (!l->has_subscribers)
            return l;
        pl_stream_space_queue(l);
    }
}

enum pl_err pl_stream_space_find(struct pl_stream_store *m,
                                 struct pl_channel_stream **old)
{
    *old = NULL;
    if (m->options.limit == 0 || m->map.count < m->options.limit)
        return PL_OK;
    *old = oldest_unused(m);
    return *old == NULL ? PL_ELIMIT : PL_OK;
}

void pl_stream_space_evict(struct pl_channel_stream *l)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);

    if (m->options.metrics != NULL)
        pl_count(m->options.metrics, PL_METRIC_STREAMS_EVICTED, 1);
    if (l->count > 0)
        count_shed(m, PL_STREAM_SHED_CHANNELS, l->count, l->bytes);
    tell_evicted(m);
    pl_channel_stream_destroy(l);
}

/* --- Bytes --- */

/* Drop the oldest publications until `excess` bytes are freed or the history is
 * empty. */
static void shrink(struct pl_channel_stream *l, uint64_t excess,
                   enum pl_stream_shed why)
{
    uint64_t before = l->bytes;
    uint32_t count = l->count;

    while (l->count > 0 && before - l->bytes < excess) {
        pl_channel_stream_drop(l);
        pl_channel_stream_tighten(l);
    }
    if (l->count == 0) {
        pl_channel_stream_empty(l);
        pl_stream_space_queue(l);
    }
    count_shed(pl_channel_stream_store(l), why, count - l->count,
               before - l->bytes);
    tell_shed(pl_channel_stream_store(l), why);
}

/* Shed histories of an account.  The account is freed with its last stream. */
static void fit_account(struct pl_stream_account *a, uint64_t limit)
{
    bool is_left = true;

    while (is_left && a->bytes > limit) {
        struct pl_channel_stream *l =
            PL_CONTAINER(a->streams.next, struct pl_channel_stream, own);
        bool is_last = a->streams.next == a->streams.prev;

        shrink(l, a->bytes - limit, PL_STREAM_SHED_CLIENT);
        is_left = !is_last || l->account != NULL;
    }
}

/* Return the first stream of two lists, whichever was used earlier. */
static struct pl_channel_stream *least_recent(const struct pl_stream_store *m)
{
    struct pl_channel_stream *rested = first_of(&m->rested);
    struct pl_channel_stream *busy = first_of(&m->busy);

    if (rested == NULL || busy == NULL)
        return rested != NULL ? rested : busy;
    return busy->queued_ms < rested->queued_ms ? busy : rested;
}

static void fit_all(struct pl_stream_store *m, uint64_t limit,
                    enum pl_stream_shed why)
{
    struct pl_channel_stream *l;

    while (m->bytes > limit && (l = least_recent(m)) != NULL)
        shrink(l, m->bytes - limit, why);
}

void pl_stream_space_fit(struct pl_channel_stream *l)
{
    struct pl_stream_store *m = pl_channel_stream_store(l);
    const struct pl_stream_memory_options *o = &m->options;

    uint64_t most = l->rules->rules->history_bytes;

    if (most > 0 && l->bytes > most)
        shrink(l, l->bytes - most, PL_STREAM_SHED_CHANNEL);
    if (o->client_bytes > 0 && l->account != NULL &&
        l->account->bytes > o->client_bytes)
        fit_account(l->account, o->client_bytes);
    if (o->bytes > 0 && m->bytes > o->bytes)
        fit_all(m, o->bytes, PL_STREAM_SHED_HISTORY);
}

/* --- Shedding for limits.memory --- */

void pl_stream_space_on_task(struct pl_task *t)
{
    struct pl_stream_store *m = PL_CONTAINER(t, struct pl_stream_store, task);
    uint64_t step = m->shed_bytes < STEP_BYTES ? m->shed_bytes : STEP_BYTES;

    m->shed_bytes -= step;
    fit_all(m, m->bytes > step ? m->bytes - step : 0, PL_STREAM_SHED_MEMORY);
    if (m->shed_bytes > 0 && m->bytes > 0)
        pl_loop_defer(m->loop, PL_STAGE_READY, &m->task);
}

void pl_stream_space_shed(struct pl_stream_store *m, uint64_t bytes)
{
    m->shed_bytes = bytes;
    if (bytes > 0 && m->bytes > 0)
        pl_loop_defer(m->loop, PL_STAGE_READY, &m->task);
}
