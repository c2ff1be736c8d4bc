/* SPDX-License-Identifier: Apache-2.0 */
/* life.h - one life of the broker with its clients and its troubles. */
#ifndef LIFE_H
#define LIFE_H

#include <stdbool.h>
#include <stdint.h>

/* Everything follows from the seed.  It ends by itself, and earlier when the
 * run has had `last_step` steps. */
void life_run(uint64_t seed, bool is_late, uint64_t last_step);

#endif
