/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml.c - see config_yaml.h.
 *
 * Each key of the text is looked up in the table of keys.  An error in one key
 * hides no error in another, except that an unknown section hides its own keys.
 * Parsing invalid YAML ends at the first error, because the meaning of the rest
 * is unknown.
 *
 * No value is ever part of a message, because it may be a secret.
 *
 * Invariant: the texts of settings point into `marks`, so this object outlives
 * them. */
#include "config_yaml.h"

#include <stdio.h>
#include <stdlib.h>

#include "config_marks.h"
#include "config_near.h"

enum { TEXT_MAX = 4096 };

struct pl_config_yaml {
    struct pl_config_marks marks;
};

/* A text being checked. */
struct look {
    struct pl_config_loading *l;
    const struct pl_config_place *place;
    struct pl_span text;
    const struct pl_config_marks *marks;
};

static bool is_list(enum pl_config_kind kind)
{
    return kind == PL_KIND_ENDPOINTS || kind == PL_KIND_STRINGS ||
           kind == PL_KIND_NETWORKS;
}

/* True if `line` has an unquoted address such as [::1]:8000, which YAML takes
 * for a list. */
static bool has_bare_six(struct pl_span line)
{
    for (size_t i = 0; i + 1 < line.len; i++) {
        size_t end = i + 1, colons = 0;

        if (line.at[i] != '[' ||
            (i > 0 && (line.at[i - 1] == '"' || line.at[i - 1] == '\'')))
            continue;
        for (; end < line.len &&
               strchr("0123456789abcdefABCDEF:.", line.at[end]) != NULL &&
               line.at[end] != '\0';
             end++)
            colons += line.at[end] == ':';
        if (colons >= 2 && end < line.len && line.at[end] == ']')
            return true;
    }
    return false;
}

/* Return `line` or the line before it if it has such an address; 0: neither. */
static unsigned find_bare_six(struct pl_span text, unsigned line)
{
    unsigned found = 0;

    for (unsigned n = 1; n <= line && text.len > 0; n++) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.at);

        if (n + 1 >= line && has_bare_six((struct pl_span){text.at, len}))
            found = n;
        len += end != NULL;
        text = (struct pl_span){text.at + len, text.len - len};
    }
    return found;
}

static void complain(const struct look *k, const struct pl_config_mark *m,
                     const char *why)
{
    struct pl_config_place at = *k->place;

    at.line = m->line;
    k->l->is_incomplete = true;
    pl_config_complain(k->l, &at, m->path, "%s", why);
}

static void complain_of_shape(const struct look *k,
                              const struct pl_config_mark *m,
                              const struct pl_config_key *key)
{
    char why[80];

    if (find_bare_six(k->text, m->line) == m->line) {
        complain(k, m, "an IPv6 address needs quotes; as \"[::1]:8000\"");
        return;
    }
    snprintf(why, sizeof why, "must be: %s", pl_config_kind_text(key->kind));
    complain(k, m, why);
}

static void complain_of_unknown(const struct look *k,
                                const struct pl_config_mark *m, bool is_dotted)
{
    struct pl_span near = pl_config_near(m->path);
    char why[120] = "unknown key";

    if (is_dotted)
        snprintf(why, sizeof why,
                 "is for --set; here it goes below its section");
    else if (near.at != NULL)
        snprintf(why, sizeof why, "unknown key; did you mean %.*s?",
                 (int)near.len, near.at);
    complain(k, m, why);
}

static bool is_section(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < pl_config_key_count; i++)
        if (strncmp(pl_config_keys[i].name, path, len) == 0 &&
            pl_config_keys[i].name[len] == '.')
            return true;
    return false;
}

static const struct pl_config_key *key_named(const char *path)
{
    for (size_t i = 0; i < pl_config_key_count; i++)
        if (strcmp(pl_config_keys[i].name, path) == 0)
            return &pl_config_keys[i];
    return NULL;
}

/* The depth of a key of the table. */
static unsigned depth_of(const char *path)
{
    return strchr(path, '.') == NULL ? 1 : 2;
}

static bool is_twice(const struct look *k, const struct pl_config_mark *m)
{
    for (const struct pl_config_mark *o = k->marks->at; o < m; o++)
        if (o->depth == m->depth && strcmp(o->path, m->path) == 0)
            return true;
    return false;
}

