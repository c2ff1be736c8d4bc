/* SPDX-License-Identifier: Apache-2.0 */
/* leak_roots.c - where the search for leaks begins.
 *
 * At the end of a program LeakSanitizer reads the data of each library, since a
 * pointer there keeps memory in use.  libasan itself has 5 MB of it, tables
 * that hold no pointer of the program: to read them took half of the time of a
 * short test.  LeakSanitizer asks dl_iterate_phdr() for the libraries, twice:
 * to stop the threads, and within that call to search.  This one leaves libasan
 * out of the inner list.  All other callers get the list of the C library as it
 * is.
 *
 * Fewer roots can only find more leaks, never fewer: see the tests sanitizer.*.
 * Rejected: use_globals=0 with a root region for each library, for which
 * LeakSanitizer reads /proc/self/maps once a region; and no search in some
 * tests. */
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

typedef int each_library(struct dl_phdr_info *info, size_t size, void *arg);

struct walk {
    each_library *each;
    void *arg;
};

static int (*walk_libraries)(each_library *each, void *arg);
static _Thread_local int
    depth; /* LeakSanitizer's thread has that of its caller */

static int pass_on(struct dl_phdr_info *info, size_t size, void *arg)
{
    const struct walk *w = arg;

    if (depth > 1 && strstr(info->dlpi_name, "/libasan.so") != NULL)
        return 0;
    return w->each(info, size, w->arg);
}

__attribute__((visibility("default"))) int dl_iterate_phdr(each_library *each,
                                                           void *arg)
{
    struct walk w = {each, arg};
    int result;

    if (walk_libraries == NULL)
        *(void **)&walk_libraries = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    depth++;
    result = walk_libraries(pass_on, &w);
    depth--;
    return result;
}
