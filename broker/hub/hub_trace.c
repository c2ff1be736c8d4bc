/* SPDX-License-Identifier: Apache-2.0 */
/* hub_trace.c - reports to traces what reaches the subscribers of this loop.
 *
 * A report of a channel names a few of its subscribers, and counts all: a line
 * for each of ten thousand would fill the buffer of the trace with one
 * publication.  A subscriber that misses something is reported where that
 * happens, by its session. */
#include <inttypes.h>

#include "hub_private.h"
#include "pub.h"

enum { NAMED = 16 };

static void put_text(struct pl_buf *b, const char *before, struct pl_span text)
{
    pl_buf_put_span(b, pl_span_of(before));
    pl_json_text_encode(b, text);
}

static uint32_t count_live(const struct pl_hub_channel *c)
{
    return c->live[PL_ENCODING_JSON] + c->live[PL_ENCODING_PROTOBUF];
}

void pl_hub_trace_publication(struct pl_hub *h, const struct pl_hub_channel *c,
                              const struct pl_pub *p, const char *skipped)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = pl_tracer_next(h->tracer, &i, PL_TRACE_CHANNEL,
                               pl_blob_span(c->name))) != NULL) {
        struct pl_buf *b = pl_trace_begin(h->tracer, r, "arrive");

        if (b == NULL)
            continue;
        put_text(b, ",\"channel\":", pl_blob_span(c->name));
        pl_buf_printf(b, ",\"offset\":%" PRIu64 ",\"subscribers\":%" PRIu32,
                      p->offset, count_live(c));
        if (skipped != NULL)
            put_text(b, ",\"skipped\":", pl_span_of(skipped));
        pl_trace_end(r);
    }
}

/* Append the ids of the first subscribers that get something. */
static void put_clients(struct pl_buf *b, const struct pl_hub_channel *c)
{
    const char *between = "";
    uint32_t named = 0;

    pl_buf_put_span(b, PL_SPAN(",\"clients\":["));
    for (uint32_t i = 0; i < c->count && named < NAMED; i++) {
        const struct pl_sub *sub = c->subs[i];

        if (sub->state != PL_SUB_LIVE ||
            c->open[sub->subscriber->encoding] == NULL)
            continue;
        put_text(b, between, pl_client_id(sub->subscriber->client));
        between = ",";
        named++;
    }
    pl_buf_put_byte(b, ']');
}

static void report_channel(struct pl_hub *h, struct pl_trace *r,
                           const struct pl_hub_channel *c)
{
    struct pl_buf *b = pl_trace_begin(h->tracer, r, "deliver");

    if (b == NULL)
        return;
    put_text(b, ",\"channel\":", pl_blob_span(c->name));
    pl_buf_printf(b, ",\"offset\":%" PRIu64 ",\"count\":%" PRIu32, c->last,
                  count_live(c));
    put_clients(b, c);
    pl_trace_end(r);
}

static void report_user(struct pl_hub *h, struct pl_trace *r,
                        const struct pl_hub_channel *c,
                        const struct pl_client *client)
{
    struct pl_buf *b = pl_trace_begin(h->tracer, r, "deliver");

    if (b == NULL)
        return;
    put_text(b, ",\"client\":", pl_client_id(client));
    put_text(b, ",\"user\":", pl_client_user(client));
    put_text(b, ",\"channel\":", pl_blob_span(c->name));
    pl_buf_printf(b, ",\"offset\":%" PRIu64, c->last);
    pl_trace_end(r);
}

static bool has_user_trace(const struct pl_tracer *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->at[i]->what == PL_TRACE_USER)
            return true;
    }
    return false;
}

static void report_users(struct pl_hub *h, const struct pl_hub_channel *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct pl_subscriber *u = c->subs[i]->subscriber;
        struct pl_trace *r;
        uint32_t at = 0;

        if (c->subs[i]->state != PL_SUB_LIVE || c->open[u->encoding] == NULL)
            continue;
        while ((r = pl_tracer_next(h->tracer, &at, PL_TRACE_USER,
                                   pl_client_user(u->client))) != NULL)
            report_user(h, r, c, u->client);
    }
}

void pl_hub_trace_deliveries(struct pl_hub *h, const struct pl_hub_channel *c)
{
    struct pl_trace *r;
    uint32_t i = 0;

    while ((r = pl_tracer_next(h->tracer, &i, PL_TRACE_CHANNEL,
                               pl_blob_span(c->name))) != NULL)
        report_channel(h, r, c);
    if (has_user_trace(h->tracer))
        report_users(h, c);
}
