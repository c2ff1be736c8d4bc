/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h.
 *
 * One allocation holds everything, because each presence entry and each
 * publication in a history keeps a client alive.  The id is 12 bytes of address
 * and 12 random bytes in base64url: any loop can route to it, and it cannot be
 * guessed.
 *
 * Rejected: a random UUID, because all loops would have to share a table from
 * id to address. */
#include "client.h"

#include <stdint.h>
#include <stdlib.h>

#include "refs.h"

enum {
    ADDRESS_BYTES = 12,
    TAIL_BYTES = 12,
    ADDRESS_CHARS = 16,
    IP_BYTES = 16,  /* of a place too */
    IS_SHOWN = 0xff /* in place_len: the identity in one channel */
};

struct pl_client {
    struct pl_refs refs;
    struct pl_address address;
    uint16_t user_len;
    uint8_t place_len, ip_len;
    uint32_t info_len; /* NO_INFO if absent */
    char id[PL_CLIENT_ID_LEN];
    char bytes[]; /* the user, the info, the place, the ip; IS_SHOWN: the user,
                     the info, the length of the chan_info, the chan_info */
};

#define NO_INFO UINT32_MAX

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* `len` is a multiple of 3 */
static void base64url(char *out, const unsigned char *in, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v =
            (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = alphabet[v >> shift & 63];
    }
}

static void put_address(unsigned char out[ADDRESS_BYTES], struct pl_address a)
{
    uint32_t word[3] = {(uint32_t)a.node << 16 | a.loop, a.slot, a.generation};

    for (int i = 0; i < ADDRESS_BYTES; i++)
        out[i] = (unsigned char)(word[i / 4] >> (24 - 8 * (i % 4)));
}

enum pl_err pl_client_create(struct pl_client **out, struct pl_address address,
                             struct pl_random *random, struct pl_span user,
                             struct pl_span info)
{
    const struct pl_client_fields fields = {.user = user, .info = info};

    return pl_client_create_with(out, address, random, &fields);
}

/* Return where the info ends. */
static const char *tail_of(const struct pl_client *c)
{
    return c->bytes + c->user_len + (c->info_len == NO_INFO ? 0 : c->info_len);
}

static void put_id(struct pl_client *c, struct pl_random *random)
{
    unsigned char raw[ADDRESS_BYTES + TAIL_BYTES];

    put_address(raw, c->address);
    pl_random_bytes(random, raw + ADDRESS_BYTES, TAIL_BYTES);
    base64url(c->id, raw, sizeof raw);
}

static void put(char **at, struct pl_span from)
{
    if (from.len > 0)
        memcpy(*at, from.at, from.len);
    *at += from.len;
}

enum pl_err pl_client_create_with(struct pl_client **out,
                                  struct pl_address address,
                                  struct pl_random *random,
                                  const struct pl_client_fields *f)
{
    if (f->user.len > UINT16_MAX || f->info.len >= NO_INFO ||
        f->place.len > IP_BYTES || f->ip.len > IP_BYTES)
        return PL_ETOOBIG;
    struct pl_client *c = malloc(sizeof *c + f->user.len + f->info.len +
                                 f->place.len + f->ip.len);
    if (c == NULL)
        return PL_ENOMEM;
    pl_refs_init(&c->refs);
    c->address = address;
    put_id(c, random);
    c->user_len = (uint16_t)f->user.len;
    c->info_len = f->info.at == NULL ? NO_INFO : (uint32_t)f->info.len;
    c->place_len = (uint8_t)f->place.len;
    c->ip_len = (uint8_t)f->ip.len;
    char *at = c->bytes;
    put(&at, f->user);
    put(&at, f->info);
    put(&at, f->place);
    put(&at, f->ip);
    *out = c;
    return PL_OK;
}

enum pl_err pl_client_create_shown(struct pl_client **out,
                                   const struct pl_client *of,
                                   struct pl_span chan_info)
{
    uint32_t len = (uint32_t)chan_info.len;

