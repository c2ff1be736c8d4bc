/* SPDX-License-Identifier: Apache-2.0 */
/* json_decode.c - decodes commands from JSON; see docs/protocol.md.
 *
 * One pass over the text, driven by the tables of request_fields.h.  A known
 * key must have the type of its field; a null is skipped like a missing key;
 * unknown keys are skipped.  A known key that occurs twice is malformed, and so
 * is a command with two requests: one of the two would be ignored.
 *
 * The grammar separates commands: a command ends at its closing brace, followed
 * by the end of the message or one newline, with only blanks around it.
 *
 * Rejected: splitting at newlines first, because it reads each byte twice and
 * refuses the raw newlines that RFC 8259 allows in a payload.  For the SDKs,
 * which write no newline inside a command, the result is the same. */
#include "json_codec.h"

#include "json_fields.h"

/* The nesting depths in a command.  Unknown values may nest up to
 * PL_COMMAND_DEPTH_MAX, counted from the command. */
enum { AT_COMMAND = 1, AT_REQUEST, AT_SUBS, AT_SUB };

static bool fields(struct pl_json *j, const struct pl_request *r, void *request,
                   unsigned depth);
static bool subs(struct pl_json *j, struct pl_connect_request *c);

static bool since(struct pl_json *j, struct pl_history_request *h,
                  unsigned depth)
{
    h->has_since = true;
    return fields(j, &pl_request_since, h, depth);
}

/* A field that is refused unless its value is the default. */
static bool refused(struct pl_json *j, const struct pl_field *f,
                    const char **place, unsigned depth)
{
    const char *begin = j->at;

    if (!pl_json_skip(j, PL_COMMAND_DEPTH_MAX - depth))
        return false;
    struct pl_span value = {begin, (size_t)(j->at - begin)};
    if (!pl_span_equal(value, PL_SPAN("0")) &&
        !pl_span_equal(value, PL_SPAN("false")) &&
        !pl_span_equal(value, PL_SPAN("\"\"")))
        *place = f->name;
    return true;
}

static bool field(struct pl_json *j, const struct pl_field *f, void *request,
                  unsigned depth)
{
    void *place = (char *)request + f->place;

    if (f->kind <= PL_FIELD_I64)
        return pl_json_scalar(j, f, request);
    switch (f->kind) {
    case PL_FIELD_REFUSED_BYTES:
    case PL_FIELD_REFUSED_NUMBER:
        return refused(j, f, place, depth);
    case PL_FIELD_SINCE:
        return since(j, request, depth + 1);
    default: /* PL_FIELD_SUBS */
        return subs(j, request);
    }
}

/* Read an object with the fields of `r` at depth `depth`.  Not inlined, because
 * field() is part of it. */
static __attribute__((noinline)) bool fields(struct pl_json *j,
                                             const struct pl_request *r,
                                             void *request, unsigned depth)
{
    return pl_json_fields(j, r, request, depth, PL_COMMAND_DEPTH_MAX, false,
                          field);
}

static bool no_memory(struct pl_json *j)
{
    j->why = "out of memory";
    j->err = PL_ENOMEM;
    return false;
}

/* Append an element to `list`, which is full at powers of two. */
static struct pl_subscribe_request *
sub_append(struct pl_json *j, struct pl_subscribe_request **list, size_t count)
{
    if (count >= PL_COMMAND_SUBS_MAX) {
        pl_json_fail(j, "too many subscriptions");
        return NULL;
    }
    if ((count & (count - 1)) == 0) {
        size_t space = count == 0 ? 1 : count * 2;
        void *more = pl_arena_alloc(j->arena, space * sizeof(**list));

        if (more == NULL) {
            no_memory(j);
            return NULL;
        }
        if (count > 0)
            memcpy(more, *list, count * sizeof(**list));
        *list = more;
    }
    (*list)[count] = (struct pl_subscribe_request){0};
    return &(*list)[count];
}

