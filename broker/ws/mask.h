/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h - removes the mask of a payload (RFC 6455 section 5.3). */
#ifndef PL_WS_MASK_H
#define PL_WS_MASK_H

#include <stdbool.h>
#include <stddef.h>

/* XOR `bytes` with the key in place, starting with its octet `phase` (0 to 3).
 * Return true if all resulting bytes are ASCII, which saves text a second pass;
 * an empty piece is ASCII. */
bool pl_ws_unmask(char *bytes, size_t len, const unsigned char key[4],
                  unsigned phase);

#endif
