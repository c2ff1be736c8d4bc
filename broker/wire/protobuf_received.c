/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_received.c - decodes replies and pushes from protobuf; see
 * docs/protocol.md.
 *
 * Everything is read by hand, driven by the tables of received_fields.h, and as
 * strict as protobuf_decode.c: nothing is allocated, the depth is that of the
 * tables, and unknown fields are skipped.  A repeated field is read to check
 * it, and then only the rest of the message from its first element on is kept;
 * the caller reads the elements again when it wants them.
 *
 * Rejected: protobuf-c, because it allocates for each element of a list, and
 * the server chooses their number. */
#include "protobuf_codec.h"

#include "protobuf_fields.h"
#include "received_fields.h"

static enum pl_err store(struct pl_protobuf_fault *e, const struct pl_field *f,
                         const struct pl_protobuf_field *in,
                         struct pl_span from, void *to);

static enum pl_err fields(struct pl_protobuf_fault *e,
                          const struct pl_request *r, struct pl_span bytes,
                          void *to)
{
    return pl_protobuf_fields(e, r, bytes, to, store);
}

/* An entry of a map. */
struct entry {
    struct pl_span key;
    struct pl_span value;
};

static const struct pl_field entry_fields[] = {
    PL_FIELD("key", 1, PL_FIELD_TEXT, entry, key),
    PL_FIELD("value", 2, PL_FIELD_DATA, entry, value),
};

/* Read the element of a list, or the entry of a map, that `bytes` is. */
static enum pl_err element(struct pl_protobuf_fault *e, enum pl_field_kind list,
                           struct pl_span bytes, struct pl_span *key,
                           union pl_received_element *out)
{
    static const struct pl_request of_entry = PL_REQUEST("entry", entry_fields);
    struct entry in = {.value = bytes};

    *out = (union pl_received_element){0};
    if (list != PL_FIELD_PUBLICATIONS) {
        in.value = (struct pl_span){0};
        enum pl_err rc = fields(e, &of_entry, bytes, &in);
        if (rc != PL_OK)
            return rc;
        *key = in.key;
        if (in.value.at == NULL)
            return PL_OK;
    }
    if (list != PL_FIELD_TAGS)
        return fields(e, pl_received_element_fields(list), in.value, out);
    out->tag = in.value;
    if (!pl_text_valid(in.value))
        return pl_protobuf_found(e, in.value.at,
                                 "a string is not UTF-8 or has a zero byte");
    return PL_OK;
}

/* Note one more element, which is at the start of `from`. */
static enum pl_err note(struct pl_protobuf_fault *e, const struct pl_field *f,
                        struct pl_span bytes, struct pl_span from,
                        struct pl_received_list *l)
{
    union pl_received_element unused;
    struct pl_span key;
    enum pl_err rc = element(e, f->kind, bytes, &key, &unused);

    if (rc != PL_OK)
        return rc;
    if (l->count++ == 0) {
        l->rest = from;
        l->kind = f->kind;
        l->number = f->number;
    }
    return PL_OK;
}

static enum pl_err content(struct pl_protobuf_fault *e,
                           enum pl_received_kind kind, struct pl_span bytes,
                           struct pl_span from, struct pl_received *out)
{
    if (!pl_received_begin(out, kind))
        return pl_protobuf_found(e, from.at, "a reply has two results");
    return fields(e, &pl_received_contents[kind], bytes,
                  pl_received_content(out));
}

static enum pl_err push(struct pl_protobuf_fault *e, struct pl_span bytes,
                        struct pl_span from, struct pl_received *out)
{
    if (!pl_received_begin(out, PL_RECEIVED_UNKNOWN))
        return pl_protobuf_found(e, from.at, "a reply has two results");
    out->is_push = true;
    return fields(e, &pl_received_push, bytes, out);
}

static enum pl_err info(struct pl_protobuf_fault *e, struct pl_span bytes,
                        struct pl_received_info *out)
{
    out->is_set = true;
    return fields(e, &pl_received_client_info, bytes, out);
}

static enum pl_err store(struct pl_protobuf_fault *e, const struct pl_field *f,
                         const struct pl_protobuf_field *in,
                         struct pl_span from, void *to)
{
    void *place = (char *)to + f->place;

    switch (f->kind) {
    case PL_FIELD_PUSH:
        return push(e, in->bytes, from, to);
    case PL_FIELD_CONTENT:
        return content(e, f->place, in->bytes, from, to);
    case PL_FIELD_INFO:
        return info(e, in->bytes, place);
    case PL_FIELD_PUBLICATIONS:
    case PL_FIELD_TAGS:
    case PL_FIELD_INFOS:
    case PL_FIELD_RESULTS:
        return note(e, f, in->bytes, from, place);
    default:
        pl_protobuf_scalar(f, in, to);
        return PL_OK;
    }
}

static enum pl_err reply(struct pl_protobuf_fault *e, struct pl_span whole,
                         struct pl_received *out)
{
    if (whole.len == 0)
        return PL_OK; /* a ping */
    enum pl_err rc = fields(e, &pl_received_reply, whole, out);
    if (rc == PL_OK && out->kind == PL_RECEIVED_PING)
        out->kind = PL_RECEIVED_UNKNOWN;
    return rc;
}

enum pl_err pl_protobuf_received_decode(struct pl_span *in,
                                        struct pl_received *out,
                                        const char **why, size_t *at)
{
    struct pl_protobuf_fault e = {.where = in->at};
    struct pl_received got = {0};
    enum pl_err rc;
    uint32_t len;

    if (in->len == 0) {
        *why = "no reply";
        *at = 0;
        return PL_EBADMSG;
    }
    struct pl_protobuf r = pl_protobuf_of(*in);
    if (!pl_protobuf_small(&r, &len) || len > (size_t)(r.end - r.at))
        rc = pl_protobuf_found(&e, in->at,
                               "a length beyond the end of the message");
    else
        rc = reply(&e, (struct pl_span){r.at, len}, &got);
    if (rc != PL_OK) {
        *why = e.why;
        *at = (size_t)(e.where - in->at);
        return rc;
    }
    *in = (struct pl_span){r.at + len, (size_t)(r.end - r.at) - len};
    *out = got;
    return PL_OK;
}

enum pl_err pl_protobuf_received_next(struct pl_received_list *l,
                                      struct pl_span *key,
                                      union pl_received_element *out)
{
    struct pl_protobuf r = pl_protobuf_of(l->rest);
    struct pl_protobuf_fault e;
    struct pl_protobuf_field f = {0};

    while (f.number != l->number)
        if (!pl_protobuf_next(&r, &f))
            return PL_EBADMSG; /* not of a list that was checked */
    enum pl_err rc = element(&e, l->kind, f.bytes, key, out);
    if (rc != PL_OK)
        return rc;
    l->rest = (struct pl_span){r.at, (size_t)(r.end - r.at)};
    l->count--;
    return PL_OK;
}
