/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_secret.c - the secrets of a configuration file are left in no
 * memory that was given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the first three */
#include <cmocka.h>
#include <malloc.h>
#include <unistd.h>

#include "config_sections.h"

#define SECRET "a-secret-that-nobody-else-may-find"

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
static unsigned left; /* blocks that realloc() gave back with the secret */

/* Move each block that grows, as realloc() may. */
void *__wrap_realloc(void *old, size_t size)
{
    size_t before = old == NULL ? 0 : malloc_usable_size(old);

    if (before == 0 || size == 0)
        return __real_realloc(old, size);
    left += memmem(old, before, SECRET, sizeof SECRET - 1) != NULL;
    void *moved = malloc(size);
    if (moved != NULL) {
        memcpy(moved, old, before < size ? before : size);
        free(old);
    }
    return moved;
}

/* The file has `len` bytes, most of them a comment. */
static void load(const char *name, size_t len)
{
    struct pl_config_source src = {.file = name};
    struct pl_buf report = {0};
    struct two_modules values = {.first = {.on = false}};
    FILE *f = fopen(name, "w");

    assert_non_null(f);
    int head = fprintf(f, "spaces: [{name: %s}]\n#", SECRET);
    for (size_t i = (size_t)head; i < len; i++)
        fputc('x', f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(pl_config_read(&values, &two_schema, &src, NULL, &report),
                     PL_OK);
    const struct space *first = values.first.spaces.at;
    assert_string_equal(first->name, SECRET);
    pl_config_values_fini(&values, &two_schema);
    pl_buf_fini(&report);
}

static void a_file_of_any_size_leaves_no_copy_of_a_secret(void **state)
{
    static const size_t sizes[] = {100, 16384, 16385, 70000, 1 << 20};
    char name[] = "/tmp/parley-config-XXXXXX";
    int fd = mkstemp(name);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        load(name, sizes[i]);
    unlink(name);
    assert_int_equal(left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_any_size_leaves_no_copy_of_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
