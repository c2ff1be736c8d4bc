/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.c - see api_request.h.
 *
 * The scanner of broker/wire reads the text, because `data` must be forwarded
 * byte for byte; a library that builds a tree prints it anew.  One table lists
 * all members that HTTP API clients of Centrifugo send, and the methods that
 * accept each.  A member that is not in the table is ignored, as by Centrifugo:
 * newer clients send more.  A member of the table that the method does not
 * accept, or that parley does not support, changes the meaning of the request:
 * any value but an empty one is error 108, which names the member.
 *
 * Rejected: ignoring these members too, because disconnect() with an ignored
 * `session` closes all connections of the user.
 *
 * Invariant: a request read without error has all that its method needs, with a
 * valid channel name and data that may be sent. */
#include "api_request.h"

#include "api_json.h"
#include "base64.h"
#include "code.h"
#include "codec.h"
#include "ip.h"
#include "json_scan.h"
#include "channel_name.h"
#include "pub.h"
#include "top.h"

enum { REASON_MAX = 123 /* bytes in a Close frame, RFC 6455 section 5.5 */ };

static const char *const method_texts[] = {
#define X(name, text) text,
    PL_API_METHOD_MAP(X)
#undef X
};

const char *pl_api_method_text(enum pl_api_method method)
{
    return method < PL_API_METHOD_COUNT ? method_texts[method] : "unknown";
}

enum pl_api_method pl_api_method_find(struct pl_span name)
{
    int m = 0;

    while (m < PL_API_METHOD_COUNT &&
           !pl_span_equal(name, pl_span_of(method_texts[m])))
        m++;
    return (enum pl_api_method)m;
}

/* --- Values --- */

static bool read_text(struct pl_json *j, struct pl_span *out)
{
    *out = (struct pl_span){0};
    return pl_json_null(j) || pl_json_text(j, out);
}

static bool out_of_memory(struct pl_json *j)
{
    pl_json_fail(j, "out of memory");
    j->err = PL_ENOMEM;
    return false;
}

/* --- Keys --- */

static bool on_channel(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->channel);
}

static bool on_id(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->id);
}

static bool on_channels(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;

    if (pl_json_null(j))
        return true;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    r->channel_count = 0;
    if (r->channels == NULL) /* the key may occur several times */
        r->channels =
            pl_arena_alloc(j->arena, PL_API_CHANNELS_MAX * sizeof *r->channels);
    if (r->channels == NULL)
        return out_of_memory(j);
    while (pl_json_element(j, &first)) {
        struct pl_span name;

        if (!pl_json_text(j, &name))
            return false;
        if (r->channel_count < PL_API_CHANNELS_MAX)
            r->channels[r->channel_count] = name;
        r->channel_count++;
    }
    return j->err == PL_OK;
}

static bool on_data(struct pl_json *j, struct pl_api_request *r)
{
    struct pl_span raw;

    if (!pl_json_raw(j, &raw))
        return false;
    if (r->is_base64)
        return true; /* b64data has precedence over data, as in Centrifugo */
    r->data = raw;
    r->is_json = true;
    return true;
}

static bool on_b64data(struct pl_json *j, struct pl_api_request *r)
{
    struct pl_span text;

    if (!read_text(j, &text))
        return false;
    if (text.len == 0)
        return true; /* clients send "" together with data */
    char *to = pl_arena_alloc(j->arena, text.len);
    if (to == NULL)
        return out_of_memory(j);
    if (!pl_base64_decode(&text, to))
        return pl_json_fail(j, "not base64");
    r->data = text;
    r->is_base64 = true;
    r->is_json = pl_json_accepts(text);
    return true;
}

static bool on_user(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->user);
}

static bool on_client(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->client);
}

static bool on_address(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->address);
}

static bool on_cursor(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->cursor);
}

static bool on_table(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->table);
}

static bool on_by(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->by);
}

