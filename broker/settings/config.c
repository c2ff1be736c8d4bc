/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h. */
#include "config.h"

#include <stdlib.h>

static enum pl_err create(struct pl_config **out,
                          const struct pl_config_source *src,
                          pl_config_check *check, struct pl_buf *report)
{
    struct pl_config *c = calloc(1, sizeof *c);
    enum pl_err rc = PL_ENOMEM;

    if (c != NULL)
        rc = pl_config_read(c, &pl_config_schema, src, check, report);
    if (rc != PL_OK) {
        pl_config_destroy(c);
        return rc;
    }
    c->insecure = src->insecure;
    *out = c;
    return PL_OK;
}

enum pl_err pl_config_load(struct pl_config **out,
                           const struct pl_config_source *src,
                           struct pl_buf *report)
{
    return create(out, src, pl_config_check_all, report);
}

enum pl_err pl_config_create_default(struct pl_config **out)
{
    const struct pl_config_source none = {0};
    struct pl_buf report = {0};
    enum pl_err rc = create(out, &none, NULL, &report);

    pl_buf_fini(&report);
    return rc;
}

void pl_config_destroy(struct pl_config *c)
{
    if (c != NULL)
        pl_config_values_fini(c, &pl_config_schema);
    free(c);
}
