/* SPDX-License-Identifier: Apache-2.0 */
/* api_values.c - see api_values.h.
 *
 * Copies go to the arena of the scanner, which ends with the body, so a list in
 * the arena is never longer than its JSON. */
#include "api_values.h"

#include <string.h>

#include "api_json.h"
#include "base64.h"
#include "codec.h"
#include "hub.h"
#include "tags.h"

bool pl_api_text(struct pl_json *j, struct pl_span *out)
{
    *out = (struct pl_span){0};
    return pl_json_null(j) || pl_json_text(j, out);
}

bool pl_api_no_memory(struct pl_json *j)
{
    pl_json_fail(j, "out of memory");
    j->err = PL_ENOMEM;
    return false;
}

bool pl_api_base64(struct pl_json *j, struct pl_span *out, bool *is_json)
{
    struct pl_span text;

    if (!pl_api_text(j, &text))
        return false;
    if (text.len == 0)
        return true;
    char *to = pl_arena_alloc(j->arena, text.len);
    if (to == NULL)
        return pl_api_no_memory(j);
    if (!pl_base64_decode(&text, to))
        return pl_json_fail(j, "not base64");
    *out = text;
    *is_json = pl_json_accepts(text);
    return true;
}

/* {"value": true} or null; *value stays if it says nothing. */
static bool read_override(struct pl_json *j, bool *value)
{
    bool first = true;
    struct pl_span key;

    if (pl_json_null(j))
        return true;
    if (!pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key))
        if (pl_span_equal(key, PL_SPAN("value"))
                ? !pl_json_bool(j, value)
                : !pl_json_skip(j, PL_JSON_DEPTH_MAX))
            return false;
    return j->err == PL_OK;
}

/* Every channel with history is recoverable and positioned, so these two can
 * only be granted. */
static bool override_one(struct pl_json *j, struct pl_span key,
                         struct pl_api_request *r)
{
    bool is_presence = pl_span_equal(key, PL_SPAN("presence"));
    bool is_kept = pl_span_equal(key, PL_SPAN("force_recovery")) ||
                   pl_span_equal(key, PL_SPAN("force_positioning"));
    bool value = is_presence || is_kept;

    if (!read_override(j, &value))
        return false;
    if (is_presence && !value)
        r->sub_flags |= PL_SUB_HIDDEN;
    else if (pl_span_equal(key, PL_SPAN("force_push_join_leave")) && value)
        r->sub_flags |= PL_SUB_JOIN_LEAVE;
    else if ((is_kept && !value) ||
             (pl_span_equal(key, PL_SPAN("join_leave")) && value))
        return pl_json_fail(j, "the rules of the channel decide that");
    return true;
}

bool pl_api_on_override(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;
    struct pl_span key;

    if (pl_json_null(j))
        return true;
    if (!pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key))
        if (!override_one(j, key, r))
            return false;
    return j->err == PL_OK;
}

static bool has_tag(struct pl_span tags, struct pl_span wanted)
{
    struct pl_span key, value;

    while (pl_tags_next(&tags, &key, &value))
        if (pl_span_equal(key, wanted))
            return true;
    return false;
}

/* Read the next tag to the end of `tags`, whose memory suffices. */
static bool read_tag(struct pl_json *j, struct pl_span key,
                     struct pl_span *tags)
{
    struct pl_span value;

    if (!pl_json_text(j, &value))
        return false;
    if (has_tag(*tags, key))
        return pl_json_fail(j, "a tag is given twice");
    if (memchr(key.at, 0, key.len) != NULL ||
        memchr(value.at, 0, value.len) != NULL)
        return pl_json_fail(j, "a tag has a zero byte");
    tags->len += pl_tags_place((char *)tags->at + tags->len, key, value);
    return true;
}

/* In the memory of the arena a tag takes 8 bytes and its texts; in JSON it took
 * at least 6 and these. */
bool pl_api_on_tags(struct pl_json *j, struct pl_api_request *r)
{
    struct pl_span raw, key, tags = {0};
    struct pl_json inner;
    bool first = true;
    size_t count = 0;

    if (pl_json_null(j))
        return true;
    if (!pl_json_raw(j, &raw))
        return false;
    tags.at = pl_arena_alloc(j->arena, raw.len + (size_t)2 * PL_TAGS_MAX);
    if (tags.at == NULL)
        return pl_api_no_memory(j);
    pl_json_init(&inner, raw, j->arena);
    bool is_read = pl_json_open_object(&inner);
    while (is_read && pl_json_member(&inner, &first, &key)) {
        if (count++ == PL_TAGS_MAX)
            is_read = pl_json_fail(&inner, "more than 256 tags");
        else
            is_read = read_tag(&inner, key, &tags);
    }
    if (!is_read || inner.err != PL_OK) {
        *j = inner; /* its error and its place */
        return false;
    }
    r->tags = tags;
    return true;
}

/* A text takes no more bytes in the list than in JSON. */
static bool read_texts(struct pl_json *j, struct pl_span *out, uint32_t *count)
{
    bool first = true;
    struct pl_span text;

    if (pl_json_null(j))
        return true;
    char *to = pl_arena_alloc(j->arena, (size_t)(j->end - j->at));
    if (to == NULL)
        return pl_api_no_memory(j);
    *out = (struct pl_span){to, 0};
    *count = 0;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    while (pl_json_element(j, &first)) {
        if (!pl_json_text(j, &text))
            return false;
        memcpy(to + out->len, text.at, text.len);
        to[out->len + text.len] = '\0';
        out->len += text.len + 1;
        ++*count;
    }
    return j->err == PL_OK;
}

bool pl_api_on_whitelist(struct pl_json *j, struct pl_api_request *r)
{
    return read_texts(j, &r->except, &r->except_count);
}

bool pl_api_on_users(struct pl_json *j, struct pl_api_request *r)
{
    return read_texts(j, &r->users, &r->user_count);
}

bool pl_api_on_disconnect(struct pl_json *j, struct pl_api_request *r)
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
            is_read = pl_api_text(j, &r->reason);
        } else {
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        }
        if (!is_read)
            return false;
    }
    return j->err == PL_OK;
}

bool pl_api_on_since(struct pl_json *j, struct pl_api_request *r)
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
            is_read = pl_api_text(j, &r->epoch);
        else
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        if (!is_read)
            return false;
    }
    return j->err == PL_OK;
}

/* A name takes at least three bytes, and one more but for the last. */
static size_t most_elements(const struct pl_json *j)
{
    size_t n = (size_t)(j->end - j->at) / 3 + 1;

    return n < PL_API_CHANNELS_MAX ? n : PL_API_CHANNELS_MAX;
}

bool pl_api_on_channels(struct pl_json *j, struct pl_api_request *r)
{
    bool first = true;

    if (pl_json_null(j))
        return true;
    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    r->channel_count = 0;
    if (r->channels == NULL) /* the key may occur several times */
        r->channels =
            pl_arena_alloc(j->arena, most_elements(j) * sizeof *r->channels);
    if (r->channels == NULL)
        return pl_api_no_memory(j);
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
