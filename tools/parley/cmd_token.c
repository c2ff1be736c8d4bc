/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_token.c - parley token: sign a token, with no broker needed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access.h"
#include "codec.h"
#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "token.h"

enum { CHANNELS_MAX = PL_TOKEN_CHANNELS_MAX, SECRET_MAX = 4096 };
enum { KEY_FILE_MAX = 64 * 1024 };

static const char *secret_file, *config_file, *key_file, *algorithm;
static const char *for_channel, *checked, *user = "", *info, *ttl = "1h";
static struct opt_list channel_names;

static const struct opt options[] = {
    {"config", 'c', "FILE", OPT_TEXT, &config_file,
     "the configuration with auth.hmac_secret", "FILE"},
    {"secret-file", 0, "FILE", OPT_TEXT, &secret_file,
     "the secret is the first line of FILE", "FILE"},
    {"private-key", 0, "FILE", OPT_TEXT, &key_file,
     "sign with the key pair in FILE, in PEM", "FILE"},
    {"algorithm", 0, "NAME", OPT_TEXT, &algorithm,
     "HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512 or EdDSA "
     "(default: HS256, or the first that fits the key)",
     NULL},
    {"user", 0, "ID", OPT_TEXT, &user, "the user (default: anonymous)", NULL},
    {"ttl", 0, "TIME", OPT_TEXT, &ttl,
     "how long it holds: 90s, 15m, 1h, 7d; 0 is for ever (default: 1h)", NULL},
    {"info", 0, "JSON", OPT_TEXT, &info, "shown to others in presence", NULL},
    {"for-channel", 0, "NAME", OPT_TEXT, &for_channel,
     "a subscription token, which opens this channel", NULL},
    {"check", 0, "TOKEN", OPT_TEXT, &checked,
     "sign nothing: report whether the broker of -c would take TOKEN", NULL},
    {"channel", 0, "NAME", OPT_LIST, &channel_names,
     "subscribe at connect; may be repeated", NULL},
    {0}};

/* "90", "90s", "15m", "1h", "7d" in seconds; false: not a time. */
static bool read_time(const char *text, int64_t *out)
{
    static const struct {
        const char *unit;
        int64_t s;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;

    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || errno != 0 || n < 0 || n > INT32_MAX)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *out = n * units[i].s;
            return true;
        }
    }
    return false;
}

/* The first line of `text`, without its end; false: there is none that a
 * configuration could hold as auth.hmac_secret. */
static bool trim_secret(const char *file, struct pl_buf *text)
{
    char *end = memchr(text->data, '\n', text->len);

    if (end != NULL)
        text->len = (size_t)(end - text->data);
    if (text->len > 0 && text->data[text->len - 1] == '\r')
        text->len--;
    if (text->len == 0)
        complain("%s: no secret in it", file);
    else if (text->len > SECRET_MAX)
        complain("%s: a secret has at most %d bytes", file, SECRET_MAX);
    else if (memchr(text->data, '\0', text->len) != NULL)
        complain("%s: a secret is text, and this has a zero byte", file);
    else
        return true;
    return false;
}

/* Read up to `most` bytes. */
static bool read_file(const char *file, size_t most, struct pl_buf *out)
{
    FILE *f = fopen(file, "re");
    char *at = pl_buf_reserve(out, most);
    bool is_read = f != NULL && at != NULL;

    if (is_read) {
        out->len = fread(at, 1, most, f);
        is_read = ferror(f) == 0;
    }
    if (!is_read)
        complain("%s: %s", file, strerror(errno));
    if (f != NULL)
        fclose(f);
    return is_read;
}

/* One byte more than a secret may have, and a line end. */
static bool read_secret(const char *file, struct pl_buf *out)
{
    return read_file(file, SECRET_MAX + 2, out) && trim_secret(file, out);
}

