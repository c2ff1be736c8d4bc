/* SPDX-License-Identifier: Apache-2.0 */
/* session_manager_private.h - what the sessions of a loop share. */
#ifndef PL_SESSION_MANAGER_PRIVATE_H
#define PL_SESSION_MANAGER_PRIVATE_H

#include "actor.h"
#include "arena.h"
#include "budget.h"
#include "call_table.h"
#include "denials.h"
#include "expiring.h"
#include "key_cache.h"
#include "list.h"
#include "look.h"
#include "loop.h"
#include "map.h"
#include "missing.h"
#include "outq.h"
#include "phase_mail.h"
#include "rules.h"
#include "session_manager.h"
#include "session_parts.h"
#include "time_share.h"
#include "tracer.h"
#include "wait.h"

struct pl_kept; /* kept.h */

struct pl_session_manager {
    struct pl_actor actor; /* first */
    struct pl_session_manager_options options;
    struct pl_tracer *tracer; /* never NULL */
    uint32_t session_count;
    struct pl_out_pool pool;
    struct pl_arena arena;      /* of the command being decoded, or of the reply
                                   being built */
    struct pl_forms *forms;     /* held; the hub's */
    struct pl_segment *replies; /* of this turn; NULL: none yet */
    struct pl_task seal;
    struct pl_session *dirty; /* to be flushed, in the order of this list */
    struct pl_session **dirty_end;
    struct pl_task flush;
    struct pl_handlers *handlers; /* held */
    struct pl_access *access;     /* held; the latest */
    struct pl_rule_cache rules;   /* of channels; the latest rulebook */
    struct pl_call_table calls;   /* of handlers that reply later */
    uint32_t judged;       /* one bit per enum pl_asks that has a judge; that
                              of NOTHING: there is or was a judge, a
                              subscription with an info of its own, or a set of
                              public keys */
    uint32_t logins;       /* the number of the latest connect */
    struct pl_map headers; /* headers.c: of sessions before their connect */
    struct pl_waits waits;
    struct pl_expirings expiring;
    struct pl_map token_notes;  /* token_note.c: of sessions with a token */
    struct pl_map token_ids;    /* likewise, by the id of the token */
    struct pl_denials *denials; /* owned: a copy of the supervisor's */
    struct pl_key_cache keys;
    uint64_t command_ns;           /* what a command costs; 0: nothing */
    uint64_t burst_ns;             /* what a connection may spend at once */
    struct pl_link_shared *shared; /* owned; NULL: no link needs any */
    struct pl_budget budget;       /* for the input of one turn */
    struct pl_time_share answers;  /* to presence and history, if they are
                                      long */
    struct pl_list carried;        /* sessions with input for another turn */
    struct pl_task carry;          /* serves them */
    struct pl_kept *running;       /* kept.c: messages that run now */
    struct pl_looked looked;
    struct pl_missings missing;
    enum pl_phase phase;
    struct pl_phase_mail *asked; /* owned; the supervisor waits for its
                                    return */
    struct pl_timer poll;        /* checks whether a phase's work is done */
    bool is_refusing;            /* new work: the broker stops, or is_short */
    bool is_short;               /* the process is short of memory */
    bool is_lagging;             /* the loop, when it was last checked */
    bool refuses_sessions;       /* the shutdown has aborted all sessions; no
                                    new one may start */
    bool is_reaped; /* the last session frees the session manager */
};

/* dirty.c: put the session into the list of the session manager, whose flush
 * visits it; or remove it. */
void pl_session_manager_mark_dirty(struct pl_session_manager *k,
                                   struct pl_session *s);
void pl_session_manager_unmark_dirty(struct pl_session_manager *k,
                                     struct pl_session *s);

/* What ends that list. */
static inline struct pl_session *
pl_session_manager_dirty_end(struct pl_session_manager *k)
{
    return (struct pl_session *)(void *)k;
}

/* session_manager.c */
void pl_session_manager_add(struct pl_session_manager *k);
void pl_session_manager_drop(struct pl_session_manager *k,
                             struct pl_session *s);

#endif
