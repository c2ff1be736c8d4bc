/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - tells the program of clients, subscriptions and channels.
 *
 * Each call comes from the actor that knows first, on its loop, and gets texts
 * with a final zero, copied to the stack: an event needs no memory, so none is
 * lost without it.
 *
 * Invariant: `events` and `hooks` of the broker are constant while it runs. */
#include "broker_private.h"

#include <string.h>

#include "client.h"
#include "permission.h"
#include "token.h"

enum { REASON_TEXT_MAX = 256 };

/* A peer with its texts. */
struct told {
    struct pl_peer peer;
    char user[PL_TOKEN_USER_MAX + 1];
    char client[PL_CLIENT_ID_LEN + 1];
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

static const struct pl_peer *peer_of(struct told *t,
                                     const struct pl_client *client)
{
    struct pl_span info = pl_client_conn_info(client);

    t->peer = (struct pl_peer){
        .user = copy(t->user, sizeof t->user, pl_client_user(client)),
        .client = copy(t->client, sizeof t->client, pl_client_id(client)),
        .info = info.at,
        .info_len = info.len,
    };
    return &t->peer;
}

static void on_connected(void *broker, const struct pl_client *client)
{
    const struct pl_events *e = &((struct pl_broker *)broker)->events;
    struct told t;

    e->connected(peer_of(&t, client), e->arg);
}

static void on_disconnected(void *broker, const struct pl_client *client,
                            uint32_t code, struct pl_span reason)
{
    const struct pl_events *e = &((struct pl_broker *)broker)->events;
    char text[REASON_TEXT_MAX];
    struct told t;

    e->disconnected(peer_of(&t, client), code, copy(text, sizeof text, reason),
                    e->arg);
}

static void on_subscribed(void *broker, const struct pl_client *client,
                          struct pl_span channel, bool begins, uint32_t code)
{
    const struct pl_events *e = &((struct pl_broker *)broker)->events;
    char name[PL_CHANNEL_NAME_MAX + 1];
    struct told t;

    e->subscription(peer_of(&t, client), copy(name, sizeof name, channel),
                    begins, code, e->arg);
}

void pl_broker_on_channel(void *broker, struct pl_span name, bool is_first)
{
    const struct pl_events *e = &((struct pl_broker *)broker)->events;
    char text[PL_CHANNEL_NAME_MAX + 1];

    e->channel(copy(text, sizeof text, name), is_first, e->arg);
}

const struct pl_hooks *pl_broker_hooks(struct pl_broker *b)
{
    const struct pl_events *e = &b->events;

    b->hooks = (struct pl_hooks){
        .connected = e->connected == NULL ? NULL : on_connected,
        .disconnected = e->disconnected == NULL ? NULL : on_disconnected,
        .subscribed = e->subscription == NULL ? NULL : on_subscribed,
        .arg = b,
    };
    if (e->connected == NULL && e->disconnected == NULL &&
        e->subscription == NULL)
        return NULL;
    return &b->hooks;
}
