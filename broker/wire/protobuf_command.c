/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_command.c - encodes commands as protobuf; see docs/protocol.md.
 *
 * Driven by the tables of request_fields.h, and in two passes as in
 * protobuf_encode.c: the sizes first, then the bytes.
 *
 * Invariant: each *_size() is exactly what its put_*() writes. */
#include "protobuf_codec.h"

#include <assert.h>

#include "protobuf_write.h"

/* The number of connect.headers, which the broker does not read; the numbers of
 * the key and the value of a map's entry. */
enum { HEADERS = 6, KEY = 1, VALUE = 2 };

static size_t fields_size(const struct pl_request *r, const void *from);
static char *put_fields(char *at, const struct pl_request *r, const void *from);

/* The number of a field that is one, as protobuf has it: negative ones are
 * extended to 64 bits. */
static uint64_t number_of(const struct pl_field *f, const void *place)
{
    const int32_t *narrow = place;

    switch (f->kind) {
    case PL_FIELD_BOOL:
        return *(const bool *)place;
    case PL_FIELD_I32:
        return (uint64_t)(int64_t)*narrow;
    default: /* 64 bits, with or without a sign */
        return *(const uint64_t *)place;
    }
}

/* An entry of connect.subs has the channel as its key. */
static struct pl_subscribe_request
without_channel(const struct pl_subscribe_request *sub)
{
    struct pl_subscribe_request s = *sub;

    s.channel = (struct pl_span){0};
    return s;
}

static size_t sub_size(const struct pl_subscribe_request *sub)
{
    struct pl_subscribe_request s = without_channel(sub);

    return pl_protobuf_bytes_size(sub->channel) +
           pl_protobuf_block_size(
               fields_size(&pl_requests[PL_VERB_SUBSCRIBE], &s));
}

static size_t subs_size(const struct pl_connect_request *c)
{
    size_t size = 0;

    for (size_t i = 0; i < c->sub_count; i++)
        size += pl_protobuf_block_size(sub_size(&c->subs[i]));
    return size;
}

static char *put_subs(char *at, unsigned number,
                      const struct pl_connect_request *c)
{
    const struct pl_request *r = &pl_requests[PL_VERB_SUBSCRIBE];

    for (size_t i = 0; i < c->sub_count; i++) {
        struct pl_subscribe_request s = without_channel(&c->subs[i]);

        at = pl_protobuf_put_head(at, number, sub_size(&c->subs[i]));
        at = pl_protobuf_put_bytes(at, KEY, c->subs[i].channel);
        at = pl_protobuf_put_head(at, VALUE, fields_size(r, &s));
        at = put_fields(at, r, &s);
    }
    return at;
}

static size_t header_size(const struct pl_connect_header *h)
{
    return pl_protobuf_bytes_size(h->name) + pl_protobuf_bytes_size(h->value);
}

static size_t headers_size(const struct pl_connect_request *c)
{
    size_t size = 0;

    for (size_t i = 0; i < c->header_count; i++)
        size += pl_protobuf_block_size(header_size(&c->headers[i]));
    return size;
}

static char *put_headers(char *at, const struct pl_connect_request *c)
{
    for (size_t i = 0; i < c->header_count; i++) {
        at = pl_protobuf_put_head(at, HEADERS, header_size(&c->headers[i]));
        at = pl_protobuf_put_bytes(at, KEY, c->headers[i].name);
        at = pl_protobuf_put_bytes(at, VALUE, c->headers[i].value);
    }
    return at;
}

static size_t since_size(const struct pl_history_request *h)
{
    if (!h->has_since)
        return 0;
    return pl_protobuf_block_size(fields_size(&pl_request_since, h));
}

static char *put_since(char *at, unsigned number,
                       const struct pl_history_request *h)
{
    if (!h->has_since)
        return at;
    at = pl_protobuf_put_head(at, number, fields_size(&pl_request_since, h));
    return put_fields(at, &pl_request_since, h);
}

static size_t field_size(const struct pl_field *f, const void *from)
{
    const void *place = (const char *)from + f->place;

    switch (f->kind) {
    case PL_FIELD_TEXT:
    case PL_FIELD_DATA:
        return pl_protobuf_bytes_size(*(const struct pl_span *)place);
    case PL_FIELD_SINCE:
        return since_size(from);
    case PL_FIELD_SUBS:
        return subs_size(from);
    case PL_FIELD_REFUSED_BYTES:
    case PL_FIELD_REFUSED_NUMBER:
        return 0; /* refused by parley: never sent */
    default:
        return pl_protobuf_number_size(number_of(f, place));
    }
}

static char *put_field(char *at, const struct pl_field *f, const void *from)
{
    const void *place = (const char *)from + f->place;

    switch (f->kind) {
    case PL_FIELD_TEXT:
    case PL_FIELD_DATA:
        return pl_protobuf_put_bytes(at, f->number,
                                     *(const struct pl_span *)place);
    case PL_FIELD_SINCE:
        return put_since(at, f->number, from);
    case PL_FIELD_SUBS:
        return put_subs(at, f->number, from);
    case PL_FIELD_REFUSED_BYTES:
    case PL_FIELD_REFUSED_NUMBER:
        return at;
    default:
        return pl_protobuf_put_number(at, f->number, number_of(f, place));
    }
}

static size_t fields_size(const struct pl_request *r, const void *from)
{
    size_t size = 0;

    for (size_t i = 0; i < r->count; i++)
        size += field_size(&r->fields[i], from);
    return size;
}

static char *put_fields(char *at, const struct pl_request *r, const void *from)
{
    for (size_t i = 0; i < r->count; i++)
        at = put_field(at, &r->fields[i], from);
    return at;
}

void pl_protobuf_command_encode(struct pl_buf *b, const struct pl_command *c)
{
    const struct pl_request *r = &pl_requests[c->verb];
    const void *request = pl_command_request_of(c);
    bool is_connect = c->verb == PL_VERB_CONNECT;
    uint32_t id = c->verb == PL_VERB_SEND ? 0 : c->id;
    size_t inner =
        fields_size(r, request) + (is_connect ? headers_size(&c->connect) : 0);
    size_t size = pl_protobuf_number_size(id) + pl_protobuf_block_size(inner);
    char *at = pl_buf_reserve(b, pl_protobuf_varint_size(size) + size);

    if (at == NULL)
        return;
    at = pl_protobuf_put_varint(at, size);
    at = pl_protobuf_put_number(at, PL_COMMAND_ID_NUMBER, id);
    at = pl_protobuf_put_head(at, pl_verb_number(c->verb), inner);
    at = put_fields(at, r, request);
    if (is_connect)
        at = put_headers(at, &c->connect);
    b->len += pl_protobuf_varint_size(size) + size;
    assert(at == b->data + b->len);
    (void)at;
}
