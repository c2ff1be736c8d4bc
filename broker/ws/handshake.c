/* SPDX-License-Identifier: Apache-2.0 */
/* handshake.c - see handshake.h.
 *
 * http/head.c reads the head and calls this file for the method and for each
 * field, in the order of the bytes; checks that depend on several fields follow
 * after the last one.  Like http/head.c, this keeps nothing between calls.
 *
 * Invariant: *out is written only by publish(), for a valid request. */
#include "handshake.h"

#include "head.h"
#include "http.h"

enum field {
    UPGRADE,
    CONNECTION,
    KEY,
    VERSION,
    PROTOCOLS,
    EXTENSIONS,
    ORIGIN,
    FORWARDED,
    FORWARDED_FOR,
    FIELD_COUNT
};

enum kind {
    ONCE,   /* a second one is an error */
    JOINED, /* several form one list, passed on */
    TOKENS  /* several form one list, searched here */
};

#define NAME(literal)                                                          \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }
static const struct {
    struct pl_span name;
    enum kind kind;
} fields[FIELD_COUNT] = {
    [UPGRADE] = {NAME("upgrade"), TOKENS},
    [CONNECTION] = {NAME("connection"), TOKENS},
    [KEY] = {NAME("sec-websocket-key"), ONCE},
    [VERSION] = {NAME("sec-websocket-version"), ONCE},
    [PROTOCOLS] = {NAME("sec-websocket-protocol"), JOINED},
    [EXTENSIONS] = {NAME("sec-websocket-extensions"), JOINED},
    [ORIGIN] = {NAME("origin"), ONCE},
    [FORWARDED] = {NAME("forwarded"), JOINED},
    [FORWARDED_FOR] = {NAME("x-forwarded-for"), JOINED},
};

/* The state of a request that is being read. */
struct head {
    struct pl_span value[FIELD_COUNT]; /* of the first field */
    size_t count[FIELD_COUNT];
    size_t joined; /* bytes needed to join repeated fields */
    bool to_websocket;
    bool connection_upgrade;
};

/* Known methods of RFC 9110 and RFC 5789 get 405, others 501, as RFC 9110
 * section 9.1 requires. */
static enum pl_err check_method(void *arg, struct pl_span method,
                                struct pl_http_error *error)
{
    static const char *const known[] = {"POST", "PUT",   "DELETE", "CONNECT",
                                        "HEAD", "TRACE", "PATCH",  "OPTIONS"};

    (void)arg;
    if (pl_span_equal(method, PL_SPAN("GET")))
        return PL_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (pl_span_equal(method, pl_span_of(known[i])))
            return pl_http_refuse(error, 405, "only GET is served here");
    return pl_http_refuse(error, 501, "the method is not known here");
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

/* Extensions that violate the grammar fail the connection (RFC 6455 section
 * 9.1), and so does any other violation (section 4.2.1).  A list without
 * elements counts as absent: the official Python SDK sends an empty
 * Sec-WebSocket-Protocol with each JSON connection. */
static enum pl_err check_list(enum field f, struct pl_span value,
                              struct pl_http_error *error)
{
    if (f == PROTOCOLS && !pl_http_is_set(value))
        return pl_http_refuse(error, 400,
                              "Sec-WebSocket-Protocol is malformed");
    if (f == EXTENSIONS && !pl_http_is_extensions(value))
        return pl_http_refuse(error, 400,
                              "Sec-WebSocket-Extensions is malformed");
    return PL_OK;
}

/* Record a field that matters here. */
static enum pl_err note_field(struct head *h, enum field f,
                              struct pl_span value, struct pl_http_error *error)
{
    if (h->count[f]++ == 0)
        h->value[f] = value;
    else if (fields[f].kind == ONCE)
        return pl_http_refuse(error, 400, "a header field is given twice");
    if (f == UPGRADE)
        h->to_websocket |= has_token(value, PL_SPAN("websocket"));
    if (f == CONNECTION)
        h->connection_upgrade |= has_token(value, PL_SPAN("upgrade"));
    enum pl_err err = check_list(f, value, error);
    if (err != PL_OK || fields[f].kind != JOINED || h->count[f] == 1)
        return err;
    h->joined += value.len + 2 + (h->count[f] == 2 ? h->value[f].len : 0);
    if (h->joined > sizeof((struct pl_handshake *)NULL)->joined)
        return pl_http_refuse(error, 431,
                              "a list over several fields is too long");
    return PL_OK;
}

static enum pl_err read_field(void *arg, struct pl_span name,
                              struct pl_span value, struct pl_http_error *error)
{
    enum field f = find_field(name);

