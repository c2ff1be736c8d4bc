/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json_accepts.c - pl_json_accepts() and jansson agree on what JSON is.
 *
 * Told to take any value, zeros in strings and integers of any size, jansson
 * 2.14 still differs from RFC 8259, or we from it:
 * - it refuses half a surrogate pair written as an escape: the grammar allows
 *   it, and a payload's strings are not ours to interpret;
 * - it refuses a zero, even escaped, in a key, and numbers beyond a double;
 * - it nests up to 2048 deep, we up to 64.
 * - it overlooks a zero byte behind a number or a word.
 * In these cases, and no others, the answers may differ.  What was accepted
 * must be accepted again, and without raw newlines. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

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

/* Whether there is an escape of a surrogate, in a pair or not. */
static bool has_surrogate(const char *at, size_t len)
{
    for (size_t i = 0; i + 3 < len; i++)
        if (at[i] == '\\' && at[i + 1] == 'u' &&
            (at[i + 2] == 'd' || at[i + 2] == 'D') &&
            strchr("89abcdefABCDEF", at[i + 3]) != NULL && at[i + 3] != '\0')
            return true;
    return false;
}

static bool may_refuse(const json_error_t *error, const char *at, size_t len)
{
    switch (json_error_code(error)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
        return true;
    default:
        return has_surrogate(at, len);
    }
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
    if (pl_json_accepts((struct pl_span){copy, size})) {
        must(tree != NULL || may_refuse(&error, copy, size));
        must(memchr(copy, '\0', size) == NULL);
        must(memchr(copy, '\n', size) == NULL);
        must(memchr(copy, '\r', size) == NULL);
        must(pl_json_accepts((struct pl_span){copy, size}));
    } else {
        must(tree == NULL || depth_of(copy, size) > 64 ||
             memchr(copy, '\0', size) != NULL);
    }
    json_decref(tree);
    free(copy);
    return 0;
}
