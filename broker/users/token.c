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

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "buf.h"
#include "jws.h"
#include "channel_name.h"

/* The values read from a payload.  The texts are in `payload`, except
 * `info`. */
struct reading {
    json_t *payload;
    struct pl_span user;
    char *info; /* owned; NULL: no claim */
    int64_t expires_at_s;
    struct pl_span *channels; /* owned */
    size_t channel_count;
    const char *why;
};

static enum pl_err refuse(struct reading *r, enum pl_err err, const char *why)
{
    r->why = why;
    return err;
}

/* Return the claim, or NULL if it is absent or null. */
static json_t *claim(const struct reading *r, const char *name)
{
    json_t *value = json_object_get(r->payload, name);

    return json_is_null(value) ? NULL : value;
}

static struct pl_span text_of(const json_t *string)
{
    return (struct pl_span){json_string_value(string),
                            json_string_length(string)};
}

/* Parse a NumericDate of RFC 7519: seconds, optionally with a fraction. */
static bool read_date(const json_t *value, int64_t *out)
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

/* Claims that restrict a token, or grant something in a form that is not
 * supported.  Their value does not matter: null may be an error of the backend,
 * and is refused as well. */
static enum pl_err check_claims(struct reading *r)
{
    static const struct {
        const char *name, *why;
    } refused[] = {
        {"aud", "aud is not supported: nothing here is to compare it with"},
        {"iss", "iss is not supported: nothing here is to compare it with"},
        {"expire_at", "expire_at is not supported: use exp"},
        {"caps", "caps is not supported"},
        {"subs", "subs is not supported: use channels"},
        {"b64info", "b64info is not supported: use info"},
        {"cnf", "cnf is not supported: the client cannot prove its key"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_object_get(r->payload, refused[i].name) != NULL)
            return refuse(r, PL_EBADMSG, refused[i].why);
    return PL_OK;
}

/* Backends omit `sub` for anonymous users.  A token with `channel` is for a
 * subscription, not for a connection; only an empty name counts as no
 * channel. */
static enum pl_err read_user(struct reading *r)
{
    json_t *sub = json_object_get(r->payload, "sub");
    json_t *channel = json_object_get(r->payload, "channel");

    if (channel != NULL &&
        (!json_is_string(channel) || json_string_length(channel) > 0))
        return refuse(r, PL_EBADMSG, "it is for a subscription");
    if (sub == NULL)
        return PL_OK;
    if (!json_is_string(sub))
        return refuse(r, PL_EBADMSG, "sub is not a string");
    r->user = text_of(sub);
    if (r->user.len > PL_TOKEN_USER_MAX)
        return refuse(r, PL_EBADMSG, "sub is too long");
    return PL_OK;
}

/* A date that is present must be valid: null would mean no limit.  A token that
 * is not valid yet counts as expired, as in Centrifugo: the client requests a
 * new one if clocks differ a little. */
static enum pl_err read_dates(struct reading *r, int64_t now_s)
{
    json_t *exp = json_object_get(r->payload, "exp");
    json_t *nbf = json_object_get(r->payload, "nbf");
    json_t *iat = json_object_get(r->payload, "iat");
    int64_t not_before = INT64_MIN, issued_at;

    if (nbf != NULL && !read_date(nbf, &not_before))
        return refuse(r, PL_EBADMSG, "nbf is not a date");
    if (exp != NULL && !read_date(exp, &r->expires_at_s))
        return refuse(r, PL_EBADMSG, "exp is not a date");
    if (iat != NULL && !read_date(iat, &issued_at))
        return refuse(r, PL_EBADMSG, "iat is not a date");
    if (exp != NULL && r->expires_at_s <= now_s)
        return refuse(r, PL_EEXPIRED, "expired");
    if (not_before > now_s)
        return refuse(r, PL_EEXPIRED, "not valid yet");
    return PL_OK;
}

static enum pl_err read_info(struct reading *r)
{
    json_t *info = claim(r, "info");

    if (info == NULL)
        return PL_OK;
    r->info = json_dumps(info, JSON_COMPACT | JSON_ENCODE_ANY);
    return r->info == NULL ? PL_ENOMEM : PL_OK;
}

static bool is_own_inbox(const struct reading *r, struct pl_span name)
{
    return name.at[0] == PL_CHANNEL_USER_INBOX &&
           pl_span_equal((struct pl_span){name.at + 1, name.len - 1}, r->user);
}

static bool is_listed(const struct reading *r, struct pl_span name)
{
    for (size_t i = 0; i < r->channel_count; i++)
        if (pl_span_equal(r->channels[i], name))
            return true;
    return false;
}

/* A backend may list the user's inbox, as is usual with Centrifugo; each
 * logged-in user has it anyway. */
static enum pl_err read_channel(struct reading *r, const json_t *item)
{
    struct pl_span name = text_of(item);

