/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - one run of a whole broker above the sockets, from its start to
 * its stop, on one thread and a driven clock.
 *
 * It is built as broker/embed builds it, but for the admin server, the
 * listeners and the reactors, whose place the simulation takes. */
#ifndef WORLD_H
#define WORLD_H

#include "channels.h"
#include "settings_options.h"
#include "handlers.h"
#include "hub.h"
#include "session_manager.h"
#include "metrics.h"
#include "phase_trace.h"
#include "sim.h"
#include "supervisor.h"
#include "system.h"

enum {
    WORKERS_MAX = 3,
    USERS = 4,
    CALLS_MAX = 64,
    BOOKS_MAX = 12,          /* of rules */
    ROOMS = 6,               /* channels that clients subscribe to */
    CHANNELS = ROOMS + USERS /* and the inboxes of users */
};
#define WORLD_WALL_MS 1700000000000 /* when a run begins, since 1970 */
#define WORLD_SECRET "the-secret-of-the-simulation-is-long-enough"

struct world;

struct share {
    struct world *world;
    struct pl_loop *loop;
    struct pl_metrics metrics;
    struct pl_channels *channels; /* workers */
    struct pl_hub *hub;
    struct pl_session_manager *manager; /* workers */
    struct pl_snapshot *snapshot;       /* the world's */
};

struct letter;
struct operator;
struct postman;
struct readers;

/* What clients said and heard of it, which the metrics must fit. */
struct tally {
    uint64_t asked;   /* commands that want an answer */
    uint64_t silent;  /* commands that want none, and pongs */
    uint64_t noise;   /* bytes that may be commands */
    uint64_t results; /* heard */
    uint64_t errors;  /* heard */
    uint64_t pushes;  /* publications, joins and leaves heard */
    uint64_t frames;  /* of messages that the kernel was given, whole */
};

/* What the embedding program knows of; see books.c. */
struct books {
    struct pl_hooks hooks;
    uint64_t clients, subs, channels;
};

struct world {
    uint64_t seed;
    struct pl_random random; /* of all that the simulation decides */
    struct pl_sim *sim;
    struct pl_system *system;
    struct pl_settings *config;
    struct pl_handlers *handlers;
    struct pl_rulebook
        *rulebooks[BOOKS_MAX]; /* the first: the configuration's */
    unsigned rulebook_count;   /* the newest is the last */
    unsigned settled_rules;    /* everybody has had this one, or a newer one */
    struct pl_hash_key key;
    struct pl_phase_trace *phases;
    unsigned workers;
    struct share at[WORKERS_MAX + 1]; /* the last one: the control loop */
    struct pl_snapshot *snapshots[WORKERS_MAX + 1];
    struct pl_bus *buses[WORKERS_MAX]; /* of the late store */
    struct pl_address owners[WORKERS_MAX];
    struct pl_address hubs[WORKERS_MAX + 1];
    struct pl_supervisor *supervisor; /* its loop's */
    struct pl_address supervisor_address;
    struct operator* operator; /* its loop's; NULL: it has ended */
    struct postman *postmen[WORKERS_MAX + 1]; /* their loops'; see post.h */
    struct letter *letters;                   /* that they have sent */
    struct readers *readers;          /* of lines; NULL: there are none */
    struct pl_call *calls[CALLS_MAX]; /* handlers have not answered yet */
    uint64_t due_ms[CALLS_MAX];       /* before that they do not */
    uint64_t kept_ms[CALLS_MAX];      /* since when they are asked */
    bool is_decided[CALLS_MAX]; /* the judge answers this one a second time */
    unsigned call_count;
    struct admitted *admitted;     /* the newest of those a handler let in */
    uint64_t now_ms;               /* since this run began, where it is 1 */
    uint64_t jumped_step;          /* of the last large step of the clock */
    uint64_t removed_ms[CHANNELS]; /* when history was removed last */
    bool has_lost[CHANNELS];       /* a publication, and nobody has been told */
    unsigned links; /* whose sessions were there before the stop */
    struct tally tally;
    struct books books;
    bool is_late;
    bool is_plain;
    bool has_full_mail; /* mailboxes are full with a few messages */
    bool has_backlog;   /* loops are behind with a few messages */
    bool has_judge;     /* a handler lets clients in, and nobody else ... */
    bool is_judge_here; /* ... which is registered now; it may come and go */
    bool has_court;     /* judges decide who subscribes and publishes */
    bool has_postmen;   /* some commands come by mail */
    bool has_reloads;   /* the rules of channels change now and then */
    bool has_history;   /* at least one namespace */
    bool is_overloaded; /* connections may be refused for it */
    bool is_calm;       /* memory is enough */
    bool is_still;      /* and all that was said before is heard */
    bool fails_allocations; /* or did, in this run */
    bool is_stopping;
    bool is_stopped; /* the supervisor said so */
};

