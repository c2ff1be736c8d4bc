/* SPDX-License-Identifier: Apache-2.0 */
/* session_parts.h - what the files of this module ask of a session without its
 * struct.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_PARTS_H
#define PL_SESSION_PARTS_H

#include "actor.h"
#include "client.h"
#include "code.h"
#include "codec.h"
#include "hub.h"
#include "loop.h"
#include "session.h"
#include "session_link.h"
#include "session_metrics.h"

struct pl_arena;
struct pl_call_table;
struct pl_expirings;
struct pl_handlers;
struct pl_hooks;
struct pl_map;
struct pl_missings;
struct pl_rule_cache;
struct pl_time_share;
struct pl_tracer;
struct pl_waits;

enum {
    PL_KIND_MISSING = 2000 /* a kind of pl_origin, for missing.c; the other
                              kinds are verbs and those of actor_send.c */
};

/* --- session_link.c --- */

struct pl_subscriber *pl_session_subscriber(struct pl_session *s);
struct pl_session *pl_session_of_subscriber(struct pl_subscriber *u);
enum pl_encoding pl_session_encoding(const struct pl_session *s);
bool pl_session_has_inbox(const struct pl_session *s); /* of its own: @id */

/* The client as others see it in `channel`: pl_hub_shown(). */
struct pl_client *pl_session_shown(struct pl_session *s, struct pl_span channel,
                                   uint64_t hash);

bool pl_session_is_connected(const struct pl_session *s);
bool pl_session_is_logging_in(const struct pl_session *s);
unsigned pl_session_kind(const struct pl_session *s); /* of grants: rules.h */
uint32_t pl_session_sub_count(const struct pl_session *s);
uint64_t pl_session_queued(const struct pl_session *s); /* bytes of output */

/* Whether the inbox of its user could not be subscribed; missing.c. */
bool pl_session_lacks_inbox(const struct pl_session *s);
void pl_session_set_lacks_inbox(struct pl_session *s, bool lacks);

/* Whether a subscription of it expires; expiring.c. */
bool pl_session_has_expiring(const struct pl_session *s);
void pl_session_set_expiring(struct pl_session *s, bool has);

struct pl_address pl_session_address(const struct pl_session *s);

/* The client is no client any more: it is closing or gone.  Or it is about to
 * be, at the end of the turn. */
bool pl_session_is_over(const struct pl_session *s);
bool pl_session_has_scheduled_close(const struct pl_session *s);

/* Those of the loop. */
struct pl_hub *pl_session_hub(const struct pl_session *s);
struct pl_arena *pl_session_arena(const struct pl_session *s);
struct pl_handlers *pl_session_handlers(const struct pl_session *s);
struct pl_call_table *pl_session_calls(const struct pl_session *s);
struct pl_time_share *pl_session_answers(const struct pl_session *s);
struct pl_expirings *pl_session_expirings(const struct pl_session *s);
struct pl_map *pl_session_headers(const struct pl_session *s);
struct pl_missings *pl_session_missings(const struct pl_session *s);
struct pl_rule_cache *pl_session_rules(const struct pl_session *s);
struct pl_tracer *pl_session_tracer(const struct pl_session *s);
struct pl_waits *pl_session_all_waits(const struct pl_session *s);
const struct pl_hooks *pl_session_hooks(const struct pl_session *s);

/* One bit per enum pl_asks that has a judge; that of NOTHING: commands need a
 * second look, because there is or was a judge, or a subscription with an info
 * of its own. */
uint32_t pl_session_judged(const struct pl_session *s);
void pl_session_note_shown(const struct pl_session *s);
struct pl_address pl_session_supervisor(const struct pl_session *s);
const char *pl_session_version(const struct pl_session *s); /* of the broker */
bool pl_session_is_short(const struct pl_session *s);       /* of memory */
bool pl_session_is_stopping(const struct pl_session *s);

static inline struct pl_metrics *metrics(const struct pl_session *s)
{
    return pl_session_metrics(s);
}

/* Do what is due for the session at the end of the turn. */
void pl_session_mark_dirty(struct pl_session *s);

/* deadline.c: set the expiry of the session; return the seconds left, 0 if it
 * never expires. */
uint32_t pl_session_set_expiry(struct pl_session *s, int64_t expires_at_s);

/* deadline.c: return the loop time that ends what expires at `expires_at_s`,
 * with the time for a late refresh; set *left_s to the seconds left, 1 at
 * least. */
uint64_t pl_session_due_ms(const struct pl_session *s, int64_t expires_at_s,
                           uint32_t *left_s);

/* deadline.c: a backend sets the expiry of a connected client. */
void pl_session_take_expiry(struct pl_session *s, int64_t expires_at_s);

/* deadline.c: set the timer to the next deadline. */
void pl_session_schedule(struct pl_session *s);

#endif
