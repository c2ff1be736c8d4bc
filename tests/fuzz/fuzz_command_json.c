/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_command_json.c - any bytes as a JSON message of a client.
 *
 * What is taken must keep the promises of command.h: names are UTF-8 without
 * zero bytes, a payload is one JSON value without a raw newline, and what is
 * published with them is JSON again. */
#include <stdint.h>
#include <stdlib.h>

#include "codec.h"
#include "wire_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void text(struct pl_span s)
{
    must(pl_text_valid(s));
}

static void data(struct pl_span s)
{
    must(s.at == NULL || pl_json_accepts(s));
    for (size_t i = 0; i < s.len; i++)
        must(s.at[i] != '\n' && s.at[i] != '\r');
}

static void subscribe(const struct pl_subscribe_request *s)
{
    text(s->channel);
    text(s->token);
    text(s->epoch);
    data(s->data);
}

/* A publication of the data under the name is one line of JSON. */
static void publish(struct pl_span name, struct pl_span payload)
{
    struct pl_client_info info = {.user = name, .conn_info = payload};
    struct pl_push push = {
        .kind = PL_PUSH_PUBLICATION,
        .channel = name,
        .publication = {.data = payload, .info = &info, .offset = name.len}};
    struct pl_buf b = {0};
    size_t depth = 0, deepest = 0;

    pl_push_encode(PL_ENCODING_JSON, &b, &push);
    must(!b.failed);
    for (size_t i = 0; i < b.len; i++) {
        must(b.data[i] != '\n' && b.data[i] != '\r');
        depth += b.data[i] == '{' || b.data[i] == '[';
        depth -= depth > 0 && (b.data[i] == '}' || b.data[i] == ']');
        deepest = depth > deepest ? depth : deepest;
    }
    /* The envelope comes on top of what the payload may nest. */
    must(deepest > 60 || pl_json_accepts(pl_buf_span(&b)));
    pl_buf_fini(&b);
}

static void connect(const struct pl_connect_request *c)
{
    text(c->token);
    text(c->name);
    text(c->version);
    data(c->data);
    for (size_t i = 0; i < c->sub_count; i++) {
        subscribe(&c->subs[i]);
        must(i == 0 ||
             !pl_span_equal(c->subs[i - 1].channel, c->subs[i].channel));
    }
}

static void command(const struct pl_command *c)
{
    switch (c->verb) {
    case PL_VERB_CONNECT:
        connect(&c->connect);
        break;
    case PL_VERB_SUBSCRIBE:
        subscribe(&c->subscribe);
        break;
    case PL_VERB_UNSUBSCRIBE:
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        text(c->channel);
        break;
    case PL_VERB_PUBLISH:
        text(c->publish.channel);
        data(c->publish.data);
        publish(c->publish.channel, c->publish.data);
        break;
    case PL_VERB_HISTORY:
        text(c->history.channel);
        text(c->history.since_epoch);
        break;
    case PL_VERB_SEND:
        data(c->data);
        break;
    case PL_VERB_RPC:
        text(c->rpc.method);
        data(c->rpc.data);
        break;
    case PL_VERB_REFRESH:
        text(c->token);
        break;
    case PL_VERB_SUB_REFRESH:
        text(c->sub_refresh.channel);
        text(c->sub_refresh.token);
        break;
    case PL_VERB_NONE:
    case PL_VERB_PONG:
    case PL_VERB_PING:
        break;
    }
    must(c->id > 0 || c->verb == PL_VERB_PONG || c->verb == PL_VERB_SEND);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pl_arena arena = {.limit = 1 << 20};
    char *copy = malloc(size + (size == 0));
    struct pl_span in = {copy, size};
    enum pl_err rc;

    must(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    do {
        struct pl_span before = in;
        struct pl_command c;
        const char *why = NULL;
        size_t at = 0;

        rc = pl_command_decode(PL_ENCODING_JSON, &in, &arena, &c, &why, &at);
        if (rc == PL_OK) {
            command(&c);
            must(in.len < before.len &&
                 in.at + in.len == before.at + before.len);
        } else {
            must(why != NULL && at <= before.len);
            must(in.at == before.at && in.len == before.len);
        }
    } while (rc == PL_OK && in.len > 0);
    pl_arena_fini(&arena);
    free(copy);
    return 0;
}
