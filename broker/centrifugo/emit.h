/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - collects keys of parley and writes them as YAML.  Private to this
 * module. */
#ifndef PL_CENTRIFUGO_EMIT_H
#define PL_CENTRIFUGO_EMIT_H

#include "centrifugo.h"
#include "tree.h"

/* A key and its value. */
struct pl_entry {
    char *key;                  /* owned; dotted, or below a namespace */
    size_t item;                /* the namespace, from 1; 0: none */
    struct pl_buf value;        /* YAML, on one line; may hold a secret */
    const struct pl_leaf *from; /* what says it; NULL: Centrifugo's default */
    const char *note;           /* a comment; NULL: none */
    bool is_written;
};

/* All zero: empty. */
struct pl_entries {
    struct pl_entry *at;
    size_t count, capacity;
    bool failed;           /* out of memory */
    struct pl_buf nowhere; /* then ignores what is written */
};

/* Add a key.  The caller appends its value to what is returned, which is never
 * NULL. */
struct pl_buf *pl_entries_add(struct pl_entries *e, const char *key,
                              size_t item, const struct pl_leaf *from,
                              const char *note);

/* Append the keys to the result, behind the comments that it has.
 * Errors: PL_ENOMEM. */
enum pl_err pl_entries_write(struct pl_entries *e,
                             struct pl_centrifugo_result *out);

/* Wipe and free everything. */
void pl_entries_fini(struct pl_entries *e);

#endif
