/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - see token.h.
 *
 * token_policy.c checks the signature, jansson parses the claims.  Loops may
 * verify concurrently: the only state that jansson keeps between calls is its
 * hash seed, set once through an atomic flag (helgrind reports only that word
 * and libcrypto's own counters).
 *
 * A claim that restricts the use of the token is honoured or refused, never
 * ignored, because its signer relies on it.  Other unknown claims are ignored,
 * as RFC 7519 section 4 requires.
 *
 * Invariant: claims are returned only for a token that is genuine, in force and
 * valid as a whole. */
#include "token.h"

#include <math.h>
#include <stdlib.h>

#include "base64.h"
#include "buf.h"
#include "jws.h"
#include "token_reading.h"

enum { ARENA_BLOCK = 1024 };

enum pl_err pl_token_refuse(struct pl_token_reading *r, enum pl_err err,
                            const char *why)
{
    r->why = why;
    return err;
}

struct pl_span pl_token_text(const json_t *string)
{
    return (struct pl_span){json_string_value(string),
                            json_string_length(string)};
}

bool pl_token_date(const json_t *value, int64_t *out)
{
    double real;

    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_real(value))
        return false;
    real = floor(json_real_value(value));
    if (!(real > -9e15 && real < 9e15)) /* exact in both types */
        return false;
    *out = (int64_t)real;
    return true;
}

enum pl_err pl_token_keep(struct pl_token_reading *r, struct pl_span text,
                          struct pl_span *out)
{
    char *copy = pl_arena_text(&r->claims->arena, text);

    if (copy == NULL)
        return PL_ENOMEM;
    *out = (struct pl_span){copy, text.len};
    return PL_OK;
}

/* Set *out to `value` as compact JSON. */
static enum pl_err keep_json(struct pl_token_reading *r, const json_t *value,
                             struct pl_span *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (text == NULL)
        return PL_ENOMEM;
    enum pl_err rc = pl_token_keep(r, pl_span_of(text), out);
    free(text);
    return rc;
}

/* Others see the value inside JSON, so what was encoded must be JSON, too. */
static enum pl_err decode_json(struct pl_token_reading *r,
                               const json_t *encoded, struct pl_span *out)
{
    static const char bad[] = "a b64 claim does not hold JSON in base64";
    struct pl_span text = pl_token_text(encoded);
    char *bytes = pl_arena_alloc(&r->claims->arena, text.len + 1);
    json_error_t error = {0};

    if (bytes == NULL)
        return PL_ENOMEM;
    if (!json_is_string(encoded) || !pl_base64_decode(&text, bytes))
        return pl_token_refuse(r, PL_EBADMSG, bad);
    json_t *value = json_loadb(
        text.at, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (value == NULL)
        return json_error_code(&error) == json_error_out_of_memory
                   ? PL_ENOMEM
                   : pl_token_refuse(r, PL_EBADMSG, bad);
    enum pl_err rc = keep_json(r, value, out);
    json_decref(value);
    return rc;
}

enum pl_err pl_token_json(struct pl_token_reading *r, const json_t *from,
                          const char *plain, const char *encoded,
                          struct pl_span *out)
{
    const json_t *b64 = json_object_get(from, encoded);
    const json_t *value = json_object_get(from, plain);

    if (b64 != NULL && !json_is_null(b64) &&
        !(json_is_string(b64) && json_string_length(b64) == 0))
        return decode_json(r, b64, out);
    return value == NULL || json_is_null(value) ? PL_OK
                                                : keep_json(r, value, out);
}

/* Claims that restrict a token, or grant something in a form that is not
 * supported.  Their value does not matter: null may be an error of the backend,
 * and is refused as well. */
static enum pl_err check_claims(struct pl_token_reading *r)
{
    static const struct {
        const char *name, *why;
    } refused[] = {
        {"caps", "caps is not supported"},
        {"cnf", "cnf is not supported: the client cannot prove its key"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_object_get(r->payload, refused[i].name) != NULL)
            return pl_token_refuse(r, PL_EBADMSG, refused[i].why);
    return PL_OK;
}

/* --- aud and iss --- */

/* Return true if the claim is, or has, a name that the policy takes. */
static bool is_taken(const struct pl_token_policy *p, enum pl_token_name which,
                     const json_t *value)
{
    if (json_is_string(value))
        return pl_token_policy_takes(p, which, pl_token_text(value));
    if (which != PL_TOKEN_AUDIENCE)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);

        if (json_is_string(one) &&
            pl_token_policy_takes(p, which, pl_token_text(one)))
            return true;
    }
    return false;
}

static enum pl_err check_name(struct pl_token_reading *r,
                              const struct pl_token_policy *p,
                              enum pl_token_name which)
{
    static const struct {
        const char *claim, *other, *unchecked;
    } names[] = {
        [PL_TOKEN_AUDIENCE] = {"aud", "aud is for another audience",
                               "it has aud, and nothing is configured to "
                               "compare it with"},
        [PL_TOKEN_ISSUER] = {"iss", "iss is another issuer",
                             "it has iss, and nothing is configured to compare "
                             "it with"},
    };
    const json_t *value = json_object_get(r->payload, names[which].claim);

