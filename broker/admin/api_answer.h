/* SPDX-License-Identifier: Apache-2.0 */
/* api_answer.h - results of server API requests as JSON. */
#ifndef PL_API_ANSWER_H
#define PL_API_ANSWER_H

#include "buf.h"
#include "status.h"

struct pl_list_mail;
struct pl_publish_mail;
struct pl_query_mail;

/* Each function appends one JSON object to `b`. */

/* If `message` is empty, write the text of the code. */
void pl_api_write_error(struct pl_buf *b, uint32_t code,
                        struct pl_span message);
void pl_api_write_published(struct pl_buf *b, const struct pl_publish_mail *m);
void pl_api_write_queried(struct pl_buf *b, const struct pl_query_mail *m);
void pl_api_write_info(struct pl_buf *b, const struct pl_status *s);

/* Append the channels of one owner as members of an object.  *first: no member
 * was written yet. */
void pl_api_write_listed(struct pl_buf *b, const struct pl_list_mail *m,
                         bool *first);

#endif
