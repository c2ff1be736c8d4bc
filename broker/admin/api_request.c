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
#include "api_values.h"
#include "channel_name.h"
#include "code.h"
#include "codec.h"
#include "glob.h"
#include "ip.h"
#include "json_scan.h"
#include "tags.h"
#include "token.h"
#include "top.h"
#include "user_states.h"

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

/* --- Keys --- */

static bool on_channel(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->channel);
}

static bool on_id(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->terms.id);
}

static bool on_version(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) ||
           pl_json_unsigned(j, UINT64_MAX, &r->terms.version);
}

static bool on_version_epoch(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->terms.version_epoch);
}

static bool on_skip_history(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) || pl_json_bool(j, &r->terms.skips_history);
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
    struct pl_span bytes = {0};

    if (!pl_api_base64(j, &bytes, &r->is_json))
        return false;
    if (bytes.at == NULL)
        return true; /* clients send "" together with data */
    r->data = bytes;
    r->is_base64 = true;
    return true;
}

static bool on_user(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->user);
}

static bool on_session(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->session);
}

static bool on_client(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->client);
}

static bool on_address(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->address);
}

static bool on_cursor(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->cursor);
}

static bool on_table(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->table);
}

static bool on_by(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->by);
}

static bool on_pattern(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->pattern);
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

static bool on_state(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->state);
}

/* The info of others, and its form in base64. */
static bool on_info(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) || pl_json_raw(j, &r->info);
}

static bool on_b64info(struct pl_json *j, struct pl_api_request *r)
{
    bool is_json = false;

    return pl_api_base64(j, &r->info, &is_json) &&
           (r->info.at == NULL || is_json || pl_json_fail(j, "not JSON"));
}

static bool on_expire_at(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) ||
           pl_json_signed(j, 0, INT64_MAX / 1000, &r->expires_at_s);
}

static bool on_uid(struct pl_json *j, struct pl_api_request *r)
{
    return pl_api_text(j, &r->uid);
}

static bool on_issued_before(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) ||
           pl_json_signed(j, 0, INT64_MAX / 1000, &r->issued_before_s);
}

static bool on_expired(struct pl_json *j, struct pl_api_request *r)
{
    return pl_json_null(j) || pl_json_bool(j, &r->expired);
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
    MINE = METHOD(PL_API_SUBSCRIBE),
    CONNS = ENDS | MINE | METHOD(PL_API_REFRESH),
    LOOKS = METHOD(PL_API_PRESENCE) | METHOD(PL_API_PRESENCE_STATS) |
            METHOD(PL_API_HISTORY) | METHOD(PL_API_HISTORY_REMOVE),
    STATES = METHOD(PL_API_UPDATE_USER_STATUS) |
             METHOD(PL_API_GET_USER_STATUS) | METHOD(PL_API_DELETE_USER_STATUS),
    DENIES = METHOD(PL_API_REVOKE_TOKEN) |
             METHOD(PL_API_INVALIDATE_USER_TOKENS) | METHOD(PL_API_BLOCK_USER),
    USERS = METHOD(PL_API_INVALIDATE_USER_TOKENS) | METHOD(PL_API_BLOCK_USER) |
            METHOD(PL_API_UNBLOCK_USER),
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
     METHOD(PL_API_PUBLISH) | LOOKS | METHOD(PL_API_UNSUBSCRIBE) | MINE |
         METHOD(PL_API_CONNECTIONS) | METHOD(PL_API_INVALIDATE_USER_TOKENS)},
    {"channels", pl_api_on_channels, METHOD(PL_API_BROADCAST)},
    {"data", on_data, SENDS | MINE},
    {"b64data", on_b64data, SENDS | MINE},
    {"idempotency_key", on_id, SENDS},
    {"skip_history", on_skip_history, SENDS},
    {"tags", pl_api_on_tags, SENDS},
    {"version", on_version, SENDS},
    {"version_epoch", on_version_epoch, SENDS},
    {"user", on_user, CONNS | LISTS | USERS},
    {"uid", on_uid, METHOD(PL_API_REVOKE_TOKEN)},
    {"issued_before", on_issued_before, METHOD(PL_API_INVALIDATE_USER_TOKENS)},
    {"users", pl_api_on_users, STATES},
    {"state", on_state, METHOD(PL_API_UPDATE_USER_STATUS)},
    {"session", on_session, CONNS},
    {"info", on_info, MINE},
    {"b64info", on_b64info, MINE},
    {"expire_at", on_expire_at, MINE | METHOD(PL_API_REFRESH) | DENIES},
    {"expired", on_expired, METHOD(PL_API_REFRESH)},
    {"recover_since", pl_api_on_since, MINE},
    {"override", pl_api_on_override, MINE},
    {"client", on_client, CONNS | METHOD(PL_API_CONNECTIONS)},
    {"address", on_address, METHOD(PL_API_CONNECTIONS)},
    {"cursor", on_cursor, LISTS | METHOD(PL_API_TOP)},
    {"table", on_table, METHOD(PL_API_TOP)},
    {"by", on_by, METHOD(PL_API_TOP)},
    {"whitelist", pl_api_on_whitelist, METHOD(PL_API_DISCONNECT)},
    {"disconnect", pl_api_on_disconnect, METHOD(PL_API_DISCONNECT)},
    {"pattern", on_pattern, METHOD(PL_API_CHANNELS)},
    {"limit", on_limit, METHOD(PL_API_HISTORY) | LISTS | METHOD(PL_API_TOP)},
    {"since", pl_api_on_since, METHOD(PL_API_HISTORY)},
    {"reverse", on_reverse, METHOD(PL_API_HISTORY)},
    {"delta", NULL, NONE},
    {"expression", NULL, NONE},
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