    if (pl_token_policy_wants(p, which))
        return is_taken(p, which, value)
                   ? PL_OK
                   : pl_token_refuse(r, PL_EBADMSG, names[which].other);
    return value == NULL || pl_token_policy_ignores_names(p)
               ? PL_OK
               : pl_token_refuse(r, PL_EBADMSG, names[which].unchecked);
}

/* --- The user, and for how long --- */

/* Backends omit `sub` for anonymous users. */
static enum pl_err read_user(struct pl_token_reading *r, const char *claim)
{
    const json_t *user = json_object_get(r->payload, claim);

    if (user == NULL)
        return PL_OK;
    if (!json_is_string(user))
        return pl_token_refuse(
            r, PL_EBADMSG, "sub, or the claim of the user, is not a string");
    if (json_string_length(user) > PL_TOKEN_USER_MAX)
        return pl_token_refuse(r, PL_EBADMSG,
                               "sub, or the claim of the user, is too long");
    return pl_token_keep(r, pl_token_text(user), &r->claims->user);
}

static enum pl_err read_id(struct pl_token_reading *r)
{
    const json_t *id = json_object_get(r->payload, "jti");

    if (id == NULL)
        return PL_OK;
    if (!json_is_string(id) || json_string_length(id) > PL_TOKEN_ID_MAX)
        return pl_token_refuse(r, PL_EBADMSG,
                               "jti is not a text of up to 256 bytes");
    return pl_token_keep(r, pl_token_text(id), &r->claims->id);
}

/* A date that is present must be valid: null would mean no limit. */
static bool read_date(const struct pl_token_reading *r, const char *name,
                      int64_t *out)
{
    const json_t *value = json_object_get(r->payload, name);

    return value == NULL || pl_token_date(value, out);
}

/* A token that is not valid yet counts as expired, as in Centrifugo: the client
 * requests a new one if clocks differ a little.  expire_at is the end of what
 * the token opens, and exp without it. */
static enum pl_err read_dates(struct pl_token_reading *r, int64_t now_s)
{
    struct pl_token_claims *c = r->claims;
    int64_t not_before = INT64_MIN, token_end = 0;
    bool ends = json_object_get(r->payload, "exp") != NULL;

    if (!read_date(r, "nbf", &not_before))
        return pl_token_refuse(r, PL_EBADMSG, "nbf is not a date");
    if (!read_date(r, "exp", &token_end))
        return pl_token_refuse(r, PL_EBADMSG, "exp is not a date");
    if (!read_date(r, "iat", &c->issued_at_s))
        return pl_token_refuse(r, PL_EBADMSG, "iat is not a date");
    c->expires_at_s = token_end;
    if (!read_date(r, "expire_at", &c->expires_at_s))
        return pl_token_refuse(r, PL_EBADMSG, "expire_at is not a date");
    if (c->expires_at_s < 0)
        c->expires_at_s = 0;
    if (ends && token_end <= now_s)
        return pl_token_refuse(r, PL_EEXPIRED, "expired");
    if (not_before > now_s)
        return pl_token_refuse(r, PL_EEXPIRED, "not valid yet");
    return PL_OK;
}

/* --- The whole --- */

/* Only an empty name counts as no channel. */
static enum pl_err read_connection(struct pl_token_reading *r)
{
    const json_t *channel = json_object_get(r->payload, "channel");
    struct pl_token_claims *c = r->claims;
    enum pl_err rc;

    if (channel != NULL &&
        (!json_is_string(channel) || json_string_length(channel) > 0))
        return pl_token_refuse(r, PL_EBADMSG, "it is for a subscription");
    if ((rc = pl_token_read_subs(r)) == PL_OK &&
        (rc = pl_token_json(r, r->payload, "meta", "", &c->meta)) == PL_OK)
        rc = pl_token_json(r, r->payload, "info", "b64info", &c->info);
    return rc;
}

static enum pl_err read_claims(struct pl_token_reading *r,
                               const struct pl_token_policy *policy,
                               enum pl_token_kind kind, int64_t now_s)
{
    enum pl_err rc;

    if (!json_is_object(r->payload))
        return pl_token_refuse(r, PL_EBADMSG, "the payload is not an object");
    if ((rc = check_claims(r)) == PL_OK &&
        (rc = check_name(r, policy, PL_TOKEN_AUDIENCE)) == PL_OK &&
        (rc = check_name(r, policy, PL_TOKEN_ISSUER)) == PL_OK &&
        (rc = read_user(r, pl_token_policy_user_claim(policy))) == PL_OK &&
        (rc = read_id(r)) == PL_OK &&
        (rc = kind == PL_TOKEN_CONNECTION ? read_connection(r)
                                          : pl_token_read_channel(r)) == PL_OK)
        rc = read_dates(r, now_s);
    return rc;
}

