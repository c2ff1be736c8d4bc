/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_pub.c - parley pub: publish one thing.
 *
 * JSON goes out byte for byte.  The broker's own scanner decides what JSON is,
 * so what passes here passes there.  Text that is not JSON is refused unless
 * --string says that it is text: JSON with a mistake in it would otherwise go
 * out as a string, without an error. */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "help.h"
#include "json_scan.h"
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

/* False: it is not JSON, and was complained about. */
static bool is_json(struct pl_span data)
{
    struct pl_arena arena = {0};
    struct pl_json j;

    pl_json_init(&j, data, &arena);
    const char *begin = j.at;
    pl_json_space(&j);
    if (pl_json_skip(&j, PL_JSON_DEPTH_MAX)) {
        pl_json_space(&j);
        if (j.at == j.end)
            return true;
        pl_json_fail(&j, "something follows");
    }
    complain("DATA is not JSON: %s at byte %zu; --string sends it as a string",
             j.why, (size_t)(j.at - begin));
    return false;
}

/* False: it cannot be sent. */
static bool build(struct pl_buf *body, const char *channel, struct pl_span data,
                  bool is_string)
{
    pl_buf_put_span(body, PL_SPAN("{\"channel\":"));
    put_string(body, channel, strlen(channel));
    pl_buf_put_span(body, PL_SPAN(",\"data\":"));
    if (is_string)
        put_string(body, data.len > 0 ? data.at : "", data.len);
    else
        pl_buf_put_span(body, data);
    pl_buf_put(body, "}", 2); /* with its zero */
    return !body->failed;
}

static int publish(const struct target *t, const char *channel,
                   struct pl_span data, bool is_string)
{
    struct pl_buf body = {0};
    json_t *result = NULL;
    int rc = EXIT_FAILED;

    if (!is_string && !is_json(data))
        return EXIT_USAGE;
    if (!build(&body, channel, data, is_string))
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

/* The data of the command line, or that of stdin in *input. */
static int read_data(char *argument, bool is_string, struct pl_buf *input,
                     struct pl_span *out)
{
    *out = pl_span_of(argument);
    if (!pl_span_equal(*out, PL_SPAN("-")))
        return EXIT_OK;
    if (!read_stdin(input)) {
        complain("cannot read stdin");
        return EXIT_FAILED;
    }
    *out = pl_buf_span(input);
    if (is_string && out->len > 0 && out->at[out->len - 1] == '\n')
        out->len--;
    return EXIT_OK;
}

int cmd_pub(int argc, char **argv)
{
    static const struct option options[] = {
        TARGET_LONG, {"string", no_argument, NULL, 'S'}, {0}};
    struct target t = {0};
    struct pl_buf input = {0};
    struct pl_span data;
    bool is_string = false;
    int option, rc = EXIT_OK;

    while ((option = getopt_long(argc, argv, "+" TARGET_SHORT, options,
                                 NULL)) != -1) {
        if (option == 'h') {
            print_command_help("pub");
            return EXIT_OK;
        }
        if (option == 'S')
            is_string = true;
        else
            rc = target_take(&t, "pub", option);
        if (rc != EXIT_OK)
            return rc;
    }
    if (argc - optind != 2)
        return usage_error("pub", "give a channel and data");
    char *channel = argv[optind];
    rc = target_complete(&t);
    if (rc == EXIT_OK)
        rc = read_data(argv[optind + 1], is_string, &input, &data);
    if (rc == EXIT_OK)
        rc = publish(&t, channel, data, is_string);
    pl_buf_fini(&input);
    target_fini(&t);
    return rc;
}
