/* SPDX-License-Identifier: Apache-2.0 */
/* body.c - see body.h.
 *
 * A state machine by byte for the bytes between chunks: a body may have any
 * size, so unlike a head, nothing of it is read twice.  Extensions and trailers
 * are checked and discarded.
 *
 * Strict where implementations differ: a size has at most eight hexadecimal
 * digits and no blanks around it; each line ends in CR LF; CR LF follows the
 * content of a chunk; a trailer is a field line that is not folded.
 *
 * Invariant: content is returned only in the states CONTENT and CHUNK, and
 * never more than announced. */
#include "body.h"

#include "http.h"

enum state {
    DONE,
    CONTENT, /* by length */
    SIZE,    /* at a digit of a chunk size, or after the last */
    EXTENSION,
    SIZE_LF,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF,
    TRAILER, /* at the start of a line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF
};

void pl_http_body_begin(struct pl_http_body *b, const struct pl_http_head *head)
{
    *b = (struct pl_http_body){.state = DONE};
    if (head->is_chunked) {
        b->state = SIZE;
    } else if (head->has_length && head->length > 0) {
        b->state = CONTENT;
        b->left = head->length;
    }
}

bool pl_http_body_is_done(const struct pl_http_body *b)
{
    return b->state == DONE;
}

static int hex_of(char c)
{
    char low = pl_http_lower(c);

    if (c >= '0' && c <= '9')
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool is_text(char c)
{
    return !pl_http_has_control((struct pl_span){&c, 1});
}

static bool on_size(struct pl_http_body *b, char c)
{
    int digit = hex_of(c);

    if (digit >= 0) {
        b->left = b->left << 4 | (unsigned)digit;
        return ++b->digits <= PL_HTTP_CHUNK_DIGITS_MAX;
    }
    b->state = c == ';' ? EXTENSION : SIZE_LF;
    return b->digits > 0 && (c == ';' || c == '\r');
}

static bool on_extension(struct pl_http_body *b, char c)
{
    b->extra++;
    if (c == '\r')
        b->state = SIZE_LF;
    return c == '\r' || is_text(c);
}

/* Set the next state; return false if this byte is not `wanted`. */
static bool expect(struct pl_http_body *b, char c, char wanted,
                   enum state state)
{
    b->state = (uint8_t)state;
    return c == wanted;
}

static bool on_trailer(struct pl_http_body *b, char c)
{
    b->extra++;
    if (c == '\r')
        return expect(b, c, '\r', LAST_LF);
    b->state = TRAILER_NAME;
    return pl_http_is_tchar(c);
}

static bool on_trailer_text(struct pl_http_body *b, char c)
{
    b->extra++;
    if (b->state == TRAILER_NAME) {
        if (c == ':')
            b->state = TRAILER_VALUE;
        return c == ':' || pl_http_is_tchar(c);
    }
    if (c == '\r')
        b->state = TRAILER_LF;
    return c == '\r' || is_text(c);
}

static bool on_size_lf(struct pl_http_body *b, char c)
{
    b->digits = 0;
    return expect(b, c, '\n', b->left > 0 ? CHUNK : TRAILER);
}

/* Handle one byte between chunks.  Return false if it is not allowed there. */
static bool take_byte(struct pl_http_body *b, char c)
{
    switch ((enum state)b->state) {
    case SIZE:
        return on_size(b, c);
    case EXTENSION:
        return on_extension(b, c);
    case SIZE_LF:
        return on_size_lf(b, c);
    case CHUNK_CR:
        return expect(b, c, '\r', CHUNK_LF);
    case CHUNK_LF:
        return expect(b, c, '\n', SIZE);
    case TRAILER:
        return on_trailer(b, c);
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return on_trailer_text(b, c);
    case TRAILER_LF:
        return expect(b, c, '\n', TRAILER);
    case LAST_LF:
        return expect(b, c, '\n', DONE);
    case DONE:
    case CONTENT:
    case CHUNK:
        break;
    }
    return false;
}

static void take_content(struct pl_http_body *b, struct pl_span *in,
                         struct pl_span *piece)
{
    size_t len = b->left < in->len ? (size_t)b->left : in->len;

    *piece = (struct pl_span){in->at, len};
    in->at += len;
    in->len -= len;
    b->left -= len;
    if (b->left == 0)
        b->state = b->state == CONTENT ? DONE : CHUNK_CR;
}

enum pl_err pl_http_body_next(struct pl_http_body *b, struct pl_span *in,
                              struct pl_span *piece,
                              struct pl_http_error *error)
{
    *piece = (struct pl_span){in->at, 0};
    while (b->state != DONE && in->len > 0) {
        if (b->state == CONTENT || b->state == CHUNK) {
            take_content(b, in, piece);
            return PL_OK;
        }
        if (!take_byte(b, *in->at))
            return pl_http_refuse(error, 400, "a chunk is malformed");
        if (b->extra > PL_HTTP_EXTRA_MAX)
            return pl_http_refuse(error, 431,
                                  "chunk extensions and trailers are too long");
        in->at++;
        in->len--;
    }
    return b->state == DONE ? PL_OK : PL_EAGAIN;
}
