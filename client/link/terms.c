/* SPDX-License-Identifier: Apache-2.0 */
/* terms.c - see terms.h.
 *
 * Everything is checked here, when the program makes a connection's object:
 * the caller gets an error for what is wrong, and nothing is read from a file
 * later, on the loop.
 *
 * Invariant: the strings of the terms are in their arena. */
#include "terms.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"
#include "tls_pool.h"
#include "url.h"

enum {
    URLS_MAX = 16,
    CONNECT_MS = 5000,
    SEND_MS = 5000,
    CLOSE_MS = 1000,
    QUEUE_MESSAGES = 65536,
    QUEUE_BYTES = 16 << 20,
    MESSAGE_IN = 16 << 20,
    FIELDS_MAX = 32,
    STRINGS_SIZE = 512 /* of a block; most have one URL and no headers */
};

char *plc_terms_copy(struct plc_terms *t, struct pl_span s)
{
    return pl_arena_text(&t->strings, s);
}

static enum pl_err copy_span(struct plc_terms *t, struct pl_span *s)
{
    if (s->at == NULL)
        return PL_OK;
    s->at = plc_terms_copy(t, *s);
    return s->at == NULL ? PL_ENOMEM : PL_OK;
}

static enum pl_err refuse(char *why, const char *option, const char *text)
{
    snprintf(why, PLC_TERMS_WHY_SIZE, "%s: %s", option, text);
    return PL_EINVAL;
}

/* --- Header fields of the program --- */

static struct pl_span trimmed(struct pl_span s)
{
    while (s.len > 0 && (*s.at == ' ' || *s.at == '\t'))
        s.at++, s.len--;
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* "Name: value\r\n..."; opening.h checks names and values. */
static enum pl_err read_fields(struct plc_terms *t, struct pl_opening *o,
                               struct pl_span rest, char *why)
{
    struct pl_opening_field *fields =
        pl_arena_alloc(&t->strings, FIELDS_MAX * sizeof *fields);
    size_t n = 0;