/* Does the broker with this configuration take the token, `len` bytes long? */
static bool is_within(const struct pl_settings *c,
                      const struct pl_token_grant *grant, size_t len)
{
    const size_t around = 32; /* {"id":1,"connect":{"token":""}} */

    if (grant->channel_count > c->session.limits.connection_channels)
        complain("the broker would refuse this token: more channels than "
                 "limits.connection_channels, which is %u",
                 c->session.limits.connection_channels);
    else if (len + around > c->session.websocket.max_message)
        complain("the broker would refuse this token: %zu bytes, and "
                 "websocket.max_message is %llu",
                 len, (unsigned long long)c->session.websocket.max_message);
    else
        return true;
    return false;
}

static void print_token(const char *token)
{
    struct pl_buf line = {0};

    if (output_is_json) {
        put_member(&line, "{", "token", token);
        pl_buf_put_byte(&line, '}');
        output_buf(&line);
    } else {
        output_text("%s\n", token);
    }
    pl_buf_fini(&line);
}

/* `config` may be NULL: another broker's key. */
static int sign(const struct pl_token_grant *grant,
                const struct pl_token_key *key,
                const struct pl_settings *config)
{
    const char *why = NULL;
    char *token = NULL;
    enum pl_err rc = pl_token_create(key, grant, &token, &why);
    bool is_good = rc == PL_OK;

    if (!is_good)
        complain("the broker would refuse this token: %s", why);
    else if (config != NULL)
        is_good = is_within(config, grant, strlen(token));
    if (is_good)
        print_token(token);
    free(token);
    return is_good ? EXIT_OK : EXIT_FAILED;
}

static int sign_with_config(const struct pl_token_grant *grant,
                            enum pl_jws_alg alg)
{
    struct pl_settings *config = load_config(config_file);
    int rc = EXIT_FAILED;

    if (config == NULL)
        complain("%s cannot be used", config_file);
    else if (config->users.auth.token.hmac_secret == NULL)
        complain("%s has no auth.hmac_secret", config_file);
    else
        rc =
            sign(grant,
                 &(struct pl_token_key){
                     .secret = pl_span_of(config->users.auth.token.hmac_secret),
                     .alg = alg},
                 config);
    pl_settings_destroy(config);
    return rc;
}

static int sign_with_secret(const struct pl_token_grant *grant,
                            enum pl_jws_alg alg)
{
    struct pl_buf secret = {0};
    int rc = EXIT_FAILED;

    if (read_secret(secret_file, &secret))
        rc = sign(
            grant,
            &(struct pl_token_key){.secret = pl_buf_span(&secret), .alg = alg},
            NULL);
    if (secret.data != NULL)
        explicit_bzero(secret.data, secret.cap);
    pl_buf_fini(&secret);
    return rc;
}

static struct pl_jws_key *read_key(void)
{
    struct pl_buf pem = {0};
    struct pl_jws_key *key = NULL;
    const char *why = pl_err_text(PL_ENOMEM);

    if (read_file(key_file, KEY_FILE_MAX, &pem) &&
        pl_jws_key_of_pem(&key, pl_buf_span(&pem), true, &why) != PL_OK)
        complain("%s: %s", key_file, why);
    if (pem.data != NULL)
        explicit_bzero(pem.data, pem.cap);
    pl_buf_fini(&pem);
    return key;
}

static int sign_with_key(const struct pl_token_grant *grant,
                         enum pl_jws_alg alg)
{
    struct pl_jws_key *key = read_key();
    int rc = EXIT_FAILED;

    if (key == NULL)
        return rc;
    while (algorithm == NULL && !pl_jws_key_fits(key, alg))
        alg++; /* each key fits one */
    rc = sign(grant, &(struct pl_token_key){.signer = key, .alg = alg}, NULL);
    pl_jws_key_release(key);
    return rc;
}

/* --- Checking --- */

