/* SPDX-License-Identifier: Apache-2.0 */
/* parleyd_late.c - parleyd on the stores of late_store.h, for the suites of
 * tests/integration: whatever answers at once in the broker answers later here.
 *
 * The environment says how: PL_LATE_DELAY_MS (5), PL_LATE_FAIL_PERMILLE (0),
 * PL_LATE_LIMIT (0: none) and PL_LATE_SEED (1).  Each loop's stores have a
 * seed of their own, so that loops do not answer in step. */
#include <stdlib.h>

#include "daemon.h"
#include "late_store.h"
#include "loop.h"
#include "reactor.h"

static uint32_t number(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 10);
}

static enum pl_err make_late_stores(struct pl_channels_options *options,
                                    struct pl_reactor *reactor, void *arg)
{
    struct pl_loop *loop = pl_reactor_loop(reactor);
    struct pl_late_options late = {
        .seed = (uint64_t)number("PL_LATE_SEED", 1) + pl_loop_index(loop),
        .delay_ms = number("PL_LATE_DELAY_MS", 5),
        .fail_permille = number("PL_LATE_FAIL_PERMILLE", 0),
        .limit = number("PL_LATE_LIMIT", 0),
    };

    (void)arg;
    return pl_late_stores_create(options, loop, &late);
}

int main(int argc, char **argv)
{
    return pl_daemon_run(argc, argv, make_late_stores);
}
