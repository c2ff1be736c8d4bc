/* SPDX-License-Identifier: Apache-2.0 */
/* plain.h - text of others, so that it cannot steer a terminal. */
#ifndef PL_TOOL_PLAIN_H
#define PL_TOOL_PLAIN_H

#include "buf.h"

enum plain_form {
    PLAIN_LINE, /* <U+001B>, also for line ends */
    PLAIN_PAGE, /* the same, but line ends and tabs stay */
    PLAIN_JSON  /* \u001b: the same JSON value */
};

/* Append `text` with every control character and every mark that changes the
 * direction of text written out, and "?" for each byte that is no UTF-8. */
void put_plain(struct pl_buf *out, struct pl_span text, enum plain_form form);

#endif
