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
    uint8_t traits;         /* enum pl_name_trait */
};

/* Read the name of a channel, which is not empty. */
struct pl_named pl_session_name(const struct pl_session *s,
                                struct pl_span channel);

/* Return true if no channel's name has this length. */
bool pl_session_is_bad_length(const struct pl_session *s, struct pl_span name);

/* Check the name of a channel, whatever the client may do with it.  If it is
 * one that clients may have, return true and set *out to what it stands for.
 * Otherwise reply to command `id` with an error, or close the connection, and
 * return false. */
bool pl_session_knows(struct pl_session *s, uint32_t id, struct pl_span channel,
                      struct pl_named *out);

/* Reply to command `id` that no namespace has the name of `channel`. */
void pl_session_fail_unknown(struct pl_session *s, uint32_t id,
                             struct pl_span channel);

/* Return true if the client may subscribe to the channel without a token. */
bool pl_session_may_subscribe(struct pl_session *s, struct pl_span channel,
                              const struct pl_named *n);

/* What holds for the connection itself: the rules of names without a
 * namespace. */
uint8_t pl_session_grants(const struct pl_session *s);

/* Return true if the client may do what `grant` says, other than to subscribe;
 * otherwise reply to command `id` with error 103. */
bool pl_session_may(struct pl_session *s, uint32_t id, struct pl_span channel,
                    const struct pl_named *n, uint8_t grant);

/* Likewise, without a reply. */
bool pl_session_has_grant(struct pl_session *s, struct pl_span channel,
                          const struct pl_named *n, uint8_t grant);

/* Return true if the rules grant `grant` to this client as a subscriber. */
bool pl_session_subscriber_may(const struct pl_session *s,
                               const struct pl_rules *rules, uint8_t grant);

/* Return true if the channel of this name has neither presence nor joins: it is
 * the inbox of a user. */
static inline bool pl_named_is_hidden(const struct pl_named *n)
{
    return (n->traits & (PL_NAME_INBOX | PL_NAME_PERSONAL)) == PL_NAME_INBOX;
}

/* Return true if the client has all the channels that it may have. */
bool pl_session_has_enough(const struct pl_session *s);

#endif
