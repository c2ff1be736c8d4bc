/* SPDX-License-Identifier: Apache-2.0 */
/* config_marks.c - see config_marks.h.
 *
 * One pass over libyaml's events.  It refuses what no configuration needs:
 * aliases, several documents, keys that are not words, NUL bytes, deep nesting.
 * config_yaml.c knows which keys exist and the shape of each.
 *
 * Rejected: libcyaml, because it stops at the first finding, names a wrong line
 * for a misspelt key, ends strings at a NUL byte, and puts values, including
 * secrets, into its messages.
 *
 * Invariant: `path` holds the path of the key of the next value, or of the
 * mapping of the next key; a frame records where its own part begins. */
#include "config_marks.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, MARKS_MAX = 4096, KEY_MAX = 64 };

#define NO_MARK SIZE_MAX

struct frame {
    bool mapping;
    bool wants_key;
    size_t path_len;
    size_t owner; /* the mark that has this value; NO_MARK: the document */
};

struct walk {
    struct pl_config_marks *marks;
    struct frame frame[DEPTH_MAX];
    size_t depth;
    unsigned documents;
    char path[DEPTH_MAX * (KEY_MAX + 1) + 1];
    size_t path_len;
    size_t current; /* the mark of the next value; NO_MARK: none */
    const char *why;
};

static enum pl_err refuse(struct walk *w, const char *why)
{
    w->why = why;
    return PL_EINVAL;
}

static struct frame *top(struct walk *w)
{
    return w->depth == 0 ? NULL : &w->frame[w->depth - 1];
}

static enum pl_err note(struct walk *w, unsigned line)
{
    struct pl_config_marks *m = w->marks;
    struct pl_config_mark *grown;

    if (m->count == MARKS_MAX)
        return refuse(w, "too many keys");
    if ((m->count & (m->count - 1)) == 0) { /* full at each power of two */
        grown = realloc(m->at,
                        (m->count == 0 ? 1 : 2 * m->count) * sizeof(m->at[0]));
        if (grown == NULL)
            return PL_ENOMEM;
        m->at = grown;
    }
    m->at[m->count] =
        (struct pl_config_mark){.line = line, .depth = (unsigned)w->depth};
    if ((m->at[m->count].path = strdup(w->path)) == NULL)
        return PL_ENOMEM;
    w->current = m->count++;
    return PL_OK;
}

/* Add an item to a list. */
static enum pl_err add_item(struct pl_config_mark *m, const char *text)
{
    char **grown;

    if ((m->count & (m->count - 1)) == 0) { /* full at each power of two */
        grown = realloc(m->list,
                        (m->count == 0 ? 1 : 2 * m->count) * sizeof *grown);
        if (grown == NULL)
            return PL_ENOMEM;
        m->list = grown;
    }
    if ((m->list[m->count] = strdup(text)) == NULL)
        return PL_ENOMEM;
    m->count++;
    return PL_OK;
}

/* Handle a scalar that is a value: of the key before it, or an item of its
 * list. */
static enum pl_err on_value(struct walk *w, const struct frame *f,
                            const char *text)
{
    struct pl_config_mark *m = NULL;

    if (f == NULL) {
        w->marks->root = *text == '\0' ? PL_CONFIG_NOTHING : PL_CONFIG_SCALAR;
        return PL_OK;
    }
    if (f->mapping) {
        m = &w->marks->at[w->current];
        m->shape = PL_CONFIG_SCALAR;
        m->text = strdup(text);
        return m->text == NULL ? PL_ENOMEM : PL_OK;
    }
    if (f->owner != NO_MARK && w->marks->at[f->owner].shape == PL_CONFIG_LIST)
        return add_item(&w->marks->at[f->owner], text);
    return PL_OK;
}

static enum pl_err on_key(struct walk *w, struct frame *f, const char *key,
                          size_t len, unsigned line)
{
    if (len > KEY_MAX)
        return refuse(w, "a key is too long");
    w->path_len = f->path_len;
    if (w->path_len > 0)
        w->path[w->path_len++] = '.';
    memcpy(w->path + w->path_len, key, len);
    w->path_len += len;
    w->path[w->path_len] = '\0';
    f->wants_key = false;
    return note(w, line);
}

