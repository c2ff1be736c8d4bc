/* SPDX-License-Identifier: Apache-2.0 */
/* api_json.h - what bodies of the server API need beyond the tokens of
 * json_scan.h, whose rules hold here too. */
#ifndef PL_API_JSON_H
#define PL_API_JSON_H

#include "json_scan.h"

/* Take white space up to the end of the text. */
bool pl_json_at_end(struct pl_json *j);

/* Take the brace that opens an object. */
bool pl_json_open_object(struct pl_json *j);

/* Take a value of any kind, as it is written. */
bool pl_json_raw(struct pl_json *j, struct pl_span *out);

/* Step to the next element of an array whose bracket was taken.  False too at
 * its end, which is taken; `err` is PL_OK then.  *first is true before the
 * first call. */
bool pl_json_element(struct pl_json *j, bool *first);

#endif
