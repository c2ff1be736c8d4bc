/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - see result.h. */
#include "result.h"

#include <inttypes.h>

#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "plain.h"
#include "request.h"

static int take_result(const struct target *t, const struct pl_buf *answer,
                       struct pl_span *result)
{
    struct pl_span json = pl_buf_span(answer), error, code = PL_SPAN("0"), text;
    struct pl_buf words = {0};

    if (json_find(json, "error", &error)) {
        if (json_find(error, "message", &text))
            put_json_text(&words, text);
        json_find(error, "code", &code);
        complain("the broker refused: %.*s (%" PRIu64 ")", (int)words.len,
                 words.len > 0 ? words.data : "", json_number(code));
        pl_buf_fini(&words);
        return EXIT_FAILED;
    }
    if (json_find(json, "result", result))
        return EXIT_OK;
    complain("%s: no answer of a broker", target_name(t));
    return EXIT_FAILED;
}

int request_result(const struct target *t, const char *method,
                   struct pl_buf *body, struct pl_buf *answer,
                   struct pl_span *result)
{
    struct pl_buf path = {0};
    int rc = EXIT_FAILED;

    pl_buf_put_byte(body, '\0');
    pl_buf_printf(&path, "/api/%s", method);
    pl_buf_put_byte(&path, '\0');
    if (path.failed || body->failed)
        complain("out of memory");
    else
        rc = request(t, path.data, body->data, answer);
    if (rc == EXIT_OK)
        rc = take_result(t, answer, result);
    pl_buf_fini(&path);
    return rc;
}

void put_columns(struct pl_buf *line, struct pl_span json,
                 const char *const *names)
{
    struct pl_buf text = {0};
    struct pl_span value;

    for (size_t i = 0; names[i] != NULL; i++) {
        if (i > 0)
            pl_buf_put_byte(line, '\t');
        text.len = 0;
        if (json_find(json, names[i], &value))
            put_json_text(&text, value);
        put_plain(line, pl_buf_span(&text), PLAIN_LINE);
    }
    pl_buf_fini(&text);
}

bool print_row(const struct pl_buf *row)
{
    if (row->failed)
        complain("out of memory");
    else
        output_text("%.*s\n", (int)row->len, row->len > 0 ? row->data : "");
    return !row->failed && !output_is_unread();
}

void print_data(struct plc_bytes data)
{
    struct pl_buf line = {0};

    if (data.len == 0)
        data = (struct plc_bytes){"null", 4};
    pl_buf_put(&line, data.at, data.len);
    bool is = !line.failed && is_json(pl_buf_span(&line), NULL, NULL);
    if (!is || output_is_json) {
        line.len = 0;
        put_data(&line, "{", "data", data);
        pl_buf_put_byte(&line, '}');
    }
    output_buf(&line);
    pl_buf_fini(&line);
}
