/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

enum pl_err pl_source_init(struct pl_config_source *s,
                           const struct pl_broker_setup *setup)
{
    char **sets = calloc(setup->set_count + 1, sizeof *sets);
    char *file = NULL;
    bool is_whole = sets != NULL;

    *s = (struct pl_config_source){.has_listeners = setup->listener_count > 0,
                                   .insecure = setup->flags & PL_INSECURE,
                                   .auth_handler =
                                       setup->flags & PL_HANDLES_CONNECT};
    if (is_whole && setup->config_file != NULL) {
        file = strdup(setup->config_file);
        is_whole = file != NULL;
    }
    s->file = file;
    s->sets = (const char *const *)sets;
    for (; is_whole && s->set_count < setup->set_count; s->set_count++) {
        sets[s->set_count] = strdup(setup->sets[s->set_count]);
        is_whole = sets[s->set_count] != NULL;
    }
    if (is_whole)
        return PL_OK;
    pl_source_fini(s);
    return PL_ENOMEM;
}

enum pl_err pl_source_copy(struct pl_config_source *s,
                           const struct pl_config_source *from)
{
    struct pl_broker_setup setup = {
        .config_file = from->file,
        .sets = from->sets,
        .set_count = from->set_count,
        .flags = (from->insecure ? PL_INSECURE : 0u) |
                 (from->auth_handler ? PL_HANDLES_CONNECT : 0u),
        .listener_count = from->has_listeners, /* only their presence counts */
    };

    return pl_source_init(s, &setup);
}

void pl_source_fini(struct pl_config_source *s)
{
    char **sets = (char **)s->sets;

    for (size_t i = 0; sets != NULL && i < s->set_count; i++) {
        if (sets[i] == NULL)
            continue;
        explicit_bzero(sets[i], strlen(sets[i]));
        free(sets[i]);
    }
    free(sets);
    free((char *)s->file);
    *s = (struct pl_config_source){0};
}
