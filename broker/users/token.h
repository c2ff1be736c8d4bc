/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - JSON Web Tokens (RFC 7519) signed with HS256: read and make.
 *
 * Claims as Centrifugo's backends send them: sub, exp, nbf, info, channels.  A
 * token with `channel`, which is one for a subscription, is refused, and so is
 * each claim that narrows the token in a way that is not supported;
 * docs/protocol.md lists them.  Unknown claims are ignored. */
#ifndef PL_TOKEN_H
#define PL_TOKEN_H

#include <stdint.h>

#include "err.h"
#include "span.h"

enum {
    PL_TOKEN_MAX = 16 * 1024, /* bytes of a token */
    PL_TOKEN_USER_MAX = 254,  /* bytes of a user: "#user" is a channel */
    PL_TOKEN_CHANNELS_MAX = 1024
};

/* The shared secret of HMAC; the bytes belong to the configuration. */
struct pl_token_key {
    struct pl_span secret;
};

/* What a good token says.  One block of memory, the spans point into it. */
struct pl_token_claims {
    struct pl_span user;  /* sub; empty or absent: anonymous */
    struct pl_span info;  /* compact JSON; .at is NULL without the claim */
    int64_t expires_at_s; /* Unix time; 0: never */
    size_t channel_count; /* server-side subscriptions at connect; valid
                           * names, none reserved, each once */
    struct pl_span channels[];
};

/* Check the signature of `token` and read its claims.  `now_s` is Unix time.
 * On an error *why, if `why` is not NULL, is a constant text for the log: it
 * never holds anything out of the token.
 * Owner:  the caller destroys *out.
 * Thread: any, also several at once with the same key.
 * Errors: PL_EEXPIRED (genuine, but over or not valid yet: error 109),
 *         PL_EDENIED (not signed by us with HS256), PL_EBADMSG (no token, or
 *         claims that make no sense or are not supported), PL_EINVAL (genuine,
 *         but it names a channel that no client may have: error 103),
 *         PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_token_verify(const struct pl_token_key *key,
                            struct pl_span token, int64_t now_s,
                            struct pl_token_claims **out, const char **why);

/* Takes NULL. */
void pl_token_claims_destroy(struct pl_token_claims *claims);

/* What to put into a token. */
struct pl_token_grant {
    struct pl_span user;
    int64_t issued_at_s; /* Unix time */
    int64_t ttl_s;       /* 0: never expires */
    struct pl_span info; /* JSON, or absent */
    const struct pl_span *channels;
    size_t channel_count;
};

/* A signed token, a string.  pl_token_verify() accepts what this makes.  On an
 * error *why, if `why` is not NULL, is a constant text.
 * Owner:  the caller frees *out with free().
 * Thread: any.
 * Errors: PL_EINVAL (no secret, or claims that verify would refuse),
 *         PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_token_create(const struct pl_token_key *key,
                            const struct pl_token_grant *grant, char **out,
                            const char **why);

#endif
