/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - see message.h.
 *
 * The fields have a fixed width and all else is constant, so a message is
 * compared whole by two memcmp(), and its fields have a checksum that begins
 * with the channel's name.  A message that reached another channel is damaged.
 *
 * Rejected: a body that depends on the number.  It would catch a server that
 * mixes two bodies of one channel, which the comparison and the checksum catch
 * as well, and the client would become the bottleneck.
 *
 * Invariant: a number that a subscription has not seen counts as received,
 * whenever it comes; so what is lost is what was owed less what was received.
 * A number more than 64 before the last counts as double. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* {"m":"SSSSNNNNNNNNNNTTTTTTTTTTTTTTCCCCCCCC","d":"... */
enum {
    FIELDS_AT = 6,
    SOURCE_LEN = 4,
    NUMBER_LEN = 10,
    DUE_LEN = 14,
    CHECKED_LEN = SOURCE_LEN + NUMBER_LEN + DUE_LEN,
    SUM_LEN = 8,
    REST_AT = FIELDS_AT + CHECKED_LEN + SUM_LEN
};

/* Prices and names from a small generator with a fixed seed: a third of the
 * size remains when it is compressed. */
static int put_row(char *at, size_t room, uint32_t *seed)
{
    static const char *const names[] = {"alpha", "bravo", "delta", "gamma",
                                        "omega", "sigma", "theta", "zeta"};

    *seed = *seed * 1664525u + 1013904223u;
    return snprintf(at, room, "{'name':'%s','bid':%u.%02u,'ask':%u.%02u},",
                    names[*seed >> 29], 100 + (*seed >> 20) % 900,
                    (*seed >> 8) % 100, 100 + (*seed >> 10) % 900,
                    (*seed >> 16) % 100);
}

void bench_text_init(struct bench_text *t, uint32_t size)
{
    static const char front[] = "{\"m\":\"", middle[] = "\",\"d\":\"";
    uint32_t seed = 1;
    size_t at = REST_AT;

    t->size = size;
    t->bytes = malloc(size + 128u);
    if (t->bytes == NULL)
        abort();
    memcpy(t->bytes, front, FIELDS_AT);
    memset(t->bytes + FIELDS_AT, '0', REST_AT - FIELDS_AT);
    memcpy(t->bytes + at, middle, sizeof middle - 1);
    at += sizeof middle - 1;
    while (at < size)
        at += (size_t)put_row(t->bytes + at, 128, &seed);
    memcpy(t->bytes + size - 2, "\"}", 2);
}

void bench_text_fini(struct bench_text *t)
{
    free(t->bytes);
    t->bytes = NULL;
}

uint32_t bench_text_seed(const char *channel)
{
    return (uint32_t)crc32(0, (const unsigned char *)channel,
                           (unsigned)strlen(channel));
}

static void put_hex(char *at, unsigned len, uint64_t value)
{
    while (len-- > 0) {
        at[len] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static bool read_hex(const char *at, unsigned len, uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < len; i++) {
        unsigned c = (unsigned char)at[i];

        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (c - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

static uint32_t sum_of(uint32_t seed, const char *fields)
{
    return (uint32_t)crc32(seed, (const unsigned char *)fields, CHECKED_LEN);
}

struct pl_span bench_text_write(struct bench_text *t, uint32_t seed,
                                const struct bench_message *m)
{
    char *at = t->bytes + FIELDS_AT;

    put_hex(at, SOURCE_LEN, m->source);
    put_hex(at + SOURCE_LEN, NUMBER_LEN, m->number);
    put_hex(at + SOURCE_LEN + NUMBER_LEN, DUE_LEN, m->due_ns);
    put_hex(at + CHECKED_LEN, SUM_LEN, sum_of(seed, at));
    return (struct pl_span){t->bytes, t->size};
}

bool bench_text_read(const struct bench_text *t, uint32_t seed,
                     struct pl_span bytes, struct bench_message *out)
{
    const char *at = bytes.at + FIELDS_AT;
    uint64_t source, sum;

    if (bytes.len != t->size || memcmp(bytes.at, t->bytes, FIELDS_AT) != 0 ||
        memcmp(bytes.at + REST_AT, t->bytes + REST_AT, t->size - REST_AT) != 0)
        return false;
    if (!read_hex(at, SOURCE_LEN, &source) ||
        !read_hex(at + SOURCE_LEN, NUMBER_LEN, &out->number) ||
        !read_hex(at + SOURCE_LEN + NUMBER_LEN, DUE_LEN, &out->due_ns) ||
        !read_hex(at + CHECKED_LEN, SUM_LEN, &sum))
        return false;
    out->source = (uint32_t)source;
    return sum == sum_of(seed, at) && out->number > 0;
}

static void move_on(struct bench_seen *s, uint64_t number)
{
    uint64_t step = number - s->last;

    s->recent = step < 64 ? s->recent << step : 0;
    s->recent |= 1;
    s->last = number;
}

void bench_seen_count(struct bench_seen *s, uint64_t number,
                      struct bench_tally *tally)
{
    if (number > s->last) {
        move_on(s, number);
        tally->received++;
        return;
    }
    uint64_t back = s->last - number;
    if (back >= 64 || (s->recent >> back & 1) != 0) {
        tally->doubled++;
        return;
    }
    s->recent |= UINT64_C(1) << back;
    tally->received++;
    tally->late++;
}