static bool on_pattern(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->pattern);
}

/* Keep the last element only, because the supervisor can except one client.
 * need_close() rejects a longer list. */
static bool on_whitelist(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;

    if (pl_json_null(j))
        return true;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    r->except_count = 0;
    while (pl_json_element(j, &first)) {
        if (!pl_json_text(j, &r->except))
            return false;
        r->except_count++;
    }
    return j->err == PL_OK;
}

static bool on_disconnect(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;
    struct pl_span key;
    uint64_t code;

    if (pl_json_null(j))
        return true;
    if (!pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        bool is_read;

        if (pl_span_equal(key, PL_SPAN("code"))) {
            is_read = pl_json_unsigned(j, 4999, &code);
            r->code = is_read ? (uint32_t)code : 0;
        } else if (pl_span_equal(key, PL_SPAN("reason"))) {
            is_read = read_text(j, &r->reason);
        } else {
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        }
        if (!is_read)
            return false;
    }
    return j->err == PL_OK;
}

static bool on_limit(struct pl_json *j, struct pl_api_request *r)
{
    int64_t limit;

    if (pl_json_null(j))
        return true;
    if (!pl_json_signed(j, -1, INT32_MAX, &limit))
        return false;
    r->limit = (int32_t)limit;
    return true;
}

static bool on_since(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;
    struct pl_span key;

    if (pl_json_null(j))
        return true;
    if (!pl_json_open_object(j))
        return false;
    r->has_since = true;
    while (pl_json_member(j, &first, &key)) {
        bool is_read;

        if (pl_span_equal(key, PL_SPAN("offset")))
            is_read = pl_json_unsigned(j, UINT64_MAX, &r->offset);
        else if (pl_span_equal(key, PL_SPAN("epoch")))
            is_read = read_text(j, &r->epoch);
        else
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        if (!is_read)
            return false;
    }
    return j->err == PL_OK;
}

static bool on_reverse(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) || pl_json_bool(j, &r->reverse);
}

/* --- Members --- */

/* Sets of methods, one bit each. */
#define METHOD(method) (1u << (method))
enum {
    SENDS = METHOD(PL_API_PUBLISH) | METHOD(PL_API_BROADCAST),
    ENDS = METHOD(PL_API_DISCONNECT) | METHOD(PL_API_UNSUBSCRIBE),
    LOOKS = METHOD(PL_API_PRESENCE) | METHOD(PL_API_PRESENCE_STATS) |
            METHOD(PL_API_HISTORY) | METHOD(PL_API_HISTORY_REMOVE),
    LISTS = METHOD(PL_API_CONNECTIONS) | METHOD(PL_API_USERS),
    /* Members of Centrifugo that parley rejects by name. */
    NONE = 0
};

static const struct member {
    const char *name;
    bool (*read)(struct pl_json *j, struct pl_api_request *r);
    unsigned methods; /* the methods that accept it */
} members[] = {
    {"channel", on_channel,
     METHOD(PL_API_PUBLISH) | LOOKS | METHOD(PL_API_UNSUBSCRIBE) |
         METHOD(PL_API_CONNECTIONS)},
    {"channels", on_channels, METHOD(PL_API_BROADCAST)},
    {"data", on_data, SENDS},
    {"b64data", on_b64data, SENDS},
    {"idempotency_key", on_id, SENDS},
    {"user", on_user, ENDS | LISTS},
    {"client", on_client, ENDS | METHOD(PL_API_CONNECTIONS)},
    {"address", on_address, METHOD(PL_API_CONNECTIONS)},
    {"cursor", on_cursor, LISTS | METHOD(PL_API_TOP)},
    {"table", on_table, METHOD(PL_API_TOP)},
    {"by", on_by, METHOD(PL_API_TOP)},
    {"whitelist", on_whitelist, METHOD(PL_API_DISCONNECT)},
    {"disconnect", on_disconnect, METHOD(PL_API_DISCONNECT)},
    {"pattern", on_pattern, METHOD(PL_API_CHANNELS)},
    {"limit", on_limit, METHOD(PL_API_HISTORY) | LISTS | METHOD(PL_API_TOP)},
    {"since", on_since, METHOD(PL_API_HISTORY)},
    {"reverse", on_reverse, METHOD(PL_API_HISTORY)},
    {"skip_history", NULL, NONE},
    {"tags", NULL, NONE},
    {"delta", NULL, NONE},
    {"version", NULL, NONE},
    {"version_epoch", NULL, NONE},
    {"session", NULL, NONE},
    {"label_filter", NULL, NONE},
    {"all_users", NULL, NONE},
    {"tf", NULL, NONE},
};

