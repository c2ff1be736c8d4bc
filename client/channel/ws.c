/* SPDX-License-Identifier: Apache-2.0 */
/* ws.c - plain WebSocket channels: struct plc_ws.
 *
 * A channel opens when the program opens it or sends something, and again with
 * the first send after a close.  Sends wait until it is open and then go into
 * the output of the link at once, in their order.  A send is complete when the
 * kernel has its last byte.
 *
 * Each open() is followed by one closed(), and an attempt that does not open by
 * one failed(): both come from one place, the end of the link.  Their memory is
 * taken before the attempt begins: with the call that opens, where its error is
 * PL_ENOMEM, or when a send opens, which then ends as PLC_NOT_SENT.  A message
 * for which there is no memory ends the connection.
 *
 * Rejected: a queue of messages beside the output of the link.  It would keep
 * the same bytes in another order of allocation, and each needs its bound.
 *
 * Invariant: a send is in `waiting` only while the link is not open; what is in
 * `sent` ends in the order of its positions. */
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "group.h"
#include "link.h"
#include "loop.h"
#include "options.h"
#include "quota.h"
#include "terms.h"
#include "utf8.h"
#include "ws_reports.h"

enum {
    MESSAGE_OUT = 16 << 20,
    PONG_MS = 10000,
    CLOSE_MS = 1000,
    PARTS_MAX = 1024,
    CONTROL_MAX = 125,
    CODE_NORMAL = 1000,
    CODE_ABNORMAL = 1006
};

struct plc_ws {
    struct plc_part part; /* first */
    struct plc_ws_options options;
    struct plc_terms terms;
    struct pl_loop *loop;
    struct plc_links *links;
    struct plc_events *events;
    uint64_t *counts;
    struct pl_cell state; /* enum plc_ws_state; any thread */
    /* The loop's. */
    struct plc_link_conn *link;   /* owned; NULL: none */
    struct plc_ws_life life;      /* of the link */
    struct pl_list waiting, sent; /* of struct ws_send */
    bool is_ending;
};

/* From the call to the completion, which is its event. */
struct ws_send {
    struct plc_mail mail; /* first */
    struct plc_ws *ws;
    struct pl_list link;
    uint64_t from, to; /* positions of its bytes in the output */
    plc_done *done;
    void *arg;
    struct plc_result result;
    enum plc_kind kind;
    size_t share;           /* bytes of the quota */
    size_t count;           /* of parts */
    struct pl_span parts[]; /* and their bytes behind them */
};

static struct plc_ws *ws_of(struct plc_part *p)
{
    return (struct plc_ws *)p;
}

enum plc_ws_state plc_ws_state(const struct plc_ws *w)
{
    return (enum plc_ws_state)pl_cell_get(&w->state);
}

/* --- Completions --- */

static void run_done(struct plc_event *e)
{
    struct ws_send *s = (struct ws_send *)e;

    if (s->done != NULL)
        s->done(&s->result, s->arg);
}

static void destroy_send(struct pl_msg *msg)
{
    struct ws_send *s = (struct ws_send *)msg;

    pl_quota_return(s->ws->part.quota, s->share);
    free(s);
}

/* The only place where a send ends. */
static void complete(struct ws_send *s, enum plc_outcome outcome,
                     enum pl_err err)
{
    struct plc_ws *w = s->ws;

    pl_list_remove(&s->link);
    s->result.outcome = outcome;
    s->result.err = err;
    plc_part_count_ended(&w->part, outcome, s->share);
    s->mail.event.run = run_done;
    s->mail.event.size = s->share;
    plc_events_put(w->events, &s->mail.event);
}

static void complete_taken(struct plc_ws *w, uint64_t taken)
{
    while (!pl_list_is_empty(&w->sent)) {
        struct ws_send *s = PL_CONTAINER(w->sent.next, struct ws_send, link);

        if (s->to > taken)
            return;
        complete(s, PLC_DONE, PL_OK);
    }
}

/* The link is over, and the kernel has taken the bytes before `taken`. */
static void complete_rest(struct plc_ws *w, uint64_t taken, enum pl_err err)
{
    complete_taken(w, taken);
    while (!pl_list_is_empty(&w->sent)) {
        struct ws_send *s = PL_CONTAINER(w->sent.next, struct ws_send, link);

        complete(s, taken > s->from ? PLC_UNKNOWN : PLC_NOT_SENT, err);
    }
    while (!pl_list_is_empty(&w->waiting))
        complete(PL_CONTAINER(w->waiting.next, struct ws_send, link),
                 PLC_NOT_SENT, err);
}

/* --- The link --- */

static uint64_t taken_of(const struct plc_ws *w)
{
    return w->link == NULL
               ? 0
               : plc_link_written(w->link) - plc_link_waiting(w->link);
}

