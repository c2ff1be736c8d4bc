/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_encode.c - encodes replies and pushes as protobuf; see
 * docs/protocol.md.
 *
 * The frequent ones are written by hand.  A nested message has its length
 * before it, so the sizes are computed first, from the inside out, space for
 * everything is reserved once, and then everything is written without further
 * checks.  The others go through protobuf-c (protobuf_cold.c).
 *
 * Rejected: writing from the back, which needs no sizes, because the buffer
 * already has content.
 *
 * Invariant: each *_size() is exactly what its put_*() writes; begin() returns
 * the start and finish() asserts the end. */
#include "protobuf_codec.h"

#include <assert.h>

#include "protobuf_write.h"
#include "tags.h"

/* ---- Messages ---- */

static size_t info_size(const struct pl_client_info *i)
{
    return pl_protobuf_bytes_size(i->user) + pl_protobuf_bytes_size(i->client) +
           pl_protobuf_bytes_size(i->conn_info) +
           pl_protobuf_bytes_size(i->chan_info);
}

static char *put_info(char *at, const struct pl_client_info *i)
{
    at = pl_protobuf_put_bytes(at, 1, i->user);
    at = pl_protobuf_put_bytes(at, 2, i->client);
    at = pl_protobuf_put_bytes(at, 3, i->conn_info);
    return pl_protobuf_put_bytes(at, 4, i->chan_info);
}

static size_t tag_size(struct pl_span key, struct pl_span value)
{
    return pl_protobuf_bytes_size(key) + pl_protobuf_bytes_size(value);
}

/* Entries of a map, with the members 1 and 2. */
static size_t tags_size(struct pl_span tags)
{
    struct pl_span key, value;
    size_t size = 0;

    while (pl_tags_next(&tags, &key, &value))
        size += pl_protobuf_block_size(tag_size(key, value));
    return size;
}

static char *put_tags(char *at, struct pl_span tags)
{
    struct pl_span key, value;

    while (pl_tags_next(&tags, &key, &value)) {
        at = pl_protobuf_put_head(at, 7, tag_size(key, value));
        at = pl_protobuf_put_bytes(at, 1, key);
        at = pl_protobuf_put_bytes(at, 2, value);
    }
    return at;
}

static size_t publication_size(const struct pl_publication *p)
{
    size_t size =
        pl_protobuf_bytes_size(p->data) + pl_protobuf_number_size(p->offset);

    if (p->info != NULL)
        size += pl_protobuf_block_size(info_size(p->info));
    else if (p->tags.len > 0)
        size += tags_size(p->tags);
    return size;
}

static char *put_publication(char *at, const struct pl_publication *p)
{
    at = pl_protobuf_put_bytes(at, 4, p->data);
    if (p->info != NULL) {
        at = put_info(pl_protobuf_put_head(at, 5, info_size(p->info)), p->info);
        return pl_protobuf_put_number(at, 6, p->offset);
    }
    at = pl_protobuf_put_number(at, 6, p->offset);
    return p->tags.len > 0 ? put_tags(at, p->tags) : at;
}

static size_t subscribe_result_size(const struct pl_subscribe_result *r)
{
    size_t size = pl_protobuf_number_size(r->expires) +
                  pl_protobuf_number_size(r->ttl) +
                  pl_protobuf_number_size(r->recoverable) +
                  pl_protobuf_bytes_size(r->epoch) +
                  pl_protobuf_number_size(r->recovered) +
                  pl_protobuf_number_size(r->offset) +
                  pl_protobuf_number_size(r->positioned) +
                  pl_protobuf_bytes_size(r->data) +
                  pl_protobuf_number_size(r->was_recovering);

    for (size_t i = 0; i < r->publication_count; i++)
        size += pl_protobuf_block_size(publication_size(&r->publications[i]));
    return size;
}

static char *put_subscribe_result(char *at, const struct pl_subscribe_result *r)
{
    at = pl_protobuf_put_number(at, 1, r->expires);
    at = pl_protobuf_put_number(at, 2, r->ttl);
    at = pl_protobuf_put_number(at, 3, r->recoverable);
    at = pl_protobuf_put_bytes(at, 6, r->epoch);
    for (size_t i = 0; i < r->publication_count; i++) {
        at = pl_protobuf_put_head(at, 7, publication_size(&r->publications[i]));
        at = put_publication(at, &r->publications[i]);
    }
    at = pl_protobuf_put_number(at, 8, r->recovered);
    at = pl_protobuf_put_number(at, 9, r->offset);
    at = pl_protobuf_put_number(at, 10, r->positioned);
    at = pl_protobuf_put_bytes(at, 11, r->data);
    return pl_protobuf_put_number(at, 12, r->was_recovering);
}

static size_t subscribe_push_size(const struct pl_subscribe_result *r)
{
    return pl_protobuf_number_size(r->recoverable) +
           pl_protobuf_bytes_size(r->epoch) +
           pl_protobuf_number_size(r->offset) +
           pl_protobuf_number_size(r->positioned) +
           pl_protobuf_bytes_size(r->data);
}

static char *put_subscribe_push(char *at, const struct pl_subscribe_result *r)
{
    at = pl_protobuf_put_number(at, 1, r->recoverable);
    at = pl_protobuf_put_bytes(at, 4, r->epoch);
    at = pl_protobuf_put_number(at, 5, r->offset);
    at = pl_protobuf_put_number(at, 6, r->positioned);
    return pl_protobuf_put_bytes(at, 7, r->data);
}

static size_t error_size(const struct pl_reply *r)
{
    return pl_protobuf_number_size(r->error.code) +
           pl_protobuf_bytes_size(r->error.message) +
           pl_protobuf_number_size(r->error.temporary);
}

