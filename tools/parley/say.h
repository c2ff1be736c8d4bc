/* SPDX-License-Identifier: Apache-2.0 */
/* say.h - lines on stderr.  What others wrote in them cannot steer a
 * terminal. */
#ifndef PL_TOOL_SAY_H
#define PL_TOOL_SAY_H

#include <stdarg.h>
#include <stdbool.h>

/* "parley: " and what went wrong. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vcomplain(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* The same for what is no error; --quiet is silent. */
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Name the help, getopt having complained; gives EXIT_USAGE. */
int usage_hint(const char *command);

/* Complain and name the help; gives EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Of the option --quiet. */
extern bool say_is_quiet;

#endif
