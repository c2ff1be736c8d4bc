/* SPDX-License-Identifier: Apache-2.0 */
/* peer_say.c - the commands of peer.h, encoded by the client's codec.
 *
 * Corked commands gather in a buffer beside the peers, one a thread: a test
 * corks one peer at a time. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "client_codec.h"
#include "peer.h"

enum { MESSAGE_MAX = 64 << 20 };

static _Thread_local struct peer *corked;
static _Thread_local struct pl_buf cork;

/* --- Writing --- */

static void send_out(struct peer *p, struct pl_buf *b)
{
    assert(!b->failed);
    peer_frame(p, p->encoding == PEER_JSON ? PL_WS_TEXT : PL_WS_BINARY,
               pl_buf_span(b));
    pl_buf_fini(b);
}

/* Gives the id, which a send has none of. */
static uint32_t say(struct peer *p, struct pl_command c)
{
    struct pl_buf own = {0}, *to = corked == p ? &cork : &own;
    const char *why = "out of memory";
    size_t at;

    if (c.verb != PL_VERB_SEND)
        c.id = ++p->last_id;
    if (pl_command_encode(p->encoding == PEER_JSON ? PL_ENCODING_JSON
                                                   : PL_ENCODING_PROTOBUF,
                          to, MESSAGE_MAX, &c, &why, &at) != PL_OK) {
        fprintf(stderr, "peer: no command: %s\n", why);
        abort();
    }
    if (to == &own)
        send_out(p, &own);
    return c.id;
}

void peer_cork(struct peer *p)
{
    assert(corked == NULL);
    corked = p;
}

void peer_uncork(struct peer *p)
{
    assert(corked == p);
    corked = NULL;
    send_out(p, &cork);
}

/* --- Commands --- */

uint32_t peer_connect(struct peer *p, const char *token)
{
    return say(p, (struct pl_command){.verb = PL_VERB_CONNECT,
                                      .connect.token = pl_span_of(token)});
}

uint32_t peer_subscribe(struct peer *p, const char *channel)
{
    return say(p,
               (struct pl_command){.verb = PL_VERB_SUBSCRIBE,
                                   .subscribe.channel = pl_span_of(channel)});
}

uint32_t peer_unsubscribe(struct peer *p, const char *channel)
{
    return say(p, (struct pl_command){.verb = PL_VERB_UNSUBSCRIBE,
                                      .channel = pl_span_of(channel)});
}

uint32_t peer_publish(struct peer *p, const char *channel, const char *data)
{
    return say(p,
               (struct pl_command){.verb = PL_VERB_PUBLISH,
                                   .publish = {.channel = pl_span_of(channel),
                                               .data = pl_span_of(data)}});
}

uint32_t peer_rpc(struct peer *p, const char *method, const char *data)
{
    return say(p, (struct pl_command){.verb = PL_VERB_RPC,
                                      .rpc = {.method = pl_span_of(method),
                                              .data = pl_span_of(data)}});
}

void peer_send(struct peer *p, const char *data)
{
    say(p, (struct pl_command){.verb = PL_VERB_SEND, .data = pl_span_of(data)});
}

/* --- More than one step --- */

void peer_enter(struct peer *p, uint16_t port, enum peer_encoding encoding,
                const char *token, char client[64])
{
    struct peer_reply r;

    if (peer_open(p, port, encoding) != 101) {
        fprintf(stderr, "peer: HTTP status %d\n", p->http_status);
        abort();
    }
    peer_await(p, peer_connect(p, token), &r);
    if (r.kind != PEER_RESULT) {
        fprintf(stderr, "peer: not let in: %u\n", r.code);
        abort();
    }
    if (client != NULL)
        snprintf(client, 64, "%.*s", (int)r.client.len, r.client.at);
}

void peer_join(struct peer *p, const char *channel)
{
    struct peer_reply r;

    peer_await(p, peer_subscribe(p, channel), &r);
    if (r.kind != PEER_RESULT) {
        fprintf(stderr, "peer: not subscribed: %u\n", r.code);
        abort();
    }
}
