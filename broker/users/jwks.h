/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.h - a set of JSON Web Keys (RFC 7517), as identity providers publish
 * it. */
#ifndef PL_JWKS_H
#define PL_JWKS_H

#include <stddef.h>

#include "err.h"
#include "jws_key.h"
#include "span.h"

enum { PL_JWKS_MAX = 100 }; /* keys of a set; the rest is ignored */

struct pl_jwks; /* opaque */

/* Read the public keys for signatures of a set: those with `use` "sig" and a
 * `kid`, of RSA, an elliptic curve or Ed25519.  A key that names its algorithm
 * is for that alone, another for all of its family.  Other keys, and bad ones,
 * are left out.
 * Owner:  the caller destroys *out.
 * Thread: any.
 * Errors: PL_EBADMSG (no set of keys), PL_ENOMEM. */
enum pl_err pl_jwks_create(struct pl_jwks **out, struct pl_span text);
void pl_jwks_destroy(struct pl_jwks *set); /* NULL is allowed */

size_t pl_jwks_count(const struct pl_jwks *set);

/* Return the key that has this `kid` and is for `alg`; NULL: none.
 * Owner: the set. */
struct pl_jws_key *pl_jwks_find(const struct pl_jwks *set, struct pl_span kid,
                                enum pl_jws_alg alg);

#endif
