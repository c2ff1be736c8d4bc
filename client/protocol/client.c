/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - the object behind struct plc_client: its making, its calls that
 * change its state, and its end.
 *
 * A stop of the group lets a client flush: it disconnects when no call waits
 * for an answer any more.  plc_client_destroy() does not wait.  In both cases
 * the part has ended when the last of its links has closed.
 *
 * Invariant: after PLC_CLOSING no attempt begins. */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "client_codes.h"
#include "client_private.h"
#include "guard.h"
#include "options.h"
#include "outgoing.h"
#include "quota.h"
#include "reports.h"
#include "subs_private.h"

enum {
    TIMEOUT_MS = 5000,
    PING_SLACK_MS = 10000,
    MESSAGE_OUT = 64 * 1024,
    ARENA_MAX = 1 << 20
};

static struct plc_client *client_of(struct plc_part *p)
{
    return (struct plc_client *)p;
}

enum plc_state plc_client_state(const struct plc_client *c)
{
    return plc_client_now(c);
}

/* --- The end --- */

static bool is_flushed(const struct plc_client *c)
{
    bool is_idle = pl_list_is_empty(&c->requests.waiting) &&
                   pl_list_is_empty(&c->requests.sent) &&
                   pl_list_is_empty(&c->sends) && c->frame.len == 0;

    return is_idle ||
           (plc_client_now(c) == PLC_DISCONNECTED && c->attempt == NULL);
}

static void close_client(struct plc_client *c)
{
    c->ending = PLC_CLOSING;
    plc_attempt_lose(c, PLC_CODE_CALLED, "disconnect called", true);
    plc_requests_fail_all(&c->requests, PL_ESTOPPING, 0, true);
    plc_subs_close_all(c);
    plc_secret_drop_question(&c->secret);
}

/* The part may be freed in this turn, and its tasks with it. */
static void end_part(struct plc_client *c)
{
    pl_loop_cancel(c->loop, &c->check);
    pl_loop_cancel(c->loop, &c->send);
    plc_part_ended(&c->part);
}

static void run_check(struct pl_task *t)
{
    struct plc_client *c = PL_CONTAINER(t, struct plc_client, check);

    if (c->ending == PLC_FLUSHING && is_flushed(c))
        close_client(c);
    if (c->ending == PLC_CLOSING && pl_list_is_empty(&c->leaving))
        end_part(c);
}

static void on_request_ended(struct plc_requests *all)
{
    plc_client_check(PL_CONTAINER(all, struct plc_client, requests));
}

static void stop(struct plc_part *p, bool is_flushed_first)
{
    struct plc_client *c = client_of(p);

    if (c->ending == PLC_LIVING)
        c->ending = PLC_FLUSHING;
    if (!is_flushed_first && c->ending == PLC_FLUSHING)
        close_client(c);
    plc_client_check(c);
}

static bool cut(struct plc_part *p)
{
    struct plc_client *c = client_of(p);

    if (c->ending != PLC_CLOSING)
        close_client(c);
    bool was_cut = plc_attempt_cut(c);
    end_part(c);
    return was_cut;
}

static void resume(struct plc_part *p)
{
    struct plc_client *c = client_of(p);

    if (c->attempt != NULL && c->attempt->link != NULL)
        plc_link_pause(c->attempt->link, false);
}

/* The loop may run no more. */
static void free_client(struct plc_part *p)
{
    struct plc_client *c = client_of(p);

    plc_subs_free_all(c);
    plc_server_subs_free_all(c);
    if (c->options.release != NULL)
        c->options.release(c->options.arg);
    plc_secret_fini(&c->secret);
    plc_requests_fini(&c->requests);
    pl_map_fini(&c->names);
    pl_arena_fini(&c->arena);
    pl_arena_fini(&c->item);
    if (c->frame.data != NULL)
        explicit_bzero(c->frame.data, c->frame.cap);
    pl_buf_fini(&c->frame);
    pl_quota_destroy(p->quota);
    pl_guard_destroy(c->guard);
    plc_terms_fini(&c->terms);
    free(p->label);
    free(c);
}

