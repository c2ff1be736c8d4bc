/* SPDX-License-Identifier: Apache-2.0 */
/* key.c - see key.h.
 *
 * Digests are compared instead of the keys, so that neither a common prefix
 * nor a common length shows in the time.  The key is not taken from the query:
 * addresses end up in logs. */
#include "key.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

static bool is_same(const char *a, const char *b)
{
    unsigned char da[SHA256_DIGEST_LENGTH], db[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)a, strlen(a), da);
    SHA256((const unsigned char *)b, strlen(b), db);
    return CRYPTO_memcmp(da, db, sizeof da) == 0;
}

/* What follows the scheme, or NULL when it is another (RFC 9110 11.1). */
static const char *of_scheme(const char *authorization)
{
    static const char scheme[] = "apikey ";

    if (strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    return authorization + strspn(authorization, " ");
}

enum pl_key_verdict pl_key_check(const char *key, const char *header,
                                 const char *authorization)
{
    const char *given = header;

    if (key == NULL || key[0] == '\0')
        return PL_KEY_OFF;
    if (given == NULL && authorization != NULL)
        given = of_scheme(authorization);
    return given != NULL && is_same(key, given) ? PL_KEY_GOOD : PL_KEY_WRONG;
}
