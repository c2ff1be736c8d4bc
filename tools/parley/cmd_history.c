/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_history.c - parley history: print what was published.
 *
 * The broker cuts long answers to clients, so as a client this asks on from the
 * last offset until it has all.
 *
 * Invariant: each publication is printed once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "commands.h"
#include "json_lines.h"
#include "output.h"
#include "position.h"
#include "result.h"

static int64_t limit = -1;
static const char *since;
static bool is_reverse;

static const struct opt options[] = {
    {"limit", 0, "N", OPT_NUMBER, &limit,
     "at most N publications; 0 prints the position alone", NULL},
    {"since", 0, "EPOCH:OFFSET", OPT_TEXT, &since,
     "those after this position, with --reverse before it", NULL},
    {"reverse", 0, NULL, OPT_FLAG, &is_reverse, "the newest first", NULL},
    {0}};

static void print_position(const char *epoch, size_t len, uint64_t offset)
{
    struct pl_buf line = {0};

    pl_buf_put_span(&line, PL_SPAN("{\"epoch\":"));
    put_string(&line, (struct pl_span){epoch, len});
    pl_buf_printf(&line, ",\"offset\":%" PRIu64 "}", offset);
    output_buf(&line);
    pl_buf_fini(&line);
}

/* --- As a client --- */

struct history {
    struct ask ask; /* first */
    const char *channel;
    struct position from;
    bool has_from;
};

static enum pl_err call(struct ask *a)
{
    struct history *h = (struct history *)a;

    return plc_history(a->client.handle, h->channel, (int32_t)limit,
                       h->has_from ? h->from.epoch : NULL, h->from.offset,
                       is_reverse, ask_done, a);
}

static void answer(struct ask *a, const struct plc_result *r)
{
    struct history *h = (struct history *)a;
    struct pl_buf line = {0};
    uint64_t last = h->from.offset;
    bool is_out = true;

    if (limit == 0)
        print_position(r->epoch, strlen(r->epoch), r->offset);
    for (size_t i = 0; i < r->publication_count && is_out; i++) {
        put_publication(&line, r->publications[i]);
        last = r->publications[i]->offset;
        is_out = output_buf(&line);
    }
    pl_buf_fini(&line);
    a->stays = false;
    if (limit >= 0 || is_reverse || !is_out || last >= r->offset ||
        last <= h->from.offset)
        return;
    h->has_from = true;
    h->from.offset = last;
    snprintf(h->from.epoch, sizeof h->from.epoch, "%s", r->epoch);
    ask_again(a);
}

/* --- Through the server API --- */

static void put_body(struct pl_buf *b, const char *channel,
                     const struct position *from)
{
    put_member(b, "{", "channel", channel);
    pl_buf_printf(b, ",\"limit\":%" PRId64 ",\"reverse\":%s", limit,
                  is_reverse ? "true" : "false");
    if (since != NULL) {
        pl_buf_printf(b, ",\"since\":{\"offset\":%" PRIu64, from->offset);
        put_member(b, ",", "epoch", from->epoch);
        pl_buf_put_byte(b, '}');
    }
    pl_buf_put_byte(b, '}');
}

static bool on_item(struct pl_span item, void *arg)
{
    (void)arg;
    return output_line(item.at, item.len);
}

static void print_result(struct pl_span result)
{
    struct pl_span list, epoch, offset;

    if (limit == 0 && json_find(result, "epoch", &epoch) &&
        json_find(result, "offset", &offset) && epoch.len >= 2)
        print_position(epoch.at + 1, epoch.len - 2, json_number(offset));
    if (json_find(result, "publications", &list))
        json_items(list, on_item, NULL);
}

static int ask_api(const struct target *t, const char *channel,
                   const struct position *from)
{
    struct pl_buf body = {0}, answer_buf = {0};
    struct pl_span result;

    put_body(&body, channel, from);
    int rc = request_result(t, "history", &body, &answer_buf, &result);
    if (rc == EXIT_OK)
        print_result(result);
    pl_buf_fini(&body);
    pl_buf_fini(&answer_buf);
    return rc;
}

static int run(struct target *t, int argc, char **argv)
{
    struct history h = {
        .ask = {.what = argv[0], .call = call, .answer = answer},
        .channel = argv[0],
        .has_from = since != NULL};

    (void)argc;
    if (since != NULL && !read_position(since, &h.from))
        return usage_error("history", "--since takes EPOCH:OFFSET, not %s",
                           since);
    return t->is_client ? ask_run(&h.ask, t) : ask_api(t, argv[0], &h.from);
}

const struct command command_history = {
    .name = "history",
    .arguments = "CHANNEL",
    .summary = "print what was published, a line of JSON each",
    .options = options,
    .reach = REACH_ADMIN | REACH_CLIENT,
    .least = 1,
    .most = 1,
    .run = run,
};
