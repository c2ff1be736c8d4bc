/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_read.h - reads the fields of a protobuf message one at a time, in
 * place. */
#ifndef PL_PROTOBUF_READ_H
#define PL_PROTOBUF_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "span.h"

enum pl_wire_type {
    PL_WIRE_VARINT = 0,
    PL_WIRE_64 = 1,
    PL_WIRE_BYTES = 2,
    PL_WIRE_32 = 5
};

struct pl_protobuf {
    const char *at;
    const char *end;
};

struct pl_protobuf_field {
    uint32_t number; /* 1 to 2^29 - 1 */
    enum pl_wire_type type;
    uint64_t value;       /* PL_WIRE_VARINT */
    struct pl_span bytes; /* PL_WIRE_BYTES */
};

static inline struct pl_protobuf pl_protobuf_of(struct pl_span s)
{
    return (struct pl_protobuf){s.at, s.at + s.len};
}

/* Read a varint of two or more bytes, or a truncated one. */
bool pl_protobuf_varint_slow(struct pl_protobuf *r, uint64_t *out);

/* Read a varint of at most ten bytes and 64 bits; false if there is none. */
static inline bool pl_protobuf_varint(struct pl_protobuf *r, uint64_t *out)
{
    if (r->at < r->end && (unsigned char)*r->at < 0x80) {
        *out = (unsigned char)*r->at++;
        return true;
    }
    return pl_protobuf_varint_slow(r, out);
}

/* Read a tag or a length: a varint of at most five bytes and 32 bits, as
 * protobuf-c does. */
static inline bool pl_protobuf_small(struct pl_protobuf *r, uint32_t *out)
{
    const char *begin = r->at;
    uint64_t n;

    if (!pl_protobuf_varint(r, &n) || n > UINT32_MAX || r->at - begin > 5)
        return false;
    *out = (uint32_t)n;
    return true;
}

/* Skip a field of 32 or 64 bits; false if `type` is another. */
bool pl_protobuf_fixed(struct pl_protobuf *r, enum pl_wire_type type);

/* Read the next field; `r` must not be at its end.  Return false if the field
 * is malformed, a group (obsolete long before this protocol) or longer than the
 * rest. */
static inline bool pl_protobuf_next(struct pl_protobuf *r,
                                    struct pl_protobuf_field *f)
{
    uint32_t n;

    if (!pl_protobuf_small(r, &n) || n < 8)
        return false;
    f->number = n >> 3;
    f->type = (enum pl_wire_type)(n & 7);
    if (f->type == PL_WIRE_VARINT)
        return pl_protobuf_varint(r, &f->value);
    if (f->type != PL_WIRE_BYTES)
        return pl_protobuf_fixed(r, f->type);
    if (!pl_protobuf_small(r, &n) || n > (size_t)(r->end - r->at))
        return false;
    f->bytes = (struct pl_span){r->at, n};
    r->at += n;
    return true;
}

#endif
