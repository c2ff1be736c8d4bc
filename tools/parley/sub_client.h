/* SPDX-License-Identifier: Apache-2.0 */
/* sub_client.h - parley sub with --url ws://. */
#ifndef PL_TOOL_SUB_CLIENT_H
#define PL_TOOL_SUB_CLIENT_H

#include "target.h"

struct sub_wish {
    int64_t history;
    const char *since; /* "EPOCH:OFFSET", or NULL */
    bool presence, data_only;
};

/* Gives what to exit with. */
int sub_as_client(const struct target *t, const struct sub_wish *wish,
                  char **channels, int count);

#endif
