/* SPDX-License-Identifier: Apache-2.0 */
/* sub_client.c - see sub_client.h.
 *
 * Without a channel, or beside its channels, the connection gets what the
 * broker subscribed it to and what is sent to it; that is printed too. */
#include "sub_client.h"

#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "feed.h"
#include "json_lines.h"
#include "output.h"
#include "position.h"

struct subscriber {
    struct client client; /* first */
    const struct sub_wish *wish;
    struct feed *feeds;
    size_t count, living, subscribed;
    struct position from; /* of --since */
    struct pl_buf line;
};

/* --- Events --- */

static void on_connected(struct client *c, const struct plc_change *change)
{
    struct subscriber *s = (struct subscriber *)c;

    if (!s->wish->data_only) {
        s->line.len = 0;
        put_member(&s->line, "{\"connect\":{", "client", change->client);
        put_member(&s->line, ",", "version", change->version);
        pl_buf_put_span(&s->line, PL_SPAN("}}"));
        if (!output_buf(&s->line))
            client_end(c, EXIT_OK);
    }
    if (s->count == 0)
        patience_end(&c->patience);
}

static void on_message(struct client *c, struct plc_bytes data)
{
    struct subscriber *s = (struct subscriber *)c;

    s->line.len = 0;
    put_data(&s->line, "{\"push\":{\"message\":{", "data", data);
    pl_buf_put_span(&s->line, PL_SPAN("}}}"));
    if (!output_buf(&s->line))
        client_end(c, EXIT_OK);
}

static void on_publication(struct client *c, const struct plc_publication *p)
{
    struct subscriber *s = (struct subscriber *)c;

    feed_print(c, &s->line, p, s->wish->data_only);
}

static void on_ended(struct feed *f, int rc)
{
    struct subscriber *s = (struct subscriber *)f->client;

    if (--s->living == 0)
        client_end(f->client, rc);
}

/* All channels have answered: now it may take as long as it likes. */
static void on_state(struct plc_sub *sub, const struct plc_change *change,
                     void *arg)
{
    struct feed *f = arg;
    struct client *c = f->client;
    bool is_all = true;

    feed_state(sub, change, arg);
    for (size_t i = 0; i < ((struct subscriber *)c)->count; i++) {
        struct feed *other = &((struct subscriber *)c)->feeds[i];

        is_all = is_all && plc_sub_state(other->sub) != PLC_SUBSCRIBING;
    }
    if (is_all && plc_client_state(c->handle) == PLC_CONNECTED)
        patience_end(&c->patience);
}

/* --- Set up --- */

static int begin_feed(struct subscriber *s, struct feed *f)
{
    const struct sub_wish *w = s->wish;
    struct plc_sub_options o = {
        .size = sizeof o,
        .channel = f->channel,
        .since_epoch = s->from.epoch,
        .since_offset = s->from.offset,
        .flags = PLC_RECOVERABLE | (w->presence ? PLC_JOIN_LEAVE : 0) |
                 (w->since != NULL ? PLC_SINCE : 0),
        .state = on_state,
        .error = feed_error,
        .publication = feed_publication,
        .presence = w->presence ? feed_presence : NULL,
        .arg = f,
    };

    f->client = &s->client;
    f->data_only = w->data_only;
    f->history = w->since != NULL ? 0 : w->history;
    f->ended = on_ended;
    f->last = s->from.offset;
    memcpy(f->epoch, s->from.epoch, sizeof f->epoch);
    enum pl_err err = plc_subscribe(&f->sub, s->client.handle, &o);
    return err == PL_OK ? EXIT_OK : client_refuses(&s->client, f->channel, err);
}

static int begin(struct client *c)
{
    struct subscriber *s = (struct subscriber *)c;
    int rc = EXIT_OK;

    s->living = s->count;
    for (size_t i = 0; i < s->count && rc == EXIT_OK; i++)
        rc = begin_feed(s, &s->feeds[i]);
    return rc;
}

static int read_since(struct subscriber *s)
{
    const char *text = s->wish->since;

    if (text == NULL)
        return EXIT_OK;
    if (!read_position(text, &s->from))
        return usage_error("sub", "--since takes EPOCH:OFFSET, not %s", text);
    if (s->count != 1)
        return usage_error("sub", "--since needs one channel");
    return EXIT_OK;
}

int sub_as_client(const struct target *t, const struct sub_wish *wish,
                  char **channels, int count)
{
    struct subscriber s = {
        .client = {.begin = begin,
                   .connected = on_connected,
                   .message = on_message,
                   .publication = on_publication,
                   .traits = CLIENT_RECONNECTS | CLIENT_ENDS_UNREAD},
        .wish = wish,
        .count = (size_t)count,
    };
    int rc = read_since(&s);

    if (rc != EXIT_OK)
        return rc;
    s.feeds = calloc(s.count + 1, sizeof *s.feeds);
    if (s.feeds == NULL) {
        complain("out of memory");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < s.count; i++)
        s.feeds[i].channel = channels[i];
    rc = client_run(&s.client, t);
    for (size_t i = 0; i < s.count; i++)
        feed_fini(&s.feeds[i]);
    free(s.feeds);
    pl_buf_fini(&s.line);
    return rc;
}
