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
#include <stdio.h>
#include <string.h>

#include "config_file.h"
#include "config_private.h"

enum { NAME_MAX_LEN = 128 };

static enum pl_err read_file(struct pl_config_loading *l, const char *name)
{
    const struct pl_config_place place = {.file = name};
    struct pl_buf text = {0};
    const char *why = NULL;
    enum pl_err rc =
        pl_config_file_read(&text, name, &l->can_others_read, &why);

    if (why != NULL)
        pl_config_report(l, PL_CONFIG_ERROR, &place, "", "%s", why);
    if (rc == PL_OK)
        rc = pl_config_walk(l, &place, pl_buf_span(&text));
    pl_config_file_fini(&text);
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
        .values = values,
        .report = report,
        .insecure = src->insecure,
        .can_others_read = src->can_others_read,
        .origins = src->origins,
        .origin_count = src->origin_count,
    };
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
