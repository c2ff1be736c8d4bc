/* SPDX-License-Identifier: Apache-2.0 */
/* config_support.h - load a configuration in a test, keep what was found. */
#ifndef PL_CONFIG_SUPPORT_H
#define PL_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "settings.h"

struct loaded {
    struct pl_settings *config; /* NULL when it failed */
    enum pl_err rc;
    char report[4096];
};

/* Up to four sets, NULL at the end. */
static inline void load(struct loaded *l, const char *yaml, bool insecure,
                        const char *const *sets)
{
    struct pl_config_source src = {
        .file = "t.yaml",
        .text = pl_span_of(yaml),
        .sets = sets,
        .insecure = insecure,
    };
    struct pl_buf report = {0};

    while (sets != NULL && sets[src.set_count] != NULL)
        src.set_count++;
    l->config = NULL;
    l->rc = pl_settings_load(&l->config, &src, &report);
    snprintf(l->report, sizeof(l->report), "%.*s", (int)report.len,
             report.data == NULL ? "" : report.data);
    pl_buf_fini(&report);
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Load with --insecure; it must work without a finding. */
static inline struct pl_settings *load_good(const char *yaml,
                                            const char *const *sets)
{
    struct loaded l;

    load(&l, yaml, true, sets);
    assert_string_equal(l.report, "");
    assert_int_equal(l.rc, PL_OK);
    return l.config;
}

/* Load with --insecure; it must fail and report just this. */
static inline void assert_refused(const char *yaml, const char *const *sets,
                                  const char *report)
{
    struct loaded l;

    load(&l, yaml, true, sets);
    assert_string_equal(l.report, report);
    assert_int_equal(l.rc, PL_EINVAL);
    assert_null(l.config);
}

#endif
