/* SPDX-License-Identifier: Apache-2.0 */
/* config_walk.c - reads a YAML text into settings.
 *
 * One pass over libyaml's events, with the tables of keys as the schema.  An
 * error in one key hides no error in another, except that an unknown section
 * hides its own keys.  A text that is no YAML, or that has what no
 * configuration needs, has one finding: the meaning of the rest is unknown, so
 * its other findings are taken back.
 *
 * Rejected: libcyaml, because it stops at the first finding, names a wrong line
 * for a misspelt key, ends strings at a NUL byte, and puts values, including
 * secrets, into its messages; and a tree of the text, because each key needs
 * its place and its value once.
 *
 * Invariant: no value is part of a message, because it may be a secret.  Each
 * reader leaves the walk at the last event of what it read. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "config_kind.h"
#include "config_private.h"

enum { DEPTH_MAX = 8, KEYS_MAX = 4096, KEY_MAX = 64, TEXT_MAX = 65536 };
enum { PATH_SIZE = 2 * KEY_MAX + 2 };

struct walk {
    struct pl_config_loading *l;
    struct pl_config_place place; /* of the newest key */
    struct pl_span text;
    yaml_parser_t parser;
    yaml_event_t event; /* the newest */
    unsigned id;        /* of this text */
    unsigned depth, keys, documents;
    const char *why; /* the text is refused */
};

static const char wrong_type[] = "must be of another type";
static const char bare_six[] = "an IPv6 address needs quotes; as "
                               "\"[::1]:8000\"";
static const char no_section[] = "must be a section: keys and values";

static enum pl_err read_keys(struct walk *w, struct pl_config_settings *to,
                             const char *section);

static enum pl_err refuse(struct walk *w, const char *why)
{
    w->why = why;
    return PL_EINVAL;
}

/* libyaml's `problem` is always a constant text. */
static enum pl_err broken(struct walk *w)
{
    const yaml_parser_t *p = &w->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return PL_ENOMEM;
    w->place.line = (unsigned)p->problem_mark.line + 1;
    return refuse(w, p->problem == NULL ? "not YAML" : p->problem);
}

/* Refuse what no configuration needs. */
static enum pl_err admit(struct walk *w)
{
    const yaml_event_t *e = &w->event;

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return w->documents++ == 0 ? PL_OK
                                   : refuse(w, "more than one document");
    case YAML_ALIAS_EVENT:
        return refuse(w, "aliases are not supported");
    case YAML_SCALAR_EVENT:
        return memchr(e->data.scalar.value, '\0', e->data.scalar.length) == NULL
                   ? PL_OK
                   : refuse(w, "a NUL byte in a value");
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return w->depth++ < DEPTH_MAX ? PL_OK : refuse(w, "nested too deeply");
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        w->depth--;
        return PL_OK;
    default:
        return PL_OK;
    }
}

static enum pl_err next(struct walk *w)
{
    yaml_event_delete(&w->event);
    if (!yaml_parser_parse(&w->parser, &w->event))
        return broken(w);
    w->place.line = (unsigned)w->event.start_mark.line + 1;
    return admit(w);
}

static const char *scalar(const struct walk *w)
{
    return (const char *)w->event.data.scalar.value;
}

static bool is_start(const struct walk *w)
{
    return w->event.type == YAML_SEQUENCE_START_EVENT ||
           w->event.type == YAML_MAPPING_START_EVENT;
}

/* Go on to the end of the list or section that is this deep. */
static enum pl_err leave(struct walk *w, unsigned outside)
{
    enum pl_err rc = PL_OK;

    while (rc == PL_OK && w->depth > outside)
        rc = next(w);
    return rc;
}

static enum pl_err skip(struct walk *w)
{
    return leave(w, w->depth - is_start(w));
}

/* True if `line` has an unquoted address such as [::1]:8000, which YAML takes
 * for a list. */
