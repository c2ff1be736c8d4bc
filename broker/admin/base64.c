/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c - see base64.h. */
#include "base64.h"

#include <stddef.h>
#include <stdint.h>

/* The value of a character of base64 (RFC 4648 section 4), or -1. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool pl_base64_decode(struct pl_span *text, char *to)
{
    uint32_t bits = 0;
    size_t used = 0, len = text->len;
    char *begin = to;

    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && text->at[len - 1] == '='; i++)
        len--;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text->at[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        used += 6;
        if (used >= 8) {
            used -= 8;
            *to++ = (char)(bits >> used);
        }
    }
    *text = (struct pl_span){begin, (size_t)(to - begin)};
    return (bits & ((1u << used) - 1)) == 0;
}
