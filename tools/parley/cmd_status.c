/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_status.c - parley status: the broker's status for people.
 *
 * The page shows what the JSON has, a line a group: a new number in a group
 * appears here by itself. */
#include <inttypes.h>

#include "commands.h"
#include "output.h"
#include "request.h"

static json_int_t number(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

static const char *text(const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));

    return value != NULL ? value : "?";
}

/* 93784000 ms as "1d 2h 3m 4s", without what is zero in front. */
static void print_time(json_int_t ms)
{
    json_int_t s = ms / 1000;

    if (s >= 86400)
        output_text("%" JSON_INTEGER_FORMAT "d ", s / 86400);
    if (s >= 3600)
        output_text("%" JSON_INTEGER_FORMAT "h ", s / 3600 % 24);
    if (s >= 60)
        output_text("%" JSON_INTEGER_FORMAT "m ", s / 60 % 60);
    output_text("%" JSON_INTEGER_FORMAT "s", s % 60);
}

static void print_head(const json_t *s)
{
    output_text("parleyd %s  %s  up ", text(s, "version"), text(s, "phase"));
    print_time(number(s, "uptime_ms"));
    output_text("  %.1f MiB\n\n",
                (double)number(s, "memory_bytes") / 1048576.0);
}

/* "word_word" as "word word". */
static void print_words(const char *key)
{
    for (; *key != '\0'; key++)
        output_text("%c", *key == '_' ? ' ' : *key);
}

/* Return true if a member of the status is a group of numbers, which has a line
 * of its own. */
static bool is_group(json_t *value)
{
    return json_is_number(json_object_iter_value(json_object_iter(value)));
}

static void print_group(const char *name, const json_t *group)
{
    const char *key, *between = "";
    json_t *value;
    int width = 16;

    output_text("  ");
    print_words(name);
    width -= (int)strlen(name);
    output_text("%*s", width > 0 ? width : 1, "");
    json_object_foreach((json_t *)group, key, value)
    {
        output_text("%s", between);
        print_words(key);
        if (json_is_real(value))
            output_text(" %.2f %%", 100.0 * json_real_value(value));
        else
            output_text(" %" JSON_INTEGER_FORMAT, json_integer_value(value));
        between = ", ";
    }
    output_text("\n");
}

static void print_loop(const json_t *l)
{
    const char *handler = json_string_value(json_object_get(l, "handler"));

    output_text("  loop %-2" JSON_INTEGER_FORMAT "  %6" JSON_INTEGER_FORMAT
                " connections  %6" JSON_INTEGER_FORMAT
                " actors  mail %" JSON_INTEGER_FORMAT
                " queued, %" JSON_INTEGER_FORMAT
                " deepest  turn %.3f ms, longest %.3f ms",
                number(l, "loop"), number(l, "connections"),
                number(l, "actors"), number(l, "mail_queued"),
                number(l, "mail_deepest"), (double)number(l, "lag_ns") / 1e6,
                (double)number(l, "lag_max_ns") / 1e6);
    if (handler != NULL)
        output_text("  in %s for %" JSON_INTEGER_FORMAT " ms", handler,
                    number(l, "handler_ms"));
    if (number(l, "stuck_ms") > 0)
        output_text("  NOT TURNING for %" JSON_INTEGER_FORMAT " ms",
                    number(l, "stuck_ms"));
    output_text("\n");
}

static void print_phase(const json_t *p)
{
    const char *state = text(p, "state");

    if (strcmp(state, "ahead") == 0)
        return;
    output_text("  %-10s  %s  %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                " ms, forced %" JSON_INTEGER_FORMAT "\n",
                text(p, "phase"), state, number(p, "elapsed_ms"),
                number(p, "deadline_ms"), number(p, "forced"));
}

static void print_ledger(const char *name, const json_t *l)
{
    const char *key, *between = " ";
    json_t *value;

    output_text("  %-10s", name);
    json_object_foreach((json_t *)l, key, value)
    {
        if (!json_is_integer(value))
            continue;
        output_text("%s%s %" JSON_INTEGER_FORMAT, between, key,
                    json_integer_value(value));
        between = ", ";
    }
    output_text("%s\n", json_is_true(json_object_get(l, "balanced"))
                            ? "  balanced"
                            : "  NOT balanced");
}

static void print_page(const json_t *s)
{
    const char *key;
    json_t *value;
    size_t i;

    print_head(s);
    json_object_foreach((json_t *)s, key, value)
    {
        if (is_group(value))
            print_group(key, value);
    }
    output_text("\n");
    json_array_foreach(json_object_get(s, "loops"), i, value) print_loop(value);
    output_text("\n");
    json_object_foreach(json_object_get(s, "ledgers"), key, value)
        print_ledger(key, value);
    json_array_foreach(json_object_get(s, "phases"), i, value)
        print_phase(value);
}

/* As the broker wrote it. */
static int print_json(const struct target *t)
{
    struct pl_buf answer = {0};
    int rc = request(t, "/status", NULL, &answer);

    if (rc == EXIT_OK && answer.len == 0) {
        complain("the answer is not a status");
        rc = EXIT_FAILED;
    } else if (rc == EXIT_OK) {
        output_line(answer.data, answer.len);
    }
    pl_buf_fini(&answer);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    json_t *status = NULL;

    (void)argc, (void)argv;
    if (output_is_json)
        return print_json(t);
    int rc = request_status(t, &status);
    if (rc == EXIT_OK)
        print_page(status);
    json_decref(status);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "show how the broker is",
    .text = "Connections, users, channels, mailboxes, loops, what was dropped "
            "and\nwhy, and whether the ledgers are balanced.  With --json "
            "everything.\n",
    .reach = REACH_ADMIN,
    .run = run,
};
