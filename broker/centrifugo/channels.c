/* SPDX-License-Identifier: Apache-2.0 */
/* channels.c - the keys about names of channels, and the options of
 * namespaces.
 *
 * An option is written if the file says it, or if Centrifugo's default is not
 * parley's.
 *
 * Namespaces with another type of subscriptions than streams are closed: the
 * error is 103, as Centrifugo's for a subscription of another type, and a file
 * with one such namespace among others can be used. */
#include <stdio.h>
#include <string.h>

#include "config_text.h"
#include "import.h"
#include "value.h"

#define HOUR_MS ((uint64_t)3600 * 1000)
enum { META_TTL_HOURS = 720 };

/* The options of channels without a namespace, or of a namespace. */
struct space {
    struct pl_import *im;
    size_t item;        /* of channel.namespaces; 0: without */
    const char *before; /* of the options */
};

/* Write the path of an option.  Return it. */
static const char *path_of(const struct space *s, const char *option, char *out,
                           size_t size)
{
    snprintf(out, size, "%s%s", s->before, option);
    return out;
}

static const struct pl_leaf *find(const struct space *s, const char *option)
{
    char path[PL_TREE_PATH_MAX];

    return pl_import_find(s->im, path_of(s, option, path, sizeof path),
                          s->item);
}

static bool is_set(const struct space *s, const char *option)
{
    char path[PL_TREE_PATH_MAX];

    return pl_import_bool(s->im, path_of(s, option, path, sizeof path),
                          s->item);
}

bool pl_import_is_closed(const struct pl_import *im, const char *path,
                         size_t item)
{
    const char *option = pl_row_option(path);
    char key[PL_TREE_PATH_MAX];

    if (option == NULL)
        return false;
    snprintf(key, sizeof key, "%.*ssubscription_type", (int)(option - path),
             path);
    const struct pl_leaf *type = pl_import_find(im, key, item);
    return type != NULL && *type->text != '\0' &&
           strcmp(type->text, "stream") != 0;
}

/* Add the key `to` of these channels; `option` says it, if it is there.  `same`
 * is parley's default. */
static void put(const struct space *s, const char *to, const char *option,
                const char *value, const char *same)
{
    char key[PL_TREE_PATH_MAX];

    if (find(s, option) == NULL && strcmp(value, same) == 0)
        return;

    snprintf(key, sizeof key, "%s%s", s->item == 0 ? "channels." : "", to);
    struct pl_buf *out =
        pl_entries_add(&s->im->out, key, s->item, find(s, option), NULL);
    pl_buf_put_span(out, pl_span_of(value));
}

static void put_flag(const struct space *s, const char *to, const char *option)
{
    put(s, to, option, is_set(s, option) ? "true" : "false", "false");
}

/* --- Permissions --- */

/* Add the key `to`, and warn of permissions for anonymous users that widen
 * nothing. */
static void put_allow(const struct space *s, const char *to, const char *option,
                      bool is_for_unnamed)
{
    bool is_allowed = is_set(s, option);

    put(s, to, option,
        !is_allowed      ? "none"
        : is_for_unnamed ? "all"
                         : "authenticated",
        "none");
}

/* Add the permission of all clients, whatever the options say. */
static void put_open(const struct space *s, const char *what)
{
    char to[80];

    snprintf(to, sizeof to, "%sallow_%s", s->item == 0 ? "channels." : "",
             what);
    pl_import_put(s->im, to, s->item, pl_import_insecure(s->im), NULL, "all");
}

static void put_permission(const struct space *s, const char *what,
                           bool has_subscribers)
{
    char client[80], subscriber[80], unnamed[80], to[80];
    bool is_any;

    if (pl_import_insecure(s->im) != NULL) {
        put_open(s, what);
        return;
    }
    snprintf(client, sizeof client, "allow_%s_for_client", what);
    snprintf(subscriber, sizeof subscriber, "allow_%s_for_subscriber", what);
    snprintf(unnamed, sizeof unnamed, "allow_%s_for_anonymous", what);
    bool is_unnamed = is_set(s, unnamed);
    snprintf(to, sizeof to, "allow_%s", what);
    put_allow(s, to, client, is_unnamed);
    is_any = is_set(s, client);
    if (has_subscribers) {
        snprintf(to, sizeof to, "allow_subscriber_%s", what);
        put_allow(s, to, subscriber, is_unnamed);
        is_any |= is_set(s, subscriber);
    }
    if (is_unnamed && !is_any)
        PL_LEAF_REPORT(&s->im->tree, PL_CONFIG_WARNING, find(s, unnamed),
                       "has no effect by itself, as in Centrifugo");
}

