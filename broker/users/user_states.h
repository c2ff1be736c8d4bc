/* SPDX-License-Identifier: Apache-2.0 */
/* user_states.h - the status that backends give to users: when a user was last
 * active, when it was last connected, and a text.
 *
 * The table is bounded: for a new user the one that was renewed longest ago is
 * forgotten.  A status ends a day after it was last renewed, unless the user is
 * connected then.
 *
 * Thread: one owner (the supervisor). */
#ifndef PL_USER_STATES_H
#define PL_USER_STATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"
#include "span.h"

struct pl_user_states; /* opaque */

enum {
    PL_USER_STATES_MAX = 100000,
    PL_USER_STATES_BYTES_MAX = 16 * 1024 * 1024, /* of names and texts */
    PL_USER_STATE_TEXT_MAX = 255,                /* bytes of a text */
    PL_USER_STATE_TTL_S = 24 * 60 * 60
};

struct pl_user_state {
    int64_t active_s; /* Unix time of the last update */
    int64_t online_s; /* Unix time at which it was last connected; 0: not since
                         the first update */
    struct pl_span text;
};

/* Return true if the user is connected. */
typedef bool pl_user_is_online(void *arg, struct pl_span user);

/* Errors: PL_ENOMEM. */
enum pl_err pl_user_states_create(struct pl_user_states **out,
                                  const struct pl_hash_key *key,
                                  pl_user_is_online *is_online, void *arg);
void pl_user_states_destroy(struct pl_user_states *t); /* NULL is allowed */

/* The user is active now, with this text (copied).
 * Errors: PL_ENOMEM, PL_ETOOBIG (one user exceeds the bytes of all). */
enum pl_err pl_user_states_put(struct pl_user_states *t, struct pl_span user,
                               struct pl_span text, int64_t now_s);

/* The user has closed its last connection.  Nothing happens without a
 * status. */
void pl_user_states_leave(struct pl_user_states *t, struct pl_span user,
                          int64_t now_s);

/* Return false if the user has no status; *out is valid until the next
 * change. */
bool pl_user_states_find(struct pl_user_states *t, struct pl_span user,
                         int64_t now_s, struct pl_user_state *out);

/* Nothing happens without a status. */
void pl_user_states_remove(struct pl_user_states *t, struct pl_span user);

size_t pl_user_states_count(const struct pl_user_states *t);

#endif
