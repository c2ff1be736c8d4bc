/* SPDX-License-Identifier: Apache-2.0 */
/* hear.c - see hear.h. */
#include "hear.h"

#include <string.h>
#include <zlib.h>

#include "json_scan.h"
#include "protobuf_read.h"

static bool is(struct pl_span key, const char *name)
{
    return pl_span_equal(key, pl_span_of(name));
}

/* All that is in the input; false: it is broken. */
static bool inflate_all(z_stream *z, struct pl_buf *out)
{
    int rc;

    do {
        char bytes[4096];

        z->next_out = (Bytef *)bytes;
        z->avail_out = sizeof bytes;
        rc = inflate(z, Z_SYNC_FLUSH);
        pl_buf_put(out, bytes, sizeof bytes - z->avail_out);
    } while (rc == Z_OK && z->avail_out == 0);
    /* a buffer error: the output had just enough room the last time */
    return (rc == Z_OK || rc == Z_BUF_ERROR) && z->avail_in == 0;
}

/* The end of a flush, which is left away, is put behind it again. */
bool hear_inflate(struct pl_span data, struct pl_buf *out)
{
    static unsigned char tail[4] = {0, 0, 0xff, 0xff};
    z_stream z = {.next_in = (Bytef *)data.at, .avail_in = (uInt)data.len};

    inflateInit2(&z, -15);
    bool is_good = inflate_all(&z, out);
    z.next_in = tail;
    z.avail_in = sizeof tail;
    is_good = is_good && inflate_all(&z, out);
    inflateEnd(&z);
    return is_good;
}

/* --- JSON --- */

static bool json_value(struct pl_json *j, struct pl_span *out)
{
    const char *from = j->at;

    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){from, (size_t)(j->at - from)};
    return true;
}

static bool json_publication(struct pl_span text, const struct hear_ops *ops,
                             void *arg)
{
    struct pl_json j;
    struct pl_span key, data = {0}, other;
    uint64_t offset = 0;
    bool first = true;

    pl_json_init(&j, text, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (is(key, "offset"))
            pl_json_unsigned(&j, UINT64_MAX, &offset);
        else
            json_value(&j, is(key, "data") ? &data : &other);
    }
    ops->publication(arg, offset, data);
    return j.err == PL_OK;
}

static bool json_publications(struct pl_json *j, const struct hear_ops *ops,
                              void *arg)
{
    struct pl_span one;

    if (!pl_json_take(j, '['))
        return false;
    if (pl_json_take(j, ']'))
        return true;
    do {
        if (!json_value(j, &one) || !json_publication(one, ops, arg))
            return false;
    } while (pl_json_take(j, ','));
    return pl_json_take(j, ']');
}

static bool json_position(struct pl_span body, const struct hear_ops *ops,
                          void *arg)
{
    struct hear_position p = {0};
    struct pl_json j;
    struct pl_span key, pubs = {0}, other;
    bool first = true;

    pl_json_init(&j, body, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (is(key, "recoverable"))
            pl_json_bool(&j, &p.is_recoverable);
        else if (is(key, "recovered"))
            pl_json_bool(&j, &p.is_recovered);
        else if (is(key, "offset"))
            pl_json_unsigned(&j, UINT64_MAX, &p.offset);
        else if (is(key, "epoch"))
            pl_json_text(&j, &p.epoch);
        else
            json_value(&j, is(key, "publications") ? &pubs : &other);
    }
    if (j.err != PL_OK)
        return false;
    ops->position(arg, &p);
    pl_json_init(&j, pubs, NULL);
    return pubs.at == NULL || json_publications(&j, ops, arg);
}

/* The member `name` of an object; absent when it has none. */
static bool json_find(struct pl_span body, const char *name,
                      struct pl_span *out)
{
    struct pl_json j;
    struct pl_span key, value;
    bool first = true;

    pl_json_init(&j, body, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (json_value(&j, &value) && is(key, name))
            *out = value;
    }
    return j.err == PL_OK;
}

static bool json_first_sub(struct pl_span body, struct pl_span *channel,
                           struct pl_span *out)
{
    struct pl_span subs = {0};
    struct pl_json j;
    bool first = true;

    if (!json_find(body, "subs", &subs))
        return false;
    if (subs.at == NULL)
        return true;
    pl_json_init(&j, subs, NULL);
    return pl_json_take(&j, '{') && pl_json_member(&j, &first, channel) &&
           json_value(&j, out);
}

static bool json_presence(struct pl_span body, const struct hear_ops *ops,
                          void *arg)
{
    struct pl_span clients = {0}, key, other;
    struct pl_json j;
    bool first = true;

    if (!json_find(body, "presence", &clients))
        return false;
    if (clients.at == NULL)
        return true;
    pl_json_init(&j, clients, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &key)) {
        if (json_value(&j, &other))
            ops->client(arg, key);
    }
    return j.err == PL_OK;
}

/* --- Protobuf --- */

struct numbers {
    unsigned publications, epoch, offset;
};

static bool binary_publication(struct pl_span bytes, const struct hear_ops *ops,
                               void *arg)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};
    struct pl_span data = {0};
    uint64_t offset = 0;

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == 4)
            data = f.bytes;
        if (f.number == 6)
            offset = f.value;
    }
    ops->publication(arg, offset, data);
    return true;
}

static bool binary_publications(struct pl_span body, unsigned number,
                                const struct hear_ops *ops, void *arg)
{
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == number && !binary_publication(f.bytes, ops, arg))
            return false;
    }
    return true;
}

static bool binary_position(struct pl_span body, struct numbers n,
                            const struct hear_ops *ops, void *arg)
{
    struct hear_position p = {0};
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == n.epoch)
            p.epoch = f.bytes;
        else if (f.number == n.offset)
            p.offset = f.value;
        else if (f.number == 3)
            p.is_recoverable = f.value != 0;
        else if (f.number == 8)
            p.is_recovered = f.value != 0;
    }
    ops->position(arg, &p);
    return binary_publications(body, n.publications, ops, arg);
}

static bool binary_entry(struct pl_span bytes, struct pl_span *key,
                         struct pl_span *value)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    *value = PL_SPAN("");
    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == 1)
            *key = f.bytes;
        if (f.number == 2)
            *value = f.bytes;
    }
    return true;
}

static bool binary_first_sub(struct pl_span body, struct pl_span *channel,
                             struct pl_span *out)
{
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == 6)
            return binary_entry(f.bytes, channel, out);
    }
    return true;
}

static bool binary_presence(struct pl_span body, const struct hear_ops *ops,
                            void *arg)
{
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};
    struct pl_span key = {0}, value;

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f) || !binary_entry(f.bytes, &key, &value))
            return false;
        ops->client(arg, key);
    }
    return true;
}

/* --- Both --- */

bool hear_subscribe(enum peer_encoding e, struct pl_span body,
                    const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON
               ? json_position(body, ops, arg)
               : binary_position(body, (struct numbers){7, 6, 9}, ops, arg);
}

bool hear_history(enum peer_encoding e, struct pl_span body,
                  const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON
               ? json_position(body, ops, arg)
               : binary_position(body, (struct numbers){1, 2, 3}, ops, arg);
}

bool hear_first_sub(enum peer_encoding e, struct pl_span body,
                    struct pl_span *channel, struct pl_span *out)
{
    *channel = *out = (struct pl_span){0};
    return e == PEER_JSON ? json_first_sub(body, channel, out)
                          : binary_first_sub(body, channel, out);
}

bool hear_presence(enum peer_encoding e, struct pl_span body,
                   const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON ? json_presence(body, ops, arg)
                          : binary_presence(body, ops, arg);
}
