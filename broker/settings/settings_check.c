/* SPDX-License-Identifier: Apache-2.0 */
/* settings_check.c - the checks that compare several values.
 *
 * Two values contradict each other only if both are explicit.  If the default
 * of one contradicts an explicit value of the other, the default is adapted.
 *
 * Rejected: refusing `ping.interval: 5s` because ping.timeout is 10s by
 * default; users with a reasonable setting got an error.
 *
 * Invariant: no finding ends the checks, so all are reported. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config_load.h"
#include "settings.h"
#include "settings_readers.h"
#include "token_policy.h"

/* RFC 7518, 3.2: a key of HS256 has at least as many bits as the hash. */
enum { SECRET_MIN = 32, PATH_MAX_LEN = 255 };

/* Bytes of the name of a namespace: Centrifugo's least, and room for the rest
 * of a channel's name. */

/* For the API key, which can be guessed only over the network. */
enum { KEY_MIN = 16 };

/* The keys that say which tokens are good, without their section. */
static const char *const token_keys[] = {
    "hmac_secret",      "hmac_previous_secret", "rsa_public_key",
    "ecdsa_public_key", "eddsa_public_key",     "jwks_url",
};

/* Return true if a key of tokens in `section` is given. */
static bool says_tokens(struct pl_config_loading *l, const char *section)
{
    char name[80];

    for (size_t i = 0; i < sizeof token_keys / sizeof token_keys[0]; i++) {
        snprintf(name, sizeof name, "%s.%s", section, token_keys[i]);
        if (pl_config_setting_of(l, name)->said)
            return true;
    }
    return false;
}

static void check_secret(struct pl_config_loading *l, const char *section,
                         const char *key, const char *secret)
{
    char name[80];

    if (secret == NULL || strlen(secret) >= SECRET_MIN)
        return;
    snprintf(name, sizeof name, "%s.%s", section, key);
    PL_CONFIG_WARN(l, name,
                   "shorter than 32 bytes, which can be guessed from one "
                   "token; make one with: openssl rand -hex 32");
}

/* Check the keys of tokens in `section`, whose values are `s`. */
static void check_tokens(struct pl_config_loading *l, const char *section,
                         const struct pl_token_settings *s)
{
    struct pl_token_policy *policy = NULL;
    const char *key = "", *why = "";
    char name[80];

    check_secret(l, section, "hmac_secret", s->hmac_secret);
    check_secret(l, section, "hmac_previous_secret", s->hmac_previous_secret);
    enum pl_err rc = pl_token_policy_create(&policy, s, &key, &why);
    if (rc == PL_ENOMEM)
        l->report->failed = true;
    if (rc == PL_EINVAL) {
        snprintf(name, sizeof name, "%s.%s", section, key);
        PL_CONFIG_COMPLAIN(l, name, "%s", why);
    }
    pl_token_policy_release(policy);
}

static void check_subscription(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    bool has_keys = says_tokens(l, "auth.subscription");

    check_tokens(l, "auth.subscription", &c->users.auth.subscription.token);
    if (has_keys && !c->users.auth.subscription.enabled)
        PL_CONFIG_WARN(l, "auth.subscription.enabled",
                       "is false, so the other keys of auth.subscription have "
                       "no effect");
    if (!has_keys && c->users.auth.subscription.enabled)
        PL_CONFIG_WARN(l, "auth.subscription.enabled",
                       "is true, and auth.subscription has no key to check a "
                       "token with, so each is refused");
}

static void check_auth(struct pl_config_loading *l,
                       const struct pl_config_source *src)
{
    const struct pl_settings *c = l->values;

    check_tokens(l, "auth", &c->users.auth.token);
    check_subscription(l);
    if (!says_tokens(l, "auth") && !c->users.auth.anonymous &&
        !src->auth_handler && !l->is_incomplete)
        pl_config_report(l, PL_CONFIG_ERROR,
                         &(struct pl_config_place){.file = NULL}, "",
                         "clients have no way to authenticate: set "
                         "auth.hmac_secret for tokens, or auth.anonymous to "
                         "let everybody in, or try --insecure on loopback");
}

