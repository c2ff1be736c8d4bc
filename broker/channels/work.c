/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - the pending requests, see channels_private.h.
 *
 * Freed requests are kept for reuse, because with the memory stores each
 * publication needs one for a few hundred nanoseconds. */
#include "channels_private.h"

#include <stdlib.h>

#include "mail.h"

enum { SPARES = 64 };

struct pl_work *pl_work_create(struct pl_channels *c, struct pl_channel *ch)
{
    struct pl_work *w = c->spares;

    if (w != NULL) {
        c->spares = (struct pl_work *)w->link.next;
        c->spare_count--;
    } else if ((w = malloc(sizeof *w)) == NULL) {
        return NULL;
    }
    memset(w, 0, offsetof(struct pl_work, store));
    w->owner = c;
    w->ch = ch;
    if (ch != NULL)
        ch->users++;
    pl_list_append(&c->works, &w->link);
    if (!c->is_immediate)
        pl_works_count(c, 1);
    return w;
}

/* --- Limits of pending requests --- */

static void count(struct pl_channels *c, enum pl_metric what, uint64_t by)
{
    if (c->options.metrics != NULL)
        pl_count(c->options.metrics, what, by);
}

void pl_channels_lose_event(struct pl_channels *c)
{
    if (c->options.metrics != NULL)
        pl_count(c->options.metrics, PL_METRIC_EVENTS_LOST, 1);
}

void pl_works_count(struct pl_channels *c, uint32_t by)
{
    c->in_flight += by;
    count(c, PL_METRIC_STORE_REQUESTS, (uint64_t)(int32_t)by);
}

void pl_work_charge(struct pl_work *w, uint64_t bytes)
{
    w->bytes += bytes;
    w->owner->in_flight_bytes += bytes;
    count(w->owner, PL_METRIC_STORE_REQUEST_BYTES, bytes);
}

/* Immediate requests are not counted, and keep no rules. */
static void uncount(struct pl_work *w)
{
    struct pl_channels *c = w->owner;

    if (c->is_immediate)
        return;
    pl_works_count(c, UINT32_MAX);
    c->in_flight_bytes -= w->bytes;
    count(c, PL_METRIC_STORE_REQUEST_BYTES, -w->bytes);
    pl_rules_release(w->rules);
}

bool pl_works_are_full(const struct pl_channels *c, size_t more)
{
    const struct pl_channels_options *o = &c->options;

    return (o->in_flight_limit > 0 &&
            c->in_flight + more >= o->in_flight_limit) ||
           (o->in_flight_bytes > 0 && c->in_flight_bytes >= o->in_flight_bytes);
}

bool pl_works_turn_away(struct pl_channels *c, struct pl_msg *msg, size_t more)
{
    if (!pl_works_are_full(c, more))
        return false;
    count(c, PL_METRIC_REFUSED_STORE_REQUESTS, 1);
    pl_answer_error(c, msg, PL_ERROR_TOO_MANY_REQUESTS);
    return true;
}

/* --- Their end --- */

static void drop_mails(struct pl_work *w)
{
    while (w->mails != NULL) {
        struct pl_msg *m = w->mails;

        w->mails = m->next;
        pl_mail_destroy(m);
    }
}

void pl_work_destroy(struct pl_work *w)
{
    struct pl_channels *c = w->owner;
    struct pl_channel *ch = w->ch;

    uncount(w);
    pl_list_remove(&w->link);
    if (w->state == PL_WORK_ATTACHING)
        pl_map_remove(&c->attaching, &w->attaching);
    pl_list_remove(&w->out);
    if (w->reserved > 0)
        pl_time_share_give_back(&c->answers, w->reserved);
    if (w->is_reading)
        pl_reading_drop(&w->store.reading);
    drop_mails(w);
    pl_client_release(w->client);
    pl_pub_release(w->pub);
    if (w->msg != NULL)
        pl_mail_destroy(w->msg);
    if (c->spare_count < SPARES) {
        w->link.next = (struct pl_list *)c->spares;
        c->spares = w;
        c->spare_count++;
    } else {
        free(w);
    }
    if (ch != NULL)
        pl_channel_unpin(ch);
}

