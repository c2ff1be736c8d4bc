/* SPDX-License-Identifier: Apache-2.0 */
/* config_marks.c - see config_marks.h.
 *
 * libcyaml checks and converts, but it does not tell where a good value stood,
 * it names the line before the one of an unknown key, and it ends strings at a
 * NUL byte.  So libyaml, on which libcyaml is built, walks through the same
 * text first: it notes the line of every key and refuses what libcyaml would
 * read as something else.  Patching line numbers out of libcyaml's backtrace
 * was tried and is wrong by a line in the commonest case, the misspelt key.
 *
 * Invariant: `path` holds the path of the key whose value comes next, or of
 * the mapping whose key comes next; a frame knows where its own part begins. */
#include "config_marks.h"

#include <assert.h>
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, MARKS_MAX = 4096, KEY_MAX = 64 };

struct frame {
    bool mapping;
    bool wants_key;
    size_t path_len;
};

struct walk {
    struct pl_config_marks *marks;
    struct frame frame[DEPTH_MAX];
    size_t depth;
    unsigned documents;
    char path[DEPTH_MAX * (KEY_MAX + 1) + 1];
    size_t path_len;
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
    if ((m->at[m->count].path = strdup(w->path)) == NULL)
        return PL_ENOMEM;
    m->at[m->count++].line = line;
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
    w->marks->nothing = f == NULL && len == 0;
    value_done(w);
    return PL_OK;
}

static enum pl_err on_start(struct walk *w, bool mapping)
{
    struct frame *f = top(w);

    if (f != NULL && f->wants_key)
        return refuse(w, "a key must be a word");
    if (w->depth == DEPTH_MAX)
        return refuse(w, "nested too deeply");
    w->frame[w->depth++] = (struct frame){mapping, mapping, w->path_len};
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

/* libyaml's `problem` is always a constant text of its own. */
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
    struct walk w = {.marks = m};
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

unsigned pl_config_marks_first(const struct pl_config_marks *m,
                               const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->at[i].path, path) == 0)
            return m->at[i].line;
    return 0;
}

unsigned pl_config_marks_last(const struct pl_config_marks *m, const char *path)
{
    for (size_t i = m->count; i > 0; i--)
        if (strcmp(m->at[i - 1].path, path) == 0)
            return m->at[i - 1].line;
    return 0;
}

void pl_config_marks_fini(struct pl_config_marks *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->at[i].path);
    free(m->at);
    *m = (struct pl_config_marks){0};
}
