/* SPDX-License-Identifier: Apache-2.0 */
/* line_private.h - the two ends of a line's life, for actors/run alone. */
#ifndef PL_LINE_PRIVATE_H
#define PL_LINE_PRIVATE_H

#include "line.h"

struct pl_system;

/* Open, with one holder, or NULL: out of memory. */
struct pl_line *pl_line_create(struct pl_system *s);

/* Wait until nobody is inside pl_line_post(); from then on nobody gets in.
 * NULL, and twice, is allowed.  Thread: any that is not inside. */
void pl_line_close(struct pl_line *l);

#endif
