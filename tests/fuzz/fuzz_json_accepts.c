/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json_accepts.c - pl_json_accepts() and jansson agree on what JSON is,
 * and on what a text or an integer stands for.
 *
 * Told to take any value, zeros in strings and integers of any size, jansson
 * 2.14 still differs from RFC 8259, or we from it:
 * - it refuses half a surrogate pair written as an escape: the grammar allows
 *   it, and a payload's strings are not ours to interpret;
 * - it refuses a zero, even escaped, in a key, and numbers beyond a double;
 * - it nests up to 2048 deep, we up to 64;
 * - it overlooks a zero byte behind a number or a word.
 * In these cases, and no others, the answers may differ.  What was accepted
 * must be accepted again, and without raw newlines. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* How deep the brackets outside strings nest, roughly when it is not JSON. */
static size_t depth_of(const char *at, size_t len)
{
    size_t depth = 0, deepest = 0;
    bool string = false;

    for (size_t i = 0; i < len; i++) {
        if (string && at[i] == '\\')
            i++;
        else if (at[i] == '"')
            string = !string;
        else if (!string && (at[i] == '{' || at[i] == '['))
            deepest = ++depth > deepest ? depth : deepest;
        else if (!string && (at[i] == '}' || at[i] == ']') && depth > 0)
            depth--;
    }
    return deepest;
}

/* Whether jansson may refuse what we take. */
static bool may_refuse(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
        return true;
    default:
        return strncmp(error->text, "invalid Unicode '\\u", 19) == 0;
    }
}

/* Whether a zero byte comes behind a digit or a letter. */
static bool may_overlook(const char *at, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        char before = at[i - 1];

        if (at[i] == '\0' && ((before >= '0' && before <= '9') ||
                              (before >= 'a' && before <= 'z')))
            return true;
    }
    return false;
}

static struct pl_json scan_of(struct pl_span text, struct pl_arena *arena)
{
    struct pl_json j;

    pl_json_init(&j, text, arena);
    pl_json_space(&j);
    return j;
}

/* Ours may not hold a zero; half a pair has no tree. */
static void compare_text(struct pl_span text, const json_t *theirs)
{
    struct pl_arena arena = {.limit = 1 << 20};
    struct pl_json j = scan_of(text, &arena);
    struct pl_span ours;
    const char *at = json_string_value(theirs);
    size_t len = json_string_length(theirs);

    if (pl_json_text(&j, &ours))
        must(pl_span_equal(ours, (struct pl_span){at, len}));
    else
        must(memchr(at, '\0', len) != NULL);
    pl_arena_fini(&arena);
}

/* Of the integers that fit jansson's 64 bits. */
static void compare_integer(struct pl_span text)
{
    struct pl_json j = scan_of(text, NULL);
    json_error_t error;
    int64_t ours;
    json_t *theirs = json_loadb(text.at, text.len, JSON_DECODE_ANY, &error);
    bool fits = pl_json_signed(&j, INT64_MIN, INT64_MAX, &ours);

    must(fits == json_is_integer(theirs));
    must(!fits || ours == json_integer_value(theirs));
    json_decref(theirs);
}

static void accepted(struct pl_span text, const json_t *tree,
                     const json_error_t *error)
{
    must(tree != NULL || may_refuse(error));
    must(memchr(text.at, '\0', text.len) == NULL);
    must(memchr(text.at, '\n', text.len) == NULL);
    must(memchr(text.at, '\r', text.len) == NULL);
    must(pl_json_accepts(text));
    if (json_is_string(tree))
        compare_text(text, tree);
    if (json_is_number(tree))
        compare_integer(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size + (size == 0));
    json_error_t error;

    must(copy != NULL);
    if (size > 0)
        memcpy(copy, bytes, size);
    json_t *tree = json_loadb(
        copy, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
        &error);
    if (pl_json_accepts((struct pl_span){copy, size}))
        accepted((struct pl_span){copy, size}, tree, &error);
    else
        must(tree == NULL || depth_of(copy, size) > PL_JSON_DEPTH_MAX ||
             may_overlook(copy, size));
    json_decref(tree);
    free(copy);
    return 0;
}
