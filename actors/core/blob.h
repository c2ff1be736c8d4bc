/* SPDX-License-Identifier: Apache-2.0 */
/* blob.h - immutable bytes that many hold and nobody copies. */
#ifndef PL_BLOB_H
#define PL_BLOB_H

#include <stddef.h>

#include "span.h"

struct pl_blob; /* opaque; counts its holders */

/* Copy `bytes` into a new blob with one holder, or NULL: out of memory.
 * Owner: the caller holds it. */
struct pl_blob *pl_blob_create(struct pl_span bytes);

/* One holder more; gives the same blob.  Thread: any. */
struct pl_blob *pl_blob_hold(struct pl_blob *b);

/* One holder less; the last one frees it.  NULL is allowed.  Thread: any. */
void pl_blob_release(struct pl_blob *b);

/* The bytes; a zero byte follows them.  They live as long as the blob.  A
 * NULL blob gives an absent span.  Thread: any. */
struct pl_span pl_blob_span(const struct pl_blob *b);

#endif
