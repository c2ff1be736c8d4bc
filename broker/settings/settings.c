/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - see settings.h. */
#include "settings.h"

#include <stdlib.h>

#include "config_load.h"
#include "tls_check.h"

#define AT(member) PL_CONFIG_AT(struct pl_process_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"loops", PL_KIND_NUMBER, AT(loops), .fallback = "0",
     .max = PL_NET_LOOPS_MAX},

    {"limits.connections", PL_KIND_NUMBER, AT(limits.connections),
     .fallback = "0", .max = UINT32_MAX},
    {"limits.memory", PL_KIND_MEMORY, AT(limits.memory), .fallback = "off",
     .min = PL_CONFIG_MIB, .max = PL_CONFIG_MIB * PL_CONFIG_GIB},

    {"log.level", PL_KIND_WORD, AT(log.level), .fallback = "info",
     .words = "debug, info, warn or error", .reload = true},
};
/* clang-format on */

static const struct pl_config_table process_keys = PL_CONFIG_TABLE(keys);

#define PART(module) offsetof(struct pl_settings, module)

/* Findings about values have this order. */
static const struct pl_config_part parts[] = {
    {&process_keys, PART(process)},
    {&pl_net_keys, PART(net)},
    {&pl_session_keys, PART(session)},
    {&pl_users_keys, PART(users)},
    {&pl_rules_keys, PART(rules)},
    {&pl_naming_keys, PART(naming)},
    {&pl_channels_keys, PART(channels)},
    {&pl_supervisor_keys, PART(supervisor)},
    {&pl_admin_keys, PART(admin)},
};

const struct pl_config_schema pl_settings_schema = {
    parts, sizeof parts / sizeof parts[0], sizeof(struct pl_settings)};

static enum pl_err read(struct pl_settings *s,
                        const struct pl_config_source *src,
                        pl_config_check *check, struct pl_buf *report)
{
    struct pl_centrifugo_result own = {.origins = NULL};
    struct pl_config_source with = *src;
    enum pl_err rc = PL_OK;

    if (src->is_centrifugo) {
        rc = pl_settings_translate(&own, src, &with.can_others_read, report);
        with.text = pl_buf_span(&own.text);
        with.origins = own.origins;
        with.origin_count = own.origin_count;
    }
    if (rc == PL_OK)
        rc = pl_config_read(s, &pl_settings_schema, &with, check, report);
    pl_centrifugo_result_fini(&own);
    return rc;
}

static enum pl_err create(struct pl_settings **out,
                          const struct pl_config_source *src,
                          pl_config_check *check, struct pl_buf *report)
{
    struct pl_settings *s = calloc(1, sizeof *s);
    enum pl_err rc = PL_ENOMEM;

    if (s != NULL)
        rc = read(s, src, check, report);
    if (rc != PL_OK) {
        pl_settings_destroy(s);
        return rc;
    }
    s->users.insecure = src->insecure;
    rc = pl_rules_make(&s->rulebook, &s->rules, &s->naming);
    if (rc != PL_OK) {
        pl_settings_destroy(s);
        return rc;
    }
    *out = s;
    return PL_OK;
}

enum pl_err pl_settings_load(struct pl_settings **out,
                             const struct pl_config_source *src,
                             struct pl_buf *report)
{
    return create(out, src, pl_settings_check, report);
}

enum pl_err pl_settings_create_default(struct pl_settings **out)
{
    const struct pl_config_source none = {0};
    struct pl_buf report = {0};
    enum pl_err rc = create(out, &none, NULL, &report);

    pl_buf_fini(&report);
    return rc;
}

void pl_settings_check_tls(struct pl_config_loading *l)
{
    const struct pl_settings *s = l->values;

    pl_tls_check(l, &s->net);
}

void pl_settings_destroy(struct pl_settings *s)
{
    if (s != NULL) {
        pl_rulebook_release(s->rulebook);
        pl_config_values_fini(s, &pl_settings_schema);
    }
    free(s);
}
