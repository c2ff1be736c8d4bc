/* SPDX-License-Identifier: Apache-2.0 */
/* sub_handle.c - the object behind struct plc_sub: its making, the calls of the
 * program, and its end.
 *
 * The names of a client's channels are in a table under its guard, so that a
 * second subscription to a channel is refused by the call that wants to make
 * it.  plc_sub_destroy() takes the name out at once.
 *
 * Invariant: a subscription is freed by its last event, or with its client. */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "client_codes.h"
#include "client_private.h"
#include "guard.h"
#include "hash.h"
#include "options.h"
#include "reports.h"
#include "snapshot.h"
#include "subs_private.h"

/* The channel, and often nothing else. */
enum { STRINGS_SIZE = 96 };

/* --- Names --- */

/* The program chooses the names, so the key may be known. */
static uint64_t hash_of(struct pl_span channel)
{
    static const struct pl_hash_key key = {0x706c63, 0x737562};

    return pl_hash(&key, channel);
}

static bool has_channel(const struct pl_map_node *n, const void *channel)
{
    return pl_span_equal(PL_CONTAINER(n, struct plc_sub, name)->channel,
                         *(const struct pl_span *)channel);
}

static struct plc_sub *find(struct plc_client *c, struct pl_span channel)
{
    struct pl_map_node *n =
        pl_map_find(&c->names, hash_of(channel), has_channel, &channel);

    return n == NULL ? NULL : PL_CONTAINER(n, struct plc_sub, name);
}

/* Where a subscription of the loop is remembered that was found. */
static struct plc_sub **place_of(struct plc_client *c, struct pl_span channel)
{
    unsigned char last = (unsigned char)channel.at[channel.len - 1];

    return &c->found[(channel.len + last) % PLC_FOUND];
}

/* A subscription that was made and is not known to the loop yet is none.  One
 * that was destroyed meanwhile is remembered until the loop knows; nothing of
 * it reaches the program.  To hash the name and to enter the guard for each
 * publication took 300 instructions. */
struct plc_sub *plc_subs_find(struct plc_client *c, struct pl_span channel)
{
    struct plc_sub **place = place_of(c, channel), *s = *place;

    if (s != NULL && pl_span_equal(s->channel, channel))
        return s;
    pl_guard_enter(c->guard);
    s = find(c, channel);
    pl_guard_leave(c->guard);
    if (s == NULL || !pl_list_is_linked(&s->link))
        return NULL;
    *place = s;
    return s;
}

static void forget(struct plc_sub *s)
{
    struct plc_sub **place = place_of(s->client, s->channel);

    if (*place == s)
        *place = NULL;
}

static enum pl_err add_name(struct plc_client *c, struct plc_sub *s)
{
    enum pl_err rc = PL_EEXIST;

    pl_guard_enter(c->guard);
    if (find(c, s->channel) == NULL) {
        rc = pl_map_add(&c->names, &s->name, hash_of(s->channel));
        s->has_name = rc == PL_OK;
    }
    pl_guard_leave(c->guard);
    return rc;
}

static void remove_name(struct plc_sub *s)
{
    pl_guard_enter(s->client->guard);
    if (s->has_name)
        pl_map_remove(&s->client->names, &s->name);
    s->has_name = false;
    pl_guard_leave(s->client->guard);
}

/* --- The end --- */

static void free_sub(struct plc_sub *s)
{
    remove_name(s);
    if (s->options.release != NULL)
        s->options.release(s->options.arg);
    plc_secret_fini(&s->secret);
    pl_snapshot_destroy(s->position.shown);
    pl_arena_fini(&s->strings);
    free(s);
}

void plc_subs_free_all(struct plc_client *c)
{
    while (!pl_list_is_empty(&c->subs))
        free_sub(PL_CONTAINER(pl_list_pop(&c->subs), struct plc_sub, link));
}

static void run_nothing(struct plc_event *e)
{
    (void)e;
}

static void destroy_last(struct pl_msg *msg)
{
    free_sub(PL_CONTAINER((struct plc_mail *)msg, struct plc_sub, drop));
}

static void handle_drop(struct plc_mail *m)
{
    struct plc_sub *s = PL_CONTAINER(m, struct plc_sub, drop);

    plc_sub_unsubscribe(s, PLC_CODE_CALLED, "unsubscribe called");
    forget(s);
    pl_list_remove(&s->link);
    m->event.run = run_nothing;
    m->event.msg.destroy = destroy_last;
    plc_events_put(s->client->events, &m->event);
}

/* A group that has ended refuses the mail; the client then frees its
 * subscriptions. */
void plc_sub_destroy(struct plc_sub *s)
{
    if (s == NULL || !plc_group_is_here(s->client->part.group))
        return;
    remove_name(s);
    pl_cell_add(&s->ends_called,
                1); /* and no publication is delivered any more */
    plc_part_post_late(&s->drop);
}

/* --- Making one --- */

static void destroy_nothing(struct pl_msg *msg)
{
    (void)msg;
}

