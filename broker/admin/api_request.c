/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.c - see api_request.h.
 *
 * wire's scanner reads the text, because `data` must go on byte for byte: a
 * library that builds a tree would print it anew.  All methods share one table
 * of keys, as backends share one vocabulary; keys that it does not have are
 * ignored, since newer clients send more.  What would change the meaning of a
 * request is not ignored but noted as unsupported.
 *
 * Invariant: a request that is read without an error has what its method
 * needs, with channel names that may be used and data that may be sent. */
#include "api_request.h"

#include "code.h"
#include "codec.h"
#include "json_scan.h"
#include "permission.h"

enum { REASON_MAX = 123 /* of a Close frame, RFC 6455 5.5 */ };

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

/* The rest of the text is white space. */
static bool at_end(struct pl_json *j)
{
    pl_json_space(j);
    return j->at == j->end || pl_json_fail(j, "something follows");
}

static bool open_object(struct pl_json *j)
{
    pl_json_space(j);
    return pl_json_take(j, '{') || pl_json_fail(j, "an object is expected");
}

/* --- Values --- */

static bool read_text(struct pl_json *j, struct pl_span *out)
{
    *out = (struct pl_span){0};
    return pl_json_null(j) || pl_json_text(j, out);
}

static bool read_raw(struct pl_json *j, struct pl_span *out)
{
    const char *begin = j->at;

    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){begin, (size_t)(j->at - begin)};
    return true;
}

/* At the next element of an array whose bracket was taken; false at its end,
 * which is taken, and for an error. */