static bool has_bare_six(struct pl_span line)
{
    for (size_t i = 0; i < line.len; i++) {
        size_t end = i + 1, colons = 0;

        if (line.at[i] != '[' ||
            (i > 0 && (line.at[i - 1] == '"' || line.at[i - 1] == '\'')))
            continue;
        for (; end < line.len && (isxdigit((unsigned char)line.at[end]) ||
                                  line.at[end] == ':' || line.at[end] == '.');
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

static void complain(struct walk *w, const struct pl_config_place *at,
                     const char *path, const char *why)
{
    w->l->is_incomplete = true;
    pl_config_report(w->l, PL_CONFIG_ERROR, at, path, "%s", why);
}

static void complain_of_type(struct walk *w, const struct pl_config_place *at,
                             const struct pl_config_key *key)
{
    char why[120];

    snprintf(why, sizeof why, "must be: %s", pl_config_key_type(key));
    complain(w, at, key->name,
             find_bare_six(w->text, at->line) == at->line ? bare_six : why);
}

static void complain_of_unknown(struct walk *w,
                                const struct pl_config_place *at,
                                const struct pl_config_settings *to,
                                const char *path, bool is_dotted)
{
    struct pl_span near = pl_config_near(to, path);
    char why[120] = "unknown key";

    if (is_dotted)
        snprintf(why, sizeof why,
                 "is for --set; here it goes below its section");
    else if (near.at != NULL)
        snprintf(why, sizeof why, "unknown key; did you mean %.*s?",
                 (int)near.len, near.at);
    complain(w, at, path, why);
}

/* Convert the current scalar. */
static enum pl_err store(struct walk *w, const struct pl_config_setting *s,
                         void *member)
{
    return pl_config_kinds[s->key->kind].store(
        &(struct pl_config_job){w->l, s->key, &s->place, scalar(w), member});
}

/* The section `all` has ended; it began at `line`. */
static void check_required(struct walk *w, const struct pl_config_settings *all,
                           unsigned line)
{
    struct pl_config_place place = w->place;

    place.line = line;
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].key->required && !all->at[i].said)
            pl_config_report(w->l, PL_CONFIG_ERROR, &place,
                             all->at[i].key->name, "is missing");
}

/* Read the section that begins into the struct `item`. */
static enum pl_err read_item(struct walk *w, const struct pl_config_setting *s,
                             void *item)
{
    const struct pl_config_place outside = w->place;
    struct pl_config_settings all;
    enum pl_err rc = pl_config_settings_init(&all, s->key->one, item);

    w->place.list = s->key->name;
    w->place.item = s->count;
    if (rc == PL_OK)
        rc = read_keys(w, &all, "");
    if (rc == PL_OK)
        check_required(w, &all, outside.line);
    if (rc == PL_OK)
        rc = pl_config_settings_finish(w->l, &all);
    pl_config_settings_fini(&all);
    w->place.list = outside.list;
    w->place.item = outside.item;
    return rc;
}

/* Make space for another item; a list is full at each power of two. */
static char *grow(struct pl_config_list *list, size_t size)
{
    char *at = list->at;

    if ((list->count & (list->count - 1)) == 0)
        at = realloc(at, (list->count == 0 ? 1 : 2 * list->count) * size);
    if (at == NULL)
        return NULL;
    list->at = at;
    memset(at + list->count * size, 0, size);
    return at + list->count * size;
}

/* An invalid item is left out; a section stays, because it owns what it has. */
static enum pl_err add_item(struct walk *w, struct pl_config_setting *s,
                            struct pl_config_list *list)
{
    char *item = grow(list, pl_config_item_size(s->key));
    unsigned errors = w->l->errors;
    enum pl_err rc;

    if (item == NULL)
        return PL_ENOMEM;
    s->count++;
    if (s->key->kind == PL_KIND_SECTIONS) {
        list->count++;
        return read_item(w, s, item);
    }
    rc = store(w, s, item);
    list->count += rc == PL_OK && w->l->errors == errors;
    return rc;
}

/* What is wrong with the current event as a value or an item; NULL: nothing. */
static const char *fault_of(const struct walk *w, yaml_event_type_t wanted)
{
    if (w->event.type != wanted)
        return wrong_type;
    if (wanted == YAML_SCALAR_EVENT && w->event.data.scalar.length > TEXT_MAX)
        return "has more than 65536 bytes";
    return NULL;
}

static enum pl_err read_list(struct walk *w, struct pl_config_setting *s,
                             const char **why)
{
    yaml_event_type_t wanted = s->key->kind == PL_KIND_SECTIONS
                                   ? YAML_MAPPING_START_EVENT
                                   : YAML_SCALAR_EVENT;
    struct pl_config_list list = {NULL, 0};
    unsigned inside = w->depth;
    enum pl_err rc;

    while ((rc = next(w)) == PL_OK && w->depth >= inside) {
        *why = s->count == s->key->max ? "has too many items"
                                       : fault_of(w, wanted);
        if (*why == NULL)
            rc = add_item(w, s, &list);
        if (*why != NULL || rc != PL_OK)
            break;
    }
    if (rc == PL_OK)
        rc = leave(w, inside - 1);
    pl_config_member_fini(s->key, *why == NULL ? s->member : &list);
    if (*why == NULL)
        *(struct pl_config_list *)s->member = list;
    return rc;
}

static enum pl_err read_text(struct walk *w, struct pl_config_setting *s,
                             const char **why)
{
    *why = fault_of(w, YAML_SCALAR_EVENT);
    if (*why != NULL)
        return skip(w);
    pl_config_member_fini(s->key, s->member);
    return store(w, s, s->member);
}

/* Read the value that begins.  Findings about a text count only if no other
 * source overrides it, so the setting keeps them. */
static enum pl_err read_value(struct walk *w, struct pl_config_setting *s,
                              const struct pl_config_place *at)
{
    bool is_list = pl_config_kinds[s->key->kind].is_list;
    struct pl_config_setting before = *s;
    struct pl_buf *report = w->l->report;
    unsigned errors = w->l->errors;
    const char *why = NULL;
    enum pl_err rc;

    s->findings = (struct pl_buf){0};
    s->place = *at;
    s->count = 0;
    s->said = true;
    w->l->report = &s->findings;
    if (is_list && w->event.type != YAML_SEQUENCE_START_EVENT) {
        why = wrong_type;
        rc = skip(w);
    } else {
        rc = is_list ? read_list(w, s, &why) : read_text(w, s, &why);
    }
    w->l->report = report;
    w->l->errors = errors;
    if (rc == PL_OK && why == wrong_type)
        complain_of_type(w, at, s->key);
    else if (rc == PL_OK && why != NULL)
        complain(w, at, s->key->name, why);
    pl_buf_fini(why == NULL ? &before.findings : &s->findings);
    if (why != NULL)
        *s = before;
    return rc;
}

/* An empty section, such as one with all lines commented out, is allowed. */
static bool is_empty(const struct walk *w)
{
    return w->event.type == YAML_SCALAR_EVENT &&
           (strcmp(scalar(w), "") == 0 || strcmp(scalar(w), "~") == 0 ||
            strcmp(scalar(w), "null") == 0);
}

static enum pl_err read_section(struct walk *w, struct pl_config_settings *to,
                                const struct pl_config_place *at,
                                const char *name)
{
    if (w->event.type == YAML_MAPPING_START_EVENT)
        return read_keys(w, to, name);
    if (!is_empty(w))
        complain(w, at, name, no_section);
    return skip(w);
}

/* Read the value of the key or section `path`. */
static enum pl_err read_path(struct walk *w, struct pl_config_settings *to,
                             const struct pl_config_place *at, const char *path)
{
    struct pl_config_setting *s = pl_config_settings_find(to, path);
    struct pl_config_setting *first =
        s == NULL ? pl_config_settings_section(to, path) : NULL;
    unsigned *named_in = NULL;

    if (s == NULL && first == NULL) {
        complain_of_unknown(w, at, to, path, false);
        return skip(w);
    }
    named_in = s != NULL ? &s->named_in : &first->section_named_in;
    if (*named_in == w->id) {
        complain(w, at, path, "given twice");
        return skip(w);
    }
    *named_in = w->id;
    return s != NULL ? read_value(w, s, at) : read_section(w, to, at, path);
}

/* Read the current key and its value. */
static enum pl_err read_key(struct walk *w, struct pl_config_settings *to,
                            const char *section)
{
    const struct pl_config_place at = w->place;
    char path[PATH_SIZE];

    if (w->event.type != YAML_SCALAR_EVENT)
        return refuse(w, "a key must be a word");
    if (w->event.data.scalar.length > KEY_MAX)
        return refuse(w, "a key is too long");
    if (w->keys++ == KEYS_MAX)
        return refuse(w, "too many keys");
    snprintf(path, sizeof path, "%s%s%s", section, *section == '\0' ? "" : ".",
             scalar(w));
    bool is_dotted = strchr(scalar(w), '.') != NULL &&
                     pl_config_settings_find(to, path) != NULL;
    enum pl_err rc = next(w);

    if (rc != PL_OK)
        return rc;
    if (!is_dotted)
        return read_path(w, to, &at, path);
    complain_of_unknown(w, &at, to, path, true);
    return skip(w);
}

/* Read the rest of a section; `section` is its name, "" at the top. */
static enum pl_err read_keys(struct walk *w, struct pl_config_settings *to,
                             const char *section)
{
    enum pl_err rc;

    while ((rc = next(w)) == PL_OK && w->event.type != YAML_MAPPING_END_EVENT)
        if ((rc = read_key(w, to, section)) != PL_OK)
            break;
    return rc;
}

/* Begin the text and go on to its first value, or to its end. */
static enum pl_err begin(struct walk *w)
{
    enum pl_err rc;

    yaml_parser_set_input_string(&w->parser, (const unsigned char *)w->text.at,
                                 w->text.len);
    w->id = ++w->l->texts;
    while ((rc = next(w)) == PL_OK &&
           (w->event.type == YAML_STREAM_START_EVENT ||
            w->event.type == YAML_DOCUMENT_START_EVENT))
        ;
    return rc;
}

static enum pl_err finish(struct walk *w)
{
    enum pl_err rc = PL_OK;

    while (rc == PL_OK && w->event.type != YAML_STREAM_END_EVENT)
        rc = next(w);
    return rc;
}

/* The root is a section, or there is none. */
static enum pl_err read_root(struct walk *w, const struct pl_config_place *at)
{
    bool is_fine = w->event.type == YAML_STREAM_END_EVENT ||
                   w->event.type == YAML_MAPPING_START_EVENT ||
                   (w->event.type == YAML_SCALAR_EVENT && *scalar(w) == '\0');
    enum pl_err rc = w->event.type == YAML_MAPPING_START_EVENT
                         ? read_keys(w, &w->l->settings, "")
                         : PL_OK;

    if (rc == PL_OK)
        rc = finish(w);
    if (rc == PL_OK && !is_fine) {
        complain(w, at, "", no_section);
        rc = PL_EINVAL;
    }
    return rc;
}

/* The root is a section of one key, x. */
static enum pl_err read_one(struct walk *w, struct pl_config_settings *to,
                            const char *path)
{
    const struct pl_config_place at = w->place;
    enum pl_err rc = next(w); /* x */

    if (rc == PL_OK)
        rc = next(w);
    if (rc == PL_OK)
        rc = read_path(w, to, &at, path);
    if (rc == PL_OK)
        rc = next(w);
    if (rc == PL_OK && w->event.type != YAML_MAPPING_END_EVENT)
        return refuse(w, "more than one value");
    return rc == PL_OK ? finish(w) : rc;
}

/* Walk through `text`; `path` is NULL or the key of its only value. */
static enum pl_err walk(struct pl_config_loading *l,
                        struct pl_config_settings *to,
                        const struct pl_config_place *place, const char *path,
                        struct pl_span text)
{
    struct walk w = {.l = l, .place = *place, .text = text};
    size_t reported = l->report->len;
    unsigned errors = l->errors, six;
    enum pl_err rc;

    if (!yaml_parser_initialize(&w.parser))
        return PL_ENOMEM;
    if ((rc = begin(&w)) == PL_OK)
        rc = path == NULL ? read_root(&w, place) : read_one(&w, to, path);
    if (rc == PL_EINVAL && w.why != NULL) {
        if (!l->report->failed)
            l->report->len = reported;
        l->errors = errors;
        if ((six = find_bare_six(text, w.place.line)) > 0)
            w.place.line = six;
        pl_config_report(l, PL_CONFIG_ERROR, &w.place, "", "%s",
                         six > 0 ? bare_six : w.why);
    }
    yaml_event_delete(&w.event);
    yaml_parser_delete(&w.parser);
    return rc;
}

enum pl_err pl_config_walk(struct pl_config_loading *l,
                           const struct pl_config_place *place,
                           struct pl_span text)
{
    return walk(l, &l->settings, place, NULL, text);
}

/* The value stands after a key, so that it has the same meaning as in a file.
 */
enum pl_err pl_config_walk_value(struct pl_config_loading *l,
                                 struct pl_config_settings *to,
                                 const struct pl_config_place *place,
                                 const char *path, const char *value)
{
    struct pl_buf text = {0};
    enum pl_err rc;

    pl_buf_printf(&text, "x: %s\n", value);
    rc = text.failed ? PL_ENOMEM : walk(l, to, place, path, pl_buf_span(&text));
    if (text.data != NULL)
        explicit_bzero(text.data, text.cap);
    pl_buf_fini(&text);
    return rc;
}
