/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - see tree.h.
 *
 * libyaml reads JSON too, and knows the line of each value, which readers of
 * JSON do not.  Only escaped surrogate pairs, which JSON has for characters
 * beyond 16 bits, are rewritten before.
 *
 * Rejected: a real tree, because most keys have one path and one value.
 *
 * Invariant: no value is part of a message, because it may be a secret. */
#include "tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 16, KEYS_MAX = 500, LEAVES_MAX = 100000, TEXT_MAX = 65536 };

struct reading {
    struct pl_tree *tree;
    struct pl_config_place place;
    yaml_parser_t parser;
    yaml_event_t event; /* the newest */
    char path[PL_TREE_PATH_MAX + 1];
    size_t len;  /* of `path` */
    size_t item; /* of the outermost list */
    unsigned depth;
    const char *why; /* the text is refused */
};

/* The names of one section. */
struct names {
    char *at[KEYS_MAX];
    size_t count;
};

static enum pl_err read_value(struct reading *r);

static enum pl_err refuse(struct reading *r, const char *why)
{
    r->why = why;
    return PL_EINVAL;
}

static enum pl_err next(struct reading *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event)) {
        r->place.line = (unsigned)r->event.start_mark.line + 1;
        return PL_OK;
    }
    r->place.line = (unsigned)r->parser.problem_mark.line + 1;
    if (r->parser.error == YAML_MEMORY_ERROR)
        return PL_ENOMEM;
    return refuse(r, r->parser.problem == NULL ? "neither JSON nor YAML"
                                               : r->parser.problem);
}

/* --- The list of values --- */

static bool make_space(struct pl_tree *t)
{
    size_t capacity = t->capacity == 0 ? 64 : 2 * t->capacity;

    if (t->count < t->capacity)
        return true;
    struct pl_leaf *at = realloc(t->at, capacity * sizeof *at);
    if (at == NULL)
        return false;
    t->at = at;
    t->capacity = capacity;
    return true;
}

static void free_leaf(struct pl_leaf *leaf)
{
    if (leaf->text != NULL)
        explicit_bzero(leaf->text, strlen(leaf->text));
    free(leaf->text);
    free(leaf->path);
}

enum pl_err pl_tree_add(struct pl_tree *t, const char *path, size_t item,
                        struct pl_span text, enum pl_leaf_kind kind,
                        const struct pl_config_place *place)
{
    struct pl_leaf leaf = {
        .item = item, .kind = kind, .place = *place, .path = strdup(path)};

    leaf.text = text.len == 0 ? strdup("") : strndup(text.at, text.len);
    if (leaf.path == NULL || leaf.text == NULL || !make_space(t)) {
        free_leaf(&leaf);
        return PL_ENOMEM;
    }
    t->at[t->count++] = leaf;
    return PL_OK;
}

/* True if `path` is `of` or below it. */
static bool is_below(const char *path, const char *of)
{
    size_t len = strlen(of);

    return strncmp(path, of, len) == 0 &&
           (path[len] == '\0' || path[len] == '.' || path[len] == '[');
}

void pl_tree_remove(struct pl_tree *t, const char *path, size_t item)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->count; i++) {
        struct pl_leaf *leaf = &t->at[i];

        if (is_below(leaf->path, path) && (item == 0 || leaf->item == item))
            free_leaf(leaf);
        else
            t->at[kept++] = *leaf;
    }
    t->count = kept;
}

void pl_tree_fini(struct pl_tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        free_leaf(&t->at[i]);
    free(t->sorted);
    free(t->at);
    *t = (struct pl_tree){.at = NULL};
}

static int compare(const void *a, const void *b)
{
    const struct pl_leaf *x = *(struct pl_leaf *const *)a;
    const struct pl_leaf *y = *(struct pl_leaf *const *)b;
    int order = strcmp(x->path, y->path);

    if (order == 0 && x->item != y->item)
        order = x->item < y->item ? -1 : 1;
    return order != 0 ? order : (x > y) - (x < y);
}

enum pl_err pl_tree_sort(struct pl_tree *t)
{
    t->sorted = calloc(t->count + 1, sizeof t->sorted[0]);
    if (t->sorted == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < t->count; i++)
        t->sorted[i] = &t->at[i];
    qsort(t->sorted, t->count, sizeof t->sorted[0], compare);
    return PL_OK;
}

