/* SPDX-License-Identifier: Apache-2.0 */
/* config_near.c - see config_near.h. */
#include "config_near.h"

#include <stdbool.h>
#include <string.h>

#include "config_keys.h"

/* True if `a` and `b` differ by one edit.  Skip the equal start; after one edit
 * the rests must be equal. */
static bool is_near(const char *a, const char *b, size_t b_len)
{
    size_t a_len = strlen(a), i = 0;

    while (i < a_len && i < b_len && a[i] == b[i])
        i++;
    const char *x = a + i, *y = b + i;
    size_t x_len = a_len - i, y_len = b_len - i;

    if (x_len == y_len && x_len > 1 && x[0] == y[1] && x[1] == y[0])
        return memcmp(x + 2, y + 2, x_len - 2) == 0;
    if (x_len == y_len && x_len > 0)
        return memcmp(x + 1, y + 1, x_len - 1) == 0;
    if (x_len == y_len + 1)
        return memcmp(x + 1, y, y_len) == 0;
    return x_len + 1 == y_len && memcmp(x, y + 1, x_len) == 0;
}

struct pl_span pl_config_near(const char *path)
{
    for (size_t i = 0; i < pl_config_key_count; i++) {
        const char *name = pl_config_keys[i].name;
        const char *dot = strchr(name, '.');
        size_t len = dot == NULL ? 0 : (size_t)(dot - name);

        if (is_near(path, name, strlen(name)))
            return pl_span_of(name);
        if (len > 0 && is_near(path, name, len))
            return (struct pl_span){name, len};
    }
    return (struct pl_span){NULL, 0};
}
