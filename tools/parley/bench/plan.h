/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what is measured, as the command line says it, and what follows from
 * it for each client. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_mode {
    BENCH_IDLE,
    BENCH_FANOUT,
    BENCH_ROOMS,
    BENCH_ROUNDTRIP,
    BENCH_STORM,
    BENCH_RETURN
};

/* One way to connect; several are measured in turn. */
struct bench_kind {
    const char *name;
    bool tls;
    bool resumes; /* with session tickets */
    bool deflate;
};

enum {
    BENCH_KINDS_MAX = 8,
    BENCH_SETS_MAX = 32,
    BENCH_POINTS_MAX = 32,
    BENCH_PROCESSES_MAX = 16,
    BENCH_CHANNEL_SIZE = 128,
    BENCH_PREFIX_MAX = 80 /* bytes of the front of a channel's name */
};

/* What is shown of the measurement. */
struct bench_output {
    bool json;           /* one object a line */
    bool shows_progress; /* a line a second */
    const char *svg;     /* file; NULL: no picture */
};

struct bench_plan {
    enum bench_mode mode;
    struct bench_kind kinds[BENCH_KINDS_MAX];
    unsigned kind_count;
    unsigned rounds;
    unsigned processes; /* of clients */
    unsigned clients;   /* of all processes */
    unsigned channels;  /* of each client */
    unsigned share;     /* clients of each channel */
    unsigned at_once;   /* return: of a process in the making */
    unsigned missed;    /* return: messages of each channel */
    unsigned window;    /* closed loop: messages under way */
    unsigned size;      /* bytes of a message */
    double rate;        /* a second, all processes; 0: closed loop */
    double rates[BENCH_POINTS_MAX]; /* of a sweep, ascending */
    unsigned rate_count;
    double seconds;      /* measured, or waited before memory is read */
    double patience;     /* seconds without progress; then a message is lost */
    bool users;          /* each client is a user, with a token */
    bool inbox;          /* and has an inbox of its connection */
    bool restart;        /* return: the broker is stopped and started */
    bool speaks_json;    /* the encoding of the protocol */
    bool verifies;       /* certificates */
    const char *parleyd; /* path; NULL: `url` */
    const char *url;     /* of a server that runs */
    const char *ca_file;
    const char *token;  /* of all clients; NULL: by `secret`, or none */
    const char *secret; /* of the tokens of users */
    const char *prefix; /* of the names of channels */
    const char *method; /* roundtrip: an rpc; NULL: a publication */
    struct bench_output output;
    const char *server_cpus;
    const char *client_cpus;
    int pid;                          /* of the server of `url`; 0: unknown */
    const char *sets[BENCH_SETS_MAX]; /* further --set of the broker */
    unsigned set_count;
};

/* The name of a mode. */
const char *bench_mode_name(enum bench_mode mode);

/* True if each client publishes, else one publisher of each process does. */
bool bench_plan_all_publish(const struct bench_plan *plan);

/* The channels to which each client subscribes: none for an rpc. */
unsigned bench_plan_subs(const struct bench_plan *plan);

/* The first client of process `p`; that of `processes` is one after the last.
 * A process has whole groups of `share` clients, so that a channel's
 * subscribers are all in one. */
unsigned bench_plan_first(const struct bench_plan *plan, unsigned p);

/* The name of a client's channel `k`. */
void bench_plan_channel(const struct bench_plan *plan, unsigned client,
                        unsigned k, char out[BENCH_CHANNEL_SIZE]);

#endif
