/* SPDX-License-Identifier: Apache-2.0 */
/* base64url.h - base64 with the alphabet for URLs and without padding, as RFC
 * 7515 uses it (section 2). */
#ifndef PL_BASE64URL_H
#define PL_BASE64URL_H

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* Append the bytes that `text` encodes.  False: `text` has a character of
 * another alphabet, a length that no bytes have, or unused bits that are not
 * zero, so each value has exactly one text.  `out` may then hold a part; look
 * at out->failed for lack of memory. */
bool pl_base64url_decode(struct pl_buf *out, struct pl_span text);

/* Append the text of `bytes`. */
void pl_base64url_encode(struct pl_buf *out, struct pl_span bytes);

#endif
