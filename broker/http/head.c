/* SPDX-License-Identifier: Apache-2.0 */
/* head.c - see head.h.
 *
 * Each call parses the head again from its start and stops where the bytes end,
 * so the result does not depend on how the network split the request.  A head
 * is at most 16 KiB and is searched with memchr() and vectors, so even a head
 * that arrives byte by byte costs less than the system calls that read it.
 *
 * Checks follow the order of the bytes: all that an unfinished last line
 * already shows is checked, and a finished one gets the same tests first.
 * Checks that depend on several fields follow after the last field.
 *
 * Rejected: a resumable state machine, because it needs memory in each new
 * connection and a second grammar to keep correct.
 *
 * Invariant: *out is written only for a valid head. */
#include "head.h"

#include "host.h"
#include "http.h"
#include "head_line.h"

enum { METHOD_MAX = 16, DIGITS_MAX = 18 };

/* The state of a head that is being read. */
struct reading {
    const struct pl_http_rules *rules;
    struct pl_http_head head;
    struct pl_span target;
    struct pl_span authority; /* of a target in absolute form; or absent */
    struct pl_span host;      /* absent: no Host yet */
    size_t fields;
};

enum pl_err pl_http_refuse(struct pl_http_error *error, int status,
                           const char *text)
{
    *error = (struct pl_http_error){.status = status, .text = text};
    return PL_EBADMSG;
}

enum pl_err pl_http_check_method(void *arg, struct pl_span method,
                                 struct pl_http_error *error)
{
    static const char *const known[] = {"GET", "HEAD",   "POST", "OPTIONS",
                                        "PUT", "DELETE", "PATCH"};

    (void)arg;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (pl_span_equal(method, pl_span_of(known[i])))
            return PL_OK;
    return pl_http_refuse(error, 501, "the method is not known here");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Check the method as far as it has arrived.  The rules get the whole method
 * only, because the response to HEAD has no body. */
static enum pl_err check_method(void *reading, struct pl_span line,
                                struct pl_http_error *error)
{
    struct reading *r = reading;
    struct pl_span method = {line.at, 0};

    while (method.len < line.len && pl_http_is_tchar(line.at[method.len]))
        method.len++;
    if (method.len > METHOD_MAX)
        return pl_http_refuse(error, 501, "the method is not known here");
    if (method.len == line.len)
        return PL_OK;
    if (method.len == 0 || line.at[method.len] != ' ')
        return pl_http_refuse(error, 400, "this is not an HTTP request");
    r->head.method = method;
    if (r->rules->method == NULL)
        return PL_OK;
    return r->rules->method(r->rules->arg, method, error);
}

/* Split "http://host/path": the path stays in r->target.  RFC 9112 section
 * 3.2.2 requires servers to accept this form, and RFC 6455 allows it. */
static bool split_absolute(struct reading *r)
{
    const char *at = memmem(r->target.at, r->target.len, "://", 3);
    const char *end = r->target.at + r->target.len;

    if (at == NULL)
        return false;
    struct pl_span scheme = {r->target.at, (size_t)(at - r->target.at)};
    if (!pl_http_equal(scheme, PL_SPAN("http")) &&
        !pl_http_equal(scheme, PL_SPAN("https")) &&
        !pl_http_equal(scheme, PL_SPAN("ws")) &&
        !pl_http_equal(scheme, PL_SPAN("wss")))
        return false;
    const char *path = at += 3;
    while (path < end && *path != '/' && *path != '?')
        path++;
    r->authority = (struct pl_span){at, (size_t)(path - at)};
    r->target = (struct pl_span){path, (size_t)(end - path)};
    return true;
}

static bool read_target(struct reading *r)
{
    if (!pl_http_is_target(r->target))
        return false;
    if (*r->target.at == '/')
        return true;
    if (pl_span_equal(r->target, PL_SPAN("*")))
        return pl_span_equal(r->head.method, PL_SPAN("OPTIONS"));
    return split_absolute(r);
}

/* A later minor version is parsed as HTTP/1.1 (RFC 9110 section 2.5). */
static enum pl_err check_version(struct reading *r, struct pl_span version,
                                 struct pl_http_error *error)
{
    if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0 ||
        !is_digit(version.at[5]) || version.at[6] != '.' ||
        !is_digit(version.at[7]))
        return pl_http_refuse(error, 400, "the request line is malformed");
    r->head.is_old = version.at[7] == '0';
    if (version.at[5] == '1' && (!r->head.is_old || r->rules->takes_old))
        return PL_OK;
    return pl_http_refuse(error, 505, "only HTTP/1.1 is served here");
}

