/* SPDX-License-Identifier: Apache-2.0 */
/* late_echo.c - see late_echo.h.
 *
 * A publication of another epoch does harm where its offset fits, which chance
 * alone would hardly ever hit; so it is looked for.  An epoch begins with low
 * offsets: those of earlier epochs are kept apart, since the ring of the newest
 * has lost them by then. */
#include "late_echo.h"

enum { LOW_OFFSET = 8 };

static void put(struct pl_late_ring *r, struct pl_pub *pub)
{
    unsigned i = r->next++ % PL_LATE_ECHOES;

    pl_pub_release(r->at[i]);
    r->at[i] = pl_pub_hold(pub);
}

void pl_late_echo_put(struct pl_late_echo *e, struct pl_pub *pub)
{
    put(&e->newest, pub);
    if (pub->offset <= LOW_OFFSET)
        put(&e->first, pub);
}

static bool is_of_channel(const struct pl_pub *p, const struct pl_pub *newest)
{
    return p != NULL && p->offset != 0 &&
           pl_span_equal(pl_pub_channel(p), pl_pub_channel(newest));
}

static bool would_fit(const struct pl_pub *p, const struct pl_pub *newest)
{
    return p->offset == newest->offset + 1 &&
           memcmp(p->epoch, newest->epoch, sizeof p->epoch) != 0;
}

struct pl_pub *pl_late_echo_pick(const struct pl_late_echo *e,
                                 const struct pl_pub *newest,
                                 struct pl_random *random)
{
    unsigned first = (unsigned)pl_random_below(random, PL_LATE_ECHOES);
    struct pl_pub *any = NULL;

    for (unsigned i = 0; i < PL_LATE_ECHOES; i++) {
        struct pl_pub *old = e->first.at[i];
        struct pl_pub *p = e->newest.at[(first + i) % PL_LATE_ECHOES];

        if (is_of_channel(old, newest) && would_fit(old, newest))
            return pl_pub_hold(old);
        if (any == NULL && is_of_channel(p, newest))
            any = p;
    }
    return pl_pub_hold(any);
}

void pl_late_echo_fini(struct pl_late_echo *e)
{
    for (unsigned i = 0; i < PL_LATE_ECHOES; i++) {
        pl_pub_release(e->newest.at[i]);
        pl_pub_release(e->first.at[i]);
    }
}
