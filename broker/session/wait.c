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
 * A map of the keeper finds what a session waits for by the session's slot.  A
 * pointer in the session would make idle sessions larger; the bit has_waits is
 * false for nearly all.
 *
 * Invariant: s->has_waits is set if, and only if, the map has an entry for `s`,
 * and each entry has at least one queue.  The first command of a queue waits
 * for call `number`, or, while `number` is 0, was taken out and runs now. */
#include "wait.h"

#include <stdlib.h>

#include "commands.h"
#include "custom.h"
#include "session_private.h"
#include "subscribe.h"
#include "verdict_private.h"

/* One command that waits. */
struct pl_parked {
    struct pl_parked *next;
    uint32_t drop_code; /* its subscription ends at once, with this code; 0:
                           none */
    uint32_t len;
    char raw[];
};

/* The commands that wait about one channel. */
struct queue {
    struct queue *next;
    uint64_t hash; /* of the channel's name; 0: a refresh */
    uint32_t number;
    struct pl_parked *first;
    struct pl_parked **end;
};

struct waits {
    struct pl_map_node node; /* in the keeper's map */
    struct queue *first;
    uint32_t count;
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
    struct pl_map_node *n = pl_map_find(
        &s->keeper->waits, pl_actor_address(&s->actor).slot, is_any, NULL);

    return n == NULL ? NULL : PL_CONTAINER(n, struct waits, node);
}

static uint64_t hash_of(const struct pl_session *s, struct pl_span channel)
{
    return channel.at == NULL ? 0
                              : pl_hub_hash(s->keeper->options.hub, channel);
}

static struct queue *find_queue(const struct waits *all, uint64_t hash)
{
    struct queue *q = all->first;

    while (q != NULL && q->hash != hash)
        q = q->next;
    return q;
}

/* --- Space --- */

static uint64_t bytes_max(const struct pl_session *s)
{
    return s->keeper->options.config->websocket.max_message;
}

static bool has_room(const struct pl_session *s, const struct waits *all)
{
    return all->count < PL_WAITS_MAX &&
           all->bytes + s->keeper->raw.len <= bytes_max(s);
}

bool pl_wait_has_room(const struct pl_session *s)
{
    return !s->has_waits || has_room(s, find_waits(s));
}

uint64_t pl_wait_bytes(const struct pl_session *s)
{
    return s->has_waits ? find_waits(s)->bytes : 0;
}

/* Read again when half of the space is free. */
static void relax(struct pl_session *s, const struct waits *all)
{
    if (all->count <= PL_WAITS_MAX / 2 && all->bytes <= bytes_max(s) / 2)
        pl_session_release(s, PL_HOLD_WAITS);
}

/* --- Queues --- */

static void append(struct queue *q, struct pl_parked *p)
{
    p->next = NULL;
    *q->end = p;
    q->end = &p->next;
}

static void put_first(struct queue *q, struct pl_parked *p)
{
    p->next = q->first;
    if (q->first == NULL)
        q->end = &p->next;
    q->first = p;
}

static struct pl_parked *take_first(struct queue *q)
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
    struct pl_span raw = s->keeper->raw;
    struct pl_parked *p = malloc(sizeof *p + raw.len);

    if (p == NULL)
        return NULL;
    *p = (struct pl_parked){.len = (uint32_t)raw.len};
    memcpy(p->raw, raw.at, raw.len);
    return p;
}

static void drop_waits(struct pl_session *s, struct waits *all)
{
    s->has_waits = false;
    pl_map_remove(&s->keeper->waits, &all->node);
    free(all);
}

/* Return what `s` waits for, created if there is none; NULL: out of memory. */
static struct waits *need_waits(struct pl_session *s)
{
    if (s->has_waits)
        return find_waits(s);
    struct waits *all = calloc(1, sizeof *all);
    if (all == NULL || pl_map_add(&s->keeper->waits, &all->node,
                                  pl_actor_address(&s->actor).slot) != PL_OK) {
        free(all);
        return NULL;
    }
    s->has_waits = true;
    return all;
}

static bool begin_queue(struct pl_session *s, uint64_t hash, uint32_t number)
{
    struct queue *q = calloc(1, sizeof *q);
    struct pl_parked *p = park(s);
    struct waits *all = q == NULL || p == NULL ? NULL : need_waits(s);

    if (all == NULL) {
        free(q);
        free(p);
        return false;
    }
    *q = (struct queue){.next = all->first, .hash = hash, .number = number};
    q->end = &q->first;
    all->first = q;
    append(q, p);
    count(s, all, p);
    return true;
}

bool pl_wait_begin(struct pl_session *s, struct pl_span channel,
                   uint32_t number)
{
    struct pl_parked *p = s->keeper->parked;

    if (p == NULL)
        return begin_queue(s, hash_of(s, channel), number);
    /* The command has waited before, and now waits for another verdict. */
    struct waits *all = find_waits(s);
    struct queue *q = find_queue(all, hash_of(s, channel));
    s->keeper->parked = NULL;
    q->number = number;
    put_first(q, p);
    count(s, all, p);
    return true;
}

