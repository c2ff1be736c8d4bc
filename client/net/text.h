/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - what a peer has sent, as a string for a callback or a log. */
#ifndef PLC_TEXT_H
#define PLC_TEXT_H

#include <string.h>

#include "span.h"

/* Write `s` with a final zero byte to `to`, of `size` bytes; what does not fit
 * is left out.  An absent span becomes "". */
static inline void plc_text_copy(char *to, size_t size, struct pl_span s)
{
    size_t n = s.len < size ? s.len : size - 1;

    if (n > 0)
        memcpy(to, s.at, n);
    to[n] = '\0';
}

#endif
