/* SPDX-License-Identifier: Apache-2.0 */
/* base64url.c - see base64url.h. */
#include "base64url.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a character; below 0: the alphabet has no such character. */
static int bits_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool pl_base64url_decode(struct pl_buf *out, struct pl_span text)
{
    uint32_t bits = 0;
    unsigned count = 0; /* of `bits` that are not written yet */
    char *to = pl_buf_reserve(out, text.len / 4 * 3 + 3);

    if (to == NULL || text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int six = bits_of(text.at[i]);

        if (six < 0)
            return false;
        bits = (bits << 6 | (uint32_t)six) & 0xffffff;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        *to++ = (char)(bits >> count & 0xff);
        out->len++;
    }
    return (bits & ((1u << count) - 1)) == 0;
}

void pl_base64url_encode(struct pl_buf *out, struct pl_span bytes)
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = (bits << 8 | (unsigned char)bytes.at[i]) & 0xffffff;
        for (count += 8; count >= 6; count -= 6)
            pl_buf_put_byte(out, alphabet[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        pl_buf_put_byte(out, alphabet[bits << (6 - count) & 63]);
}
