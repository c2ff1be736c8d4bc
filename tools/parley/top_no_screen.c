/* SPDX-License-Identifier: Apache-2.0 */
/* top_no_screen.c - `parley top` in a build without a terminal (PARLEY_TUI):
 * it prints. */
#include "top_screen.h"

#include "exit_status.h"

bool top_screen_is_possible(void)
{
    return false;
}

int top_screen(struct top *top, const char *color, int64_t interval_ms)
{
    (void)top, (void)color, (void)interval_ms;
    return EXIT_FAILED;
}
