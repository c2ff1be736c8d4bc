/* SPDX-License-Identifier: Apache-2.0 */
/* ws_feed.c - see ws_feed.h.
 *
 * The log is text and not a list of events, so that the expectation of a test
 * is one string and a difference can be read.  Masking here is the plain loop
 * of RFC 6455 section 5.3, on purpose not the decoder's. */
#include "ws_feed.h"

#include <stdio.h>
#include <stdlib.h>

enum { OVERHEAD_MAX = 256 }; /* bytes of a decoder beside its message */

static void broken(const char *promise)
{
    fprintf(stderr, "ws_feed: the decoder broke its promise: %s\n", promise);
    abort();
}

static void put_bytes(struct pl_buf *log, struct pl_span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];

        if (c > ' ' && c < 0x7F && c != '%')
            pl_buf_put_byte(log, (char)c);
        else
            pl_buf_printf(log, "%%%02X", c);
    }
}

static void put_event(struct pl_buf *log, const struct pl_ws_event *e)
{
    if (log->len > 0)
        pl_buf_put_byte(log, ' ');
    if (e->kind == PL_WS_EVENT_ERROR) {
        pl_buf_printf(log, "error=%u", e->code);
        return;
    }
    if (e->kind == PL_WS_EVENT_CLOSE)
        pl_buf_printf(log, "close=%u/", e->code);
    else if (e->kind == PL_WS_EVENT_PING)
        pl_buf_printf(log, "ping=");
    else if (e->kind == PL_WS_EVENT_PONG)
        pl_buf_printf(log, "pong=");
    else
        pl_buf_printf(log, e->opcode == PL_WS_TEXT ? "text=" : "binary=");
    put_bytes(log, e->payload);
}

static void check_promises(const struct pl_ws_decoder *d,
                           const struct pl_ws_limits *limits,
                           const struct pl_ws_event *e, struct pl_span in)
{
    size_t most = limits->max_message;

    if (limits->inflater != NULL)
        most += most / 8 + 64; /* what it comes in, compressed */
    if (e->payload.at == NULL && e->kind != PL_WS_EVENT_NONE)
        broken("an event's payload is absent");
    if (e->kind == PL_WS_EVENT_NONE && in.len > 0)
        broken("input is left after NONE");
    if ((d->partial == NULL) != (pl_ws_decoder_memory(d) == 0))
        broken("memory without a partial state, or the other way");
    if (pl_ws_decoder_memory(d) > OVERHEAD_MAX + most)
        broken("more memory than a message may have");
}

/* Whether the connection goes on behind this piece. */
static bool feed_piece(struct pl_buf *log, struct pl_ws_decoder *d,
                       const struct pl_ws_limits *limits, struct pl_span piece)
{
    char *copy = malloc(piece.len > 0 ? piece.len : 1);
    struct pl_ws_event e;

    if (copy == NULL)
        broken("no memory for the test itself");
    memcpy(copy, piece.at, piece.len);
    struct pl_span in = {copy, piece.len};
    do {
        pl_ws_decode(d, limits, &in, &e);
        check_promises(d, limits, &e, in);
        if (e.kind != PL_WS_EVENT_NONE)
            put_event(log, &e);
    } while (e.kind != PL_WS_EVENT_NONE && e.kind != PL_WS_EVENT_CLOSE &&
             e.kind != PL_WS_EVENT_ERROR);
    free(copy);
    return e.kind == PL_WS_EVENT_NONE;
}

void ws_feed(struct pl_buf *log, const struct pl_ws_limits *limits,
             struct pl_span bytes, size_t first, size_t piece)
{
    struct pl_ws_decoder d = {0};
    size_t size = first;

    for (bool open = true; open && bytes.len > 0; size = piece) {
        if (size > bytes.len)
            size = bytes.len;
        open = feed_piece(log, &d, limits, (struct pl_span){bytes.at, size});
        bytes.at += size;
        bytes.len -= size;
    }
    pl_ws_decoder_fini(&d, limits);
}

static size_t length_of(struct pl_span frames, size_t *header)
{
    const unsigned char *at = (const unsigned char *)frames.at;
    size_t short_len = at[1] & 0x7Fu, len = 0;
    size_t more = short_len < 126 ? 0 : short_len == 126 ? 2 : 8;

    *header = 2 + more;
    for (size_t i = 2; i < *header && i < frames.len; i++)
        len = len << 8 | at[i];
    return more == 0 ? short_len : len;
}

void ws_mask(struct pl_buf *out, struct pl_span frames)
{
    const unsigned char key[4] = {0x37, 0xFA, 0x21, 0x3D};

    while (frames.len > 1) {
        size_t header, len = length_of(frames, &header);

        bool cut = header > frames.len;
        header = cut ? frames.len : header;
        if (len > frames.len - header)
            len = frames.len - header;
        pl_buf_put_byte(out, frames.at[0]);
        pl_buf_put_byte(out, (char)(frames.at[1] ^ 0x80));
        pl_buf_put(out, frames.at + 2, header - 2);
        if (cut)
            return;
        pl_buf_put(out, key, sizeof key);
        for (size_t i = 0; i < len; i++)
            pl_buf_put_byte(out, (char)(frames.at[header + i] ^ key[i & 3]));
        frames.at += header + len;
        frames.len -= header + len;
    }
    pl_buf_put_span(out, frames);
}
