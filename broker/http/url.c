/* SPDX-License-Identifier: Apache-2.0 */
/* url.c - see url.h.
 *
 * Programs differ most in hosts, so a host has one form only: a name is made of
 * letters, digits, "-", "_" and dots; a name whose last label is a number must
 * be an IPv4 address of four decimal numbers, because some resolvers take
 * "127.1" or "0x7f.1" for one.  host.c is wider: it compares names and never
 * resolves one.
 *
 * Rejected: percent-decoding a host, and converting names that are not ASCII,
 * because programs disagree about both.
 *
 * Invariant: what is returned has visible ASCII characters only, and can stand
 * in a request as it is. */
#include "url.h"

#include <arpa/inet.h>

#include "http.h"

enum { DIGITS_MAX = 5, PORT_MAX = 65535, PORT_WS = 80, PORT_WSS = 443 };

/* A URL that is being read. */
struct reading {
    bool is_proxy;
    struct pl_span text;
    struct pl_span rest; /* not read yet */
    struct pl_url url;
    struct pl_url_error error;
};

/* Record an error at the byte `at` of the URL.  Return false. */
static bool refuse(struct reading *r, const char *at, const char *text)
{
    r->error = (struct pl_url_error){text, (size_t)(at - r->text.at)};
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void take(struct reading *r, size_t len)
{
    r->rest.at += len;
    r->rest.len -= len;
}

/* What can stand nowhere in a URL. */
static bool check_characters(struct reading *r)
{
    for (size_t i = 0; i < r->text.len; i++) {
        const char *at = r->text.at + i;

        if (*at == '#')
            return refuse(r, at, "a fragment is not allowed");
        if (*at <= ' ' || *at > '~')
            return refuse(
                r, at,
                "only visible ASCII characters are allowed: encode "
                "others, and write names in their form with \"xn--\"");
    }
    return r->text.len > 0 || refuse(r, r->text.at, "the URL is empty");
}

static bool read_scheme(struct reading *r)
{
    const char *end = memmem(r->text.at, r->text.len, "://", 3);
    struct pl_span scheme = {r->text.at, 0};

    if (end != NULL)
        scheme.len = (size_t)(end - r->text.at);
    take(r, scheme.len + (end != NULL ? 3 : 0));
    if (r->is_proxy)
        return pl_http_equal(scheme, PL_SPAN("http")) ||
               refuse(r, r->text.at, "the URL must begin with http://");
    r->url.is_tls = pl_http_equal(scheme, PL_SPAN("wss"));
    if (!r->url.is_tls && !pl_http_equal(scheme, PL_SPAN("ws")))
        return refuse(r, r->text.at, "the URL must begin with ws:// or wss://");
    return true;
}

/* Remove "user:password@" from the start of an authority.  Its end is the first
 * "@": a second one can stand in no host. */
static void take_user(struct reading *r, struct pl_span *authority,
                      const char *end)
{
    size_t len = (size_t)(end - authority->at);
    const char *colon = len == 0 ? NULL : memchr(authority->at, ':', len);

    r->url.user = (struct pl_span){authority->at, len};
    if (colon != NULL) {
        r->url.user.len = (size_t)(colon - authority->at);
        r->url.password =
            (struct pl_span){colon + 1, len - r->url.user.len - 1};
    }
    authority->at += len + 1;
    authority->len -= len + 1;
}

/* Separate the authority, which ends before the path or the query. */
static bool take_authority(struct reading *r, struct pl_span *authority)
{
    size_t len = 0;

    while (len < r->rest.len && r->rest.at[len] != '/' &&
           r->rest.at[len] != '?')
        len++;
    *authority = (struct pl_span){r->rest.at, len};
    take(r, len);
    const char *end = len == 0 ? NULL : memchr(authority->at, '@', len);
    if (end == NULL)
        return true;
    if (!r->is_proxy)
        return refuse(r, authority->at,
                      "a user or password is not allowed in the URL");
    take_user(r, authority, end);
    return true;
}

static bool is_address(int family, struct pl_span name)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr ignored;

    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    return inet_pton(family, text, &ignored) == 1;
}

static bool is_name_char(char c)
{
    char low = pl_http_lower(c);

    return (low >= 'a' && low <= 'z') || is_digit(c) || c == '-' || c == '_';
}

/* Check the labels of a name; *last is the last one.  One dot may follow it. */
static bool check_labels(struct reading *r, struct pl_span name,
                         struct pl_span *last)
{
    size_t from = 0;

    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && is_name_char(name.at[i]))
            continue;
        if (i < name.len && name.at[i] != '.')
            return refuse(r, name.at + i, "a host has no such character");
        if (i == name.len && i == from && from > 0)
            break; /* after the last dot */
        if (i == from)
            return refuse(r, name.at + i, "a part of the host is empty");
        if (i - from > PL_URL_LABEL_MAX)
            return refuse(r, name.at + from, "a part of the host is too long");
        *last = (struct pl_span){name.at + from, i - from};
        from = i + 1;
    }
    return true;
}

/* True for a decimal number, and for a hexadecimal one after "0x". */
static bool is_number(struct pl_span label)
{
    bool is_hex = label.len >= 2 && label.at[0] == '0' &&
                  pl_http_lower(label.at[1]) == 'x';

    for (size_t i = is_hex ? 2 : 0; i < label.len; i++) {
        char low = pl_http_lower(label.at[i]);

        if (!is_digit(low) && !(is_hex && low >= 'a' && low <= 'f'))
            return false;
    }
    return true;
}

