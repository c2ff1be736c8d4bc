/* SPDX-License-Identifier: Apache-2.0 */
/* ws_headers.c - the headers of the opening handshake that the judge of the
 * connect sees.
 *
 * Only headers that connect.headers names are kept, and only while a judge is
 * there.  A whole head has at most PL_HTTP_HEAD_MAX bytes, so nothing is cut
 * off: a judge must not decide by half a value.  Fields of one name form one
 * list, as RFC 9110 section 5.3 allows. */
#include "ws_private.h"

#include "buf.h"
#include "head.h"
#include "http.h"
#include "session_settings.h"

/* Append the values of all fields `name`.  Return their number. */
static unsigned put_values(struct pl_buf *b, struct pl_span name,
                           struct pl_span lines)
{
    struct pl_span field, value;
    unsigned count = 0;

    while (pl_http_field_next(&lines, &field, &value)) {
        if (!pl_http_equal(field, name))
            continue;
        if (count++ > 0)
            pl_buf_put_span(b, PL_SPAN(", "));
        pl_buf_put_span(b, value);
    }
    return count;
}

static void put_header(struct pl_buf *b, struct pl_span name,
                       struct pl_span lines)
{
    size_t begin = b->len;

    pl_buf_put_span(b, name);
    pl_buf_put_byte(b, '\0');
    if (put_values(b, name, lines) > 0)
        pl_buf_put_byte(b, '\0');
    else
        b->len = begin; /* the request does not have it */
}

bool pl_ws_link_keep_headers(struct pl_session *s, struct pl_span lines)
{
    const struct pl_config_strings *names =
        &pl_session_config(s)->connect.headers;
    struct pl_buf b = {0};

    if (!pl_session_wants_headers(s))
        return true;
    for (size_t i = 0; i < names->count; i++)
        put_header(&b, pl_span_of(names->at[i]), lines);
    bool is_kept = !b.failed &&
                   (b.len == 0 || pl_session_keep_headers(s, pl_buf_span(&b)));
    pl_buf_fini(&b);
    return is_kept;
}
