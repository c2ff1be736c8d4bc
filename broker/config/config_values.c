/* SPDX-License-Identifier: Apache-2.0 */
/* config_values.c - compares and frees the struct of a schema.
 *
 * Converted values are compared, not texts: 60s equals 1m. */
#include <stdlib.h>
#include <string.h>

#include "config_kind.h"

const struct pl_config_key *
pl_config_key_at(const struct pl_config_schema *schema, size_t n,
                 size_t *offset)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct pl_config_part *part = &schema->parts[i];

        if (n < part->table->count) {
            *offset = part->offset + part->table->keys[n].offset;
            return &part->table->keys[n];
        }
        n -= part->table->count;
    }
    return NULL;
}

size_t pl_config_item_size(const struct pl_config_key *key)
{
    return key->kind == PL_KIND_SECTIONS ? key->one->size
                                         : pl_config_kinds[key->kind].size;
}

static void fini_item(const struct pl_config_key *key, void *item)
{
    if (key->kind == PL_KIND_SECTIONS)
        pl_config_values_fini(item, key->one);
    else if (pl_config_kinds[key->kind].fini != NULL)
        pl_config_kinds[key->kind].fini(item);
}

void pl_config_member_fini(const struct pl_config_key *key, void *member)
{
    struct pl_config_list *list = member;

    if (!pl_config_kinds[key->kind].is_list) {
        fini_item(key, member);
        memset(member, 0, pl_config_item_size(key));
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        fini_item(key, list->at + i * pl_config_item_size(key));
    free(list->at);
    *list = (struct pl_config_list){NULL, 0};
}

void pl_config_values_fini(void *values, const struct pl_config_schema *schema)
{
    const struct pl_config_key *key;
    size_t offset;

    for (size_t i = 0; (key = pl_config_key_at(schema, i, &offset)); i++)
        pl_config_member_fini(key, (char *)values + offset);
}

static bool sections_differ(const struct pl_config_schema *schema,
                            const char *a, const char *b)
{
    const struct pl_config_key *key;
    size_t offset;

    for (size_t i = 0; (key = pl_config_key_at(schema, i, &offset)); i++)
        if (pl_config_key_differs(key, a + offset, b + offset))
            return true;
    return false;
}

static bool items_differ(const struct pl_config_key *key, const void *a,
                         const void *b)
{
    const struct pl_config_kind_ops *ops = &pl_config_kinds[key->kind];

    if (key->kind == PL_KIND_SECTIONS)
        return sections_differ(key->one, a, b);
    return ops->differs != NULL ? ops->differs(a, b)
                                : memcmp(a, b, ops->size) != 0;
}

bool pl_config_key_differs(const struct pl_config_key *key, const void *a,
                           const void *b)
{
    const struct pl_config_list *x = a, *y = b;
    size_t size = pl_config_item_size(key);

    if (!pl_config_kinds[key->kind].is_list)
        return items_differ(key, a, b);
    if (x->count != y->count)
        return true;
    for (size_t i = 0; i < x->count; i++)
        if (items_differ(key, x->at + i * size, y->at + i * size))
            return true;
    return false;
}

bool pl_config_strings_copy(struct pl_config_strings *out,
                            const struct pl_config_strings *from)
{
    if (from->count == 0)
        return true;
    out->at = calloc(from->count, sizeof out->at[0]);
    if (out->at == NULL)
        return false;
    for (; out->count < from->count; out->count++)
        if ((out->at[out->count] = strdup(from->at[out->count])) == NULL)
            return false;
    return true;
}

void pl_config_strings_fini(struct pl_config_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    free(list->at);
}
