/* SPDX-License-Identifier: Apache-2.0 */
/* patience.h - a wait: it ends in time, and after a second it says what it
 * waits for. */
#ifndef PL_TOOL_PATIENCE_H
#define PL_TOOL_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: there is nothing to wait for. */
struct patience {
    int64_t remark_ms;   /* when to say it; 0: that is done */
    int64_t deadline_ms; /* 0: none */
    int64_t timeout_ms;
    char what[256];
};

/* Milliseconds of a clock that only goes forward. */
int64_t now_ms(void);

/* Wait for `format`, at most `timeout_ms`; 0: for ever. */
void patience_begin(struct patience *p, int64_t timeout_ms, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* It goes on well: count from now again. */
void patience_extend(struct patience *p, int64_t timeout_ms);

void patience_end(struct patience *p);

/* How long a poll() may wait: -1 is without end. */
int patience_poll_ms(const struct patience *p);

/* Say what it waits for, if that is due.  True: the deadline has passed. */
bool patience_is_over(struct patience *p);

#endif
