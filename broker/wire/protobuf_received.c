/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_received.c - decodes replies and pushes from protobuf; see
 * docs/protocol.md.
 *
 * Everything is read by hand, driven by the tables of received_fields.h but for
 * the usual publication, and as strict as protobuf_decode.c: nothing is
 * allocated, the depth is that of the tables, and unknown fields are skipped.
 * A repeated field is read to check it, and then only the rest of the message
 * from its first element on is kept; the caller reads the elements again when
 * it wants them.
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

/* ---- The usual push ---- */

/* A tag of one byte. */
#define TAG(number, type) ((number) << 3 | (type))

/* Read the bytes of a field that did not come before. */
static inline __attribute__((always_inline)) bool
take_bytes(struct pl_protobuf *r, struct pl_span *out)
{
    uint32_t len;

    if (out->at != NULL || !pl_protobuf_small(r, &len) ||
        len > (size_t)(r->end - r->at))
        return false;
    *out = (struct pl_span){r->at, len};
    r->at += len;
    return true;
}

static bool take_text(struct pl_protobuf *r, struct pl_span *out)
{
    return take_bytes(r, out) && pl_text_valid(*out);
}

static bool quick_info(struct pl_span bytes, struct pl_received_info *out)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    bool goes_on = true;

    out->is_set = true;
    while (goes_on && r.at < r.end)
        switch ((unsigned char)*r.at++) {
        case TAG(1, PL_WIRE_BYTES):
            goes_on = take_text(&r, &out->user);
            break;
        case TAG(2, PL_WIRE_BYTES):
            goes_on = take_text(&r, &out->client);
            break;
        case TAG(3, PL_WIRE_BYTES):
            goes_on = take_bytes(&r, &out->conn_info);
            break;
        case TAG(4, PL_WIRE_BYTES):
            goes_on = take_bytes(&r, &out->chan_info);
            break;
        default:
            goes_on = false;
        }
    return goes_on;
}

static bool quick_publication(struct pl_span bytes,
                              struct pl_received_publication *out)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_span info = {0};
    uint64_t time_ms = 0;
    bool goes_on = true;

    while (goes_on && r.at < r.end)
        switch ((unsigned char)*r.at++) {
        case TAG(4, PL_WIRE_BYTES):
            goes_on = take_bytes(&r, &out->data);
            break;
        case TAG(5, PL_WIRE_BYTES):
            goes_on = take_bytes(&r, &info) && quick_info(info, &out->info);
            break;
        case TAG(6, PL_WIRE_VARINT):
            goes_on = out->offset == 0 &&
                      pl_protobuf_varint(&r, &out->offset) && out->offset != 0;
            break;
        case TAG(9, PL_WIRE_VARINT):
            goes_on = time_ms == 0 && pl_protobuf_varint(&r, &time_ms) &&
                      time_ms != 0;
            break;
        default:
            goes_on = false;
        }
    out->time_ms = (int64_t)time_ms;
    return goes_on;
}

/* Read a publication for a named channel that has the fields which nearly all
 * have, without the tables: a quarter of the instructions.  Return false if it
 * is anything else, or wrong: then the tables decide. */
static bool quick_push(struct pl_span whole, struct pl_received *out)
{
    struct pl_protobuf r = pl_protobuf_of(whole);
    struct pl_span push = {0}, pub = {0};
    bool goes_on = true;

    if (*r.at++ != TAG(4, PL_WIRE_BYTES) || !take_bytes(&r, &push) ||
        r.at != r.end)
        return false;
    r = pl_protobuf_of(push);
    while (goes_on && r.at < r.end)
        switch ((unsigned char)*r.at++) {
        case TAG(2, PL_WIRE_BYTES):
            goes_on = take_text(&r, &out->channel);
            break;
        case TAG(4, PL_WIRE_BYTES):
            goes_on = take_bytes(&r, &pub) &&
                      quick_publication(pub, &out->publication);
            break;
        default:
            goes_on = false;
        }
    out->kind = PL_RECEIVED_PUBLICATION;
    out->is_push = true;
    return goes_on && pub.at != NULL;
}

static enum pl_err reply(struct pl_protobuf_fault *e, struct pl_span whole,
                         struct pl_received *out)
{
    if (whole.len == 0)
        return PL_OK; /* a ping */
    if (quick_push(whole, out))
        return PL_OK;
    *out = (struct pl_received){0};
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