static void take_key(const struct look *k, const struct pl_config_mark *m,
                     const struct pl_config_key *key)
{
    size_t index = (size_t)(key - pl_config_keys);
    enum pl_config_shape wanted =
        is_list(key->kind) ? PL_CONFIG_LIST : PL_CONFIG_SCALAR;

    if (m->shape != wanted) {
        complain_of_shape(k, m, key);
        return;
    }
    if (m->count > key->max && wanted == PL_CONFIG_LIST) {
        complain(k, m, "has too many items");
        return;
    }
    for (size_t i = 0; i < (wanted == PL_CONFIG_LIST ? m->count : 1); i++)
        if (strlen(wanted == PL_CONFIG_LIST ? m->list[i] : m->text) >
            TEXT_MAX) {
            complain(k, m, "has more than 4096 bytes");
            return;
        }
    k->l->setting[index] = (struct pl_config_setting){
        .text = m->text,
        .list = m->list,
        .count = m->count,
        .place = {k->place->file, m->line, k->place->set},
        .said = true,
        .explicit = k->place->file != NULL || k->place->set != NULL,
    };
}

/* An empty section, such as one with all lines commented out, is allowed. */
static bool is_empty(const struct pl_config_mark *m)
{
    return m->shape == PL_CONFIG_SCALAR &&
           (m->text[0] == '\0' || strcmp(m->text, "~") == 0 ||
            strcmp(m->text, "null") == 0);
}

/* Return true if the keys below this one must be checked too. */
static bool look_at(const struct look *k, const struct pl_config_mark *m)
{
    const struct pl_config_key *key = key_named(m->path);

    if (is_twice(k, m)) {
        complain(k, m, "given twice");
        return false;
    }
    if (m->depth == 1 && key == NULL && is_section(m->path)) {
        if (m->shape != PL_CONFIG_SECTION && !is_empty(m))
            complain(k, m, "must be a section: keys and values");
        return true;
    }
    if (key == NULL || m->depth != depth_of(m->path))
        complain_of_unknown(k, m, key != NULL);
    else
        take_key(k, m, key);
    return false;
}

static void look_at_all(const struct look *k)
{
    const struct pl_config_mark *m = k->marks->at;
    const struct pl_config_mark *end = m + k->marks->count;

    while (m < end) {
        unsigned depth = m->depth;
        bool deeper = look_at(k, m++);

        while (!deeper && m < end && m->depth > depth)
            m++;
    }
}

static enum pl_err read_marks(struct pl_config_yaml *y, const struct look *k)
{
    struct pl_config_place at = *k->place;
    const char *why = NULL;
    enum pl_err rc = pl_config_marks_read(&y->marks, k->text, &why, &at.line);
    unsigned six = rc == PL_EINVAL ? find_bare_six(k->text, at.line) : 0;

    if (six > 0) {
        at.line = six;
        why = "an IPv6 address needs quotes; as \"[::1]:8000\"";
    }
    if (rc == PL_EINVAL)
        pl_config_complain(k->l, &at, "", "%s", why);
    return rc;
}

enum pl_err pl_config_yaml_read(struct pl_config_yaml **out,
                                struct pl_config_loading *l,
                                const struct pl_config_place *place,
                                struct pl_span text)
{
    struct pl_config_yaml *y = calloc(1, sizeof(*y));
    enum pl_err rc;

    if (y == NULL)
        return PL_ENOMEM;
    struct look k = {l, place, text, &y->marks};
    rc = read_marks(y, &k);
    if (rc == PL_OK && y->marks.root != PL_CONFIG_NOTHING &&
        y->marks.root != PL_CONFIG_SECTION) {
        pl_config_complain(l, place, "", "must be a section: keys and values");
        rc = PL_EINVAL;
    }
    if (rc != PL_OK) {
        pl_config_yaml_destroy(y);
        return rc;
    }
    if (y->marks.root == PL_CONFIG_SECTION)
        look_at_all(&k);
    *out = y;
    return PL_OK;
}

void pl_config_yaml_destroy(struct pl_config_yaml *y)
{
    if (y == NULL)
        return;
    pl_config_marks_fini(&y->marks);
    free(y);
}
