/* SPDX-License-Identifier: Apache-2.0 */
/* leak.c - loses memory, or keeps it where only one place knows of it.
 *
 *     leak lost | own | library | thread
 *
 * LeakSanitizer must find the first and be silent about the others, whatever
 * leak_roots.c leaves out.  A program of its own, since the search is at the
 * end of a process, and what it finds is the status of that. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static char *volatile own;

/* Its stack alone knows the memory, until the process ends. */
static void *keep(void *arg)
{
    char *volatile mine = strdup("a thread's");

    while (write(*(int *)arg, "", 1) == 1)
        pause();
    return mine;
}

static void start_thread(void)
{
    pthread_t thread;
    int ends[2];
    char ready;

    if (pipe(ends) != 0 || pthread_create(&thread, NULL, keep, &ends[1]) != 0 ||
        read(ends[0], &ready, 1) != 1)
        abort();
}

/* Not inlined: nothing of it is left in main's registers or frame. */
__attribute__((noinline)) static void lose(void)
{
    char *volatile lost = malloc(33);

    memset(lost, 1, 33);
    lost = NULL;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "lost") == 0)
        lose();
    else if (strcmp(what, "own") == 0)
        own = strdup("the program's");
    else if (strcmp(what, "library") == 0)
        openlog(strdup("the C library's"), 0, LOG_USER);
    else if (strcmp(what, "thread") == 0)
        start_thread();
    else
        return 2;
    return 0;
}