/* --- Streams --- */

/* parley lets a client ask that may read the history, as Centrifugo does. */
static void put_when(const struct space *s, const char *to, const char *always,
                     const char *asked)
{
    put(s, to, is_set(s, always) ? always : asked,
        is_set(s, always)  ? "always"
        : is_set(s, asked) ? "asked"
                           : "never",
        "always");
}

static void put_duration(const struct space *s, const char *to,
                         const char *option, uint64_t ms)
{
    struct pl_buf text = {0};

    pl_value_put_duration(&text, ms);
    pl_buf_put_byte(&text, '\0');
    if (!text.failed)
        put(s, to, option, text.data, "");
    s->im->out.failed |= text.failed;
    pl_buf_fini(&text);
}

/* The option as a time, and the value for one that is not there. */
static uint64_t duration_of(const struct space *s, const char *option,
                            uint64_t absent)
{
    char path[PL_TREE_PATH_MAX];

    return pl_import_duration(s->im, path_of(s, option, path, sizeof path),
                              s->item, absent);
}

static void put_history(const struct space *s)
{
    char path[PL_TREE_PATH_MAX], number[32];
    uint64_t size = pl_import_number(
        s->im, path_of(s, "history_size", path, sizeof path), s->item, 0);
    uint64_t ttl = duration_of(s, "history_ttl", 0);
    uint64_t meta =
        duration_of(s, "history_meta_ttl",
                    pl_import_duration(s->im, "channel.history_meta_ttl", 0,
                                       META_TTL_HOURS * HOUR_MS));

    snprintf(number, sizeof number, "%llu", (unsigned long long)size);
    put_duration(s, "meta_ttl", "history_meta_ttl", meta);
    put(s, "history_size", "history_size", number, "0");
    if (size > 0) {
        put(s, "history_bytes", "history_size", "0", "");
        put_duration(s, "history_ttl", "history_ttl", ttl);
        put(s, "history_expiry", "history_ttl", "whole", "");
    }
    if ((size == 0) != (ttl == 0))
        PL_LEAF_REPORT(&s->im->tree, PL_CONFIG_ERROR,
                       find(s, size == 0 ? "history_ttl" : "history_size"),
                       "needs %s", size == 0 ? "history_size" : "history_ttl");
    if (size == 0 && is_set(s, "force_recovery"))
        PL_LEAF_REPORT(&s->im->tree, PL_CONFIG_ERROR, find(s, "force_recovery"),
                       "needs history_size and history_ttl");
    if (meta != 0 && meta < ttl)
        PL_LEAF_REPORT(&s->im->tree, PL_CONFIG_ERROR, find(s, "history_ttl"),
                       "must not be longer than history_meta_ttl");
}

/* --- Data --- */

static void put_data(const struct space *s)
{
    static const char option[] = "publication_data_format";
    static const char all[] = "channel.publication_data_format";
    const struct pl_leaf *leaf = find(s, option);

    if (leaf == NULL || *leaf->text == '\0')
        leaf = pl_import_find(s->im, all, 0);
    const char *format = leaf == NULL ? "" : leaf->text;
    if (*format == '\0')
        put(s, "data", option, "not_empty", "");
    else if (strcmp(format, "json") == 0 ||
             strcmp(format, "json_object") == 0 ||
             strcmp(format, "binary") == 0)
        put(s, "data", option, format, "");
    else
        PL_LEAF_REPORT(&s->im->tree, PL_CONFIG_ERROR, leaf,
                       "must be json, json_object or binary, or empty");
}

static void put_pattern(const struct space *s)
{
    const struct pl_leaf *leaf = find(s, "channel_regex");

    if (leaf == NULL || *leaf->text == '\0')
        return;
    struct pl_buf *out = pl_entries_add(
        &s->im->out, s->item == 0 ? "channels.name_regex" : "name_regex",
        s->item, leaf, NULL);
    pl_config_put_quoted(out, pl_span_of(leaf->text));
}

