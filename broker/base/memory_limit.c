/* SPDX-License-Identifier: Apache-2.0 */
/* memory_limit.c - see memory_limit.h.
 *
 * /proc/self/cgroup names the control group: "0::/a/b" in version 2,
 * "4:memory:/a/b" in version 1; see cgroups(7).  The groups above limit it as
 * well, so all are read.  In a container the name is often the host's while the
 * files begin at the container's own group.  Then no file of that name exists,
 * and the topmost file, which is always read, counts.
 *
 * Rejected: /sys/fs/cgroup/memory.current as the memory in use, because it
 * includes the page cache, which the kernel frees before it kills a process,
 * and all other processes of the group.
 *
 * Invariant: a value that cannot be read or parsed limits nothing. */
#include "memory_limit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { NAME_MAX_LEN = 1024, LINE_LEN = 1200, KIB = 1024 };

static void lower(uint64_t *limit, uint64_t by)
{
    if (by > 0 && (*limit == 0 || by < *limit))
        *limit = by;
}

/* Return the number in a file; 0 if it is "max" or the file does not exist. */
static uint64_t number_in(const char *path)
{
    FILE *f = fopen(path, "re");
    uint64_t n;

    if (f == NULL)
        return 0;
    // a file of the kernel: NOLINTNEXTLINE(cert-err34-c)
    if (fscanf(f, "%" SCNu64, &n) != 1)
        n = 0;
    fclose(f);
    return n;
}

/* Read `file` of the group `name` below `mount` and of each group above it. */
static void lower_by_groups(uint64_t *limit, const char *root,
                            const char *mount, char *name, const char *file)
{
    char path[2 * LINE_LEN];

    for (char *end; (end = strrchr(name, '/')) != NULL; *end = '\0') {
        snprintf(path, sizeof path, "%s%s%s/%s", root, mount, name, file);
        lower(limit, number_in(path));
    }
    snprintf(path, sizeof path, "%s%s/%s", root, mount, file);
    lower(limit, number_in(path));
}

/* True if "memory" is in this comma-separated list. */
static bool has_memory(const char *list)
{
    static const char word[] = "memory";
    const char *at = strstr(list, word);

    while (at != NULL) {
        char after = at[sizeof word - 1];

        if ((at == list || at[-1] == ',') && (after == '\0' || after == ','))
            return true;
        at = strstr(at + 1, word);
    }
    return false;
}

/* Parse "number:controllers:name". */
static void lower_by_line(uint64_t *limit, const char *root, char *line)
{
    char *list = strchr(line, ':');
    char *name = list == NULL ? NULL : strchr(list + 1, ':');

    line[strcspn(line, "\n")] = '\0';
    if (name == NULL || name[1] != '/' || strlen(name) > NAME_MAX_LEN)
        return;
    *list++ = *name++ = '\0';
    if (*list == '\0')
        lower_by_groups(limit, root, "/sys/fs/cgroup", name, "memory.max");
    else if (has_memory(list))
        lower_by_groups(limit, root, "/sys/fs/cgroup/memory", name,
                        "memory.limit_in_bytes");
}

static FILE *open_below(const char *root, const char *path)
{
    char whole[LINE_LEN];

    snprintf(whole, sizeof whole, "%s%s", root, path);
    return fopen(whole, "re");
}

static void lower_by_cgroups(uint64_t *limit, const char *root)
{
    FILE *f = open_below(root, "/proc/self/cgroup");
    char line[LINE_LEN];

    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        lower_by_line(limit, root, line);
    if (f != NULL)
        fclose(f);
}

static void lower_by_machine(uint64_t *limit, const char *root)
{
    FILE *f = open_below(root, "/proc/meminfo");
    char line[LINE_LEN];
    uint64_t kib;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        // a file of the kernel: NOLINTNEXTLINE(cert-err34-c)
        if (sscanf(line, "MemTotal: %" SCNu64 " kB", &kib) == 1 &&
            kib < UINT64_MAX / KIB)
            lower(limit, kib * KIB);
    }
    if (f != NULL)
        fclose(f);
}

uint64_t pl_memory_ceiling(const char *root)
{
    uint64_t limit = 0;

    lower_by_cgroups(&limit, root);
    lower_by_machine(&limit, root);
    return limit;
}

/* The second number of statm counts pages; see proc(5). */
uint64_t pl_memory_resident(const char *root)
{
    FILE *f = open_below(root, "/proc/self/statm");
    uint64_t total, resident;

    if (f == NULL)
        return 0;
    // a file of the kernel: NOLINTNEXTLINE(cert-err34-c)
    if (fscanf(f, "%" SCNu64 " %" SCNu64, &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void pl_memory_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