static const struct member *find_member(struct pl_span name)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (pl_span_equal(name, pl_span_of(members[i].name)))
            return &members[i];
    }
    return NULL;
}

/* Return true for null, false, 0, "", {} and []: clients send these for options
 * that are not set. */
static bool is_empty(struct pl_span raw)
{
    static const char *const texts[] = {"null", "false", "0", "\"\""};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (pl_span_equal(raw, pl_span_of(texts[i])))
            return true;
    }
    if (raw.at[0] != '{' && raw.at[0] != '[')
        return false;
    for (size_t i = 1; i + 1 < raw.len; i++) {
        if ((unsigned char)raw.at[i] > ' ')
            return false;
    }
    return true;
}

static bool refuse_member(struct pl_json *j, const struct member *m,
                          struct pl_api_fault *fault)
{
    struct pl_span raw;

    if (!pl_json_raw(j, &raw))
        return false;
    if (!is_empty(raw))
        pl_api_fault_set(fault, PL_ERROR_NOT_AVAILABLE, m->name,
                         m->methods == NONE ? "not supported"
                                            : "not taken by this method");
    return true;
}

/* *broken: the member that cannot be read, if known. */
static bool read_members(struct pl_json *j, struct pl_api_request *r,
                         struct pl_api_fault *fault, const char **broken)
{
    bool first = true;
    struct pl_span name;

    if (!pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &name)) {
        const struct member *m = find_member(name);
        bool is_read;

        if (m == NULL)
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        else if ((m->methods & METHOD(r->method)) == 0)
            is_read = refuse_member(j, m, fault);
        else
            is_read = m->read(j, r);
        if (is_read)
            continue;
        if (m != NULL)
            *broken = m->name;
        return false;
    }
    return j->err == PL_OK && pl_json_at_end(j);
}

/* Read the whole text even if a member is rejected: malformed JSON is the worse
 * fault and replaces the other. */
static bool read_params(struct pl_span params, struct pl_api_request *r,
                        struct pl_arena *arena, struct pl_api_fault *fault)
{
    struct pl_api_fault refused = {0};
    const char *broken = NULL;
    struct pl_json j;

    pl_json_init(&j, params, arena);
    const char *begin = j.at;
    if (!read_members(&j, r, &refused, &broken)) {
        pl_api_fault_take(fault, &j, begin);
        fault->member = broken;
        return false;
    }
    *fault = refused;
    return refused.code == 0;
}

/* --- What each method needs --- */

bool pl_api_channel_check(struct pl_span name, struct pl_api_fault *fault)
{
    switch (pl_channel_name_check(name)) {
    case PL_CHANNEL_NAME_EMPTY:
        return pl_api_fault_set(fault, PL_ERROR_BAD_REQUEST, "channel",
                                name.at == NULL ? "it is missing"
                                                : "it is empty");
    case PL_CHANNEL_NAME_TOO_LONG:
        return pl_api_fault_set(fault, PL_ERROR_BAD_REQUEST, "channel",
                                "it is longer than 255 bytes");
    default:
        return true; /* reserved names too: a backend may use inboxes */
    }
}

