/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - a configuration file made of any bytes.
 *
 * What must hold beside the sanitizers: a failure has a report, a success has
 * a configuration that keeps its promises, and what was refused is refused
 * again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "settings.h"
#include "config_sections.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool has_key(const struct pl_token_settings *t)
{
    return t->hmac_secret != NULL || t->hmac_previous_secret != NULL ||
           t->rsa_public_key != NULL || t->ecdsa_public_key != NULL ||
           t->eddsa_public_key != NULL || t->jwks_url != NULL;
}

static void check(const struct pl_settings *c)
{
    must(c->net.listen.count + c->net.listen_tls.count > 0);
    must(c->net.listen.count == 0 || c->net.listen.at[0].text != NULL);
    must(c->net.tls.certificate.count == c->net.tls.key.count);
    must(c->net.listen_tls.count == 0 || c->net.tls.key.count > 0);
    must(c->process.loops <= 64);
    must(c->session.websocket.path != NULL &&
         c->session.websocket.path[0] == '/');
    must(c->session.websocket.max_message >= 1024);
    must(c->session.connect.timeout_ms > 0);
    must(c->session.ping.interval_ms == 0 ||
         c->session.ping.timeout_ms < c->session.ping.interval_ms);
    must(!c->users.insecure || c->net.listen.at[0].loopback);
    must(c->users.auth.anonymous || has_key(&c->users.auth.token));
}

static void load(const uint8_t *data, size_t size, bool insecure)
{
    const struct pl_config_source src = {
        .text = {size == 0 ? "" : (const char *)data, size},
        .insecure = insecure,
    };
    struct pl_buf report = {0};
    struct pl_settings *c = NULL;

    if (pl_settings_load(&c, &src, &report) == PL_OK)
        check(c);
    else
        must(c == NULL && report.len > 0);
    pl_buf_fini(&report);
    pl_settings_destroy(c);
}

/* The same bytes by a schema with a list of sections. */
static void load_sections(const uint8_t *data, size_t size)
{
    const struct pl_config_source src = {
        .text = {size == 0 ? "" : (const char *)data, size}};
    struct two_modules values = {.second.number = 0};
    struct pl_buf report = {0};
    bool good =
        pl_config_read(&values, &two_schema, &src, NULL, &report) == PL_OK;
    const struct space *all = values.first.spaces.at;

    must(good == (report.len == 0));
    for (size_t i = 0; good && i < values.first.spaces.count; i++)
        must(all[i].size <= 100 && all[i].tags.count <= 3);
    pl_buf_fini(&report);
    pl_config_values_fini(&values, &two_schema);
}

/* The same bytes as a --set, and as a variable. */
static void load_set(const uint8_t *data, size_t size)
{
    char *set = strndup((const char *)data, size);
    char *variable = NULL;
    must(asprintf(&variable, "PARLEY_%s", set) > 0);
    const char *const sets[] = {set};
    const char *const variables[] = {variable};
    const struct pl_config_source src = {.sets = sets,
                                         .set_count = 1,
                                         .variables = variables,
                                         .variable_count = 1,
                                         .insecure = true};
    struct pl_buf report = {0};
    struct pl_settings *c = NULL;

    must(set != NULL);
    if (pl_settings_load(&c, &src, &report) == PL_OK)
        check(c);
    pl_buf_fini(&report);
    pl_settings_destroy(c);
    free(variable);
    free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    load(data, size, false);
    load(data, size, true);
    load_sections(data, size);
    if (size > 0)
        load_set(data, size);
    return 0;
}
