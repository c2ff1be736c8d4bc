/* SPDX-License-Identifier: Apache-2.0 */
/* client_run.h - one run of programs that use the library, against a simulated
 * broker. */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include <stdbool.h>
#include <stdint.h>

/* Everything follows from the seed.  It ends by itself, and earlier when the
 * simulation has had `last_step` steps. */
void client_run_once(uint64_t seed, bool is_late, uint64_t last_step);

#endif
