/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h.
 *
 * One loop decodes both alphabets, which differ in two characters;
 * pl_base64_decode() removes padding first.
 *
 * Rejected: OpenSSL's decoder, because it skips white space and ignores unused
 * bits, so several texts would mean one value. */
#include "base64.h"

#include <stddef.h>
#include <stdint.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a character, or -1; `last` has the two characters for 62 and
 * 63. */
static int bits_of(char c, const char last[2])
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == last[0] ? 62 : c == last[1] ? 63 : -1;
}

/* Write the bytes of `text`, which has no padding, and add their number to
 * *len, even if a character or the unused bits are wrong. */
static bool decode(struct pl_span text, const char last[2], char *to,
                   size_t *len)
{
    uint32_t bits = 0;
    unsigned count = 0; /* of `bits`, not written yet */

    for (size_t i = 0; i < text.len; i++) {
        int six = bits_of(text.at[i], last);

        if (six < 0)
            return false;
        bits = (bits << 6 | (uint32_t)six) & 0xffffff;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        *to++ = (char)(bits >> count & 0xff);
        ++*len;
    }
    return (bits & ((1u << count) - 1)) == 0;
}

bool pl_base64_decode(struct pl_span *text, char *to)
{
    struct pl_span bare = *text;
    size_t len = 0;

    if (bare.len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && bare.len > 0 && bare.at[bare.len - 1] == '='; i++)
        bare.len--;
    if (!decode(bare, "+/", to, &len))
        return false;
    *text = (struct pl_span){to, len};
    return true;
}

bool pl_base64url_decode(struct pl_buf *out, struct pl_span text)
{
    char *to = pl_buf_reserve(out, text.len / 4 * 3 + 3);

    return to != NULL && text.len % 4 != 1 && decode(text, "-_", to, &out->len);
}

void pl_base64url_encode(struct pl_buf *out, struct pl_span bytes)
{
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = (bits << 8 | (unsigned char)bytes.at[i]) & 0xffffff;
        for (count += 8; count >= 6; count -= 6)
            pl_buf_put_byte(out, url_alphabet[bits >> (count - 6) & 63]);
    }
    if (count > 0)
        pl_buf_put_byte(out, url_alphabet[bits << (6 - count) & 63]);
}
