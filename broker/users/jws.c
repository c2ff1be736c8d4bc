/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c - see jws.h.
 *
 * The header is parsed before the signature is checked: an operator whose
 * tokens use another algorithm must read so in the log, and not that the
 * signature is wrong.  The header says which of the configured keys is meant.
 * It supplies none: jwk, jku, x5u and x5c are ignored.
 *
 * Rejected: libjwt, because it compares names of algorithms without regard to
 * case, does not know `crit`, and hides duplicate members, which its JSON
 * parser merges. */
#include "jws.h"

#include <jansson.h>
#include <string.h>

#include "base64.h"

static const char no_token[] = "not a token";

/* Split `token` into its parts; *header is still encoded. */
static bool split(struct pl_jws *j, struct pl_span token,
                  struct pl_span *header)
{
    const char *end = token.at + token.len;
    const char *first = memchr(token.at, '.', token.len);
    const char *second =
        first == NULL ? NULL
                      : memchr(first + 1, '.', (size_t)(end - first - 1));

    if (second == NULL)
        return false;
    *header = (struct pl_span){token.at, (size_t)(first - token.at)};
    j->payload = (struct pl_span){first + 1, (size_t)(second - first - 1)};
    j->signature = (struct pl_span){second + 1, (size_t)(end - second - 1)};
    j->text = (struct pl_span){token.at, (size_t)(second - token.at)};
    return true;
}

static struct pl_span text_of(const json_t *string)
{
    return (struct pl_span){json_string_value(string),
                            json_string_length(string)};
}

static enum pl_err take_kid(struct pl_jws *j, const json_t *kid,
                            const char **why)
{
    struct pl_span text = text_of(kid);

    if (kid == NULL)
        return PL_OK;
    *why = "kid is not a text of up to 256 bytes";
    if (!json_is_string(kid) || text.len > PL_JWS_KID_MAX ||
        memchr(text.at, '\0', text.len) != NULL)
        return PL_EBADMSG;
    j->kid = strdup(text.at);
    return j->kid == NULL ? PL_ENOMEM : PL_OK;
}

/* RFC 7515, section 4.1.11: refuse a token unless each extension in `crit` is
 * understood; none is here.  RFC 7797: `b64` must be in `crit`, so alone it is
 * an error, which would change the meaning of the payload. */
static enum pl_err check_header(struct pl_jws *j, const json_t *header,
                                const char **why)
{
    const json_t *alg = json_object_get(header, "alg");

    *why = "the header is not JSON, or has a doubled member";
    if (!json_is_object(header))
        return PL_EBADMSG;
    *why = "the algorithm is unknown";
    if (!json_is_string(alg) || !pl_jws_alg_find(text_of(alg), &j->alg))
        return PL_EDENIED;
    *why = "the header has crit, and no extension is supported";
    if (json_object_get(header, "crit") != NULL)
        return PL_EDENIED;
    *why = "the header has b64, which is not supported";
    if (json_object_get(header, "b64") != NULL)
        return PL_EDENIED;
    return take_kid(j, json_object_get(header, "kid"), why);
}

enum pl_err pl_jws_open(struct pl_jws *j, struct pl_span token,
                        const char **why)
{
    struct pl_span encoded;
    struct pl_buf text = {0};
    json_t *header = NULL;
    enum pl_err rc = PL_EBADMSG;

    *j = (struct pl_jws){.kid = NULL};
    *why = no_token;
    if (!split(j, token, &encoded))
        return PL_EBADMSG;
    if (pl_base64url_decode(&text, encoded)) {
        header = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        rc = check_header(j, header, why);
    } else if (text.failed) {
        rc = PL_ENOMEM;
    }
    json_decref(header);
    pl_buf_fini(&text);
    return rc;
}

void pl_jws_fini(struct pl_jws *j)
{
    free(j->kid);
    j->kid = NULL;
}

enum pl_err pl_jws_check(const struct pl_jws *j, const struct pl_jws_key *key)
{
    return pl_jws_key_check(key, j->alg, j->text, j->signature);
}

enum pl_err pl_jws_payload(const struct pl_jws *j, struct pl_buf *out)
{
    if (pl_base64url_decode(out, j->payload))
        return PL_OK;
    return out->failed ? PL_ENOMEM : PL_EBADMSG;
}

enum pl_err pl_jws_write(const struct pl_jws_key *key, enum pl_jws_alg alg,
                         struct pl_span payload, struct pl_buf *out)
{
    struct pl_buf text = {0};
    enum pl_err rc = PL_ENOMEM;

    pl_buf_printf(&text, "{\"alg\":\"%s\",\"typ\":\"JWT\"}",
                  pl_jws_alg_name(alg));
    struct pl_span header = pl_buf_span(&text);
    struct pl_buf signed_text = {0};
    pl_base64url_encode(&signed_text, header);
    pl_buf_put_byte(&signed_text, '.');
    pl_base64url_encode(&signed_text, payload);
    pl_buf_put_span(out, pl_buf_span(&signed_text));
    pl_buf_put_byte(out, '.');
    if (!text.failed && !signed_text.failed && !out->failed)
        rc = pl_jws_key_sign(key, alg, pl_buf_span(&signed_text), out);
    pl_buf_fini(&text);
    pl_buf_fini(&signed_text);
    return rc;
}
