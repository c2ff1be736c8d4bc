/* SPDX-License-Identifier: Apache-2.0 */
/* json_command.c - encodes commands as JSON; see docs/protocol.md.
 *
 * Driven by the tables of request_fields.h, so that a request has the members
 * that the broker reads.  Zero values are omitted.
 *
 * A payload comes from the application and must not break the frame, so it is
 * copied first and checked in the copy: the check changes raw newlines, which
 * would end the command for other servers, and must not write to memory of the
 * application. */
#include "json_codec.h"

#include "json_scan.h"

#define PUT(b, literal) pl_buf_put(b, literal, sizeof(literal) - 1)

/* A writer of members; `comma` is false at the start of an object. */
struct out {
    struct pl_buf *b;
    const char *why;
    size_t at;
    bool comma;
};

bool pl_json_data_encode(struct pl_buf *b, struct pl_span text,
                         const char **why, size_t *at)
{
    size_t begin = b->len;
    struct pl_json j;

    pl_buf_put_span(b, text);
    if (b->failed)
        return true;
    struct pl_span copy = {text.len == 0 ? "" : b->data + begin, text.len};
    pl_json_init(&j, copy, NULL);
    pl_json_space(&j);
    bool ok = pl_json_skip(&j, PL_JSON_DEPTH_MAX);
    if (ok) {
        pl_json_space(&j);
        ok = j.at == j.end || pl_json_fail(&j, "more than one JSON value");
    }
    if (!ok) {
        *why = j.why;
        *at = (size_t)(j.at - copy.at);
    }
    return ok;
}

static void comma(struct out *o)
{
    if (o->comma)
        PUT(o->b, ",");
    o->comma = true;
}

static void open_object(struct out *o)
{
    PUT(o->b, "{");
    o->comma = false;
}

static void close_object(struct out *o)
{
    PUT(o->b, "}");
    o->comma = true;
}

/* The key of a member, which needs no escapes. */
static void put_name(struct out *o, const char *name, size_t len)
{
    comma(o);
    PUT(o->b, "\"");
    pl_buf_put(o->b, name, len);
    PUT(o->b, "\":");
}

static void put_key(struct out *o, struct pl_span key)
{
    comma(o);
    pl_json_text_encode(o->b, key);
    PUT(o->b, ":");
}

static void put_text(struct out *o, const struct pl_field *f, struct pl_span s)
{
    if (s.len == 0)
        return;
    put_name(o, f->name, f->name_len);
    pl_json_text_encode(o->b, s);
}

static bool put_data(struct out *o, const struct pl_field *f, struct pl_span s)
{
    if (s.at == NULL)
        return true;
    put_name(o, f->name, f->name_len);
    return pl_json_data_encode(o->b, s, &o->why, &o->at);
}

static void put_true(struct out *o, const struct pl_field *f, bool yes)
{
    if (!yes)
        return;
    put_name(o, f->name, f->name_len);
    PUT(o->b, "true");
}

static void put_unsigned(struct out *o, const struct pl_field *f, uint64_t n)
{
    if (n == 0)
        return;
    put_name(o, f->name, f->name_len);
    pl_json_number_encode(o->b, n);
}

static void put_signed(struct out *o, const struct pl_field *f, int64_t n)
{
    if (n >= 0) {
        put_unsigned(o, f, (uint64_t)n);
        return;
    }
    put_name(o, f->name, f->name_len);
    PUT(o->b, "-");
    pl_json_number_encode(o->b, 0 - (uint64_t)n);
}

static bool put_fields(struct out *o, const struct pl_request *r,
                       const void *from);

/* connect.subs: a map from channels to subscribe requests. */
static bool put_subs(struct out *o, const struct pl_connect_request *c)
{
    if (c->sub_count == 0)
        return true;
    put_name(o, "subs", 4);
    open_object(o);
    for (size_t i = 0; i < c->sub_count; i++) {
        struct pl_subscribe_request sub = c->subs[i];

        put_key(o, sub.channel);
        sub.channel = (struct pl_span){0};
        if (!put_fields(o, &pl_requests[PL_VERB_SUBSCRIBE], &sub))
            return false;
    }
    close_object(o);
    return true;
}

static bool put_since(struct out *o, const struct pl_history_request *h)
{
    if (!h->has_since)
        return true;
    put_name(o, "since", 5);
    return put_fields(o, &pl_request_since, h);
}

static bool put_field(struct out *o, const struct pl_field *f, const void *from)
{
    const void *place = (const char *)from + f->place;

    switch (f->kind) {
    case PL_FIELD_TEXT:
        put_text(o, f, *(const struct pl_span *)place);
        return true;
    case PL_FIELD_DATA:
        return put_data(o, f, *(const struct pl_span *)place);
    case PL_FIELD_BOOL:
        put_true(o, f, *(const bool *)place);
        return true;
    case PL_FIELD_U64:
        put_unsigned(o, f, *(const uint64_t *)place);
        return true;
    case PL_FIELD_I32:
        put_signed(o, f, *(const int32_t *)place);
        return true;
    case PL_FIELD_I64:
        put_signed(o, f, *(const int64_t *)place);
        return true;
    case PL_FIELD_SINCE:
        return put_since(o, from);
    case PL_FIELD_SUBS:
        return put_subs(o, from);
    default:
        return true; /* refused by parley: never sent */
    }
}

static bool put_members(struct out *o, const struct pl_request *r,
                        const void *from)
{
    for (size_t i = 0; i < r->count; i++)
        if (!put_field(o, &r->fields[i], from))
            return false;
    return true;
}

static bool put_fields(struct out *o, const struct pl_request *r,
                       const void *from)
{
    open_object(o);
    if (!put_members(o, r, from))
        return false;
    close_object(o);
    return true;
}

/* connect.headers, which the broker does not read. */
static void put_headers(struct out *o, const struct pl_connect_request *c)
{
    if (c->header_count == 0)
        return;
    put_name(o, "headers", 7);
    open_object(o);
    for (size_t i = 0; i < c->header_count; i++) {
        put_key(o, c->headers[i].name);
        pl_json_text_encode(o->b, c->headers[i].value);
    }
    close_object(o);
}

enum pl_err pl_json_command_encode(struct pl_buf *b, const struct pl_command *c,
                                   const char **why, size_t *at)
{
    const struct pl_request *r = &pl_requests[c->verb];
    struct out o = {.b = b};

    open_object(&o);
    if (c->verb != PL_VERB_SEND) {
        put_name(&o, "id", 2);
        pl_json_number_encode(b, c->id);
    }
    put_name(&o, r->name, r->name_len);
    open_object(&o);
    if (!put_members(&o, r, pl_command_request_of(c))) {
        *why = o.why;
        *at = o.at;
        return PL_EINVAL;
    }
    if (c->verb == PL_VERB_CONNECT)
        put_headers(&o, &c->connect);
    close_object(&o);
    close_object(&o);
    return PL_OK;
}