static void start(struct plc_sub *s)
{
    if (s->client->ending != PLC_LIVING ||
        pl_cell_get(&s->state) != PLC_UNSUBSCRIBED)
        return;
    plc_sub_change(s, PLC_SUBSCRIBING, PLC_CODE_CALLED, "subscribe called");
    plc_sub_try(s);
}

static void handle_add(struct plc_mail *m)
{
    struct plc_sub *s = PL_CONTAINER(m, struct plc_sub, add);

    pl_list_append(&s->client->subs, &s->link);
    start(s);
}

static enum pl_err set_up(struct plc_sub *s)
{
    struct plc_sub_options *o = &s->options;
    struct pl_span data = {o->data.at, o->data.len};

    if (o->channel == NULL || *o->channel == '\0')
        return PL_EINVAL;
    if (o->token != NULL) {
        plc_secret_set(&s->secret, o->token);
        if (s->secret.text == NULL)
            return PL_ENOMEM;
        o->token = NULL;
    }
    o->channel = pl_arena_text(&s->strings, pl_span_of(o->channel));
    if (data.at != NULL)
        o->data.at = pl_arena_text(&s->strings, data);
    if (o->channel == NULL || (data.at != NULL && o->data.at == NULL))
        return PL_ENOMEM;
    s->channel = pl_span_of(o->channel);
    plc_backoff_defaults(&o->backoff_min_ms, &o->backoff_max_ms);
    if ((o->flags & PLC_SINCE) != 0) {
        plc_position_from(&s->position, pl_span_of(o->since_epoch),
                          o->since_offset);
        s->is_recoverable = true;
    }
    o->since_epoch = NULL;
    enum pl_err rc = pl_snapshot_create(&s->position.shown, PLC_SHOWN);
    if (rc == PL_OK)
        plc_position_show(&s->position);
    return rc;
}

static void fill_mail(struct plc_mail *m, struct plc_client *c,
                      void (*handle)(struct plc_mail *))
{
    m->event.msg.destroy = destroy_nothing;
    m->part = &c->part;
    m->handle = handle;
}

enum pl_err plc_subscribe(struct plc_sub **out, struct plc_client *c,
                          const struct plc_sub_options *options)
{
    if (!plc_group_is_here(c->part.group))
        return PL_ECLOSED;
    struct plc_sub *s = calloc(1, sizeof *s);

    if (s == NULL)
        return PL_ENOMEM;
    s->client = c;
    s->strings.size = STRINGS_SIZE;
    pl_cell_set(&s->state, PLC_UNSUBSCRIBED);
    plc_sub_init(s);
    fill_mail(&s->add, c, handle_add);
    fill_mail(&s->drop, c, handle_drop);
    enum pl_err rc = plc_options_copy(&s->options, sizeof s->options, options);
    if (rc == PL_OK)
        rc = set_up(s);
    if (rc == PL_OK)
        rc = add_name(c, s);
    if (rc == PL_OK)
        rc = plc_part_post(&s->add);
    if (rc == PL_OK) {
        *out = s;
        return PL_OK;
    }
    s->options.release = NULL; /* nothing was accepted */
    free_sub(s);
    return rc;
}

/* --- Calls --- */

struct order {
    struct plc_mail mail; /* first */
    struct plc_sub *sub;
    bool is_start;
};

static void destroy_order(struct pl_msg *msg)
{
    free(msg);
}

static void handle_order(struct plc_mail *m)
{
    struct order *o = (struct order *)m;

    if (o->is_start) {
        start(o->sub);
    } else {
        o->sub->ends++;
        plc_sub_take_back(o->sub);
        plc_sub_unsubscribe(o->sub, PLC_CODE_CALLED, "unsubscribe called");
    }
    free(o);
}

static enum pl_err post_order(struct plc_sub *s, bool is_start)
{
    struct order *o = calloc(1, sizeof *o);

    if (o == NULL)
        return PL_ENOMEM;
    o->mail.event.msg.destroy = destroy_order;
    o->mail.part = &s->client->part;
    o->mail.handle = handle_order;
    o->sub = s;
    o->is_start = is_start;
    /* From here on no publication is delivered, whenever the loop does its
     * part. */
    pl_cell_add(&s->ends_called, !is_start);
    enum pl_err rc = plc_part_post(&o->mail);
    if (rc != PL_OK) {
        pl_cell_add(&s->ends_called, is_start ? 0 : (uint64_t)-1);
        free(o);
    }
    return rc;
}

enum pl_err plc_sub_start(struct plc_sub *s)
{
    return post_order(s, true);
}

enum pl_err plc_sub_stop(struct plc_sub *s)
{
    return post_order(s, false);
}

enum plc_state plc_sub_state(const struct plc_sub *s)
{
    return (enum plc_state)pl_cell_get(&s->state);
}

uint64_t plc_sub_position(const struct plc_sub *s, char epoch[64])
{
    struct plc_position p;

    plc_position_read(s->position.shown, &p);
    memcpy(epoch, p.epoch, sizeof p.epoch);
    return p.offset;
}
