/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c - see wait.h.
 *
 * A command that waits is kept as the bytes that the client sent.  After the
 * verdict the session decodes them again and runs the command from its start,
 * so names, limits, refusals and a shutdown are checked as they are then; only
 * the judge is not called again.  The command is not counted again either: it
 * stays pending.  The bytes must be copied in any case, since a decoded command
 * points into the read buffer.  Rejected: a continuation per kind of command.
 * Each would repeat the checks of its command, and miss those that are added
 * later.
 *
 * A map of the session manager finds what a session waits for by the session's
 * slot.  A pointer in the session would make idle sessions larger, and most
 * session managers have an empty map.
 *
 * A command that proves wrong when it runs bars all that the client sent after
 * it: those that wait are cancelled, whatever channel they are about.  Those
 * before it still run.
 *
 * Invariant: each entry of the map has at least one queue, but while its last
 * one ends.  The first command of a queue waits for call `number`, or, while
 * `number` is 0, was taken out and runs now. */
#include "wait.h"

#include <stdlib.h>

#include "hold.h"
#include "call_table.h"
#include "command.h"
#include "replies.h"
#include "session_parts.h"
#include "session_settings.h"

/* The commands that wait about one channel. */
struct pl_wait_queue {
    struct pl_wait_queue *next;
    uint64_t hash; /* of the channel's name; 0: a refresh */
    uint32_t number;
    struct pl_parked *first;
    struct pl_parked **end;
};

struct waits {
    struct pl_map_node node; /* in the session manager's map */
    struct pl_wait_queue *first;
    uint32_t count;
    uint32_t newest; /* the order of the latest command */
    uint64_t bytes;
};

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* a slot is its own hash, and unique on its loop */
}

static struct waits *find_waits(const struct pl_session *s)
{
    struct pl_map *map = &pl_session_all_waits(s)->sessions;
    struct pl_map_node *n =
        map->count == 0
            ? NULL
            : pl_map_find(map, pl_session_address(s).slot, is_any, NULL);

    return n == NULL ? NULL : PL_CONTAINER(n, struct waits, node);
}

static uint64_t hash_of(const struct pl_session *s, struct pl_span channel)
{
    return channel.at == NULL ? 0 : pl_hub_hash(pl_session_hub(s), channel);
}

static struct pl_wait_queue *find_queue(const struct waits *all, uint64_t hash)
{
    struct pl_wait_queue *q = all->first;

    while (q != NULL && q->hash != hash)
        q = q->next;
    return q;
}

/* --- Space --- */

static uint64_t bytes_max(const struct pl_session *s)
{
    return pl_session_config(s)->websocket.max_message;
}

static bool has_space(const struct pl_session *s, const struct waits *all)
{
    return all->count < PL_WAITS_MAX &&
           all->bytes + pl_session_all_waits(s)->raw.len <= bytes_max(s);
}

bool pl_wait_has_space(const struct pl_session *s)
{
    const struct waits *all = find_waits(s);

    return all == NULL || has_space(s, all);
}

uint64_t pl_wait_bytes(const struct pl_session *s)
{
    const struct waits *all = find_waits(s);

    return all == NULL ? 0 : all->bytes;
}

void pl_wait_relax(struct pl_session *s)
{
    const struct waits *all = find_waits(s);

    if (all->count <= PL_WAITS_MAX / 2 && all->bytes <= bytes_max(s) / 2)
        pl_session_release(s, PL_HOLD_WAITS);
}

/* --- Queues --- */

static void append(struct waits *all, struct pl_wait_queue *q,
                   struct pl_parked *p)
{
    p->order = ++all->newest;
    p->next = NULL;
    *q->end = p;
    q->end = &p->next;
}

static void put_first(struct pl_wait_queue *q, struct pl_parked *p)
{
    p->next = q->first;
    if (q->first == NULL)
        q->end = &p->next;
    q->first = p;
}

static struct pl_parked *take_first(struct pl_wait_queue *q)
{
    struct pl_parked *p = q->first;

    q->first = p->next;
    if (q->first == NULL)
        q->end = &q->first;
    return p;
}

static void count(struct pl_session *s, struct waits *all,
                  const struct pl_parked *p)
{
    all->count++;
    all->bytes += p->len;
    pl_count(metrics(s), PL_METRIC_COMMANDS_WAITING, 1);
}

static void uncount(struct pl_session *s, struct waits *all,
                    const struct pl_parked *p)
{
    all->count--;
    all->bytes -= p->len;
    pl_gauge_drop(metrics(s), PL_METRIC_COMMANDS_WAITING, 1);
}

/* Return a copy of the command that runs now; NULL: out of memory. */
static struct pl_parked *park(const struct pl_session *s)
{
    struct pl_span raw = pl_session_all_waits(s)->raw;
    struct pl_parked *p = malloc(sizeof *p + raw.len);

    if (p == NULL)
        return NULL;
    *p = (struct pl_parked){.len = (uint32_t)raw.len};
    memcpy(p->raw, raw.at, raw.len);
    return p;
}

static void drop_waits(struct pl_session *s, struct waits *all)
{
    pl_map_remove(&pl_session_all_waits(s)->sessions, &all->node);
    free(all);
}

/* Return what `s` waits for, created if there is none; NULL: out of memory. */
static struct waits *need_waits(struct pl_session *s)
{
    struct waits *all = find_waits(s);

    if (all != NULL)
        return all;
    all = calloc(1, sizeof *all);
    if (all == NULL ||
        pl_map_add(&pl_session_all_waits(s)->sessions, &all->node,
                   pl_session_address(s).slot) != PL_OK) {
        free(all);
        return NULL;
    }
    return all;
}

