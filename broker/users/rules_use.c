/* SPDX-License-Identifier: Apache-2.0 */
/* rules_use.c - see rules_use.h.
 *
 * The list has one place per number of a rulebook.  After a reload a number
 * means other rules: their use takes the place, and the old one lives until its
 * last channel drops it.
 *
 * Rejected: an index in spare bits of a channel, because each access needs a
 * mask and a table.  A reference in each channel, because it costs 8 bytes and
 * makes loops write to the same cache line.
 *
 * Invariant: a use in the list, and no other, is found again; each use has at
 * least one channel. */
#include "rules_use.h"

#include <assert.h>
#include <stdlib.h>

static bool make_space(struct pl_rules_uses *u, uint32_t number)
{
    if (number < u->count)
        return true;
    struct pl_rules_use **at = realloc(u->at, (number + 1) * sizeof *at);
    if (at == NULL)
        return false;
    for (; u->count <= number; u->count++)
        at[u->count] = NULL;
    u->at = at;
    return true;
}

struct pl_rules_use *pl_rules_use_take(struct pl_rules_uses *u,
                                       struct pl_rules *r)
{
    struct pl_rules_use *use = r->number < u->count ? u->at[r->number] : NULL;

    if (use == NULL || use->rules != r) {
        use = make_space(u, r->number) ? calloc(1, sizeof *use) : NULL;
        if (use == NULL)
            return NULL;
        use->owner = u->owner;
        use->rules = pl_rules_hold(r);
        u->at[r->number] = use;
    }
    use->channels++;
    return use;
}

void pl_rules_use_drop(struct pl_rules_uses *u, struct pl_rules_use *use)
{
    if (use == NULL || --use->channels > 0)
        return;
    if (u->at[use->rules->number] == use)
        u->at[use->rules->number] = NULL;
    pl_rules_release(use->rules);
    free(use);
}

void pl_rules_uses_fini(struct pl_rules_uses *u)
{
    for (uint32_t i = 0; i < u->count; i++)
        assert(u->at[i] == NULL);
    free(u->at);
    u->at = NULL;
    u->count = 0;
}

bool pl_rules_use_renew(struct pl_rules_uses *u, struct pl_rules_use **use,
                        struct pl_rules *r)
{
    if ((*use)->rules->generation >= r->generation)
        return true;
    struct pl_rules_use *newer = pl_rules_use_take(u, r);
    if (newer == NULL)
        return false;
    pl_rules_use_drop(u, *use);
    *use = newer;
    return true;
}