static char *put_error(char *at, const struct pl_reply *r)
{
    at = pl_protobuf_put_number(at, 1, r->error.code);
    at = pl_protobuf_put_bytes(at, 2, r->error.message);
    return pl_protobuf_put_number(at, 3, r->error.temporary);
}

/* ---- Replies and pushes ---- */

/* Reserve space for a Reply of `size` bytes and write its length; NULL: out of
 * memory. */
static char *begin(struct pl_buf *b, size_t size)
{
    char *at = pl_buf_reserve(b, pl_protobuf_varint_size(size) + size);

    return at == NULL ? NULL : pl_protobuf_put_varint(at, size);
}

/* Finish a Reply of `size` bytes, which must end at `at`. */
static void finish(struct pl_buf *b, const char *at, size_t size)
{
    b->len += pl_protobuf_varint_size(size) + size;
    assert(at == b->data + b->len);
    (void)at;
}

/* The size of the result of this kind of reply. */
static size_t result_size(const struct pl_reply *r)
{
    switch (r->kind) {
    case PL_REPLY_ERROR:
        return error_size(r);
    case PL_REPLY_SUBSCRIBE:
        return subscribe_result_size(&r->subscribe);
    case PL_REPLY_RPC:
        return pl_protobuf_bytes_size(r->rpc);
    default:
        return 0; /* unsubscribe and publish have an empty result */
    }
}

static char *put_result(char *at, const struct pl_reply *r)
{
    switch (r->kind) {
    case PL_REPLY_ERROR:
        return put_error(at, r);
    case PL_REPLY_SUBSCRIBE:
        return put_subscribe_result(at, &r->subscribe);
    case PL_REPLY_RPC:
        return pl_protobuf_put_bytes(at, 1, r->rpc);
    default:
        return at;
    }
}

/* The field number of a frequent result in Reply; 0: protobuf-c writes it. */
static unsigned result_number(enum pl_reply_kind kind)
{
    switch (kind) {
    case PL_REPLY_ERROR:
        return 2;
    case PL_REPLY_SUBSCRIBE:
        return 6;
    case PL_REPLY_UNSUBSCRIBE:
        return 7;
    case PL_REPLY_PUBLISH:
        return 8;
    case PL_REPLY_RPC:
        return 13;
    default:
        return 0;
    }
}

void pl_protobuf_reply_encode(struct pl_buf *b, const struct pl_reply *reply)
{
    unsigned number = result_number(reply->kind);

    if (number == 0) {
        pl_protobuf_cold_encode(b, reply);
        return;
    }
    size_t inner = result_size(reply);
    size_t size =
        pl_protobuf_number_size(reply->id) + pl_protobuf_block_size(inner);
    char *at = begin(b, size);
    if (at == NULL)
        return;
    at = pl_protobuf_put_number(at, 1, reply->id);
    at = put_result(pl_protobuf_put_head(at, number, inner), reply);
    finish(b, at, size);
}

/* The field number in Push of this kind of push. */
static unsigned push_number(enum pl_push_kind kind)
{
    static const unsigned numbers[] = {
        [PL_PUSH_PUBLICATION] = 4, [PL_PUSH_JOIN] = 5,
        [PL_PUSH_LEAVE] = 6,       [PL_PUSH_UNSUBSCRIBE] = 7,
        [PL_PUSH_MESSAGE] = 8,     [PL_PUSH_SUBSCRIBE] = 9,
    };

    return numbers[kind];
}

static size_t push_size(const struct pl_push *p)
{
    switch (p->kind) {
    case PL_PUSH_PUBLICATION:
        return publication_size(&p->publication);
    case PL_PUSH_JOIN:
    case PL_PUSH_LEAVE:
        return pl_protobuf_block_size(info_size(&p->client));
    case PL_PUSH_UNSUBSCRIBE:
        return pl_protobuf_number_size(p->unsubscribe.code) +
               pl_protobuf_bytes_size(p->unsubscribe.reason);
    case PL_PUSH_MESSAGE:
        return pl_protobuf_bytes_size(p->data);
    default:
        return subscribe_push_size(&p->subscribe);
    }
}

static char *put_push(char *at, const struct pl_push *p)
{
    switch (p->kind) {
    case PL_PUSH_PUBLICATION:
        return put_publication(at, &p->publication);
    case PL_PUSH_JOIN:
    case PL_PUSH_LEAVE:
        at = pl_protobuf_put_head(at, 1, info_size(&p->client));
        return put_info(at, &p->client);
    case PL_PUSH_UNSUBSCRIBE:
        at = pl_protobuf_put_number(at, 2, p->unsubscribe.code);
        return pl_protobuf_put_bytes(at, 3, p->unsubscribe.reason);
    case PL_PUSH_MESSAGE:
        return pl_protobuf_put_bytes(at, 1, p->data);
    default:
        return put_subscribe_push(at, &p->subscribe);
    }
}

void pl_protobuf_push_encode(struct pl_buf *b, const struct pl_push *push)
{
    size_t inner = push_size(push);
    size_t middle =
        pl_protobuf_bytes_size(push->channel) + pl_protobuf_block_size(inner);
    size_t size = pl_protobuf_block_size(middle);
    char *at = begin(b, size);

    if (at == NULL)
        return;
    at = pl_protobuf_put_head(at, 4, middle);
    at = pl_protobuf_put_bytes(at, 2, push->channel);
    at = put_push(pl_protobuf_put_head(at, push_number(push->kind), inner),
                  push);
    finish(b, at, size);
}
