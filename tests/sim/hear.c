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

/* All that is in the input; false: it is broken.  Little comes out at a time,
 * since zlib sees only beyond that whether the window is large enough. */
static bool inflate_all(z_stream *z, struct pl_buf *out)
{
    int rc;

    do {
        char bytes[128];

        z->next_out = (Bytef *)bytes;
        z->avail_out = sizeof bytes;
        rc = inflate(z, Z_SYNC_FLUSH);
        pl_buf_put(out, bytes, sizeof bytes - z->avail_out);
    } while (rc == Z_OK && z->avail_out == 0);
    /* a buffer error: the output had just enough room the last time */
    return (rc == Z_OK || rc == Z_BUF_ERROR) && z->avail_in == 0;
}

/* The end of a flush, which is left away, is put behind it again. */
bool hear_inflate(struct pl_span data, int window_bits, struct pl_buf *out)
{
    static unsigned char tail[4] = {0, 0, 0xff, 0xff};
    z_stream z = {.next_in = (Bytef *)data.at, .avail_in = (uInt)data.len};

    inflateInit2(&z, -window_bits);
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

/* The member `name` of an object; absent when it has none. */
bool hear_member(struct pl_span body, const char *name, struct pl_span *out)
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

uint64_t hear_number(struct pl_span body, const char *name)
{
    struct pl_span text = {0};
    struct pl_json j;
    uint64_t n = 0;

    if (!hear_member(body, name, &text) || text.at == NULL)
        return 0;
    pl_json_init(&j, text, NULL);
    pl_json_unsigned(&j, UINT64_MAX, &n);
    return n;
}

/* A text, whose escapes stay as they are. */
static bool json_text(struct pl_span body, const char *name,
                      struct pl_span *out)
{
    struct pl_span quoted = {0};

    *out = PL_SPAN("");
    if (!hear_member(body, name, &quoted))
        return false;
    if (quoted.len >= 2)
        *out = (struct pl_span){quoted.at + 1, quoted.len - 2};
    return true;
}

static bool json_who(struct pl_span body, struct pl_span *out)
{
    struct pl_span info = {0};

    *out = PL_SPAN("");
    return hear_member(body, "info", &info) &&
           (info.at == NULL || json_text(info, "client", out));
}

/* The server API's form of what a publisher did not say to be JSON.  The bytes
 * live until the next call. */
static struct pl_span of_base64(struct pl_span text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    static char bytes[4096];
    size_t len = 0;
    uint32_t bits = 0;

    for (size_t i = 0, n = 0; i < text.len && len + 3 < sizeof bytes; i++) {
        const char *d = memchr(digits, text.at[i], sizeof digits - 1);

        if (d == NULL)
            continue; /* a quote, or padding */
        bits = bits << 6 | (uint32_t)(d - digits);
        if (++n % 4 != 1)
            bytes[len++] = (char)(bits >> (6 - 2 * ((n - 1) % 4)));
    }
    return (struct pl_span){bytes, len};
}

static bool json_publication(struct pl_span text, struct hear_publication *out)
{
    struct pl_span base64 = {0};

    *out = (struct hear_publication){.offset = hear_number(text, "offset")};
    if (!hear_member(text, "data", &out->data) ||
        !hear_member(text, "b64data", &base64))
        return false;
    if (base64.at != NULL)
        out->data = of_base64(base64);
    return json_who(text, &out->client);
}

static bool json_publications(struct pl_json *j, const struct hear_ops *ops,
                              void *arg)
{
    struct hear_publication p;
    struct pl_span one;

    if (!pl_json_take(j, '['))
        return false;
    if (pl_json_take(j, ']'))
        return true;
    do {
        if (!json_value(j, &one) || !json_publication(one, &p))
            return false;
        ops->publication(arg, &p);
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

static bool json_subs(struct pl_span body,
                      void (*each)(void *, struct pl_span, struct pl_span),
                      void *arg)
{
    struct pl_span subs = {0}, channel, result;
    struct pl_json j;
    bool first = true;

    if (!hear_member(body, "subs", &subs))
        return false;
    if (subs.at == NULL)
        return true;
    pl_json_init(&j, subs, NULL);
    if (!pl_json_take(&j, '{'))
        return false;
    while (pl_json_member(&j, &first, &channel)) {
        if (json_value(&j, &result))
            each(arg, channel, result);
    }
    return j.err == PL_OK;
}

static bool json_presence(struct pl_span body, const struct hear_ops *ops,
                          void *arg)
{
    struct pl_span clients = {0}, key, other;
    struct pl_json j;
    bool first = true;

    if (!hear_member(body, "presence", &clients))
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
    unsigned publications, epoch, offset, recoverable; /* 0: there is none */
};

/* The text that is field `number`. */
static bool binary_text(struct pl_span bytes, unsigned number,
                        struct pl_span *out)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    *out = PL_SPAN("");
    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == number)
            *out = f.bytes;
    }
    return true;
}

