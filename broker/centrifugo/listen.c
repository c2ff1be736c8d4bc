/* SPDX-License-Identifier: Apache-2.0 */
/* listen.c - the keys about addresses, TLS, the API, health and metrics.
 *
 * Centrifugo serves everything on one port unless it has an internal one.
 * parley serves clients on `listen`, and operators on admin.listen.
 *
 * Invariant: if every client or every backend may do everything, all addresses
 * are loopback addresses. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base64.h"
#include "config_text.h"
#include "import.h"
#include "ip.h"

enum { PORT = 8000 };

/* Append "host:port" in quotes. */
static void put_endpoint(struct pl_buf *out, const char *host, uint64_t port)
{
    bool is_six = strchr(host, ':') != NULL && host[0] != '[';
    struct pl_buf text = {0};

    pl_buf_printf(&text, is_six ? "[%s]:%llu" : "%s:%llu", host,
                  (unsigned long long)port);
    out->failed |= text.failed;
    pl_config_put_quoted(out, pl_buf_span(&text));
    pl_buf_fini(&text);
}

static bool is_loopback(const char *host)
{
    static const char four[] = "127.0.0.0/8", six[] = "::1";
    struct pl_ip_net nets[2];
    struct pl_ip ip;

    return pl_ip_net_parse(&nets[0], pl_span_of(four)) &&
           pl_ip_net_parse(&nets[1], pl_span_of(six)) &&
           pl_ip_parse(&ip, pl_span_of(host)) && pl_ip_is_in(&ip, nets, 2);
}

/* Return the leaf that lets backends in without a key; NULL: nothing does. */
static const struct pl_leaf *find_open_api(const struct pl_import *im)
{
    static const char path[] = "http_api.insecure";

    return pl_import_bool(im, path, 0) &&
                   !pl_import_bool(im, "http_api.disabled", 0)
               ? pl_import_find(im, path, 0)
               : NULL;
}

/* Return the key that lets everybody do everything; NULL: none does. */
static const char *open_key(const struct pl_import *im)
{
    return pl_import_insecure(im) != NULL ? "client.insecure"
           : find_open_api(im) != NULL    ? "http_api.insecure"
                                          : NULL;
}

/* An address that others reach must not be open to all. */
static void check_host(struct pl_import *im, const struct pl_leaf *leaf)
{
    const char *open = open_key(im);

    if (leaf != NULL && *leaf->text != '\0' && open != NULL &&
        !is_loopback(leaf->text))
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, leaf,
                       "%s is for loopback addresses only, as 127.0.0.1", open);
}

static void put_listen(struct pl_import *im, bool is_tls)
{
    const char *open = open_key(im);
    const char *host = pl_import_text(im, "http_server.address", 0, "");
    uint64_t port = pl_import_number(im, "http_server.port", 0, PORT);
    const struct pl_leaf *from = pl_import_find(im, "http_server.address", 0);

    if (from == NULL)
        from = pl_import_find(im, "http_server.port", 0);
    struct pl_buf *out = pl_entries_add(
        &im->out, is_tls ? "listen_tls" : "listen", 0, from,
        open == NULL ? NULL : "what is open to all is for loopback only");
    pl_buf_put_byte(out, '[');
    put_endpoint(out,
                 *host != '\0' ? host
                 : open        ? "127.0.0.1"
                               : "0.0.0.0",
                 port);
    if (*host == '\0' && !im->src->lacks_ipv6) {
        pl_buf_put_span(out, PL_SPAN(", "));
        put_endpoint(out, open != NULL ? "::1" : "::", port);
    }
    pl_buf_put_byte(out, ']');
    if (is_tls)
        pl_import_put(im, "listen", 0,
                      pl_import_find(im, "http_server.tls.enabled", 0),
                      "all clients come by TLS", "[]");
}

/* --- TLS --- */

/* Return the text in PEM, which may follow others, as far as `text` goes;
 * absent: there is none. */
static struct pl_span find_pem(struct pl_span text)
{
    const char *at =
        text.len == 0 ? NULL : memmem(text.at, text.len, "-----BEGIN ", 11);
    size_t len = at == NULL ? 0 : (size_t)(text.at + text.len - at);

    return (struct pl_span){at, len};
}

/* Decode base64, with lines or without, into `out`.  Return the text in PEM in
 * it; absent: there is none. */
static struct pl_span decode_pem(struct pl_buf *out, const char *text)
{
    struct pl_span bytes = {.len = 0};
    char *to = pl_buf_reserve(out, 2 * strlen(text) + 1);

    if (to == NULL)
        return bytes;
    for (const char *at = text; *at != '\0'; at++)
        if (strchr(" \t\r\n", *at) == NULL)
            to[bytes.len++] = *at;
    bytes.at = to;
    bool ok = pl_base64_decode(&bytes, to + bytes.len);
    return find_pem(ok ? bytes : (struct pl_span){NULL, 0});
}

/* The value is a text in PEM, the same in base64, or the name of a file, in
 * this order, as in Centrifugo. */
