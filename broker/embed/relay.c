/* SPDX-License-Identifier: Apache-2.0 */
/* relay.c - see relay.h.
 *
 * What begins must end, but memory may be lacking by then.  So the mail of each
 * end is allocated with that of its beginning and kept here: for a client the
 * mail that it has gone, in it those of its subscriptions, and for a channel
 * the mail that its last subscriber went.  Without memory for both mails
 * neither is sent, and a client that cannot be announced is closed.
 *
 * The ends of subscriptions are in a map too, by client and channel: a client
 * with thousands of them may lose all at once.
 *
 * Invariant: for each event that began and did not end, its end is kept. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "broker_private.h"
#include "client.h"

enum kind { COMES, GOES, SUBSCRIPTION, CHANNEL };

enum { REASON_TEXT_MAX = 128 };

/* One event, as mail to the host; or kept, the end of one that began. */
struct event {
    struct pl_host_mail mail; /* first */
    struct pl_broker *broker;
    enum kind kind;
    bool begins;
    uint32_t code;
    struct pl_client *client; /* held, or NULL */
    struct pl_blob *channel;  /* held, or NULL */
    size_t reason_len;
    char reason[REASON_TEXT_MAX];
    /* Of an end that is kept. */
    struct pl_map_node node; /* by client, by channel, or by both */
    struct pl_list link;     /* of a client: the ends of its subscriptions */
    struct pl_list ends;     /* GOES: of its subscriptions */
};

static void destroy(struct pl_msg *msg)
{
    struct event *e = (struct event *)msg;

    pl_client_release(e->client);
    pl_blob_release(e->channel);
    free(e);
}

static void drop(struct event *e)
{
    if (e != NULL)
        destroy(&e->mail.msg);
}

static void run(struct pl_host_mail *m)
{
    struct event *e = (struct event *)m;

    switch (e->kind) {
    case COMES:
        pl_broker_tell_connected(e->broker, e->client);
        break;
    case GOES:
        pl_broker_tell_disconnected(e->broker, e->client, e->code,
                                    (struct pl_span){e->reason, e->reason_len});
        break;
    case SUBSCRIPTION:
        pl_broker_tell_subscription(
            e->broker, e->client, pl_blob_span(e->channel), e->begins, e->code);
        break;
    case CHANNEL:
        pl_broker_tell_channel(e->broker, pl_blob_span(e->channel), e->begins);
    }
    drop(e);
}

/* `client` and `channel` may be NULL. */
static struct event *create(const struct pl_relay *r, enum kind kind,
                            bool begins, struct pl_client *client,
                            struct pl_blob *channel)
{
    struct event *e = calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    e->mail.msg.destroy = destroy;
    e->mail.run = run;
    e->broker = r->broker;
    e->kind = kind;
    e->begins = begins;
    e->client = pl_client_hold(client);
    e->channel = channel == NULL ? NULL : pl_blob_hold(channel);
    pl_list_init(&e->ends);
    return e;
}

static void post(const struct pl_relay *r, struct event *e)
{
    pl_host_post(r->broker->host, &e->mail);
}

/* --- Clients --- */

static bool is_of_client(const struct pl_map_node *n, const void *client)
{
    return PL_CONTAINER(n, const struct event, node)->client == client;
}

static struct event *find_client(const struct pl_relay *r,
                                 const struct pl_client *client)
{
    struct pl_map_node *n = pl_map_find(
        &r->clients, pl_map_hash_pointer(client), is_of_client, client);

    return n == NULL ? NULL : PL_CONTAINER(n, struct event, node);
}

static bool on_connected(void *relay, struct pl_client *client)
{
    struct pl_relay *r = relay;
    struct event *comes = create(r, COMES, true, client, NULL);
    struct event *goes = create(r, GOES, false, client, NULL);

    if (comes == NULL || goes == NULL ||
        pl_map_add(&r->clients, &goes->node, pl_map_hash_pointer(client)) !=
            PL_OK) {
        drop(comes);
        drop(goes);
        return false;
    }
    post(r, comes);
    return true;
}

struct sub_key {
    const struct pl_client *client;
    struct pl_span channel;
};

static uint64_t hash_of_sub(const struct pl_relay *r, const struct sub_key *key)
{
    return pl_hash(&r->broker->key, key->channel) +
           pl_map_hash_pointer(key->client);
}

static bool is_of_sub(const struct pl_map_node *n, const void *sub)
{
    const struct event *e = PL_CONTAINER(n, const struct event, node);
    const struct sub_key *key = sub;

    return e->client == key->client &&
           pl_span_equal(pl_blob_span(e->channel), key->channel);
}

