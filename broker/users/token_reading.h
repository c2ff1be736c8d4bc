/* SPDX-License-Identifier: Apache-2.0 */
/* token_reading.h - the claims of a token while they are read; shared by the
 * files that read them. */
#ifndef PL_TOKEN_READING_H
#define PL_TOKEN_READING_H

#include <jansson.h>

#include "token.h"

struct pl_token_reading {
    json_t *payload; /* owned; an object */
    struct pl_token_claims *claims;
    const char *why; /* of an error, for the log */
};

/* Return `err`, with the reason `why`. */
enum pl_err pl_token_refuse(struct pl_token_reading *r, enum pl_err err,
                            const char *why);

struct pl_span pl_token_text(const json_t *string);

/* Read a NumericDate of RFC 7519: seconds, optionally with a fraction. */
bool pl_token_date(const json_t *value, int64_t *out);

/* Copy `text` into the claims.  Errors: PL_ENOMEM. */
enum pl_err pl_token_keep(struct pl_token_reading *r, struct pl_span text,
                          struct pl_span *out);

/* Set *out to the JSON in member `plain` of `from`, or, if `from` has it, in
 * `encoded`, in base64.  Absent if it has neither, or only nulls.
 * Errors: PL_EBADMSG, PL_ENOMEM. */
enum pl_err pl_token_json(struct pl_token_reading *r, const json_t *from,
                          const char *plain, const char *encoded,
                          struct pl_span *out);

/* Read `channels` and `subs` of a connection token, or `channel` and what
 * belongs to it of a subscription token.
 * Errors: PL_EBADMSG, PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_token_read_subs(struct pl_token_reading *r);
enum pl_err pl_token_read_channel(struct pl_token_reading *r);

#endif
