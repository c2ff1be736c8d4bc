/* SPDX-License-Identifier: Apache-2.0 */
/* channel.c - the channels of an owner, see channel.h.
 *
 * A struct pl_channel exists while the channel has subscribers or pending
 * requests.  The stream store keeps what lasts longer: epoch, offset, history.
 *
 * The set of members is authoritative: a hub may send a detach although the
 * attach was never delivered (a full mailbox), failed or is pending.  The set
 * takes 13 bytes per subscription.
 *
 * Rejected: a counter of subscribers.  Such a detach makes it wrong forever,
 * and other subscribers lose publications.
 *
 * Invariant: at_loop[] sums up to members.count; the gauge of channels counts
 * channels with members; a channel without members and pins is not attached to
 * the bus, or is detaching. */
#include "channel.h"

#include <stdlib.h>

#include "blob.h"
#include "channels_private.h"
#include "ip.h"
#include "log.h"
#include "mail.h"
#include "pending_request.h"
#include "request_rules.h"

static bool match(const struct pl_map_node *n, const void *key)
{
    const struct pl_channel *ch = (const struct pl_channel *)n;

    return pl_span_equal(pl_blob_span(ch->name), *(const struct pl_span *)key);
}

struct pl_channel *pl_channel_find(struct pl_channels *c,
                                   struct pl_span channel, uint64_t hash)
{
    return (struct pl_channel *)pl_map_find(&c->map, hash, match, &channel);
}

static struct pl_channel *allocate(const struct pl_channels *c)
{
    const size_t align = _Alignof(struct pl_late_channel);
    size_t size = sizeof(struct pl_channel) + c->loop_count * sizeof(uint32_t);

    if (c->is_immediate)
        return calloc(1, size);
    size = (size + align - 1) / align * align;
    struct pl_channel *ch = calloc(1, size + sizeof *ch->late);
    if (ch == NULL)
        return NULL;
    ch->late = (struct pl_late_channel *)(void *)((char *)ch + size);
    ch->late->ch = ch;
    pl_list_init(&ch->late->waiting);
    return ch;
}

static struct pl_channel *create_with(struct pl_channels *c,
                                      struct pl_blob *name, uint64_t hash,
                                      struct pl_rules_use *rules)
{
    struct pl_channel *ch = allocate(c);

    if (ch == NULL)
        return NULL;
    ch->rules = rules;
    pl_list_init(&ch->outbox);
    if (pl_map_add(&c->map, &ch->node, hash) != PL_OK) {
        free(ch);
        return NULL;
    }
    ch->name = pl_blob_hold(name);
    return ch;
}

static struct pl_channel *create(struct pl_channels *c, struct pl_blob *name,
                                 uint64_t hash, struct pl_rules *rules)
{
    if (rules == NULL)
        rules = pl_channel_rules(c, NULL, pl_blob_span(name), hash);
    struct pl_rules_use *use = pl_rules_use_take(&c->uses, rules);
    struct pl_channel *ch =
        use == NULL ? NULL : create_with(c, name, hash, use);

    if (ch == NULL)
        pl_rules_use_drop(&c->uses, use);
    return ch;
}

struct pl_channel *pl_channel_pin(struct pl_channels *c, struct pl_blob *name,
                                  uint64_t hash, struct pl_rules *rules)
{
    struct pl_channel *ch = pl_channel_find(c, pl_blob_span(name), hash);

    if (ch == NULL)
        ch = create(c, name, hash, rules);
    else if (rules != NULL)
        pl_rules_use_renew(&c->uses, &ch->rules, rules);
    if (ch != NULL)
        ch->users++;
    return ch;
}

struct pl_channel *pl_channel_pin_named(struct pl_channels *c,
                                        struct pl_span channel, uint64_t hash)
{
    struct pl_channel *ch = pl_channel_find(c, channel, hash);
    struct pl_blob *name = ch == NULL ? pl_blob_create(channel) : NULL;

    if (name != NULL)
        ch = create(c, name, hash, NULL);
    pl_blob_release(name);
    if (ch != NULL)
        ch->users++;
    return ch;
}

static void watch(const struct pl_channel *ch, bool is_first)
{
    const struct pl_channels *c = pl_channel_owner(ch);

    if (c->options.watch == NULL)
        return;
    pl_loop_enter(c->actor.loop, "channel");
    c->options.watch(c->options.watch_arg, pl_blob_span(ch->name), is_first);
    pl_loop_leave(c->actor.loop);
}

void pl_channel_note_first(struct pl_channel *ch)
{
    struct pl_metrics *m = pl_channel_owner(ch)->options.metrics;

    if (m != NULL)
        pl_count(m, PL_METRIC_CHANNELS, 1);
    watch(ch, true);
}

void pl_channel_note_last(struct pl_channel *ch)
{
    struct pl_metrics *m = pl_channel_owner(ch)->options.metrics;

    if (m != NULL)
        pl_gauge_drop(m, PL_METRIC_CHANNELS, 1);
    watch(ch, false);
}

/* Free the channel without notifying hubs or the bus. */
static void destroy(struct pl_channel *ch)
{
    struct pl_channels *c = pl_channel_owner(ch);

    pl_map_remove(&c->map, &ch->node);
    pl_rules_use_drop(&c->uses, ch->rules);
    pl_blob_release(ch->name);
    pl_client_table_fini(&ch->members);
    free(ch);
}

static void free_one(struct pl_map_node *n, void *arg)
{
    struct pl_channel *ch = (struct pl_channel *)n;
    struct pl_channels *c = arg;

    if (ch->bus == PL_BUS_ATTACHING || ch->bus == PL_BUS_DETACHING)
        pl_pending_requests_count(c, UINT32_MAX);
    if (ch->members.count > 0)
        pl_channel_note_last(ch);
    destroy(ch);
}