/* The only place where an attempt and a connection end. */
static void end_link(struct plc_ws *w, const struct plc_link_end *end)
{
    uint64_t taken = taken_of(w);

    if (w->link != NULL)
        plc_link_destroy(w->link);
    w->link = NULL;
    if (end->was_open)
        w->counts[PLC_COUNT_OPEN]--;
    pl_cell_set(&w->state, PLC_WS_CLOSED);
    complete_rest(w, taken, end->err == PL_OK ? PL_ECLOSED : end->err);
    plc_ws_report_end(&w->life, end);
    if (!end->was_open)
        plc_part_result(&w->part, end->err, end->why);
    if (w->is_ending)
        plc_part_ended(&w->part);
}

static void lose_message(struct plc_ws *w)
{
    static const struct plc_link_end end = {
        .was_open = true,
        .err = PL_ENOMEM,
        .code = CODE_ABNORMAL,
        .why = "out of memory: a message is lost",
    };

    w->counts[PLC_COUNT_EVENTS_LOST]++;
    end_link(w, &end);
}

static void send_now(struct plc_ws *w, struct ws_send *s)
{
    s->from = plc_link_written(w->link);
    if (!plc_link_send(w->link, (enum pl_ws_opcode)s->kind, s->parts,
                       s->count)) {
        complete(s, PLC_NOT_SENT, PL_ENOMEM);
        return;
    }
    s->to = plc_link_written(w->link);
    pl_list_remove(&s->link);
    pl_list_append(&w->sent, &s->link);
}

static void on_opened(void *user, struct pl_span protocol)
{
    struct plc_ws *w = user;

    pl_cell_set(&w->state, PLC_WS_OPEN);
    w->counts[PLC_COUNT_OPEN]++;
    plc_part_result(&w->part, PL_OK, "open");
    plc_ws_report_open(&w->life, protocol);
    while (!pl_list_is_empty(&w->waiting))
        send_now(w, PL_CONTAINER(w->waiting.next, struct ws_send, link));
}

static void on_message(void *user, enum pl_ws_opcode opcode,
                       struct pl_span payload)
{
    struct plc_ws *w = user;

    if (opcode != PL_WS_PING &&
        !plc_ws_report_message(w, (enum plc_kind)opcode, payload))
        lose_message(w);
    else if (plc_events_is_full(w->events))
        plc_link_pause(w->link, true);
}

static void on_sent(void *user, uint64_t position)
{
    complete_taken(user, position);
}

static void on_closed(void *user, const struct plc_link_end *end)
{
    end_link(user, end);
}

static const struct plc_link_user link_calls = {
    .opened = on_opened,
    .message = on_message,
    .sent = on_sent,
    .closed = on_closed,
};

/* Likewise false while it is closing. */
static bool may_open(const struct plc_ws *w)
{
    return !w->is_ending && w->link == NULL;
}

/* w->life is set. */
static void open_link(struct plc_ws *w)
{
    struct plc_link_end end = {.was_open = false};

    pl_cell_set(&w->state, PLC_WS_CONNECTING);
    end.err =
        plc_link_open(&w->link, w->links, &w->terms.urls[0], &link_calls, w);
    end.why = pl_err_text(end.err);
    if (end.err != PL_OK)
        end_link(w, &end);
}

static void close_link(struct plc_ws *w, uint16_t code, struct pl_span reason)
{
    if (w->link == NULL)
        return;
    if (plc_ws_state(w) == PLC_WS_OPEN)
        pl_cell_set(&w->state, PLC_WS_CLOSING);
    plc_link_close(w->link, code == 0 ? CODE_NORMAL : code, reason);
}

/* --- The part --- */

static void stop(struct plc_part *p, bool is_flushed)
{
    struct plc_ws *w = ws_of(p);

    (void)is_flushed; /* a Close goes after all that was sent */
    w->is_ending = true;
    if (w->link != NULL)
        close_link(w, 0, (struct pl_span){NULL, 0});
    else
        plc_part_ended(p);
}

static bool was_open(const struct plc_ws *w)
{
    return plc_ws_state(w) == PLC_WS_OPEN || plc_ws_state(w) == PLC_WS_CLOSING;
}

static bool cut(struct plc_part *p)
{
    struct plc_ws *w = ws_of(p);
    struct plc_link_end end = {
        .was_open = was_open(w),
        .err = PL_ESTOPPING,
        .code = CODE_ABNORMAL,
        .why = "cut by a stop",
    };
    bool was_cut = w->link != NULL;

    w->is_ending = true;
    if (was_cut)
        end_link(w, &end);
    plc_part_ended(p);
    return was_cut;
}

static void resume(struct plc_part *p)
{
    if (ws_of(p)->link != NULL)
        plc_link_pause(ws_of(p)->link, false);
}