static void put_file(struct pl_import *im, const char *path, const char *to,
                     bool is_list, bool is_needed)
{
    const struct pl_leaf *leaf = pl_import_find(im, path, 0);
    const char *text = leaf == NULL ? "" : leaf->text;
    struct pl_buf decoded = {0};

    if (*text == '\0') {
        if (is_needed)
            PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR,
                           pl_import_find(im, "http_server.tls.enabled", 0),
                           "needs %s", path);
        return;
    }
    struct pl_span pem = find_pem(pl_span_of(text));
    if (pem.at == NULL)
        pem = decode_pem(&decoded, text);
    struct pl_buf *out = pl_entries_add(&im->out, to, 0, leaf, NULL);
    pl_buf_put_span(out, pl_span_of(is_list ? "[" : ""));
    pl_config_put_quoted(out, pem.at == NULL ? pl_span_of(text) : pem);
    pl_buf_put_span(out, pl_span_of(is_list ? "]" : ""));
    out->failed |= decoded.failed;
    if (decoded.data != NULL)
        explicit_bzero(decoded.data, decoded.cap);
    pl_buf_fini(&decoded);
}

static bool put_tls(struct pl_import *im)
{
    if (!pl_import_bool(im, "http_server.tls.enabled", 0))
        return false;
    put_file(im, "http_server.tls.cert_pem", "tls.certificate", true, true);
    put_file(im, "http_server.tls.key_pem", "tls.key", true, true);
    put_file(im, "http_server.tls.client_ca_pem", "tls.client_ca", false,
             false);
    return true;
}

/* --- Operators and backends --- */

/* Return true if operators have a port of their own. */
static bool put_admin(struct pl_import *im)
{
    const struct pl_leaf *leaf =
        pl_import_find(im, "http_server.internal_port", 0);
    uint64_t port = pl_import_number(im, "http_server.internal_port", 0, 0);
    const char *host =
        pl_import_text(im, "http_server.internal_address", 0,
                       pl_import_text(im, "http_server.address", 0, ""));

    if (leaf == NULL || port == 0 ||
        port == pl_import_number(im, "http_server.port", 0, PORT))
        return false;
    put_endpoint(pl_entries_add(&im->out, "admin.listen", 0, leaf, NULL),
                 *host != '\0'          ? host
                 : open_key(im) != NULL ? "127.0.0.1"
                                        : "0.0.0.0",
                 port);
    return true;
}

/* Return true if a backend can use the API. */
static bool put_api_keys(struct pl_import *im)
{
    const struct pl_leaf *key = pl_import_find(im, "http_api.key", 0);
    const struct pl_leaf *open = find_open_api(im);
    bool has_key = key != NULL && *key->text != '\0' &&
                   !pl_import_bool(im, "http_api.disabled", 0);

    if (has_key)
        pl_config_put_quoted(pl_entries_add(&im->out, "api.key", 0, key, NULL),
                             pl_span_of(key->text));
    if (open != NULL)
        pl_import_put(im, "api.open", 0, open, NULL, "true");
    return has_key || open != NULL;
}

/* The API is on the port of clients unless operators have one of their own. */
static void put_api(struct pl_import *im, bool has_admin)
{
    const struct pl_leaf *path =
        pl_import_find(im, "http_api.handler_prefix", 0);

    if (!put_api_keys(im))
        return;
    if (path != NULL && *path->text != '\0')
        pl_config_put_quoted(
            pl_entries_add(&im->out, "api.path", 0, path, NULL),
            pl_span_of(path->text));
    if (!has_admin || pl_import_bool(im, "http_api.external", 0))
        pl_import_put(im, "api.public", 0,
                      pl_import_find(im, "http_api.external", 0), NULL, "true");
}

/* Add the path `to`, as Centrifugo's prefix without slashes at its end. */
static void put_path(struct pl_import *im, const char *from, const char *to)
{
    const struct pl_leaf *leaf = pl_import_find(im, from, 0);
    struct pl_span path = pl_span_of(leaf == NULL ? "" : leaf->text);

    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    if (leaf != NULL)
        pl_config_put_quoted(pl_entries_add(&im->out, to, 0, leaf, NULL),
                             path.len == 0 ? PL_SPAN("/") : path);
}

/* Both are for everybody, and on the port of clients unless operators have one
 * of their own. */
static void put_probes(struct pl_import *im, bool has_admin)
{
    const struct pl_leaf *health = pl_import_find(im, "health.enabled", 0);
    const struct pl_leaf *metrics = pl_import_find(im, "prometheus.enabled", 0);

    if (pl_import_bool(im, "health.enabled", 0)) {
        if (!has_admin)
            pl_import_put(im, "health.public", 0, health, NULL, "true");
        put_path(im, "health.handler_prefix", "health.path");
    }
    if (pl_import_bool(im, "prometheus.enabled", 0)) {
        if (!has_admin)
            pl_import_put(im, "metrics.public", 0, metrics, NULL, "true");
        pl_import_put(im, "metrics.open", 0, metrics, NULL, "true");
        pl_import_put(im, "metrics.compatible", 0, metrics, NULL, "centrifugo");
        put_path(im, "prometheus.handler_prefix", "metrics.path");
    }
}

void pl_import_listen(struct pl_import *im)
{
    check_host(im, pl_import_find(im, "http_server.address", 0));
    check_host(im, pl_import_find(im, "http_server.internal_address", 0));
    put_listen(im, put_tls(im));
    bool has_admin = put_admin(im);
    put_api(im, has_admin);
    put_probes(im, has_admin);
}