/* PHP writes an array where it has no parameters. */
static bool has_none(struct pl_span params)
{
    size_t at = 1;

    if (params.len < 2 || params.at[0] != '[')
        return params.len == 0;
    while (at < params.len && (unsigned char)params.at[at] <= ' ')
        at++;
    return at == params.len - 1 && params.at[at] == ']';
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
           need(r->terms.id.len <= PL_PUB_ID_MAX, fault, "idempotency_key",
                "it is longer than 255 bytes") &&
           need(r->terms.version_epoch.len <= PL_PUB_VERSION_EPOCH_MAX, fault,
                "version_epoch", "it is longer than 255 bytes") &&
           need(r->tags.len <= PL_TAGS_BYTES, fault, "tags",
                "they are larger than 64 KiB");
}

static bool need_channels(const struct pl_api_request *r,
                          struct pl_api_fault *fault)
{
    return need(r->channel_count > 0, fault, "channels",
                "no channel is given") &&
           need(r->channel_count <= PL_API_CHANNELS_MAX, fault, "channels",
                "more than 16384 channels");
}

/* The anonymous user has the name "", so a missing user is not the anonymous
 * one. */
static bool need_someone(const struct pl_api_request *r,
                         struct pl_api_fault *fault)
{
    return need(r->user.at != NULL || r->client.len > 0 || r->session.len > 0,
                fault, "user", "neither user nor client is given");
}

static bool need_close(const struct pl_api_request *r,
                       struct pl_api_fault *fault)
{
    return need(r->except_count <= PL_API_EXCEPT_MAX, fault, "whitelist",
                "more than 1000 clients") &&
           need(r->code == 0 || r->code >= 3000, fault, "disconnect",
                "code must be from 3000 to 4999") &&
           need(r->reason.len <= REASON_MAX, fault, "disconnect",
                "reason is longer than 123 bytes");
}

static bool has_empty_text(struct pl_span list)
{
    for (size_t i = 0; i < list.len; i++) {
        if (list.at[i] == '\0' && (i == 0 || list.at[i - 1] == '\0'))
            return true;
    }
    return false;
}

static size_t count_texts(struct pl_span list)
{
    size_t n = 0;

    for (size_t i = 0; i < list.len; i++)
        n += list.at[i] == '\0';
    return n;
}

static bool need_users(const struct pl_api_request *r, struct pl_api_fault *f)
{
    return need(r->user_count > 0, f, "users", "no user is given") &&
           need(r->user_count <= PL_API_USERS_MAX, f, "users",
                "more than 1000 users") &&
           need(!has_empty_text(r->users) &&
                    count_texts(r->users) == r->user_count,
                f, "users", "a user is empty or has a zero byte") &&
           need(r->state.len <= PL_USER_STATE_TEXT_MAX, f, "state",
                "it is longer than 255 bytes");
}

static bool need_denied(const struct pl_api_request *r, struct pl_api_fault *f)
{
    return r->method == PL_API_REVOKE_TOKEN
               ? need(r->uid.len > 0 && r->uid.len <= PL_TOKEN_ID_MAX, f, "uid",
                      "it is missing, empty or too long")
               : need(r->user.len > 0 && r->user.len <= PL_TOKEN_USER_MAX, f,
                      "user", "it is missing, empty or too long") &&
                     (r->channel.len == 0 ||
                      pl_api_channel_check(r->channel, f));
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

/* Inboxes belong to their owners alone.  The data goes to clients in JSON. */
static bool need_subscribable(const struct pl_api_request *r,
                              struct pl_api_fault *f)
{
    return need(pl_channel_name_check(r->channel) == PL_CHANNEL_NAME_OK, f,
                "channel", "it is an inbox") &&
           need(r->data.at == NULL || r->is_json, f, "b64data",
                "it must be JSON") &&
           need(!r->has_since || r->epoch.len > 0, f, "recover_since",
                "it needs an epoch");
}

static bool need_pattern(const struct pl_api_request *r, struct pl_api_fault *f)
{
    struct pl_buf ignored = {0};
    enum pl_err rc = pl_glob_expand(r->pattern, &ignored);

    pl_buf_fini(&ignored);
    if (rc == PL_ENOMEM)
        return pl_api_fault_set(f, PL_ERROR_INTERNAL, NULL, NULL);
    return need(rc != PL_EINVAL, f, "pattern",
                "a brace or a class does not close") &&
           need(rc == PL_OK, f, "pattern", "more than 64 alternatives");
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
    case PL_API_SUBSCRIBE:
        return need_someone(r, f) && pl_api_channel_check(r->channel, f) &&
               need_subscribable(r, f);
    case PL_API_REFRESH:
        return need_someone(r, f);
    case PL_API_RPC:
        return pl_api_fault_set(f, PL_ERROR_METHOD_NOT_FOUND, NULL, NULL);
    case PL_API_CHANNELS:
        return need_pattern(r, f);
    case PL_API_CONNECTIONS:
    case PL_API_USERS:
        return need_filters(r, f);
    case PL_API_UPDATE_USER_STATUS:
    case PL_API_GET_USER_STATUS:
    case PL_API_DELETE_USER_STATUS:
        return need_users(r, f);
    case PL_API_REVOKE_TOKEN:
    case PL_API_INVALIDATE_USER_TOKENS:
    case PL_API_BLOCK_USER:
    case PL_API_UNBLOCK_USER:
        return need_denied(r, f);
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
    else if ((has_none(params) || read_params(params, &r, arena, fault)) &&
             is_complete(&r, binary, fault))
        *out = r;
    return fault->code;
}
