/* SPDX-License-Identifier: Apache-2.0 */
/* centrifugo.c - see centrifugo.h.
 *
 * The result is a text, which passes through the same reader as any other
 * configuration.  So an imported file and the original mean the same, and no
 * module knows two ways to be configured.
 *
 * Rejected: TOML, because Debian has no maintained library for it in C; and
 * setting keys directly, because `parley import-config` then needs a second
 * way.
 *
 * Invariant: a text is returned only if it means what the file means, but for
 * what the report says. */
#include "centrifugo.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import.h"

const char *pl_centrifugo_file_fault(const char *file)
{
    const char *dot = strrchr(file, '.');

    if (dot == NULL || strcasecmp(dot, ".toml") != 0)
        return NULL;
    return "TOML is not read; make JSON of it: python3 -c 'import json, sys, "
           "tomllib; json.dump(tomllib.load(sys.stdin.buffer), sys.stdout, "
           "indent=2)' <config.toml >config.json";
}

/* Comment the text with what the report says, so that it stays with it. */
static void put_head(struct pl_buf *out, const struct pl_import *im,
                     size_t reported)
{
    const struct pl_buf *report = im->load.report;
    size_t len = report->len - reported;
    const char *at = len == 0 ? "" : report->data + reported;

    pl_buf_printf(out,
                  "# Made of a configuration of Centrifugo 6, whose defaults "
                  "it has%s\n",
                  len > 0 ? ", but for:" : ".");
    while (len > 0) {
        const char *end = memchr(at, '\n', len);
        size_t line = end == NULL ? len : (size_t)(end - at);

        pl_buf_printf(out, "#   %.*s\n", (int)line, at);
        line += end != NULL;
        at += line;
        len -= line;
    }
}

static enum pl_err read(struct pl_import *im)
{
    const struct pl_config_place place = {.file = im->src->file};
    enum pl_err rc = PL_OK;

    if (im->src->text.len > 0)
        rc = pl_tree_read(&im->tree, &place, "", im->src->text);
    if (rc == PL_OK)
        rc = pl_import_variables(im);
    return rc == PL_OK ? pl_tree_sort(&im->tree) : rc;
}

static enum pl_err translate(struct pl_import *im,
                             struct pl_centrifugo_result *out)
{
    size_t reported = im->load.report->len;
    enum pl_err rc = read(im);

    if (rc != PL_OK)
        return rc;
    pl_import_options(im);
    pl_import_listen(im);
    pl_import_channels(im);
    if (im->load.report->failed)
        return PL_ENOMEM;
    if (im->load.errors > 0)
        return PL_EINVAL;
    put_head(&out->text, im, reported);
    return pl_entries_write(&im->out, out);
}

enum pl_err pl_centrifugo_translate(struct pl_centrifugo_result *out,
                                    const struct pl_centrifugo_source *src,
                                    struct pl_buf *report)
{
    struct pl_import im = {.src = src, .load = {.report = report}};

    *out = (struct pl_centrifugo_result){.origins = NULL};
    im.tree.load = &im.load;
    enum pl_err rc = translate(&im, out);
    pl_entries_fini(&im.out);
    pl_tree_fini(&im.tree);
    return rc;
}

void pl_centrifugo_result_fini(struct pl_centrifugo_result *r)
{
    for (size_t i = 0; i < r->origin_count; i++)
        free((char *)r->origins[i].key);
    free(r->origins);
    if (r->text.data != NULL)
        explicit_bzero(r->text.data, r->text.cap);
    pl_buf_fini(&r->text);
    *r = (struct pl_centrifugo_result){.origins = NULL};
}
