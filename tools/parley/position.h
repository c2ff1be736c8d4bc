/* SPDX-License-Identifier: Apache-2.0 */
/* position.h - a place in a history, as EPOCH:OFFSET. */
#ifndef PL_TOOL_POSITION_H
#define PL_TOOL_POSITION_H

#include <stdbool.h>
#include <stdint.h>

struct position {
    char epoch[64];
    uint64_t offset;
};

/* False: `text` is none. */
bool read_position(const char *text, struct position *out);

#endif
