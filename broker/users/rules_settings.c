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
#define NAMING(member) PL_CONFIG_AT(struct pl_naming_settings, member)
#define ALLOW "none, authenticated or all"
#define WHEN "always, asked or never"

/* A permission: closed unless the configuration opens it. */
#define PERMISSION(key, member, by_insecure)                                   \
    {                                                                          \
        key, PL_KIND_WORD, AT(member),                                         \
            .fallback = "none", .insecure = (by_insecure), .words = ALLOW,     \
            .reload = true                                                     \
    }
#define FLAG(key, member, by_insecure)                                         \
    {                                                                          \
        key, PL_KIND_BOOL, AT(member),                                         \
            .fallback = "false", .insecure = (by_insecure), .reload = true     \
    }

/* clang-format off */

/* The keys that each namespace has of its own, `s` before their names. */
#define SPACE_KEYS(s)                                                          \
    {s "data", PL_KIND_WORD, AT(data), .fallback = "json",                     \
     .insecure = "not_empty",                                                  \
     .words = "json, json_object, not_empty or binary", .reload = true},       \
    {s "slow", PL_KIND_WORD, AT(slow), .fallback = "close",                    \
     .words = "close, drop_oldest or latest", .reload = true},                 \
    {s "user_lists", PL_KIND_WORD, AT(user_lists), .fallback = "closed",       \
     .insecure = "ignored", .words = "closed, obeyed or ignored",              \
     .reload = true},                                                          \
    FLAG(s "utf8_names", utf8_names, "true"),                                  \
                                                                               \
    FLAG(s "presence", presence, "true"),                                      \
    FLAG(s "join_leave", join_leave, "true"),                                  \
    FLAG(s "push_join_leave", push_join_leave, NULL),                          \
    FLAG(s "join_leave_by_user", join_leave_by_user, NULL),                    \
                                                                               \
    {s "publish_rate", PL_KIND_NUMBER, AT(publish_rate), .fallback = "0",      \
     .max = 1000000, .reload = true},                                          \
    {s "publish_burst", PL_KIND_NUMBER, AT(publish_burst), .fallback = "0",    \
     .max = 1000000, .reload = true},                                          \
    PERMISSION(s "allow_subscribe", allow_subscribe, "all"),                   \
    PERMISSION(s "allow_publish", allow_publish, "all"),                       \
    PERMISSION(s "allow_presence", allow_presence, "all"),                     \
    PERMISSION(s "allow_history", allow_history, "all"),                       \
    PERMISSION(s "allow_subscriber_publish", allow_subscriber_publish, NULL),  \
    PERMISSION(s "allow_subscriber_presence", allow_subscriber_presence, NULL),\
    PERMISSION(s "allow_subscriber_history", allow_subscriber_history, NULL),  \
                                                                               \
    {s "positioning", PL_KIND_WORD, AT(positioning), .fallback = "always",     \
     .words = WHEN, .reload = true},                                           \
    {s "recovery", PL_KIND_WORD, AT(recovery), .fallback = "always",           \
     .words = WHEN, .reload = true},                                           \
    {s "meta_ttl", PL_KIND_DURATION, AT(meta_ttl_ms), .fallback = "1h",        \
     .max = PL_CONFIG_LONGEST, .reload = true},                                \
    {s "history_size", PL_KIND_NUMBER, AT(history_size), .fallback = "0",      \
     .insecure = "100", .max = 1000000, .reload = true},                       \
    {s "history_bytes", PL_KIND_SIZE, AT(history_bytes), .fallback = "2MiB",   \
     .max = PL_CONFIG_MIB * PL_CONFIG_GIB, .reload = true},                    \
    {s "history_ttl", PL_KIND_DURATION, AT(history_ttl_ms),                    \
     .fallback = "300s", .insecure = "300s", .max = PL_CONFIG_LONGEST,         \
     .reload = true},                                                          \
    {s "history_expiry", PL_KIND_WORD, AT(history_expiry),                     \
     .fallback = "each", .words = "each or whole", .reload = true}

static const struct pl_config_key keys[] = {
    SPACE_KEYS("channels."),
    PERMISSION("actors.allow_send", allow_send, "all"),
};

static const struct pl_config_key space_rules[] = {SPACE_KEYS("")};

static const struct pl_config_key space_names[] = {
    {"name", PL_KIND_NAME, PL_CONFIG_AT(struct pl_space_settings, name),
     .min = 2, .max = 200, .required = true, .reload = true},
    {"name_regex", PL_KIND_PATTERN,
     PL_CONFIG_AT(struct pl_space_settings, name_regex), .reload = true},
};

static const struct pl_config_table space_rules_keys =
    PL_CONFIG_TABLE(space_rules);
static const struct pl_config_table space_name_keys =
    PL_CONFIG_TABLE(space_names);

static const struct pl_config_part space_parts[] = {
    {&space_name_keys, 0},
    {&space_rules_keys, offsetof(struct pl_space_settings, rules)},
};

const struct pl_config_schema pl_space_schema = {
    space_parts, sizeof space_parts / sizeof space_parts[0],
    sizeof(struct pl_space_settings)};

