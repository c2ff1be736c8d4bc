/* SPDX-License-Identifier: Apache-2.0 */
/* api_command.h - reads server API bodies that hold several commands. */
#ifndef PL_API_COMMAND_H
#define PL_API_COMMAND_H

#include "api_fault.h"
#include "api_request.h"

enum { PL_API_COMMANDS_MAX = 16384 };

/* One command of several. */
struct pl_api_command {
    enum pl_api_method method;
    struct pl_span params; /* a JSON object; absent: no parameters */
    uint32_t id;           /* of the older form, copied to the reply; 0: none */
};

/* Read a body of POST /api, {"method", "params", "id"} objects one after the
 * other, or of POST /api/batch, {"commands": [{"<method>": {..}}, ..],
 * "parallel": true}.  Return 0, or 107 or 100 with details in *fault.
 * Owner: the arena owns *out. */
uint32_t pl_api_commands_read(struct pl_api_command **out, size_t *count,
                              bool *is_parallel, bool is_batch,
                              struct pl_span body, struct pl_arena *arena,
                              struct pl_api_fault *fault);

#endif
