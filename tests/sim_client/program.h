/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - a program that uses the library: one group with its clients, and
 * what it knows of them.
 *
 * It calls whatever it may at any moment, also inside callbacks, and fails the
 * run when it is told what cannot be. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "parley_client.h"
#include "pipes.h"
#include "plain.h"
#include "truth.h"
#include "world.h"

enum { CLIENTS = 4, SUBS = 4, PLAINS = 3 };

struct program;

/* A subscription, until its release(); or one of the server. */
struct sub {
    struct client *client;
    struct plc_sub *handle;
    struct sub *next; /* of all of the program */
    unsigned channel;
    enum plc_state state; /* as it was told */
    bool is_wanted;       /* it is to be subscribed */
    bool is_dropped;      /* plc_sub_destroy(), or that of its client */
    bool has_ended;       /* by itself, since it was started */
    bool has_position, is_recoverable;
    char epoch[64];
    uint64_t offset;
    uint64_t last; /* number that came */
};

/* A client, until its release(). */
struct client {
    struct program *program;
    struct plc_client *handle;
    struct client *next; /* of all of the program */
    char label[16];
    enum plc_state state;
    bool is_wanted;  /* it is to be connected */
    bool is_dropped; /* plc_client_destroy() */
    bool has_ended;  /* by itself, since the last connect */
    unsigned results;
    struct sub *subs[SUBS]; /* that the program has a handle of */
    bool has_subs[ROOMS];   /* channels of these */
    bool has_tokens;
    unsigned user;                   /* of its tokens */
    unsigned rooms;                  /* mask: what they subscribe it to */
    struct sub of_server[ROOMS + 1]; /* the last is that of the user */
    struct plc_token *question;      /* that it has not answered yet */
};

/* A call of the library that was accepted. */
struct call {
    struct program *program;
    struct call *next;
    uint64_t number; /* what it says; 0: nothing */
    const char *what;
    unsigned channel;
    bool is_done;
};

struct program {
    struct world *world;
    struct truth *truth;
    struct pl_sim *sim; /* of the group's loop */
    struct pipes *pipes;
    struct plc_group *group;
    bool is_manual;
    bool is_stopping;                /* plc_group_stop() was called */
    bool has_lost;                   /* a callback was lost */
    bool is_quiet;                   /* calls nothing inside callbacks */
    unsigned stopped;                /* calls of stopped() ... */
    unsigned released;               /* ... and of release() */
    unsigned depth;                  /* of callbacks */
    struct client *clients[CLIENTS]; /* that it has a handle of */
    struct client *all_clients;
    struct sub *all_subs;
    struct call *calls;
    struct plain *plains[PLAINS]; /* that it has a handle of */
    struct plain *all_plain;
    struct plain_send *ended_sends;
    uint64_t accepted, refused; /* calls, and those that were not accepted */
    uint64_t ended[4];          /* by outcome */
    unsigned labels;
};

struct program *program_create(struct world *w, struct truth *t,
                               unsigned index);

/* The group has stopped, or stops now; whatever it had is free. */
void program_destroy(struct program *p);

/* One call of the library, drawn by chance. */
void program_act(struct program *p);

/* Errors that no fault explains are the library's. */
void program_check_error(const struct program *p, enum pl_err rc,
                         const char *what);

/* Memory, all zero; none fails. */
void *program_fresh(size_t size);

/* Answer all questions for tokens that are open. */
void program_answer_all(struct program *p);

/* One turn of its loop; with callbacks that wait, some of these.  Return false
 * if there was nothing to do. */
bool program_turn(struct program *p);

/* Begin to stop, within `deadline_ms`. */
void program_stop(struct program *p, uint32_t deadline_ms);
bool program_has_ended(const struct program *p);

/* The ledger of the status adds up, at any moment. */
void program_check_ledger(const struct program *p);

/* At rest: whoever is wanted is there, and no call waits. */
void program_check_rest(const struct program *p);

/* Have one of its clients publish to a channel; return the number, 0: none
 * could.  Then whether each subscription to the channel has heard it. */
uint64_t program_publish(struct program *p, unsigned channel);
void program_check_heard(const struct program *p, unsigned channel,
                         uint64_t number);

#endif