static bool next_element(struct pl_json *j, bool *first)
{
    pl_json_space(j);
    if (pl_json_take(j, ']'))
        return false;
    if (!*first) {
        if (!pl_json_take(j, ','))
            return pl_json_fail(j, "a comma or a bracket is missing");
        pl_json_space(j);
    }
    *first = false;
    return true;
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

static bool on_channels(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;

    if (pl_json_null(j))
        return true;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    r->channel_count = 0;
    if (r->channels == NULL) /* a body may have the key again and again */
        r->channels =
            pl_arena_alloc(j->arena, PL_API_CHANNELS_MAX * sizeof *r->channels);
    if (r->channels == NULL)
        return out_of_memory(j);
    while (next_element(j, &first)) {
        if (r->channel_count == PL_API_CHANNELS_MAX)
            return pl_json_fail(j, "too many channels");
        if (!pl_json_text(j, &r->channels[r->channel_count++]))
            return false;
    }
    return j->err == PL_OK;
}

static bool on_data(struct pl_json *j, struct pl_api_request *r)
{
    r->is_json = true;
    return read_raw(j, &r->data);
}

/* The value of a character of base64 (RFC 4648 section 4), or -1. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode in place: three bytes need four characters. */
static bool base64_decode(struct pl_span *text, char *to)
{
    uint32_t bits = 0;
    size_t used = 0, len = text->len;
    char *begin = to;

    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && text->at[len - 1] == '='; i++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text->at[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        used += 6;
        if (used >= 8) {
            used -= 8;
            *to++ = (char)(bits >> used);
        }
    }
    *text = (struct pl_span){begin, (size_t)(to - begin)};
    return (bits & ((1u << used) - 1)) == 0;
}

static bool on_b64data(struct pl_json *j, struct pl_api_request *r)
{
    struct pl_span text;

    if (!read_text(j, &text))
        return false;
    if (text.len == 0)
        return true; /* clients send "" beside data */
    char *to = pl_arena_alloc(j->arena, text.len);
    if (to == NULL)
        return out_of_memory(j);
    if (!base64_decode(&text, to))
        return pl_json_fail(j, "not base64");
    r->data = text;
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

static bool on_pattern(struct pl_json *j, struct pl_api_request *r)
{
    return read_text(j, &r->pattern);
}

/* The supervisor spares one client; a longer list is told to be too much. */
static bool on_whitelist(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;

    if (pl_json_null(j))
        return true;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    while (next_element(j, &first)) {
        if (r->except.at != NULL)
            r->is_unsupported = true;
        if (!pl_json_text(j, &r->except))
            return false;
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
    if (!open_object(j))
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
    if (!open_object(j))
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

/* Anything but null, false, "", {} asks for what there is not. */
static bool on_unsupported(struct pl_json *j, struct pl_api_request *r)
{
    struct pl_span raw;

    if (!read_raw(j, &raw))
        return false;
    if (!pl_span_equal(raw, PL_SPAN("null")) &&
        !pl_span_equal(raw, PL_SPAN("false")) &&
        !pl_span_equal(raw, PL_SPAN("\"\"")) &&
        !pl_span_equal(raw, PL_SPAN("{}")))
        r->is_unsupported = true;
    return true;
}

static const struct key {
    const char *name;
    bool (*read)(struct pl_json *j, struct pl_api_request *r);
} keys[] = {
    {"channel", on_channel},
    {"channels", on_channels},
    {"data", on_data},
    {"b64data", on_b64data},
    {"user", on_user},
    {"client", on_client},
    {"pattern", on_pattern},
    {"whitelist", on_whitelist},
    {"disconnect", on_disconnect},
    {"limit", on_limit},
    {"since", on_since},
    {"reverse", on_reverse},
    {"skip_history", on_unsupported},
    {"tags", on_unsupported},
    {"idempotency_key", on_unsupported},
    {"delta", on_unsupported},
};

static bool read_member(struct pl_json *j, struct pl_span name,
                        struct pl_api_request *r)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (pl_span_equal(name, pl_span_of(keys[i].name)))
            return keys[i].read(j, r);
    }
    return pl_json_skip(j, PL_JSON_DEPTH_MAX);
}

static bool read_params(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;
    struct pl_span name;

    if (!open_object(j))
        return false;
    while (pl_json_member(j, &first, &name)) {
        if (!read_member(j, name, r))
            return false;
    }
    return j->err == PL_OK && at_end(j);
}

/* --- What each method needs --- */

/* A backend may use inboxes too. */
static bool is_channel(struct pl_span name)
{
    enum pl_channel_name is = pl_channel_name_check(name);

    return is == PL_CHANNEL_NAME_OK || is == PL_CHANNEL_NAME_RESERVED;
}

static bool are_channels(const struct pl_api_request *r)
{
    for (size_t i = 0; i < r->channel_count; i++) {
        if (!is_channel(r->channels[i]))
            return false;
    }
    return r->channel_count > 0;
}

static bool is_data(const struct pl_api_request *r, bool binary)
{
    return r->data.at != NULL && (r->is_json || binary);
}

/* The anonymous user is "", so it must be named to be meant. */
static bool is_someone(const struct pl_api_request *r)
{
    return r->user.at != NULL || r->client.len > 0;
}

static bool is_close(const struct pl_api_request *r)
{
    return (r->code == 0 || r->code >= 3000) && r->reason.len <= REASON_MAX;
}

static bool is_complete(const struct pl_api_request *r, bool binary)
{
    switch (r->method) {
    case PL_API_PUBLISH:
        return is_channel(r->channel) && is_data(r, binary);
    case PL_API_BROADCAST:
        return are_channels(r) && is_data(r, binary);
    case PL_API_PRESENCE:
    case PL_API_PRESENCE_STATS:
    case PL_API_HISTORY:
    case PL_API_HISTORY_REMOVE:
        return is_channel(r->channel);
    case PL_API_DISCONNECT:
        return is_someone(r) && is_close(r);
    case PL_API_UNSUBSCRIBE:
        return is_someone(r) && is_channel(r->channel);
    default:
        return true;
    }
}

uint32_t pl_api_request_read(struct pl_api_request *out,
                             enum pl_api_method method, struct pl_span params,
                             bool binary, struct pl_arena *arena)
{
    struct pl_api_request r = {.method = method};
    struct pl_json j;

    if (method >= PL_API_METHOD_COUNT)
        return PL_ERROR_METHOD_NOT_FOUND;
    pl_json_init(&j, params, arena);
    if (params.len > 0 && !read_params(&j, &r))
        return j.err == PL_ENOMEM ? PL_ERROR_INTERNAL : PL_ERROR_BAD_REQUEST;
    if (!is_complete(&r, binary))
        return PL_ERROR_BAD_REQUEST;
    if (r.is_unsupported)
        return PL_ERROR_NOT_AVAILABLE;
    *out = r;
    return 0;
}

/* --- Several commands in one body --- */

struct command_list {
    struct pl_api_command *at;
    size_t count;
};

static struct pl_api_command *add_command(struct pl_json *j,
                                          struct command_list *list)
{
    if (list->count == PL_API_COMMANDS_MAX) {
        pl_json_fail(j, "too many commands");
        return NULL;
    }
    struct pl_api_command *c = &list->at[list->count++];
    *c = (struct pl_api_command){.method = PL_API_METHOD_COUNT};
    return c;
}

/* {"method": "publish", "params": {..}} */
static bool read_named(struct pl_json *j, struct command_list *list)
{
    bool first = true;
    struct pl_span key, name;
    struct pl_api_command *c = add_command(j, list);

    if (c == NULL || !open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        bool is_read;

        if (pl_span_equal(key, PL_SPAN("method"))) {
            is_read = pl_json_text(j, &name);
            if (is_read)
                c->method = pl_api_method_find(name);
        } else if (pl_span_equal(key, PL_SPAN("params"))) {
            is_read = read_raw(j, &c->params);
        } else {
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        }
        if (!is_read)
            return false;
    }
    return j->err == PL_OK;
}

/* {"publish": {..}} */
static bool read_keyed(struct pl_json *j, struct command_list *list)
{
    bool first = true;
    struct pl_span key;
    struct pl_api_command *c = add_command(j, list);

    if (c == NULL || !open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        if (c->params.at != NULL)
            return pl_json_fail(j, "two methods in one command");
        c->method = pl_api_method_find(key);
        if (!read_raw(j, &c->params))
            return false;
    }
    return j->err == PL_OK;
}

static bool read_commands(struct pl_json *j, struct command_list *list)
{
    bool first = true;

    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    while (next_element(j, &first)) {
        if (!read_keyed(j, list))
            return false;
    }
    return j->err == PL_OK;
}

static bool read_batch(struct pl_json *j, struct command_list *list)
{
    bool first = true;
    struct pl_span key;

    if (!open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        bool is_read = pl_span_equal(key, PL_SPAN("commands"))
                           ? read_commands(j, list)
                           : pl_json_skip(j, PL_JSON_DEPTH_MAX);
        if (!is_read)
            return false;
    }
    return j->err == PL_OK && at_end(j);
}

static bool read_lines(struct pl_json *j, struct command_list *list)
{
    do {
        if (!read_named(j, list))
            return false;
        pl_json_space(j);
    } while (j->at < j->end);
    return true;
}

uint32_t pl_api_commands_read(struct pl_api_command **out, size_t *count,
                              bool is_batch, struct pl_span body,
                              struct pl_arena *arena)
{
    struct command_list list = {
        .at = pl_arena_alloc(arena, PL_API_COMMANDS_MAX * sizeof *list.at)};
    struct pl_json j;

    if (list.at == NULL)
        return PL_ERROR_INTERNAL;
    pl_json_init(&j, body, arena);
    if (!(is_batch ? read_batch(&j, &list) : read_lines(&j, &list)))
        return j.err == PL_ENOMEM ? PL_ERROR_INTERNAL : PL_ERROR_BAD_REQUEST;
    if (list.count == 0)
        return PL_ERROR_BAD_REQUEST;
    *out = list.at;
    *count = list.count;
    return 0;
}
