/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c - see json_read.h. */
#include "json_read.h"

#include <string.h>

#include "json_scan.h"

/* Read the value that comes next. */
static bool take_value(struct pl_json *j, struct pl_span *out)
{
    pl_json_space(j);
    const char *begin = j->at;
    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){begin, (size_t)(j->at - begin)};
    return true;
}

void json_members(struct pl_span json,
                  bool (*each)(struct pl_span key, struct pl_span value,
                               void *arg),
                  void *arg)
{
    struct pl_arena arena = {0};
    struct pl_span key, value;
    struct pl_json j;
    bool first = true;

    pl_json_init(&j, json, &arena);
    pl_json_space(&j);
    if (pl_json_take(&j, '{')) {
        while (pl_json_member(&j, &first, &key) && take_value(&j, &value) &&
               each(key, value, arg))
            ;
    }
    pl_arena_fini(&arena);
}

struct search {
    const char *name;
    struct pl_span value;
    bool is_found;
};

static bool compare(struct pl_span key, struct pl_span value, void *arg)
{
    struct search *s = arg;

    if (!pl_span_equal(key, pl_span_of(s->name)))
        return true;
    s->value = value;
    s->is_found = true;
    return false;
}

bool json_find(struct pl_span json, const char *name, struct pl_span *value)
{
    struct search s = {.name = name};

    json_members(json, compare, &s);
    if (s.is_found)
        *value = s.value;
    return s.is_found;
}

void json_items(struct pl_span json,
                bool (*each)(struct pl_span item, void *arg), void *arg)
{
    struct pl_arena arena = {0};
    struct pl_span item;
    struct pl_json j;
    bool goes_on;

    pl_json_init(&j, json, &arena);
    pl_json_space(&j);
    goes_on = pl_json_take(&j, '[');
    pl_json_space(&j);
    if (goes_on && !pl_json_take(&j, ']')) {
        while (take_value(&j, &item) && each(item, arg)) {
            pl_json_space(&j);
            if (!pl_json_take(&j, ','))
                break;
        }
    }
    pl_arena_fini(&arena);
}

void put_json_text(struct pl_buf *b, struct pl_span value)
{
    struct pl_arena arena = {0};
    struct pl_span text = value;
    struct pl_json j;

    pl_json_init(&j, value, &arena);
    if (value.len == 0 || value.at[0] != '"' || !pl_json_text(&j, &text))
        text = value;
    pl_buf_put_span(b, text);
    pl_arena_fini(&arena);
}

bool json_equals(struct pl_span value, const char *text)
{
    struct pl_buf b = {0};

    if (value.len == 0 || value.at[0] != '"')
        return false;
    put_json_text(&b, value);
    bool is = !b.failed && pl_span_equal(pl_buf_span(&b), pl_span_of(text));
    pl_buf_fini(&b);
    return is;
}

uint64_t json_number(struct pl_span value)
{
    struct pl_json j;
    uint64_t n = 0;

    pl_json_init(&j, value, NULL);
    return pl_json_unsigned(&j, UINT64_MAX, &n) ? n : 0;
}
