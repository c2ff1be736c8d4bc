/* SPDX-License-Identifier: Apache-2.0 */
/* variables.c - reads environment variables of Centrifugo.
 *
 * The variable of a key is its path in capitals, with _ for each dot.  Lists of
 * sections are one JSON text; an option of a namespace also has a variable with
 * the namespace's name.
 *
 * Invariant: no message shows more of a variable than its name. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config_text.h"
#include "import.h"

#define PREFIX "CENTRIFUGO_"

/* Lists of sections that have names. */
static const char *const lists[] = {"channel.namespaces", "proxies",
                                    "consumers", "rpc.namespaces"};
enum { LISTS = sizeof lists / sizeof lists[0] };

bool pl_centrifugo_is_variable(const char *text)
{
    return strncmp(text, PREFIX, sizeof PREFIX - 1) == 0;
}

/* Variables in header maps, and those of Kubernetes. */
static bool is_foreign(const char *rest)
{
    return strncmp(rest, "VAR_", 4) == 0 || pl_config_is_of_kubernetes(rest);
}

/* True if the variable's text `rest` begins with that of the `len` bytes of
 * `key`. */
static bool begins(const char *rest, const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = key[i] == '.' || key[i] == '-'
                     ? '_'
                     : (char)toupper((unsigned char)key[i]);

        if (rest[i] == '\0' || rest[i] != c)
            return false;
    }
    return true;
}

static bool is_same(const char *rest, const char *key)
{
    return strlen(rest) == strlen(key) && begins(rest, key, strlen(key));
}

/* The row with the variable `rest` for its key, behind `before`; NULL: none. */
static const struct pl_row *find_row(const char *before, const char *rest)
{
    size_t len = strlen(before);

    for (size_t i = 0; i < pl_row_count; i++)
        if (strncmp(pl_rows[i].key, before, len) == 0 &&
            is_same(rest, pl_rows[i].key + len))
            return &pl_rows[i];
    return NULL;
}

/* True if a section behind `before`, as "admin.*", has variables that begin as
 * `rest`: its keys do nothing. */
static bool is_in_section(const char *before, const char *rest)
{
    size_t len = strlen(before);

    for (size_t i = 0; i < pl_row_count; i++) {
        const char *key = pl_rows[i].key, *star = strstr(key, ".*");

        if (star != NULL && strncmp(key, before, len) == 0 &&
            (key + len > star ||
             begins(rest, key + len, (size_t)(star + 1 - key) - len)))
            return true;
    }
    return false;
}

/* Set `path` of `item` to the text of the variable, or to its items. */
static enum pl_err set(struct pl_import *im, const char *path, size_t item,
                       const struct pl_row *row,
                       const struct pl_config_place *place, const char *value)
{
    char list[PL_TREE_PATH_MAX + 3];
    enum pl_err rc = PL_OK;
    size_t count = 0;

    pl_tree_remove(&im->tree, path, item);
    if (row->type != PL_ROW_LIST)
        return pl_tree_add(&im->tree, path, item, pl_span_of(value),
                           PL_LEAF_QUOTED, place);
    snprintf(list, sizeof list, "%s[]", path);
    for (value += strspn(value, " "); *value != '\0' && rc == PL_OK;
         value += strspn(value, " ")) {
        size_t len = strcspn(value, " ");

        count++;
        rc = pl_tree_add(&im->tree, list, item != 0 ? item : count,
                         (struct pl_span){value, len}, PL_LEAF_QUOTED, place);
        value += len;
    }
    return rc;
}

/* Return the item of `list` with a name that `rest` begins with, as part of a
 * variable; the longest counts.  0: none.  `*option` is what follows. */
static size_t find_item(const struct pl_import *im, const char *list,
                        const char *rest, const char **option)
{
    size_t item = 0, longest = 0;
    char path[PL_TREE_PATH_MAX];

    snprintf(path, sizeof path, "%s[].name", list);
    for (size_t i = 0; i < im->tree.count; i++) {
        const struct pl_leaf *leaf = &im->tree.at[i];
        size_t len = strlen(leaf->text);

        if (strcmp(leaf->path, path) != 0 || len <= longest ||
            !begins(rest, leaf->text, len) || rest[len] != '_')
            continue;
        item = leaf->item;
        longest = len;
        *option = rest + len + 1;
    }
    return item;
}

/* Set the key of an item that `rest`, as CHANNEL_NAMESPACES_CHAT_PRESENCE
 * without the list, names. */
static enum pl_err set_option(struct pl_import *im, const char *list,
                              const char *rest,
                              const struct pl_config_place *place,
                              const char *value, bool *is_known)
{
    const char *option = NULL;
    size_t item = find_item(im, list, rest, &option);
    char path[PL_TREE_PATH_MAX], before[PL_TREE_PATH_MAX];

    *is_known = item != 0;
    if (item == 0)
        return PL_OK;
    snprintf(before, sizeof before, "%s", list == lists[0] ? "@." : list);
    if (list != lists[0])
        strcat(before, "[].");
    const struct pl_row *row = find_row(before, option);
    if (row == NULL) {
        *is_known = is_in_section(before, option);
        return PL_OK;
    }
    snprintf(path, sizeof path, "%s[].%s", list, row->key + strlen(before));
    return set(im, path, item, row, place, value);
}

