/* SPDX-License-Identifier: Apache-2.0 */
/* pub_client.c - see pub_client.h.
 *
 * A window of calls waits for answers, and stdin is read only while it has
 * space, so a slow broker slows the reading.  The first failure ends the
 * reading; what is in transit is awaited, so that the number in the end is the
 * truth.  A line of which no answer came is not sent again: it may have
 * arrived.
 *
 * Invariant: patience runs while, and only while, an answer is due. */
#include "pub_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "data.h"
#include "lines.h"
#include "output.h"

enum { WINDOW = 1000 };

struct publisher {
    struct client client; /* first */
    const char *channel;
    const struct pl_buf *data; /* NULL: the lines of stdin */
    struct lines lines;
    struct pace pace;
    struct pl_buf converted;
    unsigned pending;
    uint64_t done, number; /* of lines, also empty ones */
    int rc;                /* of the first failure */
};

void print_published(uint64_t count)
{
    if (output_is_json)
        output_text("{\"published\":%" PRIu64 "}\n", count);
    else
        output_text("published %" PRIu64 "\n", count);
}

static void pump(struct publisher *p);

static void on_done(const struct plc_result *r, void *arg)
{
    struct publisher *p = arg;
    struct client *c = &p->client;

    p->pending--;
    p->done += r->outcome == PLC_DONE;
    if (c->is_over)
        return;
    patience_extend(&c->patience, c->target->timeout_ms);
    if (p->rc == EXIT_OK)
        p->rc = client_judge(c, p->channel, r);
    pump(p);
}

static void publish(struct publisher *p, struct pl_span data)
{
    struct client *c = &p->client;

    if (p->pending == 0 && c->was_connected)
        patience_begin(&c->patience, c->target->timeout_ms,
                       "the answer of %s to a publication",
                       target_name(c->target));
    enum pl_err err =
        plc_publish(c->handle, p->channel, data.at, data.len, on_done, p);
    if (err == PL_OK) {
        p->pending++;
        p->pace.sent++;
    } else {
        p->rc = client_refuses(c, p->channel, err);
    }
}

static void publish_line(struct publisher *p, struct pl_span line)
{
    char name[48];

    p->number++;
    if (line.len == 0 && !data_is_string && !data_is_binary)
        return; /* no JSON, and no mistake */
    snprintf(name, sizeof name, "line %" PRIu64, p->number);
    p->converted.len = 0;
    int rc = data_convert(&p->converted, line, name);
    if (rc != EXIT_OK) {
        p->rc = rc;
        return;
    }
    publish(p, pl_buf_span(&p->converted));
}

/* Send what may be sent, and say for what the loop has to wait. */
static void pump(struct publisher *p)
{
    struct client *c = &p->client;
    unsigned allowed = pace_allows(&p->pace, WINDOW - p->pending);
    struct pl_span line;
    bool has_line = true;

    while (allowed-- > 0 && p->rc == EXIT_OK &&
           (has_line = lines_next(&p->lines, &line)))
        publish_line(p, line);
    bool is_done = p->rc != EXIT_OK || lines_are_done(&p->lines);
    c->wants_input = !is_done && !has_line && !p->lines.is_end;
    c->wake_ms = 0;
    if (!is_done && has_line && p->pending < WINDOW)
        c->wake_ms = now_ms() + pace_wait_ms(&p->pace);
    if (p->pending == 0)
        patience_end(&c->patience);
    if (p->lines.error != 0)
        client_fail(c, EXIT_FAILED, "cannot read stdin: %s",
                    strerror(p->lines.error));
    if (is_done && p->pending == 0)
        client_end(c, p->rc);
}

static void step(struct client *c)
{
    struct publisher *p = (struct publisher *)c;

    if (c->wants_input)
        lines_read(&p->lines);
    pump(p);
}

static void on_connected(struct client *c, const struct plc_change *change)
{
    (void)change;
    pump((struct publisher *)c);
}

static int begin(struct client *c)
{
    struct publisher *p = (struct publisher *)c;

    if (p->data != NULL)
        publish(p, pl_buf_span(p->data));
    else
        data_ask_terminal();
    return p->rc;
}

int pub_as_client(const struct target *t, const char *channel,
                  const struct pl_buf *data, int64_t rate)
{
    struct publisher p = {
        .client = {.begin = begin,
                   .connected = on_connected,
                   .step = step,
                   .input = STDIN_FILENO,
                   .traits = CLIENT_IS_UNHURRIED |
                             (data == NULL ? CLIENT_RECONNECTS : 0u)},
        .channel = channel,
        .data = data,
        .lines = {.is_end = data != NULL},
        .pace = {.rate = rate},
    };
    int rc = client_run(&p.client, t);

    if (data != NULL && rc == EXIT_OK)
        output_text(output_is_json ? "{\"published\":1}\n" : "published\n");
    else if (data == NULL && p.client.was_connected)
        print_published(p.done);
    lines_fini(&p.lines);
    pl_buf_fini(&p.converted);
    return rc;
}
