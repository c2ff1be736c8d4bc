/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf_scan.h - checks a message before protobuf-c unpacks it. */
#ifndef PL_PROTOBUF_SCAN_H
#define PL_PROTOBUF_SCAN_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "span.h"

struct pl_protobuf_scan {
    size_t fields;   /* how many more are allowed, at any depth */
    const char *why; /* the error; constant */
    const char *at;  /* its place */
};

/* Check that `bytes` is a message of this type that protobuf-c can safely
 * unpack: nested at most `depth` deep, with at most s->fields fields, each of
 * the type that its number has and, unless repeated, occurring once; strings
 * are UTF-8 without zero bytes. */
bool pl_protobuf_scan(struct pl_protobuf_scan *s, struct pl_span bytes,
                      const ProtobufCMessageDescriptor *type, unsigned depth);

#endif