/* books.c.  Begin the books; and look whether they are right. */
void books_open(struct world *w);
void books_on_channel(void *world, struct pl_span name, bool is_first);
void books_check(const struct world *w);

/* All that this run is like follows from the seed. */
void world_begin(struct world *w, uint64_t seed, bool is_late);

/* The same with more; what is NULL is not wanted. */
struct world_options {
    uint64_t seed;
    bool is_late;
    bool is_plain;
    const char *setting; /* "KEY=VALUE" */
    /* Those of --insecure and these, with a NULL at the end; none is drawn. */
    const char *const *settings;
    /* Builds one more actor on the control loop, which takes part in a stop
     * where the admin server does: its address.  The configuration may still
     * be changed. */
    struct pl_address (*build)(struct world *w, void *arg);
    void *arg;
};
void world_begin_with(struct world *w, const struct world_options *o);

/* One worker and the settings of --insecure, for measuring. */
void world_begin_plain(struct world *w);

/* The loops are run to their end, as by pl_broker_wait(), and all that is left
 * of the broker is checked: it must be nothing. */
void world_end(struct world *w);

/* A random number below `bound`. */
unsigned world_draw(struct world *w, unsigned bound);

/* One turn of a loop that has work: a step.  False: none has. */
bool world_turn(struct world *w);

/* Time passes: all timers on the way fire and all work is done. */
void world_pass(struct world *w, uint64_t ms);

/* The clock jumps. */
void world_jump(struct world *w, uint64_t ms);

/* A late bus says that it may have lost what was published; and that it has,
 * of each channel of which it did. */
void world_lose(struct world *w, unsigned channel);
void world_tell_lost(struct world *w);

/* Ask the broker to stop. */
void world_stop(struct world *w, bool hurry);

/* Whether new connections may come. */
bool world_listens(const struct world *w);

/* The sum over all loops. */
uint64_t world_metric(const struct world *w, enum pl_metric m);

/* calls.c: what a run begins with, and its end. */
void world_make_handlers(struct world *w);
void world_forget_admitted(struct world *w);

/* A handler that waits gives its answer; false: none waits. */
bool world_answer_call(struct world *w);

/* The connect handler is registered, or not any more, where one is to judge;
 * loops hear of it one after the other. */
void world_seat_judge(struct world *w, bool is_here);

/* Whether a judge has kept, and the broker still waits for, its verdict on a
 * subscription of the client with this id. */
bool world_keeps_verdict(const struct world *w, const char *id, unsigned room);

/* Whether a connect handler has let in the client with this id. */
bool world_was_admitted(const struct world *w, struct pl_span id);

/* A token for "u<user>", which subscribes to the rooms whose bits are set.
 * Owner: the caller frees it. */
char *world_token(struct world *w, unsigned user, int64_t ttl_s,
                  unsigned rooms);

/* The name of a channel that clients use, ROOMS of them and then the inboxes
 * of USERS. */
const char *world_channel_name(unsigned channel);

/* world_rules.c: the rules of channels, and a reload of them, which everybody
 * hears of sooner or later.  False: none is to be. */
void world_make_rules(struct world *w);
bool world_reload(struct world *w);
void world_forget_rules(struct world *w);
struct pl_rulebook *world_newest_book(const struct world *w);

/* Whether a channel has a history, which no reload changes; how much of it is
 * kept at the least. */
bool world_has_history(const struct world *w, unsigned channel);
uint32_t world_history_size(const struct world *w, unsigned channel);

/* Whether this channel, or any, may drop publications for slow readers. */
bool world_may_drop(const struct world *w, unsigned channel);
bool world_has_slow(const struct world *w, enum pl_slow slow);

/* Whether some, or all, of the rules that may hold since the book `since` was
 * settled let clients publish. */
bool world_may_publish(const struct world *w, unsigned channel, unsigned since);
bool world_must_publish(const struct world *w, unsigned channel,
                        unsigned since);

/* As a backend would: disconnect all connections of a user, or unsubscribe
 * them from a channel.  Nobody hears of the answer. */
void world_kick(struct world *w, const char *user, const char *channel);

/* Nothing may be queued, pending or on its way. */
void world_check_rest(struct world *w);

/* What the ledgers would balance in as well: one thing counted as another, or
 * twice on both sides.  Where everybody keeps the tally. */
void world_check_tally(const struct world *w);

/* The same, and nobody is connected or remembered. */
void world_check_empty(struct world *w);

#endif
