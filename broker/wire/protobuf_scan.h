/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_scan.h - look a message over before protobuf-c unpacks it. */
#ifndef PL_PROTOBUF_SCAN_H
#define PL_PROTOBUF_SCAN_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct pl_protobuf_scan {
    size_t fields;   /* how many may still come, at any depth */
    const char *why; /* of what was found; constant */
    const char *at;  /* where */
};

/* Whether `bytes` is a message of this type that protobuf-c can be trusted
 * with: nested at most `depth` deep, with at most s->fields fields, each of
 * the type that its number has and, unless repeated, there once; and strings
 * of UTF-8 without zero bytes. */
bool pl_protobuf_scan(struct pl_protobuf_scan *s, struct pl_span bytes,
                      const ProtobufCMessageDescriptor *type, unsigned depth);

#endif
