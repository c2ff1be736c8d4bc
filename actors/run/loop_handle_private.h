/* SPDX-License-Identifier: Apache-2.0 */
/* loop_handle_private.h - create and close a loop handle.  Private to
 * actors/run. */
#ifndef PL_LOOP_HANDLE_PRIVATE_H
#define PL_LOOP_HANDLE_PRIVATE_H

#include "loop_handle.h"

struct pl_system;

/* Create an open handle with one reference, or return NULL: out of memory. */
struct pl_loop_handle *pl_loop_handle_create(struct pl_system *s);

/* Wait until no thread is inside pl_loop_handle_post(), and refuse all later
 * posts.  NULL and a second call are allowed.  Thread: any that is not inside
 * pl_loop_handle_post(). */
void pl_loop_handle_close(struct pl_loop_handle *handle);

#endif
