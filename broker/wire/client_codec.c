/* SPDX-License-Identifier: Apache-2.0 */
/* client_codec.c - see client_codec.h.
 *
 * Commands are checked before they are encoded, in both encodings alike.  The
 * broker closes the connection for a request without an id, without a channel
 * or with a text that is not UTF-8; an error for the one command saves the
 * others that use the connection. */
#include "client_codec.h"

#include "json_codec.h"
#include "json_scan.h"
#include "protobuf_codec.h"
#include "wire_text.h"

/* ---- Commands ---- */

/* What is wrong with a command. */
struct fault {
    const char *why;
    size_t at;
};

static bool found(struct fault *e, const char *why, size_t at)
{
    e->why = why;
    e->at = at;
    return false;
}

static bool check_text(struct fault *e, struct pl_span s)
{
    return pl_text_valid(s) ||
           found(e, "a string is not UTF-8 or has a zero byte",
                 pl_text_fault(s));
}

/* Check the texts of a request. */
static bool check_texts(struct fault *e, const struct pl_request *r,
                        const void *from)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct pl_field *f = &r->fields[i];
        const void *place = (const char *)from + f->place;

        if (f->kind == PL_FIELD_TEXT &&
            !check_text(e, *(const struct pl_span *)place))
            return false;
    }
    return true;
}

static bool check_subscribe(struct fault *e,
                            const struct pl_subscribe_request *s)
{
    if (s->channel.len == 0)
        return found(e, "a channel is missing", 0);
    return check_texts(e, &pl_requests[PL_VERB_SUBSCRIBE], s);
}

static bool check_connect(struct fault *e, const struct pl_connect_request *c)
{
    for (size_t i = 0; i < c->sub_count; i++)
        if (!check_subscribe(e, &c->subs[i]))
            return false;
    for (size_t i = 0; i < c->header_count; i++)
        if (!check_text(e, c->headers[i].name) ||
            !check_text(e, c->headers[i].value))
            return false;
    return true;
}

/* Check what one kind of request must have. */
static bool check_needs(struct fault *e, const struct pl_command *c)
{
    bool has_channel = true;

    switch (c->verb) {
    case PL_VERB_CONNECT:
        return check_connect(e, &c->connect);
    case PL_VERB_SUBSCRIBE:
        return check_subscribe(e, &c->subscribe);
    case PL_VERB_UNSUBSCRIBE:
    case PL_VERB_PRESENCE:
    case PL_VERB_PRESENCE_STATS:
        has_channel = c->channel.len > 0;
        break;
    case PL_VERB_PUBLISH:
        has_channel = c->publish.channel.len > 0;
        if (c->publish.data.len == 0)
            return found(e, "a publish has no data", 0);
        break;
    case PL_VERB_HISTORY:
        has_channel = c->history.channel.len > 0;
        return (has_channel || found(e, "a channel is missing", 0)) &&
               check_text(e, c->history.since_epoch);
    case PL_VERB_SUB_REFRESH:
        has_channel = c->sub_refresh.channel.len > 0;
        break;
    default:
        break;
    }
    return has_channel || found(e, "a channel is missing", 0);
}

static bool check(struct fault *e, const struct pl_command *c)
{
    if (c->verb < PL_VERB_CONNECT || c->verb > PL_VERB_SUB_REFRESH)
        return found(e, "a command without a request", 0);
    if (c->id == 0 && c->verb != PL_VERB_SEND)
        return found(e, "a request without an id", 0);
    return check_needs(e, c) &&
           check_texts(e, &pl_requests[c->verb], pl_command_request_of(c));
}

/* In JSON the broker takes null for no data. */
static bool is_null(struct pl_span data)
{
    struct pl_json j;

    pl_json_init(&j, data, NULL);
    while (j.at < j.end && strchr(" \t\r\n", *j.at) != NULL)
        j.at++;
    return pl_json_null(&j);
}

/* Append the command. */
static enum pl_err put(enum pl_encoding encoding, struct pl_buf *b,
                       const struct pl_command *c, struct fault *e)
{
    if (c->verb == PL_VERB_PONG) {
        pl_ping_encode(encoding, b); /* which is empty, too */
        return PL_OK;
    }
    if (!check(e, c))
        return PL_EINVAL;
    if (encoding == PL_ENCODING_PROTOBUF) {
        pl_protobuf_command_encode(b, c);
        return PL_OK;
    }
    if (c->verb == PL_VERB_PUBLISH && is_null(c->publish.data)) {
        found(e, "a publish has no data", 0);
        return PL_EINVAL;
    }
    return pl_json_command_encode(b, c, &e->why, &e->at);
}

enum pl_err pl_command_encode(enum pl_encoding encoding, struct pl_buf *frame,
                              size_t limit, const struct pl_command *c,
                              const char **why, size_t *at)
{
    size_t before = frame->len;
    struct fault e = {0};

    if (before > 0 && encoding == PL_ENCODING_JSON)
        pl_buf_put_byte(frame, '\n');
    size_t begin = frame->len;
    enum pl_err rc = put(encoding, frame, c, &e);
    if (rc == PL_OK && frame->failed)
        rc = PL_ENOMEM;
    if (rc == PL_OK && frame->len > limit)
        rc = frame->len - begin > limit ? PL_ETOOBIG : PL_EFULL;
    if (rc != PL_OK)
        frame->len = before;
    if (rc == PL_EINVAL) {
        *why = e.why;
        *at = e.at;
    }
    return rc;
}

/* ---- Replies and pushes ---- */

enum pl_err pl_received_decode(enum pl_encoding encoding, struct pl_span *in,
                               struct pl_arena *arena, struct pl_received *out,
                               const char **why, size_t *at)
{
    if (encoding == PL_ENCODING_JSON)
        return pl_json_received_decode(in, arena, out, why, at);
    return pl_protobuf_received_decode(in, out, why, at);
}

static enum pl_err next(struct pl_received_list *l, struct pl_arena *arena,
                        struct pl_span *key, union pl_received_element *out)
{
    if (l->count == 0)
        return PL_ENOENT;
    if (l->number != 0)
        return pl_protobuf_received_next(l, key, out);
    return pl_json_received_next(l, arena, key, out);
}

enum pl_err pl_received_publication_next(struct pl_received_list *list,
                                         struct pl_arena *arena,
                                         struct pl_received_publication *out)
{
    union pl_received_element e;
    struct pl_span unused;
    enum pl_err rc = next(list, arena, &unused, &e);

    if (rc == PL_OK)
        *out = e.publication;
    return rc;
}

enum pl_err pl_received_tag_next(struct pl_received_list *list,
                                 struct pl_arena *arena, struct pl_span *key,
                                 struct pl_span *value)
{
    union pl_received_element e;
    enum pl_err rc = next(list, arena, key, &e);

    if (rc == PL_OK)
        *value = e.tag;
    return rc;
}

enum pl_err pl_received_info_next(struct pl_received_list *list,
                                  struct pl_arena *arena,
                                  struct pl_span *client,
                                  struct pl_received_info *out)
{
    union pl_received_element e;
    enum pl_err rc = next(list, arena, client, &e);

    if (rc == PL_OK) {
        *out = e.info;
        out->is_set = true;
    }
    return rc;
}

enum pl_err pl_received_sub_next(struct pl_received_list *list,
                                 struct pl_arena *arena,
                                 struct pl_span *channel,
                                 struct pl_received_subscribe *out)
{
    union pl_received_element e;
    enum pl_err rc = next(list, arena, channel, &e);

    if (rc == PL_OK)
        *out = e.sub;
    return rc;
}
