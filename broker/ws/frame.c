/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - see frame.h.
 *
 * A frame of unknown length gets space for the header of 126 to 65,535 bytes,
 * the usual size of joined publications.  If it becomes shorter or longer, the
 * payload is moved.
 *
 * Rejected: always the longest header, because lengths must be minimal (RFC
 * 6455 section 5.2).
 *
 * Invariant: a failed buffer is not changed; its writer checks once, at the
 * end. */
#include "frame.h"

enum {
    FIN = 0x80,
    LENGTH_16 = 126, /* the length follows in 2 bytes */
    LENGTH_64 = 127, /* ... in 8 */
    HEADER_16 = 4,   /* bytes of a header with a 16-bit length */
    CODE_LEN = 2,    /* bytes of a close code */
    REASON_MAX = 123 /* bytes: a control frame carries 125 */
};

static size_t header_size(uint64_t len)
{
    if (len < LENGTH_16)
        return 2;
    return len <= 0xFFFF ? HEADER_16 : PL_WS_HEADER_MAX;
}

static void put_big_endian(char *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)(value >> 8 * (size - 1 - i));
}

/* Write the header of a final frame of `len` bytes to `at`. */
static void write_header(char *at, enum pl_ws_opcode opcode, uint64_t len)
{
    at[0] = (char)(FIN | opcode);
    if (len < LENGTH_16) {
        at[1] = (char)len;
    } else if (len <= 0xFFFF) {
        at[1] = LENGTH_16;
        put_big_endian(at + 2, len, 2);
    } else {
        at[1] = LENGTH_64;
        put_big_endian(at + 2, len, 8);
    }
}

void pl_ws_frame_put(struct pl_buf *b, enum pl_ws_opcode opcode,
                     struct pl_span payload)
{
    size_t header = header_size(payload.len);
    char *at = pl_buf_reserve(b, header + payload.len);

    if (at == NULL)
        return;
    write_header(at, opcode, payload.len);
    if (payload.len > 0)
        memcpy(at + header, payload.at, payload.len);
    b->len += header + payload.len;
}

size_t pl_ws_frame_begin(struct pl_buf *b)
{
    size_t mark = b->len;

    if (pl_buf_reserve(b, HEADER_16) != NULL)
        b->len += HEADER_16;
    return mark;
}

void pl_ws_frame_end(struct pl_buf *b, size_t mark, enum pl_ws_opcode opcode)
{
    if (b->failed)
        return;
    size_t len = b->len - mark - HEADER_16;
    size_t header = header_size(len);
    if (header > HEADER_16 && pl_buf_reserve(b, header - HEADER_16) == NULL)
        return;
    char *at = b->data + mark;
    if (header != HEADER_16)
        memmove(at + header, at + HEADER_16, len);
    write_header(at, opcode, len);
    b->len = mark + header + len;
}

size_t pl_ws_frame_fit(char *at, enum pl_ws_opcode opcode, size_t space,
                       size_t len)
{
    size_t header = header_size(len);

    if (header < space)
        memmove(at + header, at + space, len);
    write_header(at, opcode, len);
    return header + len;
}

void pl_ws_frame_close(struct pl_buf *b, uint16_t code, struct pl_span reason)
{
    char payload[CODE_LEN + REASON_MAX];
    size_t len = reason.len;

    if (code == 0) {
        pl_ws_frame_put(b, PL_WS_CLOSE, (struct pl_span){payload, 0});
        return;
    }
    if (len > REASON_MAX)
        for (len = REASON_MAX; len > 0 && (reason.at[len] & 0xC0) == 0x80;)
            len--;
    put_big_endian(payload, code, CODE_LEN);
    if (len > 0)
        memcpy(payload + CODE_LEN, reason.at, len);
    pl_ws_frame_put(b, PL_WS_CLOSE, (struct pl_span){payload, CODE_LEN + len});
}

size_t pl_ws_frame_length(struct pl_span frames)
{
    const unsigned char *at = (const unsigned char *)frames.at;
    size_t more = at[1] < LENGTH_16 ? 0 : at[1] == LENGTH_16 ? 2 : 8;
    size_t payload = 0;

    for (size_t i = 0; i < more; i++)
        payload = payload << 8 | at[2 + i];
    return 2 + more + (more == 0 ? at[1] : payload);
}

struct pl_span pl_ws_frame_payload(struct pl_span frame)
{
    unsigned char len = (unsigned char)frame.at[1];
    size_t header = len < LENGTH_16    ? 2
                    : len == LENGTH_16 ? HEADER_16
                                       : PL_WS_HEADER_MAX;

    return (struct pl_span){frame.at + header, frame.len - header};
}
