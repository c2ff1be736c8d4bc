/* SPDX-License-Identifier: Apache-2.0 */
/* patience.c - see patience.h. */
#include "patience.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "say.h"

enum { REMARK_MS = 1000 };

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void patience_extend(struct patience *p, int64_t timeout_ms)
{
    if (p->remark_ms != 0)
        p->remark_ms = now_ms() + REMARK_MS;
    p->timeout_ms = timeout_ms;
    p->deadline_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
}

void patience_begin(struct patience *p, int64_t timeout_ms, const char *format,
                    ...)
{
    va_list args;

    p->remark_ms = now_ms() + REMARK_MS;
    patience_extend(p, timeout_ms);
    va_start(args, format);
    vsnprintf(p->what, sizeof p->what, format, args);
    va_end(args);
}

void patience_end(struct patience *p)
{
    *p = (struct patience){0};
}

int patience_poll_ms(const struct patience *p)
{
    int64_t next = p->deadline_ms, now = now_ms();

    if (p->remark_ms != 0 && (next == 0 || p->remark_ms < next))
        next = p->remark_ms;
    if (next == 0)
        return -1;
    return next <= now               ? 0
           : next - now >= INT32_MAX ? INT32_MAX
                                     : (int)(next - now);
}

static void say_what(const struct patience *p)
{
    if (p->deadline_ms == 0)
        remark("waiting for %s, without end (see --timeout)", p->what);
    else
        remark("waiting for %s, %g s at most", p->what,
               (double)p->timeout_ms / 1000);
}

bool patience_is_over(struct patience *p)
{
    int64_t now = now_ms();

    if (p->remark_ms != 0 && now >= p->remark_ms) {
        p->remark_ms = 0;
        say_what(p);
    }
    return p->deadline_ms != 0 && now >= p->deadline_ms;
}