/* The list with the variable `rest`; NULL: none. */
static const char *list_of(const char *rest)
{
    for (size_t i = 0; i < LISTS; i++)
        if (is_same(rest, lists[i]))
            return lists[i];
    return NULL;
}

/* The list to which the variable `rest` of an option belongs, and the option's
 * part of `rest`; NULL: none. */
static const char *list_with(const char *rest, const char **option)
{
    for (size_t i = 0; i < LISTS; i++) {
        size_t len = strlen(lists[i]);

        *option = rest + len + 1;
        if (begins(rest, lists[i], len) && rest[len] == '_')
            return lists[i];
    }
    return NULL;
}

/* Read a list of namespaces.  Not only JSON is allowed, but also their names,
 * separated by spaces; other variables then have their options. */
static enum pl_err read_list(struct pl_import *im, const char *list,
                             const struct pl_config_place *place,
                             const char *value)
{
    struct pl_buf names = {0};
    enum pl_err rc = PL_ENOMEM;
    size_t len;

    pl_tree_remove(&im->tree, list, 0);
    if (value[strspn(value, " ")] == '[' ||
        strcmp(list, "channel.namespaces") != 0)
        return pl_tree_read(&im->tree, place, list, pl_span_of(value));
    pl_buf_put_byte(&names, '[');
    for (const char *at = value; *(at += strspn(at, " ")) != '\0'; at += len) {
        len = strcspn(at, " ");
        pl_buf_put_span(&names, PL_SPAN("{name: "));
        pl_config_put_quoted(&names, (struct pl_span){at, len});
        pl_buf_put_span(&names, PL_SPAN("},"));
    }
    pl_buf_put_byte(&names, ']');
    if (!names.failed)
        rc = pl_tree_read(&im->tree, place, list, pl_buf_span(&names));
    pl_buf_fini(&names);
    return rc;
}

/* Set the option of channels without a namespace. */
static enum pl_err set_without(struct pl_import *im, const char *option,
                               const struct pl_config_place *place,
                               const char *value, bool *is_known)
{
    const struct pl_row *row = find_row("@.", option);
    char path[PL_TREE_PATH_MAX];

    if (row == NULL) {
        *is_known = is_in_section("@.", option);
        return PL_OK;
    }
    snprintf(path, sizeof path, "channel.without_namespace.%s", row->key + 2);
    return set(im, path, 0, row, place, value);
}

static enum pl_err read_known(struct pl_import *im, const char *rest,
                              const struct pl_config_place *place,
                              const char *value, bool *is_known)
{
    static const char without[] = "CHANNEL_WITHOUT_NAMESPACE_";
    const size_t len = sizeof without - 1;
    const char *list = list_of(rest), *option;
    const struct pl_row *row = find_row("", rest);

    if (row != NULL && row->way == PL_ROW_OLD && is_foreign(rest))
        row = NULL;
    *is_known = true;
    if (list != NULL)
        return read_list(im, list, place, value);
    if (row != NULL)
        return set(im, row->key, 0, row, place, value);
    if ((list = list_with(rest, &option)) != NULL)
        return set_option(im, list, option, place, value, is_known);
    if (strncmp(rest, without, len) == 0)
        return set_without(im, rest + len, place, value, is_known);
    *is_known = is_in_section("", rest);
    return PL_OK;
}

static enum pl_err read_variable(struct pl_import *im, const char *variable,
                                 bool is_list)
{
    const struct pl_config_place place = {.variable = variable};
    const char *equals = strchr(variable, '=');
    char rest[PL_TREE_PATH_MAX];
    bool is_known = true;

    if (!pl_centrifugo_is_variable(variable) || equals == NULL ||
        equals[1] == '\0')
        return PL_OK;
    snprintf(rest, sizeof rest, "%.*s",
             (int)(equals - variable - (long)sizeof PREFIX + 1),
             variable + sizeof PREFIX - 1);
    if ((list_of(rest) != NULL) != is_list)
        return PL_OK;
    enum pl_err rc = read_known(im, rest, &place, equals + 1, &is_known);
    if (rc == PL_OK && !is_known && !is_foreign(rest)) {
        char name[PL_TREE_PATH_MAX + sizeof PREFIX];
        snprintf(name, sizeof name, PREFIX "%s", rest);
        pl_config_report(&im->load, PL_CONFIG_WARNING,
                         &(struct pl_config_place){.file = NULL}, name,
                         "Centrifugo 6 has no such variable, or parley does "
                         "not know it");
    }
    return rc;
}

/* Lists come first, because they name the namespaces of other variables. */
enum pl_err pl_import_variables(struct pl_import *im)
{
    enum pl_err rc = PL_OK;

    for (int is_list = 1; is_list >= 0; is_list--)
        for (size_t i = 0; i < im->src->variable_count && rc == PL_OK; i++)
            rc = read_variable(im, im->src->variables[i], is_list);
    return rc;
}
