/* SPDX-License-Identifier: Apache-2.0 */
/* config_settings.c - the keys of a schema during a load.
 *
 * Keys are few, so they are looked for one by one.
 *
 * Invariant: settings have the order of the tables, so findings have it too. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_private.h"

enum pl_err pl_config_settings_init(struct pl_config_settings *s,
                                    const struct pl_config_schema *schema,
                                    void *values)
{
    const struct pl_config_key *key;
    size_t count = 0, offset;

    *s = (struct pl_config_settings){NULL, 0};
    while (pl_config_key_at(schema, count, &offset) != NULL)
        count++;
    assert(count > 0); /* a schema has keys */
    if ((s->at = calloc(count, sizeof s->at[0])) == NULL)
        return PL_ENOMEM;
    for (; (key = pl_config_key_at(schema, s->count, &offset)); s->count++) {
        s->at[s->count].key = key;
        s->at[s->count].member = (char *)values + offset;
    }
    return PL_OK;
}

void pl_config_settings_fini(struct pl_config_settings *s)
{
    for (size_t i = 0; i < s->count; i++)
        pl_buf_fini(&s->at[i].findings);
    free(s->at);
    *s = (struct pl_config_settings){NULL, 0};
}

static enum pl_err set_default(struct pl_config_loading *l,
                               struct pl_config_settings *s,
                               const struct pl_config_key *key)
{
    const struct pl_config_place nowhere = {.file = NULL};
    const char *text =
        l->insecure && key->insecure != NULL ? key->insecure : key->fallback;
    enum pl_err rc =
        text == NULL ? PL_OK
                     : pl_config_walk_value(l, s, &nowhere, key->name, text);

    assert(rc != PL_EINVAL); /* our own tables are valid */
    return rc;
}

enum pl_err pl_config_settings_finish(struct pl_config_loading *l,
                                      struct pl_config_settings *s)
{
    enum pl_err rc = PL_OK;

    for (size_t i = 0; i < s->count && rc == PL_OK; i++) {
        const struct pl_buf *findings = &s->at[i].findings;

        if (!s->at[i].said)
            rc = set_default(l, s, s->at[i].key);
        if (findings->failed)
            rc = PL_ENOMEM;
        if (findings->len == 0)
            continue;
        pl_buf_put_span(l->report, pl_buf_span(findings));
        l->errors++;
    }
    return rc;
}

struct pl_config_setting *
pl_config_settings_find(const struct pl_config_settings *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->at[i].key->name, name) == 0)
            return &s->at[i];
    return NULL;
}

struct pl_config_setting *
pl_config_settings_section(const struct pl_config_settings *s, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < s->count; i++)
        if (strncmp(s->at[i].key->name, name, len) == 0 &&
            s->at[i].key->name[len] == '.')
            return &s->at[i];
    return NULL;
}

const struct pl_config_setting *
pl_config_setting_of(const struct pl_config_loading *l, const char *key)
{
    const struct pl_config_setting *s =
        pl_config_settings_find(&l->settings, key);

    assert(s != NULL); /* a key that is in no table */
    return s;
}

bool pl_config_is_explicit(const struct pl_config_loading *l, const char *key)
{
    const struct pl_config_setting *s = pl_config_setting_of(l, key);

    return s->place.file != NULL || s->place.variable != NULL ||
           s->place.set != NULL;
}

/* Skip the equal start; after one edit the rests must be equal. */
bool pl_config_is_near(const char *a, const char *b, size_t b_len)
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

struct pl_span pl_config_near(const struct pl_config_settings *s,
                              const char *path)
{
    for (size_t i = 0; i < s->count; i++) {
        const char *name = s->at[i].key->name;
        size_t len = strcspn(name, ".");

        if (pl_config_is_near(path, name, strlen(name)))
            return pl_span_of(name);
        if (name[len] == '.' && pl_config_is_near(path, name, len))
            return (struct pl_span){name, len};
    }
    return (struct pl_span){NULL, 0};
}

static void put_key(struct pl_buf *report, const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(report, key[i] > ' ' && key[i] < 0x7f ? key[i] : '?');
    if (len > 0)
        pl_buf_put_span(report, PL_SPAN(": "));
}

static void put_place(struct pl_buf *report,
                      const struct pl_config_place *place, const char *key)
{
    size_t len = strlen(key);

    if (place->file != NULL && place->line != 0)
        pl_buf_printf(report, "%s:%u: ", place->file, place->line);
    else if (place->file != NULL)
        pl_buf_printf(report, "%s: ", place->file);
    if (place->variable != NULL)
        pl_buf_printf(report, "%.*s: ", (int)strcspn(place->variable, "="),
                      place->variable);
    if (place->set != NULL && len == 0) {
        key = place->set;
        len = strcspn(key, "=");
    }
    if (place->set != NULL)
        pl_buf_printf(report, "--set%s", len == 0 ? ": " : " ");
    if (place->list != NULL && len > 0)
        pl_buf_printf(report, "%s[%zu].", place->list, place->item);
    put_key(report, key, len);
}

/* Where the line of a translation comes from; NULL: `place` is none. */
static const struct pl_config_origin *
origin_of(const struct pl_config_loading *l,
          const struct pl_config_place *place)
{
    bool is_line = l->origins != NULL && place->file != NULL &&
                   place->line > 0 && place->line <= l->origin_count;

    return is_line ? &l->origins[place->line - 1] : NULL;
}

bool pl_config_is_in_file(const struct pl_config_loading *l,
                          const struct pl_config_place *place)
{
    const struct pl_config_origin *origin = origin_of(l, place);

    return (origin == NULL ? place : &origin->place)->file != NULL;
}

/* Write where a finding is.  A line of a translation stands for the place that
 * it comes from; without one only the file is known. */
static void put_origin(const struct pl_config_loading *l,
                       const struct pl_config_place *place, const char *key)
{
    const struct pl_config_origin *origin = origin_of(l, place);
    struct pl_config_place shown = *place;

    if (origin != NULL && origin->key != NULL) {
        put_place(l->report, &origin->place, origin->key);
        shown.file = NULL;
    }
    if (origin != NULL)
        shown.line = 0;
    put_place(l->report, &shown, key);
}

void pl_config_report(struct pl_config_loading *l, enum pl_config_severity how,
                      const struct pl_config_place *place, const char *key,
                      const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put_origin(l, place, key);
    pl_buf_printf(l->report, "%s%s\n",
                  how == PL_CONFIG_ERROR ? "" : "warning: ", text);
    l->errors += how == PL_CONFIG_ERROR;
}
