/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.c - compresses and inflates messages; see deflate.h.
 *
 * zlib does the work.  A loop keeps one stream per kind and resets it before
 * each message.  The reset clears the hash table, which is the fixed cost of a
 * message; so the tables are smaller than zlib's defaults, which saved less
 * than one percent more on messages of 64 KiB when measured.
 *
 * A complete message is inflated by the stream that the loop keeps.  A message
 * that arrives in pieces uses its own stream until it ends, so that an error in
 * it is found on arrival.  There are at most PL_INFLATIONS_MAX such streams, so
 * unfinished messages cannot cost 40 KiB each without limit.
 *
 * Rejected: inflating from the start at each piece, because the cost grows with
 * the square of the pieces.
 *
 * Invariant: outside calls, the streams of a deflater and the stream that an
 * inflater keeps are at the start of a message. */
#include "deflate.h"

#include <stdlib.h>

#include <zlib.h>

#include "frame.h"

enum {
    TAIL = 4, /* bytes 00 00 FF FF: removed when sending, added when reading */
    OPCODE = 0x0F,
    CONTROL = 0x08,
    RSV1 = 0x40,
    OUT_MIN = 1024,   /* bytes; first allocation for a message */
    OUT_KEEP = 65536, /* bytes; more is freed before the next message */
    LEVEL = 3,        /* higher levels cost much and gain little */
    AT_BOUNDARY = 128 /* of zlib's data_type: between two blocks */
};

static const unsigned char tail[TAIL] = {0x00, 0x00, 0xFF, 0xFF};

/* The streams; each uses 2^(bits + 2) + 2^(memory + 9) bytes and 6 KiB.  NARROW
 * serves windows of 8 bits too: zlib's smallest window for raw data is 9 bits,
 * but it looks back at most the window less 262 bytes, which is 250.  Rejected:
 * declining such offers. */
static const struct {
    int bits;
    int memory;
} sizes[PL_DEFLATE_COUNT] = {
    [PL_DEFLATE_WIDE] = {15, 6}, [PL_DEFLATE_NARROW] = {9, 5}};

