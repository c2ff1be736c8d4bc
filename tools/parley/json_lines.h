/* SPDX-License-Identifier: Apache-2.0 */
/* json_lines.h - JSON in the form of the client protocol, for one line. */
#ifndef PL_TOOL_JSON_LINES_H
#define PL_TOOL_JSON_LINES_H

#include "buf.h"
#include "parley_client.h"

/* Append a JSON string. */
void put_string(struct pl_buf *b, struct pl_span text);

/* Append `before`, then "name":"text". */
void put_member(struct pl_buf *b, const char *before, const char *name,
                const char *text);

/* Append `before`, then "name": and the data; or as base64 under "b64" and the
 * name, if it is not JSON. */
void put_data(struct pl_buf *b, const char *before, const char *name,
              struct plc_bytes data);

/* Append `before`, then the data in base64, as a JSON string. */
void put_base64(struct pl_buf *b, const char *before, struct plc_bytes data);

/* {"data":...,"info":{...},"offset":1} */
void put_publication(struct pl_buf *b, const struct plc_publication *p);

/* {"user":"...","client":"..."} */
void put_info(struct pl_buf *b, const struct plc_info *info);

/* Whether all of `data` is one JSON value; if not, *why and *at say where it
 * ends to be one, unless they are NULL.  Line ends in it may become blanks. */
bool is_json(struct pl_span data, const char **why, size_t *at);

#endif