static void free_ws(struct plc_part *p)
{
    struct plc_ws *w = ws_of(p);

    plc_ws_life_fini(&w->life);
    if (w->options.release != NULL)
        w->options.release(w->options.arg);
    pl_quota_destroy(p->quota);
    plc_terms_fini(&w->terms);
    free(p->label);
    free(w);
}

static const struct plc_part_ops part_ops = {
    .stop = stop,
    .cut = cut,
    .resume = resume,
    .free = free_ws,
};

/* --- Making one --- */

static enum pl_err set_up(struct plc_ws *w, struct plc_group *g)
{
    const struct plc_terms_defaults defaults = {
        .message_out = MESSAGE_OUT, .tls_pool = plc_group_links(g)->tls_pool};
    struct plc_ws_options *o = &w->options;
    char why[PLC_TERMS_WHY_SIZE];
    enum pl_err rc = plc_terms_init(&w->terms, o->url, o->link, &defaults, why);

    if (rc == PL_EINVAL)
        plc_group_log(g, PLC_ERROR, "%s", why);
    if (rc != PL_OK)
        return rc;
    struct plc_link_terms *t = &w->terms.urls[0];
    t->ping_ms = o->ping_ms;
    t->pong_ms = o->pong_ms == 0 ? PONG_MS : o->pong_ms;
    t->idle_ms = o->idle_ms;
    t->close_ms = o->close_ms == 0 ? CLOSE_MS : o->close_ms;
    if (o->label != NULL) {
        w->part.label = strdup(o->label);
        if (w->part.label == NULL)
            return PL_ENOMEM;
    }
    o->url = o->label = NULL;
    o->link = NULL;
    return pl_quota_create(&w->part.quota, w->terms.queue_messages,
                           w->terms.queue_bytes);
}

enum pl_err plc_ws_create(struct plc_ws **out, struct plc_group *g,
                          const struct plc_ws_options *options)
{
    struct plc_ws *w = calloc(1, sizeof *w);

    if (w == NULL)
        return PL_ENOMEM;
    w->part.ops = &part_ops;
    w->loop = plc_group_loop(g);
    w->links = plc_group_links(g);
    w->events = plc_group_events(g);
    w->counts = plc_group_counts(g);
    pl_cell_set(&w->state, PLC_WS_CLOSED);
    pl_list_init(&w->waiting);
    pl_list_init(&w->sent);
    enum pl_err rc = plc_options_copy(&w->options, sizeof w->options, options);
    if (rc == PL_OK)
        rc = set_up(w, g);
    if (rc == PL_OK)
        rc = plc_part_add(g, &w->part);
    if (rc == PL_OK) {
        *out = w;
        return PL_OK;
    }
    w->options.release = NULL; /* nothing was accepted */
    free_ws(&w->part);
    return rc;
}

void plc_ws_destroy(struct plc_ws *w)
{
    if (w != NULL)
        plc_part_drop(&w->part);
}

/* --- Calls --- */

struct order {
    struct plc_mail mail;    /* first */
    struct plc_ws_life life; /* of an open */
    uint16_t code;
    char reason[124];
};

static void destroy_order(struct pl_msg *msg)
{
    plc_ws_life_fini(&((struct order *)msg)->life);
    free(msg);
}

static void handle_open(struct plc_mail *m)
{
    struct order *o = (struct order *)m;
    struct plc_ws *w = ws_of(m->part);

    if (may_open(w)) {
        w->life = o->life;
        o->life = (struct plc_ws_life){0};
        open_link(w);
    }
    destroy_order(&m->event.msg);
}

static void handle_close(struct plc_mail *m)
{
    struct order *o = (struct order *)m;

    close_link(ws_of(m->part), o->code, pl_span_of(o->reason));
    destroy_order(&m->event.msg);
}

static struct order *create_order(struct plc_ws *w,
                                  void (*handle)(struct plc_mail *))
{
    struct order *o = calloc(1, sizeof *o);

    if (o == NULL)
        return NULL;
    o->mail.event.msg.destroy = destroy_order;
    o->mail.part = &w->part;
    o->mail.handle = handle;
    return o;
}

static enum pl_err post_order(struct order *o)
{
    enum pl_err rc = plc_part_post(&o->mail);

    if (rc != PL_OK)
        destroy_order(&o->mail.event.msg);
    return rc;
}

static enum pl_err begin_life(struct plc_ws *w, struct plc_ws_life *life)
{
    return plc_ws_life_init(life, w, w->terms.urls[0].opening.protocols.len);
}

enum pl_err plc_ws_open(struct plc_ws *w)
{
    struct order *o = create_order(w, handle_open);

