/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c - see origin.h.
 *
 * The text is split before any comparison and refused if it is no serialized
 * origin (RFC 6454, section 6.2).  So a star of a pattern never matches
 * characters that a host cannot have ("https://evil.example?.example.net").
 *
 * A missing port is the default of the scheme, on both sides: a proxy may add
 * ":443" to Host where the browser omits it.  The scheme must be https on a TLS
 * listener.  On a plain listener it may be http or https, because a proxy may
 * terminate TLS.
 *
 * Invariant: nothing is allowed without a rule; only "*" allows "null". */
#include "origin.h"

#include "host.h"
#include "http.h"

struct origin {
    struct pl_span scheme, name, port;
};

static bool is_scheme(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char low = pl_http_lower(s.at[i]);

        if (low >= 'a' && low <= 'z')
            continue;
        if (i == 0 || !((low >= '0' && low <= '9') || low == '+' ||
                        low == '-' || low == '.'))
            return false;
    }
    return s.len > 0;
}

static bool split(struct pl_span text, struct origin *out)
{
    const char *end =
        text.len == 0 ? NULL : memmem(text.at, text.len, "://", 3);

    if (end == NULL)
        return false;
    out->scheme = (struct pl_span){text.at, (size_t)(end - text.at)};
    return is_scheme(out->scheme) &&
           pl_host_split(
               (struct pl_span){end + 3, text.len - out->scheme.len - 3},
               &out->name, &out->port);
}

static struct pl_span default_port(struct pl_span scheme)
{
    if (pl_http_equal(scheme, PL_SPAN("https")))
        return PL_SPAN("443");
    if (pl_http_equal(scheme, PL_SPAN("http")))
        return PL_SPAN("80");
    return PL_SPAN("");
}

static bool is_web(const struct origin *o, bool is_tls)
{
    return pl_http_equal(o->scheme, PL_SPAN("https")) ||
           (!is_tls && pl_http_equal(o->scheme, PL_SPAN("http")));
}

static bool equals_host(const struct origin *o, struct pl_span host)
{
    struct pl_span name, port[2] = {o->port, {NULL, 0}};

    if (host.at == NULL || !pl_host_split(host, &name, &port[1]))
        return false;
    for (int i = 0; i < 2; i++)
        if (port[i].len == 0)
            port[i] = default_port(o->scheme);
    return pl_http_equal(o->name, name) && pl_span_equal(port[0], port[1]);
}

bool pl_origin_is_allowed(struct pl_span origin, struct pl_span host,
                          bool is_tls, const char *const *allowed, size_t count)
{
    struct origin o;

    if (origin.at == NULL)
        return true;
    bool is_whole = split(origin, &o);
    if (count == 0)
        return is_whole && is_web(&o, is_tls) && equals_host(&o, host);
    for (size_t i = 0; i < count; i++)
        if (strcmp(allowed[i], "*") == 0 ||
            (is_whole && pl_http_matches(pl_span_of(allowed[i]), origin)))
            return true;
    return false;
}

bool pl_origin_is_loopback(struct pl_span origin)
{
    struct origin o;

    if (origin.at == NULL)
        return true;
    return split(origin, &o) && is_web(&o, false) &&
           pl_host_is_loopback(o.name);
}
