/* SPDX-License-Identifier: Apache-2.0 */
/* json_received.c - decodes replies and pushes from JSON; see docs/protocol.md.
 *
 * One pass over the text, as strict as json_decode.c, driven by the tables of
 * received_fields.h.  A list or map is read element by element to check it, and
 * then only its text is kept; the caller reads the elements again when it wants
 * them.  So a reply with a million publications needs no memory, and reading
 * them cannot find anything malformed.  The escapes in a list are resolved in
 * an arena of the check and discarded.
 *
 * Rejected: arrays in the arena, because an element of three bytes becomes a
 * struct of 200, and the server chooses their number. */
#include "json_codec.h"

#include "json_fields.h"
#include "received_fields.h"

static bool field(struct pl_json *j, const struct pl_field *f, void *to,
                  unsigned depth);

static bool fields(struct pl_json *j, const struct pl_request *r, void *to)
{
    return pl_json_fields(j, r, to, 0, PL_JSON_DEPTH_MAX, true, field);
}

static bool is_map(enum pl_field_kind list)
{
    return list != PL_FIELD_PUBLICATIONS;
}

/* Read the next element into `out`, and its key in a map.  False also at the
 * end. */
static bool element(struct pl_json *j, enum pl_field_kind list, bool *first,
                    struct pl_span *key, union pl_received_element *out)
{
    if (is_map(list) ? !pl_json_member(j, first, key)
                     : !pl_json_element(j, first))
        return false;
    *out = (union pl_received_element){0};
    if (is_map(list) && pl_json_null(j))
        return true;
    if (list == PL_FIELD_TAGS)
        return pl_json_text(j, &out->tag);
    return fields(j, pl_received_element_fields(list), out);
}

static bool list(struct pl_json *j, enum pl_field_kind kind,
                 struct pl_received_list *out)
{
    struct pl_arena *arena = j->arena, discarded = {0};
    union pl_received_element unused;
    struct pl_span key;
    bool first = true;

    if (!pl_json_take(j, is_map(kind) ? '{' : '['))
        return pl_json_fail(j, is_map(kind) ? "an object is expected"
                                            : "a list is expected");
    *out = (struct pl_received_list){.rest.at = j->at, .kind = (uint8_t)kind};
    j->arena = &discarded;
    for (; element(j, kind, &first, &key, &unused); out->count++)
        pl_arena_reset(&discarded);
    pl_arena_fini(&discarded);
    j->arena = arena;
    out->rest.len = (size_t)(j->at - out->rest.at);
    return j->err == PL_OK;
}

static bool content(struct pl_json *j, enum pl_received_kind kind,
                    struct pl_received *out)
{
    if (!pl_received_begin(out, kind))
        return pl_json_fail(j, "a reply has two results");
    return fields(j, &pl_received_contents[kind], pl_received_content(out));
}

static bool push(struct pl_json *j, struct pl_received *out)
{
    if (!pl_received_begin(out, PL_RECEIVED_UNKNOWN))
        return pl_json_fail(j, "a reply has two results");
    out->is_push = true;
    return fields(j, &pl_received_push, out);
}

static bool info(struct pl_json *j, struct pl_received_info *out)
{
    out->is_set = true;
    return fields(j, &pl_received_client_info, out);
}

static bool field(struct pl_json *j, const struct pl_field *f, void *to,
                  unsigned depth)
{
    void *place = (char *)to + f->place;

    (void)depth; /* bounded by the tables */
    switch (f->kind) {
    case PL_FIELD_PUSH:
        return push(j, to);
    case PL_FIELD_CONTENT:
        return content(j, f->place, to);
    case PL_FIELD_INFO:
        return info(j, place);
    case PL_FIELD_PUBLICATIONS:
    case PL_FIELD_TAGS:
    case PL_FIELD_INFOS:
    case PL_FIELD_RESULTS:
        return list(j, f->kind, place);
    default:
        return pl_json_scalar(j, f, to);
    }
}

/* True if `{}` comes next, which is read. */
static bool ping(struct pl_json *j)
{
    const struct pl_json before = *j;

    if (pl_json_take(j, '{')) {
        pl_json_space(j);
        if (pl_json_take(j, '}'))
            return true;
    }
    *j = before;
    return false;
}

/* Read blanks, a reply, blanks, and a newline or the end. */
static bool line(struct pl_json *j, struct pl_received *out)
{
    pl_json_blanks(j);
    if (j->at == j->end)
        return pl_json_fail(j, "no reply");
    if (!ping(j)) {
        if (!fields(j, &pl_received_reply, out))
            return false;
        if (out->kind == PL_RECEIVED_PING)
            out->kind = PL_RECEIVED_UNKNOWN;
    }
    pl_json_blanks(j);
    if (j->at < j->end && !pl_json_take(j, '\n'))
        return pl_json_fail(j, "a newline is expected after a reply");
    return true;
}

enum pl_err pl_json_received_decode(struct pl_span *in, struct pl_arena *arena,
                                    struct pl_received *out, const char **why,
                                    size_t *at)
{
    struct pl_json j;
    struct pl_received r = {0};

    pl_json_init(&j, *in, arena);
    if (!line(&j, &r)) {
        *why = j.why;
        *at = in->at == NULL ? 0 : (size_t)(j.at - in->at);
        return j.err;
    }
    *in = (struct pl_span){j.at, (size_t)(j.end - j.at)};
    *out = r;
    return PL_OK;
}

enum pl_err pl_json_received_next(struct pl_received_list *l,
                                  struct pl_arena *arena, struct pl_span *key,
                                  union pl_received_element *out)
{
    struct pl_json j;
    bool first = true; /* the comma before the element was read */

    pl_json_init(&j, l->rest, arena);
    if (!element(&j, l->kind, &first, key, out))
        return j.err;
    pl_json_space(&j);
    pl_json_take(&j, ',');
    l->rest = (struct pl_span){j.at, (size_t)(j.end - j.at)};
    l->count--;
    return PL_OK;
}
