/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h.
 *
 * The search for control characters uses vectors, because the handshake scans
 * the same bytes again each time more arrive.
 *
 * In a pattern only the last "*" is retried.  That suffices although "*" does
 * not match "/": if an earlier star took more, the characters between the two
 * stars would have to match further on, past the very "/" that stopped the
 * later star.  So the time is at most pattern times text, whatever an untrusted
 * peer sends.
 *
 * Rejected: <ctype.h> and strcasecmp(), because they depend on the locale of
 * the embedding program, and bytes from the network have none.
 *
 * Invariant: nothing outside a span is read. */
#include "http.h"

#include <stdint.h>

typedef unsigned char wide __attribute__((vector_size(16)));

char pl_http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool pl_http_is_tchar(char c)
{
    char low = pl_http_lower(c);

    if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-')
        return true;
    return c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL;
}

bool pl_http_is_token(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!pl_http_is_tchar(s.at[i]))
            return false;
    return s.len > 0;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7F;
}

bool pl_http_has_control(struct pl_span s)
{
    wide any = {0}, bytes;
    uint64_t half[2];
    size_t i = 0;

    for (; s.len - i >= sizeof bytes; i += sizeof bytes) {
        memcpy(&bytes, s.at + i, sizeof bytes);
        any |= (wide)((bytes < 0x20) & (bytes != '\t'));
        any |= (wide)(bytes == 0x7F);
    }
    memcpy(half, &any, sizeof half);
    if ((half[0] | half[1]) != 0)
        return true;
    for (; i < s.len; i++)
        if (is_control((unsigned char)s.at[i]))
            return true;
    return false;
}

bool pl_http_is_target(struct pl_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == '#')
            return false;
    return s.len > 0;
}

bool pl_http_equal(struct pl_span a, struct pl_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (pl_http_lower(a.at[i]) != pl_http_lower(b.at[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct pl_span pl_http_trim(struct pl_span s)
{
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_blank(*s.at)) {
        s.at++;
        s.len--;
    }
    return s;
}

bool pl_http_list_next(struct pl_span *list, struct pl_span *item)
{
    while (list->len > 0) {
        const char *comma = memchr(list->at, ',', list->len);
        size_t len = comma == NULL ? list->len : (size_t)(comma - list->at);
        size_t gone = comma == NULL ? len : len + 1;

        *item = pl_http_trim((struct pl_span){list->at, len});
        list->at += gone;
        list->len -= gone;
        if (item->len > 0)
            return true;
    }
    return false;
}

/* True if `item` equals one of the first `count` elements of the list. */
static bool is_among(struct pl_span list, size_t count, struct pl_span item)
{
    struct pl_span other;

    while (count-- > 0 && pl_http_list_next(&list, &other))
        if (pl_span_equal(other, item))
            return true;
    return false;
}

bool pl_http_is_set(struct pl_span list)
{
    enum { COMPARED = 64 };
    struct pl_span rest = list, item;

    for (size_t i = 0; pl_http_list_next(&rest, &item); i++)
        if (!pl_http_is_token(item) ||
            (i < COMPARED && is_among(list, i, item)))
            return false;
    return true;
}

static void skip_blanks(struct pl_span *s)
{
    while (s->len > 0 && is_blank(*s->at)) {
        s->at++;
        s->len--;
    }
}

/* Read `c` and the blanks around it. */
static bool take(struct pl_span *s, char c)
{
    skip_blanks(s);
    if (s->len == 0 || *s->at != c)
        return false;
    s->at++;
    s->len--;
    skip_blanks(s);
    return true;
}

static bool take_token(struct pl_span *s)
{
    size_t len = 0;

    while (len < s->len && pl_http_is_tchar(s->at[len]))
        len++;
    s->at += len;
    s->len -= len;
    return len > 0;
}

/* Read a quoted string; unescaped, it must be a token. */
static bool take_quoted(struct pl_span *s)
{
    size_t i = 1, chars = 0;

    for (; i < s->len && s->at[i] != '"'; i++, chars++) {
        i += s->at[i] == '\\';
        if (i == s->len || !pl_http_is_tchar(s->at[i]))
            return false;
    }
    if (i >= s->len || chars == 0)
        return false;
    s->at += i + 1;
    s->len -= i + 1;
    return true;
}

bool pl_http_is_extensions(struct pl_span list)
{
    for (;;) {
        while (take(&list, ','))
            continue;
        if (list.len == 0)
            return true;
        if (!take_token(&list))
            return false;
        while (take(&list, ';')) {
            if (!take_token(&list))
                return false;
            if (take(&list, '=') &&
                !(list.len > 0 && *list.at == '"' ? take_quoted(&list)
                                                  : take_token(&list)))
                return false;
        }
        if (list.len > 0 && *list.at != ',')
            return false;
    }
}

bool pl_http_matches(struct pl_span pattern, struct pl_span text)
{
    size_t p = 0, star = SIZE_MAX; /* after the last star */
    size_t i = 0, from = 0;        /* the current end of the last star's
                                      match */

    while (i < text.len || p < pattern.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = ++p;
            from = i;
        } else if (i < text.len && p < pattern.len &&
                   pl_http_lower(pattern.at[p]) == pl_http_lower(text.at[i])) {
            p++;
            i++;
        } else if (star != SIZE_MAX && from < text.len &&
                   text.at[from] != '/') {
            p = star;
            i = ++from;
        } else {
            return false;
        }
    }
    return true;
}
