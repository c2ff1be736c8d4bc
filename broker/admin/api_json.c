/* SPDX-License-Identifier: Apache-2.0 */
/* api_json.c - see api_json.h. */
#include "api_json.h"

bool pl_json_at_end(struct pl_json *j)
{
    pl_json_space(j);
    return j->at == j->end || pl_json_fail(j, "something follows");
}

bool pl_json_open_object(struct pl_json *j)
{
    pl_json_space(j);
    return pl_json_take(j, '{') || pl_json_fail(j, "an object is expected");
}

bool pl_json_raw(struct pl_json *j, struct pl_span *out)
{
    const char *begin = j->at;

    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){begin, (size_t)(j->at - begin)};
    return true;
}
