/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_api_request.c - bodies of the server API.  The first byte says which
 * method, or that the body holds several commands. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api_command.h"
#include "api_request.h"
#include "code.h"
#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What was taken as JSON is JSON, and all channels have names. */
static void check_request(const struct pl_api_request *r)
{
    if (r->method != PL_API_PUBLISH && r->method != PL_API_BROADCAST)
        return;
    require(r->data.at != NULL);
    if (r->is_json) {
        char *copy = malloc(r->data.len + 1);
        require(copy != NULL);
        memcpy(copy, r->data.at, r->data.len);
        require(pl_json_accepts((struct pl_span){copy, r->data.len}));
        free(copy);
    }
    require(r->channel.len > 0 || r->channel_count > 0);
}

/* A fault says why, within the body, in text that JSON can carry. */
static void check_fault(const struct pl_api_fault *f, uint32_t error,
                        size_t len)
{
    struct pl_buf text = {0};

    require(f->code == error);
    if (f->is_malformed)
        require(error == PL_ERROR_BAD_REQUEST && f->why != NULL &&
                f->at <= len);
    if (error != 0)
        pl_api_fault_write(&text, f);
    require(!text.failed && (error == 0 || text.len > 0));
    for (size_t i = 0; i < text.len; i++)
        require(text.data[i] >= ' ' && text.data[i] <= '~');
    pl_buf_fini(&text);
}

static void read_one(enum pl_api_method method, struct pl_span body,
                     bool binary, struct pl_arena *arena)
{
    struct pl_api_request r;
    struct pl_api_fault fault;
    uint32_t error =
        pl_api_request_read(&r, method, body, binary, arena, &fault);

    if (error == 0)
        check_request(&r);
    else
        require(error == PL_ERROR_BAD_REQUEST || error == PL_ERROR_INTERNAL ||
                error == PL_ERROR_NOT_AVAILABLE ||
                error == PL_ERROR_METHOD_NOT_FOUND);
    check_fault(&fault, error, body.len);
}

static void read_several(bool is_batch, struct pl_span body,
                         struct pl_arena *arena)
{
    struct pl_api_command *c;
    struct pl_api_fault fault;
    size_t count, len = body.len;
    bool is_parallel;
    uint32_t error = pl_api_commands_read(&c, &count, &is_parallel, is_batch,
                                          body, arena, &fault);

    check_fault(&fault, error, len);
    if (error != 0)
        return;
    require(count > 0 && count <= PL_API_COMMANDS_MAX);
    for (size_t i = 0; i < count; i++)
        read_one(c[i].method, c[i].params, false, arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_arena arena = {.limit = 1 << 20};

    if (size < 1)
        return 0;
    char *copy = malloc(size); /* reading changes it; of just this size */
    require(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct pl_span body = {copy, size - 1};
    unsigned which = data[0] % 16;
    if (which < 14)
        read_one((enum pl_api_method)(which % PL_API_METHOD_COUNT), body,
                 (data[0] & 0x80) != 0, &arena);
    else
        read_several(which == 15, body, &arena);
    pl_arena_fini(&arena);
    free(copy);
    return 0;
}
