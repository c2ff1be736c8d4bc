/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.h - the table of all keys, used by the loader, the schema and the
 * test of docs/configuration.md. */
#ifndef PL_CONFIG_KEYS_H
#define PL_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pl_config_kind {
    PL_KIND_BOOL,
    PL_KIND_NUMBER,    /* into uint32_t */
    PL_KIND_DURATION,  /* into uint64_t, milliseconds */
    PL_KIND_SIZE,      /* into uint64_t, bytes */
    PL_KIND_MEMORY,    /* into struct pl_config_memory */
    PL_KIND_SHARE,     /* as PL_KIND_MEMORY, without auto */
    PL_KIND_STRING,    /* into char *; may not be empty */
    PL_KIND_SOCKET,    /* as PL_KIND_STRING, or `off`: NULL, or `auto` */
    PL_KIND_ENDPOINT,  /* into struct pl_config_endpoint, or `off` */
    PL_KIND_ENDPOINTS, /* into struct pl_config_endpoints */
    PL_KIND_STRINGS,   /* into struct pl_config_strings */
    PL_KIND_NETWORKS,  /* into struct pl_config_networks */
    PL_KIND_HEADER,
    PL_KIND_ALLOW,
    PL_KIND_DATA,
    PL_KIND_SLOW,
    PL_KIND_LEVEL
};

struct pl_config_key {
    const char *name; /* "loops" or "section.name" */
    enum pl_config_kind kind;
    size_t offset;        /* in struct pl_config */
    const char *fallback; /* the default, as text; NULL: unset */
    const char *insecure; /* the default with --insecure; NULL: as `fallback` */
    uint64_t min, max;    /* of numbers, durations and sizes; max items of
                             lists */
    bool secret;          /* never show the value */
};

/* All keys; those of one section are together. */
extern const struct pl_config_key pl_config_keys[];
extern const size_t pl_config_key_count;

/* The kind as the documentation names it: "duration", "size", "list of
 * host:port". */
const char *pl_config_kind_text(enum pl_config_kind kind);

#endif
