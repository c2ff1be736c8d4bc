/* SPDX-License-Identifier: Apache-2.0 */
/* top.h - what `parley top` shows: two statuses of the broker, a moment apart,
 * and the busiest rows of one table. */
#ifndef PL_TOOL_TOP_H
#define PL_TOOL_TOP_H

#include <stdbool.h>

#include "table.h"
#include "target.h"

enum { TOP_ROWS_MAX = 200, TOP_INTERVAL_MS = 1000 };

/* One table of the broker. */
struct top_table {
    const char *name; /* of the server API; "loops": no rows but the loops */
    const char *id;   /* the key that names a row */
    const struct column *columns;
    const char *const *by; /* keys to order by, the usual first; then NULL */
};

/* "loops" first; ended by one without a name. */
extern const struct top_table top_tables[];

/* NULL: there is none of this name. */
const struct top_table *top_table_find(const char *name);

struct top {
    const struct target *target;
    const struct top_table *table;
    const char *by;     /* one of table->by; NULL for loops */
    const char *filter; /* rows with this text in them; NULL: all */
    bool is_reverse;
    bool is_held; /* the order of the rows stays */
    int limit;
    /* Owned. */
    json_t *status, *before; /* the latest, and the one before; or NULL */
    json_t *rows;            /* what is shown, in order */
    json_t *pass;            /* rows of a table that takes several calls */
    char *cursor;            /* where it goes on; NULL: at the begin */
};

/* Choose a table, and what it is ordered by (NULL: the usual).  False: it has
 * no such column. */
bool top_choose(struct top *v, const struct top_table *table, const char *by);

/* Ask the broker.  EXIT_OK, or what to exit with; it has complained then. */
int top_fetch(struct top *v);

/* Order and filter the rows anew. */
void top_arrange(struct top *v);
void top_fini(struct top *v);

/* --- Lines --- */

enum line_kind { LINE_TITLE, LINE_HEAD, LINE_TEXT, LINE_ALARM, LINE_ROW };

struct line {
    struct pl_buf text; /* no control characters in it */
    enum line_kind kind;
    const json_t *row; /* of LINE_ROW */
};

enum { TOP_LINES_MAX = 1400 };

/* All zero: none. */
struct page {
    struct line lines[TOP_LINES_MAX];
    int count;
};

/* Write what is known into *page, which the caller fini()s. */
void top_write(const struct top *v, struct page *page);
void page_fini(struct page *page);

#endif
