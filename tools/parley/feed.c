/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - see feed.h.
 *
 * The library recovers what came while the connection was lost, as long as the
 * history has it.  When not, because the broker was started again or the
 * history is too short, this asks for what the history has: of a new epoch
 * everything is new.  Publications that come meanwhile are held, up to a bound,
 * and printed after it.
 *
 * Invariant: the offsets that are printed of one epoch only rise. */
#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json_lines.h"
#include "output.h"

enum { HELD_MAX = 64 * 1024 * 1024, CODE_PUSHED = 2000 };

/* --- Lines --- */

static void put_head(struct pl_buf *b, const char *channel)
{
    put_member(b, "{\"push\":{", "channel", channel);
}

/* The data alone; what is not JSON becomes an object, so that it is a line. */
static void put_data_line(struct pl_buf *b, struct plc_bytes data)
{
    pl_buf_put(b, data.at, data.len);
    if (!b->failed && is_json(pl_buf_span(b), NULL, NULL))
        return;
    b->len = 0;
    put_data(b, "{", "data", data);
    pl_buf_put_byte(b, '}');
}

static void put_line(struct pl_buf *b, const struct plc_publication *p,
                     bool data_only)
{
    b->len = 0;
    if (data_only) {
        put_data_line(b, p->data);
        return;
    }
    put_head(b, p->channel);
    pl_buf_put_span(b, PL_SPAN(",\"pub\":"));
    put_publication(b, p);
    pl_buf_put_span(b, PL_SPAN("}}"));
}

static void print(struct client *c, struct pl_buf *line)
{
    if (!output_buf(line))
        client_end(c, EXIT_OK);
}

void feed_print(struct client *c, struct pl_buf *line,
                const struct plc_publication *p, bool data_only)
{
    put_line(line, p, data_only);
    print(c, line);
}

/* --- What is held --- */

static void print_held(struct feed *f)
{
    const char *at = f->held.data;
    size_t left = f->held.len;

    while (left > 0 && !f->client->is_over) {
        size_t len = (size_t)((const char *)memchr(at, '\n', left) - at);

        if (!output_line(at, len))
            client_end(f->client, EXIT_OK);
        at += len + 1;
        left -= len + 1;
    }
    f->held.len = 0;
}

static void end_filling(struct feed *f)
{
    f->is_filling = false;
    print_held(f);
}

static void hold(struct feed *f)
{
    pl_buf_put_span(&f->held, pl_buf_span(&f->line));
    pl_buf_put_byte(&f->held, '\n');
    if (f->held.len <= HELD_MAX && !f->held.failed)
        return;
    remark("%s: too much is published meanwhile: what came before is left out",
           f->channel);
    end_filling(f);
}

/* --- Old publications --- */

static void ask(struct feed *f);

static void print_old(struct feed *f, const struct plc_publication *p)
{
    if (p->offset <= f->filled || p->offset > f->goal || f->client->is_over)
        return;
    if (p->offset > f->filled + 1 && !f->may_skip)
        remark("%s: %" PRIu64 " publications are missing: the history does not "
               "have them any more",
               f->channel, p->offset - f->filled - 1);
    f->may_skip = false;
    f->filled = p->offset;
    feed_print(f->client, &f->line, p, f->data_only);
}

static void on_old(const struct plc_result *r, void *arg)
{
    struct feed *f = arg;
    uint64_t before = f->filled;

    f->is_asking = false;
    if (f->client->is_over || !f->is_filling)
        return;
    /* A call that is made again waits for the next connection. */
    if (f->asks_again || r->err == PL_ECLOSED) {
        f->asks_again = false;
        ask(f);
        return;
    }
    if (r->outcome != PLC_DONE || strcmp(r->epoch, f->epoch) != 0)
        remark("%s: the history cannot be read: %s: publications may be "
               "missing",
               f->channel,
               r->outcome == PLC_REFUSED ? r->message : "no answer came");
    else
        for (size_t i = 0; i < r->publication_count; i++)
            print_old(f, r->publications[i]);
    if (f->filled > before && f->filled < f->goal)
        ask(f);
    else
        end_filling(f);
}

static void ask(struct feed *f)
{
    const char *epoch = f->filled == 0 ? NULL : f->epoch;

    if (f->is_asking) {
        f->asks_again = true;
        return;
    }
    f->is_asking = plc_history(f->client->handle, f->channel, -1, epoch,
                               f->filled, false, on_old, f) == PL_OK;
    if (!f->is_asking)
        end_filling(f);
}

