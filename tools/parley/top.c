/* SPDX-License-Identifier: Apache-2.0 */
/* top.c - what `parley top` knows; see top.h.
 *
 * The status is what every loop has published anyway.  The rows come from the
 * method `top`, which looks at a bounded part of a table for each call: of a
 * larger table the rows of several calls are gathered, and shown when the table
 * is through. */
#include "top.h"

#include <stdlib.h>
#include <string.h>

#include "exit_status.h"
#include "request.h"
#include "say.h"

static const struct column actor_columns[] = {
    {"ADDRESS", "address", COLUMN_TEXT, 18},
    {"LOOP", "loop", COLUMN_NUMBER, 4},
    {"MAIL", "mail", COLUMN_NUMBER, 7},
    {"OF", "mail_limit", COLUMN_NUMBER, 7},
    {"KIND", "kind", COLUMN_TEXT, 0},
    {0}};
static const struct column channel_columns[] = {
    {"SUBS", "subscribers", COLUMN_NUMBER, 7},
    {"PUB/S", "publications", COLUMN_NUMBER, 7},
    {"OUT/S", "deliveries", COLUMN_NUMBER, 7},
    {"BYTES/S", "bytes", COLUMN_BYTES, 7},
    {"PENDING", "pending", COLUMN_NUMBER, 7},
    {"CHANNEL", "channel", COLUMN_TEXT, 0},
    {0}};
static const struct column connection_columns[] = {
    {"CLIENT", "client", COLUMN_TEXT, 32},
    {"ADDRESS", "address", COLUMN_TEXT, 15},
    {"IN/S", "messages", COLUMN_NUMBER, 7},
    {"OUT/S", "deliveries", COLUMN_NUMBER, 7},
    {"QUEUE", "queue_bytes", COLUMN_BYTES, 7},
    {"CHANS", "channels", COLUMN_NUMBER, 6},
    {"SLOW", "slow", COLUMN_FLAG, 4},
    {"USER", "user", COLUMN_TEXT, 0},
    {0}};
static const struct column user_columns[] = {
    {"CONNS", "connections", COLUMN_NUMBER, 7},
    {"USER", "user", COLUMN_TEXT, 0},
    {0}};

static const char *const no_keys[] = {NULL};
static const char *const actor_keys[] = {"mail", NULL};
static const char *const channel_keys[] = {
    "deliveries", "publications", "bytes", "subscribers", "pending", NULL};
static const char *const connection_keys[] = {"messages", "deliveries",
                                              "queue_bytes", "channels", NULL};
static const char *const user_keys[] = {"connections", NULL};

const struct top_table top_tables[] = {
    {"loops", "loop", NULL, no_keys},
    {"actors", "address", actor_columns, actor_keys},
    {"channels", "channel", channel_columns, channel_keys},
    {"connections", "client", connection_columns, connection_keys},
    {"users", "user", user_columns, user_keys},
    {0}};

