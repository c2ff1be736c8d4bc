/* SPDX-License-Identifier: Apache-2.0 */
/* pub_client.h - parley pub with --url ws://. */
#ifndef PL_TOOL_PUB_CLIENT_H
#define PL_TOOL_PUB_CLIENT_H

#include "buf.h"
#include "target.h"

/* Publish `data` once, or with NULL the lines of stdin.  `rate` lines a second;
 * 0: any.  Gives what to exit with; it has printed what was done. */
int pub_as_client(const struct target *t, const char *channel,
                  const struct pl_buf *data, int64_t rate);

/* Print that `count` were published. */
void print_published(uint64_t count);

#endif