static const struct pl_config_key naming_keys[] = {
    {"channels.namespace_boundary", PL_KIND_MARK, NAMING(boundary),
     .fallback = "\":\"", .reload = true},
    {"channels.private_prefix", PL_KIND_MARK, NAMING(private_prefix),
     .fallback = "\"$\"", .reload = true},
    {"channels.user_boundary", PL_KIND_MARK, NAMING(user_boundary),
     .fallback = "\"#\"", .reload = true},
    {"channels.user_separator", PL_KIND_MARK, NAMING(user_separator),
     .fallback = "\",\"", .reload = true},
    {"channels.max_length", PL_KIND_NUMBER, NAMING(max_length),
     .fallback = "255", .min = 1, .max = PL_CHANNEL_NAME_MAX, .reload = true},
    {"channels.name_regex", PL_KIND_PATTERN, NAMING(name_regex),
     .reload = true},
    {"channels.personal", PL_KIND_BOOL, NAMING(personal), .fallback = "false",
     .reload = true},
    {"channels.personal_namespace", PL_KIND_STRING, NAMING(personal_space),
     .reload = true},
    {"channels.single_connection", PL_KIND_BOOL, NAMING(is_single),
     .fallback = "false", .reload = true},
    {"namespaces", PL_KIND_SECTIONS, NAMING(spaces), .fallback = "[]",
     .max = 10000, .one = &pl_space_schema, .reload = true},
};
/* clang-format on */

const struct pl_config_table pl_rules_keys = PL_CONFIG_TABLE(keys);
const struct pl_config_table pl_naming_keys = PL_CONFIG_TABLE(naming_keys);

static uint8_t flags_of(const struct pl_rules_settings *s)
{
    const struct {
        bool is_set;
        uint8_t flag;
    } rows[] = {
        {s->presence, PL_RULE_PRESENCE},
        {s->join_leave, PL_RULE_JOIN_LEAVE},
        {s->push_join_leave, PL_RULE_PUSH_JOIN_LEAVE},
        {s->join_leave_by_user, PL_RULE_JOINS_BY_USER},
        {s->history_expiry == PL_EXPIRY_WHOLE, PL_RULE_WHOLE_HISTORY},
        {s->utf8_names, PL_RULE_FOREIGN_NAMES},
    };
    unsigned flags = 0;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        flags |= rows[i].is_set ? rows[i].flag : 0u;
    return (uint8_t)flags;
}

struct pl_rules pl_rules_of(const struct pl_rules_settings *s)
{
    struct pl_rules r = {
        .slow = (uint8_t)s->slow,
        .data = (uint8_t)s->data,
        .user_lists = (uint8_t)s->user_lists,
        .sub = {.flags = flags_of(s),
                .positioning = (uint8_t)s->positioning,
                .recovery = (uint8_t)s->recovery},
        .publish_rate = s->publish_rate,
        .publish_burst = s->publish_burst,
        .history_size = s->history_size,
        .history_ttl_ms = s->history_ttl_ms,
        .history_bytes = s->history_bytes,
        .meta_ttl_ms = s->meta_ttl_ms,
        .settings = *s,
    };

    for (unsigned kind = 0; kind < PL_RULES_KINDS; kind++)
        r.grants[kind] =
            pl_permission_grants(s, (kind & PL_RULES_AUTHENTICATED) != 0,
                                 (kind & PL_RULES_SUBSCRIBER) != 0);
    return r;
}

/* Let *r have the pattern of names, if there is one. */
static enum pl_err add_pattern(struct pl_rules *r, const char *text)
{
    r->names = NULL;
    return text == NULL ? PL_OK : pl_name_pattern_create(&r->names, text);
}

enum pl_err pl_rules_make(struct pl_rulebook **out,
                          const struct pl_rules_settings *rules,
                          const struct pl_naming_settings *naming)
{
    const struct pl_space_settings *spaces = naming->spaces.at;
    uint32_t count = (uint32_t)naming->spaces.count;
    const struct pl_naming n = {
        .boundary = naming->boundary,
        .private_prefix = naming->private_prefix,
        .user_boundary = naming->user_boundary,
        .user_separator = naming->user_separator,
        .max_length = naming->max_length,
        .has_inboxes = true,
        .inbox_space = PL_SPAN(""),
        .has_personal = naming->personal,
        .personal_space = pl_span_of(
            naming->personal_space == NULL ? "" : naming->personal_space),
        .is_single = naming->is_single,
    };
    struct pl_rules *all = malloc((count + 1) * sizeof *all);

    if (all == NULL)
        return PL_ENOMEM;
    all[0] = pl_rules_of(rules);
    enum pl_err rc = add_pattern(&all[0], naming->name_regex);
    uint32_t made = 1;
    for (; made <= count && rc == PL_OK; made++) {
        const struct pl_space_settings *s = &spaces[made - 1];

        all[made] = pl_rules_of(&s->rules);
        all[made].name = pl_span_of(s->name);
        rc = add_pattern(&all[made], s->name_regex);
    }
    if (rc == PL_OK)
        rc = pl_rulebook_create(out, 1, &n, all, count + 1);
    while (made-- > 0)
        pl_name_pattern_release(all[made].names);
    free(all);
    return rc;
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
