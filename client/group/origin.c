/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c - see origin.h.
 *
 * A page that the kernel fills with zeros in a child says it for the price of a
 * read.  Where the kernel does not know that advice (before Linux 4.14), the
 * number of the process does.
 *
 * Rejected: pthread_atfork().  Its handlers belong to the whole process and
 * cannot be taken back; getpid() for each call, which is a system call.
 *
 * Invariant: nothing writes to the page after plc_origin_create(). */
#include "origin.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct plc_origin {
    pid_t pid;
    bool has_mark; /* the kernel wipes it */
    bool *mark;    /* a page */
};

enum pl_err plc_origin_create(struct plc_origin **out)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    struct plc_origin *o = calloc(1, sizeof *o);

    if (o == NULL)
        return PL_ENOMEM;
    o->pid = getpid();
    o->mark = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (o->mark == MAP_FAILED) {
        free(o);
        return PL_ENOMEM;
    }
    o->has_mark = madvise(o->mark, size, MADV_WIPEONFORK) == 0;
    *o->mark = true;
    *out = o;
    return PL_OK;
}

void plc_origin_destroy(struct plc_origin *o)
{
    if (o == NULL)
        return;
    munmap(o->mark, (size_t)sysconf(_SC_PAGESIZE));
    free(o);
}

bool plc_origin_is_here(const struct plc_origin *o)
{
    if (o == NULL)
        return true;
    return o->has_mark ? *o->mark : o->pid == getpid();
}
