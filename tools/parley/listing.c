/* SPDX-License-Identifier: Apache-2.0 */
/* listing.c - see listing.h.
 *
 * Rows are printed as their pages come, so a list of a million needs the memory
 * of one page, and `| head` ends it. */
#include "listing.h"

#include <stdlib.h>

#include "exit_status.h"
#include "output.h"
#include "request.h"
#include "say.h"

enum { PAGE = 1000 };

struct progress {
    int64_t left; /* rows to print; -1: all */
    const char *next;
};

static int fetch(const struct target *t, const struct listing *l,
                 const struct progress *p, json_t **result)
{
    json_t *body = json_copy(l->filters);
    json_int_t limit = p->left >= 0 && p->left < PAGE ? p->left : PAGE;
    int rc = EXIT_FAILED;

    json_object_set_new(body, "limit", json_integer(limit));
    if (p->next != NULL)
        json_object_set_new(body, "cursor", json_string(p->next));
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL)
        complain("out of memory");
    else
        rc = request_api(t, l->method, text, result);
    free(text);
    json_decref(body);
    return rc;
}

static bool print_row(const struct listing *l, const json_t *row)
{
    struct pl_buf line = {0};
    char *text;
    bool is_out;

    if (output_is_json) {
        text = json_dumps(row, JSON_COMPACT);
        pl_buf_put_span(&line, pl_span_of(text != NULL ? text : ""));
        free(text);
        is_out = output_buf(&line);
    } else {
        table_put_row(&line, l->columns, row);
        pl_buf_put(&line, "", 1);
        if (!line.failed)
            output_text("%s\n", line.data);
        is_out = !output_is_unread();
    }
    pl_buf_fini(&line);
    return is_out;
}

static bool print_next(const struct listing *l, struct progress *p,
                       const json_t *row)
{
    if (p->left == 0 || !print_row(l, row))
        return false;
    p->left -= p->left > 0;
    return true;
}

/* A list, or rows by name.  False: no more is wanted. */
static bool print_rows(const struct listing *l, struct progress *p,
                       json_t *rows)
{
    const char *key;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        if (!print_next(l, p, row))
            return false;
    }
    json_object_foreach(rows, key, row)
    {
        if (!print_next(l, p, row))
            return false;
    }
    return p->left != 0;
}

static void print_head(const struct listing *l)
{
    struct pl_buf head = {0};

    table_put_head(&head, l->columns);
    pl_buf_put(&head, "", 1);
    if (!head.failed)
        output_text("%s\n", head.data);
    pl_buf_fini(&head);
}

int print_listing(const struct target *t, const struct listing *l)
{
    struct progress p = {.left = l->limit > 0 ? l->limit : -1};
    json_t *page = NULL, *before = NULL;
    int rc;

    if (!output_is_json)
        print_head(l);
    do {
        rc = fetch(t, l, &p, &page);
        json_decref(before); /* `next` is in it */
        before = page;
        page = NULL;
        if (rc != EXIT_OK ||
            !print_rows(l, &p, json_object_get(before, l->method)))
            break;
        p.next = json_string_value(json_object_get(before, "next"));
    } while (p.next != NULL);
    json_decref(before);
    return rc;
}

void add_filter(json_t *filters, const char *key, const char *text)
{
    if (text != NULL)
        json_object_set_new(filters, key, json_string(text));
}