static void fill(struct feed *f, uint64_t goal)
{
    f->is_filling = goal > f->filled;
    f->goal = goal;
    if (f->is_filling)
        ask(f);
}

/* --- Subscribed --- */

static void print_subscribed(struct feed *f, const struct plc_change *c)
{
    struct pl_buf *b = &f->line;

    if (f->data_only)
        return;
    b->len = 0;
    put_head(b, f->channel);
    pl_buf_put_span(b, PL_SPAN(",\"subscribe\":{"));
    if (c->recoverable)
        put_member(b, "\"recoverable\":true,", "epoch", c->epoch);
    if (c->offset != 0)
        pl_buf_printf(b, ",\"offset\":%" PRIu64, c->offset);
    if (c->positioned)
        pl_buf_put_span(b, PL_SPAN(",\"positioned\":true"));
    if (c->was_recovering)
        pl_buf_printf(b, ",\"was_recovering\":true,\"recovered\":%s",
                      c->recovered ? "true" : "false");
    pl_buf_put_span(b, PL_SPAN("}}}"));
    print(f->client, b);
}

/* The epoch is another one, or publications are missing in this one. */
static void go_on_with_gap(struct feed *f, const struct plc_change *c)
{
    bool is_new = strcmp(f->epoch, c->epoch) != 0;

    if (is_new)
        remark("%s: the history has begun anew; this prints what it has",
               f->channel);
    print_held(f);
    f->filled = is_new ? 0 : f->last;
    f->may_skip = false;
}

/* The last ones of before, as many as there are. */
static void go_back(struct feed *f, uint64_t offset)
{
    uint64_t wanted = (uint64_t)f->history;

    f->filled = offset > wanted ? offset - wanted : 0;
    f->may_skip = true;
}

static void on_subscribed(struct feed *f, const struct plc_change *c)
{
    bool has_gap = c->was_recovering && !c->recovered;
    bool is_first = f->history > 0 && !f->was_subscribed;

    print_subscribed(f, c);
    if (f->was_subscribed && !c->recoverable)
        remark("%s: without history: publications may be missing", f->channel);
    if (has_gap)
        go_on_with_gap(f, c);
    else if (is_first)
        go_back(f, c->offset);
    snprintf(f->epoch, sizeof f->epoch, "%s", c->epoch);
    if (!c->recovered)
        f->last = c->offset;
    if (has_gap || is_first)
        fill(f, c->offset);
    f->was_subscribed = true;
}

static void on_ended(struct feed *f, const struct plc_change *c)
{
    bool is_refused = c->code < CODE_PUSHED;

    complain("%s: the broker %s: %s (%u)", f->channel,
             is_refused ? "refused" : "ended the subscription", c->reason,
             c->code);
    f->ended(f, is_refused ? EXIT_FAILED : EXIT_ENDED);
}

void feed_state(struct plc_sub *s, const struct plc_change *change, void *arg)
{
    struct feed *f = arg;

    (void)s;
    if (f->client->is_over)
        return;
    if (change->to == PLC_SUBSCRIBED)
        on_subscribed(f, change);
    else if (change->to == PLC_UNSUBSCRIBED && change->code != 0)
        on_ended(f, change);
}

void feed_error(struct plc_sub *s, enum pl_err err, uint32_t code,
                const char *text, void *arg)
{
    struct feed *f = arg;

    (void)s, (void)err;
    if (!f->client->is_over)
        remark("%s: %s (%u); trying again", f->channel, text, code);
}

void feed_publication(struct plc_sub *s, const struct plc_publication *p,
                      void *arg)
{
    struct feed *f = arg;

    (void)s;
    if (f->client->is_over)
        return;
    if (p->offset != 0)
        f->last = p->offset;
    put_line(&f->line, p, f->data_only);
    if (f->is_filling)
        hold(f);
    else
        print(f->client, &f->line);
}

void feed_presence(struct plc_sub *s, bool joined, const struct plc_info *info,
                   void *arg)
{
    struct feed *f = arg;

    (void)s;
    if (f->client->is_over)
        return;
    f->line.len = 0;
    put_head(&f->line, f->channel);
    pl_buf_printf(&f->line, ",\"%s\":{\"info\":", joined ? "join" : "leave");
    put_info(&f->line, info);
    pl_buf_put_span(&f->line, PL_SPAN("}}}"));
    if (f->is_filling)
        hold(f);
    else
        print(f->client, &f->line);
}

void feed_fini(struct feed *f)
{
    pl_buf_fini(&f->held);
    pl_buf_fini(&f->line);
}
