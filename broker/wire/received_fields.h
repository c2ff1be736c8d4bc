/* SPDX-License-Identifier: Apache-2.0 */
/* received_fields.h - the fields of replies and pushes, once for both
 * encodings, as request_fields.h has those of requests. */
#ifndef PL_RECEIVED_FIELDS_H
#define PL_RECEIVED_FIELDS_H

#include "received.h"
#include "request_fields.h"

/* The fields of a Reply and of a Push, in struct pl_received. */
extern const struct pl_request pl_received_reply;
extern const struct pl_request pl_received_push;

/* The fields of the content, by enum pl_received_kind. */
extern const struct pl_request pl_received_contents[PL_RECEIVED_REFRESHED + 1];

extern const struct pl_request pl_received_client_info;

/* An element of a list, or the value of a map. */
union pl_received_element {
    struct pl_received_publication publication;
    struct pl_received_info info;
    struct pl_received_subscribe sub;
    struct pl_span tag;
};

/* The fields of the elements of a list of this kind, which is not
 * PL_FIELD_TAGS. */
const struct pl_request *pl_received_element_fields(enum pl_field_kind list);

/* Begin to read `push` or a result of kind `kind` into `r`.  Return false if
 * `r` has another one. */
static inline bool pl_received_begin(struct pl_received *r,
                                     enum pl_received_kind kind)
{
    enum pl_received_kind before = kind >= PL_RECEIVED_PUBLICATION
                                       ? PL_RECEIVED_UNKNOWN
                                       : PL_RECEIVED_PING;

    if (r->kind != before)
        return false;
    r->kind = kind;
    return true;
}

/* The content of `r`, which is a union. */
static inline void *pl_received_content(struct pl_received *r)
{
    return &r->publication;
}

#endif