static const struct plc_part_ops part_ops = {
    .stop = stop,
    .cut = cut,
    .resume = resume,
    .free = free_client,
};

/* --- Making one --- */

/* NULL after it: there was none, or no memory. */
static void copy_text(struct plc_terms *t, const char **text)
{
    if (*text != NULL)
        *text = plc_terms_copy(t, pl_span_of(*text));
}

/* Let the options point to copies of ours. */
static enum pl_err copy_options(struct plc_client *c,
                                const struct plc_client_options *given)
{
    struct plc_client_options *o = &c->options;
    struct pl_span data = {given->data.at, given->data.len};

    copy_text(&c->terms, &o->url);
    copy_text(&c->terms, &o->name);
    copy_text(&c->terms, &o->version);
    if (o->data.at != NULL)
        o->data.at = plc_terms_copy(&c->terms, data);
    o->link = NULL;
    if (o->url == NULL || (given->name != NULL && o->name == NULL) ||
        (given->version != NULL && o->version == NULL) ||
        (given->data.at != NULL && o->data.at == NULL))
        return PL_ENOMEM;
    if (given->token != NULL) {
        plc_secret_set(&c->secret, given->token);
        if (c->secret.text == NULL)
            return PL_ENOMEM;
    }
    o->token = NULL;
    if (given->label == NULL)
        return PL_OK;
    c->part.label = strdup(given->label);
    return c->part.label == NULL ? PL_ENOMEM : PL_OK;
}

static void fill_defaults(struct plc_client_options *o)
{
    if (o->timeout_ms == 0)
        o->timeout_ms = TIMEOUT_MS;
    plc_backoff_defaults(&o->backoff_min_ms, &o->backoff_max_ms);
    if (o->ping_slack_ms == 0)
        o->ping_slack_ms = PING_SLACK_MS;
}

static void init(struct plc_client *c, struct plc_group *g)
{
    c->part.ops = &part_ops;
    c->loop = plc_group_loop(g);
    c->links = plc_group_links(g);
    c->events = plc_group_events(g);
    c->counts = plc_group_counts(g);
    c->send.run = plc_client_run_send;
    c->check.run = run_check;
    c->arena.limit = c->item.limit = ARENA_MAX;
    pl_list_init(&c->leaving);
    pl_list_init(&c->sends);
    pl_list_init(&c->subs);
    pl_list_init(&c->server_subs.all);
    plc_requests_init(&c->requests, c->loop, on_request_ended);
    plc_attempt_init(c);
    plc_report_init(c);
}

static enum pl_err set_up(struct plc_client *c, struct plc_group *g,
                          const struct plc_client_options *given)
{
    const struct plc_terms_defaults defaults = {
        .message_out = MESSAGE_OUT,
        .has_many_urls = true,
        .tls_pool = plc_group_links(g)->tls_pool,
    };
    char why[PLC_TERMS_WHY_SIZE];
    enum pl_err rc = plc_terms_init(&c->terms, c->options.url, c->options.link,
                                    &defaults, why);

    if (rc == PL_EINVAL)
        plc_group_log(g, PLC_ERROR, "%s", why);
    if (rc == PL_OK)
        rc = copy_options(c, given);
    if (rc == PL_OK)
        rc = pl_guard_create(&c->guard);
    if (rc == PL_OK)
        rc = pl_quota_create(&c->part.quota, c->terms.queue_messages,
                             c->terms.queue_bytes);
    c->encoding = (c->terms.flags & PLC_PROTOBUF) != 0 ? PL_ENCODING_PROTOBUF
                                                       : PL_ENCODING_JSON;
    for (size_t i = 0; i < c->terms.url_count; i++)
        if (c->encoding == PL_ENCODING_PROTOBUF)
            c->terms.urls[i].opening.protocols =
                pl_span_of("centrifuge-protobuf");
    return rc;
}

