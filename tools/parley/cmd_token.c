/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_token.c - parley token: sign a token, with no broker needed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "help.h"
#include "options.h"
#include "token.h"

enum { CHANNELS_MAX = PL_TOKEN_CHANNELS_MAX, SECRET_MAX = 4096 };

struct wish {
    const char *secret_file;
    const char *config_file;
    struct pl_token_grant grant;
    struct pl_span channels[CHANNELS_MAX];
};

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

static bool read_secret(const char *file, struct pl_buf *out)
{
    const size_t most = SECRET_MAX + 2; /* one more, and a line end */
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
    return is_read && trim_secret(file, out);
}

/* Does the broker with this configuration take the token, `len` bytes long? */
static bool is_within(const struct pl_settings *c, const struct wish *w,
                      size_t len)
{
    const size_t around = 32; /* {"id":1,"connect":{"token":""}} */

    if (w->grant.channel_count > c->session.limits.connection_channels)
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

/* `config` may be NULL: another broker's secret. */
static int sign(const struct wish *w, struct pl_span secret,
                const struct pl_settings *config)
{
    struct pl_token_key key = {secret};
    const char *why = NULL;
    char *token = NULL;
    enum pl_err rc = pl_token_create(&key, &w->grant, &token, &why);
    bool is_good = rc == PL_OK;

    if (!is_good)
        complain("the broker would refuse this token: %s", why);
    else if (config != NULL)
        is_good = is_within(config, w, strlen(token));
    if (is_good)
        puts(token);
    free(token);
    return is_good ? EXIT_OK : EXIT_FAILED;
}

static int sign_with_config(const struct wish *w)
{
    struct pl_settings *config = load_config(w->config_file);
    int rc = EXIT_FAILED;

    if (config == NULL)
        complain("%s cannot be used", w->config_file);
    else if (config->users.auth.hmac_secret == NULL)
        complain("%s has no auth.hmac_secret", w->config_file);
    else
        rc = sign(w, pl_span_of(config->users.auth.hmac_secret), config);
    pl_settings_destroy(config);
    return rc;
}

static int sign_with_file(const struct wish *w)
{
    struct pl_buf secret = {0};
    int rc = EXIT_FAILED;

    if (read_secret(w->secret_file, &secret))
        rc = sign(w, pl_buf_span(&secret), NULL);
    if (secret.data != NULL)
        explicit_bzero(secret.data, secret.cap);
    pl_buf_fini(&secret);
    return rc;
}

/* EXIT_OK, or what to exit with. */
static int take(struct wish *w, int option)
{
    struct pl_token_grant *g = &w->grant;

    switch (option) {
    case 'c':
        w->config_file = optarg;
        return EXIT_OK;
    case 'S':
        w->secret_file = optarg;
        return EXIT_OK;
    case 'U':
        g->user = pl_span_of(optarg);
        return EXIT_OK;
    case 'I':
        g->info = pl_span_of(optarg);
        return EXIT_OK;
    case 'T':
        if (read_time(optarg, &g->ttl_s))
            return EXIT_OK;
        return usage_error("token", "not a time: %s", optarg);
    case 'C':
        if (g->channel_count == CHANNELS_MAX)
            return usage_error("token", "too many channels");
        w->channels[g->channel_count++] = pl_span_of(optarg);
        return EXIT_OK;
    default:
        return usage_hint("token");
    }
}

int cmd_token(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"secret-file", required_argument, NULL, 'S'},
        {"user", required_argument, NULL, 'U'},
        {"ttl", required_argument, NULL, 'T'},
        {"info", required_argument, NULL, 'I'},
        {"channel", required_argument, NULL, 'C'},
        {"help", no_argument, NULL, 'h'},
        {0}};
    static struct wish w; /* large */
    int option;

    w.grant = (struct pl_token_grant){.user = PL_SPAN(""),
                                      .issued_at_s = time(NULL),
                                      .ttl_s = 3600,
                                      .channels = w.channels};
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'h') {
            print_command_help("token");
            return EXIT_OK;
        }
        int rc = take(&w, option);
        if (rc != EXIT_OK)
            return rc;
    }
    if (optind != argc)
        return usage_error("token", "it takes no arguments");
    if ((w.secret_file == NULL) == (w.config_file == NULL))
        return usage_error("token", "give either -c or --secret-file");
    return w.secret_file != NULL ? sign_with_file(&w) : sign_with_config(&w);
}
