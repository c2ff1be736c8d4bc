/* SPDX-License-Identifier: Apache-2.0 */
/* top_screen.h - `parley top` on a terminal. */
#ifndef PL_TOOL_TOP_SCREEN_H
#define PL_TOOL_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "top.h"

/* False without a terminal, or in a build without one (PARLEY_TUI). */
bool top_screen_is_possible(void);

/* Draw until the user ends it; looks again every `interval_ms`.  `color` is
 * NULL, "auto", "always" or "never".  Returns what to exit with. */
int top_screen(struct top *top, const char *color, int64_t interval_ms);

#endif