static bool is_path(const char *path)
{
    size_t i = 0;

    for (; path[i] != '\0'; i++)
        if (path[i] <= ' ' || path[i] >= 0x7f || strchr("?#%\\", path[i]))
            return false;
    return path[0] == '/' && i <= PATH_MAX_LEN;
}

static void check_key(struct pl_config_loading *l, const char *name,
                      const char *key)
{
    if (key != NULL && strlen(key) < KEY_MIN)
        PL_CONFIG_WARN(l, name,
                       "shorter than 16 bytes, which can be guessed; make one "
                       "with: openssl rand -hex 32");
}

static void check_path_of(struct pl_config_loading *l, const char *key,
                          const char *path)
{
    if (path != NULL && !is_path(path))
        PL_CONFIG_COMPLAIN(
            l, key, "must begin with / and be up to 255 plain characters");
}

static void check_api(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    const struct pl_api_key_settings *keys = c->users.api.keys.at;

    check_key(l, "api.key", c->users.api.key);
    for (size_t i = 0; i < c->users.api.keys.count; i++) {
        check_key(l, "api.keys", keys[i].key);
        if (keys[i].key == NULL)
            PL_CONFIG_COMPLAIN(l, "api.keys", "item %zu has no key", i + 1);
    }
    check_path_of(l, "api.path", c->users.api.path);
    check_path_of(l, "health.path", c->users.health.path);
    check_path_of(l, "metrics.path", c->users.metrics.path);
    bool has_way = c->users.api.key != NULL || c->users.api.keys.count > 0 ||
                   c->users.api.is_open || l->is_incomplete;
    if (c->users.api.is_public && !has_way)
        PL_CONFIG_WARN(l, "api.public",
                       "has no effect without api.key or api.keys");
    if (c->users.metrics.is_public && !c->users.metrics.is_open && !has_way)
        PL_CONFIG_WARN(l, "metrics.public",
                       "has no effect without api.key, api.keys or "
                       "metrics.open");
}

/* Warn of permissions for authenticated users if no client can authenticate. */
static void check_allowed(struct pl_config_loading *l,
                          const struct pl_config_source *src)
{
    const struct pl_settings *c = l->values;
    const struct {
        const char *key;
        enum pl_allow value;
    } rows[] = {
        {"channels.allow_subscribe", c->rules.allow_subscribe},
        {"channels.allow_publish", c->rules.allow_publish},
        {"channels.allow_presence", c->rules.allow_presence},
        {"channels.allow_history", c->rules.allow_history},
        {"channels.allow_subscriber_publish",
         c->rules.allow_subscriber_publish},
        {"channels.allow_subscriber_presence",
         c->rules.allow_subscriber_presence},
        {"channels.allow_subscriber_history",
         c->rules.allow_subscriber_history},
        {"actors.allow_send", c->rules.allow_send},
    };

    if (says_tokens(l, "auth") || src->auth_handler || l->is_incomplete)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].value == PL_ALLOW_AUTHENTICATED)
            PL_CONFIG_WARN(l, rows[i].key,
                           "all clients are anonymous without "
                           "auth.hmac_secret, so none may");
}

static void check_history(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    bool is_sized = c->rules.history_size > 0;
    bool is_timed = c->rules.history_ttl_ms > 0;

    if (pl_config_is_explicit(l, "channels.history_size") && is_sized &&
        !is_timed)
        PL_CONFIG_WARN(l, "channels.history_ttl",
                       "is 0, so nothing is kept, whatever "
                       "channels.history_size is");
    if (pl_config_is_explicit(l, "channels.history_ttl") && is_timed &&
        !is_sized && !l->is_incomplete)
        PL_CONFIG_WARN(l, "channels.history_ttl",
                       "has no effect while channels.history_size is 0");
}

/* Report about a key of the n-th namespace. */
static void complain_of_space(struct pl_config_loading *l, size_t n,
                              const char *key, const char *why)
{
    struct pl_config_place place = pl_config_setting_of(l, "namespaces")->place;

    place.list = "namespaces";
    place.item = n + 1;
    pl_config_report(l, PL_CONFIG_ERROR, &place, key, "%s", why);
}