enum pl_err plc_client_create(struct plc_client **out, struct plc_group *g,
                              const struct plc_client_options *options)
{
    struct plc_client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return PL_ENOMEM;
    init(c, g);
    enum pl_err rc = plc_options_copy(&c->options, sizeof c->options, options);
    if (rc != PL_OK) {
        free(c);
        return rc;
    }
    struct plc_client_options given = c->options;
    fill_defaults(&c->options);
    rc = set_up(c, g, &given);
    if (rc == PL_OK)
        rc = plc_part_add(g, &c->part);
    if (rc == PL_OK) {
        *out = c;
        return PL_OK;
    }
    c->options.release = NULL; /* nothing was accepted */
    free_client(&c->part);
    return rc;
}

/* --- Calls --- */

struct order {
    struct plc_mail mail; /* first */
    char *token;
};

static void destroy_order(struct pl_msg *msg)
{
    struct order *o = (struct order *)msg;

    if (o->token != NULL)
        explicit_bzero(o->token, strlen(o->token));
    free(o->token);
    free(o);
}

static void handle_connect(struct plc_mail *m)
{
    struct plc_client *c = client_of(m->part);

    if (plc_client_now(c) == PLC_DISCONNECTED && c->ending == PLC_LIVING) {
        c->is_over = false;
        c->attempts = 0;
        pl_cell_set(&c->state, PLC_CONNECTING);
        plc_report_state(c, &(struct plc_change){.from = PLC_DISCONNECTED,
                                                 .to = PLC_CONNECTING,
                                                 .reason = "connect called"});
        plc_attempt_begin(c);
    }
    m->event.msg.destroy(&m->event.msg);
}

static void handle_disconnect(struct plc_mail *m)
{
    struct plc_client *c = client_of(m->part);

    c->ends++;
    plc_subs_take_back_all(c);
    plc_server_subs_take_back_all(c);
    plc_attempt_lose(c, PLC_CODE_CALLED, "disconnect called", true);
    m->event.msg.destroy(&m->event.msg);
}

static void handle_token(struct plc_mail *m)
{
    struct plc_client *c = client_of(m->part);

    plc_secret_set(&c->secret, ((struct order *)m)->token);
    m->event.msg.destroy(&m->event.msg);
}

static enum pl_err post_order(struct plc_client *c,
                              void (*handle)(struct plc_mail *),
                              const char *token)
{
    struct order *o = calloc(1, sizeof *o);
    enum pl_err rc = o == NULL ? PL_ENOMEM : PL_OK;

    if (rc == PL_OK && token != NULL) {
        o->token = strdup(token);
        rc = o->token == NULL ? PL_ENOMEM : PL_OK;
    }
    if (rc == PL_OK) {
        o->mail.event.msg.destroy = destroy_order;
        o->mail.part = &c->part;
        o->mail.handle = handle;
        rc = plc_part_post(&o->mail);
    }
    if (rc != PL_OK && o != NULL)
        destroy_order(&o->mail.event.msg);
    return rc;
}

enum pl_err plc_client_connect(struct plc_client *c)
{
    return post_order(c, handle_connect, NULL);
}

enum pl_err plc_client_disconnect(struct plc_client *c)
{
    /* From here on no publication is delivered, whenever the loop does its
     * part. */
    pl_cell_add(&c->ends_called, 1);
    enum pl_err rc = post_order(c, handle_disconnect, NULL);
    if (rc != PL_OK)
        pl_cell_add(&c->ends_called, (uint64_t)-1);
    return rc;
}

enum pl_err plc_client_set_token(struct plc_client *c, const char *token)
{
    return token == NULL ? PL_EINVAL : post_order(c, handle_token, token);
}

void plc_client_destroy(struct plc_client *c)
{
    if (c != NULL)
        plc_part_drop(&c->part);
}
