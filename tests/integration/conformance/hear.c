/* SPDX-License-Identifier: Apache-2.0 */
/* hear.c - see hear.h. */
#include "hear.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pack.h"

void hear_broken(struct hearing *h, const char *why)
{
    h->told(h, "broken", pl_span_of(why));
    h->is_broken = true;
}

static void take_close(struct hearing *h, const unsigned char *at, size_t len)
{
    char code[8] = "";

    h->has_closed = true;
    if (len == 1)
        hear_broken(h, "a close of one byte");
    if (len >= 2)
        snprintf(code, sizeof code, "%u", at[0] << 8 | at[1]);
    h->told(h, "close", pl_span_of(code));
}

static void take_control(struct hearing *h, unsigned first,
                         const unsigned char *at, size_t len)
{
    struct pl_span payload = {(const char *)at, len};

    if (len > 125 || !(first & 0x80))
        hear_broken(h, "a control frame that is long or a fragment");
    else if (first == 0x88)
        take_close(h, at, len);
    else if (first == 0x89)
        h->told(h, "ping", payload);
    else if (first == 0x8A)
        h->told(h, "pong", payload);
    else
        hear_broken(h, "an unknown opcode");
}

/* All fragments of a message are here. */
static void take_message(struct hearing *h)
{
    struct pl_buf plain = {0};

    if (h->is_packed) {
        bool ok = packer_open(h->packer, &plain, pl_buf_span(&h->message));

        pl_buf_fini(&h->message);
        h->message = plain;
        if (!ok) {
            hear_broken(h, "a message that cannot be inflated");
            return;
        }
    }
    h->told(h, h->opcode == 1 ? "text" : "binary", pl_buf_span(&h->message));
    h->message.len = 0;
    h->opcode = 0;
}

static void take_data(struct hearing *h, unsigned first,
                      const unsigned char *at, size_t len)
{
    unsigned opcode = first & 15;

    if (opcode > 2 || (opcode == 0) != (h->opcode != 0)) {
        hear_broken(h, "a fragment out of order");
        return;
    }
    if (opcode != 0) {
        h->opcode = opcode;
        h->is_packed = (first & 0x40) != 0;
    }
    pl_buf_put(&h->message, at, len);
    if (first & 0x80)
        take_message(h);
}

/* The size of the frame at the front with its header's; 0: not all here. */
static size_t frame_size(struct hearing *h, const unsigned char *at,
                         size_t left, size_t *header)
{
    uint64_t len;

    if (left < 2)
        return 0;
    len = at[1] & 0x7F;
    *header = len < 126 ? 2 : len == 126 ? 4 : 10;
    if (left < *header)
        return 0;
    if (*header > 2) {
        len = 0;
        for (size_t i = 2; i < *header; i++)
            len = len << 8 | at[i];
    }
    if (*header > 2 && len < (*header == 4 ? 126 : 65536))
        hear_broken(h, "a length that is not minimal");
    return left - *header < len ? 0 : *header + (size_t)len;
}

/* Whether the first byte has a bit that it must not have. */
static bool is_reserved(const struct hearing *h, unsigned first)
{
    unsigned opcode = first & 15;

    return (first & 0x70) != 0 &&
           !((first & 0x70) == 0x40 && h->packer != NULL &&
             (opcode == 1 || opcode == 2));
}

/* Take the frame at the front; false: it is not all here, or broken. */
static bool take_frame(struct hearing *h)
{
    const unsigned char *at = (unsigned char *)h->in.data + h->taken;
    size_t left = h->in.len - h->taken, header, size;

    if (h->has_closed) {
        hear_broken(h, "something behind a close");
        return false;
    }
    if (is_reserved(h, at[0]) || (left > 1 && at[1] & 0x80)) {
        hear_broken(h, "a reserved bit or a mask");
        return false;
    }
    size = frame_size(h, at, left, &header);
    if (size == 0 || h->is_broken)
        return false;
    if (at[0] & 8)
        take_control(h, at[0], at + header, size - header);
    else
        take_data(h, at[0], at + header, size - header);
    h->taken += size;
    return true;
}

/* Take all frames that are whole. */
static void take_frames(struct hearing *h)
{
    while (!h->is_broken && h->taken < h->in.len && take_frame(h))
        continue;
    if (h->taken == h->in.len)
        h->taken = h->in.len = 0;
}

static void tell_end(struct hearing *h, enum link_got got)
{
    if (got == LINK_RESET)
        h->told(h, "reset", PL_SPAN(""));
    else if (got == LINK_LATE)
        h->told(h, "late", PL_SPAN(""));
    else if (!h->has_closed)
        h->told(h, "end", PL_SPAN(""));
    if (h->taken < h->in.len || h->message.len > 0)
        hear_broken(h, "the end inside a frame");
}

enum link_got hear_more(struct hearing *h)
{
    enum link_got got = link_read(h->link, &h->in);

    take_frames(h);
    return got;
}

void hear_out(struct hearing *h)
{
    enum link_got got = LINK_GOT;

    take_frames(h);
    while (got == LINK_GOT && !h->is_broken)
        got = hear_more(h);
    if (!h->is_broken)
        tell_end(h, got);
}

size_t hear_head(struct hearing *h)
{
    const struct pl_buf *in = &h->in;
    const char *end;

    do {
        end = in->len < 4 ? NULL : memmem(in->data, in->len, "\r\n\r\n", 4);
        if (end != NULL)
            return h->taken = (size_t)(end + 4 - in->data);
    } while (link_read(h->link, &h->in) == LINK_GOT);
    return 0;
}

struct pl_span hear_extensions(const struct hearing *h, size_t head)
{
    static const char field[] = "\r\nSec-WebSocket-Extensions: ";
    const char *end, *at = memmem(h->in.data, head, field, sizeof field - 1);

    if (at == NULL)
        return (struct pl_span){0};
    at += sizeof field - 1;
    end = memmem(at, (size_t)(h->in.data + head - at), "\r\n", 2);
    return (struct pl_span){at, (size_t)(end - at)};
}

void hear_fini(struct hearing *h)
{
    pl_buf_fini(&h->in);
    pl_buf_fini(&h->message);
}
