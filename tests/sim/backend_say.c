/* SPDX-License-Identifier: Apache-2.0 */
/* backend_say.c - what a backend publishes: see backend_private.h.
 *
 * Some publications have a key and are sent again, which must leave them where
 * they are; some have a version, and later ones in that version must be heard
 * by nobody. */
#include "backend_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "operator.h"
#include "settings.h"
#include "world.h"

static uint64_t say(struct backend *b, unsigned channel)
{
    return truth_say(b->truth, &(struct saying){.client = CLIENTS,
                                                .channel = (uint8_t)channel});
}

/* The stream of the channel is surely the one of `since_ms`, with what it
 * remembers. */
static bool still_knows(const struct backend *b, unsigned channel,
                        uint64_t since_ms)
{
    const struct pl_settings *c = b->world->config;

    return world_has_history(b->world, channel) &&
           c->channels.limits.channels >= 1000 &&
           b->world->now_ms - since_ms < c->rules.meta_ttl_ms / 2 &&
           b->world->now_ms - since_ms < 200000;
}

/* Send the latest publication with a key again: it must stay where it is. */
static bool repeat(struct backend *b)
{
    struct keyed *k = &b->keyed;
    const struct saying *s = truth_saying(b->truth, k->number);

    if (s == NULL || (s->fate != FATE_DONE && s->fate != FATE_UNKNOWN) ||
        !still_knows(b, k->channel, k->asked_ms))
        return false;
    struct waiting *q = backend_call(b, PL_API_PUBLISH, k->channel);
    if (q == NULL)
        return false;
    q->number = k->number;
    backend_ask(q,
                "{\"channel\":\"%s\",\"data\":{\"n\":%" PRIu64
                "},\"idempotency_key\":\"%" PRIu64 "\"}",
                world_channel_name(k->channel), k->number, k->number);
    return true;
}

/* Say something in an old version: nobody may hear it. */
static bool say_stale(struct backend *b)
{
    unsigned channel = 0;

    while (channel < CHANNELS &&
           (b->newest[channel].version == 0 ||
            !still_knows(b, channel, b->newest[channel].done_ms)))
        channel++;
    struct waiting *q =
        channel == CHANNELS ? NULL : backend_call(b, PL_API_PUBLISH, channel);
    if (q == NULL)
        return false;
    q->number = say(b, channel);
    q->is_stale = true;
    truth_saying(b->truth, q->number)->fate = FATE_REFUSED;
    backend_ask(q,
                "{\"channel\":\"%s\",\"data\":{\"n\":%" PRIu64
                "},\"version\":%" PRIu64 "}",
                world_channel_name(channel), q->number,
                b->newest[channel].version);
    return true;
}

void backend_publish(struct backend *b)
{
    unsigned channel = world_draw(b->world, CHANNELS);
    unsigned how = world_draw(b->world, 8);
    char more[80] = "";

    if ((how == 0 && repeat(b)) || (how == 1 && say_stale(b)))
        return;
    struct waiting *q = backend_call(b, PL_API_PUBLISH, channel);
    if (q == NULL)
        return;
    q->number = say(b, channel);
    if (how == 2 || how == 3) {
        b->keyed = (struct keyed){q->number, channel, b->world->now_ms};
        snprintf(more, sizeof more, ",\"idempotency_key\":\"%" PRIu64 "\"",
                 q->number);
    } else if (how == 4 || how == 5) {
        q->version = q->number;
        snprintf(more, sizeof more, ",\"version\":%" PRIu64, q->number);
    }
    backend_ask(q, "{\"channel\":\"%s\",\"data\":{\"n\":%" PRIu64 "}%s}",
                world_channel_name(channel), q->number, more);
}

void backend_broadcast(struct backend *b)
{
    unsigned rooms = 1 + world_draw(b->world, (1 << ROOMS) - 1);
    struct waiting *q = backend_call(b, PL_API_BROADCAST, CHANNELS);
    char list[200] = "";

    if (q == NULL)
        return;
    for (unsigned i = 0; i < ROOMS; i++) {
        if (rooms >> i & 1) {
            size_t len = strlen(list);

            snprintf(list + len, sizeof list - len, "%s\"%s\"",
                     len == 0 ? "" : ",", world_channel_name(i));
        }
    }
    q->number = say(b, CHANNELS);
    truth_saying(b->truth, q->number)->rooms = (uint8_t)rooms;
    backend_ask(q, "{\"channels\":[%s],\"data\":{\"n\":%" PRIu64 "}}", list,
                q->number);
}
