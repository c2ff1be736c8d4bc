/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - base64 with padding (RFC 4648 section 4), and with the alphabet
 * for URLs and without padding, as RFC 7515 uses it (section 2).
 *
 * Thread: any. */
#ifndef PL_BASE64_H
#define PL_BASE64_H

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* Decode `text` to `to`, which has room for text->len bytes, and point `text`
 * at the result.  False when `text` is not base64: a length that is no multiple
 * of four, a foreign character, or bits behind the last byte that are not
 * zero. */
bool pl_base64_decode(struct pl_span *text, char *to);

/* Append the bytes that `text` encodes.  False: `text` has a character of
 * another alphabet, a length that no bytes have, or unused bits that are not
 * zero, so each value has exactly one text.  `out` may then hold a part; look
 * at out->failed for lack of memory. */
bool pl_base64url_decode(struct pl_buf *out, struct pl_span text);

/* Append the text of `bytes`. */
void pl_base64url_encode(struct pl_buf *out, struct pl_span bytes);

#endif
