/* SPDX-License-Identifier: Apache-2.0 */
/* name_pattern.c - see name_pattern.h.
 *
 * A match has a bound of steps (base/pattern.c).  A name for which they do not
 * suffice does not match, so an expensive expression refuses names instead of
 * blocking a loop.
 *
 * Rejected: a reference count in base/pattern.c, because the patterns of tokens
 * have one owner each. */
#include "name_pattern.h"

#include <stdlib.h>

#include "pattern.h"
#include "refs.h"

struct pl_name_pattern {
    struct pl_refs refs;
    struct pl_pattern *pattern; /* owned */
};

enum pl_err pl_name_pattern_create(struct pl_name_pattern **out,
                                   const char *text)
{
    struct pl_name_pattern *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    pl_refs_init(&p->refs);
    enum pl_err rc = pl_pattern_create(&p->pattern, pl_span_of(text));
    if (rc == PL_OK)
        *out = p;
    else
        free(p);
    return rc;
}

struct pl_name_pattern *pl_name_pattern_hold(struct pl_name_pattern *p)
{
    if (p != NULL)
        pl_refs_hold(&p->refs);
    return p;
}

void pl_name_pattern_release(struct pl_name_pattern *p)
{
    if (p == NULL || !pl_refs_release(&p->refs))
        return;
    pl_pattern_destroy(p->pattern);
    free(p);
}

bool pl_name_pattern_matches(const struct pl_name_pattern *p,
                             struct pl_span name)
{
    return pl_pattern_matches(p->pattern, name);
}
