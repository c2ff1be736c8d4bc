/* SPDX-License-Identifier: Apache-2.0 */
/* pieces_hub.c - the whole way of a publication but for the sockets: from the
 * bytes read to the bytes to be written, through owner, hub and sessions. */
#include "pieces.h"

#include <stdio.h>

#include "world.h"

enum { BURST = 16, PAYLOAD = 64 };

struct publishing {
    struct world *world;
    struct member *who;
    struct pl_buf in;
};

static void publish(void *arg, uint64_t times)
{
    struct publishing *p = arg;

    for (uint64_t i = 0; i < times; i++) {
        world_feed(p->who, pl_buf_span(&p->in));
        world_settle(p->world);
    }
}

static void begin(struct publishing *p, enum pl_encoding encoding,
                  unsigned history, unsigned subscribers, unsigned burst)
{
    struct world_options o = {.history_size = history};
    char data[PAYLOAD + 1];

    *p = (struct publishing){.world = world_create(&o)};
    snprintf(data, sizeof data, "\"%0*d\"", PAYLOAD - 2, 0);
    p->who = world_join(p->world, encoding);
    for (unsigned i = 0; i < subscribers; i++)
        world_subscribe(world_join(p->world, encoding), "room");
    for (unsigned i = 0; i < burst; i++)
        client_publish(&p->in, encoding, "room", pl_span_of(data));
}

static void end(struct publishing *p)
{
    pl_buf_fini(&p->in);
    world_destroy(p->world);
}

static const char *word(enum pl_encoding encoding)
{
    return encoding == PL_ENCODING_JSON ? "json" : "protobuf";
}

/* What a delivery costs. */
static void fan_out(struct measure *m, enum pl_encoding encoding,
                    unsigned subscribers, unsigned burst)
{
    struct publishing p;
    char name[64];

    snprintf(name, sizeof name, "hub/fan-out/%s/%u/burst-%u", word(encoding),
             subscribers, burst);
    if (!measure_wants(m, name))
        return;
    begin(&p, encoding, 0, subscribers, burst);
    measure(m, name, publish, &p, (uint64_t)subscribers * burst, 0);
    end(&p);
}

/* What a publication costs, its reply included. */
static void owner(struct measure *m, enum pl_encoding encoding,
                  unsigned history, unsigned subscribers)
{
    struct publishing p;
    char name[64];

    snprintf(name, sizeof name, "publish/%s/%s/%s", word(encoding),
             subscribers == 0 ? "nobody" : "one-subscriber",
             history == 0 ? "no-history" : "history");
    if (!measure_wants(m, name))
        return;
    begin(&p, encoding, history, subscribers, BURST);
    measure(m, name, publish, &p, BURST, 0);
    end(&p);
}

void pieces_hub(struct measure *m)
{
    static const unsigned fans[] = {10, 1000, 100000};

    for (int e = 0; e < PL_ENCODING_COUNT; e++) {
        for (unsigned subs = 0; subs <= 1; subs++) {
            owner(m, (enum pl_encoding)e, 0, subs);
            owner(m, (enum pl_encoding)e, 100, subs);
        }
    }
    for (size_t i = 0; i < sizeof fans / sizeof *fans; i++) {
        fan_out(m, PL_ENCODING_PROTOBUF, fans[i], 1);
        fan_out(m, PL_ENCODING_PROTOBUF, fans[i], BURST);
        fan_out(m, PL_ENCODING_JSON, fans[i], BURST);
    }
}
