/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory_limit.c - how much memory the process may have, read from files
 * as kernels write them, below a folder that stands for "/". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory_limit.h"

#define MIB ((uint64_t)1 << 20)
#define MACHINE                                                                \
    "MemTotal:       16384 kB\nMemFree:        12 kB\n" /* 16 MiB              \
                                                         */
#define NO_LIMIT_V1 "9223372036854771712\n"

static char root[64];

static int make_root(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/parley-memory-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *path, const char *text)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *at = strchr(whole + strlen(root) + 1, '/'); at != NULL;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *f = fopen(whole, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_ceiling(uint64_t bytes)
{
    assert_int_equal(pl_memory_ceiling(root), bytes);
}

static void without_files_nothing_is_known(void **state)
{
    (void)state;
    assert_ceiling(0);
    assert_int_equal(pl_memory_resident(root), 0);
}

static void without_groups_it_is_the_machines(void **state)
{
    (void)state;
    write_file("/proc/meminfo", MACHINE);
    assert_ceiling(16 * MIB);
    write_file("/proc/self/cgroup", "0::/\n");
    assert_ceiling(16 * MIB);
    write_file("/sys/fs/cgroup/memory.max", "max\n");
    assert_ceiling(16 * MIB);
}

static void in_version_2_the_lowest_of_all_groups_counts(void **state)
{
    (void)state;
    write_file("/proc/meminfo", MACHINE);
    write_file("/proc/self/cgroup", "0::/system.slice/parley.service\n");
    write_file("/sys/fs/cgroup/system.slice/parley.service/memory.max",
               "8388608\n");
    assert_ceiling(8 * MIB);
    write_file("/sys/fs/cgroup/system.slice/memory.max", "4194304\n");
    assert_ceiling(4 * MIB);
    write_file("/sys/fs/cgroup/system.slice/memory.max", "max\n");
    write_file("/sys/fs/cgroup/system.slice/parley.service/memory.max",
               "68719476736\n"); /* more than there is */
    assert_ceiling(16 * MIB);
}

/* The name is the host's, the files begin at the container's own group. */
static void in_a_container_the_topmost_file_counts(void **state)
{
    (void)state;
    write_file("/proc/meminfo", MACHINE);
    write_file("/proc/self/cgroup", "0::/docker/0123456789abcdef\n");
    write_file("/sys/fs/cgroup/memory.max", "2097152\n");
    assert_ceiling(2 * MIB);
}

static void in_version_1_the_memory_controller_counts(void **state)
{
    (void)state;
    write_file("/proc/meminfo", MACHINE);
    write_file("/proc/self/cgroup", "12:cpu,cpuacct:/a\n"
                                    "11:notmemory:/wrong\n"
                                    "4:hugetlb,memory:/docker/abc\n"
                                    "1:name=systemd:/docker/abc\n"
                                    "0::/docker/abc\n");
    write_file("/sys/fs/cgroup/memory/wrong/memory.limit_in_bytes", "4096\n");
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", NO_LIMIT_V1);
    assert_ceiling(16 * MIB);
    write_file("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes",
               "3145728\n");
    assert_ceiling(3 * MIB);
    write_file("/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
               "1048576\n");
    assert_ceiling(MIB);
}

static void what_is_not_understood_limits_nothing(void **state)
{
    static const char *const lines[] = {
        "", "\n", "0", "0:", "0::", "0::a\n", ":::::\n", "memory\n"};

    (void)state;
    write_file("/proc/meminfo", "MemTotal: much\nMemTotal:\n");
    write_file("/sys/fs/cgroup/memory.max", "nothing\n");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        write_file("/proc/self/cgroup", lines[i]);
        assert_ceiling(0);
    }
    char *longest = malloc(5000);
    memset(longest, 'a', 4999);
    memcpy(longest, "0::/", 4);
    longest[4999] = '\0';
    write_file("/proc/self/cgroup", longest);
    assert_ceiling(0);
    free(longest);
}

static void resident_memory_is_the_second_number(void **state)
{
    (void)state;
    write_file("/proc/self/statm", "100 7 3 1 0 50 0\n");
    assert_int_equal(pl_memory_resident(root),
                     7 * (uint64_t)sysconf(_SC_PAGESIZE));
    write_file("/proc/self/statm", "100\n");
    assert_int_equal(pl_memory_resident(root), 0);
    assert_true(pl_memory_resident("") > 0);
    assert_true(pl_memory_ceiling("") > pl_memory_resident(""));
    pl_memory_trim();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_files_nothing_is_known),
        TEST(without_groups_it_is_the_machines),
        TEST(in_version_2_the_lowest_of_all_groups_counts),
        TEST(in_a_container_the_topmost_file_counts),
        TEST(in_version_1_the_memory_controller_counts),
        TEST(what_is_not_understood_limits_nothing),
        TEST(resident_memory_is_the_second_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
