/* SPDX-License-Identifier: Apache-2.0 */
/* api_json.h - JSON tokens of server API bodies, in addition to those of
 * json_scan.h and by the same rules. */
#ifndef PL_API_JSON_H
#define PL_API_JSON_H

#include "json_scan.h"

/* Skip white space.  Fail unless the text ends there. */
bool pl_json_at_end(struct pl_json *j);

/* Take the opening brace of an object. */
bool pl_json_open_object(struct pl_json *j);

/* Take a value of any type; *out is its text. */
bool pl_json_raw(struct pl_json *j, struct pl_span *out);

#endif
