/* SPDX-License-Identifier: Apache-2.0 */
/* jws.c - see jws.h.
 *
 * The header is parsed before the signature is checked: an operator whose
 * tokens use another algorithm must read so in the log, and not that the
 * signature is wrong.  The header selects nothing: the algorithm is HS256 or
 * the token is refused, and keys that the header names or contains (kid, jwk,
 * jku, x5u) are ignored.
 *
 * Rejected: libjwt, because it compares names of algorithms without regard to
 * case, does not know `crit`, and hides duplicate members, which its JSON
 * parser merges.
 *
 * Invariant: a payload is returned only if its signature is valid. */
#include "jws.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base64.h"

enum { MAC_LEN = 32 };

struct parts {
    struct pl_span header, payload, signature; /* all still encoded */
    struct pl_span signed_text;                /* header "." payload */
};

static bool split(struct pl_span token, struct parts *p)
{
    const char *end = token.at + token.len;
    const char *first = memchr(token.at, '.', token.len);
    const char *second =
        first == NULL ? NULL
                      : memchr(first + 1, '.', (size_t)(end - first - 1));

    if (second == NULL)
        return false;
    p->header = (struct pl_span){token.at, (size_t)(first - token.at)};
    p->payload = (struct pl_span){first + 1, (size_t)(second - first - 1)};
    p->signature = (struct pl_span){second + 1, (size_t)(end - second - 1)};
    p->signed_text = (struct pl_span){token.at, (size_t)(second - token.at)};
    return true;
}

static bool is_text(const json_t *value, const char *wanted)
{
    return json_is_string(value) &&
           pl_span_equal((struct pl_span){json_string_value(value),
                                          json_string_length(value)},
                         pl_span_of(wanted));
}

/* RFC 7515, section 4.1.11: refuse a token unless each extension in `crit` is
 * understood; none is here.  RFC 7797: `b64` must be in `crit`, so alone it is
 * an error, which would change the meaning of the payload. */
static enum pl_err check_header(const json_t *header, const char **why)
{
    *why = "the header is not JSON, or has a doubled member";
    if (!json_is_object(header))
        return PL_EBADMSG;
    *why = "the algorithm is not HS256";
    if (!is_text(json_object_get(header, "alg"), "HS256"))
        return PL_EDENIED;
    *why = "the header has crit, and no extension is supported";
    if (json_object_get(header, "crit") != NULL)
        return PL_EDENIED;
    *why = "the header has b64, which is not supported";
    return json_object_get(header, "b64") == NULL ? PL_OK : PL_EDENIED;
}

static enum pl_err read_header(struct pl_span encoded, const char **why)
{
    struct pl_buf text = {0};
    json_t *header = NULL;
    enum pl_err rc = PL_EBADMSG;

    *why = "not a token";
    if (pl_base64url_decode(&text, encoded)) {
        header = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        rc = check_header(header, why);
    } else if (text.failed) {
        rc = PL_ENOMEM;
    }
    json_decref(header);
    pl_buf_fini(&text);
    return rc;
}

static bool make_mac(struct pl_span secret, struct pl_span text,
                     unsigned char mac[MAC_LEN])
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), secret.at, (int)secret.len,
                (const unsigned char *)text.at, text.len, mac, &len) != NULL &&
           len == MAC_LEN;
}

/* Compare texts, because each value has one text, in a time that does not
 * depend on how much is correct. */
static enum pl_err check_mac(struct pl_span secret, const struct parts *p)
{
    unsigned char mac[MAC_LEN];
    struct pl_buf wanted = {0};
    enum pl_err rc = PL_ENOMEM;

    if (make_mac(secret, p->signed_text, mac)) {
        pl_base64url_encode(&wanted,
                            (struct pl_span){(const char *)mac, sizeof mac});
        if (!wanted.failed)
            rc = p->signature.len == wanted.len &&
                         CRYPTO_memcmp(p->signature.at, wanted.data,
                                       wanted.len) == 0
                     ? PL_OK
                     : PL_EDENIED;
    }
    pl_buf_fini(&wanted);
    return rc;
}

enum pl_err pl_jws_read(struct pl_span secret, struct pl_span token,
                        struct pl_buf *out, const char **why)
{
    struct parts p;
    enum pl_err rc;

    *why = "not a token";
    if (!split(token, &p))
        return PL_EBADMSG;
    if ((rc = read_header(p.header, why)) != PL_OK)
        return rc;
    *why = "the signature is not ours";
    if ((rc = check_mac(secret, &p)) != PL_OK)
        return rc;
    *why = "not a token";
    if (pl_base64url_decode(out, p.payload))
        return PL_OK;
    return out->failed ? PL_ENOMEM : PL_EBADMSG;
}

enum pl_err pl_jws_write(struct pl_span secret, struct pl_span payload,
                         struct pl_buf *out)
{
    unsigned char mac[MAC_LEN];
    size_t start = out->len;

    pl_base64url_encode(out, PL_SPAN("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    pl_buf_put_byte(out, '.');
    pl_base64url_encode(out, payload);
    if (out->failed ||
        !make_mac(secret, (struct pl_span){out->data + start, out->len - start},
                  mac))
        return PL_ENOMEM;
    pl_buf_put_byte(out, '.');
    pl_base64url_encode(out, (struct pl_span){(const char *)mac, sizeof mac});
    return out->failed ? PL_ENOMEM : PL_OK;
}
