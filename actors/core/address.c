/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - see address.h.
 *
 * The text is four decimal numbers separated by dots.  Each address has exactly
 * one valid text, so texts can be compared and used as keys.
 *
 * Rejected: strtoul(), because it accepts blanks, signs and leading zeros. */
#include "address.h"

#include <stdio.h>

void pl_address_format(struct pl_address a, char text[PL_ADDRESS_TEXT_MAX])
{
    snprintf(text, PL_ADDRESS_TEXT_MAX, "%u.%u.%u.%u", (unsigned)a.node,
             (unsigned)a.loop, (unsigned)a.slot, (unsigned)a.generation);
}

/* Remove a number of at most `max` from the front of `text`. */
static bool take_number(struct pl_span *text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    size_t digits = 0;

    while (digits < text->len && text->at[digits] >= '0' &&
           text->at[digits] <= '9') {
        value = value * 10 + (uint64_t)(text->at[digits] - '0');
        if (value > max || (digits == 1 && text->at[0] == '0'))
            return false;
        digits++;
    }
    if (digits == 0)
        return false;
    text->at += digits;
    text->len -= digits;
    *out = value;
    return true;
}

static bool take_dot(struct pl_span *text)
{
    if (text->len == 0 || text->at[0] != '.')
        return false;
    text->at++;
    text->len--;
    return true;
}

enum pl_err pl_address_parse(struct pl_address *out, struct pl_span text)
{
    uint64_t node, loop, slot, generation;

    if (!take_number(&text, UINT16_MAX, &node) || !take_dot(&text) ||
        !take_number(&text, UINT16_MAX, &loop) || !take_dot(&text) ||
        !take_number(&text, UINT32_MAX, &slot) || !take_dot(&text) ||
        !take_number(&text, UINT32_MAX, &generation) || text.len > 0)
        return PL_EBADMSG;
    *out = (struct pl_address){.node = (uint16_t)node,
                               .loop = (uint16_t)loop,
                               .slot = (uint32_t)slot,
                               .generation = (uint32_t)generation};
    return PL_OK;
}
