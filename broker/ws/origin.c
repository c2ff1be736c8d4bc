/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c - see origin.h.
 *
 * A port that is not written is the scheme's, on both sides: a proxy may add
 * ":443" to Host where the browser leaves it out.  The scheme itself is not
 * compared with ours, because TLS may end before us.
 *
 * Invariant: nothing is allowed that no rule names; "null" is an origin like
 * others and equals no host. */
#include "origin.h"

#include "http.h"

/* Host and port of "host:port"; no port gives an absent one. */
static void split_port(struct pl_span whole, struct pl_span *host,
                       struct pl_span *port)
{
    *host = whole;
    *port = (struct pl_span){NULL, 0};
    for (size_t i = whole.len; i > 0 && whole.at[i - 1] != ']'; i--) {
        if (whole.at[i - 1] != ':')
            continue;
        *host = (struct pl_span){whole.at, i - 1};
        *port = (struct pl_span){whole.at + i, whole.len - i};
        return;
    }
}

static struct pl_span default_port(struct pl_span scheme)
{
    if (pl_http_equal(scheme, PL_SPAN("https")))
        return PL_SPAN("443");
    if (pl_http_equal(scheme, PL_SPAN("http")))
        return PL_SPAN("80");
    return PL_SPAN("");
}

static bool equals_host(struct pl_span origin, struct pl_span host)
{
    struct pl_span name[2], port[2];
    const char *end = memmem(origin.at, origin.len, "://", 3);

    if (end == NULL || host.at == NULL)
        return false;
    struct pl_span scheme = {origin.at, (size_t)(end - origin.at)};
    struct pl_span rest = {end + 3, origin.len - scheme.len - 3};
    split_port(rest, &name[0], &port[0]);
    split_port(host, &name[1], &port[1]);
    for (int i = 0; i < 2; i++)
        if (port[i].len == 0)
            port[i] = default_port(scheme);
    return name[0].len > 0 && pl_http_equal(name[0], name[1]) &&
           pl_span_equal(port[0], port[1]);
}

bool pl_origin_is_allowed(struct pl_span origin, struct pl_span host,
                          const char *const *allowed, size_t count)
{
    if (origin.at == NULL)
        return true;
    if (count == 0)
        return equals_host(origin, host);
    for (size_t i = 0; i < count; i++)
        if (strcmp(allowed[i], "*") == 0 ||
            pl_http_matches(pl_span_of(allowed[i]), origin))
            return true;
    return false;
}
