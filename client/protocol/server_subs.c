/* SPDX-License-Identifier: Apache-2.0 */
/* server_subs.c - the subscriptions that the server has made for a client.
 *
 * After each connect the reply says which there are.  Those of before that are
 * missing in it are over, which is reported once.  A push finds its channel by
 * a hash, because a server may make thousands.
 *
 * Rejected: dropping those over the bound.  The program would never learn that
 * it misses their publications; a connection that ends with an error shows it.
 *
 * A subscription that is over is freed by an event behind all that were made
 * for it: they show the program its position.
 *
 * Invariant: each is reported as subscribed before its first publication. */
#include "server_subs.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "client_codec.h"
#include "client_codes.h"
#include "client_parts.h"
#include "deliveries.h"
#include "group.h"
#include "loop.h"
#include "random.h"
#include "reports.h"
#include "snapshot.h"
#include "text.h"

enum { SUBS_MAX = 16384, NAMES_MAX = 1 << 20 /* bytes */ };

struct plc_server_sub {
    struct plc_event last;   /* first; it frees this */
    struct pl_list link;     /* in client->server_subs.all */
    struct pl_map_node node; /* in client->server_subs.by_channel */
    struct plc_position position;
    bool is_subscribed;
    bool is_recoverable;
    bool is_named; /* by the connect reply that is being read */
    size_t len;
    char channel[];
};

static struct pl_span channel_of(const struct plc_server_sub *s)
{
    return (struct pl_span){s->channel, s->len};
}

static struct plc_server_sub *at_link(struct pl_list *link)
{
    return PL_CONTAINER(link, struct plc_server_sub, link);
}

static bool has_channel(const struct pl_map_node *n, const void *channel)
{
    return pl_span_equal(
        channel_of(PL_CONTAINER(n, struct plc_server_sub, node)),
        *(const struct pl_span *)channel);
}

static struct plc_server_sub *find(struct plc_client *c, struct pl_span channel)
{
    struct plc_server_subs *all = plc_client_server_subs(c);

    if (all->by_channel.count == 0)
        return NULL;
    struct pl_map_node *n = pl_map_find(
        &all->by_channel, pl_hash(&all->key, channel), has_channel, &channel);
    return n == NULL ? NULL : PL_CONTAINER(n, struct plc_server_sub, node);
}

static void run_nothing(struct plc_event *e)
{
    (void)e;
}

static void free_sub(struct pl_msg *last)
{
    struct plc_server_sub *s = (struct plc_server_sub *)last;

    pl_snapshot_destroy(s->position.shown);
    free(s);
}

static struct plc_server_sub *create(struct plc_client *c,
                                     struct pl_span channel, const char **why)
{
    struct plc_server_subs *all = plc_client_server_subs(c);

    *why = "the server makes too many subscriptions";
    if (all->by_channel.count >= SUBS_MAX ||
        channel.len > NAMES_MAX - all->bytes)
        return NULL;
    *why = "out of memory";
    struct plc_server_sub *s = calloc(1, sizeof *s + channel.len + 1);
    if (s == NULL)
        return NULL;
    if (all->by_channel.count == 0)
        pl_random_bytes(pl_loop_random(plc_client_loop(c)), &all->key,
                        sizeof all->key);
    if (pl_snapshot_create(&s->position.shown, PLC_SHOWN) != PL_OK ||
        pl_map_add(&all->by_channel, &s->node, pl_hash(&all->key, channel)) !=
            PL_OK) {
        free_sub(&s->last.msg);
        return NULL;
    }
    s->last.run = run_nothing;
    s->last.msg.destroy = free_sub;
    s->len = channel.len;
    if (channel.len > 0)
        memcpy(s->channel, channel.at, channel.len);
    all->bytes += channel.len;
    pl_list_append(&all->all, &s->link);
    return s;
}

static void forget(struct plc_client *c, struct plc_server_sub *s)
{
    pl_list_remove(&s->link);
    pl_map_remove(&plc_client_server_subs(c)->by_channel, &s->node);
    plc_client_server_subs(c)->bytes -= s->len;
}

static void remove_one(struct plc_client *c, struct plc_server_sub *s,
                       uint32_t code, const char *reason)
{
    if (s->is_subscribed)
        plc_client_counts(c)[PLC_COUNT_SUBSCRIPTIONS]--;
    plc_report_server_state(c, channel_of(s), &s->position,
                            &(struct plc_change){.from = s->is_subscribed
                                                             ? PLC_SUBSCRIBED
                                                             : PLC_SUBSCRIBING,
                                                 .to = PLC_UNSUBSCRIBED,
                                                 .code = code,
                                                 .reason = reason});
    forget(c, s);
    plc_events_put(plc_client_events(c), &s->last);
}

