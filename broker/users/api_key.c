/* SPDX-License-Identifier: Apache-2.0 */
/* api_key.c - see api_key.h.
 *
 * The digests of the configured keys are kept and not the keys.  Each request
 * is compared with all of them, so neither the common prefix with a key nor the
 * place of the right one shows in the time.
 *
 * The query is accepted because backends of Centrifugo use it.  URLs end up in
 * the logs of proxies; parley never logs a query.
 *
 * Rejected: looking at the next place when a key is wrong, because a proxy that
 * adds its own header then does not decide.
 *
 * Invariant: no key is ever logged. */
#include "api_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "http.h"
#include "log.h"
#include "url_query.h"

static_assert(PL_API_KEY_DIGEST == SHA256_DIGEST_LENGTH, "it is SHA-256");

/* --- The configured keys --- */

static void digest(unsigned char out[PL_API_KEY_DIGEST], struct pl_span key)
{
    SHA256((const unsigned char *)key.at, key.len, out);
}

static bool add(struct pl_api_keys *keys,
                const struct pl_api_key_settings *from)
{
    struct pl_api_key *k = &keys->at[keys->count++];

    digest(k->digest, pl_span_of(from->key));
    return pl_config_strings_copy(&k->namespaces, &from->namespaces) &&
           pl_config_strings_copy(&k->methods, &from->methods);
}

enum pl_err pl_api_keys_init(struct pl_api_keys *out,
                             const struct pl_users_settings *settings)
{
    const struct pl_api_key_settings *more = settings->api.keys.at;
    size_t count = settings->api.keys.count;

    *out = (struct pl_api_keys){
        .at = calloc(count + 1, sizeof *out->at), /* never of 0 bytes */
        .are_needless = settings->api.is_open};
    if (out->at == NULL)
        return PL_ENOMEM;
    if (settings->api.key != NULL && settings->api.key[0] != '\0' &&
        !add(out, &(struct pl_api_key_settings){.key = settings->api.key}))
        return PL_ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (more[i].key != NULL && !add(out, &more[i]))
            return PL_ENOMEM;
    return PL_OK;
}

void pl_api_keys_fini(struct pl_api_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        pl_config_strings_fini(&keys->at[i].namespaces);
        pl_config_strings_fini(&keys->at[i].methods);
    }
    free(keys->at);
    *keys = (struct pl_api_keys){0};
}

/* --- The key of a request --- */

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

/* Decode the key of the query into `to`.  Return it, absent if there is none,
 * and empty if it is malformed or there are two. */
static struct pl_span of_query(struct pl_span query, struct pl_buf *to)
{
    struct pl_span name, value;
    bool is_found = false;

    while (pl_query_next(&query, &name, &value)) {
        if (!pl_span_equal(name, PL_SPAN("api_key")))
            continue;
        if (is_found || !pl_query_decode(to, value) || to->failed)
            return PL_SPAN("");
        is_found = true;
    }
    if (!is_found)
        return (struct pl_span){0};
    return to->len > 0 ? pl_buf_span(to) : PL_SPAN("");
}

static struct pl_span given(const struct pl_http_head *head, struct pl_buf *to)
{
    struct pl_span key = pl_http_field_find(head->lines, PL_SPAN("X-API-Key"));

    if (key.at == NULL) {
        struct pl_span field =
            pl_http_field_find(head->lines, PL_SPAN("Authorization"));

        if (field.at != NULL && field.len == 0)
            return PL_SPAN("");
        key = of_scheme(field);
    }
    return key.at == NULL ? of_query(head->query, to) : key;
}

/* Compare with each key, whichever is right. */
static const struct pl_api_key *match(const struct pl_api_keys *keys,
                                      struct pl_span key)
{
    unsigned char shown[PL_API_KEY_DIGEST];
    const struct pl_api_key *found = NULL;

    digest(shown, key);
    for (size_t i = keys->count; i > 0; i--)
        if (CRYPTO_memcmp(shown, keys->at[i - 1].digest, sizeof shown) == 0)
            found = &keys->at[i - 1];
    return found;
}

static bool is_of_page(const struct pl_http_head *head)
{
    return pl_http_field_find(head->lines, PL_SPAN("Origin")).at != NULL;
}

enum pl_key_verdict pl_api_key_find(const struct pl_api_keys *keys,
                                    const struct pl_http_head *head,
                                    const struct pl_api_key **out)
{
    static const struct pl_api_key everything;

    if (keys->are_needless && !is_of_page(head)) {
        *out = &everything;
        return PL_KEY_GOOD;
    }
    struct pl_buf decoded = {0};
    struct pl_span key = given(head, &decoded);
    enum pl_key_verdict verdict = PL_KEY_WRONG;

    if (key.at == NULL || keys->count == 0)
        verdict = PL_KEY_ABSENT;
    else if (key.len > 0 && (*out = match(keys, key)) != NULL)
        verdict = PL_KEY_GOOD;
    pl_buf_fini(&decoded);
    return verdict;
}

/* --- What it permits --- */

static bool has(const struct pl_config_strings *list, struct pl_span word)
{
    for (size_t i = 0; i < list->count; i++)
        if (pl_span_equal(word, pl_span_of(list->at[i])))
            return true;
    return list->count == 0;
}

bool pl_api_key_permits_method(const struct pl_api_key *key,
                               struct pl_span method)
{
    return has(&key->methods, method);
}

bool pl_api_key_permits_namespace(const struct pl_api_key *key,
                                  struct pl_span name)
{
    return has(&key->namespaces, name);
}

void pl_api_key_report(struct pl_metrics *metrics, const char *address,
                       enum pl_key_verdict verdict)
{
    pl_count(metrics, PL_METRIC_API_KEYS_REJECTED, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_API_KEY, PL_LOG_WARN, "API key rejected",
                   pl_log_string("address", address),
                   pl_log_string("reason", verdict == PL_KEY_WRONG ? "wrong key"
                                                                   : "no key"));
}
