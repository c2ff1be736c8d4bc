/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - see source.h. */
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"

/* Copy those of `from` that are wanted. */
static bool copy_texts(const char *const **out, size_t *out_count,
                       const char *const *from, size_t count,
                       bool (*is_wanted)(const char *text))
{
    char **to = calloc(count + 1, sizeof *to);

    *out = (const char *const *)to;
    *out_count = 0;
    for (size_t i = 0; to != NULL && i < count; i++) {
        if (is_wanted != NULL && !is_wanted(from[i]))
            continue;
        if ((to[*out_count] = strdup(from[i])) == NULL)
            return false;
        ++*out_count;
    }
    return to != NULL;
}

static bool copy_text(const char **out, const char *from)
{
    *out = from == NULL ? NULL : strdup(from);
    return (*out == NULL) == (from == NULL);
}

enum pl_err pl_source_copy(struct pl_config_source *s,
                           const struct pl_config_source *from)
{
    *s = *from;
    s->file = NULL;
    s->sets = s->variables = NULL;
    s->set_count = s->variable_count = 0;
    if (copy_text(&s->file, from->file) &&
        copy_texts(&s->sets, &s->set_count, from->sets, from->set_count,
                   NULL) &&
        copy_texts(&s->variables, &s->variable_count, from->variables,
                   from->variable_count, pl_settings_is_variable))
        return PL_OK;
    pl_source_fini(s);
    return PL_ENOMEM;
}

enum pl_err pl_source_init(struct pl_config_source *s,
                           const struct pl_broker_setup *setup)
{
    struct pl_config_source lent = {
        .file = setup->config_file,
        .sets = setup->sets,
        .set_count = setup->set_count,
        .has_listeners = setup->listener_count > 0,
        .is_centrifugo = setup->flags & PL_CENTRIFUGO,
        .insecure = setup->flags & PL_INSECURE,
        .auth_handler = setup->flags & PL_HANDLES_CONNECT,
    };

    if (setup->flags & PL_ENVIRONMENT) {
        lent.variables = (const char *const *)environ;
        while (environ != NULL && environ[lent.variable_count] != NULL)
            lent.variable_count++;
    }
    return pl_source_copy(s, &lent);
}

/* Any may be a secret. */
static void free_texts(const char *const *texts, size_t count)
{
    char **at = (char **)texts;

    for (size_t i = 0; at != NULL && i < count; i++) {
        explicit_bzero(at[i], strlen(at[i]));
        free(at[i]);
    }
    free(at);
}

void pl_source_fini(struct pl_config_source *s)
{
    free_texts(s->sets, s->set_count);
    free_texts(s->variables, s->variable_count);
    free((char *)s->file);
    *s = (struct pl_config_source){0};
}
