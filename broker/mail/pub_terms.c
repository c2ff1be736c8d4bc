/* SPDX-License-Identifier: Apache-2.0 */
/* pub_terms.c - see pub_terms.h. */
#include "pub_terms.h"

#include <stdlib.h>
#include <string.h>

static struct pl_span put(char **at, struct pl_span text)
{
    struct pl_span copy = {*at, text.len};

    if (text.len > 0)
        memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
}

struct pl_pub_terms *pl_pub_terms_copy(const struct pl_pub_terms *from)
{
    struct pl_pub_terms *t =
        malloc(sizeof *t + from->id.len + from->version_epoch.len);

    if (t == NULL)
        return NULL;
    char *at = (char *)(t + 1); /* the two texts */
    t->id = put(&at, from->id);
    t->version_epoch = put(&at, from->version_epoch);
    t->version = from->version;
    t->skips_history = from->skips_history;
    return t;
}
