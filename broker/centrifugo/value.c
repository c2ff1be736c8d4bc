/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - see value.h.
 *
 * Numbers saturate, so that parley's own bounds refuse those that are too
 * large.
 *
 * Rejected: strtod() for durations, because it also reads "inf", "0x1p3" and
 * what the locale calls a number. */
#include "value.h"

#include <string.h>

enum { NS_IN_MS = 1000000 };

bool pl_value_bool(const char *text, bool *out)
{
    static const char *const words[] = {"false", "False", "FALSE", "f",
                                        "F",     "0",     "true",  "True",
                                        "TRUE",  "t",     "T",     "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i >= 6;
            return true;
        }
    return false;
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Read digits; return what follows them. */
static const char *read_digits(const char *text, uint64_t *out)
{
    for (*out = 0; *text >= '0' && *text <= '9'; text++)
        *out = plus(times(*out, 10), (uint64_t)(*text - '0'));
    return text;
}

/* A whole number; also as "64000.0" and "1e6", which some writers of JSON
 * make. */
bool pl_value_number(const char *text, uint64_t *out)
{
    uint64_t power = 0;
    const char *at = read_digits(text, out);

    if (at == text)
        return false;
    if (*at == '.') {
        const char *zeros = at + 1;
        at = zeros + strspn(zeros, "0");
        if (at == zeros)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += at[1] == '+' ? 2 : 1;
        const char *end = read_digits(at, &power);
        if (end == at || power > 20)
            return false;
        at = end;
    }
    for (; power > 0; power--)
        *out = times(*out, 10);
    return *at == '\0';
}

/* Read a unit at `*at` and go behind it.  Return its nanoseconds, 0: none. */
static uint64_t read_unit(const char **at)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ns", 1},           {"us", 1000},        {"\xc2\xb5s", 1000},
                 {"\xce\xbcs", 1000}, {"ms", NS_IN_MS},    {"s", 1000000000},
                 {"m", 60000000000},  {"h", 3600000000000}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t len = strlen(units[i].name);

        if (strncmp(*at, units[i].name, len) != 0)
            continue;
        *at += len;
        return units[i].ns;
    }
    return 0;
}

/* Read "1.5h" at `*at` and go behind it. */
static bool read_part(const char **at, uint64_t *ns)
{
    uint64_t whole, part = 0, scale = 1;
    const char *dot = read_digits(*at, &whole), *end = dot;

    if (*dot == '.') {
        for (end = dot + 1; *end >= '0' && *end <= '9'; end++)
            if (scale < 1000000) {
                part = part * 10 + (uint64_t)(*end - '0');
                scale *= 10;
            }
    }
    if (end == *at || (end == dot + 1 && dot == *at))
        return false; /* no digit */
    *at = end;
    uint64_t unit = read_unit(at);
    *ns = plus(*ns, plus(times(whole, unit), times(part, unit) / scale));
    return unit != 0;
}

bool pl_value_duration(const char *text, uint64_t *out)
{
    uint64_t ns = 0;
    const char *at = text + (text[0] == '+');

    if (*at == '\0')
        return false;
    if (!pl_value_number(text, &ns))
        for (ns = 0; *at != '\0';)
            if (!read_part(&at, &ns))
                return false;
    *out = ns / NS_IN_MS + (ns % NS_IN_MS != 0);
    return true;
}

void pl_value_put_duration(struct pl_buf *out, uint64_t ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (ms > 0 && ms % units[i].ms == 0) {
            pl_buf_printf(out, "%llu%s", (unsigned long long)(ms / units[i].ms),
                          units[i].name);
            return;
        }
    if (ms == 0)
        pl_buf_put_byte(out, '0');
    else
        pl_buf_printf(out, "%llums", (unsigned long long)ms);
}
