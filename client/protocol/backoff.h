/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.h - how long to wait before the next attempt. */
#ifndef PLC_BACKOFF_H
#define PLC_BACKOFF_H

#include <stdint.h>

struct pl_random;

/* Replace each 0 by the default of the official SDKs. */
void plc_backoff_defaults(uint32_t *min_ms, uint32_t *max_ms);

/* The formula of the official SDKs: min_ms and a random part of up to
 * min_ms * 2^attempt, but not more than max_ms.  The randomness spreads the
 * clients that a server has lost at one moment. */
uint32_t plc_backoff_delay(struct pl_random *r, uint32_t min_ms,
                           uint32_t max_ms, uint32_t attempt);

#endif
