/* SPDX-License-Identifier: Apache-2.0 */
/* rules_settings.c - see rules_settings.h.
 *
 * The keys are obeyed by several rooms: sessions, hubs, owners of channels,
 * stores.  Here, and nowhere else, they become rules. */
#include "rules_settings.h"

#include <stdlib.h>
#include <string.h>

#include "config_read.h"
#include "rules.h"

#define AT(member) PL_CONFIG_AT(struct pl_rules_settings, member)
#define ALLOW "none, authenticated or all"

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"channels.data", PL_KIND_WORD, AT(data), .fallback = "json",
     .insecure = "binary", .words = "json or binary", .reload = true},
    {"channels.slow", PL_KIND_WORD, AT(slow), .fallback = "close",
     .words = "close, drop_oldest or latest", .reload = true},
    {"channels.presence", PL_KIND_BOOL, AT(presence), .fallback = "false",
     .insecure = "true", .reload = true},
    {"channels.join_leave", PL_KIND_BOOL, AT(join_leave), .fallback = "false",
     .insecure = "true", .reload = true},

    {"channels.allow_subscribe", PL_KIND_WORD, AT(allow_subscribe),
     .fallback = "none", .insecure = "all", .words = ALLOW, .reload = true},
    {"channels.allow_publish", PL_KIND_WORD, AT(allow_publish),
     .fallback = "none", .insecure = "all", .words = ALLOW, .reload = true},
    {"channels.allow_presence", PL_KIND_WORD, AT(allow_presence),
     .fallback = "none", .insecure = "all", .words = ALLOW, .reload = true},
    {"channels.allow_history", PL_KIND_WORD, AT(allow_history),
     .fallback = "none", .insecure = "all", .words = ALLOW, .reload = true},

    {"actors.allow_send", PL_KIND_WORD, AT(allow_send), .fallback = "none",
     .insecure = "all", .words = ALLOW, .reload = true},

    {"channels.meta_ttl", PL_KIND_DURATION, AT(meta_ttl_ms), .fallback = "1h",
     .max = PL_CONFIG_LONGEST, .reload = true},
    {"channels.history_size", PL_KIND_NUMBER, AT(history_size),
     .fallback = "0", .insecure = "100", .max = 1000000, .reload = true},
    {"channels.history_bytes", PL_KIND_SIZE, AT(history_bytes),
     .fallback = "2MiB", .max = PL_CONFIG_MIB * PL_CONFIG_GIB, .reload = true},
    {"channels.history_ttl", PL_KIND_DURATION, AT(history_ttl_ms),
     .fallback = "300s", .insecure = "300s", .max = PL_CONFIG_LONGEST,
     .reload = true},
};
/* clang-format on */

const struct pl_config_table pl_rules_keys = PL_CONFIG_TABLE(keys);

struct pl_rules pl_rules_of(const struct pl_rules_settings *s)
{
    struct pl_rules r = {
        .slow = (uint8_t)s->slow,
        .data = (uint8_t)s->data,
        .history_size = s->history_size,
        .history_ttl_ms = s->history_ttl_ms,
        .history_bytes = s->history_bytes,
        .meta_ttl_ms = s->meta_ttl_ms,
    };

    if (s->presence)
        r.flags |= PL_RULE_PRESENCE;
    if (s->join_leave)
        r.flags |= PL_RULE_JOIN_LEAVE;
    for (unsigned kind = 0; kind < PL_RULES_KINDS; kind++)
        r.grants[kind] =
            pl_permission_grants(s, (kind & PL_RULES_AUTHENTICATED) != 0);
    return r;
}

/* --- Changes --- */

enum { CHANGES_MAX = 32 };

/* The changes of one call, each "channels.KEY=VALUE". */
struct changes {
    const char *at[CHANGES_MAX];
    size_t count;
    char *text; /* owned; all of them, each with a final zero */
};

static enum pl_err split(struct changes *c, const char *text)
{
    static const char section[] = "channels.";
    struct pl_buf b = {0};

    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t len = strcspn(text, " ");

        pl_buf_put_span(&b, pl_span_of(section));
        pl_buf_put_span(&b, (struct pl_span){text, len});
        pl_buf_put_span(&b, (struct pl_span){"", 1});
        text += len;
        c->count++;
    }
    c->text = b.data;
    if (b.failed)
        return PL_ENOMEM;
    if (c->count > CHANGES_MAX)
        return PL_EINVAL;
    const char *at = c->text;
    for (size_t i = 0; i < c->count; i++, at += strlen(at) + 1)
        c->at[i] = at;
    return PL_OK;
}

static bool changes_key(const struct changes *c, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < c->count; i++)
        if (strncmp(c->at[i], name, len) == 0 && c->at[i][len] == '=')
            return true;
    return false;
}

static size_t size_of(enum pl_config_kind kind)
{
    switch (kind) {
    case PL_KIND_BOOL:
        return sizeof(bool);
    case PL_KIND_WORD:
        return sizeof(enum pl_allow);
    case PL_KIND_NUMBER:
        return sizeof(uint32_t);
    default: /* a duration or a size */
        return sizeof(uint64_t);
    }
}

enum pl_err pl_rules_settings_change(struct pl_rules_settings *s,
                                     const char *changes, struct pl_buf *report)
{
    static const struct pl_config_part part = {&pl_rules_keys, 0};
    static const struct pl_config_schema schema = {&part, 1, sizeof *s};
    struct pl_rules_settings read = {0};
    struct changes c = {0};
    enum pl_err rc = split(&c, changes);
    struct pl_config_source src = {.sets = c.at, .set_count = c.count};

    if (rc == PL_OK)
        rc = pl_config_read(&read, &schema, &src, NULL, report);
    for (size_t i = 0; rc == PL_OK && i < pl_rules_keys.count; i++) {
        const struct pl_config_key *k = &keys[i];

        if (changes_key(&c, k->name))
            memcpy((char *)s + k->offset, (char *)&read + k->offset,
                   size_of(k->kind));
    }
    pl_config_values_fini(&read, &schema);
    free(c.text);
    return rc;
}
