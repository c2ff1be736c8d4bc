/* SPDX-License-Identifier: Apache-2.0 */
/* crew.h - the clients of one process, and what they share. */
#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"
#include "message.h"
#include "plan.h"

struct bench_crew;
struct bench_member;
struct plc_client;
struct plc_group;
struct plc_sub;

/* What all of a process have seen. */
struct bench_counts {
    struct bench_tally checked;
    uint64_t owed;     /* messages that subscribers are to have by now */
    uint64_t unsent;   /* messages that were due, and never left */
    uint64_t answered; /* publications and calls with an answer */
    uint64_t refused;  /* answers that were errors, and subscriptions that the
                          server ended */
    uint64_t failures; /* attempts to connect that failed */
    uint64_t cut;      /* connections that the server or the net ended */
    uint64_t visits;   /* of a storm: came in, and left */
    uint64_t recovered, unrecovered; /* subscriptions that were resumed */
    uint32_t last_code;              /* of the newest refusal or end */
};

enum bench_where { BENCH_OUT, BENCH_COMING, BENCH_IN };

/* A client; an all-zero one is out. */
struct bench_member {
    struct bench_crew *crew;
    struct plc_client *client; /* NULL: it never came */
    struct bench_sub *subs;    /* owned; NULL: none */
    uint64_t due_ns;           /* when it was to come */
    uint32_t index;            /* of all clients of the measurement */
    uint32_t subscribed;       /* of its channels */
    enum bench_where where;
    bool is_publisher; /* publishes only */
    bool is_connected;
    bool is_making; /* bench_member_begin() has no outcome yet */
};

struct bench_sub {
    struct bench_member *member;
    struct plc_sub *handle;
    struct bench_seen *seen; /* owned; of each source of its channel */
    uint64_t offset;         /* of its newest publication */
    uint32_t seed;           /* of its channel */
    bool has_offsets;
};

/* What happens to members, for the files that make it happen.  They may make
 * any call of the client library in it. */
struct bench_crew_calls {
    void (*came_in)(struct bench_member *m);
    void (*went_out)(struct bench_member *m);
    /* A message came, good or not. */
    void (*had_message)(struct bench_crew *crew, uint32_t source);
};

struct bench_crew {
    const struct bench_plan *plan;
    const struct bench_kind *kind;
    const struct bench_crew_calls *calls;
    struct plc_group *group;
    char url[512];
    struct bench_member *members; /* and the publisher after them */
    uint32_t first, count;        /* of the members without the publisher */
    uint32_t groups;              /* that share channels */
    struct bench_text text;
    struct bench_counts counts;
    struct bench_hist latency;
    struct bench_hist lag; /* how late messages left here */
    uint64_t from_ns;      /* latencies of what is due later count */
    bool stays_away;       /* a member whose connection ends stays out */
    uint32_t in;           /* members that are in, with the publisher */
};

/* Record that what was due at `due_ns` is done now. */
void bench_crew_record(struct bench_crew *crew, uint64_t due_ns);

/* The clients that share the channels of group `g`. */
uint32_t bench_crew_group_size(const struct bench_crew *crew, uint32_t g);

/* Make the member and let it connect; came_in() or went_out() follows.  A
 * member that loses its connection may come in again by itself. */
void bench_member_begin(struct bench_member *m, uint64_t due_ns);
/* Let it disconnect; went_out() follows. */
void bench_member_leave(struct bench_member *m);
/* Free what is left when the group is destroyed. */
void bench_member_fini(struct bench_member *m);

#endif