/* Parse "METHOD target HTTP/1.1".  The method was checked, if the line has a
 * blank. */
static enum pl_err read_request_line(struct reading *r, struct pl_span line,
                                     struct pl_http_error *error)
{
    size_t skip = r->head.method.len + 1;

    if (r->head.method.at == NULL)
        return pl_http_refuse(error, 400, "the request line is malformed");
    const char *at = line.at + skip;
    const char *space = memchr(at, ' ', line.len - skip);
    if (space == NULL)
        return pl_http_refuse(error, 400, "the request line is malformed");
    struct pl_span version = {space + 1,
                              line.len - (size_t)(space + 1 - line.at)};
    r->target = (struct pl_span){at, (size_t)(space - at)};
    if (!read_target(r))
        return pl_http_refuse(error, 400, "the request target is malformed");
    return check_version(r, version, error);
}

bool pl_http_field_next(struct pl_span *lines, struct pl_span *name,
                        struct pl_span *value)
{
    const char *end =
        lines->len == 0 ? NULL : memchr(lines->at, '\n', lines->len);

    if (end == NULL)
        return false;
    struct pl_span line = {lines->at, (size_t)(end - lines->at) - 1};
    lines->len -= line.len + 2;
    lines->at = end + 1;
    return pl_http_line_split(line, name, value);
}

struct pl_span pl_http_field_find(struct pl_span lines, struct pl_span wanted)
{
    struct pl_span name, value, found = {0};

    while (pl_http_field_next(&lines, &name, &value)) {
        if (!pl_http_equal(name, wanted))
            continue;
        if (found.at != NULL)
            return PL_SPAN("");
        found = value;
    }
    return found;
}

/* --- Fields that define the end of the request and its host --- */

static enum pl_err read_host(struct reading *r, struct pl_span value,
                             struct pl_http_error *error)
{
    if (r->host.at != NULL)
        return pl_http_refuse(error, 400, "Host is given twice");
    r->host = value;
    return PL_OK;
}

static enum pl_err read_length(struct reading *r, struct pl_span value,
                               struct pl_http_error *error)
{
    struct pl_span digits = value;
    uint64_t length = 0;

    if (r->head.has_length)
        return pl_http_refuse(error, 400, "Content-Length is given twice");
    for (size_t i = 0; i < value.len; i++)
        if (!is_digit(value.at[i]))
            digits.len = 0;
    if (digits.len == 0)
        return pl_http_refuse(error, 400, "the Content-Length is malformed");
    while (digits.len > 0 && *digits.at == '0') {
        digits.at++;
        digits.len--;
    }
    for (size_t i = 0; i < digits.len && i < DIGITS_MAX; i++)
        length = length * 10 + (uint64_t)(digits.at[i] - '0');
    r->head.has_length = true;
    r->head.length = digits.len > DIGITS_MAX ? UINT64_MAX : length;
    return PL_OK;
}

static enum pl_err read_coding(struct reading *r, struct pl_span value,
                               struct pl_http_error *error)
{
    if (r->head.is_chunked)
        return pl_http_refuse(error, 400, "Transfer-Encoding is given twice");
    if (r->head.is_old)
        return pl_http_refuse(error, 400, "a Transfer-Encoding in HTTP/1.0");
    if (value.len == 0)
        return pl_http_refuse(error, 400, "the Transfer-Encoding is empty");
    if (!pl_http_equal(value, PL_SPAN("chunked")))
        return pl_http_refuse(error, 501,
                              "the Transfer-Encoding is not known here");
    r->head.is_chunked = true;
    return PL_OK;
}

static enum pl_err read_connection(struct reading *r, struct pl_span value,
                                   struct pl_http_error *error)
{
    struct pl_span item;

    (void)error;
    while (pl_http_list_next(&value, &item))
        r->head.is_last |= pl_http_equal(item, PL_SPAN("close"));
    return PL_OK;
}

/* RFC 9110 section 10.1.1: in HTTP/1.0 an expectation is ignored. */
static enum pl_err read_expect(struct reading *r, struct pl_span value,
                               struct pl_http_error *error)
{
    if (r->head.is_old)
        return PL_OK;
    if (!pl_http_equal(value, PL_SPAN("100-continue")))
        return pl_http_refuse(error, 417, "this cannot be expected here");
    r->head.wants_100 = true;
    return PL_OK;
}

