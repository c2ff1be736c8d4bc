/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h - immutable, reference-counted bytes, shared without copying. */
#ifndef PL_BLOB_H
#define PL_BLOB_H

#include <stddef.h>

#include "span.h"

struct pl_blob; /* opaque */

/* Copy `bytes` to a new blob with one reference, or return NULL: out of memory.
 * Owner:  the caller owns the reference. */
struct pl_blob *pl_blob_create(struct pl_span bytes);

/* Add a reference and return `b`.  NULL is allowed.  Thread: any. */
struct pl_blob *pl_blob_hold(struct pl_blob *b);

/* Drop a reference; the last one frees the blob.  NULL is allowed.
 * Thread: any. */
void pl_blob_release(struct pl_blob *b);

/* The bytes, followed by a zero byte; valid as long as the blob.  A NULL blob
 * gives an absent span.  Thread: any. */
struct pl_span pl_blob_span(const struct pl_blob *b);

#endif
