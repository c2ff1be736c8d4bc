/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - see pack.h. */
#include "pack.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

enum { TAIL = 4, ROOM = 65536, BITS_MAX = 15, AT_BOUNDARY = 128 };

static const unsigned char tail[TAIL] = {0x00, 0x00, 0xFF, 0xFF};

struct packer {
    struct pack_terms terms;
    z_stream out, in;
};

/* --- What was agreed --- */

/* Take what is before the next `stop`, without blanks around it. */
static struct pl_span take_until(struct pl_span *rest, char stop)
{
    const char *end = memchr(rest->at, stop, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
    struct pl_span part = {rest->at, len};

    rest->at += end == NULL ? len : len + 1;
    rest->len -= end == NULL ? len : len + 1;
    while (part.len > 0 && *part.at == ' ') {
        part.at++;
        part.len--;
    }
    while (part.len > 0 && part.at[part.len - 1] == ' ')
        part.len--;
    return part;
}

static bool once(bool *flag)
{
    bool first = !*flag;

    *flag = true;
    return first;
}

/* 8 to 15; 0: not that. */
static unsigned bits_of(struct pl_span value)
{
    char text[8];
    unsigned n;
    int end = 0;

    if (value.len >= 2 && *value.at == '"' && value.at[value.len - 1] == '"')
        value = (struct pl_span){value.at + 1, value.len - 2};
    if (value.len == 0 || value.len > 2 || *value.at == '0')
        return 0;
    snprintf(text, sizeof text, "%.*s", (int)value.len, value.at);
    if (sscanf(text, "%u%n", &n, &end) != 1 || (size_t)end != value.len)
        return 0;
    return n >= 8 && n <= 15 ? n : 0;
}

static bool read_parameter(struct pl_span text, struct pack_terms *t)
{
    struct pl_span value = text;
    struct pl_span name = take_until(&value, '=');
    bool has_value = memchr(text.at, '=', text.len) != NULL;

    value = take_until(&value, '\0');
    if (pl_span_equal(name, PL_SPAN("server_no_context_takeover")))
        return !has_value && once(&t->server_no_context);
    if (pl_span_equal(name, PL_SPAN("client_no_context_takeover")))
        return !has_value && once(&t->client_no_context);
    if (pl_span_equal(name, PL_SPAN("server_max_window_bits")))
        return t->server_bits == 0 && (t->server_bits = bits_of(value)) != 0;
    if (!pl_span_equal(name, PL_SPAN("client_max_window_bits")) ||
        !once(&t->has_client_bits))
        return false;
    return !has_value || (t->client_bits = bits_of(value)) != 0;
}

static bool read_terms(struct pl_span text, struct pack_terms *out)
{
    *out = (struct pack_terms){0};
    if (!pl_span_equal(take_until(&text, ';'), PL_SPAN("permessage-deflate")))
        return false;
    while (text.len > 0) {
        if (!read_parameter(take_until(&text, ';'), out))
            return false;
    }
    return true;
}

/* RFC 7692 section 7.1. */
const char *pack_check(struct pl_span offer, struct pl_span answer,
                       struct pack_terms *out)
{
    struct pack_terms asked;

    if (!read_terms(answer, out) ||
        (out->has_client_bits && out->client_bits == 0))
        return "the answer is malformed";
    if (!read_terms(offer, &asked))
        return "an offer was taken that is malformed";
    if (asked.server_no_context && !out->server_no_context)
        return "server_no_context_takeover is missing";
    if (asked.server_bits != 0 &&
        (out->server_bits == 0 || out->server_bits > asked.server_bits))
        return "server_max_window_bits is missing or larger";
    if (out->has_client_bits && !asked.has_client_bits)
        return "client_max_window_bits that nobody offered";
    if (asked.client_bits != 0 && out->client_bits > asked.client_bits)
        return "client_max_window_bits is larger";
    return NULL;
}

/* --- Compressing --- */

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "pack: %s\n", what);
    abort();
}

/* zlib cannot compress with 8 bits: 9, which never looks back further than 250
 * bytes, is right for 8 as well. */
static int bits_to_send(const struct pack_terms *t)
{
    int bits = t->client_bits == 0 ? BITS_MAX : (int)t->client_bits;

    return bits < 9 ? 9 : bits;
}

struct packer *packer_create(const struct pack_terms *terms,
                             enum pack_style style)
{
    struct packer *p = calloc(1, sizeof *p);
    int server = terms->server_bits == 0 ? BITS_MAX : (int)terms->server_bits;
    int strategy = style == PACK_FIXED     ? Z_FIXED
                   : style == PACK_HUFFMAN ? Z_HUFFMAN_ONLY
                                           : Z_DEFAULT_STRATEGY;

    must(p != NULL, "no memory");
    p->terms = *terms;
    must(deflateInit2(&p->out, style == PACK_STORED ? 0 : 1, Z_DEFLATED,
                      -bits_to_send(terms), 8, strategy) == Z_OK,
         "deflateInit2");
    must(inflateInit2(&p->in, -server) == Z_OK, "inflateInit2");
    return p;
}

void packer_destroy(struct packer *p)
{
    if (p == NULL)
        return;
    deflateEnd(&p->out);
    inflateEnd(&p->in);
    free(p);
}

/* Compress all of the piece and flush. */
static void squeeze(z_stream *z, struct pl_buf *out, struct pl_span piece)
{
    z->next_in = (Bytef *)(uintptr_t)piece.at;
    z->avail_in = (uInt)piece.len;
    do {
        char *to = pl_buf_reserve(out, ROOM);

        must(to != NULL, "no memory");
        z->next_out = (Bytef *)to;
        z->avail_out = ROOM;
        int rc = deflate(z, Z_SYNC_FLUSH);
        must(rc == Z_OK || rc == Z_BUF_ERROR, "deflate");
        out->len += ROOM - z->avail_out;
    } while (z->avail_out == 0);
}

void packer_put(struct packer *p, struct pl_buf *out, struct pl_span piece,
                bool is_last)
{
    size_t from = out->len;

    squeeze(&p->out, out, piece);
    if (!is_last)
        return;
    if (out->len == from) { /* zlib flushes nothing twice */
        pl_buf_put_byte(out, '\0');
    } else {
        must(out->len >= from + TAIL &&
                 memcmp(out->data + out->len - TAIL, tail, TAIL) == 0,
             "no tail");
        out->len -= TAIL;
    }
    if (p->terms.client_no_context)
        deflateReset(&p->out);
}

/* --- Inflating --- */

static bool stretch(z_stream *z, struct pl_buf *out, struct pl_span in)
{
    z->next_in = (Bytef *)(uintptr_t)in.at;
    z->avail_in = (uInt)in.len;
    do {
        char *to = pl_buf_reserve(out, ROOM);

        must(to != NULL, "no memory");
        z->next_out = (Bytef *)to;
        z->avail_out = ROOM;
        int rc = inflate(z, Z_SYNC_FLUSH);
        out->len += ROOM - z->avail_out;
        if (rc == Z_STREAM_END)
            inflateReset(z);
        else if (rc != Z_OK && rc != Z_BUF_ERROR)
            return false;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return true;
}

bool packer_open(struct packer *p, struct pl_buf *out, struct pl_span payload)
{
    bool ok = stretch(&p->in, out, payload) &&
              stretch(&p->in, out, (struct pl_span){(const char *)tail, TAIL});

    ok = ok && (p->in.data_type & AT_BOUNDARY) != 0;
    if (p->terms.server_no_context)
        inflateReset(&p->in);
    return ok;
}
