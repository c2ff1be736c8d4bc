/* SPDX-License-Identifier: Apache-2.0 */
/* listing.h - a list of the server API, page by page. */
#ifndef PL_TOOL_LISTING_H
#define PL_TOOL_LISTING_H

#include <stdint.h>

#include "table.h"
#include "target.h"

struct listing {
    const char *method; /* of the server API, and the key of its rows */
    const struct column *columns;
    json_t *filters; /* members of the request; the caller's */
    int64_t limit;   /* rows to print; 0: all */
};

/* Print the list, a line each; with --json an object a line.
 * Returns what to exit with. */
int print_listing(const struct target *t, const struct listing *l);

/* Set a member of the request, unless `text` is NULL. */
void add_filter(json_t *filters, const char *key, const char *text);

#endif
