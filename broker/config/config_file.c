/* SPDX-License-Identifier: Apache-2.0 */
/* config_file.c - see config_file.h. */
#include "config_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1 << 20 /* bytes */, PIECE = 16384 };

/* Read into memory that never moves: a buffer that grew would leave copies of
 * secrets behind.  Pages that are not used cost nothing. */
static enum pl_err read_all(FILE *f, struct pl_buf *text)
{
    pl_buf_reserve(text, FILE_MAX + 2 * PIECE);
    while (!text->failed && text->len <= FILE_MAX) {
        char *at = pl_buf_reserve(text, PIECE);
        size_t n = at == NULL ? 0 : fread(at, 1, PIECE, f);

        if (n == 0)
            break;
        text->len += n;
    }
    if (text->failed)
        return PL_ENOMEM;
    return ferror(f) ? PL_EIO : PL_OK;
}

/* The mode of a pipe does not matter: each byte has only one reader. */
static bool is_for_others(FILE *f)
{
    struct stat st;

    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
           (st.st_mode & S_IROTH) != 0;
}

enum pl_err pl_config_file_read(struct pl_buf *text, const char *name,
                                bool *can_others_read, const char **why)
{
    FILE *f = fopen(name, "re");
    enum pl_err rc = f == NULL ? PL_EIO : read_all(f, text);

    if (rc == PL_EIO)
        *why = strerror(errno);
    if (rc == PL_OK && text->len > FILE_MAX) {
        *why = "larger than 1 MiB";
        rc = PL_EINVAL;
    }
    if (f != NULL) {
        *can_others_read = is_for_others(f);
        fclose(f);
    }
    return rc;
}

void pl_config_file_fini(struct pl_buf *text)
{
    if (text->data != NULL)
        explicit_bzero(text->data, text->len);
    pl_buf_fini(text);
}
