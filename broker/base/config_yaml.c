/* SPDX-License-Identifier: Apache-2.0 */
/* config_yaml.c - see config_yaml.h.
 *
 * The schema for libcyaml is made from the table of keys at each load: every
 * scalar is a string, every list a list of strings, every section a mapping.
 * libcyaml decides which keys exist, that none comes twice and what shape each
 * has; config_value.c converts.  Its own scalar types were rejected: it takes
 * any word but a few for true, reads 010 as eight, knows no units, and puts
 * values, so also secrets, into its messages.  For the same reason nothing of
 * its messages is shown but the names of keys.
 *
 * Sections are pointers so that an empty one (`websocket:` with every line
 * below it commented out) is allowed.  Each has a whole struct raw of which it
 * uses its own values; that wastes a kilobyte and spares a struct a section.
 *
 * Invariant: setting texts point into `root`, so the object outlives them. */
#include "config_yaml.h"

#include <assert.h>
#include <cyaml/cyaml.h>
#include <stdio.h>
#include <stdlib.h>

#include "config_marks.h"

enum { NAME_MAX_LEN = 32, FIELDS_MAX = 4, TEXT_MAX = 4096 };

struct raw {
    struct {
        char *text;
        char **list;
        uint32_t count;
    } value[PL_CONFIG_KEY_MAX];
    struct raw *section[PL_CONFIG_SECTION_MAX];
};

struct schema {
    cyaml_schema_value_t root;
    cyaml_schema_field_t top[PL_CONFIG_KEY_MAX + 1];
    cyaml_schema_field_t inner[PL_CONFIG_KEY_MAX + PL_CONFIG_SECTION_MAX];
    char name[PL_CONFIG_SECTION_MAX][NAME_MAX_LEN];
    uint8_t section_of[PL_CONFIG_KEY_MAX]; /* NO_SECTION: at the top */
};

enum { NO_SECTION = 255 };

/* What libcyaml said about its first error. */
struct trouble {
    enum { OTHER, UNKNOWN_KEY, TWICE, SHAPE, TOO_MANY } what;
    bool said;
    char key[80];               /* of UNKNOWN_KEY */
    char field[FIELDS_MAX][80]; /* innermost first */
    size_t field_count;
};

struct pl_config_yaml {
    struct schema schema;
    struct raw *root; /* NULL: the text says nothing */
    struct pl_config_marks marks;
    struct trouble trouble;
    cyaml_config_t cyaml;
};

static const cyaml_schema_value_t list_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, TEXT_MAX)};

static bool is_list(enum pl_config_kind kind)
{
    return kind == PL_KIND_ENDPOINTS || kind == PL_KIND_STRINGS ||
           kind == PL_KIND_NETWORKS;
}

static void leaf_init(cyaml_schema_field_t *f, const char *name, size_t index)
{
    size_t at = offsetof(struct raw, value) +
                index * sizeof(((struct raw *)NULL)->value[0]);
    const struct raw *r = NULL;

    f->key = name;
    f->value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
    if (!is_list(pl_config_keys[index].kind)) {
        f->value.type = CYAML_STRING;
        f->value.data_size = sizeof(char);
        f->value.string.max = TEXT_MAX;
        f->data_offset = (uint32_t)at;
        return;
    }
    f->value.type = CYAML_SEQUENCE;
    f->value.data_size = sizeof(char *);
    f->value.sequence.entry = &list_item;
    f->value.sequence.max = (uint32_t)pl_config_keys[index].max;
    f->data_offset = (uint32_t)(at + sizeof(r->value[0].text));
    f->count_offset = f->data_offset + (uint32_t)sizeof(r->value[0].list);
    f->count_size = sizeof(r->value[0].count);
}

static void section_init(cyaml_schema_field_t *f, const char *name,
                         size_t section, const cyaml_schema_field_t *fields)
{
    f->key = name;
    f->data_offset = (uint32_t)(offsetof(struct raw, section) +
                                section * sizeof(struct raw *));
    f->value.type = CYAML_MAPPING;
    f->value.flags = CYAML_FLAG_POINTER_NULL | CYAML_FLAG_OPTIONAL;
    f->value.data_size = sizeof(struct raw);
    f->value.mapping.fields = fields;
}

