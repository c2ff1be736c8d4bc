/* SPDX-License-Identifier: Apache-2.0 */
/* books.c - what the embedding program hears of clients, subscriptions and
 * channels, counted: nothing ends that did not begin, and at rest the program
 * knows as many clients and channels as there are.  Memory fails meanwhile. */
#include "world.h"

#include <inttypes.h>

#include "trace.h"

static void change(uint64_t *count, bool begins, const char *what)
{
    if (!begins && *count == 0)
        trace_fail("the program hears of the end of one %s too many", what);
    *count += begins ? 1 : (uint64_t)-1;
}

static bool on_connected(void *world, struct pl_client *client)
{
    struct world *w = world;

    (void)client;
    change(&w->books.clients, true, "client");
    return true;
}

static void on_disconnected(void *world, struct pl_client *client,
                            uint32_t code, struct pl_span reason)
{
    struct world *w = world;

    (void)client;
    (void)code;
    (void)reason;
    change(&w->books.clients, false, "client");
}

static void on_subscribed(void *world, struct pl_client *client,
                          struct pl_span channel, bool begins, uint32_t code)
{
    struct world *w = world;

    (void)client;
    (void)channel;
    (void)code;
    if (w->books.clients == 0)
        trace_fail("the program hears of a subscription of nobody");
    change(&w->books.subs, begins, "subscription");
}

void books_on_channel(void *world, struct pl_span name, bool is_first)
{
    struct world *w = world;

    (void)name;
    change(&w->books.channels, is_first, "channel");
}

void books_open(struct world *w)
{
    w->books = (struct books){
        .hooks = {.connected = on_connected,
                  .disconnected = on_disconnected,
                  .subscribed = on_subscribed,
                  .arg = w},
    };
}

void books_check(const struct world *w)
{
    if (w->books.clients != world_metric(w, PL_METRIC_CLIENTS))
        trace_fail("the program knows %" PRIu64 " clients, there are %" PRIu64,
                   w->books.clients, world_metric(w, PL_METRIC_CLIENTS));
    if (w->books.channels != world_metric(w, PL_METRIC_CHANNELS))
        trace_fail("the program knows %" PRIu64 " channels, there are %" PRIu64,
                   w->books.channels, world_metric(w, PL_METRIC_CHANNELS));
    if (w->books.clients == 0 && w->books.subs != 0)
        trace_fail("the program knows subscriptions of nobody");
}