const struct top_table *top_table_find(const char *name)
{
    for (const struct top_table *t = top_tables; t->name != NULL; t++) {
        if (strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

static void set(json_t **to, json_t *value)
{
    json_decref(*to);
    *to = value;
}

static void forget_rows(struct top *v)
{
    set(&v->rows, NULL);
    set(&v->pass, NULL);
    free(v->cursor);
    v->cursor = NULL;
}

bool top_choose(struct top *v, const struct top_table *table, const char *by)
{
    const char *const *key = table->by;

    while (by != NULL && *key != NULL && strcmp(*key, by) != 0)
        key++;
    if (by != NULL && *key == NULL)
        return false;
    v->table = table;
    v->by = *key;
    v->is_held = false;
    forget_rows(v);
    return true;
}

void top_fini(struct top *v)
{
    forget_rows(v);
    set(&v->status, NULL);
    set(&v->before, NULL);
}

/* --- Asking --- */

static int fetch_status(struct top *v)
{
    json_t *status = NULL;
    int rc = request_status(v->target, &status);

    if (rc == EXIT_OK) {
        set(&v->before, v->status);
        v->status = status;
    }
    return rc;
}

static char *write_request(const struct top *v)
{
    json_t *body =
        json_pack("{s:s, s:s, s:i, s:s*}", "table", v->table->name, "by", v->by,
                  "limit", v->limit, "cursor", v->cursor);
    char *text = json_dumps(body, JSON_COMPACT);

    json_decref(body);
    return text;
}

/* The rows of one call belong to the pass through the table, which may be over
 * now. */
static void take_rows(struct top *v, json_t *result)
{
    const char *next = json_string_value(json_object_get(result, "next"));

    if (v->pass == NULL)
        v->pass = json_array();
    json_array_extend(v->pass, json_object_get(result, "top"));
    free(v->cursor);
    v->cursor = next != NULL ? strdup(next) : NULL;
    if (next != NULL && v->rows != NULL)
        return; /* show the pass before until this one is through */
    json_t *held = v->is_held ? json_incref(v->rows) : NULL;
    set(&v->rows, json_copy(v->pass));
    if (next == NULL)
        set(&v->pass, NULL);
    if (held != NULL) {
        json_array_extend(held, v->rows); /* arrange() joins them */
        set(&v->rows, json_incref(held));
    }
    json_decref(held);
    top_arrange(v);
}

static int fetch_rows(struct top *v)
{
    char *body = write_request(v);
    json_t *result = NULL;
    int rc = EXIT_FAILED;

    if (body == NULL)
        complain("out of memory");
    else
        rc = request_api(v->target, "top", body, &result);
    if (rc == EXIT_OK)
        take_rows(v, result);
    json_decref(result);
    free(body);
    return rc;
}

int top_fetch(struct top *v)
{
    int rc = fetch_status(v);

    if (rc == EXIT_OK && v->by != NULL)
        rc = fetch_rows(v);
    return rc;
}

/* --- The order --- */

static const char *id_of(const struct top *v, const json_t *row)
{
    const char *id = json_string_value(json_object_get(row, v->table->id));

    return id != NULL ? id : "";
}

/* Replace each row by the newest one with its id, which stands behind it, and
 * forget the others: rows keep their places while the order is held. */
static void join_held(struct top *v)
{
    json_t *joined = json_array();
    size_t count = json_array_size(v->rows);

    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array_get(v->rows, i);
        bool is_later = false;

        for (size_t j = 0; j < json_array_size(joined) && !is_later; j++) {
            if (strcmp(id_of(v, json_array_get(joined, j)), id_of(v, row)) != 0)
                continue;
            json_array_set(joined, j, row);
            is_later = true;
        }
        if (!is_later && json_array_size(joined) < TOP_ROWS_MAX)
            json_array_append(joined, row);
    }
    set(&v->rows, joined);
}

static const struct top *sorted; /* qsort() hands nothing on */

static int compare(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    json_int_t n = json_integer_value(json_object_get(x, sorted->by));
    json_int_t m = json_integer_value(json_object_get(y, sorted->by));
    int order = n < m ? 1 : -(n > m);

    if (order == 0) /* so that equal ones do not change places */
        return strcmp(id_of(sorted, x), id_of(sorted, y));
    return sorted->is_reverse ? -order : order;
}

static void sort(struct top *v)
{
    json_t *row[TOP_ROWS_MAX * 8];
    size_t count = json_array_size(v->rows);
    size_t most = sizeof row / sizeof row[0];
    json_t *ordered = json_array();

    if (count > most)
        count = most;
    for (size_t i = 0; i < count; i++)
        row[i] = json_array_get(v->rows, i);
    sorted = v;
    if (count > 1)
        qsort(row, count, sizeof row[0], compare);
    for (size_t i = 0; i < count && i < (size_t)v->limit; i++)
        json_array_append(ordered, row[i]);
    set(&v->rows, ordered);
}

void top_arrange(struct top *v)
{
    if (v->rows == NULL || v->by == NULL)
        return;
    if (v->is_held)
        join_held(v);
    else
        sort(v);
}
