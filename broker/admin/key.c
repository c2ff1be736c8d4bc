/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - see key.h.
 *
 * Comparing digests instead of keys hides the length of the common prefix and
 * of the key from timing.
 *
 * Rejected: accepting the key in the query, because URLs end up in logs. */
#include "key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "http.h"
#include "log.h"

static bool is_same(struct pl_span a, struct pl_span b)
{
    unsigned char da[SHA256_DIGEST_LENGTH], db[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)a.at, a.len, da);
    SHA256((const unsigned char *)b.at, b.len, db);
    return CRYPTO_memcmp(da, db, sizeof da) == 0;
}

/* Return the credentials after the scheme, absent if the scheme is another (RFC
 * 9110 section 11.1). */
static struct pl_span of_scheme(struct pl_span authorization)
{
    struct pl_span scheme = {authorization.at, sizeof "apikey " - 1};

    if (authorization.len <= scheme.len ||
        !pl_http_equal(scheme, PL_SPAN("apikey ")))
        return (struct pl_span){0};
    return pl_http_trim((struct pl_span){authorization.at + scheme.len,
                                         authorization.len - scheme.len});
}

enum pl_key_verdict pl_key_check(const char *key, struct pl_span header,
                                 struct pl_span authorization)
{
    struct pl_span given = header;

    if (key == NULL || key[0] == '\0')
        return PL_KEY_OFF;
    if (given.at == NULL)
        given = of_scheme(authorization);
    return given.at != NULL && is_same(pl_span_of(key), given) ? PL_KEY_GOOD
                                                               : PL_KEY_WRONG;
}

void pl_key_report(struct pl_metrics *metrics, const char *address,
                   bool has_key)
{
    pl_count(metrics, PL_METRIC_API_KEYS_REJECTED, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_API_KEY, PL_LOG_WARN, "API key rejected",
                   pl_log_string("address", address),
                   pl_log_string("reason", has_key ? "wrong key" : "no key"));
}