bool plc_server_subs_add(struct plc_client *c, struct pl_span channel,
                         const struct pl_received_subscribe *r,
                         const char **why)
{
    struct plc_server_sub *s = find(c, channel);

    if (s == NULL)
        s = create(c, channel, why);
    if (s == NULL)
        return false;
    if (!s->is_subscribed)
        plc_client_counts(c)[PLC_COUNT_SUBSCRIPTIONS]++;
    s->is_subscribed = true;
    s->is_named = true;
    s->is_recoverable = r->recoverable;
    plc_deliver_begin(&s->position, r);
    struct plc_change change = plc_deliver_change(&s->position, r);
    plc_report_server_state(c, channel, &s->position, &change);
    plc_deliver_recovered(c, NULL, channel_of(s), &s->position, r);
    return true;
}

static void remove_unnamed(struct plc_client *c)
{
    struct pl_list *at = plc_client_server_subs(c)->all.next;

    while (at != &plc_client_server_subs(c)->all) {
        struct plc_server_sub *s = at_link(at);

        at = at->next;
        if (!s->is_named)
            remove_one(c, s, PLC_CODE_CALLED, "unsubscribed by the server");
    }
}

bool plc_server_subs_compare(struct plc_client *c, struct pl_received_list *l,
                             struct pl_arena *scratch, const char **why)
{
    struct pl_list *all = &plc_client_server_subs(c)->all;
    struct pl_received_subscribe r;
    struct pl_span channel;
    enum pl_err rc;

    for (struct pl_list *at = all->next; at != all; at = at->next)
        at_link(at)->is_named = false;
    while ((rc = pl_received_sub_next(l, scratch, &channel, &r)) == PL_OK)
        if (!plc_server_subs_add(c, channel, &r, why))
            return false;
    *why = "out of memory";
    if (rc == PL_ENOENT)
        remove_unnamed(c);
    return rc == PL_ENOENT;
}

bool plc_server_subs_has(struct plc_client *c, struct pl_span channel)
{
    struct plc_server_sub *s = find(c, channel);

    return s != NULL && s->is_subscribed;
}

bool plc_server_subs_push(struct plc_client *c, struct pl_span channel,
                          const struct pl_received_publication *p)
{
    struct plc_server_sub *s = find(c, channel);

    if (s == NULL || !s->is_subscribed)
        return false;
    plc_deliver(c, NULL, channel, &s->position, p, false);
    return true;
}

bool plc_server_subs_end(struct plc_client *c, struct pl_span channel,
                         uint32_t code, struct pl_span reason)
{
    struct plc_server_sub *s = find(c, channel);
    char text[128];

    if (s == NULL)
        return false;
    plc_text_copy(text, sizeof text, reason);
    remove_one(c, s, code, text);
    return true;
}

void plc_server_subs_lose_all(struct plc_client *c)
{
    struct pl_list *all = &plc_client_server_subs(c)->all;

    for (struct pl_list *at = all->next; at != all; at = at->next) {
        struct plc_server_sub *s = at_link(at);

        if (!s->is_subscribed)
            continue;
        s->is_subscribed = false;
        plc_client_counts(c)[PLC_COUNT_SUBSCRIPTIONS]--;
        plc_report_server_state(
            c, channel_of(s), &s->position,
            &(struct plc_change){.from = PLC_SUBSCRIBED,
                                 .to = PLC_SUBSCRIBING,
                                 .code = PLC_CODE_TRANSPORT,
                                 .reason = "transport closed"});
    }
}

void plc_server_subs_free_all(struct plc_client *c)
{
    while (!pl_list_is_empty(&plc_client_server_subs(c)->all)) {
        struct plc_server_sub *s = at_link(plc_client_server_subs(c)->all.next);

        forget(c, s);
        free_sub(&s->last.msg);
    }
    pl_map_fini(&plc_client_server_subs(c)->by_channel);
}

bool plc_server_subs_list(struct plc_client *c, size_t *count,
                          struct pl_subscribe_request **out)
{
    struct pl_list *all = &plc_client_server_subs(c)->all;
    struct pl_subscribe_request *list =
        calloc(plc_client_server_subs(c)->by_channel.count + 1, sizeof *list);
    size_t n = 0;

    if (list == NULL)
        return false;
    for (struct pl_list *at = all->next; at != all; at = at->next) {
        struct plc_server_sub *s = at_link(at);

        if (!s->is_recoverable || !s->position.is_known)
            continue;
        list[n].channel = channel_of(s);
        list[n].recover = true;
        list[n].epoch = pl_span_of(s->position.epoch);
        list[n].offset = s->position.offset;
        n++;
    }
    *count = n;
    *out = list;
    return true;
}

void plc_server_subs_forget(struct plc_client *c)
{
    struct pl_list *all = &plc_client_server_subs(c)->all;

    for (struct pl_list *at = all->next; at != all; at = at->next)
        plc_position_spoil(&at_link(at)->position);
}

/* Without a callback for publications there is none that has not run. */
void plc_server_subs_take_back_all(struct plc_client *c)
{
    struct pl_list *all = &plc_client_server_subs(c)->all;

    if (plc_client_options_of(c)->server_publication == NULL)
        return;
    for (struct pl_list *at = all->next; at != all; at = at->next)
        plc_position_take_back(&at_link(at)->position);
}