/* Keys of one section stand together in the table, so one pass is enough; the
 * all-zero field behind each group ends it. */
static void schema_init(struct schema *s)
{
    size_t top = 0, inner = 0, sections = 0;

    assert(pl_config_key_count <= PL_CONFIG_KEY_MAX);
    for (size_t i = 0; i < pl_config_key_count; i++) {
        const char *name = pl_config_keys[i].name;
        const char *dot = strchr(name, '.');
        size_t len = dot == NULL ? 0 : (size_t)(dot - name);

        if (dot == NULL) {
            s->section_of[i] = NO_SECTION;
            leaf_init(&s->top[top++], name, i);
            continue;
        }
        if (sections == 0 || strncmp(s->name[sections - 1], name, len) != 0 ||
            s->name[sections - 1][len] != '\0') {
            assert(sections < PL_CONFIG_SECTION_MAX && len < NAME_MAX_LEN);
            memcpy(s->name[sections], name, len);
            inner += sections > 0;
            section_init(&s->top[top++], s->name[sections], sections,
                         &s->inner[inner]);
            sections++;
        }
        s->section_of[i] = (uint8_t)(sections - 1);
        leaf_init(&s->inner[inner++], dot + 1, i);
    }
    s->root = (cyaml_schema_value_t){
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, s->top)};
}

/* Copy what stands between `line`'s prefix and `end` (or its end). */
static bool take(const char *line, const char *prefix, const char *end,
                 char *out, size_t size)
{
    size_t len = strlen(prefix);
    const char *stop;

    if (strncmp(line, prefix, len) != 0)
        return false;
    line += len;
    stop = strstr(line, end);
    snprintf(out, size, "%.*s",
             (int)(stop == NULL ? strlen(line) : (size_t)(stop - line)), line);
    return true;
}

static void on_message(struct trouble *t, const char *line)
{
    char ignored[80];

    if (t->field_count < FIELDS_MAX &&
        take(line, "  in mapping field '", "' (line:", t->field[t->field_count],
             sizeof(t->field[0]))) {
        t->field_count++;
        return;
    }
    if (t->said || strncmp(line, "  in ", 5) == 0 ||
        strncmp(line, "Load: Backtrace", 15) == 0)
        return;
    t->said = true;
    if (take(line, "Load: Unexpected key: ", "\n", t->key, sizeof(t->key)))
        t->what = UNKNOWN_KEY;
    else if (take(line, "Load: Mapping field already seen: ", "\n", ignored,
                  sizeof(ignored)))
        t->what = TWICE;
    else if (take(line, "Load: Expecting ", "\n", ignored, sizeof(ignored)))
        t->what = SHAPE;
    else if (take(line, "Load: Excessive entries", "\n", ignored,
                  sizeof(ignored)))
        t->what = TOO_MANY;
}

static void cyaml_says(cyaml_log_t level, void *arg, const char *format,
                       va_list args) __attribute__((format(printf, 3, 0)));

static void cyaml_says(cyaml_log_t level, void *arg, const char *format,
                       va_list args)
{
    char line[512];

    (void)level; /* the configuration asks for errors only */
    vsnprintf(line, sizeof(line), format, args);
    on_message(arg, line);
    explicit_bzero(line, sizeof(line)); /* it may have held a secret */
}

static void trouble_path(const struct trouble *t, char *path, size_t size)
{
    size_t len = 0;

    path[0] = '\0';
    for (size_t i = t->field_count; i > 0 && len < size; i--)
        len += (size_t)snprintf(path + len, size - len, "%s%s",
                                len == 0 ? "" : ".", t->field[i - 1]);
    if (t->what == UNKNOWN_KEY && len < size)
        snprintf(path + len, size - len, "%s%s", len == 0 ? "" : ".", t->key);
}

static const struct pl_config_key *key_named(const char *path)
{
    for (size_t i = 0; i < pl_config_key_count; i++)
        if (strcmp(pl_config_keys[i].name, path) == 0)
            return &pl_config_keys[i];
    return NULL;
}

static void complain_of_shape(struct pl_config_loading *l,
                              const struct pl_config_place *at,
                              const char *path)
{
    const struct pl_config_key *key = key_named(path);

    if (key != NULL)
        pl_config_complain(l, at, path, "must be: %s",
                           pl_config_kind_text(key->kind));
    else
        pl_config_complain(l, at, path, "must be a section: keys and values");
}

