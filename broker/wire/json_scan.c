/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.c - see json_scan.h.
 *
 * A value is only scanned, without recursion: a stack of 64 bits records which
 * of the open containers are objects, so the depth, which untrusted peers
 * choose, costs no memory.
 *
 * Rejected: a library that builds a tree, because it allocates for each value,
 * and the payload of a publication must be forwarded byte for byte, not printed
 * from a tree.
 *
 * Invariant: `at` never passes `end`, and everything before `at` is valid.
 * White space after the outermost value is not read: a newline there separates
 * commands, which the codec handles. */
#include "json_scan.h"

#include <assert.h>

#include "wire_text.h"

static_assert(PL_JSON_DEPTH_MAX == 64, "the stack of containers is 64 bits");

bool pl_json_fail(struct pl_json *j, const char *why)
{
    j->why = why;
    j->err = PL_EBADMSG;
    return false;
}

static bool is_digit(const struct pl_json *j)
{
    return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

static bool literal(struct pl_json *j, const char *text, size_t len)
{
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, text, len) != 0)
        return pl_json_fail(j, "not a JSON value");
    j->at += len;
    return true;
}

static bool digits(struct pl_json *j)
{
    char *at = j->at; /* a local, so that it stays in a register */

    while (at < j->end && (unsigned char)(*at - '0') < 10)
        at++;
    if (at == j->at)
        return pl_json_fail(j, "a digit is missing");
    j->at = at;
    return true;
}

/* The part of a number after the sign and before fraction and exponent. */
static bool whole(struct pl_json *j)
{
    if (!pl_json_take(j, '0'))
        return digits(j);
    if (is_digit(j))
        return pl_json_fail(j, "a number begins with 0");
    return true;
}

static bool number(struct pl_json *j)
{
    pl_json_take(j, '-');
    if (!whole(j))
        return false;
    if (pl_json_take(j, '.') && !digits(j))
        return false;
    if (pl_json_take(j, 'e') || pl_json_take(j, 'E')) {
        if (!pl_json_take(j, '+'))
            pl_json_take(j, '-');
        return digits(j);
    }
    return true;
}

/* The value of a hexadecimal digit, or -1. */
static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The part of an escape after the backslash. */
static bool escape(struct pl_json *j)
{
    if (j->at == j->end)
        return pl_json_fail(j, "a string has no end");
    if (*j->at != 'u') {
        if (*j->at == '\0' || strchr("\"\\/bfnrt", *j->at) == NULL)
            return pl_json_fail(j, "unknown escape in a string");
        j->at++;
        return true;
    }
    if (j->end - j->at < 5)
        return pl_json_fail(j, "a string has no end");
    for (int i = 1; i <= 4; i++)
        if (hex(j->at[i]) < 0)
            return pl_json_fail(j, "unknown escape in a string");
    j->at += 5;
    return true;
}

/* Handle an escape, a character that is not ASCII, or an error.  Not inlined,
 * to keep the loop over plain strings small. */
static __attribute__((noinline)) bool unplain(struct pl_json *j, bool *escaped)
{
    if (j->at == j->end)
        return pl_json_fail(j, "a string has no end");
    if (*j->at == '\\') {
        *escaped = true;
        j->at++;
        return escape(j);
    }
    size_t len = pl_text_sequence(j->at, j->end);
    if (len == 0)
        return pl_json_fail(j, (unsigned char)*j->at < 0x20
                                   ? "control character in a string"
                                   : "a string is not UTF-8");
    j->at += len;
    return true;
}

/* Read a string after its opening quote; set *escaped if it has escapes. */
static bool string(struct pl_json *j, bool *escaped)
{
    for (;;) {
        char *at = (char *)pl_text_plain(j->at, j->end, PL_TEXT_HIGH);

        if (at < j->end && *at == '"') {
            j->at = at + 1;
            return true;
        }
        j->at = at;
        if (!unplain(j, escaped))
            return false;
    }
}

static bool scalar(struct pl_json *j)
{
    bool escaped;

    if (j->at == j->end)
        return pl_json_fail(j, "a value is missing");
    switch (*j->at) {
    case '"':
        j->at++;
        return string(j, &escaped);
    case 't':
        return literal(j, "true", 4);
    case 'f':
        return literal(j, "false", 5);
    case 'n':
        return literal(j, "null", 4);
    case '-':
        return number(j);
    default:
        if (!is_digit(j))
            return pl_json_fail(j, "not a JSON value");
        return number(j);
    }
}

/* The open containers: bit 0 is the innermost; 1 means object. */
struct nest {
    uint64_t objects;
    unsigned open;
};

static bool colon(struct pl_json *j)
{
    pl_json_space(j);
    if (!pl_json_take(j, ':'))
        return pl_json_fail(j, "a colon is missing");
    pl_json_space(j);
    return true;
}

/* Go to the next value of the innermost container, past the key in an
 * object. */
static bool element(struct pl_json *j, const struct nest *n)
{
    bool escaped;

    pl_json_space(j);
    if ((n->objects & 1) == 0)
        return true;
    if (!pl_json_take(j, '"'))
        return pl_json_fail(j, "a key is missing");
    return string(j, &escaped) && colon(j);
}

/* After a value: close the containers that end here and go to the next value,
 * unless the outermost container ended. */
static bool after(struct pl_json *j, struct nest *n)
{
    while (n->open > 0) {
        pl_json_space(j);
        if (pl_json_take(j, ','))
            return element(j, n);
        if (!pl_json_take(j, (n->objects & 1) != 0 ? '}' : ']'))
            return pl_json_fail(j, "a comma or a bracket is missing");
        n->objects >>= 1;
        n->open--;
    }
    return true;
}

