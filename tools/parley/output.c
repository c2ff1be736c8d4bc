/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - see output.h. */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

static int failed; /* errno of the first write that failed */

static void note_failure(void)
{
    if (failed == 0)
        failed = errno != 0 ? errno : EIO;
}

bool output_line(const char *text, size_t len)
{
    errno = 0;
    fwrite(text, 1, len, stdout);
    fputc('\n', stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        note_failure();
    return failed == 0;
}

bool output_is_unread(void)
{
    return failed == EPIPE;
}

int output_end(int rc)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        note_failure();
    if (failed == 0 || failed == EPIPE)
        return rc;
    complain("cannot write to stdout: %s", strerror(failed));
    return rc == EXIT_OK ? EXIT_FAILED : rc;
}
