/* SPDX-License-Identifier: Apache-2.0 */
/* config_text.h - writes values as YAML. */
#ifndef PL_CONFIG_TEXT_H
#define PL_CONFIG_TEXT_H

#include "buf.h"
#include "span.h"

/* Append `text` in double quotes, so that YAML reads the same bytes.  Space is
 * reserved at once: a buffer that grew could leave copies of secrets behind. */
void pl_config_put_quoted(struct pl_buf *out, struct pl_span text);

#endif
