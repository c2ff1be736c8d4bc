/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_decode.c - decodes commands from protobuf; see docs/protocol.md.
 *
 * Frequent commands are read here by hand, driven by the tables of
 * request_fields.h: strings and payloads are spans of the input and nothing is
 * allocated, five times as fast as unpacking.  Commands that clients send once,
 * with a map or a message inside, go through protobuf-c (protobuf_cold.c).
 *
 * A command with two requests, even of one kind, is malformed, and so is a
 * repeated field.  Protobuf would merge the requests and use the last field,
 * but no encoder writes either, one of two would be ignored, and JSON is read
 * in the same way.  As protobuf specifies, numbers too long for their field are
 * truncated and unknown fields skipped.
 *
 * Like proto3, protobuf-c does not distinguish empty bytes from absent ones. */
#include "protobuf_codec.h"

#include "protobuf_fields.h"

/* The fields of a command's envelope. */
struct envelope {
    struct pl_span whole;
    struct pl_span request;
    bool has_id;
    struct pl_protobuf_fault fault;
};

static enum pl_err found(struct envelope *e, const char *where, const char *why)
{
    return pl_protobuf_found(&e->fault, where, why);
}

static enum pl_err store(struct pl_protobuf_fault *e, const struct pl_field *f,
                         const struct pl_protobuf_field *in,
                         struct pl_span from, void *to)
{
    (void)e; /* every value of the right type is taken */
    (void)from;
    pl_protobuf_scalar(f, in, to);
    return PL_OK;
}

/* Read the fields of a request; each may occur once. */
static enum pl_err request(struct envelope *e, const struct pl_request *r,
                           struct pl_span bytes, void *to)
{
    return pl_protobuf_fields(&e->fault, r, bytes, to, store);
}

/* Handle one field of the envelope, which is at `at`. */
static enum pl_err note(struct envelope *e, struct pl_command *c,
                        const struct pl_protobuf_field *f, const char *at)
{
    enum pl_verb verb = pl_verb_of_number(f->number);

    if (f->number != PL_COMMAND_ID_NUMBER && verb == PL_VERB_NONE)
        return PL_OK;
    if (f->type != (verb == PL_VERB_NONE ? PL_WIRE_VARINT : PL_WIRE_BYTES))
        return found(e, at, "a field has the type of another");
    if (verb == PL_VERB_NONE) {
        if (e->has_id)
            return found(e, at, "a field is given twice");
        e->has_id = true;
        c->id = (uint32_t)f->value;
        return PL_OK;
    }
    if (c->verb != PL_VERB_NONE)
        return found(e, at, "a command has two requests");
    c->verb = verb;
    e->request = f->bytes;
    return PL_OK;
}

static enum pl_err envelope(struct envelope *e, struct pl_command *c)
{
    struct pl_protobuf r = pl_protobuf_of(e->whole);
    enum pl_err rc = PL_OK;

    while (rc == PL_OK && r.at < r.end) {
        const char *at = r.at;
        struct pl_protobuf_field f;

        if (!pl_protobuf_next(&r, &f))
            return found(e, at, "a field is malformed");
        rc = note(e, c, &f, at);
    }
    return rc;
}

static bool is_cold(enum pl_verb verb)
{
    return verb == PL_VERB_CONNECT || verb == PL_VERB_HISTORY ||
           verb == PL_VERB_SUB_REFRESH;
}

/* Decode the whole command through protobuf-c. */
static enum pl_err cold(struct envelope *e, struct pl_arena *arena,
                        struct pl_command *c)
{
    e->fault.where = e->whole.at;
    e->fault.why = "out of memory";
    return pl_protobuf_cold_decode(e->whole, arena, c, &e->fault.why);
}

static enum pl_err command(struct envelope *e, struct pl_arena *arena,
                           struct pl_command *c)
{
    enum pl_err rc = envelope(e, c);

    if (rc == PL_OK && is_cold(c->verb))
        rc = pl_protobuf_cold_check(e->whole, &e->fault.why, &e->fault.where);
    if (rc != PL_OK)
        return rc;
    if (pl_command_resolve(c) != PL_OK)
        return found(e, e->whole.at, "a request without an id");
    if (c->verb <= PL_VERB_PONG)
        return PL_OK;
    if (is_cold(c->verb))
        return cold(e, arena, c);
    return request(e, &pl_requests[c->verb], e->request, pl_command_request(c));
}

enum pl_err pl_protobuf_command_decode(struct pl_span *in,
                                       struct pl_arena *arena,
                                       struct pl_command *out, const char **why,
                                       size_t *at)
{
    struct pl_protobuf r = pl_protobuf_of(*in);
    struct pl_command c = {0};
    struct envelope e = {.fault.where = in->at};
    enum pl_err rc;
    uint32_t len;

    if (!pl_protobuf_small(&r, &len) || len > (size_t)(r.end - r.at)) {
        rc = found(&e, in->at, "a length beyond the end of the message");
    } else {
        e.whole = (struct pl_span){r.at, len};
        rc = command(&e, arena, &c);
    }
    if (rc != PL_OK) {
        *why = e.fault.why;
        *at = (size_t)(e.fault.where - in->at);
        return rc;
    }
    *in = (struct pl_span){r.at + len, (size_t)(r.end - r.at) - len};
    *out = c;
    return PL_OK;
}
