/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h.
 *
 * Ids of commands: 1 is the connect, 2 + k the subscription k, what is beyond
 * is publishing.  Subscriptions go out with the connect, in one message, as
 * SDKs batch them; the broker's barrier keeps them behind it. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "token.h"

enum { ID_CONNECT = 1, ID_SUBSCRIBE = 2, BATCH_MAX = 60000 };

static struct client *client_of(struct link *l)
{
    return (struct client *)l; /* it is the first */
}

/* --- Saying --- */

static char *make_token(const struct client *c, const char *inbox)
{
    struct pl_token_key key = {pl_span_of(plan_secret)};
    struct pl_token_grant grant = {.user = pl_span_of(inbox + 1),
                                   .issued_at_s = time(NULL),
                                   .ttl_s = 86400};
    char *token = NULL;

    if (c->crew->plan->token &&
        pl_token_create(&key, &grant, &token, NULL) != PL_OK)
        abort();
    return token;
}

static void put_subscriptions(struct client *c, struct pl_buf *b)
{
    const struct plan *plan = c->crew->plan;
    char channel[PLAN_CHANNEL_MAX];

    for (unsigned k = 0; !c->is_guest && k < plan->channels; k++) {
        plan_channel(plan, c->index, k, channel);
        talk_subscribe(b, ID_SUBSCRIBE + k, channel, &c->subs[k].position);
        c->awaited++;
    }
}

static void on_opened(struct link *l)
{
    struct client *c = client_of(l);
    struct pl_buf b = {0};
    char inbox[32];

    snprintf(inbox, sizeof inbox, "#user%u", c->index);
    char *token = make_token(c, inbox);
    struct talk_login login = {.token = token,
                               .wants_inbox = c->crew->plan->inbox,
                               .inbox = inbox,
                               .there = &c->inbox};
    talk_connect(&b, &login);
    c->awaited = 1;
    put_subscriptions(c, &b);
    link_say(l, pl_buf_span(&b));
    pl_buf_fini(&b);
    free(token);
}

void client_publish(struct client *c, const char *channel, uint64_t from,
                    uint64_t to)
{
    struct pl_buf b = {0};

    for (uint64_t n = from; n < to; n++) {
        struct pl_span text = check_text_number(&c->crew->text, n);

        if (b.len > 0 && b.len + text.len + 128 > BATCH_MAX) {
            link_say(&c->link, pl_buf_span(&b));
            b.len = 0;
        }
        talk_publish(&b, ID_SUBSCRIBE + c->crew->plan->channels, channel, text);
    }
    link_say(&c->link, pl_buf_span(&b));
    pl_buf_fini(&b);
}

/* --- Hearing --- */

static void keep_position(struct client *c, struct talk_position *p,
                          const struct talk_heard *h)
{
    struct crew_tally *t = &c->crew->tally;

    if (h->epoch.len >= sizeof p->epoch)
        abort(); /* ours have eight letters */
    if (h->was_recovering) {
        t->recovered += h->recovered;
        t->unrecovered += !h->recovered;
    }
    if (h->epoch.len > 0) {
        memcpy(p->epoch, h->epoch.at, h->epoch.len);
        p->epoch[h->epoch.len] = '\0';
    }
    p->offset = h->offset;
}

static void take_message(struct client *c, struct client_sub *s,
                         const struct talk_heard *h)
{
    check_message(&c->crew->text, &c->crew->tally.checked, &s->next, h->data);
    if (s->position.epoch[0] == '\0')
        return; /* without history there are no offsets */
    if (h->offset != s->position.offset + 1)
        c->crew->tally.checked.damaged++;
    s->position.offset = h->offset;
}

static void take_subscribed(struct client *c, const struct talk_heard *h)
{
    uint32_t k = h->id - ID_SUBSCRIBE;
    struct pl_span result = h->result;
    struct talk_heard missed;

    if (c->is_guest || c->subs == NULL || k >= c->crew->plan->channels)
        abort();
    keep_position(c, &c->subs[k].position, h);
    c->crew->tally.subscribed++;
    while (talk_next_missed(&result, &missed))
        take_message(c, &c->subs[k], &missed);
}