static bool binary_publication(struct pl_span bytes,
                               struct hear_publication *out)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    *out = (struct hear_publication){.client = PL_SPAN("")};
    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == 4)
            out->data = f.bytes;
        if (f.number == 5 && !binary_text(f.bytes, 2, &out->client))
            return false;
        if (f.number == 6)
            out->offset = f.value;
    }
    return true;
}

/* Two numbers, 0 where they are not there. */
static bool binary_numbers(struct pl_span bytes, unsigned first, uint32_t *one,
                           uint32_t *other)
{
    struct pl_protobuf r = pl_protobuf_of(bytes);
    struct pl_protobuf_field f = {0};

    *one = *other = 0;
    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number == first)
            *one = (uint32_t)f.value;
        if (f.number == first + 1)
            *other = (uint32_t)f.value;
    }
    return true;
}

static bool binary_publications(struct pl_span body, unsigned number,
                                const struct hear_ops *ops, void *arg)
{
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};
    struct hear_publication p;

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number != number)
            continue;
        if (!binary_publication(f.bytes, &p))
            return false;
        ops->publication(arg, &p);
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
        else if (f.number == n.recoverable)
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

static bool binary_subs(struct pl_span body,
                        void (*each)(void *, struct pl_span, struct pl_span),
                        void *arg)
{
    struct pl_protobuf r = pl_protobuf_of(body);
    struct pl_protobuf_field f = {0};
    struct pl_span channel = {0}, result;

    while (r.at < r.end) {
        if (!pl_protobuf_next(&r, &f))
            return false;
        if (f.number != 6)
            continue;
        if (!binary_entry(f.bytes, &channel, &result))
            return false;
        each(arg, channel, result);
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
               : binary_position(body, (struct numbers){7, 6, 9, 3}, ops, arg);
}

bool hear_begun(enum peer_encoding e, struct pl_span body,
                const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON
               ? json_position(body, ops, arg)
               : binary_position(body, (struct numbers){0, 4, 5, 1}, ops, arg);
}

bool hear_history(enum peer_encoding e, struct pl_span body,
                  const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON
               ? json_position(body, ops, arg)
               : binary_position(body, (struct numbers){1, 2, 3, 0}, ops, arg);
}

bool hear_subs(enum peer_encoding e, struct pl_span body,
               void (*each)(void *arg, struct pl_span channel,
                            struct pl_span result),
               void *arg)
{
    return e == PEER_JSON ? json_subs(body, each, arg)
                          : binary_subs(body, each, arg);
}

bool hear_ttl(enum peer_encoding e, struct pl_span body, uint32_t *ttl_s)
{
    uint32_t expires;

    if (e == PEER_PROTOBUF)
        return binary_numbers(body, 3, &expires, ttl_s);
    *ttl_s = (uint32_t)hear_number(body, "ttl");
    return true;
}

bool hear_sub_ttl(enum peer_encoding e, struct pl_span body, uint32_t *ttl_s)
{
    uint32_t expires;

    if (e == PEER_PROTOBUF)
        return binary_numbers(body, 1, &expires, ttl_s);
    *ttl_s = (uint32_t)hear_number(body, "ttl");
    return true;
}

bool hear_publication(enum peer_encoding e, struct pl_span body,
                      struct hear_publication *out)
{
    return e == PEER_JSON ? json_publication(body, out)
                          : binary_publication(body, out);
}

bool hear_who(enum peer_encoding e, struct pl_span body, struct pl_span *out)
{
    struct pl_span info;

    if (e == PEER_JSON)
        return json_who(body, out);
    return binary_text(body, 1, &info) && binary_text(info, 2, out);
}

bool hear_stats(enum peer_encoding e, struct pl_span body, uint32_t *clients,
                uint32_t *users)
{
    if (e == PEER_PROTOBUF)
        return binary_numbers(body, 1, clients, users);
    *clients = (uint32_t)hear_number(body, "num_clients");
    *users = (uint32_t)hear_number(body, "num_users");
    return true;
}

bool hear_presence(enum peer_encoding e, struct pl_span body,
                   const struct hear_ops *ops, void *arg)
{
    return e == PEER_JSON ? json_presence(body, ops, arg)
                          : binary_presence(body, ops, arg);
}