    if (fields == NULL)
        return PL_ENOMEM;
    while (rest.len > 0) {
        const char *end = memchr(rest.at, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.at);
        const char *colon = memchr(rest.at, ':', len);
        struct pl_span line = {rest.at, len};

        if (line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        if (colon == NULL)
            return refuse(why, "headers", "a line without a colon");
        if (n == FIELDS_MAX)
            return refuse(why, "headers", "more than 32 lines");
        size_t name = (size_t)(colon - line.at);
        fields[n].name = (struct pl_span){line.at, name};
        fields[n].value = trimmed((struct pl_span){
            colon + 1, line.len > name ? line.len - name - 1 : 0});
        n++;
        rest.at += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    o->fields = fields;
    o->field_count = n;
    return PL_OK;
}

/* --- Proxies --- */

/* What curl and others read: the variable in small letters, for the scheme that
 * the URL stands for; no_proxy lists suffixes of hosts, or "*". */
static bool is_exempt(const char *host)
{
    const char *list = getenv("no_proxy");
    size_t len = strlen(host);

    while (list != NULL && *list != '\0') {
        size_t n = strcspn(list, ", ");
        const char *suffix = *list == '.' ? list + 1 : list;
        size_t m = n - (size_t)(suffix - list);

        if (n == 1 && *list == '*')
            return true;
        if (m > 0 && m <= len && strncasecmp(host + len - m, suffix, m) == 0 &&
            (m == len || host[len - m - 1] == '.'))
            return true;
        list += n;
        list += strspn(list, ", ");
    }
    return false;
}

static enum pl_err read_proxy(struct plc_terms *t, struct plc_target *to,
                              const char *proxy, char *why)
{
    struct pl_url url;
    struct pl_url_error error;
    struct pl_span user;

    if (proxy != NULL && strcmp(proxy, "env") == 0)
        proxy = is_exempt(to->host)
                    ? NULL
                    : getenv(to->is_tls ? "https_proxy" : "http_proxy");
    if (proxy == NULL || *proxy == '\0')
        return PL_OK;
    if (pl_url_read_proxy(pl_span_of(proxy), &url, &error) != PL_OK)
        return refuse(why, "proxy", error.text);
    to->proxy_host = plc_terms_copy(t, url.name);
    to->proxy_port = url.port;
    user = url.user;
    if (to->proxy_host == NULL)
        return PL_ENOMEM;
    if (user.at == NULL)
        return PL_OK;
    char *name = plc_terms_copy(t, user);
    char *word = plc_terms_copy(t, url.password);
    if (name == NULL || word == NULL)
        return PL_ENOMEM;
    size_t name_len = pl_url_decode(user, name);
    size_t word_len = pl_url_decode(url.password, word);
    if (name_len == SIZE_MAX || word_len == SIZE_MAX)
        return refuse(why, "proxy", "a % without two hexadecimal digits");
    name[name_len] = word[word_len] = '\0';
    to->proxy_user = name;
    to->proxy_word = word;
    return PL_OK;
}

/* --- URLs --- */

static enum pl_err copy_url(struct plc_terms *t, struct plc_link_terms *to,
                            const struct pl_url *url)
{
    struct pl_opening *o = &to->opening;

    to->target.host = plc_terms_copy(t, url->name);
    to->target.port = url->port;
    to->target.is_tls = url->is_tls;
    o->host = url->host;
    o->path = url->path;
    o->query = url->query;
    if (to->target.host == NULL || copy_span(t, &o->host) != PL_OK ||
        copy_span(t, &o->path) != PL_OK || copy_span(t, &o->query) != PL_OK)
        return PL_ENOMEM;
    return PL_OK;
}

static enum pl_err read_url(struct plc_terms *t, struct pl_span text,
                            const struct plc_link *link, char *why)
{
    struct plc_link_terms *to = &t->urls[t->url_count];
    struct pl_url url;
    struct pl_url_error error;

    if (t->url_count == URLS_MAX)
        return refuse(why, "url", "more than 16");
    if (pl_url_read(text, &url, &error) != PL_OK) {
        snprintf(why, PLC_TERMS_WHY_SIZE, "url: %s at byte %zu", error.text,
                 error.at);
        return PL_EINVAL;
    }
    memset(to, 0, sizeof *to);
    enum pl_err rc = copy_url(t, to, &url);
    if (rc == PL_OK)
        rc = read_proxy(t, &to->target, link->proxy, why);
    t->url_count++;
    return rc;
}

/* At least as many as there are, and not more than URLS_MAX. */
static size_t count_urls(const char *text)
{
    size_t n = 1;

    for (; (text = strchr(text, ' ')) != NULL && n < URLS_MAX; text++)
        n++;
    return n;
}

static enum pl_err read_urls(struct plc_terms *t, struct pl_span rest,
                             const struct plc_link *link, char *why)
{
    enum pl_err rc = PL_OK;

    while (rc == PL_OK && rest.len > 0) {
        const char *end = memchr(rest.at, ' ', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.at);

        if (len > 0)
            rc = read_url(t, (struct pl_span){rest.at, len}, link, why);
        rest.at += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    return rc == PL_OK && t->url_count == 0
               ? refuse(why, "url", "none is given")
               : rc;
}

/* --- All together --- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value == 0 ? fallback : value;
}

static enum pl_err fill_one(struct plc_terms *t, struct plc_link_terms *to,
                            const struct plc_link *link, char *why)
{
    to->connect_ms = or_default(link->connect_ms, CONNECT_MS);
    to->send_ms = or_default(link->send_ms, SEND_MS);
    to->close_ms = CLOSE_MS;
    to->message_in = or_default(link->message_in, MESSAGE_IN);
    to->opening.offers_deflate = (link->flags & PLC_NO_DEFLATE) == 0;
    to->opening.protocols = pl_span_of(link->subprotocol);
    to->target.tls = t->tls;
    if (to->target.is_tls && (link->flags & PLC_NO_RESUME) == 0)
        to->target.ticket = &to->ticket;
    to->target.resolve = link->resolve;
    to->target.resolve_arg = link->resolve_arg;
    if (copy_span(t, &to->opening.protocols) != PL_OK)
        return PL_ENOMEM;
    if (link->tls_name != NULL) {
        to->target.tls_name = plc_terms_copy(t, pl_span_of(link->tls_name));
        if (to->target.tls_name == NULL)
            return PL_ENOMEM;
    }
    if (link->headers == NULL)
        return PL_OK;
    struct pl_span headers = pl_span_of(link->headers);
    if (copy_span(t, &headers) != PL_OK)
        return PL_ENOMEM;
    return read_fields(t, &to->opening, headers, why);
}

static enum pl_err load_tls(struct plc_terms *t, const struct plc_link *link,
                            char *why)
{
    struct plc_tls_files files = {
        .ca_file = link->ca_file,
        .cert_file = link->cert_file,
        .key_file = link->key_file,
        .accepts_any = (link->flags & PLC_NO_VERIFY) != 0,
    };

    for (size_t i = 0; i < t->url_count; i++)
        if (t->urls[i].target.is_tls)
            return plc_tls_pool_take(t->tls_pool, &t->tls, &files, why,
                                     PLC_TERMS_WHY_SIZE);
    return PL_OK;
}

/* A wrong field is found now, not at the first attempt. */
static enum pl_err try_opening(const struct pl_opening *o, char *why)
{
    struct pl_http_failure f = {0};
    struct pl_buf b = {0};
    enum pl_err rc = pl_opening_write(o, &b, &f);

    if (rc == PL_EINVAL || rc == PL_ETOOBIG) {
        snprintf(why, PLC_TERMS_WHY_SIZE, "headers: %s%s%.*s", f.text,
                 f.what.at == NULL ? "" : ": ", (int)f.what.len,
                 f.what.at == NULL ? "" : f.what.at);
        rc = PL_EINVAL;
    }
    if (b.data != NULL)
        explicit_bzero(b.data, b.cap);
    pl_buf_fini(&b);
    return rc;
}

static enum pl_err check_options(struct plc_link *link, char *why)
{
    const uint32_t known =
        PLC_NO_VERIFY | PLC_NO_DEFLATE | PLC_PROTOBUF | PLC_NO_RESUME;

    if ((link->flags & ~known) != 0)
        return refuse(why, "flags", "unknown ones are set");
    if (link->key_file != NULL && link->cert_file == NULL)
        return refuse(why, "key_file", "it needs a cert_file");
    return PL_OK;
}

enum pl_err plc_terms_init(struct plc_terms *t, const char *urls,
                           const struct plc_link *given,
                           const struct plc_terms_defaults *defaults, char *why)
{
    struct plc_link link = {.size = sizeof link};

    memset(t, 0, sizeof *t);
    t->tls_pool = defaults->tls_pool;
    if (urls == NULL)
        return refuse(why, "url", "none is given");
    if (given != NULL && plc_options_copy(&link, sizeof link, given) != PL_OK)
        return refuse(why, "link", "its size is wrong, or a member is unknown");
    enum pl_err rc = check_options(&link, why);
    if (rc != PL_OK)
        return rc;
    t->flags = link.flags;
    t->queue_messages = or_default(link.queue_messages, QUEUE_MESSAGES);
    t->queue_bytes = or_default(link.queue_bytes, QUEUE_BYTES);
    t->full_wait_ms = link.full_wait_ms;
    t->message_out = or_default(link.message_out, defaults->message_out);
    t->strings.size = STRINGS_SIZE;
    t->urls = pl_arena_alloc(&t->strings, count_urls(urls) * sizeof *t->urls);
    if (t->urls == NULL)
        return PL_ENOMEM;
    rc = read_urls(t, pl_span_of(urls), &link, why);
    if (rc == PL_OK && t->url_count > 1 && !defaults->has_many_urls)
        rc = refuse(why, "url", "more than one is given");
    if (rc == PL_OK)
        rc = load_tls(t, &link, why);
    for (size_t i = 0; rc == PL_OK && i < t->url_count; i++) {
        rc = fill_one(t, &t->urls[i], &link, why);
        if (rc == PL_OK)
            rc = try_opening(&t->urls[i].opening, why);
    }
    return rc;
}

/* Headers and the proxy's word may be secrets. */
void plc_terms_fini(struct plc_terms *t)
{
    for (size_t i = 0; i < t->url_count; i++)
        plc_tls_ticket_fini(&t->urls[i].ticket);
    plc_tls_pool_give_back(t->tls_pool, t->tls);
    pl_arena_wipe(&t->strings);
}
