/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - see truth.h.
 *
 * Nobody tells the model what the broker decided: the first client that hears
 * a publication fixes its place, and everybody after it must hear the same
 * there, whether live, recovered or from the history. */
#include "truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

struct epoch {
    char name[EPOCH_MAX];
    unsigned channel;
    uint64_t *at; /* the number at each offset, 0: not heard yet */
    uint64_t cap;
};

struct truth {
    struct saying *sayings;
    uint64_t count, cap;
    struct epoch *epochs;
    uint32_t epoch_count, epoch_cap;
};

struct truth *truth_create(void)
{
    return calloc(1, sizeof(struct truth));
}

void truth_destroy(struct truth *t)
{
    for (uint32_t i = 0; i < t->epoch_count; i++)
        free(t->epochs[i].at);
    free(t->epochs);
    free(t->sayings);
    free(t);
}

unsigned truth_channel(struct pl_span name)
{
    unsigned i = 0;

    while (i < CHANNELS &&
           !pl_span_equal(name, pl_span_of(world_channel_name(i))))
        i++;
    return i;
}

uint64_t truth_say(struct truth *t, const struct saying *s)
{
    if (t->count == t->cap) {
        t->cap = t->cap == 0 ? 256 : t->cap * 2;
        t->sayings = realloc(t->sayings, t->cap * sizeof *t->sayings);
    }
    t->sayings[t->count] = *s;
    t->sayings[t->count].step = trace_place.step;
    return ++t->count;
}

uint64_t truth_count(const struct truth *t)
{
    return t->count;
}

struct saying *truth_saying(struct truth *t, uint64_t number)
{
    return number == 0 || number > t->count ? NULL : &t->sayings[number - 1];
}

uint64_t truth_number(struct pl_span data)
{
    static const char key[] = "\"n\":";
    const char *at =
        data.len == 0 ? NULL : memmem(data.at, data.len, key, sizeof key - 1);
    uint64_t n = 0;

    if (at == NULL)
        return 0;
    for (at += sizeof key - 1;
         at < data.at + data.len && *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

static uint32_t find_epoch(struct truth *t, unsigned channel, const char *name)
{
    for (uint32_t i = t->epoch_count; i-- > 0;) {
        if (t->epochs[i].channel == channel &&
            strcmp(t->epochs[i].name, name) == 0)
            return i;
    }
    if (t->epoch_count == t->epoch_cap) {
        t->epoch_cap = t->epoch_cap == 0 ? 16 : t->epoch_cap * 2;
        t->epochs = realloc(t->epochs, t->epoch_cap * sizeof *t->epochs);
    }
    struct epoch *e = &t->epochs[t->epoch_count];
    *e = (struct epoch){.channel = channel};
    snprintf(e->name, sizeof e->name, "%s", name);
    return t->epoch_count++;
}

static uint64_t *place(struct epoch *e, uint64_t offset)
{
    if (offset >= e->cap) {
        uint64_t cap = (offset + 1) * 2;

        e->at = realloc(e->at, cap * sizeof *e->at);
        memset(e->at + e->cap, 0, (cap - e->cap) * sizeof *e->at);
        e->cap = cap;
    }
    return &e->at[offset];
}

/* What is always true of a publication, wherever it is heard. */
static struct saying *check_said(struct truth *t, unsigned channel,
                                 const struct hear_publication *p)
{
    uint64_t number = truth_number(p->data);
    struct saying *s = truth_saying(t, number);
    const char *name = world_channel_name(channel);

    if (s == NULL || (s->rooms == 0 && s->channel != channel) ||
        (s->rooms != 0 && (channel >= ROOMS || (s->rooms >> channel & 1) == 0)))
        trace_fail("%s: %" PRIu64 " was never said there", name, number);
    if (s->fate == FATE_REFUSED)
        trace_fail("%s: %" PRIu64 " was refused, but is there", name, number);
    if (!pl_span_equal(p->client, pl_span_of(s->speaker)))
        trace_fail("%s: %" PRIu64 " was said by %s, not by %.*s", name, number,
                   s->speaker, (int)p->client.len, p->client.at);
    if (p->offset > t->count)
        trace_fail("%s: offset %" PRIu64 " is too high", name, p->offset);
    return s;
}

uint64_t truth_hear(struct truth *t, unsigned channel, const char *epoch,
                    const struct hear_publication *p)
{
    struct saying *s = check_said(t, channel, p);
    uint64_t number = truth_number(p->data), offset = p->offset;
    const char *name = world_channel_name(channel);

    if (offset == 0)
        return number; /* a channel without history */
    uint32_t e = find_epoch(t, channel, epoch);
    uint64_t *at = place(&t->epochs[e], offset);
    if (*at != 0 && *at != number)
        trace_fail("%s: at %" PRIu64 " of %s is %" PRIu64 ", before %" PRIu64,
                   name, offset, epoch, number, *at);
    if (s->rooms == 0 && s->offset != 0 &&
        (s->offset != offset || s->epoch != e))
        trace_fail("%s: %" PRIu64 " is at %" PRIu64 " and at %" PRIu64, name,
                   number, s->offset, offset);
    *at = number;
    s->offset = offset;
    s->epoch = e;
    return number;
}
