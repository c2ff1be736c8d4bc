/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_doc.c - docs/configuration.md against the table of keys.
 *
 * A row of the document is `| `key` | type | default | --insecure | ...`; the
 * first four columns must be what the program has, so neither can be changed
 * without the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "settings.h"
#include "span.h"

static char *doc; /* the whole document */

static const struct pl_config_key *key_at(size_t i)
{
    size_t offset;

    return pl_config_key_at(&pl_settings_schema, i, &offset);
}

static int read_doc(void **state)
{
    FILE *f = fopen(PL_CONFIG_DOC, "re");
    size_t size = 0;

    (void)state;
    assert_non_null(f);
    assert_true(getdelim(&doc, &size, '\0', f) > 0);
    fclose(f);
    return 0;
}

static int free_doc(void **state)
{
    (void)state;
    free(doc);
    return 0;
}

/* "`text`", or `absent` when the text is NULL. */
static const char *quoted(char *out, size_t size, const char *text,
                          const char *absent)
{
    if (text == NULL)
        return absent;
    snprintf(out, size, "`%s`", text);
    return out;
}

static void row_of(const struct pl_config_key *k, char *row, size_t size)
{
    char value[80], insecure[80];

    snprintf(row, size, "\n| `%s` | %s | %s | %s | ", k->name,
             pl_config_key_type(k),
             quoted(value, sizeof(value), k->fallback, "unset"),
             quoted(insecure, sizeof(insecure), k->insecure, "-"));
}

static void every_key_has_its_row_with_type_and_defaults(void **state)
{
    char row[256];

    (void)state;
    for (size_t i = 0; key_at(i) != NULL; i++) {
        row_of(key_at(i), row, sizeof(row));
        if (strstr(doc, row) == NULL)
            fail_msg("docs/configuration.md has no line `%s...`", row + 1);
    }
}

static void every_row_is_of_a_key_that_exists(void **state)
{
    size_t rows = 0;

    (void)state;
    for (const char *at = doc; (at = strstr(at, "\n| `")) != NULL; rows++) {
        const char *name = at + 4;
        size_t len = strcspn(name, "`"), i = 0;

        while (key_at(i) != NULL && !pl_span_equal((struct pl_span){name, len},
                                                   pl_span_of(key_at(i)->name)))
            i++;
        if (key_at(i) == NULL)
            fail_msg("docs/configuration.md explains `%.*s`, which is no key",
                     (int)len, name);
        at = name;
    }
    assert_null(key_at(rows));
    assert_non_null(key_at(rows - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_row_with_type_and_defaults),
        cmocka_unit_test(every_row_is_of_a_key_that_exists),
    };

    return cmocka_run_group_tests(tests, read_doc, free_doc);
}
