/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - verifies and creates JSON Web Tokens (RFC 7519).
 *
 * The claims are those that backends of Centrifugo send.  A connection token
 * names a user; a subscription token, which has `channel`, allows one channel
 * to the connections of that user.  A claim that restricts the token in an
 * unsupported way is refused; docs/protocol.md lists them.  Unknown claims are
 * ignored. */
#ifndef PL_TOKEN_H
#define PL_TOKEN_H

#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "jws.h"
#include "span.h"
#include "token_policy.h"

enum {
    PL_TOKEN_MAX = 16 * 1024, /* bytes of a token */
    PL_TOKEN_USER_MAX = 254,  /* bytes of a user id, so that "#user" is a
                                 channel name */
    PL_TOKEN_ID_MAX = 256,    /* bytes of jti */
    PL_TOKEN_CHANNELS_MAX = 1024
};

enum pl_token_kind { PL_TOKEN_CONNECTION, PL_TOKEN_SUBSCRIPTION };

/* What a token may change of the rules of a channel, for its subscription. */
enum pl_token_override {
    PL_OVERRIDE_PRESENCE = 1,
    PL_OVERRIDE_JOIN_LEAVE = 2,
    PL_OVERRIDE_PUSH_JOIN_LEAVE = 4,
    PL_OVERRIDE_RECOVERY = 8,
    PL_OVERRIDE_POSITIONING = 16
};

/* A subscription that a token grants.  Spans with .at NULL are absent. */
struct pl_token_sub {
    struct pl_span channel;
    struct pl_span info;  /* JSON: chan_info */
    struct pl_span data;  /* JSON: for the subscribe result */
    int64_t expires_at_s; /* Unix time; 0: never */
    uint8_t overrides;    /* enum pl_token_override: what it changes ... */
    uint8_t values;       /* ... and to what */
};

/* The content of a valid token. */
struct pl_token_claims {
    struct pl_arena arena; /* has all that the spans point to */
    struct pl_span user;   /* empty: anonymous */
    struct pl_span info;   /* JSON; .at is NULL if the claim is absent */
    struct pl_span meta;   /* JSON, not for clients; likewise */
    struct pl_span id;     /* jti; likewise */
    struct pl_span client; /* of a subscription token: the only client that may
                              use it; likewise */
    int64_t expires_at_s;  /* of the connection, or the subscription: Unix
                              time; 0: never.  It may lie in the past */
    int64_t issued_at_s;   /* iat; 0: none */
    struct pl_token_sub *subs; /* connection: server-side subscriptions; valid
                                  names, none reserved, each once.
                                  Subscription: the one */
    size_t sub_count;
};

/* Check the signature of `token` and read its claims.  `now_s` is Unix time.
 * On an error *why, if `why` is not NULL, is a constant text for the log,
 * without any part of the token.
 * Owner:  the caller destroys *out.
 * Thread: any, also several at once with the same policy.
 * Errors: PL_EEXPIRED (genuine, but expired or not valid yet: error 109),
 *         PL_EDENIED (not signed by a key of the policy), PL_EBADMSG (no token,
 *         of another kind, or invalid or unsupported claims), PL_EINVAL
 *         (genuine, but it lists a channel that no client may use: error 103),
 *         PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_token_verify(const struct pl_token_policy *policy,
                            enum pl_token_kind kind, struct pl_span token,
                            int64_t now_s, struct pl_token_claims **out,
                            const char **why);

/* The key that a token needs of the set of a policy. */
struct pl_token_need {
    enum pl_jws_alg alg;
    char kid[PL_JWS_KID_MAX + 1];
};

/* Read which key `token` needs.  The policy has pl_token_policy_jwks().
 * Thread: any.
 * Errors: PL_EDENIED, PL_EBADMSG, PL_ETOOBIG, PL_ENOMEM; *why as above. */
enum pl_err pl_token_needs(struct pl_span token, struct pl_token_need *out,
                           const char **why);

/* Like pl_token_verify(), with `key`, which is the one that the token needs. */
enum pl_err pl_token_verify_by(const struct pl_token_policy *policy,
                               const struct pl_jws_key *key,
                               enum pl_token_kind kind, struct pl_span token,
                               int64_t now_s, struct pl_token_claims **out,
                               const char **why);

/* Return true if what the token opens has ended, though not the token. */
bool pl_token_is_over(const struct pl_token_claims *claims, int64_t now_s);

/* NULL is allowed. */
void pl_token_claims_destroy(struct pl_token_claims *claims);

/* The content of a token to create. */
struct pl_token_grant {
    struct pl_span user;
    int64_t issued_at_s; /* Unix time */
    int64_t ttl_s;       /* 0: never expires */
    struct pl_span info; /* JSON, or absent */
    const struct pl_span *channels;
    size_t channel_count;
    bool is_subscription; /* of channels[0], the only one */
};

/* What signs: `signer` by `alg`, or, if that is NULL, the shared secret. */
struct pl_token_key {
    struct pl_span secret;
    enum pl_jws_alg alg;
    struct pl_jws_key *signer;
};

/* Create a signed token, a string that pl_token_verify() accepts.  On an error
 * *why, if `why` is not NULL, is a constant text.
 * Owner:  the caller frees *out with free().
 * Thread: any.
 * Errors: PL_EINVAL (no secret, a key that cannot sign by `alg`, or claims that
 *         pl_token_verify() refuses), PL_ETOOBIG, PL_ENOMEM. */
enum pl_err pl_token_create(const struct pl_token_key *key,
                            const struct pl_token_grant *grant, char **out,
                            const char **why);

#endif