struct pl_rules *pl_work_keep_rules(struct pl_work *w, struct pl_span channel,
                                    uint64_t hash)
{
    if (w->rules == NULL)
        w->rules =
            pl_rules_hold(pl_channel_rules(w->owner, w->ch, channel, hash));
    return w->rules;
}

void pl_work_prepare(struct pl_work *w, struct pl_span channel, uint64_t hash,
                     void (*done)(struct pl_store_op *op))
{
    w->store.op =
        (struct pl_store_op){.channel = channel, .hash = hash, .done = done};
}

void pl_work_prepare_top(struct pl_work *w, struct pl_span channel,
                         uint64_t hash, void (*done)(struct pl_store_op *op))
{
    pl_work_prepare(w, channel, hash, done);
    w->store.top.rules = pl_work_rules(w, channel, hash);
}

static uint32_t code_of(enum pl_err err)
{
    switch (err) {
    case PL_OK:
        return 0;
    case PL_EFULL:
        return PL_ERROR_TOO_MANY_REQUESTS;
    case PL_ELIMIT:
        return PL_ERROR_LIMIT_EXCEEDED;
    case PL_ESTOPPING:
        return PL_ERROR_STOPPING;
    case PL_EEXIST:
        return PL_ERROR_ALREADY_SUBSCRIBED;
    default:
        return PL_ERROR_INTERNAL;
    }
}

void pl_answer_error(struct pl_channels *c, struct pl_msg *msg, uint32_t code)
{
    switch (msg->type) {
    case PL_MAIL_PUBLISH:
        ((struct pl_publish_mail *)msg)->error = code;
        break;
    case PL_MAIL_ATTACH:
        ((struct pl_attach_mail *)msg)->error = code;
        break;
    case PL_MAIL_QUERY:
        ((struct pl_query_mail *)msg)->error = code;
        break;
    case PL_MAIL_LIST:
        ((struct pl_list_mail *)msg)->error = code;
        break;
    default: /* a detach has no result */
        pl_mail_destroy(msg);
        return;
    }
    pl_mail_answer(&c->actor, msg);
}

void pl_work_fail(struct pl_work *w, enum pl_err err)
{
    struct pl_msg *msg = w->msg;

    w->msg = NULL;
    pl_answer_error(w->owner, msg, code_of(err));
    pl_work_destroy(w);
}

static void told(struct pl_store_op *op)
{
    struct pl_work *w = pl_work_of(op);

    if (op->error != PL_OK)
        pl_channels_lose_event(w->owner);
    pl_work_destroy(w);
}

void pl_work_tell(struct pl_work *w, enum pl_bus_kind kind)
{
    struct pl_bus *bus = w->owner->bus;

    pl_work_prepare(w, pl_blob_span(w->ch->name), w->ch->node.hash, told);
    w->store.bus.kind = kind;
    w->store.bus.pub = NULL;
    w->store.bus.client = w->client;
    if (bus->ops->publish(bus, &w->store.bus) == PL_STORE_DONE)
        told(&w->store.op);
}

void pl_works_refuse(struct pl_channels *c)
{
    struct pl_list *at;

    for (at = c->works.next; at != &c->works; at = at->next) {
        struct pl_work *w = PL_CONTAINER(at, struct pl_work, link);
        struct pl_msg *msg = w->msg;

        w->msg = NULL;
        if (msg != NULL)
            pl_answer_error(c, msg, PL_ERROR_STOPPING);
    }
}

/* The channels were freed before: release no pins. */
void pl_works_free_all(struct pl_channels *c)
{
    while (!pl_list_is_empty(&c->works)) {
        struct pl_work *w = PL_CONTAINER(c->works.next, struct pl_work, link);

        w->ch = NULL;
        w->out.next = NULL;
        pl_work_destroy(w);
    }
    while (c->spares != NULL) {
        struct pl_work *w = c->spares;

        c->spares = (struct pl_work *)w->link.next;
        free(w);
    }
    c->spare_count = 0;
    pl_map_fini(&c->attaching);
}
