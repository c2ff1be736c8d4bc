/* SPDX-License-Identifier: Apache-2.0 */
/* span.h - a pointer to bytes owned elsewhere, and their length. */
#ifndef PL_SPAN_H
#define PL_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct pl_span {
    const char *at; /* NULL: the value is absent */
    size_t len;
};

#define PL_SPAN(literal) ((struct pl_span){(literal), sizeof(literal) - 1})

static inline struct pl_span pl_span_of(const char *text)
{
    return (struct pl_span){text, text == NULL ? 0 : strlen(text)};
}

static inline bool pl_span_equal(struct pl_span a, struct pl_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

#endif
