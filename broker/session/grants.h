/* SPDX-License-Identifier: Apache-2.0 */
/* grants.h - what a client may do with a channel; see grants.c.
 *
 * Thread: the loop of the session. */
#ifndef PL_SESSION_GRANTS_H
#define PL_SESSION_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules.h"
#include "span.h"

struct pl_session;

/* What a channel's name stands for. */
struct pl_named {
    uint64_t hash;          /* pl_hub_hash() */
    struct pl_rules *rules; /* NULL: no namespace has this name */
};

struct pl_named pl_session_name(const struct pl_session *s,
                                struct pl_span channel);

/* What holds for the connection itself: the rules of names without a
 * namespace. */
uint8_t pl_session_grants(const struct pl_session *s);

/* Check that the client has `grant` for `channel`.  If so, return true and set
 * *out to the hash and the rules of the name, found once per command.
 * Otherwise reply to command `id` with an error, or close the connection, and
 * return false. */
bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    uint8_t grant, struct pl_named *out);

/* True if the rules `n` grant `grant` to the client.  `channel` may be a name
 * that no client may use. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant);

/* Return true if the client has all the channels that it may have. */
bool pl_session_has_enough(const struct pl_session *s);

#endif
