/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h - base64 with padding (RFC 4648 section 4), and with the URL
 * alphabet and without padding (RFC 7515 section 2).
 *
 * Thread: any. */
#ifndef PL_BASE64_H
#define PL_BASE64_H

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* Decode `text` to `to`, which has space for text->len bytes, and point `text`
 * at the result.  Return false if `text` is not base64: its length is no
 * multiple of four, it has another character, or the bits after the last byte
 * are not zero. */
bool pl_base64_decode(struct pl_span *text, char *to);

/* Append the bytes that `text` encodes.  Return false if `text` has a character
 * of another alphabet, an impossible length, or unused bits that are not zero:
 * each value has exactly one text.  `out` may then hold a part; out->failed is
 * set if allocation failed. */
bool pl_base64url_decode(struct pl_buf *out, struct pl_span text);

/* Append the text of `bytes`. */
void pl_base64url_encode(struct pl_buf *out, struct pl_span bytes);

#endif