static int compare_spaces(const void *a, const void *b)
{
    const struct pl_space_settings *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);

    return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* Namespaces are sorted to find two of one name, because there may be
 * thousands. */
static void check_unique(struct pl_config_loading *l,
                         const struct pl_space_settings *spaces, size_t count)
{
    const struct pl_space_settings **sorted =
        count == 0 ? NULL : malloc(count * sizeof *sorted);

    for (size_t i = 0; sorted != NULL && i < count; i++)
        sorted[i] = &spaces[i];
    if (sorted != NULL)
        qsort(sorted, count, sizeof sorted[0], compare_spaces);
    for (size_t i = 1; sorted != NULL && i < count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            complain_of_space(l, (size_t)(sorted[i] - spaces), "name",
                              "is the name of another namespace, too");
    free(sorted);
}

static void check_spaces(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    const struct pl_space_settings *spaces = c->naming.spaces.at;
    size_t count = c->naming.spaces.count;
    bool is_good = true;

    for (size_t i = 0; i < count; i++) {
        if (spaces[i].name == NULL) /* which was reported at its line */
            is_good = false;
        else if (spaces[i].rules.history_size > 0 &&
                 spaces[i].rules.history_ttl_ms == 0)
            PL_CONFIG_WARN(l, "namespaces",
                           "%s: history_ttl is 0, so nothing is kept, whatever "
                           "history_size is",
                           spaces[i].name);
    }
    if (is_good)
        check_unique(l, spaces, count);
    if (count > 0 && c->naming.boundary.at[0] == '\0')
        PL_CONFIG_COMPLAIN(l, "channels.namespace_boundary",
                           "is off, so no name has one of the namespaces");
}

/* Clients would find no namespace for their personal channels at login. */
static void check_personal(struct pl_config_loading *l)
{
    static const char key[] = "channels.personal_namespace";
    const struct pl_naming_settings *n =
        &((const struct pl_settings *)l->values)->naming;
    const struct pl_space_settings *spaces = n->spaces.at;
    bool is_there = false;

    if (n->personal_space == NULL || n->personal_space[0] == '\0')
        return;
    for (size_t i = 0; i < n->spaces.count; i++)
        is_there |= spaces[i].name != NULL &&
                    strcmp(spaces[i].name, n->personal_space) == 0;
    if (!is_there)
        PL_CONFIG_COMPLAIN(l, key, "is the name of none of the namespaces");
    else if (!n->personal)
        PL_CONFIG_WARN(l, key, "has no effect while channels.personal is off");
}

/* '@' is the mark of the inboxes of connections. */
static void check_marks(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    const struct {
        const char *key;
        const struct pl_config_mark *mark;
    } rows[] = {
        {"channels.namespace_boundary", &c->naming.boundary},
        {"channels.private_prefix", &c->naming.private_prefix},
        {"channels.user_boundary", &c->naming.user_boundary},
        {"channels.user_separator", &c->naming.user_separator},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strpbrk(rows[i].mark->at, "@-_.") != NULL)
            PL_CONFIG_COMPLAIN(l, rows[i].key,
                               "must not have '@', '-', '_' or '.'");
        for (size_t n = 0; n < i; n++)
            if (rows[n].mark->at[0] != '\0' &&
                strcmp(rows[n].mark->at, rows[i].mark->at) == 0)
                PL_CONFIG_COMPLAIN(l, rows[i].key, "is that of %s, too",
                                   rows[n].key);
    }
}

static void check_loopback(struct pl_config_loading *l, const char *key,
                           const struct pl_config_endpoint *e, const char *by)
{
    if (e->text != NULL && !e->loopback)
        PL_CONFIG_COMPLAIN(l, key,
                           "%s is not a loopback address, and %s allows no "
                           "other",
                           e->text, by);
}

