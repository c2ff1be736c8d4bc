/* SPDX-License-Identifier: Apache-2.0 */
/* config_kind.h - what a kind of keys is made of.  Private to this module. */
#ifndef PL_CONFIG_KIND_H
#define PL_CONFIG_KIND_H

#include "config_load.h"

/* A text to convert. */
struct pl_config_job {
    struct pl_config_loading *l;
    const struct pl_config_key *key;
    const struct pl_config_place *place;
    const char *text;
    void *member; /* zero; of a list: the next item */
};

/* "KiB", 1024. */
struct pl_config_unit {
    const char *name;
    uint64_t factor;
};

/* What makes up a kind. */
struct pl_config_kind_ops {
    const char *type; /* as the documentation names it; NULL: its words */
    size_t size;      /* of the member; of a list: of an item; 0: a section */
    bool is_list;
    const struct pl_config_unit *units; /* of numbers; NULL: none */
    const char *wanted;                 /* what a number looks like */
    /* Convert; an invalid text goes into the report.  Errors: PL_ENOMEM. */
    enum pl_err (*store)(const struct pl_config_job *j);
    /* NULL: as bytes. */
    bool (*differs)(const void *a, const void *b);
    /* NULL: the member owns nothing.  Wipes, because any string may be a
     * secret. */
    void (*fini)(void *member);
};

extern const struct pl_config_kind_ops pl_config_kinds[]; /* by kind */

/* What all lists look like. */
struct pl_config_list {
    char *at;
    size_t count;
};

/* The size of the member, or of an item of a list. */
size_t pl_config_item_size(const struct pl_config_key *key);

/* Wipe and free what the member owns, and make it zero. */
void pl_config_member_fini(const struct pl_config_key *key, void *member);

#endif
