/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.c - see handshake.h.
 *
 * Nothing is kept between calls: each call reads the head again from its
 * beginning and stops where the bytes end.  That is what makes the answer
 * independent of how the network cut the request, and since a head is at most
 * 16 KiB and is searched with memchr() and vectors, even a head that arrives
 * byte by byte costs less than the system calls that bring it.  Rejected: a
 * resumable state machine, which is memory in every new connection and a
 * second grammar to keep right.
 *
 * Checks go in the order of the bytes: the unfinished last line is checked
 * for all that its bytes can already show, a finished one with the same tests
 * first.  What depends on several fields is checked behind the last.
 *
 * Invariant: *out is written only for a request that is right in every point,
 * and only by publish(). */
#include "handshake.h"

#include "host.h"
#include "http.h"

enum { METHOD_MAX = 16 }; /* bytes; longer than all that are known */

enum field {
    HOST,
    UPGRADE,
    CONNECTION,
    KEY,
    VERSION,
    PROTOCOLS,
    EXTENSIONS,
    ORIGIN,
    FORWARDED,
    FORWARDED_FOR,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    FIELD_COUNT
};

enum kind {
    ONCE,   /* a second one is an error */
    JOINED, /* several are one list, handed on */
    TOKENS  /* several are one list, looked through here */
};

#define NAME(literal)                                                          \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }
static const struct {
    struct pl_span name;
    enum kind kind;
} fields[FIELD_COUNT] = {
    [HOST] = {NAME("host"), ONCE},
    [UPGRADE] = {NAME("upgrade"), TOKENS},
    [CONNECTION] = {NAME("connection"), TOKENS},
    [KEY] = {NAME("sec-websocket-key"), ONCE},
    [VERSION] = {NAME("sec-websocket-version"), ONCE},
    [PROTOCOLS] = {NAME("sec-websocket-protocol"), JOINED},
    [EXTENSIONS] = {NAME("sec-websocket-extensions"), JOINED},
    [ORIGIN] = {NAME("origin"), ONCE},
    [FORWARDED] = {NAME("forwarded"), JOINED},
    [FORWARDED_FOR] = {NAME("x-forwarded-for"), JOINED},
    [CONTENT_LENGTH] = {NAME("content-length"), ONCE},
    [TRANSFER_ENCODING] = {NAME("transfer-encoding"), TOKENS},
};

/* What is known of a head that is being read. */
struct head {
    struct pl_span target;
    struct pl_span authority; /* of a target in absolute form; absent */
    struct pl_span lines;     /* all field lines, with their ends */
    struct pl_span value[FIELD_COUNT]; /* the first one's */
    size_t count[FIELD_COUNT];
    size_t all;    /* fields, known or not */
    size_t joined; /* bytes needed to join those that came several times */
    bool to_websocket;
    bool connection_upgrade;
};

static enum pl_err refuse(struct pl_handshake_error *error, int status,
                          const char *text)
{
    *error = (struct pl_handshake_error){.status = status, .text = text};
    return PL_EBADMSG;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Methods of RFC 9110 and 5789 that are known and not served: 405; all others
 * are 501, which is what section 9.1 asks for. */
static bool is_known_method(struct pl_span method)
{
    static const char *const known[] = {"POST", "PUT",   "DELETE", "CONNECT",
                                        "HEAD", "TRACE", "PATCH",  "OPTIONS"};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (pl_span_equal(method, pl_span_of(known[i])))
            return true;
    return false;
}

/* Check the method as far as it is here.  All of another one is awaited, since
 * the answer to HEAD has no body. */
static enum pl_err check_method(struct pl_span line,
                                struct pl_handshake_error *error)
{
    struct pl_span method = {line.at, 0};

    while (method.len < line.len && pl_http_is_tchar(line.at[method.len]))
        method.len++;
    if (method.len > METHOD_MAX)
        return refuse(error, 501, "the method is not known here");
    if (method.len == line.len)
        return PL_OK;
    if (method.len == 0 || line.at[method.len] != ' ')
        return refuse(error, 400, "this is not an HTTP request");
    if (pl_span_equal(method, PL_SPAN("GET")))
        return PL_OK;
    if (!is_known_method(method))
        return refuse(error, 501, "the method is not known here");
    refuse(error, 405, "only GET is served here");
    error->is_head = pl_span_equal(method, PL_SPAN("HEAD"));
    return PL_EBADMSG;
}

/* Check what a line's bytes show before its end is here. */
static enum pl_err check_bytes(struct pl_span line, bool first,
                               struct pl_handshake_error *error)
{
    if (first) {
        enum pl_err err = check_method(line, error);

        if (err != PL_OK)
            return err;
    } else if (line.len > 0 && (*line.at == ' ' || *line.at == '\t')) {
        return refuse(error, 400, "a header line is folded");
    }
    struct pl_span seen = line;
    if (seen.len > PL_HANDSHAKE_LINE_MAX)
        seen.len = PL_HANDSHAKE_LINE_MAX;
    if (pl_http_has_control(seen))
        return refuse(error, 400, "a control character in the request");
    if (line.len > PL_HANDSHAKE_LINE_MAX)
        return refuse(error, first ? 414 : 431,
                      "a line of the request is too long");
    return PL_OK;
}

/* Take the next line, without its CR LF, from the front of `rest`.
 * Errors: PL_EAGAIN: its end is not here; PL_EBADMSG. */
static enum pl_err next_line(struct pl_span *rest, bool first,
                             struct pl_span *line,
                             struct pl_handshake_error *error)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    struct pl_span text = {rest->at, rest->len};

    if (end != NULL)
        text.len = (size_t)(end - rest->at);
    bool cr = text.len > 0 && text.at[text.len - 1] == '\r';
    text.len -= cr;
    enum pl_err err = check_bytes(text, first, error);
    if (err != PL_OK)
        return err;
    if (end == NULL)
        return PL_EAGAIN;
    if (!cr)
        return refuse(error, 400, "a line does not end in CR LF");
    rest->len -= (size_t)(end + 1 - rest->at);
    rest->at = end + 1;
    *line = text;
    return PL_OK;
}