static void put_space(const struct space *s)
{
    if (pl_import_is_closed(s->im, s->before, s->item))
        return; /* parley permits nothing unless a key says so */
    put_permission(s, "subscribe", false);
    put_permission(s, "publish", true);
    put_permission(s, "presence", true);
    put_permission(s, "history", true);
    put(s, "user_lists", "allow_user_limited_channels",
        is_set(s, "allow_user_limited_channels") &&
                pl_import_insecure(s->im) == NULL
            ? "obeyed"
            : "ignored",
        "");
    put_data(s);
    put_pattern(s);
    put_flag(s, "presence", "presence");
    put_flag(s, "join_leave", "join_leave");
    put_flag(s, "push_join_leave", "force_push_join_leave");
    put_when(s, "positioning", "force_positioning", "allow_positioning");
    put_when(s, "recovery", "force_recovery", "allow_recovery");
    put_history(s);
}

/* --- Names --- */

static void put_mark(struct pl_import *im, const char *path, const char *to)
{
    const struct pl_leaf *leaf = pl_import_find(im, path, 0);

    if (leaf == NULL)
        return;
    struct pl_buf *out = pl_entries_add(&im->out, to, 0, leaf, NULL);
    pl_config_put_quoted(out,
                         pl_span_of(*leaf->text == '\0' ? "off" : leaf->text));
}

/* The channel that each user has.  Its other options say nothing while it is
 * off. */
static void put_personal(struct pl_import *im)
{
#define PERSONAL "client.subscribe_to_user_personal_channel."
    const struct pl_leaf *space =
        pl_import_find(im, PERSONAL "personal_channel_namespace", 0);
    const struct pl_leaf *single =
        pl_import_find(im, PERSONAL "single_connection", 0);

    if (!pl_import_bool(im, PERSONAL "enabled", 0))
        return;
    pl_import_put(im, "channels.personal", 0,
                  pl_import_find(im, PERSONAL "enabled", 0), NULL, "true");
    if (space != NULL && *space->text != '\0') {
        struct pl_buf *out = pl_entries_add(
            &im->out, "channels.personal_namespace", 0, space, NULL);
        pl_config_put_quoted(out, pl_span_of(space->text));
    }
    if (pl_import_bool(im, PERSONAL "single_connection", 0))
        pl_import_put(im, "channels.single_connection", 0, single, NULL,
                      "true");
#undef PERSONAL
}

static bool is_name(const char *text)
{
    static const char good[] = "-_.0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strlen(text);

    return len >= 2 && strspn(text, good) == len;
}

/* The namespace of this item, at its first value. */
static void put_namespace(struct pl_import *im, const struct pl_leaf *first)
{
    const struct space s = {im, first->item, "channel.namespaces[]."};
    const struct pl_leaf *name = find(&s, "name");

    if (name == NULL || !is_name(name->text)) {
        PL_LEAF_REPORT(&im->tree, PL_CONFIG_ERROR, name == NULL ? first : name,
                       "the name of a namespace has two or more letters, "
                       "digits, dashes, dots and underscores");
        return;
    }
    struct pl_buf *out = pl_entries_add(&im->out, "name", s.item, name, NULL);
    pl_config_put_quoted(out, pl_span_of(name->text));
    put_space(&s);
}

void pl_import_channels(struct pl_import *im)
{
    const struct space without = {im, 0, "channel.without_namespace."};
    size_t item = 0;

    put_mark(im, "channel.namespace_boundary", "channels.namespace_boundary");
    put_mark(im, "channel.private_prefix", "channels.private_prefix");
    put_mark(im, "channel.user_boundary", "channels.user_boundary");
    put_mark(im, "channel.user_separator", "channels.user_separator");
    put_personal(im);
    put_space(&without);
    for (size_t i = 0; i < im->tree.count; i++) {
        const struct pl_leaf *leaf = &im->tree.at[i];

        if (strncmp(leaf->path, "channel.namespaces[]", 20) != 0 ||
            leaf->item <= item) /* values of variables are at the end */
            continue;
        item = leaf->item;
        put_namespace(im, leaf);
    }
}
