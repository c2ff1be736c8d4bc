/* SPDX-License-Identifier: Apache-2.0 */
/* config_diff.c - see config_diff.h.
 *
 * Members are compared by the kind in the table of keys, so a new key needs no
 * line here.  Converted values are compared, not texts: 60s equals 1m. */
#include "config_diff.h"

#include <string.h>

static bool is_other_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a != b : strcmp(a, b) != 0;
}

static bool are_other_strings(const struct pl_config_strings *a,
                              const struct pl_config_strings *b)
{
    bool differs = a->count != b->count;

    for (size_t i = 0; i < a->count && !differs; i++)
        differs = is_other_text(a->at[i], b->at[i]);
    return differs;
}

static bool are_other_endpoints(const struct pl_config_endpoints *a,
                                const struct pl_config_endpoints *b)
{
    bool differs = a->count != b->count;

    for (size_t i = 0; i < a->count && !differs; i++)
        differs = is_other_text(a->at[i].text, b->at[i].text);
    return differs;
}

static bool are_other_networks(const struct pl_config_networks *a,
                               const struct pl_config_networks *b)
{
    bool differs = a->count != b->count;

    for (size_t i = 0; i < a->count && !differs; i++)
        differs = memcmp(&a->at[i], &b->at[i], sizeof a->at[i]) != 0;
    return differs;
}

static bool is_other_memory(const struct pl_config_memory *a,
                            const struct pl_config_memory *b)
{
    return a->bytes != b->bytes || a->percent != b->percent;
}

bool pl_config_differs(const struct pl_config *a, const struct pl_config *b,
                       const struct pl_config_key *key)
{
    const void *x = (const char *)a + key->offset;
    const void *y = (const char *)b + key->offset;

    switch (key->kind) {
    case PL_KIND_BOOL:
        return *(const bool *)x != *(const bool *)y;
    case PL_KIND_NUMBER:
        return *(const uint32_t *)x != *(const uint32_t *)y;
    case PL_KIND_DURATION:
    case PL_KIND_SIZE:
        return *(const uint64_t *)x != *(const uint64_t *)y;
    case PL_KIND_MEMORY:
    case PL_KIND_SHARE:
        return is_other_memory(x, y);
    case PL_KIND_STRING:
    case PL_KIND_SOCKET:
        return is_other_text(*(char *const *)x, *(char *const *)y);
    case PL_KIND_ENDPOINT:
        return is_other_text(((const struct pl_config_endpoint *)x)->text,
                             ((const struct pl_config_endpoint *)y)->text);
    case PL_KIND_ENDPOINTS:
        return are_other_endpoints(x, y);
    case PL_KIND_STRINGS:
        return are_other_strings(x, y);
    case PL_KIND_NETWORKS:
        return are_other_networks(x, y);
    case PL_KIND_HEADER:
    case PL_KIND_ALLOW:
    case PL_KIND_DATA:
    case PL_KIND_SLOW:
    case PL_KIND_LEVEL:
        return *(const unsigned *)x != *(const unsigned *)y;
    }
    return true;
}

bool pl_config_is_reloadable(const struct pl_config_key *key)
{
    static const char *const names[] = {
        "tls.certificate",
        "tls.key",
        "tls.client_ca",
        "websocket.allowed_origins",
        "websocket.allowed_hosts",
        "auth.hmac_secret",
        "api.key",
        "log.level",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], key->name) == 0)
            return true;
    return false;
}
