/* SPDX-License-Identifier: Apache-2.0 */
/* config_variable.c - reads settings from environment variables.
 *
 * The variable of a key is its name in capitals, with _ for its dot:
 * PARLEY_LOG_LEVEL.  A value is taken byte for byte, because shells and files
 * of services have their own quotes, and a secret may hold any character.  It
 * is written as YAML and passes through the same walk as a file.
 *
 * A variable of no key is a warning and no error: other programs may have
 * variables with this prefix, and Kubernetes sets some for a service with the
 * name of the broker.  One that seems to mean a key of a namespace is an error.
 *
 * Rejected: a variable for each key of a namespace, as Centrifugo has.  Names
 * that differ in "-", "_" or capitals would share one.
 *
 * Invariant: no message shows more of a variable than its name. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config_kind.h"
#include "config_private.h"
#include "config_text.h"

#define PREFIX "PARLEY_"

enum { NAME_MAX_SHOWN = 100 };

/* Variables of the tool, which parleyd may inherit. */
static const char *const of_the_tool[] = {"SOCKET", "TOKEN", "CHAT_HISTORY"};

bool pl_config_is_variable(const char *text)
{
    return strncmp(text, PREFIX, sizeof PREFIX - 1) == 0;
}

/* Write the name of the key, as the rest of a variable's name. */
static void write_name(char *out, size_t size, const char *key)
{
    size_t i = 0;

    for (; key[i] != '\0' && i + 1 < size; i++)
        out[i] = key[i] == '.' ? '_' : (char)toupper((unsigned char)key[i]);
    out[i] = '\0';
}

/* The setting with the variable PARLEY_`rest`, or with one that differs by an
 * edit. */
static const struct pl_config_setting *
find(const struct pl_config_settings *s, const char *rest,
     bool (*is_it)(const char *a, const char *b, size_t b_len))
{
    char name[NAME_MAX_SHOWN];

    for (size_t i = 0; i < s->count; i++) {
        write_name(name, sizeof name, s->at[i].key->name);
        if (is_it(rest, name, strlen(name)))
            return &s->at[i];
    }
    return NULL;
}

static bool is_same(const char *a, const char *b, size_t b_len)
{
    return strlen(a) == b_len && memcmp(a, b, b_len) == 0;
}

bool pl_config_is_of_kubernetes(const char *rest)
{
    size_t len = strlen(rest);

    return strcmp(rest, "PORT") == 0 || strncmp(rest, "PORT_", 5) == 0 ||
           strncmp(rest, "SERVICE_", 8) == 0 ||
           strstr(rest, "_SERVICE_") != NULL ||
           strstr(rest, "_PORT_") != NULL ||
           (len >= 5 && strcmp(rest + len - 5, "_PORT") == 0);
}

/* True for variables of other programs. */
static bool is_foreign(const char *rest)
{
    for (size_t i = 0; i < sizeof of_the_tool / sizeof of_the_tool[0]; i++)
        if (strcmp(rest, of_the_tool[i]) == 0)
            return true;
    return pl_config_is_of_kubernetes(rest);
}

/* The list of sections to which `rest`, as NAMESPACES_CHAT_PRESENCE, seems to
 * belong; NULL: none. */
static const struct pl_config_setting *
find_list(const struct pl_config_settings *s, const char *rest)
{
    char name[NAME_MAX_SHOWN];

    for (size_t i = 0; i < s->count; i++) {
        write_name(name, sizeof name, s->at[i].key->name);
        size_t len = strlen(name);

        if (s->at[i].key->kind == PL_KIND_SECTIONS &&
            strncmp(rest, name, len) == 0 && rest[len] == '_')
            return &s->at[i];
    }
    return NULL;
}

/* A key in a list of sections could be a permission, so the load fails. */
static void refuse_item(struct pl_config_loading *l, const char *rest,
                        const struct pl_config_setting *list)
{
    const struct pl_config_place nowhere = {.file = NULL};
    char shown[NAME_MAX_SHOWN + sizeof PREFIX], name[NAME_MAX_SHOWN];

    snprintf(shown, sizeof shown, PREFIX "%s", rest);
    write_name(name, sizeof name, list->key->name);
    pl_config_report(l, PL_CONFIG_ERROR, &nowhere, shown,
                     "a key of %s has no variable of its own; " PREFIX
                     "%s sets the whole list, as YAML",
                     list->key->name, name);
}

