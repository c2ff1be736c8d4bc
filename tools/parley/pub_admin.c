/* SPDX-License-Identifier: Apache-2.0 */
/* pub_admin.c - see pub_admin.h.
 *
 * Lines go out in batches of what stdin had, one request after the other, so
 * they arrive in their order.  The broker begins a batch in order too.
 *
 * Invariant: a batch has at most as many calls and bytes as the server API
 * takes, unless one line alone has more. */
#include "pub_admin.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "data.h"
#include "json_lines.h"
#include "lines.h"
#include "output.h"
#include "pub_client.h"
#include "request.h"
#include "utf8.h"

enum { BATCH = 1000, BATCH_BYTES = 512 * 1024 };

/* The call's parameters. */
static void put_call(struct pl_buf *b, const char *channel, struct pl_span data)
{
    struct plc_bytes bytes = {data.at, data.len};

    put_member(b, "{", "channel", channel);
    if (data_is_binary) {
        put_base64(b, ",\"b64data\":", bytes);
    } else {
        pl_buf_put_span(b, PL_SPAN(",\"data\":"));
        pl_buf_put_span(b, data);
    }
    pl_buf_put_byte(b, '}');
}

/* --- One --- */

static void print_result(const json_t *result)
{
    const json_t *offset = json_object_get(result, "offset");
    const char *epoch = json_string_value(json_object_get(result, "epoch"));
    struct pl_buf line = {0};

    if (output_is_json) {
        pl_buf_put_span(&line, PL_SPAN("{\"published\":1"));
        if (offset != NULL)
            pl_buf_printf(&line, ",\"offset\":%" JSON_INTEGER_FORMAT,
                          json_integer_value(offset));
        if (epoch != NULL)
            put_member(&line, ",", "epoch", epoch);
        pl_buf_put_byte(&line, '}');
        output_buf(&line);
    } else if (offset != NULL) {
        output_text("published, offset %" JSON_INTEGER_FORMAT "\n",
                    json_integer_value(offset));
    } else {
        output_text("published\n");
    }
    pl_buf_fini(&line);
}

static int publish_one(const struct target *t, const char *channel,
                       struct pl_span data)
{
    struct pl_buf body = {0};
    json_t *result = NULL;
    int rc = EXIT_FAILED;

    put_call(&body, channel, data);
    pl_buf_put_byte(&body, '\0');
    if (body.failed)
        complain("out of memory");
    else
        rc = request_api(t, "publish", body.data, &result);
    if (rc == EXIT_OK)
        print_result(result);
    json_decref(result);
    pl_buf_fini(&body);
    return rc;
}

/* --- Lines --- */

struct batch {
    const struct target *target;
    const char *channel;
    struct lines lines;
    struct pace pace;
    struct pl_buf body, converted;
    unsigned count;
    uint64_t done, number;
};

/* Count the replies without an error; complain about the first with one. */
static int judge_replies(struct batch *b, const struct pl_buf *answer)
{
    json_t *json = json_loadb(answer->data, answer->len, 0, NULL), *reply;
    const json_t *replies = json_object_get(json, "replies");
    int rc = json_array_size(replies) == b->count ? EXIT_OK : EXIT_FAILED;
    size_t i;

    if (rc != EXIT_OK)
        complain("%s: no answer of a broker", target_name(b->target));
    json_array_foreach(replies, i, reply)
    {
        const json_t *error = json_object_get(reply, "error");
        const char *text = json_string_value(json_object_get(error, "message"));

        if (error == NULL)
            b->done++;
        else if (rc == EXIT_OK)
            complain("the broker refused: %s (%" JSON_INTEGER_FORMAT ")",
                     text != NULL ? text : "no reason",
                     json_integer_value(json_object_get(error, "code")));
        if (error != NULL)
            rc = EXIT_FAILED;
    }
    json_decref(json);
    return rc;
}

static int send_batch(struct batch *b)
{
    struct pl_buf answer = {0};

    if (b->count == 0)
        return EXIT_OK;
    pl_buf_put(&b->body, "]}", 3); /* with its zero */
    if (b->body.failed) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    int rc = request(b->target, "/api/batch", b->body.data, &answer);
    if (rc == EXIT_OK)
        rc = judge_replies(b, &answer);
    pl_buf_fini(&answer);
    b->body.len = 0;
    b->count = 0;
    return rc;
}

static int add_line(struct batch *b, struct pl_span line)
{
    char name[48];

    b->number++;
    if (line.len == 0 && !data_is_string && !data_is_binary)
        return EXIT_OK; /* no JSON, and no mistake */
    snprintf(name, sizeof name, "line %" PRIu64, b->number);
    b->converted.len = 0;
    int rc = data_convert(&b->converted, line, name);
    if (rc != EXIT_OK)
        return rc;
    pl_buf_put_span(&b->body,
                    b->count == 0 ? PL_SPAN("{\"commands\":[") : PL_SPAN(","));
    pl_buf_put_span(&b->body, PL_SPAN("{\"publish\":"));
    put_call(&b->body, b->channel, pl_buf_span(&b->converted));
    pl_buf_put_byte(&b->body, '}');
    b->count++;
    b->pace.sent++;
    return EXIT_OK;
}

/* Publish the lines that are here and may go. */
static int publish_some(struct batch *b)
{
    unsigned allowed = pace_allows(&b->pace, BATCH);
    struct pl_span line;
    int rc = EXIT_OK;

    if (allowed == 0)
        poll(NULL, 0, (int)pace_wait_ms(&b->pace));
    while (rc == EXIT_OK && allowed-- > 0 && b->body.len < BATCH_BYTES &&
           lines_next(&b->lines, &line))
        rc = add_line(b, line);
    int sent = send_batch(b);
    return rc != EXIT_OK ? rc : sent;
}

static int publish_lines(struct batch *b)
{
    int rc = EXIT_OK;

    data_ask_terminal();
    while (rc == EXIT_OK && !lines_are_done(&b->lines)) {
        if (!lines_has_next(&b->lines))
            lines_read(&b->lines);
        else
            rc = publish_some(b);
    }
    if (rc == EXIT_OK && b->lines.error != 0) {
        complain("cannot read stdin: %s", strerror(b->lines.error));
        rc = EXIT_FAILED;
    }
    print_published(b->done);
    return rc;
}

int pub_as_admin(const struct target *t, const char *channel,
                 const struct pl_buf *data, int64_t rate)
{
    struct batch b = {.target = t, .channel = channel, .pace = {.rate = rate}};

    if (!pl_utf8_is_valid(pl_span_of(channel))) {
        complain("the channel is not UTF-8");
        return EXIT_FAILED;
    }
    if (data != NULL)
        return publish_one(t, channel, pl_buf_span(data));
    int rc = publish_lines(&b);
    lines_fini(&b.lines);
    pl_buf_fini(&b.body);
    pl_buf_fini(&b.converted);
    return rc;
}
