/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pub.c - parley pub: publish one thing.
 *
 * JSON goes out byte for byte; anything else is sent as a JSON string, so that
 * `parley pub news hello` does what it looks like.  jansson decides, and is
 * told to take integers of any length, which it cannot hold but we do not need.
 */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "request.h"

static bool read_stdin(struct pl_buf *b)
{
    size_t got;

    do {
        char *at = pl_buf_reserve(b, 65536);
        if (at == NULL)
            return false;
        got = fread(at, 1, 65536, stdin);
        b->len += got;
    } while (got > 0);
    return ferror(stdin) == 0;
}

static void put_string(struct pl_buf *b, const char *text, size_t len)
{
    json_t *string = json_stringn(text, len);
    char *quoted = string == NULL ? NULL : json_dumps(string, JSON_ENCODE_ANY);

    if (quoted == NULL)
        b->failed = true;
    else
        pl_buf_put_span(b, pl_span_of(quoted));
    free(quoted);
    json_decref(string);
}

/* False: it cannot be sent. */
static bool build(struct pl_buf *body, const char *channel, struct pl_span data)
{
    json_t *json = json_loadb(
        data.len > 0 ? data.at : "", data.len,
        JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);

    pl_buf_put_span(body, PL_SPAN("{\"channel\":"));
    put_string(body, channel, strlen(channel));
    pl_buf_put_span(body, PL_SPAN(",\"data\":"));
    if (json != NULL)
        pl_buf_put_span(body, data);
    else
        put_string(body, data.len > 0 ? data.at : "", data.len);
    pl_buf_put(body, "}", 2); /* with its zero */
    json_decref(json);
    return !body->failed;
}

static int publish(const struct target *t, const char *channel,
                   struct pl_span data)
{
    struct pl_buf body = {0};
    json_t *result = NULL;
    int rc = EXIT_FAILED;

    if (!build(&body, channel, data))
        complain("the channel or the data is not UTF-8");
    else
        rc = request_api(t, "publish", body.data, &result);
    if (rc == EXIT_OK) {
        json_t *offset = json_object_get(result, "offset");
        if (offset != NULL)
            printf("published, offset %" JSON_INTEGER_FORMAT "\n",
                   json_integer_value(offset));
        else
            puts("published");
    }
    json_decref(result);
    pl_buf_fini(&body);
    return rc;
}

int cmd_pub(int argc, char **argv)
{
    static const struct option options[] = {TARGET_LONG, {0}};
    struct target t = {0};
    struct pl_buf input = {0};
    int option;

    while ((option = getopt_long(argc, argv, "+" TARGET_SHORT, options,
                                 NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return EXIT_OK;
        }
        if (!target_take(&t, option))
            return EXIT_USAGE;
    }
    if (argc - optind != 2)
        return usage_error("pub", "give a channel and data");
    struct pl_span data = pl_span_of(argv[optind + 1]);
    if (pl_span_equal(data, PL_SPAN("-"))) {
        if (!read_stdin(&input)) {
            complain("cannot read stdin");
            pl_buf_fini(&input);
            return EXIT_FAILED;
        }
        data = pl_buf_span(&input);
    }
    int rc = target_complete(&t);
    if (rc == EXIT_OK)
        rc = publish(&t, argv[optind], data);
    pl_buf_fini(&input);
    target_fini(&t);
    return rc;
}