static void value_done(struct walk *w)
{
    struct frame *f = top(w);

    if (f != NULL)
        f->wants_key = f->mapping;
}

static enum pl_err on_scalar(struct walk *w, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t len = e->data.scalar.length;
    struct frame *f = top(w);

    if (memchr(text, '\0', len) != NULL)
        return refuse(w, "a NUL byte in a value");
    if (f != NULL && f->wants_key)
        return on_key(w, f, text, len, (unsigned)e->start_mark.line + 1);
    enum pl_err rc = on_value(w, f, text);
    value_done(w);
    return rc;
}

/* A list that contains a list or a mapping is not a list of texts. */
static size_t note_shape(struct walk *w, const struct frame *f, bool mapping)
{
    enum pl_config_shape shape = mapping ? PL_CONFIG_SECTION : PL_CONFIG_LIST;

    if (f == NULL) {
        w->marks->root = shape;
        return NO_MARK;
    }
    if (f->mapping) {
        w->marks->at[w->current].shape = shape;
        return w->current;
    }
    if (f->owner != NO_MARK)
        w->marks->at[f->owner].shape = PL_CONFIG_OTHER;
    return f->owner;
}

static enum pl_err on_start(struct walk *w, bool mapping)
{
    struct frame *f = top(w);

    if (f != NULL && f->wants_key)
        return refuse(w, "a key must be a word");
    if (w->depth == DEPTH_MAX)
        return refuse(w, "nested too deeply");
    w->frame[w->depth] = (struct frame){mapping, mapping, w->path_len,
                                        note_shape(w, f, mapping)};
    w->depth++;
    return PL_OK;
}

static enum pl_err on_end(struct walk *w)
{
    assert(w->depth > 0); /* libyaml balances its events */
    w->path_len = w->frame[--w->depth].path_len;
    value_done(w);
    return PL_OK;
}

static enum pl_err on_event(struct walk *w, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return w->documents++ == 0 ? PL_OK
                                   : refuse(w, "more than one document");
    case YAML_ALIAS_EVENT:
        return refuse(w, "aliases are not supported");
    case YAML_SCALAR_EVENT:
        return on_scalar(w, e);
    case YAML_SEQUENCE_START_EVENT:
        return on_start(w, false);
    case YAML_MAPPING_START_EVENT:
        return on_start(w, true);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(w);
    default:
        return PL_OK;
    }
}

/* libyaml's `problem` is always a constant text. */
static enum pl_err broken(struct walk *w, const yaml_parser_t *p,
                          unsigned *line)
{
    if (p->error == YAML_MEMORY_ERROR)
        return PL_ENOMEM;
    *line = (unsigned)p->problem_mark.line + 1;
    return refuse(w, p->problem == NULL ? "not YAML" : p->problem);
}

static enum pl_err walk_through(struct walk *w, yaml_parser_t *p,
                                unsigned *line)
{
    enum pl_err rc = PL_OK;
    bool more = true;
    yaml_event_t e;

    while (more && rc == PL_OK) {
        if (!yaml_parser_parse(p, &e))
            return broken(w, p, line);
        *line = (unsigned)e.start_mark.line + 1;
        more = e.type != YAML_STREAM_END_EVENT;
        rc = on_event(w, &e);
        yaml_event_delete(&e);
    }
    return rc;
}

enum pl_err pl_config_marks_read(struct pl_config_marks *m, struct pl_span text,
                                 const char **why, unsigned *line)
{
    struct walk w = {.marks = m, .current = NO_MARK};
    yaml_parser_t parser;
    enum pl_err rc;

    if (!yaml_parser_initialize(&parser))
        return PL_ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.at,
                                 text.len);
    rc = walk_through(&w, &parser, line);
    *why = w.why;
    yaml_parser_delete(&parser);
    return rc;
}

static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void pl_config_marks_fini(struct pl_config_marks *m)
{
    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = 0; k < m->at[i].count; k++)
            wipe(m->at[i].list[k]);
        free(m->at[i].list);
        wipe(m->at[i].text);
        free(m->at[i].path);
    }
    free(m->at);
    *m = (struct pl_config_marks){0};
}