static bool is_target(struct pl_span target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.at[i] <= ' ' || target.at[i] > '~' || target.at[i] == '#')
            return false;
    return target.len > 0;
}

/* Split "http://host/path": the path stays in h->target.  RFC 9112 section
 * 3.2.2 asks servers to take this form, and RFC 6455 allows it. */
static bool split_absolute(struct head *h)
{
    const char *at = memmem(h->target.at, h->target.len, "://", 3);
    const char *end = h->target.at + h->target.len;

    if (at == NULL)
        return false;
    struct pl_span scheme = {h->target.at, (size_t)(at - h->target.at)};
    if (!pl_http_equal(scheme, PL_SPAN("http")) &&
        !pl_http_equal(scheme, PL_SPAN("https")) &&
        !pl_http_equal(scheme, PL_SPAN("ws")) &&
        !pl_http_equal(scheme, PL_SPAN("wss")))
        return false;
    const char *path = at += 3;
    while (path < end && *path != '/' && *path != '?')
        path++;
    h->authority = (struct pl_span){at, (size_t)(path - at)};
    h->target = (struct pl_span){path, (size_t)(end - path)};
    return true;
}

/* A later minor version is read as HTTP/1.1, RFC 9110 section 2.5. */
static enum pl_err check_version(struct pl_span version,
                                 struct pl_handshake_error *error)
{
    if (version.len != 8 || memcmp(version.at, "HTTP/", 5) != 0 ||
        !is_digit(version.at[5]) || version.at[6] != '.' ||
        !is_digit(version.at[7]))
        return refuse(error, 400, "the request line is malformed");
    if (version.at[5] == '1' && version.at[7] != '0')
        return PL_OK;
    return refuse(error, 505, "only HTTP/1.1 is served here");
}

/* "GET target HTTP/1.1"; the method was checked. */
static enum pl_err read_request_line(struct head *h, struct pl_span line,
                                     struct pl_handshake_error *error)
{
    const size_t skip = 4; /* "GET " */

    if (line.len < skip)
        return refuse(error, 400, "the request line is malformed");
    const char *at = line.at + skip;
    const char *space = memchr(at, ' ', line.len - skip);
    if (space == NULL)
        return refuse(error, 400, "the request line is malformed");
    struct pl_span version = {space + 1,
                              line.len - (size_t)(space + 1 - line.at)};
    h->target = (struct pl_span){at, (size_t)(space - at)};
    if (!is_target(h->target) || (*h->target.at != '/' && !split_absolute(h)))
        return refuse(error, 400, "the request target is malformed");
    return check_version(version, error);
}

static enum field find_field(struct pl_span name)
{
    unsigned f = 0;

    while (f < FIELD_COUNT && !pl_http_equal(name, fields[f].name))
        f++;
    return (enum field)f;
}