    if (o == NULL)
        return PL_ENOMEM;
    enum pl_err rc = begin_life(w, &o->life);
    if (rc == PL_OK)
        return post_order(o);
    destroy_order(&o->mail.event.msg);
    return rc;
}

/* RFC 6455 section 7.4: codes that may be sent. */
static bool is_code(uint16_t code)
{
    return code == 0 || (code >= 1000 && code <= 1003) ||
           (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

enum pl_err plc_ws_close(struct plc_ws *w, uint16_t code, const char *reason)
{
    if (!is_code(code) || (reason != NULL && strlen(reason) > 123) ||
        (reason != NULL && !pl_utf8_is_valid(pl_span_of(reason))))
        return PL_EINVAL;
    struct order *o = create_order(w, handle_close);
    if (o == NULL)
        return PL_ENOMEM;
    o->code = code;
    if (reason != NULL)
        strncpy(o->reason, reason, sizeof o->reason - 1);
    return post_order(o);
}

static void handle_send(struct plc_mail *m)
{
    struct ws_send *s = (struct ws_send *)m;
    struct plc_ws *w = s->ws;

    plc_part_count_accepted(&w->part, s->share);
    pl_list_append(&w->waiting, &s->link);
    if (w->is_ending)
        complete(s, PLC_NOT_SENT, PL_ESTOPPING);
    else if (was_open(w) && plc_link_is_open(w->link))
        send_now(w, s);
    else if (was_open(w)) /* the link closes, perhaps by itself */
        complete(s, PLC_NOT_SENT, PL_ECLOSED);
    else if (!may_open(w))
        return; /* it is opening */
    else if (begin_life(w, &w->life) == PL_OK)
        open_link(w);
    else
        complete(s, PLC_NOT_SENT, PL_ENOMEM);
}

/* The text of all parts together must be UTF-8. */
static enum pl_err check(const struct plc_ws *w, enum plc_kind kind,
                         const struct plc_bytes *parts, size_t count,
                         size_t *total)
{
    struct pl_utf8 utf8 = {0};

    *total = 0;
    if (count > PARTS_MAX)
        return PL_ETOOBIG;
    for (size_t i = 0; i < count; i++) {
        struct pl_span part = {parts[i].at, parts[i].len};

        if (part.len > w->terms.message_out - *total)
            return PL_ETOOBIG;
        *total += part.len;
        if (kind == PLC_TEXT && !pl_utf8_feed(&utf8, part))
            return PL_EINVAL;
    }
    if (kind == PLC_TEXT)
        return pl_utf8_is_complete(&utf8) ? PL_OK : PL_EINVAL;
    if (kind == PLC_BINARY)
        return PL_OK;
    if (kind != PLC_PING && kind != PLC_PONG)
        return PL_EINVAL;
    return count > 1 ? PL_EINVAL : *total > CONTROL_MAX ? PL_ETOOBIG : PL_OK;
}

static struct ws_send *create_send(struct plc_ws *w, enum plc_kind kind,
                                   const struct plc_bytes *parts, size_t count,
                                   size_t total)
{
    size_t head = sizeof(struct ws_send) + count * sizeof(struct pl_span);
    struct ws_send *s = malloc(head + total);

    if (s == NULL)
        return NULL;
    memset(s, 0, head);
    char *at = (char *)s + head;
    for (size_t i = 0; i < count; i++) {
        s->parts[i] = (struct pl_span){at, parts[i].len};
        if (parts[i].len > 0)
            memcpy(at, parts[i].at, parts[i].len);
        at += parts[i].len;
    }
    s->mail.event.msg.destroy = destroy_send;
    s->mail.part = &w->part;
    s->mail.handle = handle_send;
    s->ws = w;
    s->kind = kind;
    s->count = count;
    s->share = head + total;
    return s;
}

enum pl_err plc_ws_send(struct plc_ws *w, enum plc_kind kind,
                        const struct plc_bytes *parts, size_t count,
                        plc_done *done, void *arg)
{
    size_t total;
    enum pl_err rc = check(w, kind, parts, count, &total);
    struct ws_send *s = NULL;

    if (rc == PL_OK) {
        s = create_send(w, kind, parts, count, total);
        rc = s == NULL ? PL_ENOMEM : PL_OK;
    }
    if (rc == PL_OK) {
        s->done = done;
        s->arg = arg;
        rc = plc_part_post_call(&s->mail, s->share, w->terms.full_wait_ms);
    }
    if (rc != PL_OK) {
        free(s);
        plc_group_turn_away(w->part.group);
    }
    return rc;
}

/* --- Reports --- */

const struct plc_ws_options *plc_ws_calls(const struct plc_ws *w)
{
    return &w->options;
}

struct plc_events *plc_ws_events(const struct plc_ws *w)
{
    return w->events;
}