/* Where values with this path and item, or behind them, begin. */
static size_t lower_bound(const struct pl_tree *t, const char *path,
                          size_t item)
{
    size_t low = 0, high = t->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct pl_leaf *leaf = t->sorted[middle];
        int order = strcmp(leaf->path, path);

        if (order < 0 || (order == 0 && leaf->item < item))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct pl_leaf *pl_tree_find(const struct pl_tree *t, const char *path,
                                   size_t item, size_t n)
{
    for (size_t i = lower_bound(t, path, item); i < t->count; i++) {
        const struct pl_leaf *leaf = t->sorted[i];

        if (strcmp(leaf->path, path) != 0 || (item != 0 && leaf->item != item))
            break;
        if (!leaf->is_bad && leaf->kind != PL_LEAF_NOTHING && n-- == 0)
            return leaf;
    }
    return NULL;
}

void pl_leaf_name(char *out, size_t size, const char *path, size_t item)
{
    const char *list = item == 0 ? NULL : strstr(path, "[]");

    if (list == NULL)
        snprintf(out, size, "%s", path);
    else
        snprintf(out, size, "%.*s[%zu]%s", (int)(list - path), path, item,
                 list + 2);
}

/* --- Reading --- */

/* Append `name` to the path, in lower case. */
static enum pl_err enter(struct reading *r, const char *before,
                         const char *name)
{
    size_t len = strlen(before), more = strlen(name);

    if (r->len == 0 && *before == '.')
        len = 0;
    if (r->len + len + more > PL_TREE_PATH_MAX)
        return refuse(r, "a key is too long");
    memcpy(r->path + r->len, before, len);
    r->len += len;
    for (size_t i = 0; i < more; i++)
        r->path[r->len++] = (char)tolower((unsigned char)name[i]);
    r->path[r->len] = '\0';
    return PL_OK;
}

static enum pl_err add(struct reading *r, struct pl_span text,
                       enum pl_leaf_kind kind)
{
    if (r->tree->count == LEAVES_MAX)
        return refuse(r, "too many keys");
    return pl_tree_add(r->tree, r->path, r->item, text, kind, &r->place);
}

static enum pl_err read_scalar(struct reading *r)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    bool is_plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool is_null =
        is_plain && (strcmp(text, "") == 0 || strcmp(text, "~") == 0 ||
                     strcasecmp(text, "null") == 0);

    if (memchr(text, '\0', len) != NULL)
        return refuse(r, "a NUL byte in a value");
    if (len > TEXT_MAX)
        return refuse(r, "a value has more than 65536 bytes");
    return add(r, (struct pl_span){text, len},
               is_null    ? PL_LEAF_NOTHING
               : is_plain ? PL_LEAF_PLAIN
                          : PL_LEAF_QUOTED);
}

/* Report a name that its section has already. */
static enum pl_err note_name(struct reading *r, struct names *names)
{
    char shown[PL_TREE_PATH_MAX + 24];
    const char *name = r->path;

    if (names->count == KEYS_MAX)
        return refuse(r, "too many keys in a section");
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->at[i], name) != 0)
            continue;
        pl_leaf_name(shown, sizeof shown, name, r->item);
        pl_config_report(r->tree->load, PL_CONFIG_ERROR, &r->place, shown,
                         "given twice");
    }
    names->at[names->count] = strdup(name);
    return names->at[names->count++] == NULL ? PL_ENOMEM : PL_OK;
}

/* Read the keys up to the end of the section. */
static enum pl_err read_keys(struct reading *r, struct names *names)
{
    size_t outside = r->len;
    enum pl_err rc;

    while ((rc = next(r)) == PL_OK && r->event.type != YAML_MAPPING_END_EVENT) {
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse(r, "a key must be a word");
        rc = enter(r, ".", (const char *)r->event.data.scalar.value);
        if (rc == PL_OK)
            rc = note_name(r, names);
        if (rc == PL_OK)
            rc = next(r);
        if (rc == PL_OK)
            rc = read_value(r);
        if (rc != PL_OK)
            return rc;
        r->path[r->len = outside] = '\0';
    }
    return rc;
}

static enum pl_err read_section(struct reading *r)
{
    struct names *names = calloc(1, sizeof *names);
    enum pl_err rc = names == NULL ? PL_ENOMEM : read_keys(r, names);

    if (rc == PL_OK && names->count == 0)
        rc = add(r, PL_SPAN(""), PL_LEAF_NOTHING);
    while (names != NULL && names->count > 0)
        free(names->at[--names->count]);
    free(names);
    return rc;
}

static enum pl_err read_list(struct reading *r)
{
    size_t outside = r->len, item = r->item, count = 0;
    enum pl_err rc;

    while ((rc = next(r)) == PL_OK &&
           r->event.type != YAML_SEQUENCE_END_EVENT) {
        r->item = item != 0 ? item : ++count;
        rc = enter(r, "[]", "");
        if (rc == PL_OK)
            rc = read_value(r);
        if (rc != PL_OK)
            return rc;
        count += item != 0;
        r->path[r->len = outside] = '\0';
    }
    r->item = item;
    return rc == PL_OK && count == 0 ? add(r, PL_SPAN(""), PL_LEAF_NOTHING)
                                     : rc;
}