void pl_channels_free_all(struct pl_channels *c)
{
    pl_map_each(&c->map, free_one, c);
    pl_map_fini(&c->map);
    pl_rules_uses_fini(&c->uses);
}

/* --- The bus --- */

static void attached(struct pl_store_op *op);
static void detached(struct pl_store_op *op);

/* `op`, for a bus that completes at once, or that of the channel. */
static struct pl_store_op *bus_op(struct pl_channel *ch, struct pl_store_op *op)
{
    return ch->late == NULL ? op : &ch->late->bus_op;
}

static enum pl_store_reply ask_bus(struct pl_channel *ch,
                                   struct pl_store_op *op, bool attach)
{
    struct pl_bus *bus = pl_channel_owner(ch)->bus;

    ch->bus = attach ? PL_BUS_ATTACHING : PL_BUS_DETACHING;
    *op = (struct pl_store_op){.channel = pl_blob_span(ch->name),
                               .hash = ch->node.hash,
                               .done = attach ? attached : detached};
    ch->users++;
    pl_pending_requests_count(pl_channel_owner(ch), 1);
    return attach ? bus->ops->attach(bus, op) : bus->ops->detach(bus, op);
}

static void take_answer(struct pl_channel *ch, const struct pl_store_op *op)
{
    bool is_on = ch->bus == PL_BUS_ATTACHING && op->error == PL_OK;

    pl_pending_requests_count(pl_channel_owner(ch), UINT32_MAX);
    ch->bus = is_on ? PL_BUS_ATTACHED : PL_BUS_APART;
}

/* Continue the attaches that wait for the bus.  None is added meanwhile: either
 * the bus is attached, or a new attempt completes later. */
static void tell_waiting(struct pl_channel *ch, enum pl_err error)
{
    struct pl_list *at;

    while ((at = pl_list_pop(&ch->late->waiting)) != NULL) {
        struct pl_pending_request *rq =
            PL_CONTAINER(at, struct pl_pending_request, out);

        rq->go_on(rq, error);
    }
}

static void attached(struct pl_store_op *op)
{
    struct pl_channel *ch =
        PL_CONTAINER(op, struct pl_late_channel, bus_op)->ch;

    take_answer(ch, op);
    tell_waiting(ch, op->error);
    pl_channel_unpin(ch);
}

/* The bus detached.  A failed detach leaves events that no subscriber needs;
 * the next attach starts anew. */
static void detached(struct pl_store_op *op)
{
    struct pl_channel *ch =
        PL_CONTAINER(op, struct pl_late_channel, bus_op)->ch;

    take_answer(ch, op);
    if (!pl_list_is_empty(&ch->late->waiting) &&
        ask_bus(ch, op, true) == PL_STORE_DONE)
        attached(op);
    pl_channel_unpin(ch);
}

bool pl_channel_join_bus(struct pl_channel *ch, struct pl_pending_request *rq,
                         pl_pending_request_step *go_on, enum pl_err *error)
{
    struct pl_store_op now, *op = bus_op(ch, &now);

    *error = PL_OK;
    if (ch->bus == PL_BUS_ATTACHED)
        return false;
    if (ch->bus == PL_BUS_APART && ask_bus(ch, op, true) == PL_STORE_DONE) {
        take_answer(ch, op);
        *error = op->error;
        ch->users--; /* the request has its own pin */
        return false;
    }
    rq->go_on = go_on;
    pl_list_append(&ch->late->waiting, &rq->out);
    return true;
}

void pl_channel_unpin(struct pl_channel *ch)
{
    struct pl_store_op now, *op;

    if (--ch->users > 0 || ch->members.count > 0)
        return;
    if (ch->bus == PL_BUS_ATTACHED) {
        op = bus_op(ch, &now);
        if (ask_bus(ch, op, false) == PL_STORE_LATER)
            return;
        take_answer(ch, op);
        ch->users--;
    }
    destroy(ch);
}

/* --- New channels --- */

/* Return the client that caused `msg`.  NULL: a backend, or a channel of a
 * token. */
static const struct pl_client *maker_of(const struct pl_msg *msg)
{
    const struct pl_attach_mail *a = (const struct pl_attach_mail *)msg;

    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        return ((const struct pl_publish_mail *)msg)->pub->client;
    case PL_MAIL_ATTACH:
        return a->flags & PL_ATTACH_SERVER_SIDE ? NULL : a->client;
    case PL_MAIL_QUERY:
        return ((const struct pl_query_mail *)msg)->client;
    default:
        return NULL;
    }
}

static void tell_refused(struct pl_channels *c, const struct pl_client *client)
{
    struct pl_span user = pl_client_user(client),
                   place = pl_client_place(client);
    struct pl_ip ip;
    char address[PL_IP_TEXT_MAX] = "-";

    if (place.len == sizeof ip) {
        memcpy(&ip, place.at, sizeof ip);
        pl_ip_format(&ip, address);
    }
    if (c->options.metrics != NULL)
        pl_count(c->options.metrics, PL_METRIC_REFUSED_NEW_CHANNELS, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_NEW_CHANNELS, PL_LOG_WARN,
                   "too many new channels", pl_log_text("user", user),
                   pl_log_string("address", address),
                   pl_log_text("client", pl_client_id(client)),
                   pl_log_string("key", "limits.new_channels_per_minute"));
}

bool pl_channels_may_begin(struct pl_channels *c, const struct pl_msg *msg)
{
    const struct pl_client *client = maker_of(msg);

    if (client == NULL ||
        pl_makers_take(&c->makers, client, pl_loop_now_ms(c->actor.loop)))
        return true;
    tell_refused(c, client);
    return false;
}
