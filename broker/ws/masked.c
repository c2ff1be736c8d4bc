/* SPDX-License-Identifier: Apache-2.0 */
/* masked.c - see masked.h.
 *
 * frame.c writes the header; here the mask bit is set, the key follows the
 * header, and mask.c masks the payload where it lies: masking and unmasking are
 * the same XOR.
 *
 * Rejected: headers with space for a key in frame.c, because a server would pay
 * for a branch per frame.
 *
 * Invariant: after each call the buffer has no unmasked frame, also when it
 * has failed. */
#include "masked.h"

#include "mask.h"

enum { FIN = 0x80, OPCODE = 0x0F, MASKED = 0x80 };

/* Set the mask bit of the frame `at`, store the key after its header, and mask
 * the payload that follows. */
static void mask(char *at, size_t header, size_t len, uint32_t key)
{
    unsigned char bytes[PL_WS_KEY_LEN];

    memcpy(bytes, &key, sizeof bytes);
    at[1] = (char)(at[1] | MASKED);
    memcpy(at + header, bytes, sizeof bytes);
    pl_ws_unmask(at + header + PL_WS_KEY_LEN, len, bytes, 0);
}

/* The first byte of a header says which part it is. */
static void set_part(char *at, enum pl_ws_part part)
{
    if (part == PL_WS_FIRST || part == PL_WS_MIDDLE)
        *at = (char)(*at & ~FIN);
    if (part == PL_WS_MIDDLE || part == PL_WS_LAST)
        *at = (char)(*at & ~OPCODE);
}

void pl_ws_masked_put(struct pl_buf *b, enum pl_ws_opcode opcode,
                      enum pl_ws_part part, struct pl_span payload,
                      uint32_t key)
{
    char *at = pl_buf_reserve(b, PL_WS_MASKED_HEADER_MAX + payload.len);

    if (at == NULL)
        return;
    size_t header = pl_ws_frame_fit(at, opcode, 0, payload.len) - payload.len;
    set_part(at, part);
    if (payload.len > 0)
        memcpy(at + header + PL_WS_KEY_LEN, payload.at, payload.len);
    mask(at, header, payload.len, key);
    b->len += header + PL_WS_KEY_LEN + payload.len;
}

void pl_ws_masked_last(struct pl_buf *b, size_t mark, uint32_t key)
{
    if (pl_buf_reserve(b, PL_WS_KEY_LEN) == NULL) {
        b->len = mark;
        return;
    }
    struct pl_span frame = {b->data + mark, b->len - mark};
    size_t len = pl_ws_frame_payload(frame).len, header = frame.len - len;
    char *at = b->data + mark;

    memmove(at + header + PL_WS_KEY_LEN, at + header, len);
    mask(at, header, len, key);
    b->len += PL_WS_KEY_LEN;
}

void pl_ws_masked_close(struct pl_buf *b, uint16_t code, struct pl_span reason,
                        uint32_t key)
{
    size_t mark = b->len;

    pl_ws_frame_close(b, code, reason);
    pl_ws_masked_last(b, mark, key);
}