/* Read the value that begins, up to its last event. */
static enum pl_err read_value(struct reading *r)
{
    enum pl_err rc;

    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r);
    case YAML_ALIAS_EVENT:
        return refuse(r, "aliases are not supported");
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        if (r->depth++ == DEPTH_MAX)
            return refuse(r, "nested too deeply");
        rc = r->event.type == YAML_MAPPING_START_EVENT ? read_section(r)
                                                       : read_list(r);
        r->depth--;
        return rc;
    default:
        return PL_OK;
    }
}

/* Read the only document; an empty one says nothing. */
static enum pl_err read_document(struct reading *r)
{
    enum pl_err rc = next(r);

    while (rc == PL_OK && (r->event.type == YAML_STREAM_START_EVENT ||
                           r->event.type == YAML_DOCUMENT_START_EVENT))
        rc = next(r);
    if (rc == PL_OK && r->len == 0 &&
        r->event.type == YAML_SEQUENCE_START_EVENT)
        return refuse(r, "must be a section: keys and values");
    if (rc == PL_OK && r->len == 0 && r->event.type == YAML_SCALAR_EVENT &&
        r->event.data.scalar.length > 0)
        return refuse(r, "must be a section: keys and values");
    if (rc == PL_OK && r->event.type != YAML_STREAM_END_EVENT &&
        !(r->len == 0 && r->event.type == YAML_SCALAR_EVENT))
        rc = read_value(r);
    while (rc == PL_OK && r->event.type != YAML_STREAM_END_EVENT) {
        rc = next(r);
        if (rc == PL_OK && r->event.type == YAML_DOCUMENT_START_EVENT)
            return refuse(r, "more than one document");
    }
    return rc;
}

/* --- Surrogates --- */

/* Read \uXXXX at `at`. */
static bool read_escape(struct pl_span at, unsigned *out)
{
    char digits[5] = "";
    char *end;

    if (at.len < 6 || at.at[0] != '\\' || at.at[1] != 'u')
        return false;
    memcpy(digits, at.at + 2, 4);
    *out = (unsigned)strtoul(digits, &end, 16);
    return *end == '\0' && isxdigit((unsigned char)digits[0]);
}

static bool is_json(struct pl_span text)
{
    size_t i = 0;

    while (i < text.len && isspace((unsigned char)text.at[i]))
        i++;
    return i < text.len && (text.at[i] == '{' || text.at[i] == '[');
}

/* Copy `text`, in JSON with each escaped pair of surrogates as one escape of
 * YAML. */
static void join_surrogates(struct pl_buf *out, struct pl_span text)
{
    unsigned high, low;
    bool has_pairs = is_json(text);

    pl_buf_reserve(out, text.len + 1);
    while (text.len > 0) {
        size_t len = text.at[0] == '\\' && text.len > 1 ? 2 : 1;

        if (has_pairs && read_escape(text, &high) &&
            high >> 10 == 0xd800 >> 10 &&
            read_escape((struct pl_span){text.at + 6, text.len - 6}, &low) &&
            low >> 10 == 0xdc00 >> 10) {
            pl_buf_printf(out, "\\U%08x",
                          0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff));
            len = 12;
        } else {
            pl_buf_put(out, text.at, len);
        }
        text = (struct pl_span){text.at + len, text.len - len};
    }
}

enum pl_err pl_tree_read(struct pl_tree *t, const struct pl_config_place *place,
                         const char *path, struct pl_span text)
{
    struct reading *r = calloc(1, sizeof *r);
    struct pl_buf joined = {0};
    enum pl_err rc = PL_ENOMEM;

    join_surrogates(&joined, text);
    if (r != NULL && !joined.failed && yaml_parser_initialize(&r->parser)) {
        r->tree = t;
        r->place = *place;
        yaml_parser_set_input_string(
            &r->parser,
            (const unsigned char *)(joined.data == NULL ? "" : joined.data),
            joined.len);
        rc = enter(r, "", path);
        if (rc == PL_OK)
            rc = read_document(r);
        if (rc == PL_EINVAL)
            pl_config_report(t->load, PL_CONFIG_ERROR, &r->place, "", "%s",
                             r->why);
        yaml_event_delete(&r->event);
        yaml_parser_delete(&r->parser);
    }
    if (joined.data != NULL)
        explicit_bzero(joined.data, joined.cap);
    pl_buf_fini(&joined);
    free(r);
    return rc;
}
