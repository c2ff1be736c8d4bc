/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_write.h - writes the fields of a protobuf message.
 *
 * Each put takes the place to write to and returns the place after it; the
 * caller has reserved what the size function of the same name says.  All field
 * numbers are below 16, so a tag is one byte. */
#ifndef PL_PROTOBUF_WRITE_H
#define PL_PROTOBUF_WRITE_H

#include <stdint.h>
#include <string.h>

#include "protobuf_read.h"
#include "span.h"

static inline size_t pl_protobuf_varint_size(uint64_t n)
{
    return (70 - (size_t)__builtin_clzll(n | 1)) / 7;
}

static inline char *pl_protobuf_put_varint(char *at, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *at++ = (char)(n | 0x80);
    *at++ = (char)n;
    return at;
}

/* A message or string of `len` bytes with its tag and length. */
static inline size_t pl_protobuf_block_size(size_t len)
{
    return 1 + pl_protobuf_varint_size(len) + len;
}

static inline char *pl_protobuf_put_head(char *at, unsigned number, size_t len)
{
    *at++ = (char)(number << 3 | PL_WIRE_BYTES);
    return pl_protobuf_put_varint(at, len);
}

/* A string or bytes, omitted if empty. */
static inline size_t pl_protobuf_bytes_size(struct pl_span s)
{
    return s.len == 0 ? 0 : pl_protobuf_block_size(s.len);
}

static inline char *pl_protobuf_put_bytes(char *at, unsigned number,
                                          struct pl_span s)
{
    if (s.len == 0)
        return at;
    at = pl_protobuf_put_head(at, number, s.len);
    memcpy(at, s.at, s.len);
    return at + s.len;
}

/* A number or a boolean, omitted if zero. */
static inline size_t pl_protobuf_number_size(uint64_t n)
{
    return n == 0 ? 0 : 1 + pl_protobuf_varint_size(n);
}

static inline char *pl_protobuf_put_number(char *at, unsigned number,
                                           uint64_t n)
{
    if (n == 0)
        return at;
    *at++ = (char)(number << 3 | PL_WIRE_VARINT);
    return pl_protobuf_put_varint(at, n);
}

#endif