static void take_connected(struct client *c, const struct talk_heard *h)
{
    struct pl_span result = h->result;
    struct talk_heard sub;

    while (talk_next_sub(&result, &sub)) {
        if (sub.channel.len > 0 && *sub.channel.at == '#')
            keep_position(c, &c->inbox, &sub);
    }
}

static struct client_sub *find_sub(struct client *c, struct pl_span channel)
{
    const char *last = memrchr(channel.at, ':', channel.len);
    unsigned k = 0;

    for (const char *at = last == NULL ? channel.at + channel.len : last + 1;
         at < channel.at + channel.len; at++)
        k = k * 10 + (unsigned)(*at - '0');
    return c->is_guest || last == NULL || k >= c->crew->plan->channels
               ? NULL
               : &c->subs[k];
}

static void settle(struct client *c)
{
    if (c->awaited == 0 || --c->awaited > 0)
        return;
    c->is_in = true;
    c->crew->settled(c, true);
    c->is_making = false;
}

static void fail(struct client *c)
{
    c->is_in = false;
    c->awaited = 0;
    c->crew->settled(c, false);
    c->is_making = false;
}

static void take(struct client *c, const struct talk_heard *h)
{
    struct crew_tally *t = &c->crew->tally;
    struct client_sub *s;

    switch (h->kind) {
    case TALK_PUBLICATION:
        s = find_sub(c, h->channel);
        if (s != NULL)
            take_message(c, s, h);
        else
            t->checked.damaged++;
        break;
    case TALK_CONNECTED:
        take_connected(c, h);
        settle(c);
        break;
    case TALK_SUBSCRIBED:
        take_subscribed(c, h);
        settle(c);
        break;
    case TALK_RESULT:
        t->published++;
        break;
    case TALK_ERROR:
        t->refused++;
        if (h->id >= ID_SUBSCRIBE + c->crew->plan->channels) {
            t->published++;
        } else {
            link_abort(&c->link);
            fail(c);
        }
        break;
    case TALK_UNSUBSCRIBE:
        t->refused++;
        break;
    default:
        break;
    }
}

static void on_message(struct link *l, struct pl_span message)
{
    struct client *c = client_of(l);
    struct talk_heard h;

    while (message.len > 0 && l->state == LINK_OPEN) {
        if (!talk_hear(&message, &h)) {
            c->crew->tally.checked.damaged++;
            return;
        }
        if (h.kind == TALK_PING) {
            struct pl_buf b = {0};

            talk_pong(&b);
            link_say(l, pl_buf_span(&b));
            pl_buf_fini(&b);
        } else {
            take(c, &h);
        }
    }
}

static void on_closed(struct link *l, uint16_t code)
{
    struct client *c = client_of(l);

    c->crew->tally.ended++;
    c->crew->tally.last_code = code;
    fail(c);
}

/* --- Life --- */

void crew_init(struct crew *crew, const struct plan *plan,
               const struct plan_kind *kind, int epoll, uint16_t port)
{
    memset(crew, 0, sizeof *crew);
    crew->plan = plan;
    crew->net.epoll = epoll;
    crew->net.port = port;
    crew->net.opened = on_opened;
    crew->net.message = on_message;
    crew->net.closed = on_closed;
    link_net_init(&crew->net, kind->tls, kind->resumes, kind->deflate);
    check_text_init(&crew->text, plan->size);
}

void crew_fini(struct crew *crew)
{
    link_net_fini(&crew->net);
    check_text_fini(&crew->text);
}

void client_init(struct client *c, struct crew *crew, uint32_t index,
                 bool is_guest)
{
    memset(c, 0, sizeof *c);
    c->link.net = &crew->net;
    c->crew = crew;
    c->index = index;
    c->is_guest = is_guest;
    if (is_guest || crew->plan->channels == 0)
        return;
    c->subs = calloc(crew->plan->channels, sizeof *c->subs);
    if (c->subs == NULL)
        abort();
    for (unsigned k = 0; k < crew->plan->channels; k++)
        c->subs[k].next = 1;
}

void client_fini(struct client *c)
{
    link_fini(&c->link);
    free(c->subs);
    c->subs = NULL;
}

void client_begin(struct client *c)
{
    c->is_in = false;
    c->is_making = true;
    link_begin(&c->link);
}
