/* SPDX-License-Identifier: Apache-2.0 */
/* tags.h - the tags of a publication: pairs of texts in one piece of memory,
 * each text after its length. */
#ifndef PL_TAGS_H
#define PL_TAGS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "span.h"

enum {
    PL_TAGS_MAX = 256,        /* pairs */
    PL_TAGS_BYTES = 64 * 1024 /* of all pairs */
};

/* Append a pair. */
static inline void pl_tags_put(struct pl_buf *b, struct pl_span key,
                               struct pl_span value)
{
    const uint32_t len[2] = {(uint32_t)key.len, (uint32_t)value.len};

    pl_buf_put(b, len, sizeof len);
    pl_buf_put_span(b, key);
    pl_buf_put_span(b, value);
}

/* Write a pair at `to`, which has space for 8 bytes and the texts.  Return its
 * length. */
static inline size_t pl_tags_place(char *to, struct pl_span key,
                                   struct pl_span value)
{
    const uint32_t len[2] = {(uint32_t)key.len, (uint32_t)value.len};

    memcpy(to, len, sizeof len);
    memcpy(to + sizeof len, key.at, key.len);
    memcpy(to + sizeof len + key.len, value.at, value.len);
    return sizeof len + key.len + value.len;
}

/* Take the next pair from the front of `tags`.  Return false at the end. */
static inline bool pl_tags_next(struct pl_span *tags, struct pl_span *key,
                                struct pl_span *value)
{
    uint32_t len[2];

    if (tags->len == 0)
        return false;
    memcpy(len, tags->at, sizeof len);
    *key = (struct pl_span){tags->at + sizeof len, len[0]};
    *value = (struct pl_span){key->at + len[0], len[1]};
    tags->at = value->at + len[1];
    tags->len -= sizeof len + len[0] + len[1];
    return true;
}

/* Append the tags as a JSON object. */
void pl_tags_write_json(struct pl_buf *b, struct pl_span tags);

#endif