/* --- Waiting after another command --- */

static bool join(struct pl_session *s, uint64_t hash, uint32_t id)
{
    struct waits *all = find_waits(s);
    struct queue *q = find_queue(all, hash);

    if (q == NULL)
        return false;
    struct pl_parked *p = has_room(s, all) ? park(s) : NULL;
    if (p != NULL) {
        append(q, p);
        count(s, all, p);
    } else if (has_room(s, all)) {
        pl_session_refuse(s, id, PL_ERROR_INTERNAL);
    } else {
        pl_session_refuse(s, id, PL_ERROR_TOO_MANY_REQUESTS);
        pl_session_hold(s, PL_HOLD_WAITS);
    }
    return true;
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
    case PL_VERB_REFRESH:
        *channel = (struct pl_span){0};
        return true;
    default:
        return false;
    }
}

bool pl_wait_takes(struct pl_session *s, const struct pl_command *c)
{
    struct pl_span channel;

    return channel_of(c, &channel) && join(s, hash_of(s, channel), c->id);
}

bool pl_wait_joins(struct pl_session *s, struct pl_span channel, uint32_t id)
{
    return s->has_waits && s->keeper->parked == NULL &&
           join(s, hash_of(s, channel), id);
}

void pl_wait_kick(struct pl_session *s, struct pl_span channel, uint32_t code)
{
    if (!s->has_waits)
        return;
    struct queue *q = find_queue(find_waits(s), hash_of(s, channel));
    if (q == NULL)
        return;
    for (struct pl_parked *p = q->first; p != NULL; p = p->next)
        p->drop_code = code;
}

/* --- The verdict --- */

/* End the subscription that `p` has made: it was unsubscribed while `p`
 * waited. */
static void kick(struct pl_session *s, struct pl_parked *p)
{
    struct pl_span raw = {p->raw, p->len};
    struct pl_command c;
    const char *why;
    size_t at;

    pl_arena_reset(&s->keeper->arena);
    if (pl_command_decode(s->subscriber.encoding, &raw, &s->keeper->arena, &c,
                          &why, &at) != PL_OK)
        pl_session_doom(s, PL_DISCONNECT_SERVER_ERROR); /* out of memory */
    else if (c.verb == PL_VERB_SUBSCRIBE)
        pl_session_kick_channel(s, c.subscribe.channel, p->drop_code);
}

/* Run `p`.  Return true if it waits for another verdict. */
static bool run_parked(struct pl_session *s, struct pl_parked *p,
                       const struct pl_verdict *v)
{
    struct pl_keeper *k = s->keeper;

    k->parked = p;
    k->given = v;
    pl_session_commands(s, (struct pl_span){p->raw, p->len});
    k->given = NULL;
    bool is_again = k->parked == NULL;
    k->parked = NULL;
    if (!is_again && p->drop_code != 0 && s->state < PL_SESSION_CLOSING)
        kick(s, p);
    return is_again;
}

static void end_queue(struct pl_session *s, struct waits *all, struct queue *q)
{
    struct queue **at = &all->first;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free(q);
    if (all->first == NULL)
        drop_waits(s, all);
}

/* The queue stays in its list while its commands run, so that new commands
 * about its channel wait after them. */
static void go_on(struct pl_session *s, struct waits *all, struct queue *q,
                  const struct pl_verdict *v)
{
    q->number = 0;
    while (q->first != NULL) {
        struct pl_parked *p = take_first(q);

        uncount(s, all, p);
        bool is_again = run_parked(s, p, v);
        if (!is_again)
            free(p);
        if (s->state >= PL_SESSION_CLOSING || s->ending >= PL_ENDING_DOOMED)
            return; /* all waits are freed, or are about to be */
        relax(s, all);
        if (is_again)
            return;
        v = NULL;
    }
    end_queue(s, all, q);
}

bool pl_wait_end(struct pl_session *s, uint32_t number,
                 const struct pl_verdict *v)
{
    struct waits *all = s->has_waits ? find_waits(s) : NULL;
    struct queue *q = all == NULL ? NULL : all->first;

    while (q != NULL && q->number != number)
        q = q->next;
    if (q == NULL)
        return false;
    if (s->ending < PL_ENDING_DOOMED)
        go_on(s, all, q, v);
    return true;
}

static void free_queue(struct pl_session *s, struct waits *all, struct queue *q)
{
    while (q->first != NULL) {
        struct pl_parked *p = take_first(q);

        uncount(s, all, p);
        free(p);
    }
    free(q);
}

void pl_wait_forget(struct pl_session *s)
{
    if (!s->has_waits)
        return;
    struct waits *all = find_waits(s);
    while (all->first != NULL) {
        struct queue *q = all->first;

        all->first = q->next;
        free_queue(s, all, q);
    }
    drop_waits(s, all);
}
