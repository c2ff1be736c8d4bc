/* SPDX-License-Identifier: Apache-2.0 */
/* pending_request.c - the pending requests, see pending_request.h.
 *
 * Freed requests are kept for reuse, because with the memory stores each
 * publication needs one for a few hundred nanoseconds. */
#include "pending_request.h"

#include <assert.h>
#include <stdlib.h>

#include "channel.h"
#include "channels_private.h"
#include "channels_trace.h"
#include "code.h"
#include "hub_mail.h"
#include "mail.h"
#include "request_rules.h"

enum { FREE_LIST_MAX = 64 };

struct pl_pending_request *pl_pending_request_create(struct pl_channels *c,
                                                     struct pl_channel *ch)
{
    struct pl_pending_request *rq = c->free_list;

    if (rq != NULL) {
        c->free_list = (struct pl_pending_request *)rq->link.next;
        c->free_count--;
    } else if ((rq = malloc(sizeof *rq)) == NULL) {
        return NULL;
    }
    memset(rq, 0, offsetof(struct pl_pending_request, store));
    rq->owner = c;
    rq->ch = ch;
    if (ch != NULL)
        ch->users++;
    pl_list_append(&c->pending, &rq->link);
    if (!c->is_immediate)
        pl_pending_requests_count(c, 1);
    return rq;
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

void pl_pending_requests_count(struct pl_channels *c, uint32_t by)
{
    c->in_flight += by;
    count(c, PL_METRIC_STORE_REQUESTS, (uint64_t)(int32_t)by);
}

void pl_pending_request_charge(struct pl_pending_request *rq, uint64_t bytes)
{
    rq->bytes += bytes;
    rq->owner->in_flight_bytes += bytes;
    count(rq->owner, PL_METRIC_STORE_REQUEST_BYTES, bytes);
}

/* Immediate requests are not counted, and keep no rules. */
static void uncount(struct pl_pending_request *rq)
{
    struct pl_channels *c = rq->owner;

    if (c->is_immediate)
        return;
    pl_pending_requests_count(c, UINT32_MAX);
    c->in_flight_bytes -= rq->bytes;
    count(c, PL_METRIC_STORE_REQUEST_BYTES, -rq->bytes);
    pl_rules_release(rq->rules);
}

bool pl_pending_requests_are_full(const struct pl_channels *c, size_t more)
{
    const struct pl_channels_options *o = &c->options;

    return (o->in_flight_limit > 0 &&
            c->in_flight + more >= o->in_flight_limit) ||
           (o->in_flight_bytes > 0 && c->in_flight_bytes >= o->in_flight_bytes);
}

bool pl_pending_requests_reject(struct pl_channels *c, struct pl_msg *msg,
                                size_t more)
{
    if (!pl_pending_requests_are_full(c, more))
        return false;
    count(c, PL_METRIC_REFUSED_STORE_REQUESTS, 1);
    pl_answer_error(c, msg, PL_ERROR_TOO_MANY_REQUESTS);
    return true;
}

/* --- Their place in a channel --- */

const struct pl_pub *pl_pending_request_pub(const struct pl_pending_request *rq)
{
    if (rq->msg == NULL)
        return rq->pub;
    return rq->msg->type == PL_MAIL_PUBLISH
               ? ((const struct pl_publish_mail *)rq->msg)->pub
               : NULL;
}

struct pl_place pl_pending_request_place(const struct pl_pending_request *rq)
{
    const struct pl_pub *pub = pl_pending_request_pub(rq);
    const struct pl_attach_mail *m = (const struct pl_attach_mail *)rq->msg;