static struct event *find_end(const struct pl_relay *r,
                              const struct sub_key *key)
{
    struct pl_map_node *n =
        pl_map_find(&r->subs, hash_of_sub(r, key), is_of_sub, key);

    return n == NULL ? NULL : PL_CONTAINER(n, struct event, node);
}

static void post_end(struct pl_relay *r, struct event *end, uint32_t code)
{
    pl_map_remove(&r->subs, &end->node);
    pl_list_remove(&end->link);
    end->code = code;
    post(r, end);
}

/* Subscriptions are left where a loop was cut without a word of its hub. */
static void end_subs(struct pl_relay *r, struct event *goes, uint32_t code)
{
    while (!pl_list_is_empty(&goes->ends))
        post_end(r, PL_CONTAINER(goes->ends.next, struct event, link), code);
}

static void on_disconnected(void *relay, struct pl_client *client,
                            uint32_t code, struct pl_span reason)
{
    struct pl_relay *r = relay;
    struct event *goes = find_client(r, client);

    pl_map_remove(&r->clients, &goes->node);
    end_subs(r, goes, code);
    goes->code = code;
    goes->reason_len =
        reason.len < REASON_TEXT_MAX ? reason.len : REASON_TEXT_MAX;
    if (goes->reason_len > 0)
        memcpy(goes->reason, reason.at, goes->reason_len);
    post(r, goes);
}

static void on_begun(struct pl_relay *r, struct event *goes,
                     struct pl_span channel)
{
    const struct sub_key key = {goes->client, channel};
    struct pl_blob *name = pl_blob_create(channel);
    struct event *begins = NULL, *ends = NULL;

    if (name != NULL) {
        begins = create(r, SUBSCRIPTION, true, goes->client, name);
        ends = create(r, SUBSCRIPTION, false, goes->client, name);
    }
    pl_blob_release(name);
    if (begins == NULL || ends == NULL ||
        pl_map_add(&r->subs, &ends->node, hash_of_sub(r, &key)) != PL_OK) {
        drop(begins);
        drop(ends);
        return;
    }
    pl_list_append(&goes->ends, &ends->link);
    post(r, begins);
}

static void on_subscribed(void *relay, struct pl_client *client,
                          struct pl_span channel, bool begins, uint32_t code)
{
    struct pl_relay *r = relay;
    const struct sub_key key = {client, channel};

    if (begins) {
        on_begun(r, find_client(r, client), channel);
        return;
    }
    struct event *end = find_end(r, &key);
    if (end != NULL) /* else its beginning was not sent */
        post_end(r, end, code);
}

/* --- Channels --- */

static bool is_of_channel(const struct pl_map_node *n, const void *name)
{
    const struct event *e = PL_CONTAINER(n, const struct event, node);

    return pl_span_equal(pl_blob_span(e->channel),
                         *(const struct pl_span *)name);
}

static void on_first(struct pl_relay *r, struct pl_span name, uint64_t hash)
{
    struct pl_blob *blob = pl_blob_create(name);
    struct event *first = NULL, *last = NULL;

    if (blob != NULL) {
        first = create(r, CHANNEL, true, NULL, blob);
        last = create(r, CHANNEL, false, NULL, blob);
    }
    pl_blob_release(blob);
    if (first == NULL || last == NULL ||
        pl_map_add(&r->channels, &last->node, hash) != PL_OK) {
        drop(first);
        drop(last);
        return;
    }
    post(r, first);
}

void pl_relay_channel(void *relay, struct pl_span name, bool is_first)
{
    struct pl_relay *r = relay;
    uint64_t hash = pl_hash(&r->broker->key, name);

    if (is_first) {
        on_first(r, name, hash);
        return;
    }
    struct pl_map_node *n =
        pl_map_find(&r->channels, hash, is_of_channel, &name);
    if (n == NULL)
        return; /* its first subscriber was not announced */
    pl_map_remove(&r->channels, n);
    post(r, PL_CONTAINER(n, struct event, node));
}

struct pl_relay *pl_relay_of(struct pl_relay *r, struct pl_broker *b)
{
    r->broker = b;
    return r;
}

const struct pl_hooks *pl_relay_hooks(struct pl_relay *r, struct pl_broker *b)
{
    r->broker = b;
    r->hooks = (struct pl_hooks){
        .connected = on_connected,
        .disconnected = on_disconnected,
        .subscribed = b->events.subscription == NULL ? NULL : on_subscribed,
        .arg = r,
    };
    return &r->hooks;
}

void pl_relay_fini(struct pl_relay *r)
{
    pl_map_fini(&r->clients);
    pl_map_fini(&r->subs);
    pl_map_fini(&r->channels);
}
