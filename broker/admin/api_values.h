/* SPDX-License-Identifier: Apache-2.0 */
/* api_values.h - members of server API requests that are lists or objects, and
 * what reading any member needs.
 *
 * Each function takes one value and returns false with the error in `j`. */
#ifndef PL_API_VALUES_H
#define PL_API_VALUES_H

#include "api_request.h"
#include "json_scan.h"

/* Take a text, or null: absent. */
bool pl_api_text(struct pl_json *j, struct pl_span *out);

/* Fail for lack of memory. */
bool pl_api_no_memory(struct pl_json *j);

/* Take a text of base64, or null: set *out to its bytes, absent if it is empty,
 * and *is_json to whether they are one JSON value. */
bool pl_api_base64(struct pl_json *j, struct pl_span *out, bool *is_json);

/* {"presence": {"value": false}}: how a subscription differs from the rules of
 * its channel. */
bool pl_api_on_override(struct pl_json *j, struct pl_api_request *r);

/* {"key": "value"}: texts without zero bytes, each key once. */
bool pl_api_on_tags(struct pl_json *j, struct pl_api_request *r);

/* ["client id"] */
bool pl_api_on_users(struct pl_json *j, struct pl_api_request *r);
bool pl_api_on_whitelist(struct pl_json *j, struct pl_api_request *r);

/* {"code": 3000, "reason": "text"} */
bool pl_api_on_disconnect(struct pl_json *j, struct pl_api_request *r);

/* {"offset": 1, "epoch": "text"} */
bool pl_api_on_since(struct pl_json *j, struct pl_api_request *r);

/* ["channel"] */
bool pl_api_on_channels(struct pl_json *j, struct pl_api_request *r);

#endif
