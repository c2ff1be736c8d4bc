/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - notifies the program of clients, subscriptions and channels.
 *
 * Each call comes from the actor that knows first, on its loop, and gets texts
 * with a final zero, copied to the stack: an event needs no memory, so none is
 * lost without it.
 *
 * Invariant: `events` and `hooks` of the broker are constant while it runs. */
#include "broker_private.h"

#include <string.h>

#include "client.h"
#include "ip.h"
#include "channel_name.h"
#include "token.h"

enum { REASON_TEXT_MAX = 256 };

/* A peer with its texts. */
struct told {
    struct pl_peer peer;
    char user[PL_TOKEN_USER_MAX + 1];
    char client[PL_CLIENT_ID_LEN + 1];
    char address[PL_IP_TEXT_MAX];
};

/* Copy what fits, with a final zero. */
static const char *copy(char *to, size_t size, struct pl_span text)
{
    size_t len = text.len < size ? text.len : size - 1;

    if (len > 0)
        memcpy(to, text.at, len);
    to[len] = '\0';
    return to;
}

static const char *address_of(struct told *t, const struct pl_client *client)
{
    struct pl_span at = pl_client_ip(client);
    struct pl_ip ip;

    if (at.len != sizeof ip.at)
        return "-";
    memcpy(ip.at, at.at, sizeof ip.at);
    pl_ip_format(&ip, t->address);
    return t->address;
}

static const struct pl_peer *peer_of(struct told *t,
                                     const struct pl_client *client)
{
    struct pl_span info = pl_client_conn_info(client);

    t->peer = (struct pl_peer){
        .user = copy(t->user, sizeof t->user, pl_client_user(client)),
        .client = copy(t->client, sizeof t->client, pl_client_id(client)),
        .info = info.at,
        .info_len = info.len,
        .address = address_of(t, client),
    };
    return &t->peer;
}

void pl_broker_tell_connected(struct pl_broker *b,
                              const struct pl_client *client)
{
    struct told t;

    if (b->events.connected != NULL)
        b->events.connected(peer_of(&t, client), b->events.arg);
}

void pl_broker_tell_disconnected(struct pl_broker *b,
                                 const struct pl_client *client, uint32_t code,
                                 struct pl_span reason)
{
    char text[REASON_TEXT_MAX];
    struct told t;

    if (b->events.disconnected != NULL)
        b->events.disconnected(peer_of(&t, client), code,
                               copy(text, sizeof text, reason), b->events.arg);
}

void pl_broker_tell_subscription(struct pl_broker *b,
                                 const struct pl_client *client,
                                 struct pl_span channel, bool begins,
                                 uint32_t code)
{
    char name[PL_CHANNEL_NAME_MAX + 1];
    struct told t;

    if (b->events.subscription != NULL)
        b->events.subscription(peer_of(&t, client),
                               copy(name, sizeof name, channel), begins, code,
                               b->events.arg);
}

void pl_broker_tell_channel(struct pl_broker *b, struct pl_span name,
                            bool is_first)
{
    char text[PL_CHANNEL_NAME_MAX + 1];

    b->events.channel(copy(text, sizeof text, name), is_first, b->events.arg);
}

/* --- At once, on the loop that knows --- */

static bool on_connected(void *broker, struct pl_client *client)
{
    pl_broker_tell_connected(broker, client);
    return true;
}

static void on_disconnected(void *broker, struct pl_client *client,
                            uint32_t code, struct pl_span reason)
{
    pl_broker_tell_disconnected(broker, client, code, reason);
}

static void on_subscribed(void *broker, struct pl_client *client,
                          struct pl_span channel, bool begins, uint32_t code)
{
    pl_broker_tell_subscription(broker, client, channel, begins, code);
}

static void on_channel(void *broker, struct pl_span name, bool is_first)
{
    pl_broker_tell_channel(broker, name, is_first);
}

const struct pl_hooks *pl_broker_hooks(struct pl_broker *b, struct pl_share *s)
{
    const struct pl_events *e = &b->events;

    if (e->connected == NULL && e->disconnected == NULL &&
        e->subscription == NULL)
        return NULL;
    if (b->host != NULL)
        return pl_relay_hooks(&s->relay, b);
    b->hooks = (struct pl_hooks){
        .connected = on_connected,
        .disconnected = on_disconnected,
        .subscribed = e->subscription == NULL ? NULL : on_subscribed,
        .arg = b,
    };
    return &b->hooks;
}

void pl_broker_watch_channels(struct pl_broker *b, struct pl_share *s,
                              struct pl_channels_options *o)
{
    if (b->events.channel == NULL)
        return;
    o->watch = b->host == NULL ? on_channel : pl_relay_channel;
    o->watch_arg = b->host == NULL ? (void *)b : pl_relay_of(&s->relay, b);
}
