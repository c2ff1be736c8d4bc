/* SPDX-License-Identifier: Apache-2.0 */
/* config_check.c - what one value alone cannot show.
 *
 * Two values contradict one another only when both were said.  Where the
 * default of one would contradict what was said of the other, the default
 * follows: `ping.interval: 5s` alone is a sane wish, and refusing it because
 * ping.timeout is 10s by default was tried and annoyed.
 *
 * Invariant: nothing here allocates, so every finding is made. */
#include "config_load.h"

#include <sys/un.h>

/* RFC 7518, 3.2: a key of HS256 has at least the bits of the hash. */
enum { SECRET_MIN = 32, PATH_MAX_LEN = 255 };

static void check_auth(struct pl_config_loading *l,
                       const struct pl_config_source *src)
{
    const struct pl_config *c = l->config;
    const struct pl_config_setting *s =
        pl_config_setting_of(l, "auth.hmac_secret");

    if (s->said && c->auth.hmac_secret != NULL &&
        strlen(c->auth.hmac_secret) < SECRET_MIN)
        pl_config_warn(l, &s->place, "auth.hmac_secret",
                       "shorter than 32 bytes, which can be guessed from one "
                       "token; make one with: openssl rand -hex 32");
    if (!s->said && !c->auth.anonymous && !src->auth_handler)
        pl_config_complain(l, &(struct pl_config_place){NULL, 0, NULL}, "",
                           "clients have no way to authenticate: set "
                           "auth.hmac_secret for tokens, or auth.anonymous to "
                           "let everybody in, or try --insecure on loopback");
}

static void check_loopback(struct pl_config_loading *l, const char *key,
                           const struct pl_config_endpoint *e)
{
    if (e->text != NULL && !e->loopback)
        pl_config_complain(l, &pl_config_setting_of(l, key)->place, key,
                           "%s is not a loopback address, and --insecure "
                           "allows no other",
                           e->text);
}

static void check_listen(struct pl_config_loading *l,
                         const struct pl_config_source *src)
{
    const struct pl_config *c = l->config;
    const struct pl_config_place *place =
        &pl_config_setting_of(l, "listen")->place;

    for (size_t i = 0; i < c->listen.count; i++) {
        const struct pl_config_endpoint *e = &c->listen.at[i];

        if (src->insecure)
            check_loopback(l, "listen", e);
        for (size_t k = 0; k < i && e->port != 0; k++)
            if (strcmp(c->listen.at[k].text, e->text) == 0)
                pl_config_complain(l, place, "listen", "%s is there twice",
                                   e->text);
        if (e->port != 0 && c->admin.listen.text != NULL &&
            strcmp(c->admin.listen.text, e->text) == 0)
            pl_config_complain(l, place, "listen",
                               "%s is admin.listen's as well", e->text);
    }
    if (src->insecure)
        check_loopback(l, "admin.listen", &c->admin.listen);
}

static void check_socket(struct pl_config_loading *l)
{
    const char *path = l->config->admin.socket;
    const struct sockaddr_un *un = NULL;

    if (path != NULL && strlen(path) >= sizeof(un->sun_path))
        pl_config_complain(
            l, &pl_config_setting_of(l, "admin.socket")->place, "admin.socket",
            "a socket's path has at most %zu bytes", sizeof(un->sun_path) - 1);
}

static bool is_path(const char *path)
{
    size_t i = 0;

    for (; path[i] != '\0'; i++)
        if (path[i] <= ' ' || path[i] >= 0x7f || strchr("?#%\\", path[i]))
            return false;
    return path[0] == '/' && i <= PATH_MAX_LEN;
}

static bool is_origin(const char *origin)
{
    const char *host = strstr(origin, "://");

    if (strcmp(origin, "*") == 0)
        return true;
    return host != NULL && host != origin && host[3] != '\0' &&
           strpbrk(host + 3, "/?# ") == NULL;
}

static void check_websocket(struct pl_config_loading *l)
{
    const struct pl_config *c = l->config;
    const char *path = c->websocket.path;
    const struct pl_config_strings *origins = &c->websocket.allowed_origins;

    if (path != NULL && !is_path(path))
        pl_config_complain(l, &pl_config_setting_of(l, "websocket.path")->place,
                           "websocket.path",
                           "must begin with / and be plain characters");
    if (path != NULL && c->websocket.echo && strcmp(path, "/echo") == 0)
        pl_config_complain(l, &pl_config_setting_of(l, "websocket.path")->place,
                           "websocket.path", "/echo is websocket.echo's");
    for (size_t i = 0; i < origins->count; i++)
        if (!is_origin(origins->at[i]))
            pl_config_complain(
                l, &pl_config_setting_of(l, "websocket.allowed_origins")->place,
                "websocket.allowed_origins",
                "item %zu must be *, or as https://chat.example.org:8443, "
                "without a path",
                i + 1);
}

static void check_ping(struct pl_config_loading *l)
{
    const struct pl_config_setting *s = pl_config_setting_of(l, "ping.timeout");
    struct pl_config *c = l->config;

    if (c->ping.interval_ms == 0 || c->ping.timeout_ms < c->ping.interval_ms)
        return;
    if (s->explicit)
        pl_config_complain(l, &s->place, "ping.timeout",
                           "must be less than ping.interval");
    else /* as 10s is to 25s */
        c->ping.timeout_ms = c->ping.interval_ms * 2 / 5;
}

static void check_queue(struct pl_config_loading *l)
{
    const struct pl_config_setting *queue =
        pl_config_setting_of(l, "limits.outgoing_queue");
    const struct pl_config_setting *message =
        pl_config_setting_of(l, "websocket.max_message");
    struct pl_config *c = l->config;

    if (c->websocket.max_message <= c->limits.outgoing_queue)
        return;
    if (!queue->explicit)
        c->limits.outgoing_queue = c->websocket.max_message;
    else if (message->explicit)
        pl_config_complain(l, &message->place, "websocket.max_message",
                           "must not be larger than limits.outgoing_queue");
}

void pl_config_check(struct pl_config_loading *l,
                     const struct pl_config_source *src)
{
    check_auth(l, src);
    check_listen(l, src);
    check_socket(l);
    check_websocket(l);
    check_ping(l);
    check_queue(l);
}
