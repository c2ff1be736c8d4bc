/* SPDX-License-Identifier: Apache-2.0 */
/* config_key.h - the keys of a module as a table, and the members that hold
 * their values.
 *
 * A module declares a struct with a member for each of its keys, and a table
 * that describes the keys.  A schema joins the tables of several modules. */
#ifndef PL_CONFIG_KEY_H
#define PL_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pl_ip_net;

enum pl_config_kind {
    PL_KIND_BOOL,
    PL_KIND_NUMBER,    /* into uint32_t */
    PL_KIND_DURATION,  /* into uint64_t, milliseconds */
    PL_KIND_SIZE,      /* into uint64_t, bytes */
    PL_KIND_MEMORY,    /* into struct pl_config_memory */
    PL_KIND_SHARE,     /* as PL_KIND_MEMORY, without auto */
    PL_KIND_WORD,      /* into an enum: the index of the word */
    PL_KIND_STRING,    /* into char *; may not be empty */
    PL_KIND_NAME,      /* as PL_KIND_STRING: `min` to `max` letters, digits,
                          '-', '_' and '.' */
    PL_KIND_PATTERN,   /* as PL_KIND_STRING: a regular expression */
    PL_KIND_MARK,      /* into struct pl_config_mark, or `off` */
    PL_KIND_SOCKET,    /* as PL_KIND_STRING, or `off`: NULL, or `auto` */
    PL_KIND_ENDPOINT,  /* into struct pl_config_endpoint, or `off` */
    PL_KIND_ENDPOINTS, /* into struct pl_config_endpoints */
    PL_KIND_STRINGS,   /* into struct pl_config_strings */
    PL_KIND_NETWORKS,  /* into struct pl_config_networks */
    PL_KIND_SECTIONS   /* into struct pl_config_sections */
};

/* `limits.memory` and others; both 0: off. */
struct pl_config_memory {
    uint64_t bytes;
    uint32_t percent; /* docs/configuration.md says of what */
};

/* A few characters that divide a text; "": off. */
struct pl_config_mark {
    char at[8]; /* with zeros at the end */
};

/* A numeric address and a port, in the form that evutil_parse_sockaddr_port()
 * reads: "127.0.0.1:8000", "[::1]:8000". */
struct pl_config_endpoint {
    char *text;
    uint16_t port; /* 0: the kernel chooses */
    bool loopback;
};

/* All lists have these two members in this order. */
struct pl_config_endpoints {
    struct pl_config_endpoint *at;
    size_t count;
};

struct pl_config_strings {
    char **at;
    size_t count;
};

/* Copy a list into *out, which is all zero; false: out of memory.  Free a list,
 * also one that was copied in part. */
bool pl_config_strings_copy(struct pl_config_strings *out,
                            const struct pl_config_strings *from);
void pl_config_strings_fini(struct pl_config_strings *list);

struct pl_config_networks {
    struct pl_ip_net *at;
    size_t count;
};

struct pl_config_sections {
    void *at; /* an array of the structs of the key's schema */
    size_t count;
};

struct pl_config_key {
    const char *name; /* "loops" or "section.name" */
    enum pl_config_kind kind;
    size_t offset;        /* in the struct of the module */
    const char *fallback; /* the default, as text; NULL: unset */
    const char *insecure; /* the default with --insecure; NULL: as `fallback` */
    uint64_t min, max;    /* of numbers, durations and sizes; max items of
                             lists */
    const char *words;    /* of PL_KIND_WORD: "none, authenticated or all" */
    const struct pl_config_schema *one; /* the keys of one of the sections */
    bool required;                      /* in each of the sections */
    bool secret;                        /* never show the value */
    bool reload; /* a running broker adopts a new value */
};

/* For the entries of a table. */
#define PL_CONFIG_AT(type, member) .offset = offsetof(type, member)
#define PL_CONFIG_TABLE(keys)                                                  \
    {                                                                          \
        keys, sizeof(keys) / sizeof((keys)[0])                                 \
    }
#define PL_CONFIG_MINUTE ((uint64_t)60 * 1000)
#define PL_CONFIG_HOUR (60 * PL_CONFIG_MINUTE)
#define PL_CONFIG_MIB ((uint64_t)1 << 20)
#define PL_CONFIG_GIB ((uint64_t)1 << 30)

/* Longer than a server runs without a restart; durations can be added without
 * overflow. */
#define PL_CONFIG_LONGEST (PL_CONFIG_HOUR * 24 * 366)

/* The keys of a module. */
struct pl_config_table {
    const struct pl_config_key *keys;
    size_t count;
};

/* Where the struct of a module lies in the struct of the schema. */
struct pl_config_part {
    const struct pl_config_table *table;
    size_t offset;
};

/* The tables of one or more modules.  Several may have keys of one section. */
struct pl_config_schema {
    const struct pl_config_part *parts;
    size_t count; /* of parts */
    size_t size;  /* of the struct that holds the structs of the modules */
};

/* Return the key with the index `n` and write where its member lies in the
 * struct of the schema; NULL: there are no more. */
const struct pl_config_key *
pl_config_key_at(const struct pl_config_schema *schema, size_t n,
                 size_t *offset);

/* The type of the key as the documentation names it: "duration", "none,
 * authenticated or all". */
const char *pl_config_key_type(const struct pl_config_key *key);

/* True if the values of `key` at `a` and at `b` differ. */
bool pl_config_key_differs(const struct pl_config_key *key, const void *a,
                           const void *b);

#endif
