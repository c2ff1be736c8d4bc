/* SPDX-License-Identifier: Apache-2.0 */
/* line_private.h - create and close a loop handle.  Private to actors/run. */
#ifndef PL_LINE_PRIVATE_H
#define PL_LINE_PRIVATE_H

#include "line.h"

struct pl_system;

/* Create an open handle with one reference, or return NULL: out of memory. */
struct pl_line *pl_line_create(struct pl_system *s);

/* Wait until no thread is inside pl_line_post(), and refuse all later posts.
 * NULL and a second call are allowed.  Thread: any that is not inside
 * pl_line_post(). */
void pl_line_close(struct pl_line *l);

#endif
