/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_presence.c - parley presence: who is subscribed to a channel. */
#include "ask.h"
#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "result.h"

static bool is_stats;

static const struct opt options[] = {
    {"stats", 0, NULL, OPT_FLAG, &is_stats, "only how many", NULL}, {0}};

static void print_stats(uint64_t clients, uint64_t users)
{
    output_text(output_is_json ? "{\"num_clients\":%llu,\"num_users\":%llu}\n"
                               : "%llu clients, %llu users\n",
                (unsigned long long)clients, (unsigned long long)users);
}

/* {"user":"...","client":"..."} */
static bool print_one(struct pl_span info)
{
    struct pl_buf row = {0};

    if (output_is_json)
        return output_line(info.at, info.len);
    put_columns(&row, info, (const char *const[]){"client", "user", NULL});
    bool is_out = print_row(&row);
    pl_buf_fini(&row);
    return is_out;
}

/* --- As a client --- */

struct presence {
    struct ask ask; /* first */
    const char *channel;
};

static enum pl_err call(struct ask *a)
{
    return plc_presence(a->client.handle, ((struct presence *)a)->channel,
                        is_stats, ask_done, a);
}

static void answer(struct ask *a, const struct plc_result *r)
{
    struct pl_buf info = {0};

    (void)a;
    if (is_stats)
        print_stats(r->num_clients, r->num_users);
    for (size_t i = 0; i < r->present_count; i++) {
        info.len = 0;
        put_info(&info, r->present[i]);
        print_one(pl_buf_span(&info));
    }
    pl_buf_fini(&info);
}

/* --- Through the server API --- */

static uint64_t number(struct pl_span result, const char *name)
{
    struct pl_span value;

    return json_find(result, name, &value) ? json_number(value) : 0;
}

static bool on_member(struct pl_span key, struct pl_span value, void *arg)
{
    (void)key, (void)arg;
    return print_one(value);
}

static int ask_api(const struct target *t, const char *channel)
{
    struct pl_buf body = {0}, answer_buf = {0};
    struct pl_span result, present;

    put_member(&body, "{", "channel", channel);
    pl_buf_put_byte(&body, '}');
    int rc = request_result(t, is_stats ? "presence_stats" : "presence", &body,
                            &answer_buf, &result);
    if (rc == EXIT_OK && is_stats)
        print_stats(number(result, "num_clients"), number(result, "num_users"));
    else if (rc == EXIT_OK && json_find(result, "presence", &present))
        json_members(present, on_member, NULL);
    pl_buf_fini(&body);
    pl_buf_fini(&answer_buf);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    struct presence p = {
        .ask = {.what = argv[0], .call = call, .answer = answer},
        .channel = argv[0]};

    (void)argc;
    return t->is_client ? ask_run(&p.ask, t) : ask_api(t, argv[0]);
}

const struct command command_presence = {
    .name = "presence",
    .arguments = "CHANNEL",
    .summary = "print who is subscribed to a channel",
    .text = "A line for each connection: its client id and its user.\n",
    .options = options,
    .reach = REACH_ADMIN | REACH_CLIENT,
    .least = 1,
    .most = 1,
    .run = run,
};
