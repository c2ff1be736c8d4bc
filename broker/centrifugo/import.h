/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - the steps of pl_centrifugo_translate().  Private to this
 * module. */
#ifndef PL_CENTRIFUGO_IMPORT_H
#define PL_CENTRIFUGO_IMPORT_H

#include "centrifugo.h"
#include "emit.h"
#include "rows.h"
#include "tree.h"

/* A translation in progress. */
struct pl_import {
    const struct pl_centrifugo_source *src;
    struct pl_config_loading load; /* gets the findings */
    struct pl_tree tree;
    struct pl_entries out;
};

/* Read the variables over the values of the file.
 * Errors: PL_EINVAL (see the report), PL_ENOMEM. */
enum pl_err pl_import_variables(struct pl_import *im);

/* Check the type of each value and report those that parley has not; then add
 * the keys that are kept. */
void pl_import_options(struct pl_import *im);

/* Add the keys about channels and namespaces; about addresses, the API and
 * TLS. */
void pl_import_channels(struct pl_import *im);
void pl_import_listen(struct pl_import *im);

/* The value of a key; NULL: it is not there. */
static inline const struct pl_leaf *
pl_import_find(const struct pl_import *im, const char *path, size_t item)
{
    return pl_tree_find(&im->tree, path, item, 0);
}

/* Values of the right type, for which keys that are not there have a
 * default. */
bool pl_import_bool(const struct pl_import *im, const char *path, size_t item);
uint64_t pl_import_number(const struct pl_import *im, const char *path,
                          size_t item, uint64_t absent);
uint64_t pl_import_duration(const struct pl_import *im, const char *path,
                            size_t item, uint64_t absent_ms);
const char *pl_import_text(const struct pl_import *im, const char *path,
                           size_t item, const char *absent);

/* Return true if `path` of this item is an option of channels that are closed
 * to clients, because parley does not have their type of subscriptions. */
bool pl_import_is_closed(const struct pl_import *im, const char *path,
                         size_t item);

/* What lets each client do everything; NULL: nothing does. */
const struct pl_leaf *pl_import_insecure(const struct pl_import *im);

/* Add the key `to` with this value. */
void pl_import_put(struct pl_import *im, const char *to, size_t item,
                   const struct pl_leaf *from, const char *note,
                   const char *value);

#endif
