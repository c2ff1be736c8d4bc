/* SPDX-License-Identifier: Apache-2.0 */
/* shape.c - see shape.h.
 *
 * The clock stands still and keys are fixed, so the same program does the same
 * work each time.  What is counted is shape_run() and all below it; building
 * the world is left out by the tool that counts
 * (callgrind --toggle-collect=shape_run). */
#include "shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "world.h"

enum {
    FANOUT_SUBS = 100,
    FANOUT_BURST = 16, /* a quarter of a window of 64 */
    ROOMS = 1000,
    ROOM_SUBS = 10,
    ROOM_PUBS = 100,
    PAIRS = 64,
    PAYLOAD = 64,
    PING_MS = 25000
};

struct work {
    struct world *world;
    struct member **who; /* feeds in[i] in each repeat */
    struct pl_buf *in;
    unsigned count;
    unsigned repeat;
    const struct shape *shape;
    bool is_idle;
};

static struct pl_span payload(void)
{
    static char bytes[PAYLOAD];

    memset(bytes, 'x', sizeof bytes);
    return (struct pl_span){bytes, sizeof bytes};
}

static void allocate(struct work *k, unsigned count)
{
    k->count = count;
    k->who = calloc(count, sizeof *k->who);
    k->in = calloc(count, sizeof *k->in);
    if (k->who == NULL || k->in == NULL)
        abort();
}

static const char *name_of(char to[64], const char *kind, unsigned i)
{
    snprintf(to, 64, "%s-%u", kind, i);
    return to;
}

/* The name of channel `i` of the shape.  With a mark the channels take turns at
 * a hundred beginnings of equal length, which are namespaces if the mark is
 * theirs. */
static const char *channel_of(const struct work *k, char to[64],
                              const char *name, unsigned i)
{
    if (k->shape->mark == '\0')
        snprintf(to, 64, "%s", name);
    else
        snprintf(to, 64, "s%02u%c%.32s", (i + 7) % 100, k->shape->mark, name);
    return to;
}

/* A connection with what every connection of this run has. */
static struct member *join(struct work *k, const struct shape *s)
{
    static unsigned number;
    struct member *m = world_join(k->world, PL_ENCODING_PROTOBUF);
    char name[64];

    for (unsigned i = 0; i < s->each; i++)
        world_subscribe(m, name_of(name, "each", number * s->each + i));
    number++;
    return m;
}

/* One publishes bursts to many. */
static void build_fanout(struct work *k, const struct shape *s)
{
    char channel[64];

    allocate(k, 1);
    channel_of(k, channel, "fanout", 0);
    for (unsigned i = 0; i < FANOUT_SUBS; i++)
        world_subscribe(join(k, s), channel);
    k->who[0] = join(k, s);
    for (unsigned i = 0; i < FANOUT_BURST; i++)
        client_publish(&k->in[0], PL_ENCODING_PROTOBUF, channel, payload());
}

/* Many channels of a few, each publisher has its share of them. */
static void build_rooms(struct work *k, const struct shape *s)
{
    char name[64], channel[64];

    allocate(k, ROOM_PUBS);
    for (unsigned i = 0; i < ROOMS * ROOM_SUBS; i++)
        world_subscribe(join(k, s),
                        channel_of(k, channel, name_of(name, "room", i % ROOMS),
                                   i % ROOMS));
    for (unsigned i = 0; i < ROOM_PUBS; i++)
        k->who[i] = join(k, s);
    for (unsigned i = 0; i < ROOMS; i++)
        client_publish(&k->in[i % ROOM_PUBS], PL_ENCODING_PROTOBUF,
                       channel_of(k, channel, name_of(name, "room", i), i),
                       payload());
}

/* Each sends to itself. */
static void build_rtt(struct work *k, const struct shape *s)
{
    char name[64], channel[64];

    allocate(k, PAIRS);
    for (unsigned i = 0; i < PAIRS; i++) {
        k->who[i] = join(k, s);
        channel_of(k, channel, name_of(name, "rtt", i), i);
        world_subscribe(k->who[i], channel);
        client_publish(&k->in[i], PL_ENCODING_PROTOBUF, channel, payload());
    }
}

/* Connections that answer pings. */
static void build_idle(struct work *k, const struct shape *s)
{
    allocate(k, FANOUT_SUBS);
    k->is_idle = true;
    for (unsigned i = 0; i < FANOUT_SUBS; i++) {
        k->who[i] = join(k, s);
        world_subscribe(k->who[i], "idle");
        client_pong(&k->in[i], PL_ENCODING_PROTOBUF);
    }
}

static void build_others(struct work *k, const struct shape *s)
{
    struct member *m = NULL;
    char name[64];

    for (unsigned i = 0; i < s->others; i++) {
        if (i % 1000 == 0)
            m = world_join(k->world, PL_ENCODING_PROTOBUF);
        world_subscribe(m, name_of(name, "other", i));
    }
    for (unsigned i = 0; i < s->idle; i++)
        world_join(k->world, PL_ENCODING_PROTOBUF);
}

/* A function of its own, so that a tool can find it. */
__attribute__((noinline)) void shape_run(struct work *k);

void shape_run(struct work *k)
{
    for (unsigned r = 0; r < k->repeat; r++) {
        if (k->is_idle)
            world_pass(k->world, PING_MS);
        for (unsigned i = 0; i < k->count; i++)
            world_feed(k->who[i], pl_buf_span(&k->in[i]));
        world_settle(k->world);
    }
}

static const struct {
    const char *name;
    void (*build)(struct work *k, const struct shape *s);
    enum pl_metric counts;
} shapes[] = {
    {"fanout", build_fanout, PL_METRIC_FRAMES_SENT},
    {"rooms", build_rooms, PL_METRIC_FRAMES_SENT},
    {"rtt", build_rtt, PL_METRIC_FRAMES_SENT},
    {"idle", build_idle, PL_METRIC_COMMANDS_SILENT},
};

static void destroy(struct work *k)
{
    for (unsigned i = 0; i < k->count; i++)
        pl_buf_fini(&k->in[i]);
    free(k->in);
    free(k->who);
    world_destroy(k->world);
}

bool shape_count(const struct shape *s)
{
    struct world_options o = {.history_size = s->history,
                              .spaces = s->spaces,
                              .rules = s->rules,
                              .is_clock_driven = true};
    struct work k = {.repeat = s->repeat, .shape = s};
    size_t i = 0, n = sizeof shapes / sizeof *shapes;

    while (i < n && strcmp(shapes[i].name, s->name) != 0)
        i++;
    if (i == n)
        return false;
    k.world = world_create(&o);
    build_others(&k, s);
    shapes[i].build(&k, s);
    uint64_t before = world_metric(k.world, shapes[i].counts);
    uint64_t writes = world_writes(k.world);
    count_begin();
    shape_run(&k);
    count_end();
    printf("%s: %" PRIu64 " counted, %" PRIu64 " writes\n", s->name,
           world_metric(k.world, shapes[i].counts) - before,
           world_writes(k.world) - writes);
    destroy(&k);
    return true;
}
