/* SPDX-License-Identifier: Apache-2.0 */
/* pub_admin.h - parley pub through the server API. */
#ifndef PL_TOOL_PUB_ADMIN_H
#define PL_TOOL_PUB_ADMIN_H

#include "buf.h"
#include "target.h"

/* As pub_as_client(). */
int pub_as_admin(const struct target *t, const char *channel,
                 const struct pl_buf *data, int64_t rate);

#endif