static bool need(bool holds, struct pl_api_fault *fault, const char *member,
                 const char *why)
{
    return holds || pl_api_fault_set(fault, PL_ERROR_BAD_REQUEST, member, why);
}

static bool need_data(const struct pl_api_request *r, bool binary,
                      struct pl_api_fault *fault)
{
    return need(r->data.at != NULL, fault, "data", "it is missing") &&
           need(r->is_json || binary, fault, "b64data",
                "it must be JSON while channels.data is json") &&
           need(r->id.len <= PL_PUB_ID_MAX, fault, "idempotency_key",
                "it is longer than 64 bytes");
}

static bool need_channels(const struct pl_api_request *r,
                          struct pl_api_fault *fault)
{
    return need(r->channel_count > 0, fault, "channels",
                "no channel is given") &&
           need(r->channel_count <= PL_API_CHANNELS_MAX, fault, "channels",
                "more than 1000 channels");
}

/* The anonymous user has the name "", so a missing user is not the anonymous
 * one. */
static bool need_someone(const struct pl_api_request *r,
                         struct pl_api_fault *fault)
{
    return need(r->user.at != NULL || r->client.len > 0, fault, "user",
                "neither user nor client is given");
}

static bool need_close(const struct pl_api_request *r,
                       struct pl_api_fault *fault)
{
    if (r->except_count > 1)
        return pl_api_fault_set(fault, PL_ERROR_NOT_AVAILABLE, "whitelist",
                                "more than one client is not supported");
    return need(r->code == 0 || r->code >= 3000, fault, "disconnect",
                "code must be from 3000 to 4999") &&
           need(r->reason.len <= REASON_MAX, fault, "disconnect",
                "reason is longer than 123 bytes");
}

static bool need_filters(const struct pl_api_request *r, struct pl_api_fault *f)
{
    struct pl_ip_net net;

    return need(r->limit >= 0 && r->limit <= PL_API_PAGE_MAX, f, "limit",
                "it must be from 1 to 1000") &&
           need(r->address.len == 0 || pl_ip_net_parse(&net, r->address), f,
                "address", "it is no IP address and no network") &&
           (r->channel.len == 0 || pl_api_channel_check(r->channel, f));
}

static bool is_complete(const struct pl_api_request *r, bool binary,
                        struct pl_api_fault *f)
{
    switch (r->method) {
    case PL_API_PUBLISH:
        return pl_api_channel_check(r->channel, f) && need_data(r, binary, f);
    case PL_API_BROADCAST:
        return need_channels(r, f) && need_data(r, binary, f);
    case PL_API_PRESENCE:
    case PL_API_PRESENCE_STATS:
    case PL_API_HISTORY:
    case PL_API_HISTORY_REMOVE:
        return pl_api_channel_check(r->channel, f);
    case PL_API_DISCONNECT:
        return need_someone(r, f) && need_close(r, f);
    case PL_API_UNSUBSCRIBE:
        return need_someone(r, f) && pl_api_channel_check(r->channel, f);
    case PL_API_CONNECTIONS:
    case PL_API_USERS:
        return need_filters(r, f);
    case PL_API_TOP:
        return need(r->limit >= 0 && r->limit <= PL_TOP_MAX, f, "limit",
                    "it must be from 1 to 200");
    default:
        return true;
    }
}

uint32_t pl_api_request_read(struct pl_api_request *out,
                             enum pl_api_method method, struct pl_span params,
                             bool binary, struct pl_arena *arena,
                             struct pl_api_fault *fault)
{
    struct pl_api_request r = {.method = method};

    *fault = (struct pl_api_fault){0};
    if (method >= PL_API_METHOD_COUNT)
        pl_api_fault_set(fault, PL_ERROR_METHOD_NOT_FOUND, NULL, NULL);
    else if ((params.len == 0 || read_params(params, &r, arena, fault)) &&
             is_complete(&r, binary, fault))
        *out = r;
    return fault->code;
}
