/* SPDX-License-Identifier: Apache-2.0 */
/* say.c - see say.h. */
#include "say.h"

#include <stdio.h>

#include "exit_status.h"
#include "plain.h"

bool say_is_quiet;

__attribute__((format(printf, 2, 0))) static void
say(const char *before, const char *format, va_list args)
{
    struct pl_buf line = {0};
    char text[2048];

    vsnprintf(text, sizeof text, format, args);
    put_plain(&line, pl_span_of(text), PLAIN_LINE);
    fprintf(stderr, "%s: %.*s\n", before, (int)line.len,
            line.len > 0 ? line.data : "");
    pl_buf_fini(&line);
}

void vcomplain(const char *format, va_list args)
{
    say("parley", format, args);
}

void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vcomplain(format, args);
    va_end(args);
}

void remark(const char *format, ...)
{
    va_list args;

    if (say_is_quiet)
        return;
    va_start(args, format);
    vcomplain(format, args);
    va_end(args);
}

int usage_hint(const char *command)
{
    fprintf(stderr, "Try `parley %s --help`.\n", command);
    return EXIT_USAGE;
}

int usage_error(const char *command, const char *format, ...)
{
    char name[64];
    va_list args;

    snprintf(name, sizeof name, "parley %s", command);
    va_start(args, format);
    say(name, format, args);
    va_end(args);
    return usage_hint(command);
}
