/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_centrifugo.c - a configuration of Centrifugo made of any bytes, and a
 * variable.
 *
 * What must hold beside the sanitizers: a failure has a report and no text; a
 * text has an origin for each line, is YAML that parley can read, and says
 * again what it said. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_load.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static size_t count_lines(struct pl_span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

/* The result is a configuration, or the report names an origin or a key; it
 * never has a fault that only a writer of YAML could make. */
static void read_again(const struct pl_centrifugo_result *result)
{
    const struct pl_config_source src = {
        .text = pl_buf_span(&result->text),
        .origins = result->origins,
        .origin_count = result->origin_count,
        .auth_handler = true,
    };
    struct pl_buf report = {0};
    struct pl_settings *s = NULL;

    if (pl_settings_load(&s, &src, &report) == PL_EINVAL) {
        pl_buf_put_byte(&report, '\0');
        must(report.failed || strstr(report.data, "unknown key") == NULL);
        must(report.failed || strstr(report.data, "given twice") == NULL);
    }
    pl_settings_destroy(s);
    pl_buf_fini(&report);
}

static void translate(struct pl_span text, const char *variable)
{
    const struct pl_centrifugo_source src = {.file = "config.json",
                                             .text = text,
                                             .variables = &variable,
                                             .variable_count =
                                                 variable != NULL};
    struct pl_centrifugo_result result;
    struct pl_buf report = {0};
    enum pl_err rc = pl_centrifugo_translate(&result, &src, &report);

    must(rc == PL_OK || report.len > 0);
    must(rc == PL_OK || result.text.len == 0);
    must(count_lines(pl_buf_span(&result.text)) == result.origin_count);
    if (rc == PL_OK)
        read_again(&result);
    pl_centrifugo_result_fini(&result);
    pl_buf_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pl_span text = {size == 0 ? "" : (const char *)data, size};
    char *variable = NULL;

    translate(text, NULL);
    must(asprintf(&variable, "CENTRIFUGO_%.*s", (int)size, text.at) > 0);
    translate(PL_SPAN("{\"channel\": {\"namespaces\": [{\"name\": \"ab\"}]}}"),
              variable);
    free(variable);
    return 0;
}