/* Return what allows loopback addresses only; NULL: nothing does. */
static const char *find_openness(const struct pl_config_loading *l,
                                 const struct pl_config_source *src)
{
    const struct pl_settings *c = l->values;

    return src->insecure          ? "--insecure"
           : c->users.api.is_open ? "api.open"
                                  : NULL;
}

/* Return the n-th of all addresses, those of listen_tls last; NULL: no more. */
static const struct pl_config_endpoint *endpoint(const struct pl_settings *c,
                                                 size_t n, const char **key)
{
    bool is_tls = n >= c->net.listen.count;
    const struct pl_config_endpoints *e =
        is_tls ? &c->net.listen_tls : &c->net.listen;
    size_t i = is_tls ? n - c->net.listen.count : n;

    *key = is_tls ? "listen_tls" : "listen";
    return i < e->count ? &e->at[i] : NULL;
}

static bool is_same(const struct pl_config_endpoint *a,
                    const struct pl_config_endpoint *b)
{
    return a->port != 0 && b->text != NULL && strcmp(a->text, b->text) == 0;
}

/* Compare an address with admin.listen and with those before it. */
static void check_endpoint(struct pl_config_loading *l, size_t n)
{
    const struct pl_settings *c = l->values;
    const char *key, *other;
    const struct pl_config_endpoint *e = endpoint(c, n, &key);

    for (size_t i = 0; i < n; i++) {
        if (!is_same(e, endpoint(c, i, &other)))
            continue;
        if (strcmp(key, other) == 0)
            PL_CONFIG_COMPLAIN(l, key, "%s is there twice", e->text);
        else
            PL_CONFIG_COMPLAIN(l, key, "%s is already used by %s", e->text,
                               other);
    }
    if (is_same(e, &c->admin.listen))
        PL_CONFIG_COMPLAIN(l, key, "%s is already used by admin.listen",
                           e->text);
}

static void check_listen(struct pl_config_loading *l,
                         const struct pl_config_source *src)
{
    const struct pl_settings *c = l->values;
    const struct pl_config_endpoint *e;
    const char *key, *by = find_openness(l, src);

    if (pl_config_setting_of(l, "listen")->count +
                pl_config_setting_of(l, "listen_tls")->count ==
            0 &&
        !src->has_listeners)
        PL_CONFIG_COMPLAIN(l, "listen", "must name one address or more");
    for (size_t i = 0; (e = endpoint(c, i, &key)) != NULL; i++) {
        if (by != NULL)
            check_loopback(l, key, e, by);
        check_endpoint(l, i);
    }
    if (by != NULL)
        check_loopback(l, "admin.listen", &c->admin.listen, by);
    if (c->users.api.is_open && src->has_listeners && !src->insecure)
        PL_CONFIG_COMPLAIN(l, "api.open",
                           "is for addresses of `listen`: it cannot be seen "
                           "that a given socket is a loopback one");
}

static void check_tls(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;

    if (c->net.tls.certificate.count != c->net.tls.key.count)
        PL_CONFIG_COMPLAIN(l, "tls.key", "%zu keys for %zu certificates",
                           c->net.tls.key.count, c->net.tls.certificate.count);
    else if (c->net.listen_tls.count > 0 && c->net.tls.certificate.count == 0)
        PL_CONFIG_COMPLAIN(l, "listen_tls",
                           "needs tls.certificate and tls.key");
}

static void check_socket(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    const char *path = c->admin.socket;
    const struct sockaddr_un *un = NULL;

    if (path != NULL && strlen(path) >= sizeof(un->sun_path))
        PL_CONFIG_COMPLAIN(l, "admin.socket",
                           "a socket's path has at most %zu bytes",
                           sizeof(un->sun_path) - 1);
}

static bool is_origin(const char *origin)
{
    const char *host = strstr(origin, "://");

    if (strcmp(origin, "*") == 0)
        return true;
    return host != NULL && host != origin && host[3] != '\0' &&
           strpbrk(host + 3, "/?# ") == NULL;
}

