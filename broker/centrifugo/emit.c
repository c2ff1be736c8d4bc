/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c - see emit.h.
 *
 * Keys come in the order of Centrifugo's table.  They are written section by
 * section, in the order in which their sections came first, because parley
 * wants each section once; a section's own keys precede those of sections
 * below it, or follow them together.
 *
 * Invariant: a value has no line feed, so each line has one origin. */
#include "emit.h"

#include <stdlib.h>
#include <string.h>

struct pl_buf *pl_entries_add(struct pl_entries *e, const char *key,
                              size_t item, const struct pl_leaf *from,
                              const char *note)
{
    size_t capacity = e->capacity == 0 ? 64 : 2 * e->capacity;

    if (e->count == e->capacity) {
        struct pl_entry *at = realloc(e->at, capacity * sizeof *at);
        if (at == NULL) {
            e->failed = e->nowhere.failed = true;
            return &e->nowhere;
        }
        e->at = at;
        e->capacity = capacity;
    }
    struct pl_entry *entry = &e->at[e->count++];
    *entry = (struct pl_entry){
        .key = strdup(key), .item = item, .from = from, .note = note};
    e->failed |= entry->key == NULL;
    return &entry->value;
}

void pl_entries_fini(struct pl_entries *e)
{
    for (size_t i = 0; i < e->count; i++) {
        struct pl_buf *value = &e->at[i].value;

        if (value->data != NULL)
            explicit_bzero(value->data, value->cap);
        pl_buf_fini(value);
        free(e->at[i].key);
    }
    free(e->at);
    *e = (struct pl_entries){.at = NULL};
}

/* --- Writing --- */

/* The origins of lines, while they grow. */
static enum pl_err add_origin(struct pl_centrifugo_result *out,
                              const struct pl_leaf *from)
{
    char name[PL_TREE_PATH_MAX + 24];
    size_t count = out->origin_count;

    if ((count & (count - 1)) == 0) { /* full at each power of two */
        void *at = realloc(out->origins, (count == 0 ? 1 : 2 * count) *
                                             sizeof out->origins[0]);
        if (at == NULL)
            return PL_ENOMEM;
        out->origins = at;
    }
    struct pl_config_origin *o = &out->origins[out->origin_count++];
    *o = (struct pl_config_origin){.key = NULL};
    if (from == NULL)
        return PL_OK;
    pl_leaf_name(name, sizeof name, from->path, from->item);
    o->place = from->place;
    o->key = strdup(name);
    return o->key == NULL ? PL_ENOMEM : PL_OK;
}

/* Give the lines that have none an origin. */
static enum pl_err mark_lines(struct pl_centrifugo_result *out, size_t *seen,
                              const struct pl_leaf *from)
{
    enum pl_err rc = out->text.failed ? PL_ENOMEM : PL_OK;

    for (; rc == PL_OK && *seen < out->text.len; ++*seen)
        if (out->text.data[*seen] == '\n')
            rc = add_origin(out, from);
    return rc;
}

static void indent(struct pl_buf *text, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        pl_buf_put_span(text, PL_SPAN("  "));
}

/* Write the names of the sections of `key` that `before` is not in.  Return
 * the last part of the key, and its depth. */
static const char *write_sections(struct pl_buf *text, const char *key,
                                  const char *before, size_t *depth)
{
    const char *dot;

    for (*depth = 0; (dot = strchr(key, '.')) != NULL; key = dot + 1) {
        size_t len = (size_t)(dot + 1 - key);
        bool is_inside = before != NULL && strncmp(before, key, len) == 0;

        before = is_inside ? before + len : NULL;
        if (!is_inside) {
            indent(text, *depth);
            pl_buf_printf(text, "%.*s:\n", (int)(len - 1), key);
        }
        ++*depth;
    }
    return key;
}

static void write_note(struct pl_buf *text, const struct pl_entry *e,
                       size_t depth)
{
    if (e->note == NULL)
        return;
    indent(text, depth);
    pl_buf_printf(text, "# %s\n", e->note);
}

