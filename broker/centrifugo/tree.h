/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - a configuration of Centrifugo as a flat list of its values.  Private
 * to this module. */
#ifndef PL_CENTRIFUGO_TREE_H
#define PL_CENTRIFUGO_TREE_H

#include "config_load.h"

enum { PL_TREE_PATH_MAX = 200 };

enum pl_leaf_kind {
    PL_LEAF_PLAIN,  /* as true or 7 */
    PL_LEAF_QUOTED, /* a text */
    PL_LEAF_NOTHING /* null, or an empty list or section */
};

struct pl_row; /* rows.h */

/* A value.  The path is in lower case, and "[]" stands for each list:
 * "channel.namespaces[].name", "client.allowed_origins[]". */
struct pl_leaf {
    char *path;  /* owned */
    char *text;  /* owned; may be a secret */
    size_t item; /* of the outermost list, from 1; 0: in none */
    enum pl_leaf_kind kind;
    struct pl_config_place place;
    const struct pl_row *row; /* set by pl_options_check() */
    bool is_bad;              /* was reported, and is not used */
};

/* All values, in the order of the file.  All zero: empty. */
struct pl_tree {
    struct pl_leaf *at;
    size_t count, capacity;
    struct pl_leaf **sorted;        /* by path, item and place; see below */
    struct pl_config_loading *load; /* gets the findings */
};

/* Add what `text` says below `path`, "" for the whole configuration.  Findings
 * go into the report.
 * Errors: PL_EINVAL: this is neither YAML nor JSON; PL_ENOMEM. */
enum pl_err pl_tree_read(struct pl_tree *t, const struct pl_config_place *place,
                         const char *path, struct pl_span text);

/* Add a value.  Errors: PL_ENOMEM. */
enum pl_err pl_tree_add(struct pl_tree *t, const char *path, size_t item,
                        struct pl_span text, enum pl_leaf_kind kind,
                        const struct pl_config_place *place);

/* Remove the value `path` of this item, and everything below it. */
void pl_tree_remove(struct pl_tree *t, const char *path, size_t item);

/* Make the values ready for pl_tree_find(); nothing is added or removed after
 * this.  Errors: PL_ENOMEM. */
enum pl_err pl_tree_sort(struct pl_tree *t);

/* Wipe and free everything. */
void pl_tree_fini(struct pl_tree *t);

/* The n-th good value with this path, from 0, and with this item unless that is
 * 0; NULL: there is none. */
const struct pl_leaf *pl_tree_find(const struct pl_tree *t, const char *path,
                                   size_t item, size_t n);

/* Write the path with the number of its item: "channel.namespaces[2].name". */
void pl_leaf_name(char *out, size_t size, const char *path, size_t item);

/* Add a finding about a value to the report. */
#define PL_LEAF_REPORT(t, how, leaf, ...)                                      \
    do {                                                                       \
        char name_[PL_TREE_PATH_MAX + 24];                                     \
        pl_leaf_name(name_, sizeof name_, (leaf)->path, (leaf)->item);         \
        pl_config_report((t)->load, how, &(leaf)->place, name_, __VA_ARGS__);  \
    } while (0)

#endif
