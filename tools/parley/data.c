/* SPDX-License-Identifier: Apache-2.0 */
/* data.c - see data.h.
 *
 * JSON goes out byte for byte.  Text that is not JSON is refused unless
 * --string says that it is text: JSON with a mistake in it would otherwise go
 * out as a string, without an error. */
#include "data.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "exit_status.h"
#include "json_lines.h"
#include "say.h"
#include "utf8.h"

bool data_is_string, data_is_binary;

int data_convert(struct pl_buf *out, struct pl_span text, const char *name)
{
    const char *why;
    size_t at;

    if (data_is_string && !data_is_binary) {
        if (!pl_utf8_is_valid(text)) {
            complain("%s is not UTF-8", name);
            return EXIT_USAGE;
        }
        put_string(out, text);
        return EXIT_OK;
    }
    size_t begin = out->len;
    pl_buf_put_span(out, text);
    if (data_is_binary || out->failed)
        return EXIT_OK;
    /* The scanner may change line ends: in our copy. */
    struct pl_span copy = {out->data == NULL ? "" : out->data + begin,
                           text.len};
    if (is_json(copy, &why, &at))
        return EXIT_OK;
    complain("%s is not JSON: %s at byte %zu; --string sends it as a string",
             name, why, at);
    return EXIT_USAGE;
}

void data_choose_encoding(struct target *t)
{
    if (data_is_binary)
        t->is_protobuf = true;
}

void data_ask_terminal(void)
{
    if (isatty(STDIN_FILENO))
        remark("reading from the terminal; Ctrl-D ends it");
}

/* Without stdio, which would try again when a signal has come. */
static bool read_stdin(struct pl_buf *b)
{
    enum { PIECE = 65536 };
    ssize_t got;

    data_ask_terminal();
    do {
        char *at = pl_buf_reserve(b, PIECE);
        if (at == NULL)
            return false;
        got = read(STDIN_FILENO, at, PIECE);
        if (got > 0)
            b->len += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    return got == 0;
}

int data_read(struct pl_buf *out, const char *argument)
{
    struct pl_buf input = {0};

    if (strcmp(argument, "-") != 0)
        return data_convert(out, pl_span_of(argument), "DATA");
    if (!read_stdin(&input)) {
        complain("cannot read stdin");
        pl_buf_fini(&input);
        return EXIT_FAILED;
    }
    struct pl_span text = pl_buf_span(&input);
    if (data_is_string && text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    int rc = data_convert(out, text, "DATA");
    pl_buf_fini(&input);
    return rc;
}
