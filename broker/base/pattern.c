/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - see pattern.h.
 *
 * PCRE2 backtracks, so each match has a limit of steps and of memory: a text
 * that makes it slow does not match.
 *
 * Rejected: POSIX expressions, because they have no named groups and no limit;
 * Debian's RE2, because it is a library in C++. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

/* Steps, and KiB: less than a millisecond. */
enum { STEPS_MAX = 20000, HEAP_MAX = 256 };

struct pl_pattern {
    pcre2_code *code;             /* owned */
    pcre2_match_context *context; /* owned; constant */
};

static pcre2_code *compile(struct pl_span text, int *error, size_t *at)
{
    *error = 0;
    return pcre2_compile((PCRE2_SPTR)text.at, text.len,
                         PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, error, at, NULL);
}

enum pl_err pl_pattern_check(struct pl_span text, char *why, size_t size)
{
    PCRE2_UCHAR said[120];
    int error;
    size_t at;
    pcre2_code *code = compile(text, &error, &at);

    if (code != NULL) {
        pcre2_code_free(code);
        return PL_OK;
    }
    if (error == PCRE2_ERROR_HEAP_FAILED)
        return PL_ENOMEM;
    if (pcre2_get_error_message(error, said, sizeof said) < 0)
        said[0] = '\0';
    snprintf(why, size, "%s, at byte %zu", (const char *)said, at);
    return PL_EINVAL;
}

enum pl_err pl_pattern_create(struct pl_pattern **out, struct pl_span text)
{
    struct pl_pattern *p = calloc(1, sizeof *p);
    int error;
    size_t at;

    if (p == NULL)
        return PL_ENOMEM;
    p->code = compile(text, &error, &at);
    p->context = pcre2_match_context_create(NULL);
    if (p->code == NULL || p->context == NULL) {
        bool is_bad = p->code == NULL && error != PCRE2_ERROR_HEAP_FAILED;

        pl_pattern_destroy(p);
        return is_bad ? PL_EINVAL : PL_ENOMEM;
    }
    pcre2_set_match_limit(p->context, STEPS_MAX);
    pcre2_set_depth_limit(p->context, STEPS_MAX);
    pcre2_set_heap_limit(p->context, HEAP_MAX);
    *out = p;
    return PL_OK;
}

void pl_pattern_destroy(struct pl_pattern *p)
{
    if (p == NULL)
        return;
    pcre2_match_context_free(p->context);
    pcre2_code_free(p->code);
    free(p);
}

/* Match `text`.  *group: set to the part of the group `name`, unless that is
 * NULL. */
static bool match(const struct pl_pattern *p, struct pl_span text,
                  const char *name, struct pl_span *group)
{
    pcre2_match_data *data =
        pcre2_match_data_create_from_pattern(p->code, NULL);
    PCRE2_SIZE *ends;
    int number = 0;
    bool good = data != NULL &&
                pcre2_match(p->code, (PCRE2_SPTR)(text.len == 0 ? "" : text.at),
                            text.len, 0, 0, data, p->context) > 0;

    if (good && name != NULL) {
        number = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)name);
        ends = pcre2_get_ovector_pointer(data);
        good = number > 0 && ends[2 * (size_t)number] != PCRE2_UNSET;
        if (good)
            *group = (struct pl_span){text.at + ends[2 * (size_t)number],
                                      ends[2 * (size_t)number + 1] -
                                          ends[2 * (size_t)number]};
    }
    pcre2_match_data_free(data);
    return good;
}

bool pl_pattern_matches(const struct pl_pattern *p, struct pl_span text)
{
    return match(p, text, NULL, NULL);
}

bool pl_pattern_group(const struct pl_pattern *p, struct pl_span text,
                      const char *name, struct pl_span *out)
{
    return match(p, text, name, out);
}
