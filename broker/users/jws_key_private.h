/* SPDX-License-Identifier: Apache-2.0 */
/* jws_key_private.h - keys made of OpenSSL's, for the files that read one form
 * of them. */
#ifndef PL_JWS_KEY_PRIVATE_H
#define PL_JWS_KEY_PRIVATE_H

#include <openssl/types.h>

#include "jws_key.h"

/* Owner: takes `pair`, on an error too.  Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_jws_key_of_pair(struct pl_jws_key **out, EVP_PKEY *pair,
                               bool is_private, const char **why);

/* Leave no algorithm but `alg`.  Nothing else has the key yet. */
void pl_jws_key_narrow(struct pl_jws_key *k, enum pl_jws_alg alg);

#endif
