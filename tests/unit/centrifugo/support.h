/* SPDX-License-Identifier: Apache-2.0 */
/* support.h - translates a configuration of Centrifugo in a test. */
#ifndef PL_CENTRIFUGO_SUPPORT_H
#define PL_CENTRIFUGO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "centrifugo.h"

struct translated {
    enum pl_err rc;
    char *text, *report; /* owned */
};

#define VARIABLES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Copy with an end. */
static inline char *take(struct pl_buf *b)
{
    pl_buf_put_byte(b, '\0');
    assert_false(b->failed);
    char *text = strdup(b->data);
    assert_non_null(text);
    return text;
}

/* Translate the file config.json. */
static inline struct translated translate(const char *text,
                                          const char *const *variables)
{
    struct pl_centrifugo_source src = {.file = "config.json",
                                       .text = pl_span_of(text),
                                       .variables = variables};
    struct pl_centrifugo_result result;
    struct translated t;
    struct pl_buf report = {0};

    while (variables != NULL && variables[src.variable_count] != NULL)
        src.variable_count++;
    t.rc = pl_centrifugo_translate(&result, &src, &report);
    t.text = take(&result.text);
    t.report = take(&report);
    pl_centrifugo_result_fini(&result);
    pl_buf_fini(&report);
    return t;
}

static inline void translated_fini(struct translated *t)
{
    free(t->text);
    free(t->report);
}

/* The text must work without a finding; then its result has `line`. */
static inline void assert_line(const char *text, const char *const *variables,
                               const char *line)
{
    struct translated t = translate(text, variables);

    if (t.rc != PL_OK || *t.report != '\0' || strstr(t.text, line) == NULL)
        fail_msg("%s\nwanted %s\n%s%s", text, line, t.report, t.text);
    translated_fini(&t);
}

/* The text has this report. */
static inline void assert_report(const char *text, const char *const *variables,
                                 enum pl_err rc, const char *report)
{
    struct translated t = translate(text, variables);

    assert_string_equal(t.report, report);
    assert_int_equal(t.rc, rc);
    translated_fini(&t);
}

#endif
