/* SPDX-License-Identifier: Apache-2.0 */
/* settings_readers.c - see settings_readers.h.
 *
 * A secret counts where it was written: one that a variable sets is not in the
 * file, and one of a translation is in the file that was translated.
 *
 * Invariant: one warning is given, at the first secret. */
#include "settings_readers.h"

#include <string.h>

#include "config_load.h"
#include "settings.h"
#include "tls.h"

/* True for secrets, and for sections that have one. */
static bool is_secret(const struct pl_config_key *key)
{
    const struct pl_config_key *one;
    size_t offset;

    for (size_t i = 0; key->one != NULL &&
                       (one = pl_config_key_at(key->one, i, &offset)) != NULL;
         i++)
        if (one->secret)
            return true;
    return key->secret;
}

/* True for a setting that has a secret; tls.key may name files instead. */
static bool has_secret(const struct pl_config_loading *l,
                       const struct pl_config_setting *s)
{
    const struct pl_settings *c = l->values;

    if (strcmp(s->key->name, "tls.key") != 0)
        return is_secret(s->key);
    for (size_t i = 0; i < c->net.tls.key.count; i++)
        if (pl_tls_is_text(c->net.tls.key.at[i]))
            return true;
    return false;
}

void pl_settings_check_readers(struct pl_config_loading *l)
{
    for (size_t i = 0; i < l->settings.count && l->can_others_read; i++) {
        const struct pl_config_setting *s = &l->settings.at[i];

        if (!has_secret(l, s) || !pl_config_is_in_file(l, &s->place))
            continue;
        PL_CONFIG_WARN(l, s->key->name,
                       "every user of this machine can read the file: chmod "
                       "o-r %s",
                       s->place.file);
        return;
    }
}