    assert(rq->msg != NULL || rq->pub != NULL);
    if (rq->state == PL_WORK_REPEAT) /* its offset is that of the first */
        return (struct pl_place){0, pub->epoch};
    return pub != NULL ? (struct pl_place){pub->offset, pub->epoch}
                       : (struct pl_place){m->offset, m->epoch};
}

/* --- Their end --- */

static void drop_mails(struct pl_pending_request *rq)
{
    while (rq->mails != NULL) {
        struct pl_msg *m = rq->mails;

        rq->mails = m->next;
        pl_mail_destroy(m);
    }
}

/* Kept out of pl_pending_request_destroy(): a publication that is delivered has
 * none of this left. */
__attribute__((noinline)) static void
release_rest(struct pl_pending_request *rq)
{
    pl_client_release(rq->client);
    pl_pub_release(rq->pub);
    if (rq->msg != NULL)
        pl_mail_destroy(rq->msg);
}

void pl_pending_request_destroy(struct pl_pending_request *rq)
{
    struct pl_channels *c = rq->owner;
    struct pl_channel *ch = rq->ch;

    uncount(rq);
    pl_list_remove(&rq->link);
    if (rq->state == PL_WORK_ATTACHING)
        pl_map_remove(&c->attaching, &rq->attaching);
    if (pl_list_is_linked(&rq->out))
        pl_outbox_remove(rq);
    if (rq->reserved > 0)
        pl_time_share_give_back(&c->answers, rq->reserved);
    if (rq->is_reading)
        pl_reading_drop(&rq->store.reading);
    drop_mails(rq);
    if (rq->client != NULL || rq->pub != NULL || rq->msg != NULL)
        release_rest(rq);
    if (c->free_count < FREE_LIST_MAX) {
        rq->link.next = (struct pl_list *)c->free_list;
        c->free_list = rq;
        c->free_count++;
    } else {
        free(rq);
    }
    if (ch != NULL)
        pl_channel_unpin(ch);
}

void pl_pending_request_prepare(struct pl_pending_request *rq,
                                struct pl_span channel, uint64_t hash,
                                void (*done)(struct pl_store_op *op))
{
    rq->store.op =
        (struct pl_store_op){.channel = channel, .hash = hash, .done = done};
}

void pl_pending_request_prepare_top(struct pl_pending_request *rq,
                                    struct pl_span channel, uint64_t hash,
                                    void (*done)(struct pl_store_op *op))
{
    pl_pending_request_prepare(rq, channel, hash, done);
    rq->store.top.rules = pl_pending_request_rules(rq, channel, hash);
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

void pl_pending_request_fail(struct pl_pending_request *rq, enum pl_err err)
{
    struct pl_msg *msg = rq->msg;

    rq->msg = NULL;
    if (pl_tracer_is_on(rq->owner->tracer) && msg->type == PL_MAIL_PUBLISH)
        pl_channels_trace(rq->owner->tracer, (struct pl_publish_mail *)msg,
                          code_of(err), NULL, 0);
    pl_answer_error(rq->owner, msg, code_of(err));
    pl_pending_request_destroy(rq);
}

static void told(struct pl_store_op *op)
{
    struct pl_pending_request *rq = pl_pending_request_of(op);

    if (op->error != PL_OK)
        pl_channels_lose_event(rq->owner);
    pl_pending_request_destroy(rq);
}

void pl_pending_request_publish_event(struct pl_pending_request *rq,
                                      enum pl_bus_kind kind)
{
    struct pl_bus *bus = rq->owner->bus;

    pl_pending_request_prepare(rq, pl_blob_span(rq->ch->name),
                               rq->ch->node.hash, told);
    rq->store.bus.kind = kind;
    rq->store.bus.pub = NULL;
    rq->store.bus.client = rq->client;
    if (bus->ops->publish(bus, &rq->store.bus) == PL_STORE_DONE)
        told(&rq->store.op);
}

void pl_pending_requests_refuse(struct pl_channels *c)
{
    struct pl_list *at;

    for (at = c->pending.next; at != &c->pending; at = at->next) {
        struct pl_pending_request *rq =
            PL_CONTAINER(at, struct pl_pending_request, link);
        struct pl_msg *msg = rq->msg;

        rq->msg = NULL;
        if (msg != NULL)
            pl_answer_error(c, msg, PL_ERROR_STOPPING);
    }
}

/* The channels were freed before: release no pins. */
void pl_pending_requests_free_all(struct pl_channels *c)
{
    while (!pl_list_is_empty(&c->pending)) {
        struct pl_pending_request *rq =
            PL_CONTAINER(c->pending.next, struct pl_pending_request, link);

        rq->ch = NULL;
        rq->out.next = NULL;
        pl_pending_request_destroy(rq);
    }
    while (c->free_list != NULL) {
        struct pl_pending_request *rq = c->free_list;

        c->free_list = (struct pl_pending_request *)rq->link.next;
        free(rq);
    }
    c->free_count = 0;
    pl_map_fini(&c->attaching);
}