/* Parse the payload of a token. */
static enum pl_err parse(const struct pl_jws *jws, json_t **out,
                         const char **why)
{
    struct pl_buf text = {0};
    json_error_t error = {0};
    enum pl_err rc = pl_jws_payload(jws, &text);

    *why = "not a token";
    if (rc == PL_OK) {
        *out = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        if (*out == NULL) {
            *why = json_error_code(&error) == json_error_duplicate_key
                       ? "the payload has a doubled member"
                       : "the payload is not JSON";
            rc = json_error_code(&error) == json_error_out_of_memory
                     ? PL_ENOMEM
                     : PL_EBADMSG;
        }
    }
    pl_buf_fini(&text);
    return rc;
}

/* Parse the payload of a token after checking its signature. */
static enum pl_err read_payload(const struct pl_token_policy *policy,
                                const struct pl_jws_key *key,
                                struct pl_span token, int64_t now_s,
                                json_t **out, const char **why)
{
    struct pl_jws jws = {.kid = NULL};
    enum pl_err rc = pl_jws_open(&jws, token, why);

    if (rc == PL_OK && key != NULL) {
        *why = "the signature is not ours";
        rc = pl_jws_check(&jws, key);
    } else if (rc == PL_OK) {
        rc = pl_token_policy_check(policy, &jws, now_s, why);
    }
    if (rc == PL_OK)
        rc = parse(&jws, out, why);
    pl_jws_fini(&jws);
    return rc;
}

static enum pl_err verify(const struct pl_token_policy *policy,
                          const struct pl_jws_key *key, enum pl_token_kind kind,
                          struct pl_span token, int64_t now_s,
                          struct pl_token_claims **out, const char **why)
{
    struct pl_token_reading r = {.why = "longer than tokens may be"};
    enum pl_err rc = token.len > PL_TOKEN_MAX ? PL_ETOOBIG : PL_OK;

    if (rc == PL_OK)
        rc = read_payload(policy, key, token, now_s, &r.payload, &r.why);
    if (rc == PL_OK && (r.claims = calloc(1, sizeof *r.claims)) == NULL)
        rc = PL_ENOMEM;
    if (rc == PL_OK) {
        r.claims->arena.size = ARENA_BLOCK;
        rc = read_claims(&r, policy, kind, now_s);
    }
    *why = rc == PL_ENOMEM ? pl_err_text(rc) : r.why;
    json_decref(r.payload);
    if (rc == PL_OK)
        *out = r.claims;
    else
        pl_token_claims_destroy(r.claims);
    return rc;
}

enum pl_err pl_token_verify(const struct pl_token_policy *policy,
                            enum pl_token_kind kind, struct pl_span token,
                            int64_t now_s, struct pl_token_claims **out,
                            const char **why)
{
    return pl_token_verify_by(policy, NULL, kind, token, now_s, out, why);
}

enum pl_err pl_token_verify_by(const struct pl_token_policy *policy,
                               const struct pl_jws_key *key,
                               enum pl_token_kind kind, struct pl_span token,
                               int64_t now_s, struct pl_token_claims **out,
                               const char **why)
{
    const char *reason;
    enum pl_err rc = verify(policy, key, kind, token, now_s, out, &reason);

    if (rc != PL_OK && why != NULL)
        *why = reason;
    return rc;
}

enum pl_err pl_token_needs(struct pl_span token, struct pl_token_need *out,
                           const char **why)
{
    struct pl_jws jws = {.kid = NULL};
    enum pl_err rc = PL_ETOOBIG;

    *why = "longer than tokens may be";
    if (token.len <= PL_TOKEN_MAX)
        rc = pl_jws_open(&jws, token, why);
    if (rc == PL_OK && pl_jws_alg_family(jws.alg) == PL_JWS_HMAC) {
        *why = "its algorithm needs a secret, and auth.jwks_url has none";
        rc = PL_EDENIED;
    } else if (rc == PL_OK && (jws.kid == NULL || *jws.kid == '\0')) {
        *why = "its header names no key (kid)";
        rc = PL_EDENIED;
    }
    if (rc == PL_OK) {
        out->alg = jws.alg;
        strcpy(out->kid, jws.kid);
    }
    pl_jws_fini(&jws);
    return rc;
}

bool pl_token_is_over(const struct pl_token_claims *claims, int64_t now_s)
{
    bool over = claims->expires_at_s != 0 && claims->expires_at_s <= now_s;

    for (size_t i = 0; i < claims->sub_count; i++)
        over |= claims->subs[i].expires_at_s != 0 &&
                claims->subs[i].expires_at_s <= now_s;
    return over;
}

void pl_token_claims_destroy(struct pl_token_claims *claims)
{
    if (claims != NULL)
        pl_arena_fini(&claims->arena);
    free(claims);
}
