/* SPDX-License-Identifier: Apache-2.0 */
/* config_read.c - see config_read.h.
 *
 * The file, each variable and each --set are YAML texts that pass through the
 * same walk in this order; each overrides those before it and records its
 * place.
 * What none of them sets has its default, which is a text as well.  Findings
 * about a value go with it, so an overridden value cannot cause an error, and
 * an error names the place that counts.
 *
 * A failure ends the step that it occurs in, but hides no later finding:
 * conversion and checks go over all keys and report everything.
 *
 * Rejected: merging converted structs, because `false` and "not set" are then
 * the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config_private.h"

enum { FILE_MAX = 1 << 20 /* bytes */, PIECE = 16384, NAME_MAX_LEN = 128 };

/* Read into memory that never moves: a buffer that grew would leave copies of
 * secrets behind.  Pages that are not used cost nothing. */
static enum pl_err read_all(FILE *f, struct pl_buf *text)
{
    pl_buf_reserve(text, FILE_MAX + 2 * PIECE);
    while (!text->failed && text->len <= FILE_MAX) {
        char *at = pl_buf_reserve(text, PIECE);
        size_t n = at == NULL ? 0 : fread(at, 1, PIECE, f);

        if (n == 0)
            break;
        text->len += n;
    }
    if (text->failed)
        return PL_ENOMEM;
    return ferror(f) ? PL_EIO : PL_OK;
}

/* The mode of a pipe does not matter: each byte has only one reader. */
static bool can_others_read(FILE *f)
{
    struct stat st;

    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
           (st.st_mode & S_IROTH) != 0;
}

static enum pl_err read_file(struct pl_config_loading *l, const char *name)
{
    const struct pl_config_place place = {.file = name};
    struct pl_buf text = {0};
    FILE *f = fopen(name, "re");
    enum pl_err rc = f == NULL ? PL_EIO : read_all(f, &text);

    if (rc == PL_EIO)
        pl_config_report(l, PL_CONFIG_ERROR, &place, "", "%s", strerror(errno));
    if (rc == PL_OK && text.len > FILE_MAX) {
        pl_config_report(l, PL_CONFIG_ERROR, &place, "", "larger than 1 MiB");
        rc = PL_EINVAL;
    }
    if (rc == PL_OK)
        rc = pl_config_walk(l, &place, pl_buf_span(&text));
    if (f != NULL) {
        l->can_others_read = can_others_read(f);
        fclose(f);
    }
    if (text.data != NULL) /* the content may hold secrets */
        explicit_bzero(text.data, text.len);
    pl_buf_fini(&text);
    return rc;
}

static enum pl_err read_set(struct pl_config_loading *l, const char *set)
{
    const char *equals = strchr(set, '=');
    /* without '=' show nothing: the argument may be a secret */
    const struct pl_config_place place = {.set = equals == NULL ? "" : set};
    char path[NAME_MAX_LEN];

    if (equals == NULL || strpbrk(equals, "\r\n") != NULL) {
        pl_config_report(l, PL_CONFIG_ERROR, &place, "",
                         "needs key=value, on one line");
        return PL_EINVAL;
    }
    snprintf(path, sizeof path, "%.*s", (int)(equals - set), set);
    return pl_config_walk_value(l, &l->settings, &place, path, equals + 1);
}

/* Read all texts of a kind behind sources that gave `before`.  If a source
 * cannot be read, read the others, so that all findings are reported together.
 * Only a failed allocation ends the load. */
static enum pl_err read_each(struct pl_config_loading *l, enum pl_err before,
                             enum pl_err (*read)(struct pl_config_loading *l,
                                                 const char *text),
                             const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count && before != PL_ENOMEM; i++) {
        enum pl_err rc = read(l, texts[i]);

        before = before == PL_OK || rc == PL_ENOMEM ? rc : before;
    }
    return before;
}

static enum pl_err read_sources(struct pl_config_loading *l,
                                const struct pl_config_source *src)
{
    const struct pl_config_place place = {
        .file = src->file == NULL ? "configuration" : src->file};
    enum pl_err rc = PL_OK;

    if (src->text.at != NULL)
        rc = pl_config_walk(l, &place, src->text);
    else if (src->file != NULL)
        rc = read_file(l, src->file);
    rc = read_each(l, rc, pl_config_read_variable, src->variables,
                   src->variable_count);
    return read_each(l, rc, read_set, src->sets, src->set_count);
}

enum pl_err pl_config_read(void *values, const struct pl_config_schema *schema,
                           const struct pl_config_source *src,
                           pl_config_check *check, struct pl_buf *report)
{
    struct pl_config_loading l = {
        .values = values, .report = report, .insecure = src->insecure};
    enum pl_err rc = pl_config_settings_init(&l.settings, schema, values);

    if (rc == PL_OK)
        rc = read_sources(&l, src);
    if (rc == PL_OK)
        rc = pl_config_settings_finish(&l, &l.settings);
    if (rc == PL_OK && check != NULL)
        check(&l, src);
    if (rc == PL_OK && l.errors == 0 && src->look != NULL)
        src->look(&l);
    if (rc == PL_OK && l.errors > 0)
        rc = PL_EINVAL;
    pl_config_settings_fini(&l.settings);
    return report->failed ? PL_ENOMEM : rc; /* or the findings are unknown */
}
