/* SPDX-License-Identifier: Apache-2.0 */
/* others.h - the same work by what a user would take instead of ours. */
#ifndef BENCH_OTHERS_H
#define BENCH_OTHERS_H

#include "codec.h"
#include "measure.h"

/* Decode one publish command: protobuf-c with malloc() and with an arena,
 * jansson. */
void others_decode(struct measure *m, enum pl_encoding encoding,
                   struct pl_span message);

/* Encode one publication push: protobuf-c, jansson. */
void others_encode(struct measure *m, enum pl_encoding encoding,
                   const struct pl_push *push);

/* Frames of this size by libwslay; only with BENCH_WSLAY. */
void others_frames(struct measure *m, unsigned size);

#endif