static bool begin_queue(struct pl_session *s, uint64_t hash, uint32_t number)
{
    struct pl_wait_queue *q = calloc(1, sizeof *q);
    struct pl_parked *p = park(s);
    struct waits *all = q == NULL || p == NULL ? NULL : need_waits(s);

    if (all == NULL) {
        free(q);
        free(p);
        return false;
    }
    *q = (struct pl_wait_queue){
        .next = all->first, .hash = hash, .number = number};
    q->end = &q->first;
    all->first = q;
    append(all, q, p);
    count(s, all, p);
    return true;
}

bool pl_wait_begin(struct pl_session *s, struct pl_span channel,
                   uint32_t number)
{
    struct pl_parked *p = pl_session_all_waits(s)->parked;

    if (p == NULL)
        return begin_queue(s, hash_of(s, channel), number);
    /* The command has waited before, and now waits for another verdict. */
    struct waits *all = find_waits(s);
    struct pl_wait_queue *q = find_queue(all, hash_of(s, channel));
    pl_session_all_waits(s)->parked = NULL;
    q->number = number;
    put_first(q, p);
    count(s, all, p);
    return true;
}

/* --- Waiting after another command --- */

enum pl_wait_place pl_wait_joins(struct pl_session *s, struct pl_span channel)
{
    struct waits *all = find_waits(s);
    struct pl_wait_queue *q =
        all == NULL ? NULL : find_queue(all, hash_of(s, channel));

    if (q == NULL)
        return PL_WAIT_NONE;
    if (!has_space(s, all))
        return PL_WAIT_FULL;
    struct pl_parked *p = park(s);
    if (p == NULL)
        return PL_WAIT_NO_MEMORY;
    append(all, q, p);
    count(s, all, p);
    return PL_WAIT_JOINED;
}

/* Return false if the command is about no channel. */
static bool channel_of(const struct pl_command *c, struct pl_span *channel)
{
    switch (c->verb) {
    case PL_VERB_SUBSCRIBE:
        *channel = c->subscribe.channel;
        return true;
    case PL_VERB_PUBLISH:
        *channel = c->publish.channel;
        return true;
    case PL_VERB_HISTORY:
        *channel = c->history.channel;
        return true;
    case PL_VERB_UNSUBSCRIBE:
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        *channel = c->channel;
        return true;
    case PL_VERB_SUB_REFRESH:
        *channel = c->sub_refresh.channel;
        return true;
    case PL_VERB_REFRESH:
        *channel = (struct pl_span){0};
        return true;
    default:
        return false;
    }
}

enum pl_wait_place pl_wait_takes(struct pl_session *s,
                                 const struct pl_command *c)
{
    struct pl_span channel;

    return channel_of(c, &channel) ? pl_wait_joins(s, channel) : PL_WAIT_NONE;
}

void pl_wait_kick(struct pl_session *s, struct pl_span channel, uint32_t code)
{
    struct waits *all = find_waits(s);
    struct pl_wait_queue *q =
        all == NULL ? NULL : find_queue(all, hash_of(s, channel));

    if (q == NULL)
        return;
    for (struct pl_parked *p = q->first; p != NULL; p = p->next)
        p->drop_code = code;
}

/* --- The verdict --- */

struct pl_wait_queue *pl_wait_find(struct pl_session *s, uint32_t number)
{
    const struct waits *all = find_waits(s);
    struct pl_wait_queue *q = all == NULL ? NULL : all->first;

    while (q != NULL && q->number != number)
        q = q->next;
    return q;
}

struct pl_parked *pl_wait_next(struct pl_session *s, struct pl_wait_queue *q)
{
    struct pl_parked *p = q->first == NULL ? NULL : take_first(q);

    q->number = 0;
    if (p != NULL)
        uncount(s, find_waits(s), p);
    return p;
}

void pl_wait_end_queue(struct pl_session *s, struct pl_wait_queue *q)
{
    struct waits *all = find_waits(s);
    struct pl_wait_queue **at = &all->first;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free(q);
    if (all->first == NULL)
        drop_waits(s, all);
}

static void free_queue(struct pl_session *s, struct waits *all,
                       struct pl_wait_queue *q)
{
    while (q->first != NULL) {
        struct pl_parked *p = take_first(q);

        uncount(s, all, p);
        free(p);
    }
    free(q);
}

/* Cancel the commands of `q` after `order`; return their number. */
static unsigned cancel_after(struct pl_session *s, struct waits *all,
                             struct pl_wait_queue *q, uint32_t order)
{
    unsigned count = 0;
    struct pl_parked **at = &q->first, *p;

    while (*at != NULL && (int32_t)((*at)->order - order) < 0)
        at = &(*at)->next;
    struct pl_parked *rest = *at;
    *at = NULL;
    q->end = at;
    while ((p = rest) != NULL) {
        rest = p->next;
        uncount(s, all, p);
        free(p);
        count++;
    }
    return count;
}

unsigned pl_wait_cancel_later(struct pl_session *s, uint32_t order,
                              struct pl_wait_queue *running)
{
    struct waits *all = find_waits(s);
    struct pl_wait_queue *q;
    unsigned count = 0;

    for (struct pl_wait_queue **at = &all->first; (q = *at) != NULL;) {
        count += cancel_after(s, all, q, order);
        if (q->first != NULL || q == running) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        pl_call_table_cancel(pl_session_calls(s), pl_session_address(s),
                             q->number);
        free(q);
    }
    return count;
}

void pl_wait_forget(struct pl_session *s)
{
    struct waits *all = find_waits(s);

    if (all == NULL)
        return;
    while (all->first != NULL) {
        struct pl_wait_queue *q = all->first;

        all->first = q->next;
        free_queue(s, all, q);
    }
    drop_waits(s, all);
}
