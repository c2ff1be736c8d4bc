/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_scan.c - see protobuf_scan.h and protobuf_read.h.
 *
 * protobuf-c recurses as deep as the input says, ends strings at a zero byte,
 * accepts invalid UTF-8 and allocates for each field, so the bytes of an
 * untrusted peer must be scanned before.  The scan uses the descriptors that
 * protobuf-c unpacks by, so the two stay consistent when the .proto file grows.
 * After the scan, unpacking fails only if allocation fails. */
#include "protobuf_scan.h"

#include <assert.h>

#include "protobuf_read.h"
#include "wire_text.h"

bool pl_protobuf_varint_slow(struct pl_protobuf *r, uint64_t *out)
{
    uint64_t n = 0;
    const char *at = r->at;

    for (unsigned shift = 0; at < r->end && shift < 64; shift += 7) {
        uint64_t byte = (unsigned char)*at++;

        if (shift == 63 && byte > 1)
            return false; /* more than 64 bits */
        n |= (byte & 0x7F) << shift;
        if (byte < 0x80) {
            r->at = at;
            *out = n;
            return true;
        }
    }
    return false;
}

bool pl_protobuf_fixed(struct pl_protobuf *r, enum pl_wire_type type)
{
    ptrdiff_t len = type == PL_WIRE_64 ? 8 : 4;

    if ((type != PL_WIRE_64 && type != PL_WIRE_32) || r->end - r->at < len)
        return false;
    r->at += len;
    return true;
}

static enum pl_wire_type wire_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PL_WIRE_BYTES;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PL_WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PL_WIRE_64;
    default:
        return PL_WIRE_VARINT;
    }
}

static bool found(struct pl_protobuf_scan *s, const char *at, const char *why)
{
    s->at = at;
    s->why = why;
    return false;
}

/* Return false if the field occurs again and is not repeated. */
static bool note(const ProtobufCMessageDescriptor *type,
                 const ProtobufCFieldDescriptor *f, uint32_t *seen)
{
    size_t i = (size_t)(f - type->fields);

    assert(i < 32);
    bool is_new = (*seen >> i & 1) == 0;
    *seen |= (uint32_t)1 << i;
    return is_new || f->label == PROTOBUF_C_LABEL_REPEATED;
}

static bool field(struct pl_protobuf_scan *s, const struct pl_protobuf_field *f,
                  const ProtobufCFieldDescriptor *known, const char *at,
                  unsigned depth)
{
    if (f->type != wire_type(known->type))
        return found(s, at, "a field has the type of another");
    if (known->type == PROTOBUF_C_TYPE_STRING && !pl_text_valid(f->bytes))
        return found(s, at, "a string is not UTF-8 or has a zero byte");
    if (known->type == PROTOBUF_C_TYPE_MESSAGE)
        return pl_protobuf_scan(s, f->bytes, known->descriptor, depth - 1);
    return true;
}

bool pl_protobuf_scan(struct pl_protobuf_scan *s, struct pl_span bytes,
                      const ProtobufCMessageDescriptor *type, unsigned depth)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    uint32_t seen = 0;

    if (depth == 0)
        return found(s, bytes.at, "nested too deeply");
    while (r.at < r.end) {
        struct pl_protobuf_field f = {0};
        const char *at = r.at;

        if (!pl_protobuf_next(&r, &f))
            return found(s, at, "a field is malformed");
        if (s->fields-- == 0)
            return found(s, at, "too many fields");
        const ProtobufCFieldDescriptor *known =
            protobuf_c_message_descriptor_get_field(type, f.number);
        if (known != NULL && !note(type, known, &seen))
            return found(s, at, "a field is given twice");
        if (known != NULL && !field(s, &f, known, at, depth))
            return false;
    }
    return true;
}
