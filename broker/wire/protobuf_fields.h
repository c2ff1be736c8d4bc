/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_fields.h - reads protobuf messages by the tables of
 * request_fields.h; what commands and replies have in common.
 *
 * Inline, so that a decoder calls its own reader of a field directly. */
#ifndef PL_PROTOBUF_FIELDS_H
#define PL_PROTOBUF_FIELDS_H

#include "err.h"
#include "protobuf_read.h"
#include "request_fields.h"
#include "wire_text.h"

/* What is wrong with a message, and where. */
struct pl_protobuf_fault {
    const char *why; /* constant */
    const char *where;
};

static inline enum pl_err pl_protobuf_found(struct pl_protobuf_fault *e,
                                            const char *where, const char *why)
{
    e->where = where;
    e->why = why;
    return PL_EBADMSG;
}

/* The kinds with the wire type PL_WIRE_BYTES, a bit for each. */
enum {
    PL_FIELDS_OF_BYTES = 1 << PL_FIELD_TEXT | 1 << PL_FIELD_DATA |
                         1 << PL_FIELD_REFUSED_BYTES | 1 << PL_FIELD_PUSH |
                         1 << PL_FIELD_CONTENT | 1 << PL_FIELD_INFO |
                         1 << PL_FIELD_PUBLICATIONS | 1 << PL_FIELD_TAGS |
                         1 << PL_FIELD_INFOS | 1 << PL_FIELD_RESULTS
};

static inline bool pl_field_is_bytes(const struct pl_field *f)
{
    return (PL_FIELDS_OF_BYTES >> f->kind & 1) != 0;
}

/* True if the field may occur several times. */
static inline bool pl_field_is_repeated(const struct pl_field *f)
{
    return f->kind >= PL_FIELD_PUBLICATIONS;
}

static inline const struct pl_field *
pl_protobuf_by_number(const struct pl_request *r, uint32_t number)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->fields[i].number == number)
            return &r->fields[i];
    return NULL;
}

/* Stores field `in`, which is at the start of `from`, as field `f` of `to`;
 * `from` ends with the message. */
typedef enum pl_err pl_protobuf_store(struct pl_protobuf_fault *e,
                                      const struct pl_field *f,
                                      const struct pl_protobuf_field *in,
                                      struct pl_span from, void *to);

/* Store a field that is no message, or the name of one that is refused, in
 * `to`. */
static inline void pl_protobuf_scalar(const struct pl_field *f,
                                      const struct pl_protobuf_field *in,
                                      void *to)
{
    void *place = (char *)to + f->place;

    switch (f->kind) {
    case PL_FIELD_TEXT:
    case PL_FIELD_DATA:
        *(struct pl_span *)place = in->bytes;
        return;
    case PL_FIELD_BOOL:
        *(bool *)place = in->value != 0;
        return;
    case PL_FIELD_U32:
    case PL_FIELD_I32:
        *(uint32_t *)place = (uint32_t)in->value;
        return;
    case PL_FIELD_U64:
    case PL_FIELD_I64:
        *(uint64_t *)place = in->value;
        return;
    case PL_FIELD_REFUSED_BYTES:
        if (in->bytes.len > 0)
            *(const char **)place = f->name;
        return;
    case PL_FIELD_REFUSED_NUMBER:
        if (in->value != 0)
            *(const char **)place = f->name;
        return;
    default:
        return;
    }
}

/* Read the fields of a message; each may occur once, unless it is repeated. */
static inline enum pl_err pl_protobuf_fields(struct pl_protobuf_fault *e,
                                             const struct pl_request *r,
                                             struct pl_span bytes, void *to,
                                             pl_protobuf_store *store)
{
    struct pl_protobuf in = pl_protobuf_of(bytes);
    uint32_t seen = 0;

    while (in.at < in.end) {
        const char *at = in.at;
        struct pl_protobuf_field got;

        got.value = 0; /* the analyzer loses that bytes leave it unread */
        if (!pl_protobuf_next(&in, &got))
            return pl_protobuf_found(e, at, "a field is malformed");
        const struct pl_field *f = pl_protobuf_by_number(r, got.number);
        if (f == NULL)
            continue;
        if ((seen & pl_field_bit(r, f)) && !pl_field_is_repeated(f))
            return pl_protobuf_found(e, at, "a field is given twice");
        seen |= pl_field_bit(r, f);
        if (got.type != (pl_field_is_bytes(f) ? PL_WIRE_BYTES : PL_WIRE_VARINT))
            return pl_protobuf_found(e, at, "a field has the type of another");
        if (f->kind == PL_FIELD_TEXT && !pl_text_valid(got.bytes))
            return pl_protobuf_found(
                e, at, "a string is not UTF-8 or has a zero byte");
        struct pl_span from = {at, (size_t)(in.end - at)};
        enum pl_err rc = store(e, f, &got, from, to);
        if (rc != PL_OK)
            return rc;
    }
    return PL_OK;
}

#endif