static bool has_token(struct pl_span list, struct pl_span token)
{
    struct pl_span item;

    while (pl_http_list_next(&list, &item))
        if (pl_http_equal(item, token))
            return true;
    return false;
}

/* Split a field line into name and value. */
static bool split_field(struct pl_span line, struct pl_span *name,
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

/* RFC 6455 section 9.1: extensions that do not conform to the grammar fail the
 * connection; section 4.2.1: so does whatever else does not.  A list without
 * elements counts as absent: the official Python SDK sends an empty
 * Sec-WebSocket-Protocol with every JSON connection. */
static enum pl_err check_list(enum field f, struct pl_span value,
                              struct pl_handshake_error *error)
{
    if (f == PROTOCOLS && !pl_http_is_set(value))
        return refuse(error, 400, "Sec-WebSocket-Protocol is malformed");
    if (f == EXTENSIONS && !pl_http_is_extensions(value))
        return refuse(error, 400, "Sec-WebSocket-Extensions is malformed");
    return PL_OK;
}

/* Note a field that matters here. */
static enum pl_err note_field(struct head *h, enum field f,
                              struct pl_span value,
                              struct pl_handshake_error *error)
{
    if (h->count[f]++ == 0)
        h->value[f] = value;
    else if (fields[f].kind == ONCE)
        return refuse(error, 400, "a header field is given twice");
    if (f == UPGRADE)
        h->to_websocket |= has_token(value, PL_SPAN("websocket"));
    if (f == CONNECTION)
        h->connection_upgrade |= has_token(value, PL_SPAN("upgrade"));
    enum pl_err err = check_list(f, value, error);
    if (err != PL_OK || fields[f].kind != JOINED || h->count[f] == 1)
        return err;
    h->joined += value.len + 2 + (h->count[f] == 2 ? h->value[f].len : 0);
    if (h->joined > sizeof((struct pl_handshake *)NULL)->joined)
        return refuse(error, 431, "a list over several fields is too long");
    return PL_OK;
}

static enum pl_err read_field(struct head *h, struct pl_span line,
                              struct pl_handshake_error *error)
{
    struct pl_span name, value;

    if (++h->all > PL_HANDSHAKE_HEADERS_MAX)
        return refuse(error, 431, "too many header fields");
    if (!split_field(line, &name, &value))
        return refuse(error, 400, "a header line is malformed");
    enum field f = find_field(name);
    return f == FIELD_COUNT ? PL_OK : note_field(h, f, value, error);
}

/* No body: a length of zero at most. */
static enum pl_err check_body(const struct head *h,
                              struct pl_handshake_error *error)
{
    struct pl_span length = h->value[CONTENT_LENGTH];
    bool zero = true;

    if (h->count[TRANSFER_ENCODING] > 0)
        return refuse(error, 413, "a body is not accepted");
    if (h->count[CONTENT_LENGTH] == 0)
        return PL_OK;
    for (size_t i = 0; i < length.len; i++) {
        if (!is_digit(length.at[i]))
            return refuse(error, 400, "the Content-Length is malformed");
        zero = zero && length.at[i] == '0';
    }
    if (length.len == 0)
        return refuse(error, 400, "the Content-Length is malformed");
    return zero ? PL_OK : refuse(error, 413, "a body is not accepted");
}

/* 24 characters of base64 for 16 bytes.  Four bits of the last character are
 * beyond the 16 bytes; as RFC 4648 section 3.5 allows they are not looked
 * at. */
static bool is_key(struct pl_span key)
{
    if (key.len != 24 || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char low = pl_http_lower(key.at[i]);

        if ((low < 'a' || low > 'z') && !is_digit(low) && low != '+' &&
            low != '/')
            return false;
    }
    return true;
}

/* What depends on the whole head. */
static enum pl_err check_head(const struct head *h,
                              struct pl_handshake_error *error)
{
    struct pl_span name, port;

    if (h->count[HOST] == 0 || !pl_host_split(h->value[HOST], &name, &port))
        return refuse(error, 400, "one Host is needed");
    if (h->authority.at != NULL && !pl_host_split(h->authority, &name, &port))
        return refuse(error, 400, "the request target is malformed");
    enum pl_err err = check_body(h, error);
    if (err != PL_OK)
        return err;
    if (!h->to_websocket)
        return refuse(error, 426, "this is a WebSocket: Upgrade is needed");
    if (!h->connection_upgrade)
        return refuse(error, 426, "Connection does not say Upgrade");
    if (!pl_span_equal(h->value[VERSION], PL_SPAN("13")))
        return refuse(error, 426, "only WebSocket version 13 is spoken");
    if (!is_key(h->value[KEY]))
        return refuse(error, 400, "Sec-WebSocket-Key is not 16 bytes");
    return PL_OK;
}

/* Read the whole head.  On PL_OK `rest` is what follows it.  One empty line
 * before it is ignored, RFC 9112 section 2.2. */
static enum pl_err read_head(struct head *h, struct pl_span *rest,
                             struct pl_handshake_error *error)
{
    struct pl_span line;
    enum pl_err err = next_line(rest, true, &line, error);

    if (err == PL_OK && line.len == 0)
        err = next_line(rest, true, &line, error);

    if (err == PL_OK)
        err = read_request_line(h, line, error);
    h->lines = *rest;
    while (err == PL_OK) {
        err = next_line(rest, false, &line, error);
        if (err == PL_OK && line.len == 0) {
            h->lines.len = (size_t)(line.at - h->lines.at);
            return check_head(h, error);
        }
        if (err == PL_OK)
            err = read_field(h, line, error);
    }
    return err;
}

/* The values of list `f` behind one another in `at`; moves *at on. */
static struct pl_span join(const struct head *h, enum field f, char **at)
{
    struct pl_span rest = h->lines, line, name, value;
    struct pl_handshake_error ignored;
    struct pl_span all = {*at, 0};

    while (next_line(&rest, false, &line, &ignored) == PL_OK) {
        if (!split_field(line, &name, &value) || find_field(name) != f)
            continue;
        if (all.len > 0) {
            memcpy(*at + all.len, ", ", 2);
            all.len += 2;
        }
        memcpy(*at + all.len, value.at, value.len);
        all.len += value.len;
    }
    *at += all.len;
    return all;
}

static struct pl_span list(const struct head *h, enum field f, char **at)
{
    return h->count[f] > 1 ? join(h, f, at) : h->value[f];
}

static void publish(const struct head *h, struct pl_handshake *out)
{
    const char *query =
        h->target.len == 0 ? NULL : memchr(h->target.at, '?', h->target.len);
    char *at = out->joined;

    out->path = h->target;
    out->query = (struct pl_span){NULL, 0};
    if (query != NULL) {
        out->path.len = (size_t)(query - h->target.at);
        out->query =
            (struct pl_span){query + 1, h->target.len - out->path.len - 1};
    }
    if (out->path.len == 0)
        out->path = PL_SPAN("/");
    out->host = h->authority.at != NULL ? h->authority : h->value[HOST];
    out->origin = h->value[ORIGIN];
    out->key = h->value[KEY];
    out->protocols = list(h, PROTOCOLS, &at);
    out->extensions = list(h, EXTENSIONS, &at);
    out->forwarded = list(h, FORWARDED, &at);
    out->forwarded_for = list(h, FORWARDED_FOR, &at);
}

enum pl_err pl_handshake_read(struct pl_span in, struct pl_handshake *out,
                              size_t *taken, struct pl_handshake_error *error)
{
    struct pl_span rest = in;
    struct head h = {0};

    if (rest.len > PL_HANDSHAKE_MAX)
        rest.len = PL_HANDSHAKE_MAX;
    enum pl_err err = read_head(&h, &rest, error);
    if (err == PL_EAGAIN && in.len >= PL_HANDSHAKE_MAX)
        return refuse(error, 431, "the request head is too long");
    if (err != PL_OK)
        return err;
    publish(&h, out);
    *taken = (size_t)(rest.at - in.at);
    return PL_OK;
}

bool pl_handshake_offers(const struct pl_handshake *h, const char *name)
{
    struct pl_span rest = h->protocols, item;

    while (pl_http_list_next(&rest, &item))
        if (pl_span_equal(item, pl_span_of(name)))
            return true;
    return false;
}

bool pl_handshake_query_has(const struct pl_handshake *h, const char *name,
                            const char *value)
{
    struct pl_span want[2] = {pl_span_of(name), pl_span_of(value)};
    struct pl_span rest = h->query;

    while (rest.len > 0) {
        const char *end = memchr(rest.at, '&', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.at);

        if (len == want[0].len + 1 + want[1].len &&
            memcmp(rest.at, want[0].at, want[0].len) == 0 &&
            rest.at[want[0].len] == '=' &&
            memcmp(rest.at + want[0].len + 1, want[1].at, want[1].len) == 0)
            return true;
        len += end != NULL;
        rest.at += len;
        rest.len -= len;
    }
    return false;
}
