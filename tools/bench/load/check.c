/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - see check.h.
 *
 * The number has a fixed width and all else is constant, so each message is
 * compared whole, by two memcmp(), however many there are.  Rejected: a body
 * that depends on the number.  It would catch a broker that mixes two bodies
 * of one channel, which the comparison of lengths and numbers catches as well,
 * and it would make the client the bottleneck. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_AT = 5, NUMBER_LEN = 12 }; /* {"n":  123,"rows":[... */

/* Prices and names from a small generator with a fixed seed: a third of the
 * size remains when it is compressed. */
static int put_row(char *at, size_t room, uint32_t *seed)
{
    static const char *const names[] = {"alpha", "bravo", "delta", "gamma",
                                        "omega", "sigma", "theta", "zeta"};

    *seed = *seed * 1664525u + 1013904223u;
    return snprintf(
        at, room, "{\"name\":\"%s\",\"bid\":%u.%02u,\"ask\":%u.%02u},",
        names[*seed >> 29], 100 + (*seed >> 20) % 900, (*seed >> 8) % 100,
        100 + (*seed >> 10) % 900, (*seed >> 16) % 100);
}

void check_text_init(struct check_text *t, uint32_t size)
{
    uint32_t seed = 1;
    size_t at = NUMBER_AT + NUMBER_LEN;

    t->size = size;
    t->bytes = malloc(size + 128u);
    if (t->bytes == NULL)
        abort();
    memcpy(t->bytes, "{\"n\":           0", at);
    at += (size_t)sprintf(t->bytes + at, ",\"t\":\"");
    while (at < size) {
        char row[128];
        int len = put_row(row, sizeof row, &seed);

        for (int i = 0; i < len && at < size; i++)
            t->bytes[at++] = row[i] == '"' ? '\'' : row[i];
    }
    memcpy(t->bytes + size - 2, "\"}", 2);
}

void check_text_fini(struct check_text *t)
{
    free(t->bytes);
    t->bytes = NULL;
}

struct pl_span check_text_number(struct check_text *t, uint64_t number)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%*llu", NUMBER_LEN,
             (unsigned long long)number);
    memcpy(t->bytes + NUMBER_AT, digits, NUMBER_LEN);
    return (struct pl_span){t->bytes, t->size};
}

/* Its number, 0: it is not one of ours. */
static uint64_t number_of(const struct check_text *t, struct pl_span m)
{
    size_t rest = NUMBER_AT + NUMBER_LEN;
    uint64_t number = 0;

    if (m.len != t->size || memcmp(m.at, t->bytes, NUMBER_AT) != 0 ||
        memcmp(m.at + rest, t->bytes + rest, m.len - rest) != 0)
        return 0;
    for (size_t i = NUMBER_AT; i < rest; i++) {
        if (m.at[i] >= '0' && m.at[i] <= '9')
            number = number * 10 + (uint64_t)(m.at[i] - '0');
        else if (m.at[i] != ' ' || number != 0)
            return 0;
    }
    return number;
}

void check_message(const struct check_text *t, struct check_tally *tally,
                   uint64_t *next, struct pl_span message)
{
    uint64_t number = number_of(t, message);

    if (number == 0) {
        tally->damaged++;
    } else if (number < *next) {
        tally->doubled++;
    } else {
        tally->received++;
        tally->lost += number - *next;
        *next = number + 1;
    }
}
