/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exit_status.h"
#include "plain.h"
#include "say.h"
#include "interrupt.h"

bool output_is_json;

static int failed; /* errno of the first write that failed */

static void note_failure(void)
{
    if (failed == 0)
        failed = errno != 0 ? errno : EIO;
}

static bool is_terminal(void)
{
    static int is = -1;

    if (is < 0)
        is = isatty(STDOUT_FILENO);
    return is == 1;
}

static void flush(void)
{
    errno = 0;
    interrupt_enter_wait();
    if (fflush(stdout) != 0 || ferror(stdout))
        note_failure();
    interrupt_leave_wait();
}

/* The buffer of stdout may be written at any time. */
static void put(struct pl_span text, enum plain_form form)
{
    struct pl_buf safe = {0};

    if (is_terminal()) {
        put_plain(&safe, text, form);
        text = pl_buf_span(&safe);
    }
    interrupt_enter_wait();
    if (text.len > 0)
        fwrite(text.at, 1, text.len, stdout);
    interrupt_leave_wait();
    pl_buf_fini(&safe);
}

bool output_line(const char *text, size_t len)
{
    put((struct pl_span){text, len}, PLAIN_JSON);
    fputc('\n', stdout);
    flush();
    return failed == 0;
}

bool output_buf(struct pl_buf *line)
{
    if (line->failed) {
        complain("out of memory");
        return false;
    }
    bool is_out = output_line(line->len > 0 ? line->data : "", line->len);
    line->len = 0;
    return is_out;
}

void output_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0)
        put(pl_span_of(text), PLAIN_PAGE);
    else
        note_failure();
    va_end(args);
    free(text);
}

void output_flush(void)
{
    flush();
}

bool output_is_unread(void)
{
    return failed == EPIPE;
}

bool output_has_lost_reader(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

int output_end(int rc)
{
    flush();
    if (failed == 0 || failed == EPIPE)
        return rc;
    complain("cannot write to stdout: %s", strerror(failed));
    return rc == EXIT_OK ? EXIT_FAILED : rc;
}
