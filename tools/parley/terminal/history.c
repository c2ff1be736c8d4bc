/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - see history.h.
 *
 * Each line is appended when it is entered, so that a program that ends
 * abruptly loses none, and two programs may share the file.  A newline inside a
 * line is written as \n and a backslash as \\.  Only the user may read the
 * file: what was entered may be private.
 *
 * Rejected: writing all lines at the end, because the last of two programs
 * would erase the lines of the other. */
#include "history.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

enum { FILE_LINES_MAX = 2 * PL_HISTORY_LINES };

static void drop_oldest(struct pl_history *h)
{
    free(h->lines[0]);
    memmove(h->lines, h->lines + 1, (h->count - 1) * sizeof h->lines[0]);
    h->count--;
}

/* Keep `line`, which is owned. */
static void keep(struct pl_history *h, char *line)
{
    if (h->count == PL_HISTORY_LINES)
        drop_oldest(h);
    h->lines[h->count++] = line;
}

static void unescape(char *line)
{
    char *out = line;

    for (const char *in = line; *in != '\0'; in++) {
        if (in[0] == '\\' && (in[1] == 'n' || in[1] == '\\'))
            *out++ = *++in == 'n' ? '\n' : '\\';
        else
            *out++ = *in;
    }
    *out = '\0';
}

static void put_escaped_line(struct pl_buf *b, const char *line)
{
    for (; *line != '\0'; line++) {
        if (*line == '\n')
            pl_buf_put(b, "\\n", 2);
        else if (*line == '\\')
            pl_buf_put(b, "\\\\", 2);
        else
            pl_buf_put_byte(b, *line);
    }
    pl_buf_put_byte(b, '\n');
}

/* Return the lines of the file, also those that are not kept. */
static size_t read_lines(struct pl_history *h, FILE *f)
{
    size_t count = 0, size = 0;
    char *line = NULL;
    ssize_t len;

    while ((len = getline(&line, &size, f)) > 0) {
        count++;
        if (line[len - 1] == '\n')
            line[--len] = '\0';
        if (len == 0 || len > PL_HISTORY_LINE_MAX || strlen(line) < (size_t)len)
            continue;
        char *copy = strdup(line);
        if (copy == NULL)
            break;
        unescape(copy);
        keep(h, copy);
    }
    free(line);
    return count;
}

static bool write_all(int fd, struct pl_span s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.at, s.len);

        if (n < 0)
            return false;
        s.at += n;
        s.len -= (size_t)n;
    }
    return true;
}

/* Replace the file by the lines in memory, at once: another program reads the
 * old file or the new one. */
static void shorten(const struct pl_history *h)
{
    struct pl_buf b = {0}, name = {0};

    for (size_t i = 0; i < h->count; i++)
        put_escaped_line(&b, h->lines[i]);
    pl_buf_printf(&name, "%s.XXXXXX", h->path);
    int fd = name.failed || b.failed ? -1 : mkstemp(name.data);
    if (fd >= 0) {
        bool is_written = write_all(fd, pl_buf_span(&b));
        if (close(fd) != 0 || !is_written || rename(name.data, h->path) != 0)
            unlink(name.data);
    }
    pl_buf_fini(&b);
    pl_buf_fini(&name);
}

enum pl_err pl_history_init(struct pl_history *h, const char *path)
{
    *h = (struct pl_history){0};
    if (path == NULL)
        return PL_OK;
    h->path = strdup(path);
    if (h->path == NULL)
        return PL_ENOMEM;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return PL_OK;
    size_t count = read_lines(h, f);
    fclose(f);
    if (count > FILE_LINES_MAX)
        shorten(h);
    return PL_OK;
}

void pl_history_fini(struct pl_history *h)
{
    for (size_t i = 0; i < h->count; i++)
        free(h->lines[i]);
    free(h->path);
    *h = (struct pl_history){0};
}

static bool append(const struct pl_history *h, const char *line)
{
    struct pl_buf b = {0};
    bool is_written = false;
    int fd = open(h->path,
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    put_escaped_line(&b, line);
    if (fd >= 0) {
        is_written = !b.failed && write_all(fd, pl_buf_span(&b));
        close(fd);
    }
    pl_buf_fini(&b);
    return is_written;
}

bool pl_history_add(struct pl_history *h, struct pl_span line)
{
    if (line.len == 0 || line.len > PL_HISTORY_LINE_MAX / 2 ||
        memchr(line.at, '\0', line.len) != NULL)
        return true;
    if (h->count > 0 && pl_span_equal(line, pl_span_of(h->lines[h->count - 1])))
        return true;
    char *copy = strndup(line.at, line.len);
    if (copy == NULL)
        return false;
    keep(h, copy);
    return h->path == NULL || append(h, copy);
}
