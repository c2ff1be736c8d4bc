/* SPDX-License-Identifier: Apache-2.0 */
/* glob.c - see glob.h.
 *
 * Braces are expanded once, into a bounded number of patterns, because nested
 * alternatives cannot be matched without backtracking.  What is left is matched
 * with one place to go back to: the last star can match whatever an earlier one
 * could.
 *
 * Rejected: fnmatch(3), which has no braces and takes exponential time for
 * many stars. */
#include "glob.h"

#include <stdint.h>
#include <string.h>

/* --- Braces --- */

/* Return the place after the token at `at`: an escaped character, a class or a
 * byte.  0: it has no end. */
static size_t skip(struct pl_span p, size_t at)
{
    if (p.at[at] == '\\')
        return at + 2 <= p.len ? at + 2 : 0;
    if (p.at[at] != '[')
        return at + 1;
    size_t end = at + 1;
    if (end < p.len && p.at[end] == '!')
        end++;
    for (size_t first = end; end < p.len; end++) {
        if (p.at[end] == '\\')
            end++;
        else if (p.at[end] == ']' && end > first)
            return end + 1;
    }
    return 0;
}

/* Find the first brace, *open, and the one that closes it, *close; *open is
 * p.len without one.  Return false if one does not close. */
static bool find_braces(struct pl_span p, size_t *open, size_t *close)
{
    size_t depth = 0, next;

    *open = *close = p.len;
    for (size_t at = 0; at < p.len; at = next) {
        if ((next = skip(p, at)) == 0)
            return false;
        if (p.at[at] == '{' && depth++ == 0)
            *open = at;
        if (p.at[at] == '}' && depth > 0 && --depth == 0) {
            *close = at;
            return true;
        }
    }
    return depth == 0;
}

/* Append `head`, `part`, `tail` and a zero byte. */
static void put(struct pl_buf *b, struct pl_span head, struct pl_span part,
                struct pl_span tail)
{
    pl_buf_put_span(b, head);
    pl_buf_put_span(b, part);
    pl_buf_put_span(b, tail);
    pl_buf_put_byte(b, '\0');
}

/* Append each alternative of the braces of `p`, in its place. */
static void split(struct pl_buf *b, struct pl_span p, size_t open, size_t close)
{
    struct pl_span head = {p.at, open};
    struct pl_span tail = {p.at + close + 1, p.len - close - 1};
    size_t depth = 0, begin = open + 1, next;

    for (size_t at = begin; at <= close; at = next) {
        next = skip(p, at);
        if (p.at[at] == '{')
            depth++;
        if (at == close || (p.at[at] == ',' && depth == 0)) {
            put(b, head, (struct pl_span){p.at + begin, at - begin}, tail);
            begin = next;
        } else if (p.at[at] == '}') {
            depth--;
        }
    }
}

static size_t count(struct pl_span patterns)
{
    size_t n = 0;

    for (size_t i = 0; i < patterns.len; i++)
        n += patterns.at[i] == '\0';
    return n;
}

static struct pl_span take(struct pl_span *patterns)
{
    struct pl_span one = {patterns->at, strnlen(patterns->at, patterns->len)};
    size_t len = one.len + (one.len < patterns->len);

    patterns->at += len;
    patterns->len -= len;
    return one;
}

/* Expand the first braces of each pattern.  *more: there were some. */
static enum pl_err step(struct pl_span from, struct pl_buf *to, bool *more)
{
    size_t open, close;

    *more = false;
    while (from.len > 0) {
        struct pl_span p = take(&from);

        if (!find_braces(p, &open, &close))
            return PL_EINVAL;
        if (open == p.len)
            put(to, p, (struct pl_span){0}, (struct pl_span){0});
        else
            split(to, p, open, close);
        *more |= open < p.len;
        if (to->failed)
            return PL_ENOMEM;
        if (to->len > PL_GLOB_BYTES_MAX ||
            count(pl_buf_span(to)) > PL_GLOB_ALTERNATIVES_MAX)
            return PL_ETOOBIG;
    }
    return PL_OK;
}

enum pl_err pl_glob_expand(struct pl_span pattern, struct pl_buf *out)
{
    struct pl_buf now = {0}, next = {0};
    enum pl_err rc = PL_OK;
    bool more = true;

    if (pattern.len > 0 && memchr(pattern.at, '\0', pattern.len) != NULL)
        return PL_EINVAL;
    if (pattern.len > PL_GLOB_BYTES_MAX)
        return PL_ETOOBIG;
    put(&now, pattern, (struct pl_span){0}, (struct pl_span){0});
    if (now.failed)
        rc = PL_ENOMEM;
    while (rc == PL_OK && more) {
        rc = step(pl_buf_span(&now), &next, &more);
        pl_buf_fini(&now);
        now = next;
        next = (struct pl_buf){0};
    }
    if (rc == PL_OK)
        pl_buf_put_span(out, pl_buf_span(&now));
    pl_buf_fini(&now);
    return rc == PL_OK && out->failed ? PL_ENOMEM : rc;
}

/* --- Matching --- */

/* Take a character of UTF-8; a byte that begins none stands for itself. */
static uint32_t character(struct pl_span s, size_t *at)
{
    unsigned char first = (unsigned char)s.at[(*at)++];
    uint32_t c = first < 0xe0   ? first & 0x1f
                 : first < 0xf0 ? first & 0x0f
                                : first & 0x07;

    if (first < 0xc0)
        return first;
    while (*at < s.len && ((unsigned char)s.at[*at] & 0xc0) == 0x80)
        c = c << 6 | ((unsigned char)s.at[(*at)++] & 0x3f);
    return c;
}

static uint32_t class_character(struct pl_span p, size_t *at)
{
    if (p.at[*at] == '\\')
        ++*at;
    return character(p, at);
}

/* Return true if the class at `at`, which ends before `end`, has `c`. */
static bool class_has(struct pl_span p, size_t at, size_t end, uint32_t c)
{
    bool is_not = p.at[++at] == '!', has = false;

    at += is_not;
    while (at < end - 1) {
        uint32_t low = class_character(p, &at), high = low;

        if (at + 1 < end - 1 && p.at[at] == '-') {
            at++;
            high = class_character(p, &at);
        }
        has |= low <= c && c <= high;
    }
    return has != is_not;
}

/* Match one token of `p` with the next character of `name`, and advance
 * both. */
static bool matches_one(struct pl_span p, size_t *at, struct pl_span name,
                        size_t *n)
{
    size_t begin = *at;
    uint32_t c = character(name, n);

    if (p.at[begin] == '?') {
        ++*at;
        return true;
    }
    if (p.at[begin] == '[') {
        *at = skip(p, begin);
        return class_has(p, begin, *at, c);
    }
    return class_character(p, at) == c;
}

static bool matches(struct pl_span p, struct pl_span name)
{
    size_t at = 0, n = 0, star = SIZE_MAX, mark = 0;

    while (n < name.len) {
        size_t a = at, b = n;

        if (at < p.len && p.at[at] == '*') {
            star = ++at; /* after the last star */
            mark = n;    /* the end of what it matches so far */
        } else if (at < p.len && matches_one(p, &a, name, &b)) {
            at = a;
            n = b;
        } else if (star != SIZE_MAX) {
            character(name, &mark);
            at = star;
            n = mark;
        } else {
            return false;
        }
    }
    while (at < p.len && p.at[at] == '*')
        at++;
    return at == p.len;
}

bool pl_glob_matches(struct pl_span patterns, struct pl_span name)
{
    while (patterns.len > 0)
        if (matches(take(&patterns), name))
            return true;
    return false;
}