#define NAME(literal)                                                          \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }
static const struct {
    struct pl_span name;
    enum pl_err (*read)(struct reading *r, struct pl_span value,
                        struct pl_http_error *error);
} framing[] = {
    {NAME("host"), read_host},
    {NAME("content-length"), read_length},
    {NAME("transfer-encoding"), read_coding},
    {NAME("connection"), read_connection},
    {NAME("expect"), read_expect},
};

static enum pl_err read_field(struct reading *r, struct pl_span line,
                              struct pl_http_error *error)
{
    struct pl_span name, value;
    enum pl_err err = PL_OK;

    if (++r->fields > PL_HTTP_FIELDS_MAX)
        return pl_http_refuse(error, 431, "too many header fields");
    if (!pl_http_line_split(line, &name, &value))
        return pl_http_refuse(error, 400, "a header line is malformed");
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        if (err == PL_OK && pl_http_equal(name, framing[i].name))
            err = framing[i].read(r, value, error);
    if (err != PL_OK || r->rules->field == NULL)
        return err;
    return r->rules->field(r->rules->arg, name, value, error);
}

/* The checks that need the whole head. */
static enum pl_err check_head(const struct reading *r,
                              struct pl_http_error *error)
{
    struct pl_span name, port;

    if (r->host.at == NULL ? !r->head.is_old
                           : !pl_host_split(r->host, &name, &port))
        return pl_http_refuse(error, 400, "one Host is needed");
    if (r->authority.at != NULL && !pl_host_split(r->authority, &name, &port))
        return pl_http_refuse(error, 400, "the request target is malformed");
    if (r->head.has_length && r->head.is_chunked)
        return pl_http_refuse(error, 400,
                              "both Content-Length and Transfer-Encoding");
    return PL_OK;
}

/* Parse the whole head.  On PL_OK `rest` is what follows it.  One empty line
 * before it is ignored (RFC 9112 section 2.2). */
static enum pl_err read_head(struct reading *r, struct pl_span *rest,
                             struct pl_http_error *error)
{
    struct pl_span line;
    enum pl_err err = pl_http_line_next(rest, check_method, r, &line, error);

    if (err == PL_OK && line.len == 0)
        err = pl_http_line_next(rest, check_method, r, &line, error);
    if (err == PL_OK)
        err = read_request_line(r, line, error);
    r->head.lines = *rest;
    while (err == PL_OK) {
        err = pl_http_line_next(rest, NULL, NULL, &line, error);
        if (err == PL_OK && line.len == 0) {
            r->head.lines.len = (size_t)(line.at - r->head.lines.at);
            return check_head(r, error);
        }
        if (err == PL_OK)
            err = read_field(r, line, error);
    }
    return err;
}

static void publish(const struct reading *r, struct pl_http_head *out)
{
    const char *query =
        r->target.len == 0 ? NULL : memchr(r->target.at, '?', r->target.len);

    *out = r->head;
    out->path = r->target;
    if (query != NULL) {
        out->path.len = (size_t)(query - r->target.at);
        out->query =
            (struct pl_span){query + 1, r->target.len - out->path.len - 1};
    }
    if (out->path.len == 0)
        out->path = PL_SPAN("/");
    out->host = r->authority.at != NULL ? r->authority : r->host;
    out->is_last |= r->head.is_old;
}

enum pl_err pl_http_head_read(struct pl_span in,
                              const struct pl_http_rules *rules,
                              struct pl_http_head *out, size_t *taken,
                              struct pl_http_error *error)
{
    struct reading r = {.rules = rules};
    struct pl_span rest = in;

    if (rest.len > PL_HTTP_HEAD_MAX)
        rest.len = PL_HTTP_HEAD_MAX;
    enum pl_err err = read_head(&r, &rest, error);
    if (err == PL_EAGAIN && in.len >= PL_HTTP_HEAD_MAX)
        err = pl_http_refuse(error, 431, "the request head is too long");
    if (err == PL_EBADMSG)
        error->is_head = pl_span_equal(r.head.method, PL_SPAN("HEAD"));
    if (err != PL_OK)
        return err;
    publish(&r, out);
    *taken = (size_t)(rest.at - in.at);
    return PL_OK;
}
