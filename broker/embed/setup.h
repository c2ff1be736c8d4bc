/* SPDX-License-Identifier: Apache-2.0 */
/* setup.h - reads the options of parley.h that say their size.  Private to this
 * module. */
#ifndef PL_BROKER_SETUP_H
#define PL_BROKER_SETUP_H

#include "parley.h"

enum { PL_LISTENERS_MAX = 64 };

/* Copy the options `from`, a struct `name` that begins with its size_t `size`,
 * to `to`, which has `known` bytes.  The log names options that cannot be used.
 * Errors: PL_EINVAL: the size is below `least`, or a member beyond `known` is
 *         set. */
enum pl_err pl_options_copy(void *to, size_t known, size_t least,
                            const void *from, const char *name);

/* The listeners of a setup. */
struct pl_sockets {
    int fds[PL_LISTENERS_MAX];
    size_t count;
    size_t given; /* by the program; those after them come from systemd */
};

/* Copy and check the options of a broker and their events, which are all zero
 * if there are none.  The listeners of *to are those of *sockets; none is
 * changed.
 * Errors: PL_EINVAL, as the log says. */
enum pl_err pl_setup_read(struct pl_broker_setup *to, struct pl_events *events,
                          struct pl_sockets *sockets,
                          const struct pl_broker_setup *from);

#endif
