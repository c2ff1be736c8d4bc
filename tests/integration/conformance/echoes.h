/* SPDX-License-Identifier: Apache-2.0 */
/* echoes.h - messages in volume: what is said must come back. */
#ifndef ECHOES_H
#define ECHOES_H

#include "run.h"

struct echo_counts {
    unsigned cases, messages, failed;
};

/* Everything that public suites say of sizes, fragments, chopped writes, round
 * trips and windows.  The server takes messages of 16 MiB.  A line on stdout
 * for each case that failed. */
void echoes_run(const struct target *t, const char *only,
                struct echo_counts *out);

#endif
