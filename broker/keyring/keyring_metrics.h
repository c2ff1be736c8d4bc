/* SPDX-License-Identifier: Apache-2.0 */
/* keyring_metrics.h - the metrics of the keys of tokens.  metrics.h joins the
 * lists of all modules. */
#ifndef PL_KEYRING_METRICS_H
#define PL_KEYRING_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_KEYRING_METRICS(X)                                                  \
    X(KEY_FETCHES, PL_COUNTER, "key_fetches",                                  \
      "requests for the public keys of tokens: auth.jwks_url")                 \
    X(KEY_FETCHES_FAILED, PL_COUNTER, "key_fetches_failed",                    \
      "of those, without a set of keys as their result")

#endif