static void write_entry(struct pl_buf *text, const struct pl_entry *e,
                        const struct pl_entry *before)
{
    size_t depth;

    if (e->item == 0) {
        const char *name = write_sections(
            text, e->key, before == NULL ? NULL : before->key, &depth);
        write_note(text, e, depth);
        indent(text, depth);
        pl_buf_printf(text, "%s: ", name);
    } else {
        if (before == NULL)
            pl_buf_put_span(text, PL_SPAN("namespaces:\n"));
        write_note(text, e, 2);
        pl_buf_printf(text, "%s%s: ",
                      before != NULL && before->item == e->item ? "    "
                                                                : "  - ",
                      e->key);
    }
    pl_buf_put_span(text, pl_buf_span(&e->value));
    pl_buf_put_byte(text, '\n');
}

/* True if both are in the same section at the top. */
static bool is_beside(const struct pl_entry *a, const struct pl_entry *b)
{
    size_t len = strcspn(a->key, ".");

    if (a->item != 0 || b->item != 0)
        return a->item != 0 && b->item != 0;
    return strcspn(b->key, ".") == len && strncmp(a->key, b->key, len) == 0;
}

/* True if both are in the same section, and in the same below it. */
static bool is_next_to(const struct pl_entry *a, const struct pl_entry *b)
{
    const char *x = strrchr(a->key, '.'), *y = strrchr(b->key, '.');
    size_t len = x == NULL ? 0 : (size_t)(x - a->key);

    if (!is_beside(a, b) || a->item != 0)
        return is_beside(a, b);
    return (y == NULL ? 0 : (size_t)(y - b->key)) == len &&
           strncmp(a->key, b->key, len) == 0;
}

/* Write the keys next to the n-th; `*before` is the last that was written. */
static enum pl_err write_keys(struct pl_entries *e, size_t n,
                              struct pl_centrifugo_result *out, size_t *seen,
                              const struct pl_entry **before)
{
    enum pl_err rc = PL_OK;

    for (size_t i = n; i < e->count && rc == PL_OK; i++) {
        struct pl_entry *entry = &e->at[i];

        if (entry->is_written || !is_next_to(&e->at[n], entry))
            continue;
        if (entry->value.failed)
            return PL_ENOMEM;
        write_entry(&out->text, entry, *before);
        rc = mark_lines(out, seen, entry->from);
        entry->is_written = true;
        *before = entry;
    }
    return rc;
}

/* Write the section at the top that begins with the n-th key. */
static enum pl_err write_section(struct pl_entries *e, size_t n,
                                 struct pl_centrifugo_result *out, size_t *seen)
{
    const struct pl_entry *before = NULL;
    enum pl_err rc = PL_OK;

    for (size_t i = n; i < e->count && rc == PL_OK; i++)
        if (!e->at[i].is_written && is_beside(&e->at[n], &e->at[i]))
            rc = write_keys(e, i, out, seen, &before);
    return rc;
}

/* Reserve space for the whole text: a buffer that grew could leave copies of
 * secrets behind. */
static void reserve(const struct pl_entries *e, struct pl_buf *text)
{
    enum { AROUND = 256 }; /* names of sections, a note, blanks */
    size_t len = 0;

    for (size_t i = 0; i < e->count; i++)
        len += e->at[i].value.len + AROUND;
    pl_buf_reserve(text, len);
}

enum pl_err pl_entries_write(struct pl_entries *e,
                             struct pl_centrifugo_result *out)
{
    size_t seen = 0;
    enum pl_err rc = e->failed ? PL_ENOMEM : mark_lines(out, &seen, NULL);

    reserve(e, &out->text);

    for (size_t i = 0; i < e->count && rc == PL_OK; i++)
        if (!e->at[i].is_written)
            rc = write_section(e, i, out, &seen);
    return rc;
}
