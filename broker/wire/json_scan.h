/* SPDX-License-Identifier: Apache-2.0 */
/* json_scan.h - strict JSON (RFC 8259), scanned in place, token by token.
 *
 * Each call reads something from the start of the text.  False means that it
 * was not there or memory ran out: `err`, `why` and `at` describe the error,
 * and nothing more may be read. */
#ifndef PL_JSON_SCAN_H
#define PL_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "span.h"

enum { PL_JSON_DEPTH_MAX = 64 };

struct pl_json {
    char *at;
    char *end;
    struct pl_arena *arena; /* for strings with escapes */
    const char *why;        /* constant */
    enum pl_err err;
};

static inline void pl_json_init(struct pl_json *j, struct pl_span text,
                                struct pl_arena *arena)
{
    /* The owner of the text permits changes in place. */
    j->at = (char *)(text.at == NULL ? "" : text.at);
    j->end = j->at + text.len;
    j->arena = arena;
    j->why = NULL;
    j->err = PL_OK;
}

/* Record an error at the current place; return false. */
bool pl_json_fail(struct pl_json *j, const char *why);

/* Skip white space; raw CR and LF become spaces. */
static inline void pl_json_space(struct pl_json *j)
{
    while (j->at < j->end && (unsigned char)*j->at <= ' ') {
        if (*j->at == '\n' || *j->at == '\r')
            *j->at = ' ';
        else if (*j->at != ' ' && *j->at != '\t')
            return;
        j->at++;
    }
}

/* Read `c` if it comes next; return false if it does not. */
static inline bool pl_json_take(struct pl_json *j, char c)
{
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

/* Read one value of any kind, nested at most `depth` (up to 64) deep. */
bool pl_json_skip(struct pl_json *j, unsigned depth);

/* Go to the next member of an object after its opening brace: return its key,
 * with the text after the colon next.  False also at the end of the object,
 * which is read; `err` is then PL_OK. *first is true before the first call. */
bool pl_json_member(struct pl_json *j, bool *first, struct pl_span *key);

/* Likewise to the next element of an array after its opening bracket. */
bool pl_json_element(struct pl_json *j, bool *first);

/* Read a string: without its quotes, with escapes resolved.  It must not
 * contain a zero byte or half a surrogate pair. *out is in the text or the
 * arena. */
bool pl_json_text(struct pl_json *j, struct pl_span *out);

bool pl_json_bool(struct pl_json *j, bool *out);

/* Read an integer in range, written without fraction and exponent. */
bool pl_json_signed(struct pl_json *j, int64_t min, int64_t max, int64_t *out);
bool pl_json_unsigned(struct pl_json *j, uint64_t max, uint64_t *out);

/* Read null if it comes next; return false if it does not. */
bool pl_json_null(struct pl_json *j);

#endif
