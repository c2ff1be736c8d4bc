/* SPDX-License-Identifier: Apache-2.0 */
/* other_codecs.c - protobuf-c and jansson; see others.h.
 *
 * They read the fields that a publish needs, and check less: UTF-8 and unknown
 * fields are none of protobuf-c's business. */
#include "others.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client.pb-c.h"

struct work {
    struct pl_span message;
    const struct pl_push *push;
    struct pl_arena arena;
    struct pl_buf out;
};

/* --- protobuf-c --- */

static void *arena_alloc(void *arena, size_t size)
{
    return pl_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *at)
{
    (void)arena;
    (void)at;
}

/* The message behind its length, which is one byte here. */
static Parley__Command *unpack(struct work *w, ProtobufCAllocator *allocator)
{
    Parley__Command *c = parley__command__unpack(
        allocator, w->message.len - 1, (const uint8_t *)w->message.at + 1);

    assert(c != NULL && c->publish != NULL);
    return c;
}

static void unpack_malloc(void *arg, uint64_t times)
{
    for (uint64_t i = 0; i < times; i++)
        parley__command__free_unpacked(unpack(arg, NULL), NULL);
}

static void unpack_arena(void *arg, uint64_t times)
{
    struct work *w = arg;
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &w->arena};

    for (uint64_t i = 0; i < times; i++) {
        pl_arena_reset(&w->arena);
        measure_keep(unpack(w, &allocator));
    }
}

/* protobuf-c wants strings that end in a zero byte; the channel's does. */
static void pack(void *arg, uint64_t times)
{
    struct work *w = arg;
    Parley__Reply reply = PARLEY__REPLY__INIT;
    Parley__Push push = PARLEY__PUSH__INIT;
    Parley__Publication publication = PARLEY__PUBLICATION__INIT;

    for (uint64_t i = 0; i < times; i++) {
        publication.data.data =
            (uint8_t *)(uintptr_t)w->push->publication.data.at;
        publication.data.len = w->push->publication.data.len;
        push.channel = (char *)(uintptr_t)w->push->channel.at;
        push.pub = &publication;
        reply.push = &push;
        size_t len = parley__reply__get_packed_size(&reply);
        w->out.len = 0;
        char *at = pl_buf_reserve(&w->out, len);
        assert(at != NULL);
        parley__reply__pack(&reply, (uint8_t *)at);
        measure_keep(at);
    }
}

/* --- jansson --- */

static void load(void *arg, uint64_t times)
{
    struct work *w = arg;
    json_error_t error;

    for (uint64_t i = 0; i < times; i++) {
        json_t *root = json_loadb(w->message.at, w->message.len,
                                  JSON_REJECT_DUPLICATES, &error);
        json_t *publish = json_object_get(root, "publish");

        assert(json_object_get(publish, "channel") != NULL);
        /* the payload goes on as text */
        char *data = json_dumps(json_object_get(publish, "data"),
                                JSON_COMPACT | JSON_ENCODE_ANY);
        assert(data != NULL);
        free(data);
        json_decref(root);
    }
}

static void dump(void *arg, uint64_t times)
{
    struct work *w = arg;
    json_error_t error;
    struct pl_span data = w->push->publication.data;
    json_t *value = json_loadb(data.at, data.len, JSON_DECODE_ANY, &error);

    for (uint64_t i = 0; i < times; i++) {
        json_t *root = json_pack("{s:{s:s%,s:{s:O}}}", "push", "channel",
                                 w->push->channel.at, w->push->channel.len,
                                 "pub", "data", value);
        char *text = json_dumps(root, JSON_COMPACT);

        assert(text != NULL);
        measure_keep(text);
        free(text);
        json_decref(root);
    }
    json_decref(value);
}

/* --- Both --- */

static void fini(struct work *w)
{
    pl_arena_fini(&w->arena);
    pl_buf_fini(&w->out);
}

void others_decode(struct measure *m, enum pl_encoding encoding,
                   struct pl_span message)
{
    struct work w = {.message = message};

    if (encoding == PL_ENCODING_JSON) {
        measure(m, "wire/decode/json/publish/jansson", load, &w, 1, 0);
    } else {
        measure(m, "wire/decode/protobuf/publish/protobuf-c", unpack_malloc, &w,
                1, 0);
        measure(m, "wire/decode/protobuf/publish/protobuf-c+arena",
                unpack_arena, &w, 1, 0);
    }
    fini(&w);
}

void others_encode(struct measure *m, enum pl_encoding encoding,
                   const struct pl_push *push)
{
    struct work w = {.push = push};

    if (encoding == PL_ENCODING_JSON)
        measure(m, "wire/encode/json/push/jansson", dump, &w, 1, 0);
    else
        measure(m, "wire/encode/protobuf/push/protobuf-c", pack, &w, 1, 0);
    fini(&w);
}
