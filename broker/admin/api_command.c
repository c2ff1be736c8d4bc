/* SPDX-License-Identifier: Apache-2.0 */
/* api_command.c - see api_command.h.
 *
 * The text of all commands is checked before the first one runs, so a truncated
 * body has no effect.  Wrong parameters are an error of their command alone;
 * api_request.c reads them later.
 */
#include "api_command.h"

#include "api_json.h"
#include "code.h"

struct command_list {
    struct pl_api_command *at;
    size_t count;
    bool is_parallel;
    struct pl_api_fault *fault;
};

static struct pl_api_command *add_command(struct pl_json *j,
                                          struct command_list *list)
{
    if (list->count == PL_API_COMMANDS_MAX) {
        pl_api_fault_set(list->fault, PL_ERROR_BAD_REQUEST, "commands",
                         "more than 16384 commands");
        pl_json_fail(j, "too many commands");
        return NULL;
    }
    struct pl_api_command *c = &list->at[list->count++];
    *c = (struct pl_api_command){.method = PL_API_METHOD_COUNT};
    return c;
}

static bool read_id(struct pl_json *j, uint32_t *out)
{
    uint64_t id;

    if (!pl_json_unsigned(j, UINT32_MAX, &id))
        return false;
    *out = (uint32_t)id;
    return true;
}

/* {"method": "publish", "params": {..}, "id": 1} */
static bool read_named(struct pl_json *j, struct command_list *list)
{
    bool first = true;
    struct pl_span key, name;
    struct pl_api_command *c = add_command(j, list);

    if (c == NULL || !pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        bool is_read;

        if (pl_span_equal(key, PL_SPAN("method"))) {
            is_read = pl_json_text(j, &name);
            if (is_read)
                c->method = pl_api_method_find(name);
        } else if (pl_span_equal(key, PL_SPAN("params"))) {
            is_read = pl_json_raw(j, &c->params);
        } else if (pl_span_equal(key, PL_SPAN("id"))) {
            is_read = read_id(j, &c->id);
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

    if (c == NULL || !pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        if (c->params.at != NULL)
            return pl_json_fail(j, "two methods in one command");
        c->method = pl_api_method_find(key);
        if (!pl_json_raw(j, &c->params))
            return false;
    }
    return j->err == PL_OK;
}

static bool read_commands(struct pl_json *j, struct command_list *list)
{
    bool first = true;

    if (!pl_json_take(j, '['))
        return pl_json_fail(j, "an array is expected");
    while (pl_json_element(j, &first)) {
        if (!read_keyed(j, list))
            return false;
    }
    return j->err == PL_OK;
}

static bool read_batch(struct pl_json *j, struct command_list *list)
{
    bool first = true;
    struct pl_span key;

    if (!pl_json_open_object(j))
        return false;
    while (pl_json_member(j, &first, &key)) {
        bool is_read;

        if (pl_span_equal(key, PL_SPAN("commands")))
            is_read = read_commands(j, list);
        else if (pl_span_equal(key, PL_SPAN("parallel")))
            is_read = pl_json_null(j) || pl_json_bool(j, &list->is_parallel);
        else
            is_read = pl_json_skip(j, PL_JSON_DEPTH_MAX);
        if (!is_read)
            return false;
    }
    return j->err == PL_OK && pl_json_at_end(j);
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
                              bool *is_parallel, bool is_batch,
                              struct pl_span body, struct pl_arena *arena,
                              struct pl_api_fault *fault)
{
    struct command_list list = {
        .at = pl_arena_alloc(arena, PL_API_COMMANDS_MAX * sizeof *list.at),
        .fault = fault};
    struct pl_json j;

    *fault = (struct pl_api_fault){0};
    pl_json_init(&j, body, arena);
    const char *begin = j.at;
    if (list.at == NULL)
        pl_api_fault_set(fault, PL_ERROR_INTERNAL, NULL, NULL);
    else if (!(is_batch ? read_batch(&j, &list) : read_lines(&j, &list)))
        pl_api_fault_take(fault, &j, begin);
    else if (list.count == 0)
        pl_api_fault_set(fault, PL_ERROR_BAD_REQUEST, "commands",
                         "no command is given");
    if (fault->code == 0) {
        *out = list.at;
        *count = list.count;
        *is_parallel = list.is_parallel;
    }
    return fault->code;
}
