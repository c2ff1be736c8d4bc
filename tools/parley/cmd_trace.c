/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_trace.c - parley trace: what happens to a channel, a user or an actor, as
 * it happens.
 *
 * Lines come in batches, a loop after the other, and are printed as they come:
 * to sort them by time would mean to wait for the slowest loop.  The time
 * stands in front, so that `sort` can. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "output.h"
#include "request.h"
#include "table.h"

static bool has_payload;
static const char *filter;

static const struct opt options[] = {{"payload", 0, NULL, OPT_FLAG,
                                      &has_payload, "show the data of messages",
                                      NULL},
                                     {"filter", 0, "TEXT", OPT_TEXT, &filter,
                                      "only lines with TEXT in them", NULL},
                                     {0}};

static uint64_t kept, dropped;

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void put_time(struct pl_buf *b, json_int_t us)
{
    time_t s = (time_t)(us / 1000000);
    char out[16];
    struct tm tm;

    if (localtime_r(&s, &tm) == NULL ||
        strftime(out, sizeof out, "%H:%M:%S", &tm) == 0)
        return;
    pl_buf_printf(b, "%s.%06d", out, (int)(us % 1000000));
}

static bool is_in_front(const char *key)
{
    static const char *const keys[] = {"time_us", "loop", "event", "data"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

/* Append the members that have no place of their own, as "key value". */
static void put_members(struct pl_buf *b, const json_t *o)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)o, key, value)
    {
        if (is_in_front(key))
            continue;
        char *shown = json_is_string(value)
                          ? strdup(json_string_value(value))
                          : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        pl_buf_printf(b, "  %s %s", key, shown != NULL ? shown : "?");
        free(shown);
    }
}

static void print_event(const json_t *o)
{
    json_t *data = json_object_get(o, "data");
    struct pl_buf b = {0};

    put_time(&b, json_integer_value(json_object_get(o, "time_us")));
    pl_buf_printf(&b, "  %2d  %-13s",
                  (int)json_integer_value(json_object_get(o, "loop")),
                  text(o, "event"));
    put_members(&b, o);
    if (data != NULL) {
        char *shown = json_dumps(data, JSON_ENCODE_ANY | JSON_COMPACT);
        pl_buf_printf(&b, "\n                           %s",
                      shown != NULL ? shown : "?");
        free(shown);
    }
    pl_buf_put(&b, "", 1);
    if (!b.failed)
        output_text("%s\n", b.data);
    pl_buf_fini(&b);
}

/* What the broker says of the trace itself. */
static bool take_remark(const json_t *o, const char *event)
{
    if (strcmp(event, "begin") == 0)
        return true;
    if (strcmp(event, "dropped") == 0) {
        dropped += (uint64_t)json_integer_value(json_object_get(o, "count"));
        remark("%llu lines were dropped: there were too many",
               (unsigned long long)dropped);
        return true;
    }
    if (strcmp(event, "error") != 0)
        return false;
    complain("%s", text(o, "reason") != NULL ? text(o, "reason") : "refused");
    return true;
}

static bool on_line(const char *line, size_t len)
{
    json_t *o = json_loadb(line, len, 0, NULL);
    const char *event = text(o, "event");

    if (event != NULL && !take_remark(o, event) &&
        (filter == NULL || memmem(line, len, filter, strlen(filter)) != NULL)) {
        kept++;
        if (output_is_json)
            output_line(line, len);
        else
            print_event(o);
        output_flush();
    }
    json_decref(o);
    return !output_is_unread();
}

/* "1.17.3": an actor. */
static bool is_address(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789.") == strlen(name) &&
           strchr(name, '.') != NULL;
}

static void write_path(struct pl_buf *path, const char *name)
{
    static const char *const kinds[] = {"channel", "user", "client", "actor"};
    const char *colon = strchr(name, ':');
    const char *kind = is_address(name) ? "actor" : "channel";

    for (size_t i = 0; colon != NULL && i < sizeof kinds / sizeof kinds[0];
         i++) {
        if (strlen(kinds[i]) == (size_t)(colon - name) &&
            strncmp(kinds[i], name, (size_t)(colon - name)) == 0) {
            kind = kinds[i];
            name = colon + 1;
            break;
        }
    }
    pl_buf_printf(path, "/trace?%s=", kind);
    put_escaped(path, name);
    if (has_payload)
        pl_buf_put_span(path, PL_SPAN("&payload=1"));
    pl_buf_put(path, "", 1);
}

static int run(struct target *t, int argc, char **argv)
{
    struct pl_buf path = {0};
    int rc = EXIT_FAILED;

    (void)argc;
    write_path(&path, argv[0]);
    if (path.failed)
        complain("out of memory");
    else
        rc = request_lines(t, path.data, on_line);
    pl_buf_fini(&path);
    return rc;
}

const struct command command_trace = {
    .name = "trace",
    .arguments = "CHANNEL | user:ID | client:ID | ADDRESS",
    .summary = "show what happens to a channel, a user or an actor",
    .text =
        "A line for each publication and where it goes, each command and its\n"
        "reply, each message of a mailbox; and for each client that misses\n"
        "something, why.  channel:NAME is a channel of any name, and ADDRESS\n"
        "is that of an actor in `top actors`.  Payloads are hidden.  If there\n"
        "is more than can be sent, lines are dropped, and it says how many.\n"
        "Ends as `sub` does.\n",
    .options = options,
    .reach = REACH_ADMIN,
    .least = 1,
    .most = 1,
    .run = run,
};