/* Return the stream, creating it if there is none; NULL: out of memory. */
static z_stream *deflate_stream(struct pl_deflater *d, enum pl_deflate kind)
{
    if (d->streams[kind] != NULL)
        return d->streams[kind];
    z_stream *z = calloc(1, sizeof *z);
    if (z == NULL ||
        deflateInit2(z, LEVEL, Z_DEFLATED, -sizes[kind].bits,
                     sizes[kind].memory, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        return NULL;
    }
    return d->streams[kind] = z;
}

void pl_deflater_fini(struct pl_deflater *d)
{
    for (unsigned i = 0; i < PL_DEFLATE_COUNT; i++) {
        if (d->streams[i] != NULL)
            deflateEnd(d->streams[i]);
        free(d->streams[i]);
        d->streams[i] = NULL;
    }
}

/* True if compression saves an eighth so far.  zlib keeps back a block, but of
 * data that does not shrink less than an eighth of PL_DEFLATE_TRY, so the first
 * check is reliable. */
static bool shrinks(const z_stream *z)
{
    return z->total_out < z->total_in - z->total_in / 8;
}

/* Compress to `at`, which has space for as many bytes as the message.  Return
 * the length, or 0 if it would not shrink: zlib stops when the space is used
 * up.  Rejected: compressing more than PL_DEFLATE_MAX in fragments over several
 * turns, at the 15 to 80 MB/s of zlib.  The messages of a turn are in one
 * segment, complete at the end of the turn; its subscribers would have to wait
 * for the fragments. */
static size_t compress_to(z_stream *z, char *at, struct pl_span message)
{
    size_t left = message.len;

    z->next_in = (Bytef *)(uintptr_t)message.at;
    z->next_out = (Bytef *)at;
    z->avail_out = (uInt)message.len;
    do {
        z->avail_in = (uInt)(left < PL_DEFLATE_TRY ? left : PL_DEFLATE_TRY);
        left -= z->avail_in;
        deflate(z, left == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    } while (left > 0 && shrinks(z));
    size_t space = z->avail_out;
    deflateReset(z);
    return left > 0 || space == 0 ? 0 : message.len - space - TAIL;
}

/* Write `frame` compressed to `at`, which has space for frame.len bytes; the
 * payload goes directly after the space for its header.  Return the length, or
 * 0 if the frame stays as it is. */
static size_t write_frame(struct pl_deflater *d, enum pl_deflate kind, char *at,
                          struct pl_span frame)
{
    struct pl_span message = pl_ws_frame_payload(frame);
    size_t header = frame.len - message.len;

    if (message.len < PL_DEFLATE_MIN || message.len > PL_DEFLATE_MAX ||
        (*frame.at & CONTROL) != 0)
        return 0;
    z_stream *z = deflate_stream(d, kind);
    if (z == NULL)
        return 0;
    size_t len = compress_to(z, at + header, message);
    if (len == 0)
        return 0;
    size_t size = pl_ws_frame_fit(at, (enum pl_ws_opcode)(*frame.at & OPCODE),
                                  header, len);
    *at |= RSV1;
    return size;
}

void pl_deflate_frame(struct pl_deflater *d, enum pl_deflate kind,
                      struct pl_buf *b, struct pl_span frame)
{
    char *at = pl_buf_reserve(b, frame.len);
    size_t len = at == NULL ? 0 : write_frame(d, kind, at, frame);

    if (len > 0)
        b->len += len;
    else
        pl_buf_put_span(b, frame);
}

void pl_deflate_last(struct pl_deflater *d, enum pl_deflate kind,
                     struct pl_buf *b, size_t mark)
{
    size_t size = b->len - mark;

    if (size < PL_DEFLATE_MIN || size > PL_DEFLATE_MAX + PL_WS_HEADER_MAX)
        return;
    char *at = pl_buf_reserve(b, size);
    b->failed = false; /* the content is complete */
    if (at == NULL)
        return;
    size_t len =
        write_frame(d, kind, at, (struct pl_span){b->data + mark, size});
    if (len == 0)
        return;
    memmove(b->data + mark, at, len);
    b->len = mark + len;
}

/* --- Inflating --- */

static z_stream *make_stream(void)
{
    z_stream *z = calloc(1, sizeof *z);

    if (z != NULL && inflateInit2(z, -MAX_WBITS) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static void destroy_stream(z_stream *z)
{
    if (z != NULL)
        inflateEnd(z);
    free(z);
}

/* Return the stream that is kept, or a new one; NULL: out of memory. */
static z_stream *take_stream(struct pl_inflater *i)
{
    z_stream *z = i->stream;

    i->stream = NULL;
    return z != NULL ? z : make_stream();
}

/* Keep one stream, free the others. */
static void return_stream(struct pl_inflater *i, z_stream *z)
{
    if (i->stream != NULL || inflateReset(z) != Z_OK)
        destroy_stream(z);
    else
        i->stream = z;
}

void pl_inflater_fini(struct pl_inflater *i)
{
    destroy_stream(i->stream);
    i->stream = NULL;
    pl_buf_fini(&i->out);
}

/* Set where the next output goes: to free memory after the content, to more of
 * it, or, if there are `max` bytes already, to *beyond on the caller's
 * stack. */
static enum pl_err make_space(z_stream *z, size_t max, struct pl_buf *b,
                              unsigned char *beyond)
{
    if (b->len == max) {
        z->next_out = beyond;
        z->avail_out = 1;
        return PL_OK;
    }
    if (b->len == b->cap) {
        size_t cap = b->cap < OUT_MIN ? OUT_MIN : b->cap * 2;

        cap = cap < max ? cap : max;
        char *data = realloc(b->data, cap);
        if (data == NULL)
            return PL_ENOMEM;
        b->data = data;
        b->cap = cap;
    }
    size_t space = (b->cap < max ? b->cap : max) - b->len;
    z->next_out = (Bytef *)b->data + b->len;
    z->avail_out = space < UINT32_MAX ? (uInt)space : UINT32_MAX;
    return PL_OK;
}

/* Inflate until `in` is used up and no more output comes. */
static enum pl_err feed(z_stream *z, struct pl_span in, size_t max,
                        struct pl_buf *out)
{
    unsigned char beyond;

    z->next_in = (Bytef *)(uintptr_t)in.at;
    z->avail_in = (uInt)in.len;
    for (;;) {
        enum pl_err err = make_space(z, max, out, &beyond);

        if (err != PL_OK)
            return err;
        uInt space = z->avail_out;
        int rc = inflate(z, Z_SYNC_FLUSH);
        if (space > z->avail_out && out->len == max)
            return PL_ETOOBIG;
        out->len += space - z->avail_out;
        if (rc == Z_MEM_ERROR)
            return PL_ENOMEM;
        /* A final block ends zlib's stream but not the message (section
         * 7.2.3.4): what follows starts afresh. */
        if (rc == Z_STREAM_END && inflateReset(z) != Z_OK)
            return PL_EBADMSG;
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return PL_EBADMSG;
        if (z->avail_in == 0 && z->avail_out > 0)
            return PL_OK;
    }
}

static enum pl_err finish(z_stream *z, size_t max, struct pl_buf *out)
{
    enum pl_err err =
        feed(z, (struct pl_span){(const char *)tail, TAIL}, max, out);

    if (err == PL_OK && (z->data_type & AT_BOUNDARY) == 0)
        err = PL_EBADMSG; /* truncated inside a block */
    return err;
}

enum pl_err pl_inflate(struct pl_inflater *i, struct pl_span payload,
                       size_t max, struct pl_span *out)
{
    if (i->out.cap > OUT_KEEP)
        pl_buf_fini(&i->out);
    i->out.len = 0;
    z_stream *z = take_stream(i);
    if (z == NULL)
        return PL_ENOMEM;
    enum pl_err err = feed(z, payload, max, &i->out);
    if (err == PL_OK)
        err = finish(z, max, &i->out);
    pl_inflater_charge(i, i->out.len);
    return_stream(i, z);
    if (err == PL_OK)
        *out = (struct pl_span){i->out.data != NULL ? i->out.data : "",
                                i->out.len};
    return err;
}

enum pl_err pl_inflation_open(struct pl_inflater *i, struct pl_inflation *n)
{
    if (i->open == PL_INFLATIONS_MAX)
        return PL_EFULL;
    z_stream *z = take_stream(i);
    if (z == NULL)
        return PL_ENOMEM;
    i->open++;
    n->stream = z;
    return PL_OK;
}

enum pl_err pl_inflation_feed(struct pl_inflation *n, struct pl_span piece,
                              size_t max, struct pl_buf *out)
{
    return piece.len == 0 ? PL_OK : feed(n->stream, piece, max, out);
}

enum pl_err pl_inflation_end(struct pl_inflation *n, size_t max,
                             struct pl_buf *out)
{
    return finish(n->stream, max, out);
}

void pl_inflation_close(struct pl_inflater *i, struct pl_inflation *n)
{
    if (n->stream == NULL)
        return;
    return_stream(i, n->stream);
    i->open--;
    n->stream = NULL;
}
