/* SPDX-License-Identifier: Apache-2.0 */
/* server_subs.c - the subscriptions that the server has made for a client.
 *
 * After each connect the reply says which there are.  Those of before that are
 * missing in it are over, which is reported once.
 *
 * Invariant: each is reported as subscribed before its first publication. */
#include <stdlib.h>
#include <string.h>

#include "reports.h"

struct plc_server_sub {
    struct pl_list link; /* in client->server_subs */
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

static struct plc_server_sub *find(struct plc_client *c, struct pl_span channel)
{
    for (struct pl_list *at = c->server_subs.next; at != &c->server_subs;
         at = at->next) {
        struct plc_server_sub *s =
            PL_CONTAINER(at, struct plc_server_sub, link);

        if (pl_span_equal(channel_of(s), channel))
            return s;
    }
    return NULL;
}

static struct plc_server_sub *find_or_create(struct plc_client *c,
                                             struct pl_span channel)
{
    struct plc_server_sub *s = find(c, channel);

    if (s != NULL)
        return s;
    s = calloc(1, sizeof *s + channel.len + 1);
    if (s == NULL)
        return NULL;
    s->len = channel.len;
    if (channel.len > 0)
        memcpy(s->channel, channel.at, channel.len);
    pl_list_append(&c->server_subs, &s->link);
    return s;
}

static void remove_one(struct plc_client *c, struct plc_server_sub *s,
                       uint32_t code, const char *reason)
{
    if (s->is_subscribed)
        c->counts[PLC_COUNT_SUBSCRIPTIONS]--;
    plc_report_server_state(c, channel_of(s),
                            &(struct plc_change){.from = s->is_subscribed
                                                             ? PLC_SUBSCRIBED
                                                             : PLC_SUBSCRIBING,
                                                 .to = PLC_UNSUBSCRIBED,
                                                 .code = code,
                                                 .reason = reason});
    pl_list_remove(&s->link);
    free(s);
}

static void deliver_recovered(struct plc_client *c, struct plc_server_sub *s,
                              struct pl_received_list list)
{
    struct pl_received_publication p;

    while (pl_received_publication_next(&list, &c->arena, &p) == PL_OK) {
        plc_position_move(&s->position, &p);
        plc_report_publication(c, NULL, channel_of(s), &p, true);
    }
}

void plc_server_subs_add(struct plc_client *c, struct pl_span channel,
                         struct pl_received_subscribe *r)
{
    struct plc_server_sub *s = find_or_create(c, channel);

    if (s == NULL)
        return;
    if (!s->is_subscribed)
        c->counts[PLC_COUNT_SUBSCRIPTIONS]++;
    s->is_subscribed = true;
    s->is_named = true;
    s->is_recoverable = r->recoverable;
    if (r->recoverable || r->positioned)
        plc_position_from(&s->position, r->epoch,
                          r->publications.count > 0 ? 0 : r->offset);
    plc_report_server_state(
        c, channel,
        &(struct plc_change){.from = PLC_SUBSCRIBING,
                             .to = PLC_SUBSCRIBED,
                             .reason = "subscribed",
                             .epoch = s->position.epoch,
                             .offset = r->offset,
                             .data = {r->data.at, r->data.len},
                             .positioned = r->positioned,
                             .recoverable = r->recoverable,
                             .was_recovering = r->was_recovering,
                             .recovered = r->recovered});
    deliver_recovered(c, s, r->publications);
    if (r->offset > s->position.offset)
        s->position.offset = r->offset;
}

void plc_server_subs_compare(struct plc_client *c, struct pl_received_list *l)
{
    struct pl_received_subscribe r;
    struct pl_span channel;
    struct pl_list *at;

    for (at = c->server_subs.next; at != &c->server_subs; at = at->next)
        PL_CONTAINER(at, struct plc_server_sub, link)->is_named = false;
    while (pl_received_sub_next(l, &c->arena, &channel, &r) == PL_OK)
        plc_server_subs_add(c, channel, &r);
    at = c->server_subs.next;
    while (at != &c->server_subs) {
        struct plc_server_sub *s =
            PL_CONTAINER(at, struct plc_server_sub, link);

        at = at->next;
        if (!s->is_named)
            remove_one(c, s, PLC_CODE_CALLED, "unsubscribed by the server");
    }
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
    plc_position_move(&s->position, p);
    return plc_report_publication(c, NULL, channel, p, false);
}

void plc_server_subs_end(struct plc_client *c, struct pl_span channel,
                         uint32_t code, struct pl_span reason)
{
    struct plc_server_sub *s = find(c, channel);
    char text[128];

    if (s == NULL)
        return;
    size_t n = reason.len < sizeof text ? reason.len : sizeof text - 1;
    if (n > 0)
        memcpy(text, reason.at, n);
    text[n] = '\0';
    remove_one(c, s, code, text);
}

void plc_server_subs_lose_all(struct plc_client *c)
{
    for (struct pl_list *at = c->server_subs.next; at != &c->server_subs;
         at = at->next) {
        struct plc_server_sub *s =
            PL_CONTAINER(at, struct plc_server_sub, link);

        if (!s->is_subscribed)
            continue;
        s->is_subscribed = false;
        c->counts[PLC_COUNT_SUBSCRIPTIONS]--;
        plc_report_server_state(
            c, channel_of(s),
            &(struct plc_change){.from = PLC_SUBSCRIBED,
                                 .to = PLC_SUBSCRIBING,
                                 .code = PLC_CODE_TRANSPORT,
                                 .reason = "transport closed"});
    }
}

void plc_server_subs_free_all(struct plc_client *c)
{
    while (!pl_list_is_empty(&c->server_subs))
        free(PL_CONTAINER(pl_list_pop(&c->server_subs), struct plc_server_sub,
                          link));
}

size_t plc_server_subs_list(struct plc_client *c,
                            struct pl_subscribe_request **out)
{
    size_t count = 0, n = 0;
    struct pl_list *at;

    for (at = c->server_subs.next; at != &c->server_subs; at = at->next)
        count++;
    *out = calloc(count + 1, sizeof **out);
    if (*out == NULL)
        return 0;
    for (at = c->server_subs.next; at != &c->server_subs; at = at->next) {
        struct plc_server_sub *s =
            PL_CONTAINER(at, struct plc_server_sub, link);

        if (!s->is_recoverable)
            continue;
        (*out)[n].channel = channel_of(s);
        (*out)[n].recover = true;
        (*out)[n].epoch = pl_span_of(s->position.epoch);
        (*out)[n].offset = s->position.offset;
        n++;
    }
    return n;
}

void plc_server_subs_forget(struct plc_client *c)
{
    for (struct pl_list *at = c->server_subs.next; at != &c->server_subs;
         at = at->next)
        plc_position_spoil(
            &PL_CONTAINER(at, struct plc_server_sub, link)->position);
}