static void warn_of_unknown(struct pl_config_loading *l, const char *rest)
{
    const struct pl_config_place nowhere = {.file = NULL};
    const struct pl_config_setting *near =
        find(&l->settings, rest, pl_config_is_near);
    char shown[NAME_MAX_SHOWN + sizeof PREFIX], right[NAME_MAX_SHOWN];
    char why[2 * NAME_MAX_SHOWN] = "no key has this variable";

    snprintf(shown, sizeof shown, PREFIX "%s", rest);
    if (near != NULL) {
        write_name(right, sizeof right, near->key->name);
        snprintf(why, sizeof why,
                 "no key has this variable; did you mean " PREFIX "%s?", right);
    }
    pl_config_report(l, PL_CONFIG_WARNING, &nowhere, shown, "%s", why);
}

/* Write the items of `value`, which spaces and commas separate, as a list. */
static void put_items(struct pl_buf *out, const char *value)
{
    static const char separators[] = ", \t\r\n";

    pl_buf_put_byte(out, '[');
    for (value += strspn(value, separators); *value != '\0';
         value += strspn(value, separators)) {
        size_t len = strcspn(value, separators);

        pl_config_put_quoted(out, (struct pl_span){value, len});
        pl_buf_put_byte(out, ',');
        value += len;
    }
    pl_buf_put_byte(out, ']');
}

/* A text in PEM has spaces and is one item.  Else a list is YAML if it is in
 * brackets, or if its items stand behind dashes; sections are. */
static void put_value(struct pl_buf *out, const struct pl_config_key *key,
                      const char *value)
{
    size_t len = strlen(value);
    bool is_flow = value[0] == '[' && value[len - 1] == ']';
    bool is_list = pl_config_kinds[key->kind].is_list;
    bool is_pem = strncmp(value, "-----BEGIN ", 11) == 0;

    if (!is_list || is_pem) {
        pl_buf_put_span(out, pl_span_of(is_list ? "[" : ""));
        pl_config_put_quoted(out, pl_span_of(value));
        pl_buf_put_span(out, pl_span_of(is_list ? "]" : ""));
    } else if (strncmp(value, "- ", 2) == 0) {
        pl_buf_printf(out, "\n%s", value);
    } else if (is_flow || key->kind == PL_KIND_SECTIONS) {
        pl_buf_put_span(out, pl_span_of(value));
    } else {
        put_items(out, value);
    }
    pl_buf_put_byte(out, '\0');
}

static enum pl_err set(struct pl_config_loading *l, const char *variable,
                       const struct pl_config_key *key, const char *value)
{
    const struct pl_config_place place = {.variable = variable};
    struct pl_buf text = {0};
    enum pl_err rc = PL_ENOMEM;

    pl_buf_reserve(&text, 8 * strlen(value) + 16);
    put_value(&text, key, value);
    if (!text.failed)
        rc =
            pl_config_walk_value(l, &l->settings, &place, key->name, text.data);
    if (text.data != NULL)
        explicit_bzero(text.data, text.cap);
    pl_buf_fini(&text);
    return rc;
}

enum pl_err pl_config_read_variable(struct pl_config_loading *l,
                                    const char *variable)
{
    const char *equals = strchr(variable, '=');
    char rest[NAME_MAX_SHOWN];

    if (!pl_config_is_variable(variable) || equals == NULL || equals[1] == '\0')
        return PL_OK;
    snprintf(rest, sizeof rest, "%.*s",
             (int)(equals - variable - (sizeof PREFIX - 1)),
             variable + sizeof PREFIX - 1);
    const struct pl_config_setting *s = find(&l->settings, rest, is_same);
    if (s != NULL)
        return set(l, variable, s->key, equals + 1);
    if (is_foreign(rest))
        return PL_OK;
    const struct pl_config_setting *list = find_list(&l->settings, rest);
    if (list != NULL)
        refuse_item(l, rest, list);
    else
        warn_of_unknown(l, rest);
    return PL_OK;
}