/* A name or a bracketed address, optionally followed by a port or "*". */
static bool is_host(const char *host)
{
    const char *end = host + strcspn(host, *host == '[' ? "]" : ":");

    if (*host == '[' && *end++ == '\0')
        return false;
    if (end == host || strpbrk(host, "/?#@, ") != NULL)
        return false;
    return *end == '\0' || strcmp(end, ":*") == 0 ||
           (*end == ':' && end[1] != '\0' &&
            end[1 + strspn(end + 1, "0123456789")] == '\0');
}

/* The name of a header, RFC 9110 section 5.6.2. */
static bool is_header(const char *name)
{
    static const char good[] = "!#$%&'*+-.^_`|~0123456789"
                               "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *name != '\0' && name[strspn(name, good)] == '\0';
}

static void check_path(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;
    const char *path = c->session.websocket.path;

    check_path_of(l, "websocket.path", path);
    if (path != NULL && c->session.websocket.echo && strcmp(path, "/echo") == 0)
        PL_CONFIG_COMPLAIN(l, "websocket.path", "/echo is websocket.echo's");
}

/* Check each item of the list `key`. */
static void check_items(struct pl_config_loading *l, const char *key,
                        const struct pl_config_strings *list,
                        bool (*is_good)(const char *), const char *what)
{
    for (size_t i = 0; i < list->count; i++)
        if (!is_good(list->at[i]))
            PL_CONFIG_COMPLAIN(l, key, "item %zu must be %s", i + 1, what);
}

static void check_websocket(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;

    check_path(l);
    check_items(l, "websocket.allowed_origins",
                &c->users.websocket.allowed_origins, is_origin,
                "*, or as https://chat.example.org:8443, without a path");
    check_items(l, "websocket.allowed_hosts", &c->users.websocket.allowed_hosts,
                is_host,
                "as chat.example.org, *.example.org:8443 or [::1], without a "
                "scheme");
}

static void check_headers(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;

    check_items(l, "connect.headers", &c->session.connect.headers, is_header,
                "the name of a header, as Cookie");
}

static void check_proxy(struct pl_config_loading *l)
{
    const struct pl_settings *c = l->values;

    if (c->net.proxy.protocol &&
        pl_config_setting_of(l, "proxy.trusted")->count == 0)
        PL_CONFIG_COMPLAIN(l, "proxy.protocol",
                           "needs proxy.trusted: the proxies that send it");
}

static void check_ping(struct pl_config_loading *l)
{
    struct pl_settings *c = l->values;

    if (c->session.ping.interval_ms == 0 ||
        c->session.ping.timeout_ms < c->session.ping.interval_ms)
        return;
    if (c->session.ping.interval_ms == 1) /* no timeout is shorter */
        PL_CONFIG_COMPLAIN(l, "ping.interval", "must be 0, or 2ms or more");
    else if (pl_config_is_explicit(l, "ping.timeout"))
        PL_CONFIG_COMPLAIN(l, "ping.timeout",
                           "must be less than ping.interval");
    else /* the ratio of the defaults, 10s to 25s */
        c->session.ping.timeout_ms = (c->session.ping.interval_ms * 2 + 4) / 5;
}

static void check_queue(struct pl_config_loading *l)
{
    struct pl_settings *c = l->values;

    if (c->session.websocket.max_message <= c->session.limits.outgoing_queue)
        return;
    if (!pl_config_is_explicit(l, "limits.outgoing_queue"))
        c->session.limits.outgoing_queue = c->session.websocket.max_message;
    else if (pl_config_is_explicit(l, "websocket.max_message"))
        PL_CONFIG_COMPLAIN(l, "websocket.max_message",
                           "must not be larger than limits.outgoing_queue");
}

void pl_settings_check(struct pl_config_loading *l,
                       const struct pl_config_source *src)
{
    check_auth(l, src);
    check_api(l);
    pl_settings_check_readers(l);
    check_allowed(l, src);
    check_history(l);
    check_spaces(l);
    check_personal(l);
    check_marks(l);
    check_listen(l, src);
    check_tls(l);
    check_socket(l);
    check_websocket(l);
    check_headers(l);
    check_proxy(l);
    check_ping(l);
    check_queue(l);
}
