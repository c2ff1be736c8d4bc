/* SPDX-License-Identifier: Apache-2.0 */
/* suite.c - see suite.h. */
#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    char *mine = strdup(text);

    if (mine == NULL)
        abort();
    return mine;
}

void suite_add(struct suite *s, const char *send, const char *expect,
               const char *name, ...)
{
    va_list args;

    if (s->count == s->cap) {
        s->cap = s->cap == 0 ? 64 : s->cap * 2;
        s->at = realloc(s->at, s->cap * sizeof *s->at);
        if (s->at == NULL)
            abort();
    }
    struct exchange *e = &s->at[s->count++];
    e->send = copy(send);
    e->expect = copy(expect);
    e->is_as_written = s->is_as_written;
    va_start(args, name);
    if (vasprintf(&e->name, name, args) < 0)
        abort();
    va_end(args);
}

void suite_fini(struct suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->at[i].name);
        free(s->at[i].send);
        free(s->at[i].expect);
    }
    free(s->at);
}
