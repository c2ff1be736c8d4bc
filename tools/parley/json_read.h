/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h - parts of a JSON text, in place: values stay byte for byte what
 * they are.  Line ends between tokens become blanks. */
#ifndef PL_TOOL_JSON_READ_H
#define PL_TOOL_JSON_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* The value of a member; false: `json` is no object that has it. */
bool json_find(struct pl_span json, const char *name, struct pl_span *value);

/* Call `each` for the members of an object, their keys without escapes, until
 * it returns false. */
void json_members(struct pl_span json,
                  bool (*each)(struct pl_span key, struct pl_span value,
                               void *arg),
                  void *arg);

/* The same for the items of a list. */
void json_items(struct pl_span json,
                bool (*each)(struct pl_span item, void *arg), void *arg);

/* Append a value: a string without quotes and escapes, anything else as it
 * is. */
void put_json_text(struct pl_buf *b, struct pl_span value);

/* Whether `value` is a string that is `text`. */
bool json_equals(struct pl_span value, const char *text);

/* A number that is a count; 0: it is none. */
uint64_t json_number(struct pl_span value);

#endif
