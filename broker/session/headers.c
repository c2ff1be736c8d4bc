/* SPDX-License-Identifier: Apache-2.0 */
/* headers.c - see headers.h.
 *
 * A map of the session manager finds the headers by the session's slot, as in
 * wait.c: a pointer in the session would make each idle session larger, and
 * only sessions before their connect have headers.
 *
 * Invariant: a session after its connect has no entry in the map. */
#include "headers.h"

#include <stdlib.h>

#include "handlers.h"
#include "map.h"
#include "session_parts.h"
#include "session_settings.h"

struct headers {
    struct pl_map_node node; /* in the session manager's map */
    size_t len;
    char bytes[];
};

static bool is_any(const struct pl_map_node *n, const void *key)
{
    (void)n;
    (void)key;
    return true; /* a slot is its own hash, and unique on its loop */
}

static struct headers *find(const struct pl_session *s)
{
    struct pl_map *map = pl_session_headers(s);
    struct pl_map_node *n =
        map->count == 0
            ? NULL
            : pl_map_find(map, pl_session_address(s).slot, is_any, NULL);

    return n == NULL ? NULL : PL_CONTAINER(n, struct headers, node);
}

bool pl_session_wants_headers(const struct pl_session *s)
{
    return pl_session_config(s)->connect.headers.count > 0 &&
           pl_handlers_judge(pl_session_handlers(s));
}

bool pl_session_keep_headers(struct pl_session *s, struct pl_span headers)
{
    struct headers *h = malloc(sizeof *h + headers.len);

    if (h == NULL || pl_map_add(pl_session_headers(s), &h->node,
                                pl_session_address(s).slot) != PL_OK) {
        free(h);
        return false;
    }
    h->len = headers.len;
    memcpy(h->bytes, headers.at, headers.len);
    return true;
}

struct pl_span pl_headers_of(const struct pl_session *s)
{
    const struct headers *h = find(s);
    struct pl_span none = {NULL, 0};

    return h == NULL ? none : (struct pl_span){h->bytes, h->len};
}

uint64_t pl_headers_bytes(const struct pl_session *s)
{
    return pl_headers_of(s).len;
}

void pl_headers_forget(struct pl_session *s)
{
    struct headers *h = find(s);

    if (h == NULL)
        return;
    pl_map_remove(pl_session_headers(s), &h->node);
    free(h);
}