static void complain(struct pl_config_yaml *y, struct pl_config_loading *l,
                     const struct pl_config_place *place, cyaml_err_t err)
{
    struct trouble *t = &y->trouble;
    struct pl_config_place at = *place;
    char path[FIELDS_MAX * 80 + 80];

    trouble_path(t, path, sizeof(path));
    at.line = t->what == TWICE ? pl_config_marks_last(&y->marks, path)
                               : pl_config_marks_first(&y->marks, path);
    if (t->what == UNKNOWN_KEY && key_named(path) != NULL)
        pl_config_complain(l, &at, path,
                           "is for --set; here it goes below its section");
    else if (t->what == UNKNOWN_KEY)
        pl_config_complain(l, &at, path, "unknown key");
    else if (t->what == TWICE)
        pl_config_complain(l, &at, path, "given twice");
    else if (t->what == SHAPE)
        complain_of_shape(l, &at, path);
    else if (t->what == TOO_MANY)
        pl_config_complain(l, &at, path, "has too many items");
    else
        pl_config_complain(l, &at, path, "%s", cyaml_strerror(err));
}

/* The struct raw that holds key `i`; NULL when its section is not there. */
static struct raw *raw_of(const struct pl_config_yaml *y, size_t i)
{
    uint8_t section = y->schema.section_of[i];

    if (y->root == NULL || section == NO_SECTION)
        return y->root;
    return y->root->section[section];
}

static void take_settings(const struct pl_config_yaml *y,
                          struct pl_config_loading *l,
                          const struct pl_config_place *place)
{
    for (size_t i = 0; i < pl_config_key_count; i++) {
        struct raw *r = raw_of(y, i);
        unsigned line =
            pl_config_marks_first(&y->marks, pl_config_keys[i].name);

        if (r == NULL || line == 0)
            continue;
        l->setting[i] = (struct pl_config_setting){
            .text = r->value[i].text,
            .list = r->value[i].list,
            .count = r->value[i].count,
            .place = {place->file, line, place->set},
            .said = true,
            .explicit = place->file != NULL || place->set != NULL,
        };
    }
}

static enum pl_err read_marks(struct pl_config_yaml *y,
                              struct pl_config_loading *l,
                              const struct pl_config_place *place,
                              struct pl_span text)
{
    struct pl_config_place at = *place;
    const char *why = NULL;
    enum pl_err rc = pl_config_marks_read(&y->marks, text, &why, &at.line);

    if (rc == PL_EINVAL)
        pl_config_complain(l, &at, "", "%s", why);
    return rc;
}

static enum pl_err read_values(struct pl_config_yaml *y,
                               struct pl_config_loading *l,
                               const struct pl_config_place *place,
                               struct pl_span text)
{
    cyaml_err_t err;

    schema_init(&y->schema);
    y->cyaml = (cyaml_config_t){
        .log_fn = cyaml_says,
        .log_ctx = &y->trouble,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    err = cyaml_load_data((const uint8_t *)text.at, text.len, &y->cyaml,
                          &y->schema.root, (cyaml_data_t **)&y->root, NULL);
    if (err == CYAML_OK)
        return PL_OK;
    if (err == CYAML_ERR_OOM)
        return PL_ENOMEM;
    complain(y, l, place, err);
    return PL_EINVAL;
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
    rc = read_marks(y, l, place, text);
    if (rc == PL_OK && !y->marks.nothing)
        rc = read_values(y, l, place, text);
    if (rc != PL_OK) {
        pl_config_yaml_destroy(y);
        return rc;
    }
    take_settings(y, l, place);
    *out = y;
    return PL_OK;
}

void pl_config_yaml_destroy(struct pl_config_yaml *y)
{
    if (y == NULL)
        return;
    for (size_t i = 0; i < pl_config_key_count; i++) {
        struct raw *r = y->root == NULL ? NULL : raw_of(y, i);

        if (r != NULL && r->value[i].text != NULL && pl_config_keys[i].secret)
            explicit_bzero(r->value[i].text, strlen(r->value[i].text));
    }
    if (y->root != NULL)
        cyaml_free(&y->cyaml, &y->schema.root, y->root, 0);
    pl_config_marks_fini(&y->marks);
    free(y);
}