static void print_claims(const struct pl_token_claims *c)
{
    struct pl_buf line = {0};

    pl_buf_put_span(&line, PL_SPAN("{\"user\":"));
    pl_json_text_encode(&line, c->user);
    pl_buf_printf(&line, ",\"expires_at\":%lld,\"channels\":[",
                  (long long)c->expires_at_s);
    for (size_t i = 0; i < c->sub_count; i++) {
        if (i > 0)
            pl_buf_put_byte(&line, ',');
        pl_json_text_encode(&line, c->subs[i].channel);
    }
    pl_buf_put_span(&line, PL_SPAN("]}"));
    output_buf(&line);
    pl_buf_fini(&line);
}

/* A token that the broker refuses as one for a connection may be one for a
 * subscription. */
static int check_with(const struct pl_users_settings *s)
{
    struct pl_access *access = NULL;
    struct pl_token_claims *claims = NULL;
    const char *why = "", *other = "";
    struct pl_span token = pl_span_of(checked);
    int64_t now_s = time(NULL);
    enum pl_err rc = pl_access_create(&access, s);

    if (rc == PL_OK)
        rc = pl_token_verify(access->tokens, PL_TOKEN_CONNECTION, token, now_s,
                             &claims, &why);
    if (rc != PL_OK && access != NULL &&
        pl_token_verify(access->sub_tokens, PL_TOKEN_SUBSCRIPTION, token, now_s,
                        &claims, &other) == PL_OK)
        rc = PL_OK;
    if (rc == PL_OK)
        print_claims(claims);
    else
        complain("the broker would refuse this token: %s", why);
    pl_token_claims_destroy(claims);
    pl_access_release(access);
    return rc == PL_OK ? EXIT_OK : EXIT_FAILED;
}

static int check_token(void)
{
    struct pl_settings *config = load_config(config_file);
    int rc = EXIT_FAILED;

    if (config == NULL)
        complain("%s cannot be used", config_file);
    else
        rc = check_with(&config->users);
    pl_settings_destroy(config);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    static struct pl_span channels[CHANNELS_MAX]; /* large */
    struct pl_token_grant grant = {.user = pl_span_of(user),
                                   .info = pl_span_of(info),
                                   .issued_at_s = time(NULL),
                                   .channels = channels,
                                   .channel_count = channel_names.count};
    enum pl_jws_alg alg = PL_JWS_HS256;

    (void)t, (void)argc, (void)argv;
    if (!read_time(ttl, &grant.ttl_s))
        return usage_error("token", "not a time: %s", ttl);
    if (channel_names.count > CHANNELS_MAX)
        return usage_error("token", "too many channels");
    for (size_t i = 0; i < channel_names.count; i++)
        channels[i] = pl_span_of(channel_names.items[i]);
    if (for_channel != NULL && channel_names.count > 0)
        return usage_error("token", "give --channel or --for-channel");
    if (for_channel != NULL) {
        channels[0] = pl_span_of(for_channel);
        grant.channel_count = 1;
        grant.is_subscription = true;
    }
    if (algorithm != NULL && !pl_jws_alg_find(pl_span_of(algorithm), &alg))
        return usage_error("token", "no algorithm has the name %s", algorithm);
    if ((secret_file != NULL) + (config_file != NULL) + (key_file != NULL) != 1)
        return usage_error("token",
                           "give one of -c, --secret-file and --private-key");
    if (checked != NULL && config_file == NULL)
        return usage_error("token", "give -c with --check");
    if (checked != NULL)
        return check_token();
    return key_file != NULL      ? sign_with_key(&grant, alg)
           : secret_file != NULL ? sign_with_secret(&grant, alg)
                                 : sign_with_config(&grant, alg);
}

const struct command command_token = {
    .name = "token",
    .arguments = "(-c FILE | --secret-file FILE | --private-key FILE)",
    .summary = "print a token that admits a client",
    .text = "No broker is needed.\n",
    .options = options,
    .run = run,
};
