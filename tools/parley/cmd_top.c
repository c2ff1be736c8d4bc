/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_top.c - parley top: what the broker is busy with.
 *
 * On a terminal top_screen.c draws it; anywhere else, or with --once, it is
 * printed.  The first look only begins to count the rates, so even --once looks
 * twice, a moment apart. */
#include <poll.h>
#include <stdlib.h>

#include "commands.h"
#include "output.h"
#include "request.h"
#include "top.h"
#include "top_screen.h"

static bool is_once;
static const char *by, *filter, *color;
static int64_t limit = 50, count, interval_ms = TOP_INTERVAL_MS;

static const struct opt options[] = {
    {"once", 0, NULL, OPT_FLAG, &is_once, "print it once", NULL},
    {"by", 0, "COLUMN", OPT_TEXT, &by,
     "order the table by this: publications, deliveries, bytes, "
     "subscribers or pending; messages, deliveries, queue_bytes or "
     "channels",
     "publications deliveries bytes subscribers pending messages queue_bytes "
     "channels"},
    {"filter", 0, "TEXT", OPT_TEXT, &filter, "only rows with TEXT in them",
     NULL},
    {"limit", 0, "N", OPT_NUMBER, &limit, "N rows (default: 50, at most 200)",
     NULL},
    {"count", 0, "N", OPT_NUMBER, &count, "end after N looks", NULL},
    {"interval", 0, "TIME", OPT_TIME, &interval_ms,
     "time between two looks (default: 1s)", NULL},
    {"color", 0, "WHEN", OPT_TEXT, &color, "auto, always or never",
     "auto always never"},
    {0}};

static void print_json(const struct top *v)
{
    struct pl_buf line = {0};
    json_t *o = json_pack("{s:s, s:s?, s:O?, s:O?}", "table", v->table->name,
                          "by", v->by, "top", v->rows, "status", v->status);
    char *text = json_dumps(o, JSON_COMPACT);

    pl_buf_put_span(&line, pl_span_of(text != NULL ? text : ""));
    output_buf(&line);
    pl_buf_fini(&line);
    free(text);
    json_decref(o);
}

static void print_page(const struct top *v, struct page *p)
{
    top_write(v, p);
    for (int i = 0; i < p->count; i++) {
        struct pl_buf *b = &p->lines[i].text;

        output_text("%.*s\n", (int)b->len, b->len > 0 ? b->data : "");
    }
}

static int print_all(struct top *v)
{
    struct page *page = calloc(1, sizeof *page);
    int64_t left = is_once ? 1 : count > 0 ? count : -1;
    int rc = page == NULL ? EXIT_FAILED : top_fetch(v);

    while (rc == EXIT_OK && left != 0 && !output_is_unread() &&
           !output_has_lost_reader()) {
        poll(NULL, 0, (int)interval_ms);
        rc = top_fetch(v);
        if (rc == EXIT_OK && output_is_json)
            print_json(v);
        else if (rc == EXIT_OK)
            print_page(v, page);
        left -= left > 0;
        if (left != 0 && rc == EXIT_OK && !output_is_json)
            output_text("\n");
        output_flush();
    }
    if (page != NULL)
        page_fini(page);
    free(page);
    return rc;
}

static int choose(struct top *v, const char *name)
{
    const struct top_table *table =
        top_table_find(name != NULL ? name : "channels");

    if (table == NULL)
        return usage_error("top",
                           "there is no table %s: loops, actors, "
                           "channels, connections or users",
                           name);
    if (!top_choose(v, table, by))
        return usage_error("top", "%s cannot be ordered by %s", table->name,
                           by);
    if (limit < 1 || limit > TOP_ROWS_MAX)
        return usage_error("top", "--limit is from 1 to %d", TOP_ROWS_MAX);
    if (interval_ms < 100 || interval_ms > 3600000)
        return usage_error("top", "--interval is from 100ms to 1h");
    return EXIT_OK;
}

static int run(struct target *t, int argc, char **argv)
{
    struct top v = {.target = t, .filter = filter};
    int rc = choose(&v, argc > 0 ? argv[0] : NULL);

    if (rc != EXIT_OK)
        return rc;
    v.limit = (int)limit;
    if (is_once || count > 0 || output_is_json || !top_screen_is_possible())
        rc = print_all(&v);
    else
        rc = top_screen(&v, color, interval_ms);
    top_fini(&v);
    return rc;
}

const struct command command_top = {
    .name = "top",
    .arguments = "[TABLE]",
    .summary = "show what the broker is busy with",
    .text = "Loops with their lag and CPU share, why deliveries were dropped "
            "and\nconnections closed, and the busiest rows of a TABLE: loops "
            "(no rows),\nactors, channels, connections or users; channels "
            "unless it is given.\nA look costs the broker little, however "
            "large it is.\n"
            "\n"
            "On a terminal it goes on until q: 1 to 5 choose the table, s the "
            "column, r\nreverses, / filters, space holds the order, enter "
            "shows the row, + and -\nchange the time between two looks, ? "
            "says all this.  Elsewhere it is\nprinted each second.\n",
    .options = options,
    .reach = REACH_ADMIN,
    .least = 0,
    .most = 1,
    .words = "loops actors channels connections users",
    .run = run,
};