    return f == FIELD_COUNT ? PL_OK : note_field(arg, f, value, error);
}

/* 24 characters of base64 for 16 bytes.  Four bits of the last character are
 * unused and not checked, as RFC 4648 section 3.5 allows. */
static bool is_key(struct pl_span key)
{
    if (key.len != 24 || key.at[22] != '=' || key.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char low = pl_http_lower(key.at[i]);

        if ((low < 'a' || low > 'z') && (low < '0' || low > '9') &&
            low != '+' && low != '/')
            return false;
    }
    return true;
}

/* The checks that need the whole head. */
static enum pl_err check_head(const struct pl_http_head *request,
                              const struct head *h, struct pl_http_error *error)
{
    if (request->is_chunked || request->length > 0)
        return pl_http_refuse(error, 413, "a body is not accepted");
    if (!h->to_websocket)
        return pl_http_refuse(error, 426,
                              "this is a WebSocket: Upgrade is needed");
    if (!h->connection_upgrade)
        return pl_http_refuse(error, 426, "Connection does not say Upgrade");
    if (!pl_span_equal(h->value[VERSION], PL_SPAN("13")))
        return pl_http_refuse(error, 426,
                              "only WebSocket version 13 is spoken");
    if (!is_key(h->value[KEY]))
        return pl_http_refuse(error, 400, "Sec-WebSocket-Key is not 16 bytes");
    return PL_OK;
}

/* Join the values of list `f` at *at, and advance *at. */
static struct pl_span join(struct pl_span lines, enum field f, char **at)
{
    struct pl_span name, value, all = {*at, 0};

    while (pl_http_field_next(&lines, &name, &value)) {
        if (find_field(name) != f)
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

static struct pl_span list(const struct pl_http_head *request,
                           const struct head *h, enum field f, char **at)
{
    return h->count[f] > 1 ? join(request->lines, f, at) : h->value[f];
}

static void publish(const struct pl_http_head *request, const struct head *h,
                    struct pl_handshake *out)
{
    char *at = out->joined;

    out->path = request->path;
    out->query = request->query;
    out->lines = request->lines;
    out->host = request->host;
    out->origin = h->value[ORIGIN];
    out->key = h->value[KEY];
    out->protocols = list(request, h, PROTOCOLS, &at);
    out->extensions = list(request, h, EXTENSIONS, &at);
    out->forwarded = list(request, h, FORWARDED, &at);
    out->forwarded_for = list(request, h, FORWARDED_FOR, &at);
}

enum pl_err pl_handshake_read(struct pl_span in, struct pl_handshake *out,
                              size_t *taken, struct pl_handshake_error *error)
{
    struct head h = {0};
    const struct pl_http_rules rules = {
        .method = check_method, .field = read_field, .arg = &h};
    struct pl_http_head request;
    struct pl_http_error why;
    size_t len;
    enum pl_err err = pl_http_head_read(in, &rules, &request, &len, &why);

    if (err == PL_OK)
        err = check_head(&request, &h, &why);
    if (err == PL_EBADMSG)
        *error = (struct pl_handshake_error){why.status, why.text, why.is_head};
    if (err != PL_OK)
        return err;
    publish(&request, &h, out);
    *taken = len;
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
