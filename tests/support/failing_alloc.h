/* SPDX-License-Identifier: Apache-2.0 */
/* failing_alloc.h - allocations that fail when the test says so.
 *
 * For one .c file of a test that is linked with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
 * (each where needed): it reaches the code under test, not shared libraries. */
#ifndef PL_FAILING_ALLOC_H
#define PL_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

/* 0: all succeed; n: the nth from now fails, and so many behind it. */
static unsigned alloc_fails_at;
static unsigned alloc_fails_more;

static bool alloc_fails(void)
{
    if (alloc_fails_at == 0 || --alloc_fails_at > 0)
        return false;
    if (alloc_fails_more > 0) {
        alloc_fails_more--;
        alloc_fails_at = 1;
    }
    return true;
}

void *__wrap_malloc(size_t size)
{
    return alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return alloc_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return alloc_fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return alloc_fails() ? NULL : __real_strndup(text, len);
}

#endif