    if (!json_is_string(item))
        return refuse(r, PL_EBADMSG, "channels holds something else");
    if (name.len == 0 || name.len > PL_CHANNEL_NAME_MAX)
        return refuse(r, PL_EBADMSG, "channels: a name of bad length");
    if (is_own_inbox(r, name) || is_listed(r, name))
        return PL_OK;
    if (pl_channel_name_check(name) != PL_CHANNEL_NAME_OK)
        return refuse(r, PL_EINVAL, "channels: a reserved name");
    r->channels[r->channel_count++] = name;
    return PL_OK;
}

static enum pl_err read_channels(struct reading *r)
{
    json_t *list = claim(r, "channels");
    size_t count = json_array_size(list);
    enum pl_err rc = PL_OK;

    if (list == NULL)
        return PL_OK;
    if (!json_is_array(list))
        return refuse(r, PL_EBADMSG, "channels is not a list");
    if (count > PL_TOKEN_CHANNELS_MAX)
        return refuse(r, PL_EBADMSG, "channels is too long");
    r->channels = malloc((count + 1) * sizeof(r->channels[0]));
    if (r->channels == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < count && rc == PL_OK; i++)
        rc = read_channel(r, json_array_get(list, i));
    return rc;
}

/* Copy `from` to *at and advance *at. */
static struct pl_span place(char **at, struct pl_span from)
{
    struct pl_span placed = {*at, from.len};

    if (from.len > 0)
        memcpy(*at, from.at, from.len);
    *at += from.len;
    return placed;
}

static enum pl_err publish(const struct reading *r,
                           struct pl_token_claims **out)
{
    size_t spans = r->channel_count * sizeof(r->channels[0]);
    size_t bytes = r->user.len + (r->info == NULL ? 0 : strlen(r->info));
    struct pl_token_claims *c;
    char *at;

    for (size_t i = 0; i < r->channel_count; i++)
        bytes += r->channels[i].len;
    if ((c = malloc(sizeof(*c) + spans + bytes)) == NULL)
        return PL_ENOMEM;
    at = (char *)c->channels + spans;
    c->user = place(&at, r->user);
    c->info = r->info == NULL ? (struct pl_span){NULL, 0}
                              : place(&at, pl_span_of(r->info));
    c->expires_at_s = r->expires_at_s;
    c->channel_count = r->channel_count;
    for (size_t i = 0; i < r->channel_count; i++)
        c->channels[i] = place(&at, r->channels[i]);
    *out = c;
    return PL_OK;
}

static enum pl_err read_claims(struct reading *r, int64_t now_s,
                               struct pl_token_claims **out)
{
    enum pl_err rc;

    if (!json_is_object(r->payload))
        return refuse(r, PL_EBADMSG, "the payload is not an object");
    if ((rc = check_claims(r)) == PL_OK && (rc = read_user(r)) == PL_OK &&
        (rc = read_channels(r)) == PL_OK && (rc = read_info(r)) == PL_OK &&
        (rc = read_dates(r, now_s)) == PL_OK)
        rc = publish(r, out);
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
                                struct pl_span token, int64_t now_s,
                                json_t **out, const char **why)
{
    struct pl_jws jws = {.kid = NULL};
    enum pl_err rc = pl_jws_open(&jws, token, why);

    if (rc == PL_OK)
        rc = pl_token_policy_check(policy, &jws, now_s, why);
    if (rc == PL_OK)
        rc = parse(&jws, out, why);
    pl_jws_fini(&jws);
    return rc;
}

static enum pl_err verify(const struct pl_token_policy *policy,
                          struct pl_span token, int64_t now_s,
                          struct pl_token_claims **out, const char **why)
{
    struct reading r = {.why = "longer than tokens may be"};
    enum pl_err rc = token.len > PL_TOKEN_MAX ? PL_ETOOBIG : PL_OK;

    if (rc == PL_OK)
        rc = read_payload(policy, token, now_s, &r.payload, &r.why);
    if (rc == PL_OK)
        rc = read_claims(&r, now_s, out);
    *why = rc == PL_ENOMEM ? pl_err_text(rc) : r.why;
    free(r.info);
    free(r.channels);
    json_decref(r.payload);
    return rc;
}

enum pl_err pl_token_verify(const struct pl_token_policy *policy,
                            struct pl_span token, int64_t now_s,
                            struct pl_token_claims **out, const char **why)
{
    const char *reason;
    enum pl_err rc = verify(policy, token, now_s, out, &reason);

    if (rc != PL_OK && why != NULL)
        *why = reason;
    return rc;
}

void pl_token_claims_destroy(struct pl_token_claims *claims)
{
    free(claims);
}
