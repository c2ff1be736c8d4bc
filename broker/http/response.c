/* SPDX-License-Identifier: Apache-2.0 */
/* response.c - see response.h.
 *
 * Like head.c, each call parses from the start and keeps nothing.
 * loop_handle.c has the rules that requests and responses share.
 *
 * Two things are tolerated, because they have one meaning only: a status
 * without the blank and the reason phrase after it, and any reason phrase.
 *
 * Rejected: an excerpt of the body of a refusal, because it would depend on
 * which bytes have arrived; a Retry-After with a date, because a codec has no
 * clock.
 *
 * Invariant: *out is written only for a valid final response. */
#include "response.h"

#include "http.h"
#include "head_line.h"

enum { STATUS_AT = 9, STATUS_LEN = 3, SWITCHING = 101, FINAL = 200 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Refuse whatever does not begin as HTTP at its first wrong byte: the server
 * may speak another protocol and never end a line. */
static enum pl_err check_start(void *arg, struct pl_span line,
                               struct pl_http_error *error)
{
    static const char start[] = "HTTP/";
    size_t len = line.len < sizeof start - 1 ? line.len : sizeof start - 1;

    (void)arg;
    if (len > 0 && memcmp(line.at, start, len) != 0)
        return pl_http_refuse(error, 0, "this is not an HTTP response");
    return PL_OK;
}

/* Parse "HTTP/1.1 101 Switching Protocols". */
static enum pl_err read_status(struct pl_span line,
                               struct pl_http_response *out,
                               struct pl_http_error *error)
{
    const char *at = line.at;
    size_t skip = STATUS_AT + STATUS_LEN;

    if (line.len < skip || !is_digit(at[5]) || at[6] != '.' ||
        !is_digit(at[7]) || at[8] != ' ' || !is_digit(at[9]) ||
        !is_digit(at[10]) || !is_digit(at[11]) || at[STATUS_AT] == '0' ||
        (line.len > skip && at[skip] != ' '))
        return pl_http_refuse(error, 0, "the status line is malformed");
    if (at[5] != '1')
        return pl_http_refuse(error, 0, "the response is not HTTP/1");
    skip += line.len > skip;
    out->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    out->is_old = at[7] == '0';
    out->reason = (struct pl_span){at + skip, line.len - skip};
    return PL_OK;
}

static enum pl_err read_fields(struct pl_span *rest,
                               struct pl_http_response *out,
                               struct pl_http_error *error)
{
    struct pl_span line, name, value;
    size_t fields = 0;

    out->lines = *rest;
    for (;;) {
        enum pl_err err = pl_http_line_next(rest, NULL, NULL, &line, error);

        if (err != PL_OK)
            return err;
        if (line.len == 0) {
            out->lines.len = (size_t)(line.at - out->lines.at);
            return PL_OK;
        }
        if (++fields > PL_HTTP_FIELDS_MAX)
            return pl_http_refuse(error, 0, "too many header fields");
        if (!pl_http_line_split(line, &name, &value))
            return pl_http_refuse(error, 0, "a header line is malformed");
    }
}

static enum pl_err read_head(struct pl_span *rest, struct pl_http_response *out,
                             struct pl_http_error *error)
{
    struct pl_span line;
    enum pl_err err = pl_http_line_next(rest, check_start, NULL, &line, error);

    if (err == PL_OK)
        err = read_status(line, out, error);
    return err == PL_OK ? read_fields(rest, out, error) : err;
}

static enum pl_err read_final(struct pl_span *rest,
                              struct pl_http_response *out,
                              struct pl_http_error *error)
{
    for (int i = 0; i <= PL_HTTP_INTERIM_MAX; i++) {
        enum pl_err err = read_head(rest, out, error);

        if (err != PL_OK || out->status >= FINAL || out->status == SWITCHING)
            return err;
    }
    return pl_http_refuse(error, 0, "too many interim responses");
}

enum pl_err pl_http_response_read(struct pl_span in,
                                  struct pl_http_response *out, size_t *taken,
                                  struct pl_http_failure *why)
{
    struct pl_http_response r = {0};
    struct pl_http_error error;
    struct pl_span rest = in;

    if (rest.len > PL_HTTP_HEAD_MAX)
        rest.len = PL_HTTP_HEAD_MAX;
    enum pl_err err = read_final(&rest, &r, &error);
    if (err == PL_EAGAIN && in.len >= PL_HTTP_HEAD_MAX)
        err = pl_http_refuse(&error, 0, "the response head is too long");
    if (err == PL_EBADMSG)
        *why = (struct pl_http_failure){.text = error.text};
    if (err != PL_OK)
        return err;
    *out = r;
    *taken = (size_t)(rest.at - in.at);
    return PL_OK;
}

size_t pl_http_response_find(const struct pl_http_response *r,
                             struct pl_span name, struct pl_span *value)
{
    struct pl_span lines = r->lines, field, text;
    size_t count = 0;

    *value = (struct pl_span){NULL, 0};
    while (pl_http_field_next(&lines, &field, &text))
        if (pl_http_equal(field, name) && count++ == 0)
            *value = text;
    return count;
}

/* Return the seconds of a Retry-After; 0 for a date. */
static uint32_t read_seconds(struct pl_span value)
{
    enum { DIGITS_MAX = 9 };
    uint32_t seconds = 0;

    if (value.len > DIGITS_MAX)
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i]))
            return 0;
        seconds = seconds * 10 + (uint32_t)(value.at[i] - '0');
    }
    return seconds;
}

static struct pl_span excerpt(struct pl_span reason)
{
    size_t len = 0;

    while (len < reason.len && len < PL_HTTP_EXCERPT_MAX &&
           reason.at[len] >= ' ' && reason.at[len] <= '~')
        len++;
    return (struct pl_span){reason.at, len};
}

enum pl_err pl_http_response_deny(const struct pl_http_response *r,
                                  const char *text, struct pl_http_failure *why)
{
    struct pl_span after;

    pl_http_response_find(r, PL_SPAN("retry-after"), &after);
    *why = (struct pl_http_failure){.text = text,
                                    .what = excerpt(r->reason),
                                    .status = r->status,
                                    .retry_after_s = read_seconds(after)};
    return PL_EDENIED;
}
