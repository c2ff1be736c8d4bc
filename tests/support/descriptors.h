/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.h - a process that has no descriptors left, and has them again.
 *
 * valgrind keeps descriptors of its own and bends the limit: tests that do this
 * skip themselves with PL_VALGRIND in the environment. */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <assert.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DESCRIPTORS_SPARE = 64 };

struct descriptors {
    int taken[DESCRIPTORS_SPARE];
    int count;
    struct rlimit before;
};

/* Take every descriptor that the process may still have, under a limit that is
 * a little above the highest one in use. */
static inline void descriptors_use_up(struct descriptors *d)
{
    int highest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rlimit low;

    assert(highest >= 0);
    getrlimit(RLIMIT_NOFILE, &d->before);
    low = d->before;
    low.rlim_cur = (rlim_t)highest + DESCRIPTORS_SPARE / 2;
    setrlimit(RLIMIT_NOFILE, &low);
    d->taken[0] = highest;
    d->count = 1;
    while (d->count < DESCRIPTORS_SPARE &&
           (d->taken[d->count] = dup(highest)) >= 0)
        d->count++;
    assert(d->count < DESCRIPTORS_SPARE);
}

static inline void descriptors_give_back(struct descriptors *d)
{
    while (d->count > 0)
        close(d->taken[--d->count]);
    setrlimit(RLIMIT_NOFILE, &d->before);
}

#endif