    if (chan_info.len >= NO_INFO)
        return PL_ETOOBIG;
    size_t same = (size_t)(tail_of(of) - of->bytes);
    struct pl_client *c = malloc(sizeof *c + same + sizeof len + len);
    if (c == NULL)
        return PL_ENOMEM;
    *c = (struct pl_client){.address = of->address,
                            .user_len = of->user_len,
                            .place_len = IS_SHOWN,
                            .info_len = of->info_len};
    memcpy(c->id, of->id, sizeof c->id);
    pl_refs_init(&c->refs);
    char *at = c->bytes;
    put(&at, (struct pl_span){of->bytes, same});
    put(&at, (struct pl_span){(const char *)&len, sizeof len});
    put(&at, chan_info);
    *out = c;
    return PL_OK;
}

struct pl_client *pl_client_hold(struct pl_client *c)
{
    if (c != NULL)
        pl_refs_hold(&c->refs);
    return c;
}

void pl_client_release(struct pl_client *c)
{
    if (c != NULL && pl_refs_release(&c->refs))
        free(c);
}

struct pl_span pl_client_id(const struct pl_client *c)
{
    return (struct pl_span){c->id, PL_CLIENT_ID_LEN};
}

struct pl_span pl_client_user(const struct pl_client *c)
{
    return (struct pl_span){c->bytes, c->user_len};
}

struct pl_span pl_client_conn_info(const struct pl_client *c)
{
    if (c->info_len == NO_INFO)
        return (struct pl_span){NULL, 0};
    return (struct pl_span){c->bytes + c->user_len, c->info_len};
}

struct pl_span pl_client_chan_info(const struct pl_client *c)
{
    uint32_t len;

    if (c->place_len != IS_SHOWN)
        return (struct pl_span){NULL, 0};
    memcpy(&len, tail_of(c), sizeof len);
    return (struct pl_span){tail_of(c) + sizeof len, len};
}

size_t pl_client_seen_len(const struct pl_client *c)
{
    return (size_t)(tail_of(c) - c->bytes) + pl_client_chan_info(c).len;
}

struct pl_span pl_client_place(const struct pl_client *c)
{
    if (c->place_len == IS_SHOWN)
        return (struct pl_span){NULL, 0};
    return (struct pl_span){tail_of(c), c->place_len};
}

struct pl_span pl_client_ip(const struct pl_client *c)
{
    if (c->place_len == IS_SHOWN)
        return (struct pl_span){NULL, 0};
    return (struct pl_span){tail_of(c) + c->place_len, c->ip_len};
}

struct pl_address pl_client_address(const struct pl_client *c)
{
    return c->address;
}

static bool take_chars(const char *in, unsigned char out[ADDRESS_BYTES])
{
    uint32_t bits = 0;

    for (int i = 0; i < ADDRESS_CHARS; i++) {
        const char *at = in[i] == '\0' ? NULL : strchr(alphabet, in[i]);

        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        if (i % 4 == 3) {
            *out++ = (unsigned char)(bits >> 16);
            *out++ = (unsigned char)(bits >> 8);
            *out++ = (unsigned char)bits;
            bits = 0;
        }
    }
    return true;
}

enum pl_err pl_client_id_parse(struct pl_span id, struct pl_address *out)
{
    unsigned char raw[ADDRESS_BYTES];
    uint32_t word[3] = {0};

    if (id.len != PL_CLIENT_ID_LEN || !take_chars(id.at, raw))
        return PL_EBADMSG;
    for (int i = 0; i < ADDRESS_BYTES; i++)
        word[i / 4] = word[i / 4] << 8 | raw[i];
    out->node = (uint16_t)(word[0] >> 16);
    out->loop = (uint16_t)word[0];
    out->slot = word[1];
    out->generation = word[2];
    return PL_OK;
}