/* connect.subs: an object that maps channels to subscribe requests. */
static bool subs(struct pl_json *j, struct pl_connect_request *c)
{
    struct pl_subscribe_request *list = NULL;
    struct pl_span channel;
    size_t count = 0;

    if (!pl_json_take(j, '{'))
        return pl_json_fail(j, "an object is expected");
    for (bool first = true; pl_json_member(j, &first, &channel);) {
        if (pl_json_null(j))
            continue;
        struct pl_subscribe_request *s = sub_append(j, &list, count);
        if (s == NULL || !fields(j, &pl_requests[PL_VERB_SUBSCRIBE], s, AT_SUB))
            return false;
        s->channel = channel; /* the key counts, not a channel inside */
        count++;
    }
    if (j->err != PL_OK)
        return false;
    c->subs = list;
    c->sub_count = count;
    enum pl_err rc = pl_subs_unique(list, count, j->arena);
    if (rc == PL_EEXIST)
        return pl_json_fail(j, "a channel is given twice");
    return rc == PL_OK || no_memory(j);
}

static bool request(struct pl_json *j, enum pl_verb verb, struct pl_command *c)
{
    if (c->verb != PL_VERB_NONE)
        return pl_json_fail(j, "a command has two requests");
    *c = (struct pl_command){.id = c->id, .verb = verb};
    return fields(j, &pl_requests[verb], pl_command_request(c), AT_REQUEST);
}

static bool id(struct pl_json *j, struct pl_command *c, bool *has_id)
{
    if (*has_id)
        return pl_json_fail(j, "a member is given twice");
    *has_id = true;
    return pl_json_integer(j, PL_FIELD_U32, &c->id);
}

static bool command(struct pl_json *j, struct pl_command *c)
{
    struct pl_span key;
    bool has_id = false;

    if (!pl_json_take(j, '{'))
        return pl_json_fail(j, "a command is an object");
    for (bool first = true; pl_json_member(j, &first, &key);) {
        enum pl_verb verb = PL_VERB_NONE;
        bool is_id = key.len == 2 && memcmp(key.at, "id", 2) == 0;

        if (pl_json_null(j))
            continue;
        if (!is_id)
            verb = pl_request_verb(key);
        if (is_id ? !id(j, c, &has_id)
            : verb != PL_VERB_NONE
                ? !request(j, verb, c)
                : !pl_json_skip(j, PL_COMMAND_DEPTH_MAX - AT_COMMAND))
            return false;
    }
    if (j->err != PL_OK)
        return false;
    if (pl_command_resolve(c) != PL_OK)
        return pl_json_fail(j, "a request without an id");
    return true;
}

/* Read blanks, a command, blanks, and a newline or the end. */
static bool line(struct pl_json *j, struct pl_command *c)
{
    pl_json_blanks(j);
    if (j->at == j->end)
        return pl_json_fail(j, "no command");
    if (!command(j, c))
        return false;
    pl_json_blanks(j);
    if (j->at < j->end && !pl_json_take(j, '\n'))
        return pl_json_fail(j, "a newline is expected behind a command");
    return true;
}

enum pl_err pl_json_command_decode(struct pl_span *in, struct pl_arena *arena,
                                   struct pl_command *out, const char **why,
                                   size_t *at)
{
    struct pl_json j;
    struct pl_command c;

    pl_json_init(&j, *in, arena);
    c.id = 0; /* request() clears the rest, if there is a request */
    c.verb = PL_VERB_NONE;
    if (!line(&j, &c)) {
        *why = j.why;
        *at = (size_t)(j.at - in->at);
        return j.err;
    }
    *in = (struct pl_span){j.at, (size_t)(j.end - j.at)};
    *out = c;
    return PL_OK;
}

bool pl_json_accepts(struct pl_span text)
{
    struct pl_json j;

    pl_json_init(&j, text, NULL);
    pl_json_space(&j);
    if (!pl_json_skip(&j, PL_JSON_DEPTH_MAX))
        return false;
    pl_json_space(&j);
    return j.at == j.end;
}