/* At an opening bracket: go to the first value inside, or past an empty
 * pair. */
static bool enter(struct pl_json *j, struct nest *n, unsigned depth)
{
    bool object = *j->at == '{';

    if (n->open == depth)
        return pl_json_fail(j, "nested too deeply");
    j->at++;
    pl_json_space(j);
    if (pl_json_take(j, object ? '}' : ']'))
        return after(j, n);
    n->objects = n->objects << 1 | object;
    n->open++;
    return element(j, n);
}

bool pl_json_skip(struct pl_json *j, unsigned depth)
{
    struct nest n = {0};

    do {
        if (j->at < j->end && (*j->at == '{' || *j->at == '[')) {
            if (!enter(j, &n, depth))
                return false;
        } else if (!scalar(j) || !after(j, &n)) {
            return false;
        }
    } while (n.open > 0);
    return true;
}

/* Go to the next item before `close`, and behind the comma that precedes it.
 * False also at `close`, which is read. */
static bool next_item(struct pl_json *j, char close, bool *first)
{
    pl_json_space(j);
    if (pl_json_take(j, close))
        return false;
    if (!*first) {
        if (!pl_json_take(j, ','))
            return pl_json_fail(j, "a comma or a bracket is missing");
        pl_json_space(j);
    }
    *first = false;
    return true;
}

bool pl_json_element(struct pl_json *j, bool *first)
{
    return next_item(j, ']', first);
}

bool pl_json_member(struct pl_json *j, bool *first, struct pl_span *key)
{
    if (!next_item(j, '}', first))
        return false;
    if (j->at == j->end || *j->at != '"')
        return pl_json_fail(j, "a key is missing");
    return pl_json_text(j, key) && colon(j);
}

static unsigned four_hex(const char *s)
{
    unsigned n = 0;

    for (int i = 0; i < 4; i++)
        n = n << 4 | (unsigned)hex(s[i]);
    return n;
}

/* Write `c` as UTF-8; return the end. */
static char *put_character(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xE0 | c >> 12);
        } else {
            *to++ = (char)(0xF0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (c & 0x3F));
    return to;
}

/* Resolve \uXXXX, or two that form a pair; *from is after the u.  Return the
 * end of the output, or NULL.  string() has checked that digits follow. */
static char *put_unicode(char *to, const char **from, const char *end)
{
    unsigned c = four_hex(*from);

    *from += 4;
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (end - *from < 6 || (*from)[0] != '\\' || (*from)[1] != 'u')
            return NULL;
        unsigned low = four_hex(*from + 2);
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        *from += 6;
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    } else if (c == 0 || (c >= 0xDC00 && c <= 0xDFFF)) {
        return NULL;
    }
    return put_character(to, c);
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c; /* a quote, a backslash, a slash */
    }
}

/* Resolve the escapes of the valid string `raw` in the arena: no escape is
 * shorter than its character. */
static bool resolve(struct pl_json *j, struct pl_span raw, struct pl_span *out)
{
    char *text = pl_arena_alloc(j->arena, raw.len);
    char *to = text;
    const char *from = raw.at;
    const char *end = raw.at + raw.len;

    if (text == NULL) {
        j->why = "out of memory";
        j->err = PL_ENOMEM;
        return false;
    }
    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
        } else if (from[1] != 'u') {
            *to++ = plain_escape(from[1]);
            from += 2;
        } else {
            from += 2;
            to = put_unicode(to, &from, end);
            if (to == NULL)
                return pl_json_fail(j, "zero or half a pair in a string");
        }
    }
    *out = (struct pl_span){text, (size_t)(to - text)};
    return true;
}

bool pl_json_text(struct pl_json *j, struct pl_span *out)
{
    bool escaped = false;

    if (!pl_json_take(j, '"'))
        return pl_json_fail(j, "a string is expected");
    char *begin = j->at;
    if (!string(j, &escaped))
        return false;
    struct pl_span raw = {begin, (size_t)(j->at - 1 - begin)};
    if (escaped)
        return resolve(j, raw, out);
    *out = raw;
    return true;
}

bool pl_json_bool(struct pl_json *j, bool *out)
{
    if (j->at < j->end && *j->at == 't') {
        *out = true;
        return literal(j, "true", 4);
    }
    if (j->at < j->end && *j->at == 'f') {
        *out = false;
        return literal(j, "false", 5);
    }
    return pl_json_fail(j, "true or false is expected");
}

bool pl_json_unsigned(struct pl_json *j, uint64_t max, uint64_t *out)
{
    const char *begin = j->at;
    uint64_t n = 0;

    if (!is_digit(j) || !whole(j))
        return pl_json_fail(j, "an integer is expected");
    for (const char *s = begin; s < j->at; s++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (unsigned)(*s - '0'), &n))
            return pl_json_fail(j, "an integer does not fit");
    if (n > max)
        return pl_json_fail(j, "an integer does not fit");
    if (j->at < j->end && (*j->at == '.' || *j->at == 'e' || *j->at == 'E'))
        return pl_json_fail(j, "an integer is expected");
    *out = n;
    return true;
}

bool pl_json_signed(struct pl_json *j, int64_t min, int64_t max, int64_t *out)
{
    uint64_t n;

    if (!pl_json_take(j, '-')) {
        if (!pl_json_unsigned(j, (uint64_t)max, &n))
            return false;
        *out = (int64_t)n;
        return true;
    }
    if (!pl_json_unsigned(j, 0 - (uint64_t)min, &n))
        return false;
    *out = (int64_t)(0 - n);
    return true;
}

bool pl_json_null(struct pl_json *j)
{
    if (j->end - j->at < 4 || memcmp(j->at, "null", 4) != 0)
        return false;
    j->at += 4;
    return true;
}
