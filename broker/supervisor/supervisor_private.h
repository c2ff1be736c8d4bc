/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_private.h - the state of the supervisor, for the files of this
 * module.
 *
 * Thread: the control loop. */
#ifndef PL_SUPERVISOR_PRIVATE_H
#define PL_SUPERVISOR_PRIVATE_H

#include "denials.h"
#include "monitor.h"
#include "registry.h"
#include "supervisor.h"
#include "supervisor_mail.h"
#include "timer.h"
#include "user_states.h"

struct pl_phase_mail;

/* A participant of the shutdown. */
struct pl_party {
    struct pl_address address;
    const char *name; /* for the log */
    uint32_t awaited; /* pending results of this phase */
    bool is_asked;    /* internal actors: PL_MSG_STOP was sent */
    bool is_unasked;  /* one of `awaited` was not sent: out of memory */
    bool is_gone;     /* the actor has exited */
};

struct pl_party_list {
    struct pl_party *at;
    size_t count;
};

struct pl_supervisor {
    struct pl_actor actor; /* first member */
    struct pl_supervisor_options options;
    struct pl_registry registry;
    struct pl_user_states *states; /* owned */
    struct pl_denials *denials;    /* owned: revoked tokens, blocked users */
    struct pl_party_list managers, listeners, internals;
    bool *is_unresponsive; /* by loop: no result even of a forced disconnect */
    bool is_forcing;       /* the forced disconnect was sent */
    uint64_t waited_ms; /* beyond deadlines, for loops that were not blocked */
    struct pl_timer timer; /* of the current phase */
    struct pl_timer look;  /* until memory is measured again */
    uint8_t memory_state;  /* a STATE_ constant of memory_watch.c */
    bool is_memory_told;
    uint8_t hurried;    /* consecutive early measurements that wait for
                           shedding */
    uint64_t strangers; /* unregistrations without a registration */
};

/* user_list.c.  Answer with a part of the list of users.
 * Owner: the callee takes `m`. */
struct pl_look_mail;
void pl_supervisor_list_users(struct pl_supervisor *s, struct pl_look_mail *m);

/* user_state.c.  Create the table of states.
 * Errors: PL_ENOMEM. */
enum pl_err pl_supervisor_init_states(struct pl_supervisor *s,
                                      const struct pl_hash_key *key);

/* user_state.c.  A connection of the user has been unregistered. */
void pl_supervisor_on_left(struct pl_supervisor *s, struct pl_span user);

/* user_state.c.  Answer what a backend asks.
 * Owner: the callee takes `m`. */
struct pl_user_state_mail;
void pl_supervisor_on_user_state(struct pl_supervisor *s,
                                 struct pl_user_state_mail *m);
/* Create a disconnect of `client`; NULL: out of memory, which is logged. */
struct pl_kick_mail;
struct pl_kick_mail *pl_supervisor_kick_create(const struct pl_client *client,
                                               uint32_t code);

/* denying.c.  Carry out an order, or answer with a part of the list.
 * Owner: the callee takes `m`. */
struct pl_denial_mail;
void pl_supervisor_on_denial(struct pl_supervisor *s, struct pl_denial_mail *m);
void pl_supervisor_list_denials(struct pl_supervisor *s,
                                struct pl_look_mail *m);

/* denying.c.  Whether a connection may not register, because its user is
 * blocked or its token revoked. */
enum pl_register_refusal pl_supervisor_denies(const struct pl_supervisor *s,
                                              const struct pl_register_mail *m);

/* memory_watch.c.  Runs from the start to the shutdown. */
void pl_supervisor_watch_memory(struct pl_supervisor *s);
void pl_supervisor_unwatch_memory(struct pl_supervisor *s);

/* stop.c.  Start the shutdown; with `hurry` skip the rest of GRACE.  Neither
 * has an effect once the phase is over. */
void pl_supervisor_begin_stop(struct pl_supervisor *s, bool hurry);
void pl_supervisor_on_phase(struct pl_supervisor *s,
                            const struct pl_phase_mail *m);
void pl_supervisor_on_down(struct pl_supervisor *s,
                           const struct pl_down_msg *m);
void pl_supervisor_on_timer(struct pl_timer *t);

#endif
