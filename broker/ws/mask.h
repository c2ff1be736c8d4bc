/* SPDX-License-Identifier: Apache-2.0 */
/* mask.h - taking the mask off a payload (RFC 6455 section 5.3). */
#ifndef PL_WS_MASK_H
#define PL_WS_MASK_H

#include <stdbool.h>
#include <stddef.h>

/* XOR `bytes` with the key, beginning with its octet `phase` (0 to 3), in
 * place.  True when every resulting byte is ASCII, which spares text a second
 * pass; an empty piece is ASCII. */
bool pl_ws_unmask(char *bytes, size_t len, const unsigned char key[4],
                  unsigned phase);

#endif
