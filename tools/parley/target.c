/* SPDX-License-Identifier: Apache-2.0 */
/* target.c - see target.h.
 *
 * The socket is what is named first of: the option, the configuration given by
 * -c, $PARLEY_SOCKET, the default.  An API key is better in $PARLEY_API_KEY
 * than on the command line, which others can see; so is a token in
 * $PARLEY_TOKEN or a file. */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "commands.h"

static struct target the_target = {.timeout_ms = -1};

const struct opt target_admin_options[] = {
    {"config", 'c', "FILE", OPT_TEXT, &the_target.config_file,
     "the broker's configuration names its socket", "FILE"},
    {"socket", 's', "PATH", OPT_TEXT, &the_target.socket,
     "its admin socket (or $PARLEY_SOCKET)", "FILE"},
    {"key", 'k', "KEY", OPT_TEXT, &the_target.key,
     "the API key for --url http:// (or $PARLEY_API_KEY)", NULL},
    {0}};

const struct opt target_options[] = {
    {"url", 'u', "URL", OPT_TEXT, &the_target.url,
     "an address instead of the socket: ws:// or wss:// for clients, http:// "
     "or https:// for the administration",
     "ws:// wss:// http:// https://"},
    {"timeout", 't', "TIME", OPT_TIME, &the_target.timeout_ms,
     "how long the broker may take to answer: 500ms, 5s, 1m; 0 is for ever "
     "(default: 10s)",
     NULL},
    {0}};

const struct opt target_client_options[] = {
    {"token", 0, "TOKEN", OPT_TEXT, &the_target.token,
     "who connects to --url ws:// (or $PARLEY_TOKEN)", NULL},
    {"token-file", 0, "FILE", OPT_TEXT, &the_target.token_file,
     "the token is in FILE, which is read again when it has expired; - is "
     "standard input",
     "FILE"},
    {"ca", 0, "FILE", OPT_TEXT, &the_target.ca_file,
     "the authorities for wss://, in PEM (default: the system's)", "FILE"},
    {"no-verify", 0, NULL, OPT_FLAG, &the_target.is_unverified,
     "take any certificate; for trials only", NULL},
    {"protobuf", 0, NULL, OPT_FLAG, &the_target.is_protobuf,
     "speak the binary encoding", NULL},
    {"header", 0, "LINE", OPT_LIST, &the_target.headers,
     "one more header of the request, as 'Name: value'; may be repeated", NULL},
    {0}};

static struct pl_config_source in_this_environment(const char *file)
{
    struct pl_config_source s = {.file = file,
                                 .variables = (const char *const *)environ};

    while (environ != NULL && environ[s.variable_count] != NULL)
        s.variable_count++;
    return s;
}

static struct pl_settings *load(const struct pl_config_source *source)
{
    struct pl_settings *config = NULL;
    struct pl_buf report = {0};

    if (pl_settings_load(&config, source, &report) != PL_OK)
        config = NULL;
    if (report.len > 0)
        fwrite(report.data, 1, report.len, stderr);
    pl_buf_fini(&report);
    return config;
}

struct pl_settings *load_config(const char *file)
{
    const struct pl_config_source source = in_this_environment(file);

    return load(&source);
}

/* As `parleyd --check`. */
static struct pl_settings *look_into(struct pl_config_source source)
{
    source.has_listeners = true; /* a start may bring some */
    source.look = pl_settings_check_tls;
    return load(&source);
}

struct pl_settings *check_config(const char *file)
{
    return look_into(in_this_environment(file));
}

struct pl_settings *read_centrifugo(const char *file)
{
    struct pl_config_source source = in_this_environment(file);

    source.is_centrifugo = true;
    return look_into(source);
}

enum pl_err translate_centrifugo(struct pl_centrifugo_result *out,
                                 const char *file, struct pl_buf *report)
{
    const struct pl_config_source source = in_this_environment(file);
    bool can_others_read = false;

    return pl_settings_translate(out, &source, &can_others_read, report);
}

static int complete_from_config(struct target *t)
{
    enum pl_err rc = PL_OK;

    if (t->config_file != NULL)
        t->config = load_config(t->config_file);
    else
        rc = pl_settings_create_default(&t->config);
    if (t->config == NULL || rc != PL_OK) {
        complain("cannot use %s",
                 t->config_file != NULL ? t->config_file : "the defaults");
        return EXIT_FAILED;
    }
    if (t->config_file == NULL)
        t->socket = getenv("PARLEY_SOCKET");
    t->is_chosen = t->socket != NULL || t->config_file != NULL;
    if (t->socket == NULL)
        t->socket = t->config->admin.socket;
    if (t->socket == NULL) {
        complain("%s switches the admin socket off: use --socket or --url",
                 t->config_file);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static bool is_for_clients(const char *url)
{
    return strncasecmp(url, "ws://", 5) == 0 ||
           strncasecmp(url, "wss://", 6) == 0;
}

/* Options that would have no effect are refused. */
static int check(const struct target *t, const struct command *c)
{
    bool has_client = t->token != NULL || t->token_file != NULL ||
                      t->ca_file != NULL || t->is_unverified ||
                      t->is_protobuf || t->headers.count > 0;

    if (t->is_client && (c->reach & REACH_CLIENT) == 0)
        return usage_error(c->name, "clients cannot do that: it needs the "
                                    "admin socket, or --url http://");
    if (!t->is_client && (c->reach & REACH_ADMIN) == 0)
        return usage_error(c->name, "give --url ws://HOST:PORT");
    if (t->is_client &&
        (t->key != NULL || t->socket != NULL || t->config_file != NULL))
        return usage_error(c->name, "--config, --socket and --key are not for "
                                    "--url ws://");
    if (!t->is_client && has_client)
        return usage_error(c->name, "--token, --token-file, --ca, --no-verify, "
                                    "--protobuf and --header need --url ws://");
    if (t->token != NULL && t->token_file != NULL)
        return usage_error(c->name, "give --token or --token-file");
    return EXIT_OK;
}

int target_complete(const struct command *c, struct target **out)
{
    struct target *t = &the_target;

    *out = t;
    t->has_timeout = t->timeout_ms >= 0;
    if (!t->has_timeout)
        t->timeout_ms = TIMEOUT_DEFAULT_MS;
    if (t->url == NULL)
        t->url = c->url;
    t->is_client = t->url != NULL && is_for_clients(t->url);
    if (c->reach == REACH_NOTHING)
        return EXIT_OK;
    int rc = check(t, c);
    if (rc != EXIT_OK)
        return rc;
    if (t->is_client && t->token == NULL && t->token_file == NULL)
        t->token = getenv("PARLEY_TOKEN");
    if (t->url != NULL) {
        if (t->key == NULL)
            t->key = getenv("PARLEY_API_KEY");
        return EXIT_OK;
    }
    t->is_chosen = true;
    return t->socket != NULL ? EXIT_OK : complete_from_config(t);
}

const char *target_name(const struct target *t)
{
    return t->url != NULL ? t->url : t->socket;
}

void target_fini(struct target *t)
{
    pl_settings_destroy(t->config);
    t->config = NULL;
}
