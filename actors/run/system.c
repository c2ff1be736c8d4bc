/* SPDX-License-Identifier: Apache-2.0 */
/* system.c - see system.h.
 *
 * The table of loops never changes while they run, so any thread finds any loop
 * without a lock.  Destroying takes two rounds: first reap the actors of all
 * loops, because reaping may send mail to other loops; then free the loops with
 * the mail that is left. */
#include "system.h"

#include <stdlib.h>

#include "loop_private.h"

enum { LOOPS_MAX = 1024 };

static enum pl_err create_loops(struct pl_system *s,
                                const struct pl_system_options *options)
{
    for (unsigned i = 0; i < options->loops; i++) {
        enum pl_err rc = pl_loop_create(&s->loops[i], s, i, options);
        if (rc != PL_OK)
            return rc;
    }
    return PL_OK;
}

enum pl_err pl_system_create(struct pl_system **out,
                             const struct pl_system_options *options)
{
    if (options->loops < 1 || options->loops > LOOPS_MAX)
        return PL_EINVAL;
    struct pl_system *s = calloc(1, sizeof *s);
    if (s == NULL)
        return PL_ENOMEM;
    s->clock = options->clock != NULL ? options->clock : &pl_clock_system;
    s->node = options->node;
    s->loop_count = options->loops;
    s->loops = calloc(options->loops, sizeof *s->loops);
    if (s->loops == NULL || create_loops(s, options) != PL_OK) {
        pl_system_destroy(s);
        return PL_ENOMEM;
    }
    *out = s;
    return PL_OK;
}

void pl_system_close(struct pl_system *s)
{
    for (unsigned i = 0; s->loops != NULL && i < s->loop_count; i++) {
        if (s->loops[i] != NULL)
            pl_loop_handle_close(s->loops[i]->handle);
    }
}

void pl_system_reap(struct pl_system *s)
{
    for (unsigned i = 0; s->loops != NULL && i < s->loop_count; i++) {
        if (s->loops[i] != NULL)
            pl_actor_reap_left(s->loops[i]);
    }
}

void pl_system_destroy(struct pl_system *s)
{
    if (s == NULL)
        return;
    pl_system_close(s);
    pl_system_reap(s);
    for (unsigned i = 0; s->loops != NULL && i < s->loop_count; i++)
        pl_loop_destroy(s->loops[i]);
    free(s->loops);
    free(s);
}

void pl_system_set_gateway(struct pl_system *s, struct pl_address gateway)
{
    s->gateway = gateway;
}

unsigned pl_system_loop_count(const struct pl_system *s)
{
    return s->loop_count;
}

struct pl_loop *pl_system_loop(struct pl_system *s, unsigned index)
{
    return s->loops[index];
}

const struct pl_clock *pl_system_clock(const struct pl_system *s)
{
    return s->clock;
}
