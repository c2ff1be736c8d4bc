/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - reads values as Centrifugo does, and writes them as parley reads
 * them.  Private to this module. */
#ifndef PL_CENTRIFUGO_VALUE_H
#define PL_CENTRIFUGO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* Each returns false if `text` is no such value. */
bool pl_value_bool(const char *text, bool *out);
bool pl_value_number(const char *text, uint64_t *out);

/* Go's text, as "1h30m" or "1.5s", or bare nanoseconds; into milliseconds,
 * rounded up. */
bool pl_value_duration(const char *text, uint64_t *out);

/* Append a duration as parley reads it: "90m". */
void pl_value_put_duration(struct pl_buf *out, uint64_t ms);

#endif
