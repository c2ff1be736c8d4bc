/* SPDX-License-Identifier: Apache-2.0 */
/* head_line.c - see head_line.h.
 *
 * What a line shows before its end arrives is checked at once, and a finished
 * line gets the same checks first.  So the verdict does not depend on how the
 * bytes are split.
 *
 * Invariant: a line that is returned has no control character but tabs, and at
 * most PL_HTTP_LINE_MAX bytes. */
#include "head_line.h"

#include "http.h"

/* Check what the bytes of a line show before its end arrives. */
static enum pl_err check_bytes(struct pl_span line, pl_http_first_line *first,
                               void *arg, struct pl_http_error *error)
{
    if (first != NULL) {
        enum pl_err err = first(arg, line, error);

        if (err != PL_OK)
            return err;
    } else if (line.len > 0 && (*line.at == ' ' || *line.at == '\t')) {
        return pl_http_refuse(error, 400, "a header line is folded");
    }
    struct pl_span seen = line;
    if (seen.len > PL_HTTP_LINE_MAX)
        seen.len = PL_HTTP_LINE_MAX;
    if (pl_http_has_control(seen))
        return pl_http_refuse(error, 400, "a control character in the head");
    if (line.len > PL_HTTP_LINE_MAX)
        return pl_http_refuse(error, first != NULL ? 414 : 431,
                              "a line of the head is too long");
    return PL_OK;
}

enum pl_err pl_http_line_next(struct pl_span *rest, pl_http_first_line *first,
                              void *arg, struct pl_span *line,
                              struct pl_http_error *error)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    struct pl_span text = {rest->at, rest->len};

    if (end != NULL)
        text.len = (size_t)(end - rest->at);
    bool cr = text.len > 0 && text.at[text.len - 1] == '\r';
    text.len -= cr;
    enum pl_err err = check_bytes(text, first, arg, error);
    if (err != PL_OK)
        return err;
    if (end == NULL)
        return PL_EAGAIN;
    if (!cr)
        return pl_http_refuse(error, 400, "a line does not end in CR LF");
    rest->len -= (size_t)(end + 1 - rest->at);
    rest->at = end + 1;
    *line = text;
    return PL_OK;
}

bool pl_http_line_split(struct pl_span line, struct pl_span *name,
                        struct pl_span *value)
{
    const char *colon = memchr(line.at, ':', line.len);

    if (colon == NULL)
        return false;
    *name = (struct pl_span){line.at, (size_t)(colon - line.at)};
    *value =
        pl_http_trim((struct pl_span){colon + 1, line.len - name->len - 1});
    return pl_http_is_token(*name);
}