static bool read_name(struct reading *r, struct pl_span name)
{
    struct pl_span last = {NULL, 0};

    if (name.len == 0)
        return refuse(r, name.at, "the host is missing");
    if (name.len > PL_URL_NAME_MAX)
        return refuse(r, name.at, "the host is too long");
    if (!check_labels(r, name, &last))
        return false;
    r->url.name = name;
    r->url.kind = is_number(last) ? PL_URL_IPV4 : PL_URL_NAME;
    return r->url.kind == PL_URL_NAME || is_address(AF_INET, name) ||
           refuse(r, name.at, "an IPv4 address is not four numbers");
}

/* `name` begins with "[". */
static bool read_literal(struct reading *r, struct pl_span name)
{
    if (name.at[name.len - 1] != ']')
        return refuse(r, name.at, "a \"]\" is missing");
    r->url.kind = PL_URL_IPV6;
    r->url.name = (struct pl_span){name.at + 1, name.len - 2};
    return is_address(AF_INET6, r->url.name) ||
           refuse(r, name.at + 1, "this is not an IPv6 address");
}

/* Read the port after its colon; an empty one is the default. */
static bool read_port(struct reading *r, struct pl_span digits)
{
    uint32_t port = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.at[i]))
            return refuse(r, digits.at + i, "a port is a number");
        port = port * 10 + (uint32_t)(digits.at[i] - '0'); /* may wrap */
    }
    if (digits.len == 0)
        return true;
    if (digits.len > DIGITS_MAX || port > PORT_MAX || *digits.at == '0')
        return refuse(r, digits.at, "a port is a number from 1 to 65535");
    r->url.port = (uint16_t)port;
    return true;
}

static bool read_authority(struct reading *r, struct pl_span authority)
{
    uint16_t usual = r->url.is_tls ? PORT_WSS : PORT_WS;
    bool is_literal = authority.len > 0 && *authority.at == '[';
    const char *end =
        authority.len == 0
            ? NULL
            : memchr(authority.at, is_literal ? ']' : ':', authority.len);
    struct pl_span name = authority, port = {"", 0};

    if (end != NULL)
        name.len = (size_t)(end - authority.at) + is_literal;
    if (name.len < authority.len) {
        port = (struct pl_span){name.at + name.len + 1,
                                authority.len - name.len - 1};
        if (port.at[-1] != ':')
            return refuse(r, port.at - 1, "a port begins with a colon");
    }
    r->url.port = usual;
    if (!(is_literal ? read_literal(r, name) : read_name(r, name)) ||
        !read_port(r, port))
        return false;
    r->url.host = r->url.port == usual ? name : authority;
    return true;
}

static void read_target(struct reading *r)
{
    const char *query =
        r->rest.len == 0 ? NULL : memchr(r->rest.at, '?', r->rest.len);

    r->url.path = r->rest;
    if (query != NULL) {
        r->url.path.len = (size_t)(query - r->rest.at);
        r->url.query =
            (struct pl_span){query + 1, r->rest.len - r->url.path.len - 1};
    }
    if (r->url.path.len == 0)
        r->url.path = PL_SPAN("/");
}

static bool read_url(struct reading *r)
{
    struct pl_span authority;

    if (r->text.len > PL_URL_MAX)
        return refuse(r, r->text.at + PL_URL_MAX, "the URL is too long");
    if (!check_characters(r) || !read_scheme(r) ||
        !take_authority(r, &authority) || !read_authority(r, authority))
        return false;
    if (r->is_proxy && r->rest.len > 0 && !pl_span_equal(r->rest, PL_SPAN("/")))
        return refuse(r, r->rest.at, "the URL of a proxy has no path");
    read_target(r);
    return true;
}

static enum pl_err read_whole(struct pl_span text, bool is_proxy,
                              struct pl_url *out, struct pl_url_error *error)
{
    struct reading r = {.is_proxy = is_proxy, .text = text, .rest = text};

    if (text.at == NULL)
        r.text = r.rest = PL_SPAN("");
    if (!read_url(&r)) {
        *error = r.error;
        return PL_EINVAL;
    }
    *out = r.url;
    return PL_OK;
}

enum pl_err pl_url_read(struct pl_span text, struct pl_url *out,
                        struct pl_url_error *error)
{
    return read_whole(text, false, out, error);
}

enum pl_err pl_url_read_proxy(struct pl_span text, struct pl_url *out,
                              struct pl_url_error *error)
{
    return read_whole(text, true, out, error);
}

static unsigned hex_of(char c)
{
    char low = pl_http_lower(c);

    if (is_digit(c))
        return (unsigned)(c - '0');
    return low >= 'a' && low <= 'f' ? (unsigned)(low - 'a') + 10 : 16;
}

size_t pl_url_decode(struct pl_span encoded, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < encoded.len; i++) {
        out[len] = encoded.at[i];
        if (encoded.at[i] == '%') {
            if (encoded.len - i < 3 || hex_of(encoded.at[i + 1]) > 15 ||
                hex_of(encoded.at[i + 2]) > 15)
                return SIZE_MAX;
            out[len] = (char)(hex_of(encoded.at[i + 1]) << 4 |
                              hex_of(encoded.at[i + 2]));
            i += 2;
        }
        len++;
    }
    return len;
}
