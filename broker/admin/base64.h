/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - decoding of base64, RFC 4648 section 4.
 *
 * Thread: any. */
#ifndef PL_BASE64_H
#define PL_BASE64_H

#include <stdbool.h>

#include "span.h"

/* Decode `text` to `to`, which has room for text->len bytes, and point `text`
 * at the result.  False when `text` is not base64: a length that is no multiple
 * of four, a foreign character, or bits behind the last byte that are not
 * zero. */
bool pl_base64_decode(struct pl_span *text, char *to);

#endif
